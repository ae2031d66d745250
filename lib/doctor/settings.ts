/**
 * Settings of the kernel (/proc/sys/net) that decide whether frames of the shared addresses come in, are
 * forwarded, and are answered with the right MAC. Those that avail run sets at its start are looked at
 * only while it runs: before, they are not yet its business.
 */
import type { Group } from "./check.ts";
import { fail, fine, note, type Outcome, setting, warn } from "./finding.ts";
import { isRouter, type Setup, sharesFamily } from "./setup.ts";
import { againstUs, type SysctlFile } from "./sysctl_files.ts";
import { counted, list } from "./words.ts";

export interface SettingsFacts {
  /** By paths below /proc/sys; those that are not there are left out. */
  readonly values: ReadonlyMap<string, string>;
  /** Devices of the kernel module, in the order of the shares. */
  readonly clusterDevices: readonly string[];
  /** Interfaces with a default route by IPv6 router advertisement. */
  readonly advertisedDefaults: readonly string[];
  /** What is read at boot, in its order. */
  readonly files: readonly SysctlFile[];
  /** Packets that rp_filter dropped since the boot; null: not known. */
  readonly reversePathDrops: number | null;
}

export const settingsGroup: Group<"settings", SettingsFacts> = {
  name: "settings",
  title: "Settings of the kernel",
  checks: [
    { id: "forwarding", brief: "a router forwards", examine: forwarding },
    { id: "arp", brief: "only the owner answers ARP for a shared address", examine: arp },
    { id: "rp-filter", brief: "rp_filter lets through what is right", examine: reversePath },
    { id: "redirects", brief: "no redirect names a single node", examine: redirects },
    { id: "ipv6", brief: "IPv6 is on where it is shared", examine: ipv6 },
    { id: "router-advertisements", brief: "forwarding costs no default route", examine: accepts },
    { id: "sysctl-files", brief: "no file undoes what avail run sets", examine: files },
    { id: "receive-buffers", brief: "sockets may have the buffers they need", examine: buffers },
  ],
};

const changedSince = "avail run set it at its start, and something has changed it since " +
  "(sysctl --system, a network manager); set it again";

/** The names of settings by interface that this group reads, by family. */
export const interfaceSettings = {
  4: ["arp_ignore", "arp_announce", "arp_filter", "proxy_arp", "rp_filter", "send_redirects"]
    .concat("forwarding", "accept_local"),
  6: ["disable_ipv6", "forwarding", "accept_ra"],
} as const;

/** Other settings that it reads. */
export const generalSettings = ["net/ipv4/ip_forward", "net/core/rmem_max", "net/core/wmem_max"];

const conf = (family: 4 | 6, name: string, key: string) => `net/ipv${family}/conf/${name}/${key}`;

function shares({ config }: Setup): string[] {
  return config?.shares.map((share) => share.interface) ?? [];
}

function forwarding({ values, clusterDevices }: SettingsFacts, setup: Setup): Outcome[] {
  if (setup.status === null || !isRouter(setup)) return [];
  const found: Outcome[] = [];
  const off = (path: string) => values.get(path) === "0";
  const why = "this node takes packets that are to be forwarded, and drops them";
  if (off("net/ipv4/ip_forward")) {
    found.push(fail("IPv4 forwarding is off on a router (net.ipv4.ip_forward = 0)", {
      why,
      remedy: changedSince,
      ...setting("net/ipv4/ip_forward", 1),
    }));
  }
  if (sharesFamily(setup, 6) && off(conf(6, "all", "forwarding"))) {
    found.push(fail("IPv6 forwarding is off on a router", {
      why,
      remedy: changedSince,
      ...setting(conf(6, "all", "forwarding"), 1),
    }));
  }
  if (found.length > 0) return found;
  for (const name of [...shares(setup), ...clusterDevices]) {
    for (const family of [4, 6] as const) {
      const path = conf(family, name, "forwarding");
      if (!off(path) || !sharesFamily(setup, family)) continue;
      found.push(fail(`IPv${family} forwarding is off on ${name}`, {
        why: "what comes in there is taken, and not forwarded",
        remedy: changedSince,
        ...setting(path, 1),
      }));
    }
  }
  return found.length > 0 ? found : [fine("forwarding is on")];
}

