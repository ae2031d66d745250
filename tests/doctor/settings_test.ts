import { type SettingsFacts, settingsGroup } from "../../lib/doctor/settings.ts";
import { assertEquals } from "../assert.ts";
import { testGroup } from "./group_cases.ts";
import { configOf, soundSetup, stoppedSetup } from "./setups.ts";

const values: Readonly<Record<string, string>> = {
  "net/ipv4/ip_forward": "1",
  "net/core/rmem_max": "212992",
  "net/core/wmem_max": "212992",
  "net/ipv6/conf/all/forwarding": "1",
  "net/ipv4/conf/all/arp_ignore": "1",
  "net/ipv4/conf/all/arp_announce": "2",
  "net/ipv4/conf/all/rp_filter": "0",
  "net/ipv4/conf/all/send_redirects": "0",
  ...Object.fromEntries(["eth0", "eth1"].flatMap((name) => [
    [`net/ipv4/conf/${name}/forwarding`, "1"],
    [`net/ipv4/conf/${name}/arp_ignore`, "1"],
    [`net/ipv4/conf/${name}/arp_announce`, "2"],
    [`net/ipv4/conf/${name}/arp_filter`, "0"],
    [`net/ipv4/conf/${name}/proxy_arp`, "0"],
    [`net/ipv4/conf/${name}/rp_filter`, "1"],
    [`net/ipv4/conf/${name}/send_redirects`, "0"],
    [`net/ipv6/conf/${name}/disable_ipv6`, "0"],
    [`net/ipv6/conf/${name}/forwarding`, "1"],
    [`net/ipv6/conf/${name}/accept_ra`, "1"],
  ])),
};

/** The sound values but for these; null: not there. */
function but(changes: Readonly<Record<string, string | null>>): Pick<SettingsFacts, "values"> {
  const entries = Object.entries({ ...values, ...changes });
  return { values: new Map(entries.flatMap(([k, v]) => v === null ? [] : [[k, v] as const])) };
}

const file = (text: string) => ({ path: "/etc/sysctl.d/90-local.conf", text });
const sound: SettingsFacts = {
  ...but({}),
  clusterDevices: [],
  files: [],
  advertisedDefaults: [],
  reversePathDrops: 0,
};
const onDevice = {
  clusterDevices: ["cluster0"],
  ...but({ "net/ipv4/conf/cluster0/rp_filter": "1" }),
};
const isService = {
  config: configOf((text) => text.replaceAll("[[share]]", '[[share]]\nkey = "source"')),
};
const noForwarding = but({ "net/ipv4/ip_forward": "0" });
const dotted = {
  config: configOf((text) => text.replaceAll('"eth0"', '"eth0.5"')),
};

