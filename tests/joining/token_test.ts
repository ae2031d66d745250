import {
  formatToken,
  type JoinToken,
  parseToken,
  TokenError,
  tokenId,
  tokenKey,
} from "../../lib/joining/token.ts";
import { assert, assertEquals, assertNotEquals, assertThrows } from "../assert.ts";

const token: JoinToken = {
  expiresAt: 1_800_000_000_000,
  port: 9479,
  secret: Uint8Array.from({ length: 16 }, (_, i) => 16 * i + 5),
  addresses: ["10.0.0.1", "2001:db8::1"],
  issuer: "fw1",
  cluster: "edge",
};
const text = formatToken(token);

Deno.test("a token is one short word, and reads back", () => {
  assertEquals(parseToken(text), token);
  assert(/^avail1\.[A-Za-z0-9_-]+$/.test(text), text);
  const usual = formatToken({ ...token, addresses: ["10.0.0.1"] });
  assert(`avail join ${usual}`.length <= 79, `${usual.length} characters`);
});

Deno.test("a token as people paste it", () => {
  const pastes = [
    `${text}\n`,
    `  "${text}"  `,
    `avail join ${text}`,
    `# avail join \`${text}\``,
    `sudo avail join ${text.slice(0, 30)}\r\n${text.slice(30)}`,
    text.split("").join(" "),
  ];
  for (const paste of pastes) assertEquals(parseToken(paste), token, paste);
});

const flipped = (at: number) => {
  const letter = text[at] === "A" ? "B" : "A";
  return text.slice(0, at) + letter + text.slice(at + 1);
};

const damaged: readonly (readonly [paste: string, says: string])[] = [
  ["", "it is empty"],
  [" \n", "it is empty"],
  ["edge", "it does not begin with avail1."],
  ["avail1", "it does not begin with avail1."],
  ["avail2.AAAA", "it is of format 2, and this avail knows format 1"],
  ["avail1.", "damaged or cut off (7 characters came)"],
  [text.slice(0, -1), "damaged or cut off"],
  [text.slice(0, 40), "damaged or cut off (40 characters came)"],
  [`${text}A`, "damaged or cut off"],
  [`${text}AAAA`, "damaged or cut off"],
  [flipped(10), "damaged or cut off"],
  [flipped(text.length - 3), "damaged or cut off"],
  [`${text.slice(0, 20)}…${text.slice(21)}`, "character 21 cannot be in a token"],
  [`${text.slice(0, 20)}=${text.slice(21)}`, "character 21 cannot be in a token"],
];

for (const [paste, says] of damaged) {
  Deno.test(`a damaged token: ${says} (${paste.length})`, () => {
    const error = assertThrows(() => parseToken(paste), TokenError);
    assert(error instanceof TokenError && error.message.includes(says), String(error));
    assert(!error.message.includes(text.slice(14, 24)), "no message repeats what is secret");
  });
}

Deno.test("every changed character is noticed", () => {
  // The last one has bits that no byte holds; a decoder that looked away would take 4 for one.
  for (let at = 7; at < text.length; at++) {
    assertThrows(() => parseToken(flipped(at)), TokenError, "", `character ${at}`);
  }
});

Deno.test("what a token stands for follows from its secret alone, and does not tell it", () => {
  const other = token.secret.with(15, 0);
  assertEquals(tokenId(token.secret), tokenId(token.secret.slice()));
  assertNotEquals(tokenId(token.secret), tokenId(other));
  assertNotEquals(tokenKey(token.secret), tokenKey(other));
  assert(!tokenKey(token.secret).toHex().includes(tokenId(token.secret)));
});