function arp({ values, clusterDevices }: SettingsFacts, setup: Setup): Outcome[] {
  const { config, status } = setup;
  if (config === null) return [];
  const found: Outcome[] = [];
  // The kernel takes the larger of "all" and the interface's own.
  const effective = (name: string, key: string) => {
    const known = ["all", name].flatMap((each) => values.get(conf(4, each, key)) ?? []);
    return known.length === 0 ? NaN : Math.max(...known.map(Number));
  };
  for (const name of shares(setup)) {
    if (status !== null && config.datapath.backend !== "clusterip") {
      for (const [key, want] of [["arp_ignore", 1], ["arp_announce", 2]] as const) {
        if (!(effective(name, key) < want)) continue;
        found.push(warn(`${key} is ${effective(name, key)} on ${name}`, {
          why: key === "arp_ignore"
            ? "this node answers there for addresses of its other interfaces, with its own MAC"
            : "this node's own questions carry the shared address with its own MAC: neighbours " +
              "that believe it send everything to this node alone",
          remedy: changedSince,
          ...setting(conf(4, name, key), want),
        }));
      }
    }
    for (const of of [name, ...clusterDevices]) {
      if (values.get(conf(4, of, "proxy_arp")) !== "1") continue;
      found.push(warn(`proxy_arp is on on ${of}`, {
        why: "every node answers there for other hosts' addresses with its own MAC, so that " +
          "traffic goes by single nodes, and answers contradict each other",
        remedy: "turn it off, and route the network to the shared address instead",
        ...setting(conf(4, of, "proxy_arp"), 0),
      }));
    }
    if (effective(name, "arp_filter") > 0) {
      found.push(note(`arp_filter is on for ${name}`, {
        why: "requests are answered only where the way back leads through the same interface; " +
          "with the shared addresses' networks on their shares that is so",
        remedy: null,
      }));
    }
  }
  return found.length > 0 ? found : [fine("ARP is answered as it should be")];
}

function reversePath(facts: SettingsFacts, setup: Setup): Outcome[] {
  const { values, clusterDevices, reversePathDrops } = facts;
  if (setup.config === null) return [];
  const of = (name: string) => values.get(conf(4, name, "rp_filter"));
  const mode = (name: string) => Math.max(Number(of("all") ?? 0), Number(of(name) ?? 0));
  const found: Outcome[] = [];
  for (const name of clusterDevices) {
    if (mode(name) !== 1) continue;
    found.push(fail(`rp_filter is strict on ${name}`, {
      why: "what comes in by it is answered through the interface below: every packet is dropped",
      remedy: changedSince,
      ...setting(conf(4, name, "rp_filter"), 2),
    }));
  }
  const strict = shares(setup).filter((name) => mode(name) === 1);
  const drops = reversePathDrops ?? 0;
  if (strict.length > 0 && clusterDevices.length === 0 && drops > 0) {
    found.push(warn(`rp_filter is strict on ${list(strict)}, and has dropped packets`, {
      why: "it drops what comes from where this node would not send the answer to. That is right " +
        "for forged packets, and wrong where a network is reached by more than one share",
      remedy: "look for the way back (ip route get SOURCE); if it is right, be content with any " +
        "way back (2, loose)",
      commands: strict.map((name) => setting(conf(4, name, "rp_filter"), 2).commands![0]),
      evidence: `${counted(drops, "packet")} dropped since the boot (IPReversePathFilter)`,
    }));
  }
  for (const name of [...shares(setup), ...clusterDevices]) {
    if (of(name) === undefined || values.get(conf(4, name, "accept_local")) !== "1") continue;
    found.push(note(`accept_local is on on ${name}`, {
      why: "packets from outside that claim to come from a shared address are let in, as if a " +
        "node had sent them; avail does not need it",
      remedy: "turn it off, if nothing else needs it",
      ...setting(conf(4, name, "accept_local"), 0),
    }));
  }
  return found.length > 0 ? found : [fine("rp_filter is in nobody's way")];
}

