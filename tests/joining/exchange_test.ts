/**
 * Both ends of a join in memory: how it goes, and what an attacker makes of it who sees, repeats,
 * changes or invents every byte. The controls are the same steps unharmed.
 */
import { Asking, type AskingEffect } from "../../lib/joining/asking.ts";
import { freshKeyPair, type KeyPair } from "../../lib/joining/channel.ts";
import type { Claim, GrantContent, Template } from "../../lib/joining/content.ts";
import { encodeHello, frameBytesMax, frameOf, kindHello } from "../../lib/joining/frames.ts";
import { Issuing, type IssuingEffect } from "../../lib/joining/issuing.ts";
import { tokenId, tokenKey } from "../../lib/joining/token.ts";
import { assert, assertEquals } from "../assert.ts";

const secret = new Uint8Array(16).fill(7);
const otherSecret = new Uint8Array(16).fill(8);
const keys = "seed AAAA\nkey 0 BBBB\n";

const template: Template = {
  issuer: "fw1",
  version: "0.1.0",
  protocol: { version: 2, oldest: 1 },
  config: '[cluster]\nname = "edge"\n',
  shareNetworks: [["192.0.2.11/24"]],
  linkNetworks: [],
  members: ["fw1"],
  now: 1_800_000_000_000,
};

const claim: Claim = {
  name: "fw2",
  version: "0.1.0",
  protocol: { version: 2, oldest: 1 },
  claimant: "0".repeat(32),
};

type Bytes = Uint8Array<ArrayBuffer>;

class Issuer {
  readonly issuing: Issuing;
  readonly effects: IssuingEffect[] = [];

  constructor(readonly pair: KeyPair = freshKeyPair()) {
    const known = (id: string) => id === tokenId(secret) ? tokenKey(secret) : null;
    this.issuing = new Issuing(known, pair);
  }

  /** What it answers. */
  receive(bytes: Bytes, grant: GrantContent = { keys }): Bytes[] {
    return this.issuing.receive(bytes).flatMap((effect) => {
      this.effects.push(effect);
      if (effect.kind === "send") return [effect.bytes];
      if (effect.kind === "greeted") return [this.issuing.welcome({ template })];
      return effect.kind === "claimed" ? [this.issuing.grant(grant)] : [];
    });
  }

  get kinds(): string[] {
    return this.effects.map((effect) =>
      effect.kind === "failed" ? `failed: ${effect.refusal}` : effect.kind
    );
  }
}

/** A whole join; every message on its way. */
function joined() {
  const issuer = new Issuer();
  const asking = new Asking(secret, freshKeyPair());
  const hello = asking.hello;
  const [welcome] = issuer.receive(hello);
  const effects = asking.receive(welcome);
  const claimed = asking.claim(claim);
  const [grant] = issuer.receive(claimed);
  effects.push(...asking.receive(grant));
  const done = asking.done();
  issuer.receive(done);
  return { issuer, effects, messages: { hello, welcome, claimed, grant, done } };
}

Deno.test("a join gives the template, then the keys, and both ends know that it is done", () => {
  const { issuer, effects } = joined();
  assertEquals(effects, [{ kind: "template", template }, { kind: "granted", keys }]);
  assertEquals(issuer.effects, [
    { kind: "greeted", token: tokenId(secret) },
    { kind: "claimed", token: tokenId(secret), claim },
    { kind: "installed", token: tokenId(secret), claim },
  ]);
  assert(issuer.issuing.isEnded);
});

Deno.test("a join in pieces of one byte, and in one piece", () => {
  const issuer = new Issuer();
  const asking = new Asking(secret, freshKeyPair());
  const answers = [...asking.hello].flatMap((byte) => issuer.receive(new Uint8Array([byte])));
  const effects: AskingEffect[] = [...answers[0]].flatMap((byte) =>
    asking.receive(new Uint8Array([byte]))
  );
  assertEquals(effects.map(({ kind }) => kind), ["template"]);
});

