/**
 * Requests of others to this node: each is carried out once, however often and late it comes.
 *
 * Intuition: the asker numbers its requests and repeats each until it has the answer, so the number
 * tells a copy from a new request. Numbers below the window of those that are remembered are refused;
 * a request that was held back on its way is refused by its echo, so that nothing happens when nobody
 * waits for it any more.
 */
import { membersMax } from "../limits.ts";
import type { Millis } from "../ports.ts";
import { encodeForwardAnswer, type ForwardRequest } from "../wire/forward.ts";
import { questionsMax } from "./asking.ts";
import type { ForwardingEffect, ForwardingInput, OtherNode } from "./forwarding.ts";

/** Requests of one sender that are told apart from each other. */
const windowSize = 2 * questionsMax;
/** Answers of one sender that are kept: those that it may still wait for. */
const answersKept = questionsMax;
/** Starts of nodes whose numbers are remembered: the live ones, and some that are gone. */
const sendersMax = 2 * membersMax;

interface Served {
  /** null: it is still being carried out, or the answer is forgotten. */
  parts: readonly Uint8Array<ArrayBuffer>[] | null;
  answeredAt: Millis;
}

interface Sender {
  highest: number;
  readonly served: Map<number, Served>;
}

export class Answering {
  readonly #senders = new Map<string, Sender>();

  /** `againMs`: an answer is not repeated sooner, since a request comes by every interface. */
  constructor(readonly againMs: number) {}

  /** `isFresh`: its echo is young enough. What to do, or why it is refused. */
  take(
    peer: OtherNode,
    { id, text }: ForwardRequest,
    isFresh: boolean,
    now: Millis,
  ): ForwardingEffect[] | { readonly refusal: string } {
    if (!isFresh) return { refusal: "stale request" };
    const sender = this.#sender(peer.incarnation);
    const served = sender.served.get(id);
    if (served !== undefined) {
      if (served.parts === null || now - served.answeredAt < this.againMs) return [];
      served.answeredAt = now;
      return served.parts.map((message) => ({ kind: "send", message }));
    }
    if (id <= sender.highest - windowSize) return { refusal: "replayed request" };
    sender.highest = Math.max(sender.highest, id);
    sender.served.set(id, { parts: null, answeredAt: now });
    for (const old of sender.served.keys()) {
      if (old <= sender.highest - windowSize) sender.served.delete(old);
    }
    const { name: node, incarnation } = peer;
    return [{ kind: "execute", node, incarnation, id, request: text }];
  }

  /** A request has been carried out. */
  executed(
    { incarnation, id, answer }: Extract<ForwardingInput, { kind: "executed" }>,
    now: Millis,
  ): ForwardingEffect[] {
    const sender = this.#senders.get(incarnation);
    const served = sender?.served.get(id);
    if (sender === undefined || served === undefined) return [];
    served.parts = encodeForwardAnswer({ to: incarnation, id, text: answer });
    served.answeredAt = now;
    const answered = [...sender.served.values()].filter(({ parts }) => parts !== null);
    for (const old of answered.slice(0, -answersKept)) old.parts = null;
    return served.parts.map((message) => ({ kind: "send", message }));
  }

  #sender(incarnation: string): Sender {
    const sender = this.#senders.get(incarnation) ?? { highest: 0, served: new Map() };
    this.#senders.delete(incarnation);
    this.#senders.set(incarnation, sender);
    if (this.#senders.size > sendersMax) {
      this.#senders.delete(this.#senders.keys().next().value!);
    }
    return sender;
  }
}
