/**
 * `avail doctor` on real machines: one thing is broken at a time, and its check finds it; it is mended, by
 * hand or by --fix, and the finding goes. That it was content before is each case's control.
 */
import type { Lab } from "../../cli/demo/lab.ts";
import type { LabNode } from "../../cli/demo/lab_node.ts";
import type { Severity } from "../../lib/doctor/finding.ts";
import type { Vitals } from "../../lib/vitals.ts";
import { selfCommand } from "../../cli/demo/self.ts";
import { assert, assertEquals, assertMatch } from "../assert.ts";
import { inLab, patienceMs, settled, started } from "./cluster.ts";
import { Doctor, inWords } from "./doctor.ts";

const ignore = Deno.uid() !== 0;

interface Broken {
  readonly check: string;
  readonly severity: Severity;
  readonly says: RegExp;
  /** Commands on the node, or on another host of the lab; `DIR` is the node's directory. */
  readonly spoil: readonly string[];
  /** null: `--fix` does it. */
  readonly mend: readonly string[] | null;
  readonly host?: "clients" | "fw2";
}

const sysctl = (setting: string) => [`sysctl -qw ${setting}`];
const nft = (table: string, hook: string, rule: string, type = "filter", priority = "0") => [
  `nft add table ${table}`,
  `nft add chain ${table} c '{ type ${type} hook ${hook} priority ${priority} ; }'`,
  `nft add rule ${table} c ${rule}`,
];

/** On a node whose daemon does not run. */
const whileStopped: readonly Broken[] = [
  {
    check: "ipv6",
    severity: "error",
    says: /IPv6 is off on inside/,
    spoil: sysctl("net.ipv6.conf.inside.disable_ipv6=1"),
    mend: null,
  },
  {
    check: "link-state",
    severity: "error",
    says: /sync is down/,
    spoil: ["ip link set sync down"],
    mend: ["ip link set sync up"],
  },
  {
    check: "enslaved",
    severity: "error",
    says: /outside is a port of br9/,
    spoil: ["ip link add br9 type bridge", "ip link set outside master br9"],
    mend: ["ip link del br9"],
  },
  {
    check: "replication-port",
    severity: "error",
    says: /drops replication streams that come in by sync/,
    spoil: nft("inet blocking", "input", "iifname sync tcp dport 9000-9999 drop"),
    mend: ["nft delete table inet blocking"],
  },
  {
    check: "replication-port",
    severity: "error",
    says: /drops replication streams that come in by sync/,
    spoil: ["iptables-legacy -A INPUT -i sync -p tcp --dport 9478 -j DROP"],
    mend: ["iptables-legacy -F INPUT"],
  },
  {
    check: "replication-port",
    severity: "error",
    says: /drops replication streams that leave by sync/,
    spoil: nft("ip blocking", "output", "ip daddr 198.51.100.0/24 tcp dport 9478 reject"),
    mend: ["nft delete table ip blocking"],
  },
  {
    check: "nat-rules",
    severity: "warning",
    says: /this node's own addresses/,
    spoil: nft("ip n", "postrouting", "oifname outside masquerade", "nat", "100"),
    mend: ["nft delete table ip n"],
  },
  {
    check: "nat-rules",
    severity: "error",
    says: /SNAT\) to a shared address/,
    spoil: nft("ip n", "postrouting", "oifname outside snat to 203.0.113.1", "nat", "100"),
    mend: ["nft delete table ip n"],
  },
  {
    check: "arp-rules",
    severity: "warning",
    says: /drop ARP/,
    spoil: nft("arp a", "input", "arp operation 9 drop"),
    mend: ["nft delete table arp a"],
  },
  {
    check: "untracked",
    severity: "info",
    says: /not tracked/,
    spoil: nft("inet u", "prerouting", "iifname inside udp dport 53 notrack", "filter", "-300"),
    mend: ["nft delete table inet u"],
  },
  {
    check: "heartbeat-frames",
    severity: "error",
    says: /drops heartbeats on sync \(ingress\)/,
    spoil: [
      "nft add table netdev h",
      "nft add chain netdev h c '{ type filter hook ingress device sync priority 0 ; }'",
      "nft add rule netdev h c udp dport 9478 drop",
    ],
    mend: ["nft delete table netdev h"],
  },
  {
    check: "shared-addresses",
    severity: "warning",
    says: /192\.0\.2\.1 is on inside, and avail run does not run/,
    spoil: ["ip address add 192.0.2.1/32 dev inside"],
    mend: ["ip address del 192.0.2.1/32 dev inside"],
  },
  {
    check: "own-address",
    severity: "info",
    says: /no IPv4 address of its own on inside/,
    spoil: ["ip address del 192.0.2.11/24 dev inside"],
    mend: ["ip address add 192.0.2.11/24 dev inside"],
  },
  {
    check: "key-file",
    severity: "error",
    says: /can be read by others \(has mode 0644\)/,
    spoil: ["chmod 0644 DIR/cluster.key"],
    mend: null,
  },
  {
    check: "key-file",
    severity: "warning",
    says: /others may write to .*\/fw1/,
    spoil: ["chmod 0777 DIR"],
    mend: ["chmod 0755 DIR"],
  },
  {
    check: "config",
    severity: "error",
    says: /has a fault/,
    spoil: ["cp -p DIR/avail.toml DIR/saved", "sed -i s/multiplier/multiplyer/ DIR/avail.toml"],
    mend: ["mv DIR/saved DIR/avail.toml"],
  },
  {
    check: "duplicates",
    severity: "error",
    says: /2001:db8:1::20 on inside is another machine's, too/,
    // It is a client's. The kernel takes its time to ask.
    spoil: [
      "sysctl -qw net.ipv6.conf.inside.accept_dad=1 net.ipv6.conf.inside.dad_transmits=1",
      "ip address add 2001:db8:1::20/64 dev inside",
      "for i in $(seq 200); do ip -6 address show dadfailed | grep -q . && exit 0; sleep 0.1; done; exit 1",
    ],
    mend: ["ip address del 2001:db8:1::20/64 dev inside"],
  },
  {
    check: "duplicates",
    severity: "error",
    says: /answers for the shared address 192\.0\.2\.1 on inside/,
    host: "clients",
    spoil: ["ip address add 192.0.2.1/32 dev inside"],
    mend: ["ip address del 192.0.2.1/32 dev inside"],
  },
  {
    check: "duplicates",
    severity: "error",
    says: /answers for the shared address 2001:db8:1::1 on inside/,
    host: "clients",
    spoil: ["ip address add 2001:db8:1::1/128 dev inside nodad"],
    mend: ["ip address del 2001:db8:1::1/128 dev inside"],
  },
];

