/**
 * A join token: what a machine needs to ask a node to be taken into its cluster. One word, to be
 * copied from one terminal to another:
 *
 *     "avail1." and, in base64url (RFC 4648, 5):
 *      0  u32  expiry, seconds since 1970; the issuer's own record decides
 *      4  u16  TCP port
 *      6  16   join secret, random
 *     22  u8   addresses n, each u8 length (4 or 16) and its bytes; best first
 *      …  u8   length + name of the node that made it
 *      …  u8   length + name of the cluster
 *      …  4    first bytes of SHA-256 of "avail1." and all before: tells damage from a wrong token
 *
 * The secret proves both ends to each other and is worth nothing once the token is used or expired:
 * the cluster's key travels under a fresh Diffie-Hellman secret (exchange.ts).
 */
import { createHash } from "node:crypto";
import { isName } from "../config_values.ts";
import { Reader, ShortMessage, Writer } from "../wire/cursor.ts";
import { formatAddress, parseAddress } from "../wire/address.ts";
import { derive } from "../wire/keys.ts";

export interface JoinToken {
  /** Milliseconds since 1970, whole seconds. */
  readonly expiresAt: number;
  readonly port: number;
  /** 16 bytes. */
  readonly secret: Uint8Array;
  /** In canonical text, 1 to `tokenAddressesMax`. */
  readonly addresses: readonly string[];
  /** The node that made it. */
  readonly issuer: string;
  readonly cluster: string;
}

export const joinSecretBytes = 16;
/** More addresses of one node would only make the line longer. */
export const tokenAddressesMax = 3;
const prefix = "avail1.";
const checksumBytes = 4;
const payloadBytesMax = 300;

/** Why a text is no token, without any of its secret. */
export class TokenError extends Error {
  override readonly name = "TokenError";
}

export function formatToken(token: JoinToken): string {
  const writer = new Writer(payloadBytesMax);
  writer.u32(token.expiresAt / 1000).u16(token.port).raw(token.secret);
  writer.u8(token.addresses.length);
  for (const address of token.addresses) {
    const { bytes } = parseAddress(address)!;
    writer.u8(bytes.length).raw(bytes);
  }
  writer.text(token.issuer).text(token.cluster);
  writer.raw(checksumOf(writer.bytes));
  return prefix + base64url(writer.bytes);
}

function base64url(bytes: Uint8Array): string {
  return bytes.toBase64({ alphabet: "base64url", omitPadding: true });
}

/**
 * Reads a token as people paste it: with line breaks, blanks or quotes in it, and with the words
 * `avail join` before it. Throws `TokenError` that says what is wrong, and how to get a right one.
 */
export function parseToken(text: string): JoinToken {
  const word = text.replace(/[\s"'`\u200b]+/g, "").replace(/^.*?(?=avail\d+\.)/, "");
  const found = /^avail(\d+)\.(.*)$/.exec(word);
  if (word === "") throw new TokenError("it is empty; paste what `avail token` printed");
  if (!found) {
    throw new TokenError(`it does not begin with ${prefix}; paste what \`avail token\` printed`);
  }
  if (found[1] !== "1") {
    throw new TokenError(
      `it is of format ${found[1]}, and this avail knows format 1; ` +
        "install the same version of avail on both nodes",
    );
  }
  const strange = /[^A-Za-z0-9_-]/.exec(found[2]);
  if (strange) {
    throw new TokenError(
      `character ${prefix.length + strange.index + 1} cannot be in a token; copy it again, whole`,
    );
  }
  const bytes = bytesOf(found[2]);
  const token = bytes && decode(bytes);
  if (!token) {
    throw new TokenError(
      `it is damaged or cut off (${word.length} characters came); copy it again, whole, in one line`,
    );
  }
  return token;
}

/** Null where the bytes are no payload with its checksum. */
function decode(bytes: Uint8Array): JoinToken | null {
  if (bytes.length < checksumBytes) return null;
  const body = bytes.subarray(0, bytes.length - checksumBytes);
  const expected = checksumOf(body);
  if (expected.some((byte, i) => byte !== bytes[body.length + i])) return null;
  try {
    const reader = new Reader(body);
    const expiresAt = reader.u32() * 1000;
    const port = reader.u16();
    const secret = reader.raw(joinSecretBytes);
    const addresses = Array.from({ length: reader.u8() }, () => {
      const address = reader.raw(reader.u8());
      if (address.length !== 4 && address.length !== 16) throw new ShortMessage("an address");
      return formatAddress(address);
    });
    const token = {
      expiresAt,
      port,
      secret,
      addresses,
      issuer: reader.name(),
      cluster: name(reader),
    };
    const isWhole = reader.remaining === 0 && port > 0 && addresses.length > 0 &&
      addresses.length <= tokenAddressesMax;
    return isWhole ? token : null;
  } catch (error) {
    if (error instanceof ShortMessage) return null;
    throw error;
  }
}

function name(reader: Reader): string {
  const found = reader.text();
  if (!isName(found)) throw new ShortMessage("a name that is none");
  return found;
}

function bytesOf(text: string): Uint8Array | null {
  try {
    const bytes = Uint8Array.fromBase64(text, { alphabet: "base64url" });
    // The last character has bits that no byte holds: they must be as they were written.
    return base64url(bytes) === text ? bytes : null;
  } catch {
    return null;
  }
}

function checksumOf(payload: Uint8Array): Uint8Array {
  return new Uint8Array(
    createHash("sha256").update(prefix).update(payload).digest().subarray(0, checksumBytes),
  );
}

/** What the two ends know a token by; public: 16 hexadecimal digits. */
export function tokenId(secret: Uint8Array): string {
  return derive(secret, "join id", undefined, 8).toHex();
}

/** What proves to each end that the other one has the token; 32 bytes. */
export function tokenKey(secret: Uint8Array): Uint8Array<ArrayBuffer> {
  return derive(secret, "join key");
}
