/**
 * Rules that work against the buckets: a packet's bucket comes from its addresses, so what rewrites
 * addresses, or forwards past the datapath, must agree with it (avail's own NAT does, by the share's
 * setting nat).
 */
import type { Config } from "../config.ts";
import { parseAddress } from "../wire/address.ts";
import type { FirewallFacts } from "./firewall.ts";
import { fail, fine, note, type Outcome, warn } from "./finding.ts";
import { anyPacket, type Rule, type Ruleset } from "./rules/model.ts";
import type { Setup } from "./setup.ts";
import { list } from "./words.ts";

export function natRules({ ruleset, clusterDevices }: FirewallFacts, { config }: Setup): Outcome[] {
  if (ruleset === null) return [];
  const rules = translating(ruleset);
  if (config === null) {
    if (rules.length === 0) return [];
    return [
      note("the firewall translates addresses", {
        why: "in a cluster, translated packets must come back to the node that translated them",
        remedy: "after avail init, look here again",
        evidence: placesOf(rules),
      }),
    ];
  }
  const shares = config.shares.map((share) => share.interface);
  const inNames = [...shares, ...clusterDevices];
  const shared = config.shares.flatMap(({ addresses }) => addresses.map(({ address }) => address));
  const isService = config.shares.every(({ key }) => key === "source");
  const found: Outcome[] = [];
  const take = (
    make: typeof warn,
    some: readonly Rule[],
    title: string,
    why: string,
    remedy: string,
  ) => {
    if (some.length === 0) return;
    found.push(make(title, { why, remedy, ...lookAt(some), evidence: placesOf(some) }));
  };

  const leaving = rules.filter((rule) =>
    shares.some((output) => rule.matches({ ...anyPacket, output }) !== false)
  );
  const entering = rules.filter((rule) =>
    inNames.some((input) => rule.matches({ ...anyPacket, input }) !== false)
  );
  const of = (some: readonly Rule[], ...kinds: readonly string[]) =>
    some.filter(({ translation }) => kinds.includes(translation!.kind));

  const toShared = of(leaving, "snat").filter(({ translation }) =>
    translation!.to !== null && shared.includes(translation!.to)
  );
  take(
    fail,
    toShared,
    "connections are translated (SNAT) to a shared address, by a rule that is not avail's",
    "their answers belong to the bucket of the shared address, which another node may own: " +
      "it knows nothing of them and drops them",
    "remove the rule; translate to each node's own address, or give the share nat = true",
  );
  const toOwn = of(leaving, "snat", "masquerade").filter((rule) => !toShared.includes(rule));
  const [ofShares, ofOthers] = [true, false].map((isMeant) =>
    toOwn.filter((rule) => isOfShares(rule, config) === isMeant)
  );
  take(
    note,
    ofOthers,
    "connections of other networks are translated to this node's own addresses",
    "right for what is on this node alone (containers, a VPN that ends here): " +
      "such connections end with this node",
    "nothing, if hosts behind the shares are not meant",
  );
  take(
    warn,
    ofShares,
    `connections are translated to this node's own addresses on ${list(shares)}`,
    "their answers come to this node alone: such connections work, and end with this node. " +
      "Masquerading picks the node's own address, never the shared one",
    "right for this node's own traffic and for a VPN that ends here; what passes the cluster " +
      "should not be translated so",
  );
  const forwards = of(entering, "dnat");
  take(
    isService ? warn : fail,
    forwards,
    "connections are forwarded (DNAT) by a rule that is not avail's",
    "a connection's bucket comes from the address before the translation in one direction, and " +
      "from the one behind it in the other: answers meet a node that does not know them",
    "remove the rule, or forward on a machine behind the cluster",
  );
  take(
    note,
    of(entering, "redirect"),
    "connections are redirected to a service on this node",
    "right where every node runs the service; its sockets do not move when a bucket does",
    "see that all nodes have the rule and the service",
  );
  if (found.length > 0) return found;
  return [
    fine(rules.length === 0 ? "no addresses are translated" : "no translation touches a share"),
  ];
}

/** Whether hosts of the shares' own networks are translated by it. */
function isOfShares(rule: Rule, { shares }: Config): boolean {
  return shares.some(({ interface: input, addresses }) =>
    addresses.some(({ family, address, prefixLength }) => {
      const source = { bytes: parseAddress(address)!.bytes, prefixLength };
      return shares.some(({ interface: output }) =>
        output !== input && rule.matches({ ...anyPacket, family, input, output, source }) !== false
      );
    })
  );
}

function translating({ chains }: Ruleset): Rule[] {
  return chains.flatMap(({ rules }) => rules.filter(({ translation }) => translation !== null));
}

/** The first few, in words. */
export function placesOf(rules: readonly Rule[]): string {
  const places = rules.map(({ place, translation }) =>
    `${place} (${translation?.kind ?? "notrack"}${translation?.to ? ` to ${translation.to}` : ""})`
  );
  const more = places.length > 3 ? ` and ${places.length - 3} more` : "";
  return places.slice(0, 3).join("; ") + more;
}

/** Commands that show them. */
export function lookAt(rules: readonly Rule[]): { commands: string[] } {
  const chains = rules.map(({ place }) => {
    const [, chain] = /^rule \d+ of (.+)$/.exec(place) ?? [];
    return chain === undefined ? "iptables-legacy-save" : `nft -a list chain ${chain}`;
  });
  return { commands: [...new Set(chains)].slice(0, 3) };
}
