/**
 * A configuration as the text of a file: complete, for `avail config show` and for a node that joins;
 * or with comments, for the file that an administrator will edit. `readConfig` gives the same
 * configuration back.
 */
import type { CheckConfig, CheckProbe, Config, LinkConfig, ShareConfig } from "./config.ts";
import { Sheet } from "./config_sheet.ts";
import * as limits from "./limits.ts";
import { flapHalfLifeMs } from "./membership/damping.ts";

export interface ConfigTextOptions {
  /** With comments, and what is as by default only as one of them; else every key with its value. */
  readonly comments: boolean;
  /** The first comment, a line each. */
  readonly heading?: readonly string[];
}

export function formatConfig(config: Config, options: ConfigTextOptions): string {
  const sheet = new Sheet(options.comments);
  for (const line of options.heading ?? []) sheet.comment(line);
  writeCluster(sheet, config);
  writeNode(sheet, config);
  config.shares.forEach((share, i) => writeShare(sheet, share, i));
  if (config.shares.length === 0) sheet.comment("[[share]] is missing: there must be one");
  writeLinks(sheet, config.links);
  config.checks.forEach((check) => writeCheck(sheet, check));
  if (config.checks.length === 0) exampleCheck(sheet);
  writeRest(sheet, config);
  return sheet.text;
}

function writeCluster(sheet: Sheet, { cluster }: Config): void {
  sheet.table("[cluster]", "the same on all nodes");
  sheet.key("name", cluster.name);
  sheet.key("key_file", cluster.keyFile, "secret, mode 0600; its content is the same on all nodes");
  sheet.keyOrDefault("partition", cluster.partition, "serve", {
    why: 'cut apart, all parts serve; "majority": only the larger one',
  });
  if (cluster.nodes !== null) {
    sheet.key("nodes", cluster.nodes, "how many there are, those that are down included");
  } else sheet.example("nodes", 3, 'how many nodes there are; "majority" needs it');
  sheet.keyOrDefault("ruleset", cluster.ruleset, false, {
    why: "true: nodes whose nftables rules differ get no buckets",
  });
}

function writeNode(sheet: Sheet, { node, shares }: Config): void {
  sheet.table("[node]", "this node's alone");
  sheet.key("name", node.name, "unique in the cluster");
  sheet.keyOrDefault("weight", node.weight, 1, {
    why: "its part of the buckets, against the other nodes' weights",
  });
  const hasServices = shares.some(({ key }) => key === "source");
  sheet.keyOrDefault(
    "drain_timeout",
    durationText(node.drainTimeoutMs),
    durationText(hasServices ? limits.serviceDrainTimeoutMs : 0),
    { why: "how long a planned move waits for open connections" },
  );
}

function writeShare(sheet: Sheet, share: ShareConfig, i: number): void {
  sheet.table(
    "[[share]]",
    i === 0 ? "an interface with addresses that all nodes share" : undefined,
  );
  sheet.key("interface", share.interface, i === 0 ? "may differ between the nodes" : undefined);
  sheet.key(
    "addresses",
    share.addresses.map(({ address, prefixLength }) => `${address}/${prefixLength}`),
  );
  sheet.key("key", share.key, i === 0 ? keyWords[share.key] : undefined);
  if (share.side !== null) sheet.key("side", share.side);
  sheet.keyOrDefault("nat", share.nat, false, {
    why: "true: the first IPv4 address is a NAT address",
  });
  sheet.keyOrDefault("mac", share.mac, "auto", {
    why: '"unicast" where the network refuses group MACs',
  });
}

const keyWords: Readonly<Record<ShareConfig["key"], string>> = {
  pair: "a packet's node is decided by its two addresses (routers)",
  source: "a packet's node is decided by its source address (services)",
  flow: "a packet's node is decided by addresses and ports (routers)",
  inside: "a packet's node is decided by the inside host (routers)",
};