testGroup(settingsGroup, sound, [
  {
    facts: noForwarding,
    finds: ["forwarding", "error", /IPv4 forwarding is off on a router/],
    fix: "net/ipv4/ip_forward=1",
  },
  {
    facts: but({ "net/ipv6/conf/all/forwarding": "0" }),
    finds: ["forwarding", "error", /IPv6 forwarding is off on a router/],
    fix: "net/ipv6/conf/all/forwarding=1",
  },
  {
    facts: but({ "net/ipv4/conf/eth1/forwarding": "0" }),
    finds: ["forwarding", "error", /IPv4 forwarding is off on eth1/],
    fix: "net/ipv4/conf/eth1/forwarding=1",
  },
  {
    facts: but({ "net/ipv4/conf/all/arp_ignore": "0", "net/ipv4/conf/eth0/arp_ignore": "0" }),
    finds: ["arp", "warning", /arp_ignore is 0 on eth0/],
    fix: "net/ipv4/conf/eth0/arp_ignore=1",
  },
  // The larger of both counts.
  { facts: but({ "net/ipv4/conf/eth0/arp_ignore": "0" }), finds: ["arp", "ok", /as it should/] },
  {
    facts: but({ "net/ipv4/conf/all/arp_announce": "0", "net/ipv4/conf/eth1/arp_announce": "1" }),
    finds: ["arp", "warning", /arp_announce is 1 on eth1/],
    fix: "net/ipv4/conf/eth1/arp_announce=2",
  },
  {
    facts: but({ "net/ipv4/conf/eth0/proxy_arp": "1" }),
    finds: ["arp", "warning", /proxy_arp is on on eth0/],
    fix: "net/ipv4/conf/eth0/proxy_arp=0",
  },
  { facts: but({ "net/ipv4/conf/eth0/arp_filter": "1" }), finds: ["arp", "info", /arp_filter/] },
  {
    facts: onDevice,
    finds: ["rp-filter", "error", /strict on cluster0/],
    fix: "net/ipv4/conf/cluster0/rp_filter=2",
  },
  {
    facts: but({ "net/ipv4/conf/eth1/accept_local": "1" }),
    finds: ["rp-filter", "info", /accept_local is on on eth1/],
    fix: "net/ipv4/conf/eth1/accept_local=0",
  },
  { facts: { reversePathDrops: 12 }, finds: ["rp-filter", "warning", /eth0 and eth1, and has/] },
  {
    facts: {
      reversePathDrops: 12,
      ...but({
        "net/ipv4/conf/eth0/rp_filter": "2",
        "net/ipv4/conf/eth1/rp_filter": "0",
      }),
    },
    finds: ["rp-filter", "ok", /nobody's way/],
  },
  {
    facts: but({ "net/ipv4/conf/all/send_redirects": "1" }),
    finds: ["redirects", "warning", /redirects are sent \(all\)/],
    fix: "net/ipv4/conf/all/send_redirects=0",
  },
  {
    facts: but({ "net/ipv6/conf/eth0/disable_ipv6": "1" }),
    finds: ["ipv6", "error", /IPv6 is off on eth0/],
    fix: "net/ipv6/conf/eth0/disable_ipv6=0",
  },
  {
    facts: but({ "net/ipv6/conf/eth0/disable_ipv6": null }),
    finds: ["ipv6", "error", /IPv6 is off on eth0/],
  },
  // eth1 has no shared IPv6 address.
  { facts: but({ "net/ipv6/conf/eth1/disable_ipv6": "1" }), finds: ["ipv6", "ok", /IPv6 is on/] },
  {
    facts: { advertisedDefaults: ["eth1"] },
    finds: ["router-advertisements", "warning", /default route by eth1 will be lost/],
    fix: "net/ipv6/conf/eth1/accept_ra=2",
  },
  {
    facts: but({ "net/core/rmem_max": "65536" }),
    finds: ["receive-buffers", "warning", /65536 bytes \(net\.core\.rmem_max/],
    fix: "net/core/rmem_max=212992",
  },
  {
    facts: { files: [file("net.ipv4.ip_forward = 1\nnet.ipv4.ip_forward=0")] },
    finds: ["sysctl-files", "warning", /90-local\.conf sets net\/ipv4\/ip_forward to 0/],
  },
  {
    facts: { files: [file("net/ipv4/conf/eth0/send_redirects = 1")] },
    finds: ["sysctl-files", "warning", /send_redirects to 1/],
  },
  {
    facts: {
      files: [
        // What suits, what others set, what a later file takes back, and comments.
        file("-net.ipv4.conf.all.arp_announce = 2\nnet.ipv4.conf.eth7.send_redirects=1"),
        file("#net.ipv4.ip_forward=0\nnet.netfilter.nf_conntrack_events=0\n;a=b\nnonsense"),
        file("net.netfilter.nf_conntrack_events=1"),
      ],
    },
    finds: ["sysctl-files", "ok", /no file undoes/],
  },
  // A name with dots keeps its slashes.
  {
    setup: dotted,
    facts: but({ "net/ipv4/conf/eth0.5/proxy_arp": "1", "net/ipv6/conf/eth0.5/disable_ipv6": "0" }),
    finds: ["arp", "warning", /proxy_arp is on on eth0\.5/],
    fix: "net/ipv4/conf/eth0.5/proxy_arp=0",
  },
]);

Deno.test("doctor, settings: forwarding is looked at on a router that runs, and there alone", () => {
  const [{ examine }] = settingsGroup.checks;
  const facts = { ...sound, ...noForwarding };
  assertEquals(examine(facts, soundSetup).length, 1);
  assertEquals(examine(facts, stoppedSetup), []);
  assertEquals(examine(facts, { ...soundSetup, ...isService }), []);
});
