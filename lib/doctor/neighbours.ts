/** Whether the neighbour tables have room for all hosts of the shares' networks. */
import type { Group } from "./check.ts";
import { fail, fine, note, type Outcome, setting, warn } from "./finding.ts";
import type { Setup } from "./setup.ts";
import { grouped } from "./words.ts";

export interface NeighboursFacts {
  readonly 4: NeighbourTable;
  readonly 6: NeighbourTable;
}

export interface NeighbourTable {
  /** Entries of all interfaces, permanent ones included. */
  readonly entries: number;
  /** The kernel's bound for all network namespaces together; null: this one does not show it. */
  readonly max: number | null;
  /** How often there was no room since the boot; null: not known. */
  readonly overflows: number | null;
}

export const neighboursGroup: Group<"neighbours", NeighboursFacts> = {
  name: "neighbours",
  title: "Neighbour tables",
  checks: [
    { id: "neighbour-use", brief: "ARP and NDP tables have room", examine: use },
    { id: "neighbour-size", brief: "they could hold the shares' networks", examine: size },
  ],
};

const families = [4, 6] as const;
const nearPart = 0.8;

function limit(family: 4 | 6, entries: number): ReturnType<typeof setting> {
  const root = `net/ipv${family}/neigh/default`;
  const wanted = 2 ** Math.ceil(Math.log2(Math.max(4096, 2 * entries)));
  const { fix } = setting(`${root}/gc_thresh3`, wanted);
  return {
    commands: [
      ...setting(`${root}/gc_thresh3`, wanted).commands!,
      ...setting(`${root}/gc_thresh2`, wanted / 2).commands!,
    ],
    ...(fix === undefined ? {} : { fix }),
  };
}

function use(facts: NeighboursFacts): Outcome[] {
  const found = families.flatMap((family) => {
    const { entries, max, overflows } = facts[family];
    if (max === null) return [];
    const isFull = entries >= max || (overflows ?? 0) > 0;
    if (!isFull && entries < nearPart * max) return [];
    const name = family === 4 ? "ARP" : "NDP";
    const make = entries >= max ? fail : warn;
    return [
      make(`the ${name} table ${entries >= nearPart * max ? "is nearly full" : "was full"}`, {
        why: "every node learns every host that asks for a shared address; without room, " +
          "packets to hosts are dropped (neighbour table overflow)",
        remedy: "let it be larger, on all nodes",
        ...limit(family, entries),
        evidence: `${grouped(entries)} of ${grouped(max)} entries` +
          (overflows ? `, full ${grouped(overflows)} times since the boot` : ""),
      }),
    ];
  });
  if (found.length > 0) return found;
  return families.some((family) => facts[family].max !== null)
    ? [fine("the neighbour tables have room")]
    : [];
}

function size(facts: NeighboursFacts, { config }: Setup): Outcome[] {
  const { max } = facts[4];
  if (config === null || max === null) return [];
  const networks = config.shares.flatMap(({ addresses }) =>
    addresses.filter(({ family }) => family === 4)
  );
  const hosts = Math.max(0, ...networks.map(({ prefixLength }) => 2 ** (32 - prefixLength) - 2));
  if (hosts <= max) return [fine("the ARP table can hold each share's network")];
  const large = networks.find(({ prefixLength }) => 2 ** (32 - prefixLength) - 2 === hosts)!;
  return [
    note("a share's network has more addresses than the ARP table has room for", {
      why: "a scan of the network, or as many hosts, fills it; then packets to hosts are dropped",
      remedy: "let it be larger, if there are that many hosts",
      commands: limit(4, Math.min(hosts, 65536) / 2).commands!,
      evidence: `${large.address}/${large.prefixLength}: ${grouped(hosts)} addresses, ` +
        `room for ${grouped(max)}`,
    }),
  ];
}