/** On a node of a cluster at work. */
const whileRunning: readonly Broken[] = [
  {
    check: "forwarding",
    severity: "error",
    says: /IPv4 forwarding is off on a router/,
    spoil: sysctl("net.ipv4.ip_forward=0"),
    mend: null,
  },
  {
    check: "forwarding",
    severity: "error",
    says: /IPv6 forwarding is off on inside/,
    spoil: sysctl("net.ipv6.conf.inside.forwarding=0"),
    mend: null,
  },
  {
    check: "arp",
    severity: "warning",
    says: /arp_announce is 0 on outside/,
    spoil: sysctl("net.ipv4.conf.all.arp_announce=0 net.ipv4.conf.outside.arp_announce=0"),
    mend: null,
  },
  {
    check: "arp",
    severity: "warning",
    says: /proxy_arp is on on inside/,
    spoil: sysctl("net.ipv4.conf.inside.proxy_arp=1"),
    mend: null,
  },
  {
    check: "redirects",
    severity: "warning",
    says: /redirects are sent \(outside\)/,
    spoil: sysctl("net.ipv4.conf.outside.send_redirects=1"),
    mend: null,
  },
  {
    check: "conntrack-settings",
    severity: "error",
    says: /no events of connections/,
    spoil: sysctl("net.netfilter.nf_conntrack_events=0"),
    mend: null,
  },
  {
    check: "conntrack-settings",
    severity: "warning",
    says: /TCP windows are checked/,
    spoil: sysctl("net.netfilter.nf_conntrack_tcp_be_liberal=0"),
    mend: null,
  },
  {
    check: "mtu",
    severity: "warning",
    says: /sync carries packets of 1300 bytes only/,
    spoil: ["ip link set sync mtu 1300"],
    mend: ["ip link set sync mtu 1500"],
  },
  {
    check: "mtu-nodes",
    severity: "warning",
    says: /MTU of outside differs between the nodes/,
    host: "fw2",
    spoil: ["ip link set outside mtu 1600"],
    mend: ["ip link set outside mtu 1500"],
  },
  {
    check: "shared-addresses",
    severity: "error",
    says: /203\.0\.113\.1 is not on outside/,
    spoil: ["ip address del 203.0.113.1/32 dev outside"],
    mend: ["ip address add 203.0.113.1/32 dev outside noprefixroute"],
  },
  {
    check: "duplicates",
    severity: "error",
    says: /answers for the shared address 192\.0\.2\.1 on inside/,
    host: "clients",
    spoil: ["ip address add 192.0.2.1/32 dev inside"],
    mend: ["ip address del 192.0.2.1/32 dev inside"],
  },
  {
    check: "duplicates",
    severity: "error",
    says: /answers for this node's own 192\.0\.2\.11 on inside/,
    host: "clients",
    spoil: ["ip address add 192.0.2.11/32 dev inside"],
    mend: ["ip address del 192.0.2.11/32 dev inside"],
  },
  {
    check: "replication-port",
    severity: "warning",
    says: /drops replication streams that come in by sync/,
    spoil: nft("inet blocking", "input", "ct state new tcp dport 9478 drop", "filter", "-10"),
    mend: ["nft delete table inet blocking"],
  },
];

