/**
 * Which of this machine's interfaces stand where another node's do.
 *
 * Intuition: an interface that has an address in the network of a share is on that share, whatever it
 * is called. Names only decide where no address does, or between several. What is then still open is
 * not guessed: it is asked, or told with the candidates.
 */
import type { AddressPrefix } from "../config.ts";
import { nearestWord } from "../nearest.ts";
import { type InterfaceFacts, isInNetwork, isUsable, prefixText } from "./facts.ts";
import type { InterfaceWords } from "./flag_words.ts";

/** A share or a link of the other node. */
export interface Slot {
  readonly kind: "share" | "link";
  /** From 1, among its kind. */
  readonly number: number;
  /** The other node's interface. */
  readonly interface: string;
  /** Shared addresses, and the other node's own ones there. */
  readonly networks: readonly AddressPrefix[];
}

/** How an interface was found. */
export type MatchedBy = "flag" | "network" | "name" | "answer";

/** null: a link that this node shall not have. */
export type Match = { readonly interface: string; readonly by: MatchedBy } | null;

export interface OpenSlot {
  readonly slot: Slot;
  readonly why: "missing" | "ambiguous";
  /** What it could be, the likelier ones first. */
  readonly candidates: readonly string[];
}

export interface Matching {
  /** By slot, in their order; undefined where it is open. */
  readonly matches: readonly (Match | undefined)[];
  readonly open: readonly OpenSlot[];
  /** What is wrong with the words of `--interface`. */
  readonly faults: readonly string[];
}

/** `wishes`: of `--interface`; `none` in the place of a link's interface leaves it out. */
export function matchInterfaces(
  slots: readonly Slot[],
  facts: readonly InterfaceFacts[],
  wishes: readonly InterfaceWords[],
): Matching {
  const usable = facts.filter(isUsable);
  const faults: string[] = [];
  const matches: (Match | undefined)[] = slots.map(() => undefined);
  for (const wish of wishes) {
    const at = slotOf(wish.slot, slots);
    const fault = at === null
      ? `"${wish.slot}" is no share or link of the cluster; there are ${
        slots.map(slotText).join(", ")
      }`
      : matches[at] !== undefined
      ? `${slotText(slots[at])} stands there twice; write it once`
      : wishFault(wish, slots[at], facts, usable);
    if (fault !== null) faults.push(fault);
    else matches[at!] = wish.interface === "none" ? null : { ...wish, by: "flag" };
  }
  const wished = new Set(matches.map((match) => match?.interface));
  const free = usable.filter(({ name }) => !wished.has(name));
  const open: OpenSlot[] = [];
  slots.forEach((slot, at) => {
    if (matches[at] !== undefined) return;
    const found = findFor(slot, slots, free);
    if ("by" in found) matches[at] = found;
    else open.push({ slot, ...found });
  });
  faults.push(...doubles(slots, matches));
  return { matches: matches.map((match) => match && named(match)), open, faults };
}

/** A match without what its wish carried beside. */
function named({ interface: name, by }: NonNullable<Match>): Match {
  return { interface: name, by };
}

function findFor(
  slot: Slot,
  slots: readonly Slot[],
  free: readonly InterfaceFacts[],
): NonNullable<Match> | Pick<OpenSlot, "why" | "candidates"> {
  const inNetwork = free.filter((each) => isOn(each, slot));
  const sameName = free.find(({ name }) => name === slot.interface);
  if (inNetwork.length === 1) return { interface: inNetwork[0].name, by: "network" };
  if (inNetwork.length > 1) {
    return sameName !== undefined && inNetwork.includes(sameName)
      ? { interface: sameName.name, by: "name" }
      : { why: "ambiguous", candidates: inNetwork.map(({ name }) => name) };
  }
  const isElsewhere = (each: InterfaceFacts) => slots.some((other) => isOn(each, other));
  if (sameName !== undefined && !isElsewhere(sameName)) {
    return { interface: sameName.name, by: "name" };
  }
  const candidates = free.filter((each) => !isElsewhere(each)).map(({ name }) => name);
  return { why: "missing", candidates };
}

function isOn({ addresses }: InterfaceFacts, { networks }: Slot): boolean {
  return networks.some((network) => addresses.some((own) => isInNetwork(own, network)));
}

/** Where among the slots a word of the user's points: `2`, `link1`, or the other node's interface. */
function slotOf(word: string, slots: readonly Slot[]): number | null {
  const numbered = /^(link|share)?(\d{1,2})$/.exec(word);
  const kind = numbered?.[1] ?? "share";
  const at = slots.findIndex((slot) =>
    slot.interface === word ||
    numbered !== null && slot.kind === kind && slot.number === Number(numbered[2])
  );
  return at < 0 ? null : at;
}

function wishFault(
  { interface: name }: InterfaceWords,
  { kind }: Slot,
  facts: readonly InterfaceFacts[],
  usable: readonly InterfaceFacts[],
): string | null {
  if (name === "none") {
    return kind === "link" ? null : "a share cannot be left out: name an interface";
  }
  if (usable.some((each) => each.name === name)) return null;
  const names = usable.map((each) => each.name);
  const near = nearestWord(name, names);
  const found = facts.find((each) => each.name === name);
  const problem = found === undefined
    ? `"${name}": there is no such interface here`
    : found.master !== null
    ? `"${name}" is a port of ${found.master}`
    : `"${name}" is no Ethernet interface`;
  const remedy = found?.master
    ? `write ${found.master}`
    : near
    ? `did you mean ${near}?`
    : `there are ${names.join(", ")}`;
  return `${problem}; ${remedy}`;
}

/** One interface cannot be two shares, nor two links. */
function doubles(slots: readonly Slot[], matches: readonly (Match | undefined)[]): string[] {
  return slots.flatMap((slot, i) => {
    const first = slots.findIndex((other, j) =>
      j < i && other.kind === slot.kind && matches[j] != null &&
      matches[j]?.interface === matches[i]?.interface
    );
    if (first < 0) return [];
    return [
      `${matches[i]!.interface} would be both ${slotText(slots[first])} and ${slotText(slot)}; ` +
      "say which is which with --interface",
    ];
  });
}

/** `share 1 (eth0: 192.0.2.1/24)` */
export function slotText({ kind, number, interface: name, networks }: Slot): string {
  const text = networks.slice(0, 2).map(prefixText).join(", ");
  return `${kind} ${number} (${name}${text === "" ? "" : `: ${text}`})`;
}
