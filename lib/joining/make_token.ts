/** A new join token: the word for the user, and the record that the node keeps of it. */
import { AvailError } from "../errors.ts";
import { formatToken, tokenId, tokenKey } from "./token.ts";
import { openTokensMax, stateOf, type TokenRecord } from "./token_book.ts";

export interface TokenWish {
  /** 16 random bytes. */
  readonly secret: Uint8Array;
  readonly issuer: string;
  readonly cluster: string;
  /** Where the issuer can be reached, best first. */
  readonly addresses: readonly string[];
  readonly port: number;
  readonly uses: number;
  readonly lifetimeMs: number;
  /** Milliseconds since 1970. */
  readonly now: number;
}

export interface MadeToken {
  readonly text: string;
  readonly record: TokenRecord;
}

export function makeToken(wish: TokenWish): MadeToken {
  const madeAt = Math.floor(wish.now / 1000) * 1000;
  const expiresAt = madeAt + Math.ceil(wish.lifetimeMs / 1000) * 1000;
  const { secret, issuer, cluster, addresses, port, uses } = wish;
  return {
    text: formatToken({ expiresAt, port, secret, addresses, issuer, cluster }),
    record: {
      id: tokenId(secret),
      key: tokenKey(secret).toBase64(),
      madeAt,
      expiresAt,
      uses,
      used: [],
      isRevoked: false,
    },
  };
}

/** The book with one more token; throws `AvailError` where too many can be used already. */
export function withToken(
  book: readonly TokenRecord[],
  record: TokenRecord,
  now: number,
): readonly TokenRecord[] {
  const open = book.filter((token) => stateOf(token, now) === "open").length;
  if (open >= openTokensMax) {
    throw new AvailError(
      `token: ${open} can be used already; revoke some first: avail token --revoke all`,
    );
  }
  return [...book, record];
}

/** The port for joining: the one beside the replication's, which has to be open as well. */
export function joinPort(replicationPort: number): number {
  return replicationPort < 65535 ? replicationPort + 1 : replicationPort - 1;
}
