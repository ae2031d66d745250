/** What differs between two configurations, and what each difference takes. */
import type { Config } from "../config.ts";
import { checkOf, formatKeyFile, type KeyRing } from "../wire/keys.ts";
import { flatten, type Value } from "./flatten.ts";

/**
 * - `now`: it can be put into use while the node runs
 * - `together`: so can it, but on all nodes at once (`avail reload --cluster`), for it must be equal
 * - `restart`: the daemon has to be started anew
 */
export type Takes = "now" | "together" | "restart";

export interface Change {
  /** As the file has it; `keys` stands for what the key file holds. */
  readonly key: string;
  /** null: it was not, or is no more, in the configuration. */
  readonly old: Value;
  readonly new: Value;
  readonly takes: Takes;
  /** Why it takes a restart, or what it means, in half a sentence; left out where that is plain. */
  readonly why?: string;
}

/** What a node goes by: its configuration and the keys of the file that it names. */
export interface Settled {
  readonly config: Config;
  readonly keys: KeyRing;
}

/** Every difference, in the order of the file; empty where there is none. */
export function changesBetween(present: Settled, next: Settled): Change[] {
  const before = new Map(flatten(present.config)), after = new Map(flatten(next.config));
  joinItems(before, after);
  const paths = [...after.keys(), ...[...before.keys()].filter((key) => !after.has(key))];
  const hasNat = [present, next].some(({ config }) => config.shares.some(({ nat }) => nat));
  const changes = paths.flatMap((key): Change[] => {
    const old = before.get(key) ?? null, value = after.get(key) ?? null;
    if (isSame(old, value)) return [];
    return [{ key, old, new: value, ...takenBy(key, hasNat) }];
  });
  return [...changes, ...keyChanges(present.keys, next.keys)];
}

/** What is listed in one of the two only is one difference, not one for each of its keys. */
function joinItems(...[before, after]: readonly Map<string, Value>[]): void {
  for (const [one, other] of [[before, after], [after, before]]) {
    const known = new Set([...other.keys()].map(itemOf));
    for (const [key, value] of [...one]) {
      const item = itemOf(key);
      if (item === null || known.has(item)) continue;
      const words = one.get(item) ?? [];
      const word = `${key.slice(item.length + 1)} ${[value].flat().join(" ")}`;
      one.delete(key);
      if (value !== null) one.set(item, [...[words].flat().map(String), word]);
    }
  }
}

/** `check[web]` of `check[web].interval`. */
function itemOf(key: string): string | null {
  return /^(\w+\[.*\])\./.exec(key)?.[1] ?? null;
}

/** What cannot be changed while a node runs, and why; the first row that fits counts. */
const restarts: readonly (readonly [key: RegExp, why: string])[] = [
  [/^cluster\.name$/, "it would be a member of another cluster"],
  [/^cluster\.(partition|nodes)$/, "two majorities could exist while nodes count differently"],
  [/^node\.name$/, "the others know this start by its name"],
  [/^share/, "it decides which packets are this node's; datapath and addresses hang on it"],
  [/^detection\.(interval|multiplier)$/, "leases in force were given under it"],
  [/^replication\.(port|enabled)$/, "streams stand on it"],
  [/^datapath\./, "the programs or devices in the kernel have it in them"],
  [/^control\./, "whoever asks the daemon finds it there"],
];

/** What a running node puts into use at once. */
const live = new RegExp(
  "^(cluster\\.(key_file|ruleset)|node\\.(weight|drain_timeout)|link.*|check\\[.*|" +
    "detection\\.damping|metrics\\..*)$",
);

function takenBy(key: string, hasNat: boolean): Pick<Change, "takes" | "why"> {
  if (live.test(key)) return { takes: "now" };
  if (key === "datapath.mark_mask" && !hasNat) return { takes: "now", why: "used only with NAT" };
  if (key === "replication.backups") {
    return { takes: "together", why: "it must be equal on all nodes" };
  }
  const why = restarts.find(([pattern]) => pattern.test(key))?.[1];
  return { takes: "restart", ...(why === undefined ? {} : { why }) };
}

function keyChanges(present: KeyRing, next: KeyRing): Change[] {
  const changes: Change[] = [];
  if (present.seed.toHex() !== next.seed.toHex()) {
    changes.push({
      key: "seed",
      old: "(secret)",
      new: "(another one)",
      takes: "restart",
      why: "it decides where packets go, on all nodes",
    });
  }
  if (formatKeyFile({ ...present, seed: next.seed }) !== formatKeyFile(next)) {
    changes.push({ key: "keys", old: idsOf(present), new: idsOf(next), takes: "now" });
  }
  return changes;
}

/** `2 (check 0badcafe, sends)`; never a key. */
function idsOf({ keys }: KeyRing): string[] {
  return keys.map((key, i) => `${key.id} (check ${checkOf(key)}${i === 0 ? ", sends" : ""})`);
}

function isSame(a: Value, b: Value): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}

/** A value in words. */
export function wordsOf(value: Value): string {
  if (value === null) return "nothing";
  if (typeof value === "object") return value.join(", ") || "nothing";
  return String(value);
}
