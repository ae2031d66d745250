/**
 * Rules that work against the buckets: a packet's bucket comes from its addresses, so what rewrites
 * addresses, or forwards past the datapath, must agree with it (avail's own NAT does, by the share's
 * setting nat).
 */
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
  take(
    warn,
    toOwn,
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

function translating({ chains }: Ruleset): Rule[] {
  return chains.flatMap(({ rules }) => rules.filter(({ translation }) => translation !== null));
}

/** The first few, in words. */
function placesOf(rules: readonly Rule[]): string {
  const places = rules.map(({ place, translation }) =>
    `${place} (${translation?.kind ?? "notrack"}${translation?.to ? ` to ${translation.to}` : ""})`
  );
  const more = places.length > 3 ? ` and ${places.length - 3} more` : "";
  return places.slice(0, 3).join("; ") + more;
}

function lookAt(rules: readonly Rule[]): { commands: string[] } {
  const chains = rules.map(({ place }) => {
    const [, chain] = /^rule \d+ of (.+)$/.exec(place) ?? [];
    return chain === undefined ? "iptables-legacy-save" : `nft -a list chain ${chain}`;
  });
  return { commands: [...new Set(chains)].slice(0, 3) };
}

export function flowtables({ ruleset }: FirewallFacts, { config, status }: Setup): Outcome[] {
  if (ruleset === null) return [];
  const tables = ruleset.flowtables;
  if (tables.length === 0) return [fine("there are no flow tables")];
  const names = list(tables.map(({ name }) => name));
  if (config === null) {
    return [
      note(`there are flow tables (${names})`, {
        why: "in a cluster, they forward connections past what decides whose they are",
        remedy: "do without them on the interfaces of shares",
      }),
    ];
  }
  const shares = config.shares.map((share) => share.interface);
  const backend = status?.datapath.backend ?? config.datapath.backend;
  const found = tables.flatMap((table) => {
    const touched = table.devices.filter((device) => shares.includes(device));
    if (touched.length === 0) return [];
    const details = {
      why: table.isHardware
        ? "the card forwards by itself what is in them: no program of this node sees it, so this " +
          "node goes on with connections that another one owns, and tells nobody of them"
        : "what is in them is forwarded at the hook ingress, " +
          (backend === "xdp"
            ? "behind avail's program and without conntrack's events: their end is not replicated, " +
              "and a bucket that comes back meets stale entries"
            : "before the kernel module sees it: this node goes on with connections that another " +
              "one owns"),
      remedy: `take ${list(touched)} out of the flow table, or remove the rule that fills it`,
      commands: [`nft list flowtables`, `nft delete flowtable ${table.name}`],
      evidence: `${table.name} on ${table.devices.join(", ")}`,
    };
    const title = `the flow table ${table.name} bypasses the cluster on ${list(touched)}`;
    const isDeaf = !table.isHardware && backend === "xdp";
    return [isDeaf ? warn(title, details) : fail(title, details)];
  });
  return found.length > 0 ? found : [fine("no flow table touches a share")];
}

export function untracked(
  { ruleset, clusterDevices }: FirewallFacts,
  { config }: Setup,
): Outcome[] {
  if (ruleset === null || config === null) return [];
  const names = [...config.shares.map((share) => share.interface), ...clusterDevices];
  const rules = ruleset.chains.flatMap(({ rules }) => rules).filter((rule) =>
    rule.skipsTracking && names.some((input) => rule.matches({ ...anyPacket, input }) !== false)
  );
  if (rules.length === 0) return [fine("no rule exempts the shares from connection tracking")];
  return [
    note("some packets of the shares are not tracked (notrack)", {
      why: "what is not tracked is not replicated either; a stateful firewall on the node that " +
        "takes over does not know it",
      remedy: "right for stateless rules; else remove it",
      ...lookAt(rules),
      evidence: placesOf(rules),
    }),
  ];
}
