/** Which interfaces of a machine look like shares, and which like links: a first answer, not more. */
import type { KeyKind } from "../config.ts";
import { type InterfaceFacts, isUsable, routableAddresses } from "./facts.ts";

export interface Proposal {
  readonly shares: readonly string[];
  readonly links: readonly string[];
  /** `pair` between two networks, `source` in one. */
  readonly key: KeyKind;
}

/** Names that people give to cables between two nodes. */
const linkName = /sync|^ha\d*$|heartbeat|^hb\d*$|cluster|^link/i;
/** Bridges that software makes for itself. */
const foreignName =
  /^(docker|virbr|br-[0-9a-f]{12}|lxcbr|lxdbr|podman|cni|flannel|cali|veth[0-9a-f]{7})/;

export function propose(facts: readonly InterfaceFacts[]): Proposal {
  const candidates = facts.filter((each) => isUsable(each) && !foreignName.test(each.name));
  // What has no address is in use only where nothing has one.
  const addressed = candidates.filter(hasAddress);
  const plain = addressed.length > 0 ? addressed : candidates.filter((each) => each.isUp);
  const named = addressed.filter((each) => linkName.test(each.name) || isCableNetwork(each));
  const rest = plain.filter((each) => !named.includes(each));
  // Of three or more, one that leads nowhere else is most likely the cable between the nodes.
  const spare = rest.length >= 3
    ? rest.findLast((each) => hasAddress(each) && !each.hasDefaultRoute)
    : undefined;
  const links = named.length > 0 ? named : spare === undefined ? [] : [spare];
  const shares = rest.filter((each) => !links.includes(each)).map(({ name }) => name);
  return {
    shares,
    links: links.map(({ name }) => name),
    key: shares.length > 1 ? "pair" : "source",
  };
}

/** A link needs one. */
function hasAddress(each: InterfaceFacts): boolean {
  return routableAddresses(each).length > 0;
}

/** All of its networks have room for a few nodes only. */
function isCableNetwork(each: InterfaceFacts): boolean {
  const own = routableAddresses(each);
  return own.length > 0 &&
    own.every(({ family, prefixLength }) => prefixLength >= (family === 4 ? 29 : 125));
}
