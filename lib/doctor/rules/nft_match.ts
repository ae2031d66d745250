/** One comparison of an nft rule with a packet: `tcp dport { 22, 80-90 }`, `ip saddr 10.0.0.0/8`. */
import { parseAddress } from "../../wire/address.ts";
import { any, inNetwork, isInterface, type Network, type Packet, type Truth } from "./model.ts";

export type Json = null | boolean | number | string | Json[] | JsonObject;
export type JsonObject = { readonly [key: string]: Json };

/** The elements of named sets and maps, as `family table @name`; null: they change by themselves. */
export type Sets = ReadonlyMap<string, readonly Json[] | null>;

export function objectOf(value: Json | undefined): JsonObject | null {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? value : null;
}

/** What a rule looks at, in a packet. */
type Field =
  | { readonly kind: "interface"; readonly value: string | null }
  | { readonly kind: "address"; readonly value: Network | null }
  | { readonly kind: "number"; readonly value: number | null }
  | { readonly kind: "word"; readonly value: string | null }
  /** The packet has no such thing: the rule does not match. */
  | { readonly kind: "absent" };

/** Whether `left` of the packet is what `right` says; `op` `!=` is for the caller to turn round. */
export function compare(
  left: Json | undefined,
  right: Json | undefined,
  op: string,
  packet: Packet,
  table: string,
  sets: Sets,
): Truth {
  const flags = flagsOf(left, packet);
  if (flags !== undefined) return flags === null ? null : flags === right;
  const field = fieldOf(objectOf(left), packet);
  if (field === null) return null;
  // `tcp dport != 22` still looks at TCP alone.
  if (field.kind === "absent") return op === "!=" ? true : false;
  if (field.kind === "number" && ["<", ">", "<=", ">="].includes(op)) {
    return order(field.value, right, op);
  }
  return contains(field, right, table, sets);
}

function contains(field: Field, right: Json | undefined, table: string, sets: Sets): Truth {
  if (typeof right === "string" && right.startsWith("@")) {
    const elements = sets.get(`${table} ${right}`) ?? null;
    return elements === null
      ? null
      : any(elements.map((each) => contains(field, each, table, sets)));
  }
  if (Array.isArray(right)) return any(right.map((each) => contains(field, each, table, sets)));
  const nested = objectOf(right);
  if (Array.isArray(nested?.set)) {
    return any(nested.set.map((each) => contains(field, each, table, sets)));
  }
  // An element with a comment or a counter.
  const element = objectOf(nested?.elem);
  if (element !== null) return contains(field, element.val, table, sets);
  switch (field.kind) {
    case "interface":
      return typeof right === "string" ? isInterface(field.value, right) : null;
    case "address":
      return isAddress(field.value, right);
    case "number":
      return isNumber(field.value, right);
    case "word":
      return field.value === null ? null : field.value === right;
    case "absent":
      return false;
  }
}

function isAddress(found: Network | null, right: Json | undefined): Truth {
  const prefix = objectOf(objectOf(right)?.prefix);
  const text = prefix === null ? right : prefix.addr;
  const parsed = typeof text === "string" ? parseAddress(text) : null;
  if (parsed === null) return null; // a range, or a name
  const prefixLength = typeof prefix?.len === "number" ? prefix.len : 8 * parsed.bytes.length;
  return inNetwork(found, { bytes: parsed.bytes, prefixLength });
}

function isNumber(found: number | null, right: Json | undefined): Truth {
  const range = objectOf(right)?.range;
  if (Array.isArray(range) && typeof range[0] === "number" && typeof range[1] === "number") {
    return found === null ? null : found >= range[0] && found <= range[1];
  }
  return typeof right === "number" && found !== null ? found === right : null;
}

function order(found: number | null, right: Json | undefined, op: string): Truth {
  if (found === null || typeof right !== "number") return null;
  if (op === "<") return found < right;
  if (op === ">") return found > right;
  return op === "<=" ? found <= right : found >= right;
}

/** `tcp flags & (fin|syn|rst|ack)`: a new connection's is SYN alone. */
function flagsOf(left: Json | undefined, packet: Packet): string | null | undefined {
  const masked = objectOf(left)?.["&"];
  if (!Array.isArray(masked)) return undefined;
  const payload = objectOf(objectOf(masked[0])?.payload);
  if (payload?.field !== "flags" || packet.protocol !== "tcp" || packet.state !== "new") {
    return null;
  }
  return Array.isArray(masked[1]) && masked[1].includes("syn") ? "syn" : null;
}

/** null: it is not known here what that is. */
function fieldOf(left: JsonObject | null, packet: Packet): Field | null {
  const meta = objectOf(left?.meta)?.key;
  if (typeof meta === "string") return metaField(meta, packet);
  if (objectOf(left?.ct)?.key === "state") return { kind: "word", value: packet.state };
  const payload = objectOf(left?.payload);
  return payload === null ? null : payloadField(`${payload.protocol}`, `${payload.field}`, packet);
}

function metaField(key: string, packet: Packet): Field | null {
  const { family, protocol } = packet;
  switch (key) {
    case "iif":
    case "iifname":
      return { kind: "interface", value: packet.input };
    case "oif":
    case "oifname":
      return { kind: "interface", value: packet.output };
    case "l4proto":
      return { kind: "word", value: protocol };
    case "nfproto":
      return { kind: "word", value: family && `ipv${family}` };
    case "protocol":
      return { kind: "word", value: family && (family === 4 ? "ip" : "ip6") };
    default:
      return null;
  }
}

function payloadField(of: string, field: string, packet: Packet): Field | null {
  const { family, protocol } = packet;
  switch (of) {
    case "ip":
    case "ip6": {
      if (family !== null && family !== (of === "ip" ? 4 : 6)) return { kind: "absent" };
      if (field === "saddr") return { kind: "address", value: packet.source };
      if (field === "daddr") return { kind: "address", value: packet.destination };
      return field === "protocol" || field === "nexthdr" ? { kind: "word", value: protocol } : null;
    }
    case "tcp":
    case "udp":
    case "th": {
      if (of !== "th" && protocol !== null && protocol !== of) return { kind: "absent" };
      const isKnown = protocol !== null;
      if (field === "dport") {
        return { kind: "number", value: isKnown ? packet.destinationPort : null };
      }
      return field === "sport"
        ? { kind: "number", value: isKnown ? packet.sourcePort : null }
        : null;
    }
    case "icmp":
    case "icmpv6":
    case "sctp":
    case "dccp":
    case "esp":
    case "ah":
      return protocol === null ? null : { kind: "absent" };
    case "ether":
      return field === "type"
        ? { kind: "word", value: family && (family === 4 ? "ip" : "ip6") }
        : null;
    default:
      return null;
  }
}
