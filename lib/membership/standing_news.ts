/**
 * What changes in how the members stand, as events for the log: each change once, and only when it has
 * lasted, since a lost datagram may make a share look dead for a moment.
 */
import type { CoreEvent } from "../node_types.ts";
import type { LiveNode } from "../ownership/ownership.ts";
import type { Obstacle } from "./eligibility.ts";
import { type Standing, standingsOf } from "./standing.ts";

export class StandingNews {
  readonly #shares: number;
  #viewKey = "";
  #told = new Map<string, Standing>();

  constructor(shares: number) {
    this.#shares = shares;
  }

  /** `viewKey`: of a view that has lasted; nothing is new as long as it is the same. */
  take(viewKey: string, all: readonly LiveNode[]): CoreEvent[] {
    if (viewKey === this.#viewKey) return [];
    this.#viewKey = viewKey;
    const standings = standingsOf(all, this.#shares);
    const events = all.flatMap(({ incarnation, heartbeat: { name, state } }) => {
      if (state !== "ready" && state !== "draining") return [];
      const now = standings.get(incarnation)!, before = this.#told.get(incarnation);
      return [...obstacleNews(name, now, before), ...agreementNews(name, now, before)];
    });
    this.#told = standings;
    return events;
  }
}

function obstacleNews(name: string, now: Standing, before: Standing | undefined): CoreEvent[] {
  if (JSON.stringify(now.obstacle) === JSON.stringify(before?.obstacle ?? null)) return [];
  if (now.obstacle === null) {
    return [event("info", "eligible", `${name} may own buckets again`, { node: name })];
  }
  const why = obstacleText(now.obstacle);
  return [event("warning", "not-eligible", `${name} may own no buckets: ${why}`, {
    node: name,
    because: now.obstacle.kind,
  })];
}

function agreementNews(name: string, now: Standing, before: Standing | undefined): CoreEvent[] {
  if (now.differs.join() === (before?.differs ?? []).join()) return [];
  if (now.differs.length === 0) {
    return [event("info", "config-agrees", `${name} agrees with the others again`, { node: name })];
  }
  const text = `${name} differs from ${now.differsFrom.join(", ")} in ${now.differs.join(", ")}: ` +
    "it is given no buckets";
  return [event("warning", "config-differs", text, { node: name, differs: now.differs.join(" ") })];
}

/** In the terms of the core, which knows shares by their number. `share` names one. */
export function obstacleText(
  obstacle: Obstacle,
  share = (index: number) => `share ${index}`,
): string {
  switch (obstacle.kind) {
    case "checks":
      return "its checks fail";
    case "no carrier":
      return `${share(obstacle.share)} has no carrier`;
    case "not heard":
      return `nobody hears it on ${share(obstacle.share)}, where others hear each other`;
    case "hears nobody":
      return `it hears nobody on ${share(obstacle.share)}, where others hear each other`;
  }
}

function event(
  level: CoreEvent["level"],
  name: string,
  text: string,
  fields: CoreEvent["fields"],
): CoreEvent {
  return { level, name, text, fields };
}