Deno.test("nothing secret is readable on the wire", () => {
  const { messages } = joined();
  const text = Object.values(messages).map((bytes) => new TextDecoder("latin1").decode(bytes)).join(
    "",
  );
  for (const word of ["seed", "BBBB", "edge", "192.0.2", "fw2"]) assert(!text.includes(word), word);
  const hex = Object.values(messages).map((bytes) => bytes.toHex()).join("");
  assert(!hex.includes(secret.toHex()) && !hex.includes(tokenKey(secret).toHex().slice(0, 16)));
});

Deno.test("another secret: neither end believes the other", () => {
  const issuer = new Issuer();
  const asking = new Asking(otherSecret, freshKeyPair());
  const [refused] = issuer.receive(asking.hello);
  assertEquals(issuer.kinds, ["send", "failed: unknown token"]);
  assertEquals(asking.receive(refused), [
    { kind: "turned away", reason: "unknown token", versionMin: 1, versionMax: 1 },
  ]);
  // Who only knows the token's id cannot prove more, nor pass for the issuer.
  const forged = encodeHello({
    versionMin: 1,
    versionMax: 1,
    token: tokenId(secret),
    publicKey: freshKeyPair().publicKey,
  }, tokenKey(otherSecret));
  const second = new Issuer();
  assertEquals(second.receive(forged), []);
  assertEquals(second.kinds, ["failed: not authentic"]);
  const impostor = new Issuing(() => tokenKey(otherSecret), freshKeyPair());
  impostor.receive(forged);
  const victim = new Asking(secret, freshKeyPair());
  assertEquals(victim.receive(impostor.welcome({ template })), [
    { kind: "failed", refusal: "not authentic" },
  ]);
});

Deno.test("tampering: no changed byte of any message is taken for what was sent", () => {
  const order = ["hello", "welcome", "claimed", "grant", "done"] as const;
  for (const which of order) {
    const length = joined().messages[which].length;
    // The first two bytes are the length: a shorter frame is cut, a longer one is waited for.
    for (let at = 2; at < length; at++) {
      const { issuer, effects } = tampered(which, at);
      const isGranted = effects.some(({ kind }) => kind === "granted");
      const isInstalled = issuer.kinds.includes("installed");
      const reached = order.indexOf(which);
      const why = `${which}, byte ${at}: ${issuer.kinds} ${effects.map(({ kind }) => kind)}`;
      assertEquals(isGranted, reached > order.indexOf("grant"), why);
      assertEquals(isInstalled, false, why);
      assertEquals(issuer.kinds.includes("claimed"), reached > order.indexOf("claimed"), why);
    }
  }
  // The control: unharmed, it is granted and installed.
  assertEquals(joined().issuer.kinds.includes("installed"), true);
});

/** A join of which one byte of one message is changed on its way; it stops where an end fails. */
function tampered(which: "hello" | "welcome" | "claimed" | "grant" | "done", at: number) {
  const issuer = new Issuer();
  const asking = new Asking(secret, freshKeyPair());
  const pass = (name: typeof which, bytes: Bytes) =>
    name === which ? bytes.with(at, bytes[at] ^ 0x20) : bytes;
  const effects: AskingEffect[] = [];
  const welcome = issuer.receive(pass("hello", asking.hello));
  effects.push(...welcome.flatMap((bytes) => asking.receive(pass("welcome", bytes))));
  if (effects.at(-1)?.kind !== "template") return { issuer, effects };
  const grant = issuer.receive(pass("claimed", asking.claim(claim)));
  effects.push(...grant.flatMap((bytes) => asking.receive(pass("grant", bytes))));
  if (effects.at(-1)?.kind !== "granted") return { issuer, effects };
  issuer.receive(pass("done", asking.done()));
  return { issuer, effects };
}