async function each(lab: Lab, cases: readonly Broken[]): Promise<void> {
  const node = lab.node("fw1");
  await using doctor = new Doctor(node);
  for (const { check, severity, says, spoil, mend, host } of cases) {
    const on = async (commands: readonly string[]) => {
      for (const command of commands) await onHost(lab, node, host, command);
    };
    const hits = (found: { severity: Severity; title: string } | null) =>
      found !== null && found.severity === severity && says.test(found.title);
    const before = await doctor.worst(check);
    assert(!hits(before), `${check} before: ${inWords(before)}`);
    await on(spoil);
    const found = await doctor.worst(check);
    assert(hits(found), `${check}, ${spoil.join("; ")}: ${inWords(found)}`);
    if (mend === null) {
      const { fixes, findings } = await doctor.report([check], { persist: false, dryRun: false });
      assert(fixes.length > 0 && fixes.every(({ done }) => done), JSON.stringify(fixes));
      assert(!findings.some(hits), `${check} after --fix: ${inWords(findings[0])}`);
    } else await on(mend);
    const after = await doctor.worst(check);
    assertEquals(inWords(after), inWords(before), `${check}, mended`);
  }
}

async function onHost(
  lab: Lab,
  node: LabNode,
  host: string | undefined,
  command: string,
): Promise<void> {
  const argv = ["sh", "-c", command.replaceAll("DIR", node.directory)];
  if (host === undefined) await node.exec(argv);
  else await lab.exec(host, argv);
}

Deno.test(
  { name: "doctor: what is broken on a node that is stopped", ignore },
  () =>
    inLab({ nodes: 2 }, async (lab) => {
      await each(lab, whileStopped);
      // The other nodes answer for the shared addresses with the cluster's own MAC: nothing is wrong.
      await lab.node("fw2").start();
      await settled(lab, ["fw2"], false);
      await using doctor = new Doctor(lab.node("fw1"));
      assertEquals(
        inWords(await doctor.worst("duplicates")),
        inWords({
          severity: "ok",
          title: "nobody else answers for this cluster's addresses",
        }),
      );
    }),
);

