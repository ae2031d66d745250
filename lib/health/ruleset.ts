/**
 * The rules of nftables as text in which two nodes with the same rules agree: what `nft -j list
 * ruleset` prints (libnftables-json(5)), without what differs by itself.
 */

type Json = null | boolean | number | string | Json[] | { readonly [key: string]: Json };
type JsonObject = { readonly [key: string]: Json };

/** Tables of these names are the daemon's own: they differ with what a node owns. */
const ownTable = "avail";

/**
 * Numbers that count, or that the kernel gives: never part of what the administrator wrote. (So are
 * the bytes of a counter; those of a quota are its limit.)
 */
const leftOut: ReadonlySet<string> = new Set(["handle", "packets", "expires", "used"]);

/**
 * Without handles, counters and what is used of a quota, without the elements of sets that packets or
 * time change, and without avail's own tables; null where the text is not of nft.
 */
export function normaliseRuleset(text: string): string | null {
  let root: Json;
  try {
    root = JSON.parse(text);
  } catch {
    return null;
  }
  if (!isObject(root) || !Array.isArray(root.nftables)) return null;
  const items = root.nftables.filter(isObject).filter((item) => !("metainfo" in item))
    .filter((item) => !isOwn(item));
  const dynamic = new Set(items.flatMap((item) => writtenSets(item)));
  return JSON.stringify(items.map((item) => normaliseItem(item, dynamic)));
}

/** `{"rule": {"table": "avail", …}}` and everything else of such a table. */
function isOwn(item: JsonObject): boolean {
  return Object.entries(item).some(([kind, value]) =>
    isObject(value) && (kind === "table" ? value.name : value.table) === ownTable
  );
}

/** The sets and maps that a rule adds elements to, as `family table name`. */
function writtenSets(item: JsonObject): string[] {
  const rule = item.rule;
  if (!isObject(rule)) return [];
  const names: string[] = [];
  const search = (value: Json): void => {
    if (Array.isArray(value)) value.forEach(search);
    if (!isObject(value)) return;
    for (const [key, inner] of Object.entries(value)) {
      const isWritten = (key === "set" || key === "map") && isObject(inner) && "op" in inner;
      const name = isWritten ? inner.set ?? inner.map : null;
      if (typeof name === "string") names.push(setKey(rule, name.replace(/^@/, "")));
      search(inner);
    }
  };
  search(rule.expr);
  return names;
}

function normaliseItem(item: JsonObject, dynamic: ReadonlySet<string>): Json {
  const [kind, value] = Object.entries(item)[0] ?? ["", null];
  if (!isObject(value)) return item;
  if (kind !== "set" && kind !== "map") return { [kind]: stripped(value, kind) };
  const { elem, ...rest } = value;
  const flags = Array.isArray(value.flags) ? value.flags : [value.flags];
  const changes = flags.some((flag) => flag === "dynamic" || flag === "timeout") ||
    dynamic.has(setKey(value, `${value.name}`));
  const elements = changes || !Array.isArray(elem)
    ? []
    : elem.map((one) => JSON.stringify(stripped(one, kind))).sort();
  return { [kind]: { ...stripped(rest, kind) as JsonObject, elem: elements } };
}

function setKey(of: JsonObject, name: string): string {
  return `${of.family} ${of.table} ${name}`;
}

/** `kind`: the key that the value stands under. */
function stripped(value: Json, kind: string): Json {
  if (Array.isArray(value)) return value.map((inner) => stripped(inner, kind));
  if (!isObject(value)) return value;
  const kept = Object.entries(value).filter(([key, inner]) =>
    !leftOut.has(key) && !(key === "bytes" && kind === "counter") &&
    !(key === "used_unit" && typeof inner === "string")
  );
  return Object.fromEntries(kept.map(([key, inner]) => [key, stripped(inner, key)]));
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
