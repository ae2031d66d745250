/**
 * Firewall rules as questions: what would they do with such a packet? Not everything that a rule looks
 * at can be known from outside (marks, times, owners, foreign modules): then it may or may not match,
 * and both ways are followed.
 */

/** null: it cannot be known. */
export type Truth = boolean | null;

/** Addresses that a packet may have: a single one, or any of a network. */
export interface Network {
  readonly bytes: Uint8Array;
  readonly prefixLength: number;
}

/** A packet, as far as it is known; null: it may be anything. */
export interface Packet {
  readonly family: 4 | 6 | null;
  readonly input: string | null;
  readonly output: string | null;
  readonly protocol: "tcp" | "udp" | null;
  readonly source: Network | null;
  readonly destination: Network | null;
  readonly sourcePort: number | null;
  readonly destinationPort: number | null;
  /** Its connection's; `new` packets of TCP have the flag SYN alone. */
  readonly state: "new" | null;
}

/** A packet of which nothing is known. */
export const anyPacket: Packet = {
  family: null,
  input: null,
  output: null,
  protocol: null,
  source: null,
  destination: null,
  sourcePort: null,
  destinationPort: null,
  state: null,
};

export type Verdict =
  | { readonly kind: "accept" | "drop" | "return" | "next" }
  | { readonly kind: "jump" | "goto"; readonly chain: string };

export interface Rule {
  /** Where it stands, in words. */
  readonly place: string;
  /** The ways that a packet may take here: one where all is known. */
  readonly judge: (packet: Packet) => readonly Verdict[];
  /** Whether it applies to the packet at all, whatever it does then. */
  readonly matches: (packet: Packet) => Truth;
  /** An address translation that it makes. */
  readonly translation: Translation | null;
  /** Exempts packets from connection tracking. */
  readonly skipsTracking: boolean;
  /** The flow table that it puts connections into. */
  readonly flowtable: string | null;
}

export interface Translation {
  readonly kind: "snat" | "masquerade" | "dnat" | "redirect";
  /** The address that it writes; null: the interface's, or one that is computed. */
  readonly to: string | null;
}

export interface Chain {
  /** `inet filter input`: jumps stay within one table, whose chains begin with the same two words. */
  readonly name: string;
  /** Who can change it. */
  readonly tool: "nft" | "iptables";
  readonly family: string;
  /** Where packets enter it by themselves; null: only by jumps. */
  readonly base: {
    readonly hook: string;
    readonly type: string;
    readonly policy: "accept" | "drop";
    /** Of the hooks ingress and egress; null: not told. */
    readonly devices: readonly string[] | null;
  } | null;
  readonly rules: readonly Rule[];
}

export interface Flowtable {
  /** `inet filter ft` */
  readonly name: string;
  readonly devices: readonly string[];
  /** Whether the card forwards by itself. */
  readonly isHardware: boolean;
}

export interface Ruleset {
  readonly chains: readonly Chain[];
  readonly flowtables: readonly Flowtable[];
  /** Interfaces that rules name for what comes in. */
  readonly inputNames: readonly string[];
}

export const emptyRuleset: Ruleset = { chains: [], flowtables: [], inputNames: [] };

export function joined(rulesets: readonly Ruleset[]): Ruleset {
  return {
    chains: rulesets.flatMap(({ chains }) => chains),
    flowtables: rulesets.flatMap(({ flowtables }) => flowtables),
    inputNames: [...new Set(rulesets.flatMap(({ inputNames }) => inputNames))],
  };
}

// ---- what can be known

export function not(truth: Truth): Truth {
  return truth === null ? null : !truth;
}

/** False if one is false, unknown if one is unknown. */
export function all(truths: readonly Truth[]): Truth {
  if (truths.includes(false)) return false;
  return truths.includes(null) ? null : true;
}

/** True if one is true, unknown if one is unknown. */
export function any(truths: readonly Truth[]): Truth {
  if (truths.includes(true)) return true;
  return truths.includes(null) ? null : false;
}

/** Whether all addresses of `found` are in `wanted`; unknown where some are. */
export function inNetwork(found: Network | null, wanted: Network): Truth {
  if (found === null) return null;
  if (found.bytes.length !== wanted.bytes.length) return false;
  const length = Math.min(found.prefixLength, wanted.prefixLength);
  if (!sharePrefix(found.bytes, wanted.bytes, length)) return false;
  return found.prefixLength >= wanted.prefixLength ? true : null;
}

function sharePrefix(a: Uint8Array, b: Uint8Array, bits: number): boolean {
  for (let i = 0; i < bits; i++) {
    const mask = 0x80 >> (i & 7);
    if ((a[i >> 3] & mask) !== (b[i >> 3] & mask)) return false;
  }
  return true;
}

/** An interface's name against one in a rule, which may end in `*` (nft) or `+` (iptables). */
export function isInterface(found: string | null, wanted: string): Truth {
  if (found === null) return null;
  const stem = /^(.*)[*+]$/.exec(wanted)?.[1];
  return stem === undefined ? found === wanted : found.startsWith(stem);
}