Deno.test(
  { name: "doctor: what is broken on a node at work", ignore },
  () =>
    inLab({ nodes: 2 }, async (lab) => {
      await started(lab);
      await each(lab, whileRunning);

      const node = lab.node("fw1");
      await using doctor = new Doctor(node);
      const becomes = (check: string, severity: Severity, says: RegExp) =>
        lab.waitUntil(`${check} says ${says.source}`, async () => {
          const found = await doctor.worst(check);
          const isSo = found?.severity === severity &&
            says.test(`${found.title} ${found.evidence}`);
          return isSo ? null : `${inWords(found)} (${found?.evidence})`;
        }, { timeoutMs: patienceMs, everyMs: 200 });

      // A daemon that hangs, and one that has hung.
      // A machine with much else to do may be late by itself: what counts is that there is more.
      const lateCount = async () =>
        (await node.request({ command: "vitals" }) as Vitals).late.count;
      const before = await lateCount();
      node.pause();
      await becomes("daemon", "error", /does not answer/);
      node.resume();
      await becomes("daemon", "ok", /is ready/);
      await lab.waitUntil("the core was late once more", async () => {
        const count = await lateCount();
        return count > before ? null : `${count} times, as before`;
      }, { timeoutMs: patienceMs });
      await becomes("lateness", "warning", /not run in time/);

      // Streams that another node's firewall drops, told apart from a port where nobody listens.
      await becomes("replication-streams", "ok", /replicates to every other/);
      for (const command of nft("inet blocking", "input", "tcp dport 9478 drop", "filter", "-10")) {
        await lab.exec("fw2", ["sh", "-c", command]);
        await node.exec(["sh", "-c", command]);
      }
      await becomes(
        "replication-streams",
        "error",
        /no replication stream with fw2.*9478: no answer/,
      );
      await becomes("replication-port", "error", /drops replication streams/);
      await lab.exec("fw2", ["nft", "delete", "table", "inet", "blocking"]);
      await node.exec(["nft", "delete", "table", "inet", "blocking"]);
      await becomes("replication-streams", "ok", /replicates to every other/);
      await becomes("safe", "ok", /live backup/);

      await lab.node("fw2").stop();
      await becomes("members", "warning", /no other node is heard/);
    }),
);

Deno.test(
  { name: "doctor: the program, its exit codes, and what it leaves alone", ignore },
  () =>
    inLab({ nodes: 2 }, async (lab) => {
      const node = lab.node("fw1");
      const avail = async (...args: string[]) => {
        const [program, ...first] = [...selfCommand(), "doctor", "--config", node.configFile];
        const { code, stdout, stderr } = await new Deno.Command("ip", {
          args: ["netns", "exec", node.namespace, program, ...first, ...args],
          env: { NO_COLOR: "1" },
        }).output();
        const decoder = new TextDecoder();
        return { code, out: decoder.decode(stdout), err: decoder.decode(stderr) };
      };
      const keyFile = `${node.directory}/cluster.key`;
      const mode = () => (Deno.statSync(keyFile).mode ?? 0) & 0o777;

      assertEquals((await avail("key-file", "dedicated-link")).code, 0);
      Deno.chmodSync(keyFile, 0o640);
      const found = await avail("key-file");
      assertEquals([found.code, found.err], [1, ""]);
      assertMatch(found.out, /^fw1: 1 error\n\nService and files\n✗ .*can be read by others/);
      // A look changes nothing, and a dry run neither.
      const dry = await avail("key-file", "--fix", "--dry-run");
      assertEquals([dry.code, mode()], [1, 0o640]);
      assertMatch(dry.out, /^would change the mode of (.|\n)*cluster\.key from\s+0640 to\s+0600\n/);
      const fixed = await avail("key-file", "--fix", "--json");
      assertEquals([fixed.code, mode()], [0, 0o600]);
      const report = JSON.parse(fixed.out);
      assertEquals([report.schema, report.node, report.worst], [1, "fw1", "ok"]);
      assertEquals(
        report.fixes.map(({ done, error }: { done: boolean; error: null }) => [done, error]),
        [
          [true, null],
        ],
      );

      await node.exec(["ip", "address", "add", "192.0.2.1/32", "dev", "inside"]);
      assertEquals((await avail("shared-addresses", "--json")).code, 4);

      // Without a configuration it looks at the machine; what was named must be there.
      const missing = await avail("--config", "/nowhere/avail.toml");
      assertEquals([missing.code, missing.out], [2, ""]);
      assertMatch(missing.err, /^avail: /);
    }),
);
