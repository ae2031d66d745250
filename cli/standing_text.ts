/** Sentences about members that may own no buckets, are given none, or are not heard everywhere; about the versions. */
import type { MemberStatus, Status } from "../lib/control.ts";
import { plain } from "./render.ts";

/** Where each topic of the configuration is to be looked for. */
const places: Readonly<Record<string, string>> = {
  shares: "the shares (addresses, key, side, mac)",
  seed: "the seed of the key file",
  nat: "nat or mark_mask",
  settings: "multiplier, backups, replication, partition or nodes",
  datapath: "the CLUSTERIP rules",
  ruleset: "the nft ruleset",
  configuration: "the configuration",
};

/** What is not as it should be with members, a sentence each; empty: nothing. */
export function standingSentences({ node, members, protocol }: Status): string[] {
  const sentences = members.flatMap((member) => [
    ...(member.notEligibleBecause === undefined
      ? []
      : [`${member.name} may own no buckets: ${member.notEligibleBecause}`]),
    ...pathSentences(node, member),
    ...differenceSentences(member),
    ...(member.dampedMs === undefined ? [] : [
      `${member.name} fails again and again: it gets no buckets for ` +
      `${Math.ceil(member.dampedMs / 1000)} s`,
    ]),
  ]);
  if (protocol !== undefined && protocol.inUse < protocol.version) {
    const old = members.filter(({ version }) => version === protocol.inUse);
    const names = list(old.map(({ name }) => name));
    sentences.push(
      `${names} ${old.length === 1 ? "speaks" : "speak"} version ${protocol.inUse} of ` +
        `the protocol, this node ${protocol.version}: finish the upgrade`,
    );
  }
  return sentences.map(plain);
}

/** Between the asked node and a member, by interface: the others carry what is said. */
function pathSentences(node: string, { name, silentOn = [], deafOn = [] }: MemberStatus): string[] {
  return [
    ...(silentOn.length === 0 ? [] : [`${name} is not heard on ${list(silentOn)}`]),
    ...(deafOn.length === 0 ? [] : [`${name} does not hear ${node} on ${list(deafOn)}`]),
  ];
}

function differenceSentences({ name, differs = [], differsFrom = [] }: MemberStatus): string[] {
  if (differs.length === 0) return [];
  const where = list(differs.map((topic) => places[topic] ?? topic));
  return [
    `${name} differs from ${
      list(differsFrom)
    } in ${where}: it keeps what it has and is given no buckets`,
  ];
}

/** `a`, `a and b`, `a, b and c` */
function list(words: readonly string[]): string {
  return words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;
}
