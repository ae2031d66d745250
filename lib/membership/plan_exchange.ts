/**
 * Plans between members: whoever shows another one is sent ours, in parts, and the parts that come are
 * put together. Of those that hold a plan, the one with the smallest name sends it.
 */
import type { LiveNode } from "../ownership/ownership.ts";
import { isMember, type Plan } from "../ownership/plan.ts";
import type { Millis } from "../ports.ts";
import { encodePlanParts, PlanAssembly } from "../wire/plan_parts.ts";

export class PlanExchange {
  /** By the sender's incarnation. */
  readonly #assemblies = new Map<string, PlanAssembly>();
  #lastSent: Millis = -Infinity;

  /** Of this node; a plan is sent at most once in `intervalMs`. */
  constructor(
    readonly name: string,
    readonly incarnation: string,
    readonly intervalMs: number,
  ) {}

  /** A part came; the plan where it was the last one missing, or why the part is refused. */
  take(incarnation: string, message: Uint8Array): Plan | null | { readonly refusal: string } {
    const assembly = this.#assemblies.get(incarnation) ?? new PlanAssembly();
    this.#assemblies.set(incarnation, assembly);
    return assembly.add(message);
  }

  /** That start of a node is gone. */
  forget(incarnation: string): void {
    this.#assemblies.delete(incarnation);
  }

  /** There is a new plan: it need not wait. */
  renew(): void {
    this.#lastSent = -Infinity;
  }

  /**
   * The messages that show `plan` to live members that hold another: those that hear this node, and no
   * holder of a smaller name; where they hear no holder at all, the first one tries.
   */
  due(plan: Plan | null, live: readonly LiveNode[], now: Millis): Uint8Array<ArrayBuffer>[] {
    if (plan === null || now - this.#lastSent < this.intervalMs) return [];
    const before = live.filter(({ heartbeat }) =>
      heartbeat.name < this.name && heartbeat.planDigest === plan.digest
    );
    const isMine = live.some(({ incarnation, heartbeat }) => {
      if (
        !isMember(plan, incarnation) || heartbeat.planDigest === plan.digest ||
        heartbeat.planEpoch > plan.epoch
      ) return false;
      const hears = (other: string) =>
        heartbeat.peers.some(({ incarnation }) => incarnation === other);
      return before.length === 0 ||
        (hears(this.incarnation) && !before.some((holder) => hears(holder.incarnation)));
    });
    if (!isMine) return [];
    this.#lastSent = now;
    return encodePlanParts(plan);
  }
}
