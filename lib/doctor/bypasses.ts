/** Rules by which packets get past the datapath, or past connection tracking. */
import type { FirewallFacts } from "./firewall.ts";
import { fail, fine, note, type Outcome, warn } from "./finding.ts";
import { lookAt, placesOf } from "./nat.ts";
import { anyPacket } from "./rules/model.ts";
import type { Setup } from "./setup.ts";
import { list } from "./words.ts";

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
    const isFilled = ruleset.chains.some(({ rules }) =>
      rules.some(({ flowtable }) => flowtable === table.name)
    );
    if (!isFilled) {
      return [
        note(`there is a flow table (${table.name}) on ${list(touched)}, which no rule fills`, {
          why: "filled, it would forward connections past what decides whose they are",
          remedy: "leave it empty, or remove it",
          commands: [`nft delete flowtable ${table.name}`],
        }),
      ];
    }
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
