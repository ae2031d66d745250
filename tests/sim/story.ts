/**
 * A story: a cluster, and the faults that it meets, all drawn from one seed beforehand, so that it can be
 * told, replayed, and shortened.
 */
import { Random } from "./random.ts";

/** What happens to the cluster; `node` and `other` are places of nodes. */
export type Fault =
  | {
    readonly kind:
      | "kill"
      | "crash"
      | "start"
      | "pause"
      | "freeze"
      | "go on"
      | "drain"
      | "resume"
      | "leave"
      | "isolate"
      | "mute"
      | "deafen"
      /** Its checks fail; they pass again. */
      | "sick"
      | "well";
    readonly node: number;
  }
  | { readonly kind: "cut" | "slow"; readonly node: number; readonly other: number }
  | { readonly kind: "cut one"; readonly node: number; readonly other: number; readonly by: number }
  | { readonly kind: "carrier"; readonly node: number; readonly by: number; readonly up: boolean }
  | { readonly kind: "weigh"; readonly node: number; readonly weight: number }
  /** An operator wants so many buckets to change their owners. */
  | { readonly kind: "balance"; readonly node: number; readonly buckets: number }
  /** Nodes are on the side of their bit. */
  | { readonly kind: "split"; readonly sides: number }
  | { readonly kind: "heal" };

export interface Chapter {
  readonly fault: Fault;
  /** How long the cluster runs on after it, in ms at an interval of 100 ms. */
  readonly afterMs: number;
}

export interface Story {
  readonly seed: number;
  readonly nodes: number;
  readonly shares: number;
  readonly links: number;
  /** All times of the story are for 100 ms, and grow with it. */
  readonly intervalMs: number;
  readonly multiplier: number;
  /** Of the protocol, by node. */
  readonly versions: readonly (1 | 2)[];
  readonly partition: "serve" | "majority";
  readonly backups: number | "all";
  readonly loss: number;
  readonly repeat: number;
  readonly delayMsMax: number;
  readonly drift: number;
  /** When each node is first started, in ms. */
  readonly startsMs: readonly number[];
  /** Datapaths that handle anything at all at the beginning. */
  readonly isFoundInDisorder: boolean;
  readonly chapters: readonly Chapter[];
  /** What happens in the end to a cluster that is whole again. */
  readonly last: "kill" | "crash" | "pause" | "freeze" | "isolate" | "mute" | "leave" | "split";
}

/** Most clusters are small, some are large. */
function nodesOf(random: Random): number {
  if (random.chance(0.002)) return 9 + random.below(24);
  return random.chance(0.08) ? 5 + random.below(4) : 2 + random.below(3);
}

/** A story of any kind. */
export function storyOf(seed: number): Story {
  const plain = plainStoryOf(seed);
  const random = new Random(~seed);
  const { nodes } = plain;
  const isMixed = random.chance(0.15);
  const isRuled = random.chance(0.3);
  return {
    ...plain,
    intervalMs: random.chance(0.3) ? random.pick([10, 1000, 10_000]) : 100,
    drift: random.chance(0.3) ? driftMax : plain.drift,
    versions: plain.versions.map((newest) => isMixed && random.chance(0.5) ? 1 : newest),
    chapters: plain.chapters.flatMap((chapter) => {
      if (!isRuled || random.chance(0.5)) return [chapter];
      const afterMs = random.next() * 600;
      return [chapter, { fault: ruleOf(random, random.below(nodes)), afterMs }];
    }),
    last: nodes > 2 && random.chance(0.15) ? "split" : plain.last,
  };
}

/** What the kernel lets NTP do to a clock. */
const driftMax = 0.0005;

/** Something that an operator or a check does. */
function ruleOf(random: Random, node: number): Fault {
  const kind = random.pick(["weigh", "sick", "well", "balance"] as const);
  switch (kind) {
    case "weigh":
      return { kind, node, weight: random.pick([0.1, 0.5, 1, 2, 10]) };
    case "balance":
      return { kind, node, buckets: 1 + random.below(8) };
    default:
      return { kind, node };
  }
}

/** One of equal nodes, whom only faults disturb. */
export function plainStoryOf(seed: number): Story {
  const random = new Random(seed);
  const nodes = nodesOf(random);
  const shares = 1 + random.below(2);
  const links = random.below(2);
  const interfaces = shares + links;
  const sometimes = (probability: number, most: number) =>
    random.chance(probability) ? random.next() * most : 0;
  return {
    seed,
    nodes,
    shares,
    links,
    intervalMs: 100,
    multiplier: 3 + random.below(3),
    versions: Array.from({ length: nodes }, () => 2),
    partition: random.chance(0.3) ? "majority" : "serve",
    backups: random.chance(0.3) ? "all" : 1 + random.below(2),
    loss: sometimes(0.5, interfaces > 1 ? 0.15 : 0.03),
    repeat: sometimes(0.3, 0.3),
    delayMsMax: random.chance(0.3) ? random.next() * 40 : 0.5,
    drift: 0.0002,
    startsMs: Array.from({ length: nodes }, () => sometimes(0.4, 2500)),
    isFoundInDisorder: random.chance(0.1),
    chapters: Array.from({ length: 3 + random.below(8) }, () => ({
      fault: faultOf(random, nodes, interfaces),
      afterMs: random.next() * (random.chance(0.3) ? 2500 : 400),
    })),
    last: random.pick(["kill", "crash", "pause", "freeze", "isolate", "mute", "leave"] as const),
  };
}

function faultOf(random: Random, nodes: number, interfaces: number): Fault {
  const node = random.below(nodes);
  const other = (node + 1 + random.below(nodes - 1)) % nodes;
  const by = random.below(interfaces);
  const kinds = [
    ...["kill", "crash", "start", "start", "pause", "freeze", "go on", "go on", "drain"],
    ...["resume", "leave", "isolate", "mute", "deafen", "cut", "cut", "slow", "cut one"],
    ...["carrier", "carrier", "split", "heal", "heal"],
  ] as const;
  const kind = random.pick(kinds) as Exclude<Fault["kind"], "weigh" | "balance">;
  switch (kind) {
    case "cut":
    case "slow":
      return { kind, node, other };
    case "cut one":
      return { kind, node, other, by };
    case "carrier":
      return { kind, node, by, up: random.chance(0.6) };
    case "split":
      return { kind, sides: random.below(2 ** Math.min(nodes, 30)) };
    case "heal":
      return { kind };
    default:
      return { kind, node };
  }
}

/** One line that tells a fault. */
export function tell(fault: Fault): string {
  const { kind, ...rest } = fault;
  return [kind, ...Object.entries(rest).map(([name, value]) => `${name} ${value}`)].join(" ");
}
