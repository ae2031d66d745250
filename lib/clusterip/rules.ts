/**
 * The CLUSTERIP rules of an iptables table, from the kernel's own copy of it.
 *
 * /proc tells which slots are on, but neither how many there are nor how they are hashed; that stands
 * only in the rule. The structures are those of linux/netfilter_ipv4/ip_tables.h, netfilter/x_tables.h
 * and netfilter_ipv4/ipt_CLUSTERIP.h on a 64-bit machine.
 */
import { formatAddress } from "../wire/address.ts";

export type HashMode = "sourceip" | "sourceip-sourceport" | "sourceip-sourceport-destport";

/** What a rule says of one shared address. */
export interface ClusteripRule {
  /** The table that it stands in: `filter`, … */
  readonly table: string;
  /** The shared address. */
  readonly address: string;
  readonly interface: string;
  /** Lower case, with colons. */
  readonly mac: string;
  readonly hashMode: HashMode | `unknown hash mode ${number}`;
  readonly hashInit: number;
  /** Slots are numbered 1 to this. */
  readonly totalNodes: number;
}

/** struct ipt_getinfo, struct ipt_get_entries: both begin with the table's name. */
export const tableInfoBytes = 84;
export const entriesHeaderBytes = 40;
const nameBytes = 32;

const entry = {
  destination: 4,
  inInterface: 16,
  interfaceBytes: 16,
  targetOffset: 88,
  nextOffset: 90,
  bytes: 112,
} as const;
/** In struct xt_entry_target, its length first; the kind's own data follow it. */
const target = { name: 2, nameBytes: 29, bytes: 32 } as const;
/** struct ipt_clusterip_tgt_info */
const clusterip = { mac: 4, totalNodes: 10, hashMode: 48, hashInit: 52 } as const;

const hashModes: readonly HashMode[] = [ // enum clusterip_hashmode
  "sourceip",
  "sourceip-sourceport",
  "sourceip-sourceport-destport",
];

/** The question for IPT_SO_GET_INFO. */
export function tableInfoRequest(table: string): Uint8Array<ArrayBuffer> {
  return withName(table, tableInfoBytes);
}

/** How many bytes of rules a table has, by the answer to `tableInfoRequest`. */
export function rulesBytes(info: Uint8Array): number {
  return viewOf(info).getUint32(tableInfoBytes - 4, true);
}

/** The question for IPT_SO_GET_ENTRIES; the answer has the same length. */
export function entriesRequest(table: string, size: number): Uint8Array<ArrayBuffer> {
  const bytes = withName(table, entriesHeaderBytes + size);
  viewOf(bytes).setUint32(nameBytes, size, true);
  return bytes;
}

/** The CLUSTERIP rules in an answer to `entriesRequest`; throws `RangeError` where it is cut off. */
export function clusteripRules(entries: Uint8Array): ClusteripRule[] {
  const view = viewOf(entries);
  const table = textAt(entries, 0, nameBytes);
  const end = entriesHeaderBytes + view.getUint32(nameBytes, true);
  const rules: ClusteripRule[] = [];
  for (let at = entriesHeaderBytes; at < end;) {
    const next = view.getUint16(at + entry.nextOffset, true);
    if (next < entry.bytes) throw new RangeError(`read table ${table}: a rule of ${next} bytes`);
    const targetAt = at + view.getUint16(at + entry.targetOffset, true);
    if (textAt(entries, targetAt + target.name, target.nameBytes) === "CLUSTERIP") {
      rules.push(ruleAt(entries, view, table, at, targetAt + target.bytes));
    }
    at += next;
  }
  return rules;
}

function ruleAt(
  bytes: Uint8Array,
  view: DataView,
  table: string,
  at: number,
  info: number,
): ClusteripRule {
  const mode = view.getUint32(info + clusterip.hashMode, true);
  const destination = at + entry.destination;
  return {
    table,
    address: formatAddress(bytes.subarray(destination, destination + 4)),
    interface: textAt(bytes, at + entry.inInterface, entry.interfaceBytes),
    mac: Array.from(
      bytes.subarray(info + clusterip.mac, info + clusterip.mac + 6),
      (byte) => byte.toString(16).padStart(2, "0"),
    ).join(":"),
    hashMode: hashModes[mode] ?? `unknown hash mode ${mode}`,
    hashInit: view.getUint32(info + clusterip.hashInit, true),
    totalNodes: view.getUint16(info + clusterip.totalNodes, true),
  };
}

function withName(name: string, length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  bytes.set(new TextEncoder().encode(name));
  return bytes;
}

/** Text up to its zero byte. */
function textAt(bytes: Uint8Array, at: number, length: number): string {
  const field = bytes.subarray(at, at + length);
  const end = field.indexOf(0);
  return new TextDecoder().decode(end < 0 ? field : field.subarray(0, end));
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