Deno.test("replay: a recorded join opens nothing, at neither end", () => {
  const { messages } = joined();
  const issuer = new Issuer();
  const [welcome] = issuer.receive(messages.hello);
  assertEquals(issuer.kinds, ["greeted"], "the greeting alone can be said again");
  const recorder = new Asking(secret, freshKeyPair());
  assertEquals(recorder.receive(welcome), [{ kind: "failed", refusal: "not authentic" }]);
  assertEquals(issuer.receive(messages.claimed), []);
  assertEquals(issuer.kinds, ["greeted", "failed: not authentic"], "its claim cannot");

  const victim = new Asking(secret, freshKeyPair());
  assertEquals(victim.receive(messages.welcome), [{ kind: "failed", refusal: "not authentic" }]);
  const second = new Asking(secret, freshKeyPair());
  const live = new Issuer();
  second.receive(live.receive(second.hello)[0]);
  live.receive(second.claim(claim));
  assertEquals(second.receive(messages.grant), [{ kind: "failed", refusal: "not authentic" }]);
});

Deno.test("reflection, order and repetition: each end takes only what is due", () => {
  const { messages } = joined();
  const asking = new Asking(secret, freshKeyPair());
  assertEquals(asking.receive(asking.hello), [{ kind: "failed", refusal: "out of turn" }]);
  for (
    const [bytes, kind] of [
      [messages.done, "failed: out of turn"],
      [messages.claimed, "failed: length"], // longer than a greeting may be
      [messages.welcome, "failed: length"],
      [frameOf(99), "failed: kind"],
    ] as const
  ) {
    const issuer = new Issuer();
    issuer.receive(bytes);
    assertEquals(issuer.kinds, [kind]);
  }
  const early = new Issuer();
  assertEquals(early.receive(joinedBytes(messages.hello, messages.claimed)), []);
  assertEquals(early.kinds, ["failed: out of turn"], "nobody may speak before the answer");
  const { issuer } = joined();
  issuer.receive(messages.done);
  assertEquals(issuer.kinds.length, 3, "nothing is taken after the end");
});

Deno.test("a public key that is none, or of small order, opens no channel", () => {
  for (const point of [new Uint8Array(32), new Uint8Array(32).with(0, 1)]) {
    const hello = encodeHello({
      versionMin: 1,
      versionMax: 1,
      token: tokenId(secret),
      publicKey: point,
    }, tokenKey(secret));
    const issuer = new Issuer();
    assertEquals(issuer.receive(hello), []);
    assertEquals(issuer.kinds, ["failed: not authentic"]);
  }
});

Deno.test("versions: an issuer that is too old or too new says which it speaks", () => {
  for (
    const [versionMin, versionMax, isFine] of [[2, 3, false], [1, 9, true], [0, 0, false]] as const
  ) {
    const hello = encodeHello({
      versionMin,
      versionMax,
      token: tokenId(secret),
      publicKey: freshKeyPair().publicKey,
    }, tokenKey(secret));
    const issuer = new Issuer();
    const [answer] = issuer.receive(hello);
    assertEquals(issuer.kinds, isFine ? ["greeted"] : ["send", "failed: version"]);
    if (isFine) continue;
    const [effect] = new Asking(secret, freshKeyPair()).receive(answer);
    assertEquals(effect, { kind: "turned away", reason: "version", versionMin: 1, versionMax: 1 });
  }
});

Deno.test("a refusal is believed only when it is sealed", () => {
  const issuer = new Issuer();
  const asking = new Asking(secret, freshKeyPair());
  asking.receive(issuer.receive(asking.hello)[0]);
  const refusal = { reason: "name taken", detail: "a node of edge is called fw2" } as const;
  const [grant] = issuer.receive(asking.claim(claim), { refusal });
  assertEquals(asking.receive(grant), [{ kind: "refused", refusal }]);
  assert(issuer.issuing.isEnded);
});

Deno.test("before it has proved anything, a machine gets no memory", () => {
  for (const length of [5, 200, frameBytesMax]) {
    const issuer = new Issuer();
    issuer.receive(new Uint8Array([length >> 8, length & 0xff, ...new Array(300).fill(1)]));
    assertEquals(issuer.kinds, [length === 5 ? "failed: magic" : "failed: length"]);
  }
  assertEquals(frameOf(kindHello)[1], 5);
});

function joinedBytes(a: Bytes, b: Bytes): Bytes {
  return new Uint8Array([...a, ...b]);
}
