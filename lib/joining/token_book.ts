/**
 * The join tokens of a node: which there are, until when, how often each may be used and by whom it
 * was. Pure: the clock is an argument. The file that keeps it is lib/host/token_file.ts.
 *
 * Intuition: a use belongs to whoever claimed it. The same `avail join` that asks again, because its
 * connection broke, is given the same answer; anybody else finds the use gone.
 */
import { isName } from "../config_values.ts";
import { nameBytesMax } from "../limits.ts";
import type { TokenStatus } from "../control_joins.ts";
import type { Refusal } from "./content.ts";

/** A use of a token. */
export interface TokenUse {
  readonly name: string;
  /** Where it came from. */
  readonly address: string;
  /** Milliseconds since 1970. */
  readonly at: number;
  /** 32 hexadecimal digits (content.ts). */
  readonly claimant: string;
  /** Whether it said that it has written everything. */
  readonly installed: boolean;
}

export interface TokenRecord {
  /** 16 hexadecimal digits. */
  readonly id: string;
  /** In base64; proves that the other end has the token, and is as secret as the token. */
  readonly key: string;
  /** Milliseconds since 1970. */
  readonly madeAt: number;
  readonly expiresAt: number;
  /** How many nodes may join by it. */
  readonly uses: number;
  readonly used: readonly TokenUse[];
  readonly isRevoked: boolean;
}

export type TokenState = "open" | "used" | "expired" | "revoked";

export const tokenUsesMax = 31;
export const tokenLifetimeMsMin = 60_000;
export const tokenLifetimeMsMax = 7 * 24 * 3_600_000;
/** Tokens that can be used at one time; more are a mistake. */
export const openTokensMax = 16;
/** What is over is remembered for a day, for a clear refusal and `avail token --list`. */
const rememberedMs = 24 * 3_600_000;
const recordsMax = 64;

/**
 * How long a token is still good, in milliseconds, at most its whole lifetime: a clock that was set
 * back makes no token live longer than that.
 */
export function remainingMs({ madeAt, expiresAt }: TokenRecord, now: number): number {
  return Math.min(expiresAt - now, expiresAt - madeAt);
}

export function stateOf(token: TokenRecord, now: number): TokenState {
  if (token.isRevoked) return "revoked";
  if (token.used.length >= token.uses) return "used";
  return remainingMs(token, now) > 0 ? "open" : "expired";
}

/** What may be told of a token. */
export function tokenStatus(token: TokenRecord, now: number): TokenStatus {
  const { id, madeAt, expiresAt, uses, used } = token;
  const usedBy = used.map(({ claimant: _, ...use }) => use);
  return { id, state: stateOf(token, now), madeAt, expiresAt, uses, usedBy };
}

/** Why a joiner with this token is turned away; null: it may come in. */
export function refusalOf(
  token: TokenRecord,
  now: number,
  claimant: string | null = null,
): Refusal | null {
  const state = stateOf(token, now);
  const isItsOwn = claimant !== null && token.used.some((use) => use.claimant === claimant);
  if (state === "open" || state === "used" && isItsOwn && remainingMs(token, now) > 0) return null;
  if (state === "used") {
    const by = token.used.map(({ name, address }) => `${name} (${address})`).join(", ");
    return { reason: "used", detail: `it was used by ${by}` };
  }
  return state === "revoked"
    ? { reason: "revoked", detail: "it was revoked" }
    : { reason: "expired", detail: `it expired ${ago(now - token.expiresAt)}` };
}

/** Of two clocks that differ, only differences mean the same at both ends. */
function ago(ms: number): string {
  return ms < 0 ? "before this clock was set back" : `${Math.ceil(ms / 60_000)} min ago`;
}

/** The book with a use counted, or as it was where the claimant has counted already. */
export function withUse(
  book: readonly TokenRecord[],
  id: string,
  use: TokenUse,
): readonly TokenRecord[] {
  return changed(book, id, (token) => {
    const isCounted = token.used.some(({ claimant }) => claimant === use.claimant);
    if (!isCounted) return { ...token, used: [...token.used, use] };
    const used = token.used.map((each) => each.claimant === use.claimant ? use : each);
    return { ...token, used };
  });
}

export function withInstalled(
  book: readonly TokenRecord[],
  id: string,
  claimant: string,
): readonly TokenRecord[] {
  return changed(book, id, (token) => ({
    ...token,
    used: token.used.map((use) => use.claimant === claimant ? { ...use, installed: true } : use),
  }));
}

export function withRevoked(book: readonly TokenRecord[], id: string): readonly TokenRecord[] {
  return changed(book, id, (token) => ({ ...token, isRevoked: true }));
}

/** Without what has been over for a day. */
export function pruned(book: readonly TokenRecord[], now: number): readonly TokenRecord[] {
  return book.filter((token) => now - token.expiresAt < rememberedMs).slice(-recordsMax);
}

function changed(
  book: readonly TokenRecord[],
  id: string,
  change: (token: TokenRecord) => TokenRecord,
): readonly TokenRecord[] {
  return book.map((token) => token.id === id ? change(token) : token);
}

// ---- the file

export function formatTokenBook(book: readonly TokenRecord[]): string {
  return JSON.stringify({ schema: 1, tokens: book }, null, 1) + "\n";
}

/** Null where the text is no token file of ours. */
export function parseTokenBook(text: string): readonly TokenRecord[] | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (!isObject(value) || value.schema !== 1 || !Array.isArray(value.tokens)) return null;
  const all: readonly unknown[] = value.tokens;
  const book = all.flatMap((each) => readRecord(each) ?? []);
  return book.length === all.length ? book : null;
}

function readRecord(value: unknown): TokenRecord | null {
  if (!isObject(value) || !Array.isArray(value.used)) return null;
  const { id, key, madeAt, expiresAt, uses, isRevoked } = value;
  const all: readonly unknown[] = value.used;
  const used = all.flatMap((each) => readUse(each) ?? []);
  if (used.length !== all.length) return null;
  if (typeof id !== "string" || !/^[0-9a-f]{16}$/.test(id)) return null;
  if (typeof key !== "string" || !/^[A-Za-z0-9+/]{43}=$/.test(key)) return null;
  if (!isWhole(madeAt) || !isWhole(expiresAt) || !isWhole(uses) || uses > tokenUsesMax) return null;
  if (typeof isRevoked !== "boolean") return null;
  return { id, key, madeAt, expiresAt, uses, used, isRevoked };
}

function readUse(value: unknown): TokenUse | null {
  if (!isObject(value)) return null;
  const { name, address, at, claimant, installed } = value;
  if (typeof name !== "string" || name.length > nameBytesMax || !isName(name)) return null;
  if (typeof address !== "string" || address.length > 64 || !isWhole(at)) return null;
  if (typeof claimant !== "string" || !/^[0-9a-f]{32}$/.test(claimant)) return null;
  return typeof installed === "boolean" ? { name, address, at, claimant, installed } : null;
}

function isWhole(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
