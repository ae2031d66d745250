/** A new join token of this node, told to its daemon. */
import type { Config } from "../../lib/config.ts";
import type { JoinsStatus } from "../../lib/control_joins.ts";
import { AvailError, exitCodes } from "../../lib/errors.ts";
import { readJoinAddresses } from "../../lib/host/join_addresses.ts";
import { changeTokens, tokenFileOf } from "../../lib/host/token_file.ts";
import { joinPort, makeToken, withToken } from "../../lib/joining/make_token.ts";
import { joinSecretBytes, tokenAddressesMax } from "../../lib/joining/token.ts";
import { ask } from "../client.ts";

export interface IssuedToken {
  readonly id: string;
  readonly text: string;
  readonly uses: number;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
  readonly lifetimeMs: number;
  /** `address:port` where the daemon listens now. */
  readonly listening: readonly string[];
  /** What keeps a node from joining by it now; null: nothing. */
  readonly problem: string | null;
}

/** Throws `AvailError` where the node has no address that it could be asked at. */
export async function issueToken(
  config: Config,
  { uses, lifetimeMs }: { readonly uses: number; readonly lifetimeMs: number },
): Promise<IssuedToken> {
  const addresses = readJoinAddresses(config).slice(0, tokenAddressesMax);
  if (addresses.length === 0) {
    throw new AvailError(
      "token: no link and no share of this node has an own address, where it could be asked; " +
        "give it one: ip address add ADDRESS/LENGTH dev INTERFACE",
    );
  }
  const now = Date.now();
  const { text, record } = makeToken({
    secret: crypto.getRandomValues(new Uint8Array(joinSecretBytes)),
    issuer: config.node.name,
    cluster: config.cluster.name,
    addresses,
    port: joinPort(config.replication.port),
    uses,
    lifetimeMs,
    now,
  });
  const file = tokenFileOf(config.cluster.keyFile);
  await changeTokens(file, (book) => withToken(book, record, now));
  const joins = await tellDaemon(config.control.socket);
  return {
    id: record.id,
    text,
    uses,
    expiresAt: record.expiresAt,
    lifetimeMs,
    listening: joins?.listening ?? [],
    problem: joins === null
      ? `the daemon of ${config.node.name} does not run; start it before the next node joins`
      : joins.problem,
  };
}

/** Has the daemon look at the tokens; null: it does not run. */
export async function tellDaemon(socket: string): Promise<JoinsStatus | null> {
  try {
    return await ask<JoinsStatus>({ socket }, { command: "joins" });
  } catch (error) {
    if (error instanceof AvailError && error.exitCode === exitCodes.notRunning) return null;
    throw error;
  }
}
