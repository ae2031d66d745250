/**
 * Requests of this node to others: each is sent again and again until its answer is complete, the
 * one that was asked is gone, or the time is up.
 */
import type { Millis } from "../ports.ts";
import {
  AnswerAssembly,
  encodeForwardRequest,
  type ForwardAnswerPart,
  forwardPieceBytesMax,
} from "../wire/forward.ts";
import type { ForwardingEffect, ForwardingInput, OtherNode } from "./forwarding.ts";

/** Whoever asks waits at a terminal; a node that hangs is dead by then or answers no more. */
export const askMs = 5000;
/** As many as can wait on the control socket. */
export const questionsMax = 32;

/** The protocol's version that brought it. */
const forwardingSince = 2;

interface Question {
  readonly node: string;
  readonly incarnation: string;
  readonly text: string;
  readonly answer: AnswerAssembly;
  readonly until: Millis;
  sendAt: Millis;
}

export class Asking {
  readonly #questions = new Map<number, Question>();

  constructor(readonly self: string, readonly repeatMs: number) {}

  /** `id` rises from one request of this start to the next. */
  ask(
    { id, node, request }: Extract<ForwardingInput, { kind: "forward" }>,
    live: readonly OtherNode[],
    now: Millis,
  ): ForwardingEffect[] {
    // Of two starts of one node the later one counts.
    const peer = live.findLast(({ name }) => name === node);
    if (peer === undefined) {
      const names = [...new Set(live.map(({ name }) => name))];
      return [failed(
        id,
        `"${node}" is no live node; ` +
          (names.length > 0
            ? `live are ${names.join(", ")} and this one, ${this.self}`
            : `this one, ${this.self}, hears no other`),
      )];
    }
    if (peer.heartbeat.version < forwardingSince) {
      const speaks = `${node} speaks version ${peer.heartbeat.version} of the protocol`;
      return [failed(id, `${speaks} and takes no orders from others; ask on it, or upgrade it`)];
    }
    const bytes = new TextEncoder().encode(request).length;
    if (bytes > forwardPieceBytesMax) {
      const most = `${forwardPieceBytesMax} at most travel to another node`;
      return [failed(id, `a request of ${bytes} bytes to ${node}; ${most}`)];
    }
    if (this.#questions.size >= questionsMax) {
      return [failed(id, `${questionsMax} requests wait for other nodes already; try again`)];
    }
    this.#questions.set(id, {
      node,
      incarnation: peer.incarnation,
      text: request,
      answer: new AnswerAssembly(),
      until: now + askMs,
      sendAt: now,
    });
    return [];
  }

  /** A part of an answer; those of questions that have ended are late copies, and no matter. */
  take(incarnation: string, part: ForwardAnswerPart): ForwardingEffect[] {
    const question = this.#questions.get(part.id);
    if (question?.incarnation !== incarnation) return [];
    const answer = question.answer.add(part);
    if (answer === null) return [];
    this.#questions.delete(part.id);
    return [{ kind: "forwarded", id: part.id, outcome: { answer } }];
  }

  /** Sends what is due, and gives up what has no hope. */
  step(live: readonly OtherNode[], now: Millis): ForwardingEffect[] {
    const effects: ForwardingEffect[] = [];
    for (const [id, question] of this.#questions) {
      const { node, incarnation: to, text } = question;
      const peer = live.find(({ incarnation }) => incarnation === to);
      if (peer === undefined || now >= question.until) {
        this.#questions.delete(id);
        const why = peer === undefined
          ? `${node} is gone (dead, left or restarted)`
          : `no answer from ${node} within ${askMs / 1000} s`;
        effects.push(failed(id, `${why}; what was asked of it may have happened or not`));
      } else if (now >= question.sendAt) {
        question.sendAt = now + this.repeatMs;
        const echo = peer.heartbeat.sequence;
        effects.push({ kind: "send", message: encodeForwardRequest({ to, id, echo, text }) });
      }
    }
    return effects;
  }

  /** No answer is waited for. */
  get isIdle(): boolean {
    return this.#questions.size === 0;
  }

  /** When `step` has to be called; Infinity where nobody waits. */
  get nextAt(): Millis {
    let next = Infinity;
    for (const { sendAt, until } of this.#questions.values()) next = Math.min(next, sendAt, until);
    return next;
  }
}

function failed(id: number, error: string): ForwardingEffect {
  return { kind: "forwarded", id, outcome: { error } };
}
