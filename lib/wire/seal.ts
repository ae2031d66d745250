/**
 * The envelope of every datagram: who may read it, and that nobody changed it.
 *
 *      0  u16  magic 0xa7a1
 *      2  u8   version of the envelope, 1
 *      3  u8   key id
 *      4  8    cluster id: the first bytes of SHA-256("avail cluster " + name); public
 *     12  4    tag: HKDF(key, "datagram tag", cluster id); what the kernel's filter looks at
 *     16  16   incarnation of the sender
 *     32  12   nonce: a token and a number (tokens.ts); a reader takes any
 *     44  …    AES-256-GCM of the message, its 16-byte tag at the end; bytes 0 to 43 are bound too
 *
 * The sealing key is HKDF(key, "datagram", incarnation): no two starts of any node share one, so a
 * nonce meets its like only where one start uses it twice. The tag is not a proof of anything (it is the same in every
 * datagram): it lets the kernel drop a flood that does not know the key before user space wakes up.
 */
import { createHash } from "node:crypto";
import { type Aead, gcmTagBytes, runtimeAead } from "./aead.ts";
import { derive, type KeyRing } from "./keys.ts";
import { toHex } from "./cursor.ts";

export const envelopeMagic = 0xa7a1;
export const envelopeVersion = 1;
export const nonceBytes = 12;
export const incarnationBytes = 16;
const envelopeBytes = 44;

/** What an envelope adds to a message. */
export const envelopeOverheadBytes = envelopeBytes + gcmTagBytes;

export const clusterIdOffset = 4;
export const tagOffset = 12;
export const incarnationOffset = 16;
export const nonceOffset = 32;

/** Why a datagram was not opened; each is counted. */
export type SealRefusal = "short" | "foreign" | "version" | "unknown key" | "not authentic";

export type Opened =
  | {
    readonly ok: true;
    readonly incarnation: string;
    readonly keyId: number;
    readonly message: Uint8Array<ArrayBuffer>;
  }
  | { readonly ok: false; readonly refusal: SealRefusal };

export function clusterId(clusterName: string): Uint8Array<ArrayBuffer> {
  const digest = createHash("sha256").update(`avail cluster ${clusterName}`).digest();
  return new Uint8Array(digest.subarray(0, 8));
}

/** The tags that the kernel's filter lets in, one for each key of the ring. */
export function datagramTags(ring: KeyRing, clusterName: string): Uint8Array<ArrayBuffer>[] {
  return ring.keys.map((key) => derive(key.bytes, "datagram tag", clusterId(clusterName), 4));
}

/** What is kept of one sender under one of the keys. */
interface Sender {
  readonly key: Uint8Array<ArrayBuffer>;
  /** Its newest datagram that was opened: it comes by every interface, and is opened once. */
  datagram: Uint8Array;
  opened: Opened | null;
}

/** Seals what this incarnation sends and opens what others do. */
export class DatagramSeal {
  readonly #clusterId: Uint8Array<ArrayBuffer>;
  readonly #header: Uint8Array<ArrayBuffer>;
  readonly #incarnation: Uint8Array;
  #ring: KeyRing;
  #sendKey: Uint8Array<ArrayBuffer>;
  /** By `key id:incarnation`, oldest first; bounded, since anyone can invent one. */
  readonly #senders = new Map<string, Sender>();
  readonly #sendersMax: number;
  readonly #aead: Aead;

  constructor(
    ring: KeyRing,
    clusterName: string,
    incarnation: Uint8Array,
    { sendersMax = 128, aead = runtimeAead }: { sendersMax?: number; aead?: Aead } = {},
  ) {
    this.#sendersMax = sendersMax;
    this.#aead = aead;
    this.#clusterId = clusterId(clusterName);
    this.#incarnation = incarnation;
    this.#header = new Uint8Array(envelopeBytes);
    this.#header.set([envelopeMagic >> 8, envelopeMagic & 0xff, envelopeVersion]);
    this.#header.set(this.#clusterId, clusterIdOffset);
    this.#header.set(incarnation, incarnationOffset);
    this.#ring = ring;
    this.#sendKey = this.#useFirstKey();
  }

  /** Other keys from here on: the first one seals, all of them open. */
  useRing(ring: KeyRing): void {
    this.#ring = ring;
    this.#senders.clear();
    this.#sendKey = this.#useFirstKey();
  }

  #useFirstKey(): Uint8Array<ArrayBuffer> {
    const [{ id, bytes }] = this.#ring.keys;
    this.#header[3] = id;
    this.#header.set(derive(bytes, "datagram tag", this.#clusterId, 4), tagOffset);
    return derive(bytes, "datagram", this.#incarnation);
  }

  /** `nonce`: 12 bytes that this incarnation has not used before. */
  seal(
    message: Uint8Array<ArrayBuffer>,
    nonce: Uint8Array<ArrayBuffer>,
  ): Uint8Array<ArrayBuffer> {
    const datagram = new Uint8Array(envelopeBytes + message.length + gcmTagBytes);
    datagram.set(this.#header);
    datagram.set(nonce, nonceOffset);
    const bound = datagram.subarray(0, envelopeBytes);
    this.#aead.seal(this.#sendKey, nonce, bound, message, datagram.subarray(envelopeBytes));
    return datagram;
  }

  open(datagram: Uint8Array<ArrayBuffer>): Opened {
    if (datagram.length < envelopeOverheadBytes) return { ok: false, refusal: "short" };
    if (
      datagram[0] !== envelopeMagic >> 8 || datagram[1] !== (envelopeMagic & 0xff) ||
      this.#clusterId.some((byte, i) => byte !== datagram[clusterIdOffset + i])
    ) {
      return { ok: false, refusal: "foreign" };
    }
    if (datagram[2] !== envelopeVersion) return { ok: false, refusal: "version" };
    const incarnation = datagram.subarray(incarnationOffset, nonceOffset);
    const sender = this.#sender(datagram[3], incarnation);
    if (sender === null) return { ok: false, refusal: "unknown key" };
    if (sender.opened !== null && isEqual(sender.datagram, datagram)) return sender.opened;
    const nonce = datagram.subarray(nonceOffset, envelopeBytes);
    const bound = datagram.subarray(0, envelopeBytes);
    const message = this.#aead.open(sender.key, nonce, bound, datagram.subarray(envelopeBytes));
    if (message === null) return { ok: false, refusal: "not authentic" };
    if (sender.datagram.length === datagram.length) sender.datagram.set(datagram);
    else sender.datagram = datagram.slice();
    return sender.opened = {
      ok: true,
      incarnation: toHex(incarnation),
      keyId: datagram[3],
      message,
    };
  }

  #sender(id: number, incarnation: Uint8Array): Sender | null {
    const clusterKey = this.#ring.keys.find((key) => key.id === id);
    if (clusterKey === undefined) return null;
    const name = `${id}:${toHex(incarnation)}`;
    let sender = this.#senders.get(name);
    if (sender === undefined) {
      const key = derive(clusterKey.bytes, "datagram", incarnation);
      sender = { key, datagram: new Uint8Array(0), opened: null };
    } else this.#senders.delete(name);
    this.#senders.set(name, sender);
    if (this.#senders.size > this.#sendersMax) {
      this.#senders.delete(this.#senders.keys().next().value!);
    }
    return sender;
  }
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = a.length - 1; i >= 0; i--) if (a[i] !== b[i]) return false;
  return true;
}
