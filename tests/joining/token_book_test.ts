/** Tokens on a clock of the test's own: uses, expiry, clocks that are set, and the file. */
import { AvailError } from "../../lib/errors.ts";
import { makeToken, withToken } from "../../lib/joining/make_token.ts";
import { claimFault } from "../../lib/joining/template.ts";
import { parseToken, tokenId } from "../../lib/joining/token.ts";
import {
  formatTokenBook,
  openTokensMax,
  parseTokenBook,
  pruned,
  refusalOf,
  remainingMs,
  stateOf,
  type TokenRecord,
  tokenStatus,
  withInstalled,
  withRevoked,
  withUse,
} from "../../lib/joining/token_book.ts";
import { assert, assertEquals, assertThrows } from "../assert.ts";

const now = 1_800_000_000_000;
const minute = 60_000;

const made = (uses = 1, secret = 7) =>
  makeToken({
    secret: new Uint8Array(16).fill(secret),
    issuer: "fw1",
    cluster: "edge",
    addresses: ["10.0.0.1"],
    port: 9479,
    uses,
    lifetimeMs: 60 * minute,
    now,
  });

const claimants = ["a", "b", "c"].map((letter) => letter.repeat(32));
const use = (name: string, claimant: string) => ({
  ...{ name, address: "10.0.0.2", at: now, claimant, installed: false },
});

Deno.test("a token and its record belong together, and the record does not give the token away", () => {
  const { text, record } = made();
  const token = parseToken(text);
  assertEquals(tokenId(token.secret), record.id);
  assertEquals([token.expiresAt, record.expiresAt], [now + 60 * minute, now + 60 * minute]);
  assert(!formatTokenBook([record]).includes(token.secret.toBase64().slice(0, 12)));
  assert(!formatTokenBook([record]).includes(text.slice(10, 30)));
});

Deno.test("a token is good until its time is over, and not a millisecond longer", () => {
  const { record } = made();
  const states = [0, 59 * minute, 60 * minute - 1, 60 * minute, 90 * minute].map((after) =>
    stateOf(record, now + after)
  );
  assertEquals(states, ["open", "open", "open", "expired", "expired"]);
  assertEquals(refusalOf(record, now + 65 * minute), {
    reason: "expired",
    detail: "it expired 5 min ago",
  });
});

Deno.test("a clock that is set back gives a token its lifetime at most", () => {
  assertEquals(remainingMs(made().record, now - 100 * minute), 60 * minute);
});

Deno.test("each use belongs to who claimed it; the next one finds it gone", () => {
  const { record } = made();
  let book: readonly TokenRecord[] = [record];
  assertEquals(refusalOf(book[0], now, claimants[0]), null);
  book = withUse(book, record.id, use("fw2", claimants[0]));
  assertEquals(stateOf(book[0], now), "used");
  assertEquals(refusalOf(book[0], now, claimants[0]), null, "it may ask again");
  assertEquals(refusalOf(book[0], now, claimants[1])?.detail, "it was used by fw2 (10.0.0.2)");
  assertEquals(refusalOf(book[0], now)?.reason, "used");
  assertEquals(
    refusalOf(book[0], now + 61 * minute, claimants[0])?.reason,
    "used",
    "and not after its time",
  );
  book = withUse(book, record.id, use("fw2", claimants[0]));
  assertEquals(book[0].used.length, 1, "the same use is counted once");
  book = withInstalled(book, record.id, claimants[0]);
  assertEquals(tokenStatus(book[0], now).usedBy, [
    { name: "fw2", address: "10.0.0.2", at: now, installed: true },
  ]);
});

Deno.test("two uses are two nodes", () => {
  const { record } = made(2);
  let book: readonly TokenRecord[] = [record];
  const states = claimants.map((claimant, i) => {
    const refusal = refusalOf(book[0], now, claimant);
    if (refusal === null) book = withUse(book, record.id, use(`fw${i + 2}`, claimant));
    return refusal?.reason ?? "taken in";
  });
  assertEquals(states, ["taken in", "taken in", "used"]);
});

Deno.test("a revoked token stays revoked", () => {
  const { record } = made(3);
  const [revoked] = withRevoked([record], record.id);
  assertEquals(refusalOf(revoked, now), { reason: "revoked", detail: "it was revoked" });
  assertEquals(stateOf(record, now), "open", "the control");
});

Deno.test("what is over is forgotten after a day; more than some open tokens are refused", () => {
  const { record } = made();
  const dayMs = 24 * 60 * minute;
  assertEquals(pruned([record], now + 60 * minute + dayMs - 1).length, 1);
  assertEquals(pruned([record], now + 60 * minute + dayMs).length, 0);
  let book: readonly TokenRecord[] = [];
  for (let i = 0; i < openTokensMax; i++) book = withToken(book, made(1, i).record, now);
  assertThrows(() => withToken(book, made(1, 99).record, now), AvailError, "revoke some first");
  assertEquals(withToken(book, made(1, 99).record, now + 61 * minute).length, openTokensMax + 1);
});

Deno.test("the file reads back; what is none of ours is not guessed at", () => {
  const { record } = made(2);
  const book = withUse([record, made(1, 8).record], record.id, use("fw2", claimants[0]));
  assertEquals(parseTokenBook(formatTokenBook(book)), book);
  assertEquals(parseTokenBook(formatTokenBook([])), []);
  const text = formatTokenBook(book);
  const broken = [
    "",
    "{}",
    "[]",
    '{"schema":2,"tokens":[]}',
    '{"schema":1,"tokens":[{}]}',
    text.slice(0, -5),
    text.replace('"uses": 2', '"uses": 99'),
    text.replace('"uses": 2', '"uses": -1'),
    text.replace('"isRevoked": false', '"isRevoked": 0'),
    text.replace('"fw2"', '"fw_2"'),
    text.replace('"fw2"', `"${"f".repeat(64)}"`),
    text.replace(record.id, "x"),
  ];
  for (const each of broken) assertEquals(parseTokenBook(each), null, each.slice(0, 60));
});

Deno.test("who may not come in: a name that is taken, too many, another protocol", () => {
  const claim = {
    name: "fw2",
    version: "0.1.0",
    protocol: { version: 2, oldest: 1 },
    claimant: claimants[0],
  };
  const config = { node: { name: "fw1" }, cluster: { name: "edge" } } as Parameters<
    typeof claimFault
  >[2];
  assertEquals(claimFault(claim, { live: ["fw1", "fw3"], joining: ["fw4"] }, config), null);
  assertEquals(claimFault(claim, { live: ["fw1", "FW2"], joining: [] }, config), {
    reason: "name taken",
    detail: "a node of edge is called FW2",
  });
  assertEquals(claimFault(claim, { live: ["fw1"], joining: ["fw2"] }, config), {
    reason: "name taken",
    detail: "a machine that has just joined is called fw2",
  });
  const none = { live: [], joining: [] };
  assertEquals(claimFault({ ...claim, name: "fw1" }, none, config)?.reason, "name taken");
  const many = Array.from({ length: 32 }, (_, i) => `n${i}`);
  assertEquals(claimFault(claim, { live: many.slice(0, 30), joining: [] }, config), null);
  assertEquals(
    claimFault(claim, { live: many.slice(0, 30), joining: ["x"] }, config)?.reason,
    "too many members",
  );
  const newer = { ...claim, protocol: { version: 9, oldest: 8 }, version: "2.0.0" };
  assertEquals(claimFault(newer, none, config)?.reason, "protocol");
});