function writeLinks(sheet: Sheet, links: readonly LinkConfig[]): void {
  links.forEach((link, i) => {
    sheet.table("[[link]]", i === 0 ? "a path for heartbeats and replication alone" : undefined);
    sheet.key("interface", link.interface);
    if (link.address !== null) sheet.key("address", link.address);
    else sheet.example("address", "10.0.0.1", "by default the interface's first one");
  });
  if (links.length > 0) return;
  sheet.exampleTable("[[link]]", "a path for heartbeats and replication alone; 0 to 8 of them");
  sheet.example("interface", "eth2");
}

function writeCheck(sheet: Sheet, check: CheckConfig): void {
  sheet.table("[[check]]", "what has to work for this node to own buckets");
  sheet.key("name", check.name);
  writeProbe(sheet, check.probe);
  sheet.keyOrDefault("interval", durationText(check.intervalMs), "1s");
  // The default follows the interval where that is shorter.
  sheet.key("timeout", durationText(check.timeoutMs));
  sheet.keyOrDefault("rise", check.rise, 2, { why: "so many successes in a row make it good" });
  sheet.keyOrDefault("fall", check.fall, 3, { why: "so many failures in a row make it bad" });
  sheet.keyOrDefault("weight", check.weight, 0, {
    why: "the node's weight is multiplied by it while it fails",
  });
}

function writeProbe(sheet: Sheet, probe: CheckProbe): void {
  switch (probe.kind) {
    case "tcp":
      return sheet.key("tcp", hostAndPort(probe));
    case "http":
      sheet.key("http", `http://${hostAndPort(probe)}${probe.path}`);
      return sheet.keyOrDefault("status", probe.status, 200);
    case "command":
      return sheet.key("command", probe.argv);
  }
}

function exampleCheck(sheet: Sheet): void {
  sheet.exampleTable("[[check]]", "what has to work for this node to own buckets; 0 to 16 of them");
  sheet.example("name", "web");
  sheet.example("tcp", "127.0.0.1:80", 'or http = "http://…", or command = ["/path", "argument"]');
}

function writeRest(sheet: Sheet, config: Config): void {
  const { detection, replication, datapath, control, metrics } = config;
  sheet.table("[detection]", "after interval x multiplier of silence a node is dead");
  sheet.keyOrDefault("interval", durationText(detection.intervalMs), "100ms", {
    why: "between heartbeats; 10ms or more",
  });
  sheet.keyOrDefault("multiplier", detection.multiplier, 3, { why: "the same on all nodes" });
  const { intervalMs, multiplier, flapHalfLifeMs: halfLifeMs } = detection;
  const damping = halfLifeMs === 0 ? "off" : durationText(halfLifeMs);
  sheet.keyOrDefault("damping", damping, durationText(flapHalfLifeMs(intervalMs * multiplier)), {
    why: 'half-life of failures: who fails thrice gets no buckets; or "off"',
  });
  sheet.table("[replication]", "connections, into the other nodes' kernels");
  sheet.keyOrDefault("backups", replication.backups, 1, {
    why: 'nodes that hold each connection beside its owner, or "all"',
  });
  sheet.keyOrDefault("port", replication.port, 9478, { why: "TCP; the next one is for joining" });
  sheet.keyOrDefault("enabled", replication.enabled, true);
  sheet.table("[datapath]");
  sheet.keyOrDefault("backend", datapath.backend, "auto", {
    why: '"clusterdev" (kernel module), "xdp" or "clusterip"',
  });
  sheet.keyOrDefault("mark_mask", datapath.markMask, 0x1ff00000, {
    why: "nine bits of the packet mark, used with NAT",
    isMask: true,
  });
  sheet.table("[control]");
  sheet.keyOrDefault("socket", control.socket, "/run/avail/control.sock");
  sheet.table("[metrics]", "for Prometheus");
  sheet.keyOrDefault("listen", metrics.listen, "127.0.0.1:9477", { why: '"off": nothing listens' });
}

function hostAndPort({ host, port }: { readonly host: string; readonly port: number }): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** As `readDuration` reads it. */
export function durationText(ms: number): string {
  return ms >= 1000 && ms % 1000 === 0 || ms === 0 ? `${ms / 1000}s` : `${ms}ms`;
}
