/**
 * The places of a node's interfaces in the core's numbering: the shares first, for good, then the links.
 * A link that goes leaves its place to the next one that comes, so that nothing else is renumbered.
 */
import type { HeartbeatInterface, InterfaceSlots } from "./heartbeat_links.ts";

/** The places after a change. `wanted`: shares first, as many as there were, then the links. */
export function nextSlots(
  present: InterfaceSlots,
  wanted: readonly HeartbeatInterface[],
  shares: number,
): InterfaceSlots {
  const links = wanted.slice(shares);
  const isAmong = (all: InterfaceSlots, one: HeartbeatInterface) =>
    all.some((other) => other?.index === one.index);
  const kept = present.slice(shares).map((link) =>
    link === null ? null : links.find(({ index }) => index === link.index) ?? null
  );
  for (const link of links.filter((one) => !isAmong(kept, one))) {
    const free = kept.indexOf(null);
    if (free < 0) kept.push(link);
    else kept[free] = link;
  }
  return [...present.slice(0, shares), ...kept];
}
