/**
 * Carries control requests between nodes: `avail drain --node fw2` is asked here and done there. The
 * text of a request and of its answer means nothing here; whoever executes it decides about it.
 *
 * Requests and answers are datagrams like heartbeats, so that they need no stream between the two and
 * work by whichever interface is left. Both ends must count for each other (membership).
 */
import type { Millis } from "../ports.ts";
import { decodeForward } from "../wire/forward.ts";
import { Answering } from "./answering.ts";
import { Asking } from "./asking.ts";

export type ForwardingInput =
  /** Ask `node`; `id` rises from one request to the next. A `forwarded` effect follows. */
  | {
    readonly kind: "forward";
    readonly id: number;
    readonly node: string;
    readonly request: string;
  }
  /** An `execute` effect has been carried out; the answer has `forwardAnswerBytesMax` bytes at most. */
  | {
    readonly kind: "executed";
    readonly incarnation: string;
    readonly id: number;
    readonly answer: string;
  };

export type ForwardingEffect =
  | { readonly kind: "send"; readonly message: Uint8Array<ArrayBuffer> }
  /** `node` asks this; an `executed` input with its incarnation and id must follow. */
  | {
    readonly kind: "execute";
    readonly node: string;
    readonly incarnation: string;
    readonly id: number;
    readonly request: string;
  }
  /** The end of a `forward` input: the other's answer, or why there is none. */
  | {
    readonly kind: "forwarded";
    readonly id: number;
    readonly outcome: { readonly answer: string } | { readonly error: string };
  };

/** Another node, as membership knows it (`Peer`). */
export interface OtherNode {
  readonly name: string;
  readonly incarnation: string;
  /** It hears this node, too. */
  readonly confirmed: boolean;
  /** Its newest heartbeat. */
  readonly heartbeat: { readonly sequence: number; readonly version: number };
}

export interface ForwardingOptions {
  readonly name: string;
  readonly incarnation: string;
  readonly intervalMs: number;
  readonly multiplier: number;
}

/** A request is repeated every interval, within these. */
const repeatMsMin = 50;
const repeatMsMax = 500;

export class Forwarding {
  readonly #incarnation: string;
  readonly #freshMs: number;
  readonly #sentAt: (sequence: number) => Millis;
  readonly #asking: Asking;
  readonly #answering: Answering;
  #effects: ForwardingEffect[] = [];

  /** `sentAt`: when this node sent a heartbeat; -Infinity where that is too long ago to know. */
  constructor(options: ForwardingOptions, sentAt: (sequence: number) => Millis) {
    const { name, incarnation, intervalMs, multiplier } = options;
    const repeatMs = Math.max(repeatMsMin, Math.min(repeatMsMax, intervalMs));
    this.#incarnation = incarnation;
    // Whoever has heard nothing of this node for longer has given up; each repeat has a new echo.
    this.#freshMs = intervalMs * multiplier;
    this.#sentAt = sentAt;
    this.#asking = new Asking(name, repeatMs);
    this.#answering = new Answering(repeatMs / 2);
  }

  input(input: ForwardingInput, live: readonly OtherNode[], now: Millis): void {
    this.#effects.push(
      ...(input.kind === "forward"
        ? this.#asking.ask(input, live, now)
        : this.#answering.executed(input, now)),
    );
  }

  /** A message from `peer`; null where nobody of its name is known. Why it is refused, or null. */
  take(message: Uint8Array, peer: OtherNode | null, now: Millis): string | null {
    const forward = decodeForward(message);
    if ("refusal" in forward) return forward.refusal;
    if (forward.to !== this.#incarnation) return null; // everybody receives everything
    if (!peer?.confirmed) return "unconfirmed";
    const isFresh = (echo: number) => now - this.#sentAt(echo) <= this.#freshMs;
    const result = forward.kind === "answer"
      ? this.#asking.take(peer.incarnation, forward)
      : this.#answering.take(peer, forward, isFresh(forward.echo), now);
    if ("refusal" in result) return result.refusal;
    this.#effects.push(...result);
    return null;
  }

  /** What has to be done now. `live` is only asked where something is under way. */
  step(live: () => readonly OtherNode[], now: Millis): ForwardingEffect[] {
    const effects = this.#effects;
    if (this.#asking.isIdle) {
      if (effects.length > 0) this.#effects = [];
      return effects;
    }
    this.#effects = [];
    return [...effects, ...this.#asking.step(live(), now)];
  }

  /** When it has to be called again at the latest; Infinity: only when something comes. */
  get nextAt(): Millis {
    return this.#asking.nextAt;
  }
}
