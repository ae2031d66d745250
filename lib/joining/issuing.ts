/**
 * The issuer's end of one join: bytes in, effects out. What needs the machine (the tokens, the
 * cluster's state, the keys) is asked for by an effect, and the answer given by a call.
 *
 * ```
 *   joiner                                   issuer
 *   HELLO   token id, public key, proof  ->  greeted: is the token good?  welcome(…) or turnAway(…)
 *           template, or why not         <-  WELCOME
 *   CLAIM   its name                     ->  claimed: count the use, first of all   grant(…)
 *           the keys, or why not         <-  GRANT
 *   DONE                                 ->  installed
 * ```
 */
import { assert } from "../errors.ts";
import { Channel, type KeyPair } from "./channel.ts";
import {
  type Claim,
  decodeClaim,
  encodeContent,
  type GrantContent,
  type WelcomeContent,
} from "./content.ts";
import {
  decodeHello,
  encodeRefused,
  encodeWelcome,
  frameBytesMax,
  frameOf,
  FrameSplitter,
  type Hello,
  helloBytes,
  isHelloProved,
  type JoinRefusal,
  joinVersion,
  joinVersionOldest,
  kindClaim,
  kindDone,
  kindGrant,
  kindHello,
  kindWelcome,
  openFrame,
} from "./frames.ts";

export type IssuingEffect =
  | { readonly kind: "send"; readonly bytes: Uint8Array<ArrayBuffer> }
  /** It has the token; `welcome` is due. */
  | { readonly kind: "greeted"; readonly token: string }
  /** `grant` is due, once the use is on disk. */
  | { readonly kind: "claimed"; readonly token: string; readonly claim: Claim }
  /** It has written everything; the end. */
  | { readonly kind: "installed"; readonly token: string; readonly claim: Claim }
  /** Nothing more comes of it; hang up. */
  | { readonly kind: "failed"; readonly refusal: JoinRefusal };

type State = "hello" | "welcome" | "claim" | "grant" | "done" | "ended";

export class Issuing {
  readonly #frames = new FrameSplitter(helloBytes);
  readonly #keyOf: (token: string) => Uint8Array | null;
  readonly #pair: KeyPair;
  #state: State = "hello";
  #channel: Channel | null = null;
  #token = "";
  #claim: Claim | null = null;

  /** `keyOf`: the key of a token by its id, whether it is still good or not; null: there is none. */
  constructor(keyOf: (token: string) => Uint8Array | null, pair: KeyPair) {
    this.#keyOf = keyOf;
    this.#pair = pair;
  }

  receive(chunk: Uint8Array): IssuingEffect[] {
    const effects: IssuingEffect[] = [];
    this.#frames.push(chunk);
    while (this.#state !== "ended" && !this.#isAsked) {
      const frame = this.#frames.next();
      if (frame === null) break;
      effects.push(...frame === "length" ? this.#fail("length") : this.#take(frame));
    }
    // Nobody has anything to say before the answer, and gets none then.
    return this.#isAsked && this.#frames.hasRest ? this.#fail("out of turn") : effects;
  }

  /** Whether `welcome` or `grant` is due. */
  get #isAsked(): boolean {
    return this.#state === "welcome" || this.#state === "grant";
  }

  /** The answer to `greeted`; after a refusal the connection may be closed. */
  welcome(content: WelcomeContent): Uint8Array<ArrayBuffer> {
    assert(this.#state === "welcome", "a welcome is due");
    this.#state = "template" in content ? "claim" : "ended";
    this.#frames.bytesMax = frameBytesMax;
    const sealed = this.#channel!.seal(kindWelcome, encodeContent(content));
    return encodeWelcome(this.#pair.publicKey, sealed);
  }

  /** The answer to `claimed`. */
  grant(content: GrantContent): Uint8Array<ArrayBuffer> {
    assert(this.#state === "grant", "a grant is due");
    this.#state = "keys" in content ? "done" : "ended";
    return frameOf(kindGrant, this.#channel!.seal(kindGrant, encodeContent(content)));
  }

  get isEnded(): boolean {
    return this.#state === "ended";
  }

  #take(frame: Uint8Array): IssuingEffect[] {
    const opened = openFrame(frame);
    if (opened === "magic") return this.#fail("magic");
    const { kind, body } = opened;
    if (this.#state === "hello" && kind === kindHello) return this.#takeHello(body);
    if (this.#state === "claim" && kind === kindClaim) return this.#takeClaim(body);
    if (this.#state === "done" && kind === kindDone) return this.#takeDone(body);
    return this.#fail([kindHello, kindClaim, kindDone].includes(kind) ? "out of turn" : "kind");
  }

  #takeHello(body: Uint8Array): IssuingEffect[] {
    const hello = decodeHello(body);
    if (hello === "length") return this.#fail("length");
    const tokenKey = this.#keyOf(hello.token);
    if (tokenKey === null) return this.#refuse("unknown token");
    if (!isHelloProved(body, tokenKey)) return this.#fail("not authentic");
    if (!isUnderstood(hello)) return this.#refuse("version");
    this.#channel = Channel.open({
      end: "issuer",
      own: this.#pair,
      peerPublicKey: hello.publicKey,
      tokenKey,
      hello: body,
      issuerPublicKey: this.#pair.publicKey,
    });
    if (this.#channel === null) return this.#fail("not authentic");
    this.#token = hello.token;
    this.#state = "welcome";
    return [{ kind: "greeted", token: hello.token }];
  }

  #takeClaim(body: Uint8Array): IssuingEffect[] {
    const message = this.#channel!.open(kindClaim, body);
    if (message === null) return this.#fail("not authentic");
    const claim = decodeClaim(message);
    if (claim === null) return this.#fail("content");
    this.#claim = claim;
    this.#state = "grant";
    return [{ kind: "claimed", token: this.#token, claim }];
  }

  #takeDone(body: Uint8Array): IssuingEffect[] {
    if (this.#channel!.open(kindDone, body) === null) return this.#fail("not authentic");
    this.#state = "ended";
    return [{ kind: "installed", token: this.#token, claim: this.#claim! }];
  }

  #refuse(refusal: "unknown token" | "version"): IssuingEffect[] {
    return [{ kind: "send", bytes: encodeRefused(refusal) }, ...this.#fail(refusal)];
  }

  #fail(refusal: JoinRefusal): IssuingEffect[] {
    this.#state = "ended";
    return [{ kind: "failed", refusal }];
  }
}

function isUnderstood({ versionMin, versionMax }: Hello): boolean {
  return versionMin <= joinVersion && versionMax >= joinVersionOldest;
}
