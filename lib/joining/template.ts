/** What an issuer tells a joiner of its cluster, and what it makes of the joiner's claim. */
import type { Config } from "../config.ts";
import { formatConfig } from "../config_text.ts";
import { membersMax } from "../limits.ts";
import type { InterfaceFacts } from "../setup/facts.ts";
import { version } from "../version.ts";
import {
  describeVersions,
  protocolOldest,
  protocolVersion,
  understandEachOther,
} from "../wire/protocol_version.ts";
import { ownNetworks } from "./addresses.ts";
import type { Claim, Refusal, Template } from "./content.ts";

/** What this program speaks. */
export const ownProtocol = { version: protocolVersion, oldest: protocolOldest } as const;

export function templateOf(
  config: Config,
  facts: readonly InterfaceFacts[],
  { members, now }: { readonly members: readonly string[]; readonly now: number },
): Template {
  return {
    issuer: config.node.name,
    version,
    protocol: ownProtocol,
    config: formatConfig(config, { comments: false }),
    ...ownNetworks(config, facts),
    members,
    now,
  };
}

/** Names that nobody else may have. */
export interface TakenNames {
  readonly live: readonly string[];
  /** Of machines that were given the keys, and may not be heard yet. */
  readonly joining: readonly string[];
}

/** Why a machine is not taken in, beside its token; null: it may be. */
export function claimFault(
  { name, protocol, version: theirs }: Claim,
  { live, joining }: TakenNames,
  { node, cluster }: Pick<Config, "node" | "cluster">,
): Refusal | null {
  if (!understandEachOther(protocol, ownProtocol)) {
    const detail =
      `${node.name} runs avail ${version} (protocol ${describeVersions(ownProtocol)}), ` +
      `this machine ${theirs} (${describeVersions(protocol)})`;
    return { reason: "protocol", detail };
  }
  const isSame = (other: string) => other.toLowerCase() === name.toLowerCase();
  const taken = [...new Set([node.name, ...live, ...joining])];
  const same = taken.find(isSame);
  if (same !== undefined) {
    const detail = [node.name, ...live].some(isSame)
      ? `a node of ${cluster.name} is called ${same}`
      : `a machine that has just joined is called ${same}`;
    return { reason: "name taken", detail };
  }
  return taken.length < membersMax
    ? null
    : { reason: "too many members", detail: `${cluster.name} has ${taken.length} nodes` };
}