function redirects({ values }: SettingsFacts, setup: Setup): Outcome[] {
  if (setup.status === null || !isRouter(setup)) return [];
  const found = shares(setup).flatMap((name) =>
    // Or-ed with the interface's own.
    ["all", name].filter((each) => values.get(conf(4, each, "send_redirects")) === "1")
  );
  if (found.length === 0) return [fine("no redirects are sent")];
  return [...new Set(found)].map((name) =>
    warn(`ICMP redirects are sent (${name})`, {
      why: "a redirect leads a host to one node's own address, past the shared one: " +
        "its connections end with that node",
      remedy: changedSince,
      ...setting(conf(4, name, "send_redirects"), 0),
    })
  );
}

function ipv6({ values }: SettingsFacts, { config, status }: Setup): Outcome[] {
  const names = (config?.shares ?? [])
    .filter(({ addresses }) => addresses.some(({ family }) => family === 6))
    .map((share) => share.interface);
  if (names.length === 0) return [];
  // The directory of an interface is missing where the kernel does without IPv6.
  const off = names.filter((name) => values.get(conf(6, name, "disable_ipv6")) !== "0");
  if (off.length === 0) return [fine("IPv6 is on where it is shared")];
  return off.map((name) => {
    const isThere = values.has(conf(6, name, "disable_ipv6"));
    return fail(`IPv6 is off on ${name}, which has shared IPv6 addresses`, {
      why: status === null
        ? "avail run does not start so"
        : "this node does not answer for them, although it may be their owner",
      remedy: isThere
        ? "turn it on, or remove the addresses from the share"
        : "boot the kernel with IPv6, or remove the addresses from the share",
      ...(isThere ? setting(conf(6, name, "disable_ipv6"), 0) : {}),
    });
  });
}

function accepts(facts: SettingsFacts, setup: Setup): Outcome[] {
  if (!isRouter(setup)) return [];
  // With forwarding on, 1 means: not. The route that is there lasts until its lifetime ends.
  const losing = facts.advertisedDefaults
    .filter((name) => facts.values.get(conf(6, name, "accept_ra")) === "1");
  return losing.map((name) =>
    warn(`the IPv6 default route by ${name} will be lost`, {
      why: "it comes from router advertisements, which a kernel that forwards takes no notice of " +
        "unless accept_ra is 2: minutes after avail run has turned forwarding on, the route expires",
      remedy: "take advertisements also while forwarding",
      ...setting(conf(6, name, "accept_ra"), 2),
    })
  );
}

function files({ files }: SettingsFacts, setup: Setup): Outcome[] {
  const found = againstUs(files, setup);
  if (found.length > 0) return found;
  return setup.config === null ? [] : [fine("no file undoes what avail run sets")];
}

/** What the largest socket of a plain kind asks for (lib/host/heartbeat_links.ts). */
export const receiveBufferBytes = 212_992;

function buffers({ values }: SettingsFacts): Outcome[] {
  const found = (["rmem_max", "wmem_max"] as const).flatMap((name) => {
    const bytes = Number(values.get(`net/core/${name}`) ?? NaN);
    if (!(bytes < receiveBufferBytes)) return [];
    return [
      warn(`sockets may have only ${bytes} bytes (net.core.${name})`, {
        why:
          "a burst of heartbeats or of replication does not fit while a thread waits for its turn",
        remedy: "allow at least the kernel's own default",
        ...setting(`net/core/${name}`, receiveBufferBytes),
      }),
    ];
  });
  if (found.length > 0) return found;
  return values.has("net/core/rmem_max") ? [fine("socket buffers may be large enough")] : [];
}
