/** Counts datagrams by what they are, as their first byte says. */
import type { DatagramCounts } from "../control.ts";
import { forwardAnswerType, forwardRequestType } from "./forward.ts";
import { heartbeatType } from "./heartbeat.ts";
import { planPartType } from "./plan_parts.ts";

export class DatagramMeter {
  readonly #counts = new Float64Array(256);

  count(message: Uint8Array): void {
    this.#counts[message[0] ?? 0]++;
  }

  get counts(): DatagramCounts {
    return {
      heartbeat: this.#counts[heartbeatType],
      plan: this.#counts[planPartType],
      request: this.#counts[forwardRequestType],
      answer: this.#counts[forwardAnswerType],
    };
  }
}
