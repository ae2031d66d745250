/** What speaks against the keys of a changed file: a node that would not be heard, or not hear, any more. */
import type { KeysRequest, KeysStatus } from "../control_keys.ts";
import { AvailError } from "../errors.ts";
import { checkOf, type KeyRing } from "../wire/keys.ts";
import type { NodeKeys } from "./node_keys.ts";

/** Has another node answer. */
type Ask = (node: string, request: KeysRequest) => Promise<unknown>;

/**
 * A sentence each; empty: nothing does. A key that a peer sends with must stay, and the one that this
 * node will send with must be known there.
 */
export async function keyObstacles(next: KeyRing, keys: NodeKeys, ask: Ask): Promise<string[]> {
  const peers = await keys.peers();
  const lacking = peers.filter(({ keyId }) =>
    keyId !== null && !next.keys.some(({ id }) => id === keyId)
  ).map(({ name, keyId }) =>
    `the key file lacks key ${keyId}, which ${name} sends with; ` +
    `let it use another one first: avail key use ID --node ${name}`
  );
  const sends = checkOf(next.keys[0]);
  if (sends === checkOf(keys.ring.keys[0])) return lacking;
  const deaf = await Promise.all(peers.map(({ name }) => whyDeaf(name, sends, ask)));
  return [...deaf.filter((why) => why !== null), ...lacking];
}

/** Why a peer would not open what is sealed with the key of this check; null: it would. */
async function whyDeaf(peer: string, check: string, ask: Ask): Promise<string | null> {
  try {
    const { keys } = await ask(peer, { command: "keys", do: "show" }) as KeysStatus;
    return keys.some((key) => key.check === check)
      ? null
      : `${peer} has not the key with check ${check}, which this node would send with; ` +
        "give it to all nodes first: avail key rotate does that";
  } catch (error) {
    if (!(error instanceof AvailError)) throw error;
    return `whether ${peer} has the key that this node would send with: ${error.message}`;
  }
}
