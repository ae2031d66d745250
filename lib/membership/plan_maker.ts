/**
 * When a node makes a plan: it is the planner in its view, that view has lasted for a detection time, and the
 * present plan does not serve any more.
 */
import type { CoreEvent } from "../node_types.ts";
import type { LiveNode } from "../ownership/ownership.ts";
import type { Plan } from "../ownership/plan.ts";
import { nextPlan, type PlanningNode } from "../ownership/planning.ts";
import { Wish, type WishedOwners } from "../ownership/wish.ts";
import type { Millis } from "../ports.ts";
import type { PlanTerms } from "../reload/settings.ts";
import { Damping, flapHalfLifeMs } from "./damping.ts";
import { StandingNews } from "./standing_news.ts";
import { plannerOf, planningNodes, viewKey } from "./view.ts";

interface Terms {
  /** Of this node. */
  readonly name: string;
  readonly incarnation: string;
  readonly detectionMs: number;
  readonly shares: number;
  readonly partition: "serve" | "majority";
  /** As `PlannerInput.units`. */
  readonly units?: number;
  /** As `NodeOptions.flapHalfLifeMs`. */
  readonly flapHalfLifeMs?: number;
}

export class PlanMaker {
  readonly #terms: Terms;
  readonly #standings: StandingNews;
  readonly #wish = new Wish();
  #damping: Damping;
  #nodes: readonly PlanningNode[] = [];
  #viewKey = "";
  #viewSince: Millis;
  /** A plan that serves is looked at again once in a detection time. */
  #nextCheck: Millis = -Infinity;

  constructor(terms: Terms, now: Millis) {
    this.#terms = terms;
    this.#standings = new StandingNews(terms.shares);
    this.#damping = new Damping(terms.flapHalfLifeMs ?? flapHalfLifeMs(terms.detectionMs));
    this.#viewSince = now;
  }

  /** When something may become due by time alone. */
  get nextAt(): readonly Millis[] {
    return [this.#viewSince + this.#terms.detectionMs, this.#nextCheck, this.#damping.nextAt];
  }

  /** A node died, gave everything up, or was started anew without having left; what is news. */
  failed(name: string, now: Millis): CoreEvent[] {
    return this.#damping.failed(name, now);
  }

  /** Another half-life, 0: nobody is damped. What has failed so far is forgotten. */
  useDamping(halfLifeMs: number): void {
    this.#damping = new Damping(halfLifeMs);
  }

  /** For how long a node gets no buckets, because it has failed again and again; 0: it gets some. */
  dampedMs(name: string, now: Millis): number {
    return this.#damping.leftMs(name, now);
  }

  /** Owners that an operator asks for: they count for a while. */
  wish(owners: WishedOwners, now: Millis): void {
    this.#wish.ask(owners, now + 3 * this.#terms.detectionMs);
    this.#nextCheck = now;
  }

  /** Something else than the view has changed that a plan goes by. */
  lookAgain(now: Millis): void {
    this.#nextCheck = now;
  }

  /**
   * The view has to last anew: a plan has been adopted, and it takes time until all others show it; or
   * this process was not run, and there may be others in what it has not read yet.
   */
  lookFrom(now: Millis): void {
    this.#viewSince = now;
  }

  /** The view as it is now, this node included; what in it is news. */
  look(all: readonly LiveNode[], now: Millis): CoreEvent[] {
    const news = this.#damping.look(now);
    this.#nodes = planningNodes(all, this.#terms).map((node) =>
      this.#damping.isDamped(node.name) ? { ...node, canGain: false } : node
    );
    const key = viewKey(this.#nodes);
    if (key !== this.#viewKey) {
      this.#viewKey = key;
      this.#viewSince = now;
      this.#nextCheck = now;
    }
    return this.hasLasted(now) ? [...news, ...this.#standings.take(key, all)] : news;
  }

  /** The plan to follow `present`, where this node is to make one; call it with a valid lease. */
  next(
    present: Plan | null,
    terms: PlanTerms & { readonly group: number },
    now: Millis,
  ): Plan | null {
    const { name, incarnation, detectionMs, units } = this.#terms;
    if (plannerOf(this.#nodes)?.incarnation !== incarnation) return null;
    if (!this.hasLasted(now) || now < this.#nextCheck) return null;
    this.#nextCheck = now + detectionMs;
    const wished = this.#wish.take(now);
    return nextPlan({ self: name, nodes: this.#nodes, present, ...terms, units, wished });
  }

  /** The view, and the plan in it, have been the same for a detection time. */
  hasLasted(now: Millis): boolean {
    return now - this.#viewSince >= this.#terms.detectionMs;
  }
}
