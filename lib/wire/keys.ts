/**
 * The cluster's secrets and everything that is derived from them.
 *
 * The seed decides where packets go and is never changed by a rotation of keys; the keys seal what
 * the nodes tell each other. Everything derived is HKDF-SHA-256 (RFC 5869) with its purpose as info.
 */
import { hkdfSync } from "node:crypto";

export const secretBytes = 32;

export interface ClusterKey {
  /** 0 to 255; on the wire, so that a receiver knows which key to open with. */
  readonly id: number;
  readonly bytes: Uint8Array;
}

export interface KeyRing {
  readonly seed: Uint8Array;
  /** At least one; the first seals what this node sends, all of them open. */
  readonly keys: readonly ClusterKey[];
}

/** HKDF-SHA-256: `context` is the salt, `purpose` the info; by default 32 bytes. */
export function derive(
  secret: Uint8Array,
  purpose: string,
  context: Uint8Array = new Uint8Array(0),
  lengthBytes = 32,
): Uint8Array<ArrayBuffer> {
  return new Uint8Array(hkdfSync("sha256", secret, context, `avail 1 ${purpose}`, lengthBytes));
}

/** The 64-bit seed of the bucket function, as two 32-bit words (low, high). */
export function bucketSeed(ring: KeyRing): readonly [low: number, high: number] {
  const view = new DataView(derive(ring.seed, "bucket seed", undefined, 8).buffer);
  return [view.getUint32(0, true), view.getUint32(4, true)];
}

/**
 * The IPv4 group (239.128.0.0/9, RFC 2365) that a share's MAC stands for; `firstAddress` is the
 * share's first shared address in canonical text, so that shares differ and nodes agree.
 */
export function shareGroup(ring: KeyRing, firstAddress: string): string {
  const bits = derive(ring.seed, "share group", new TextEncoder().encode(firstAddress), 3);
  return `239.${128 | (bits[0] & 0x7f)}.${bits[1]}.${bits[2]}`;
}

/** The group MAC of an IPv4 group (RFC 1112, 6.4): 01:00:5e and its low 23 bits. */
export function groupMac(group: string): Uint8Array<ArrayBuffer> {
  const [, b, c, d] = group.split(".").map(Number);
  return new Uint8Array([0x01, 0x00, 0x5e, b & 0x7f, c, d]);
}

/** A key file that cannot be used: the reason names the line and never its content. */
export class KeyFileError extends Error {
  override readonly name = "KeyFileError";
}

/**
 * Reads a key file: lines `seed BASE64` and `key ID BASE64` of 32 bytes each; one bare base64 line
 * stands for both (key id 0). `#` starts a comment.
 */
export function parseKeyFile(text: string): KeyRing {
  let seed: Uint8Array | undefined;
  const keys: ClusterKey[] = [];
  const addKey = (key: ClusterKey, at: string) => {
    if (keys.some(({ id }) => id === key.id)) {
      throw new KeyFileError(`${at}: key id ${key.id} twice`);
    }
    keys.push(key);
  };
  text.split("\n").forEach((raw, i) => {
    const words = raw.replace(/#.*/, "").trim().split(/\s+/).filter((word) => word !== "");
    const at = `line ${i + 1}`;
    if (words.length === 0) return;
    if (words.length === 1) {
      const secret = secretOf(words[0], at);
      if (seed !== undefined) throw new KeyFileError(`${at}: a second seed; keep one`);
      seed = derive(secret, "seed of one secret");
      addKey({ id: 0, bytes: derive(secret, "key of one secret") }, at);
    } else if (words[0] === "seed" && words.length === 2) {
      if (seed !== undefined) throw new KeyFileError(`${at}: a second seed; keep one`);
      seed = secretOf(words[1], at);
    } else if (words[0] === "key" && words.length === 3) {
      const id = /^\d{1,3}$/.test(words[1]) ? Number(words[1]) : NaN;
      if (!(id <= 255)) throw new KeyFileError(`${at}: key id ${words[1]}; use 0 to 255`);
      addKey({ id, bytes: secretOf(words[2], at) }, at);
    } else {
      throw new KeyFileError(`${at}: neither "seed BASE64" nor "key ID BASE64"`);
    }
  });
  if (seed === undefined) throw new KeyFileError("no seed; add a line: seed BASE64");
  if (keys.length === 0) throw new KeyFileError("no key; add a line: key 0 BASE64");
  return { seed, keys };
}

/** A key file's text; `parseKeyFile` gives the same ring. */
export function formatKeyFile(ring: KeyRing): string {
  const keys = ring.keys.map(({ id, bytes }) => `key ${id} ${bytes.toBase64()}\n`);
  return `seed ${ring.seed.toBase64()}\n${keys.join("")}`;
}

/** What tells keys apart without telling anything of them: 8 hexadecimal digits. */
export function checkOf(key: ClusterKey): string {
  return derive(key.bytes, "key check", undefined, 4).toHex();
}

function secretOf(base64: string, at: string): Uint8Array {
  let bytes: Uint8Array;
  try {
    bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
  } catch {
    throw new KeyFileError(`${at}: not base64; 32 bytes in base64 are 44 characters`);
  }
  if (bytes.length !== secretBytes) {
    throw new KeyFileError(`${at}: ${bytes.length} bytes; a secret has ${secretBytes}`);
  }
  return bytes;
}
