/**
 * libnetfilter_conntrack: entries of the connection table as objects, read from the kernel's messages
 * and written as the text that conntrack(8) prints. For cold paths: the replication has a codec of its
 * own.
 */
import { openLibrary } from "./library.ts";

const symbols = {
  nfct_new: { parameters: [], result: "pointer" }, // struct nf_conntrack *
  nfct_destroy: { parameters: ["pointer"], result: "void" }, // struct nf_conntrack *
  nfct_nlmsg_parse: { parameters: ["buffer", "pointer"], result: "i32" }, // const struct nlmsghdr *, struct nf_conntrack *
  nfct_snprintf: { parameters: ["buffer", "u32", "pointer", "u32", "u32", "u32"], result: "i32" }, // char *, unsigned size, const struct nf_conntrack *, unsigned msg_type, unsigned out_type, unsigned flags
  nfct_attr_is_set: { parameters: ["pointer", "i32"], result: "i32" }, // const struct nf_conntrack *, enum nf_conntrack_attr
  nfct_get_attr: { parameters: ["pointer", "i32"], result: "pointer" }, // const struct nf_conntrack *, enum nf_conntrack_attr
} as const satisfies Deno.ForeignLibraryInterface;

/** enum nf_conntrack_attr of libnetfilter_conntrack.h: the original direction's tuple. */
const ATTR_ORIG_IPV4_SRC = 0;
const ATTR_ORIG_IPV4_DST = 1;
const ATTR_ORIG_IPV6_SRC = 4;
const ATTR_ORIG_IPV6_DST = 5;
const ATTR_ORIG_PORT_SRC = 8;
const ATTR_ORIG_PORT_DST = 9;
const ATTR_ORIG_L3PROTO = 15;
const ATTR_ORIG_L4PROTO = 17;
const NFCT_T_UNKNOWN = 0; // no "[NEW]" before the text
const NFCT_O_PLAIN = 0;
const NFCT_OF_SHOW_LAYER3 = 1;
const AF_INET = 2;
const AF_INET6 = 10;

let opened: Deno.DynamicLibrary<typeof symbols>["symbols"] | undefined;
function nfct() {
  return opened ??= openLibrary("libnetfilter_conntrack.so.3", symbols, "libnetfilter-conntrack3")
    .symbols;
}

/** One entry: its original direction, and its text. */
export interface ConntrackEntry {
  /** 4 or 16 bytes. */
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  /** IP protocol number. */
  readonly protocol: number;
  /** 0 where the protocol has no ports. */
  readonly sourcePort: number;
  readonly destinationPort: number;
  /** As `conntrack -L` prints it. */
  readonly text: string;
}

/** Reads entries one after the other, with one scratch buffer for their text. */
export class ConntrackReader {
  readonly #text = new Uint8Array(4096);

  /**
   * The entry of a whole netlink message (struct nlmsghdr and what follows), or null where it is none
   * of IPv4 or IPv6.
   */
  read(message: Uint8Array<ArrayBuffer>): ConntrackEntry | null {
    // A fresh object each time: parsing adds attributes and never takes those of the last one away.
    const object = nfct().nfct_new();
    if (object === null) throw new Error("nfct_new: out of memory");
    try {
      return nfct().nfct_nlmsg_parse(message, object) < 0 ? null : this.#entryOf(object);
    } finally {
      nfct().nfct_destroy(object);
    }
  }

  #entryOf(object: Deno.PointerObject): ConntrackEntry | null {
    const family = byteOf(object, ATTR_ORIG_L3PROTO);
    if (family !== AF_INET && family !== AF_INET6) return null;
    const isIpv4 = family === AF_INET;
    return {
      source: bytesOf(object, isIpv4 ? ATTR_ORIG_IPV4_SRC : ATTR_ORIG_IPV6_SRC, isIpv4 ? 4 : 16),
      destination: bytesOf(
        object,
        isIpv4 ? ATTR_ORIG_IPV4_DST : ATTR_ORIG_IPV6_DST,
        isIpv4 ? 4 : 16,
      ),
      protocol: byteOf(object, ATTR_ORIG_L4PROTO),
      sourcePort: portOf(object, ATTR_ORIG_PORT_SRC),
      destinationPort: portOf(object, ATTR_ORIG_PORT_DST),
      text: this.#format(object),
    };
  }

  #format(object: Deno.PointerObject): string {
    const wanted = nfct().nfct_snprintf(
      this.#text,
      this.#text.length,
      object,
      NFCT_T_UNKNOWN,
      NFCT_O_PLAIN,
      NFCT_OF_SHOW_LAYER3,
    );
    if (wanted < 0) throw new Error("nfct_snprintf: failed");
    const length = Math.min(wanted, this.#text.length - 1);
    return new TextDecoder().decode(this.#text.subarray(0, length)).trim();
  }
}

/** A copy of an attribute's storage; zeros where it is not set. */
function bytesOf(object: Deno.PointerObject, attribute: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  if (nfct().nfct_attr_is_set(object, attribute) <= 0) return bytes;
  const pointer = nfct().nfct_get_attr(object, attribute);
  if (pointer !== null) new Deno.UnsafePointerView(pointer).copyInto(bytes);
  return bytes;
}

function byteOf(object: Deno.PointerObject, attribute: number): number {
  return bytesOf(object, attribute, 1)[0];
}

/** Ports are stored in network order. */
function portOf(object: Deno.PointerObject, attribute: number): number {
  const [high, low] = bytesOf(object, attribute, 2);
  return high * 256 + low;
}
