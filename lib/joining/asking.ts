/** The joiner's end of one join: bytes in, effects out (issuing.ts draws the exchange). */
import { Channel, type KeyPair } from "./channel.ts";
import {
  type Claim,
  decodeGrantContent,
  decodeWelcomeContent,
  encodeContent,
  type Refusal,
  type Template,
} from "./content.ts";
import {
  decodeRefused,
  decodeWelcome,
  encodeHello,
  frameBytesMax,
  frameOf,
  FrameSplitter,
  type JoinRefusal,
  joinVersion,
  joinVersionOldest,
  kindClaim,
  kindDone,
  kindGrant,
  kindHello,
  kindRefused,
  kindWelcome,
  openFrame,
  type RefusedReason,
} from "./frames.ts";
import { tokenId, tokenKey } from "./token.ts";

export type AskingEffect =
  | { readonly kind: "template"; readonly template: Template }
  | { readonly kind: "granted"; readonly keys: string }
  /** The issuer, proven, says no. */
  | { readonly kind: "refused"; readonly refusal: Refusal }
  /** Somebody who answers there, unproven, says no. */
  | {
    readonly kind: "turned away";
    readonly reason: RefusedReason;
    readonly versionMin: number;
    readonly versionMax: number;
  }
  | { readonly kind: "failed"; readonly refusal: JoinRefusal };

export class Asking {
  readonly #frames = new FrameSplitter(frameBytesMax);
  readonly #tokenKey: Uint8Array;
  readonly #pair: KeyPair;
  readonly #hello: Uint8Array<ArrayBuffer>;
  #state: "welcome" | "welcomed" | "grant" | "granted" | "ended" = "welcome";
  #channel: Channel | null = null;

  constructor(secret: Uint8Array, pair: KeyPair) {
    this.#pair = pair;
    this.#tokenKey = tokenKey(secret);
    this.#hello = encodeHello({
      versionMin: joinVersionOldest,
      versionMax: joinVersion,
      token: tokenId(secret),
      publicKey: pair.publicKey,
    }, this.#tokenKey);
  }

  /** The first thing to send. */
  get hello(): Uint8Array<ArrayBuffer> {
    return this.#hello;
  }

  receive(chunk: Uint8Array): AskingEffect[] {
    const effects: AskingEffect[] = [];
    this.#frames.push(chunk);
    while (this.#state !== "ended") {
      const frame = this.#frames.next();
      if (frame === null) break;
      effects.push(frame === "length" ? this.#fail("length") : this.#take(frame));
    }
    return effects;
  }

  /** After `template`: the keys are asked for. */
  claim(claim: Claim): Uint8Array<ArrayBuffer> {
    this.#state = "grant";
    return frameOf(kindClaim, this.#channel!.seal(kindClaim, encodeContent(claim)));
  }

  /** After `granted`, when everything is written. */
  done(): Uint8Array<ArrayBuffer> {
    this.#state = "ended";
    return frameOf(kindDone, this.#channel!.seal(kindDone, new Uint8Array(0)));
  }

  #take(frame: Uint8Array): AskingEffect {
    const opened = openFrame(frame);
    if (opened === "magic") return this.#fail("magic");
    const { kind, body } = opened;
    if (this.#state === "welcome" && kind === kindRefused) return this.#takeRefused(body);
    if (this.#state === "welcome" && kind === kindWelcome) return this.#takeWelcome(body);
    if (this.#state === "grant" && kind === kindGrant) return this.#takeGrant(body);
    return this.#fail(kind >= kindHello && kind <= kindRefused ? "out of turn" : "kind");
  }

  #takeRefused(body: Uint8Array): AskingEffect {
    const refused = decodeRefused(body);
    if (refused === "content") return this.#fail("content");
    this.#state = "ended";
    return { kind: "turned away", ...refused };
  }

  #takeWelcome(body: Uint8Array): AskingEffect {
    const welcome = decodeWelcome(body);
    if (welcome === "length") return this.#fail("length");
    const { version, publicKey, sealed } = welcome;
    if (version < joinVersionOldest || version > joinVersion) return this.#fail("version");
    // What the issuer has proved itself over: the greeting's body.
    const sent = openFrame(this.#hello.subarray(2));
    this.#channel = sent === "magic" ? null : Channel.open({
      end: "joiner",
      own: this.#pair,
      peerPublicKey: publicKey,
      tokenKey: this.#tokenKey,
      hello: sent.body,
      issuerPublicKey: publicKey,
    });
    const message = this.#channel?.open(kindWelcome, sealed) ?? null;
    if (message === null) return this.#fail("not authentic");
    const content = decodeWelcomeContent(message);
    if (content === null) return this.#fail("content");
    if ("refusal" in content) return this.#refused(content.refusal);
    this.#state = "welcomed";
    return { kind: "template", template: content.template };
  }

  #takeGrant(body: Uint8Array): AskingEffect {
    const message = this.#channel!.open(kindGrant, body);
    if (message === null) return this.#fail("not authentic");
    const content = decodeGrantContent(message);
    if (content === null) return this.#fail("content");
    if ("refusal" in content) return this.#refused(content.refusal);
    this.#state = "granted";
    return { kind: "granted", keys: content.keys };
  }

  #refused(refusal: Refusal): AskingEffect {
    this.#state = "ended";
    return { kind: "refused", refusal };
  }

  #fail(refusal: JoinRefusal): AskingEffect {
    this.#state = "ended";
    return { kind: "failed", refusal };
  }
}
