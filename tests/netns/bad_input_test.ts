/**
 * `avail run` in surroundings that will not do: each time one clear message that names the place, the
 * value and the remedy, the exit code that scripts rely on, and a machine that is as it was before.
 *
 * Not simulated, since it takes another kernel: Linux without bpf(2) (ENOSYS), and before 6.6, without
 * TCX. Both have messages of their own (lib/host/steering_xdp.ts and share_programs.ts).
 */
import { assert, assertEquals, assertMatch } from "../assert.ts";
import type { Lab } from "../../cli/demo/lab.ts";
import type { LabNode } from "../../cli/demo/lab_node.ts";
import { selfCommand } from "../../cli/demo/self.ts";
import { inLab, statusWhere } from "./cluster.ts";
import { tracesOf } from "./traces.ts";

const ignore = Deno.uid() !== 0;
/** A refusal comes at once; this is for a machine that has much else to do. */
const patienceMs = 20_000;

type Change = readonly [from: string | RegExp, to: string];

interface BadCase {
  readonly name: string;
  readonly code: 1 | 2;
  /** What the message says, in this order; `DIR` stands for the node's directory. */
  readonly says: readonly string[];
  /** Of the configuration; each must hit. */
  readonly config?: readonly Change[];
  /** Commands on the node that make it bad, and good again. */
  readonly spoil?: readonly string[];
  readonly mend?: readonly string[];
  /** Shell words in front of `avail run`, for this process alone. */
  readonly wrapper?: string;
  /** How many lines: one for each fault. */
  readonly lines?: number;
}

const root = new URL("../../", import.meta.url).pathname;

const cases: readonly BadCase[] = [
  // ---- the configuration
  {
    name: "a share's interface that is not there",
    code: 2,
    config: [['interface = "inside"', 'interface = "inzide"']],
    says: [
      "DIR/avail.toml:13: share[0].interface: ",
      '"inzide": there is no such',
      'mean "inside"?',
    ],
  },
  {
    name: "a link's interface that is not there",
    code: 2,
    config: [['interface = "sync"', 'interface = "eth7"']],
    says: ["DIR/avail.toml:9: link[0].interface: ", '"eth7": there is no such', "there are "],
  },
  {
    name: "an address that two shares have",
    code: 2,
    config: [['"203.0.113.1/24"', '"192.0.2.1/24"']],
    says: [
      "share[1].addresses[0]: 192.0.2.1 is also share[0].addresses[0] (line 14)",
      "; write it",
    ],
  },
  {
    name: "an address of a share as a link's own",
    code: 2,
    config: [["198.51.100.11", "192.0.2.1"]],
    says: ["link[0].address: 192.0.2.1 is also share[0]", "this node's alone"],
  },
  {
    name: "several faults at once",
    code: 2,
    config: [['listen = "off"', 'listen = "localhost"'], ["multiplier = 3", "multiplyer = 300"]],
    lines: 2,
    says: ["detection.multiplyer: unknown", 'mean "multiplier"', 'metrics.listen: "localhost"'],
  },
  {
    name: "a socket's path that is too long",
    code: 2,
    config: [["control.sock", `${"c".repeat(120)}.sock`]],
    says: ["control.socket: ", "is too long for a socket; keep 107 bytes at most"],
  },
  // ---- the key file
  {
    name: "no key file",
    code: 2,
    config: [["cluster.key", "cluster.kee"]],
    says: ["avail.toml:3: cluster.key_file: DIR/cluster.kee: there is no such file", "copy the"],
  },
  {
    name: "a key file that others can read",
    code: 2,
    spoil: ["chmod 0644 DIR/cluster.key"],
    mend: ["chmod 0600 DIR/cluster.key"],
    says: ["cluster.key_file: DIR/cluster.key: has mode 0644; run: chmod 0600 DIR/cluster.key"],
  },
  {
    name: "a key of a wrong size",
    code: 2,
    spoil: ["cp -p DIR/cluster.key DIR/saved", "echo c2hvcnQ= > DIR/cluster.key"],
    mend: ["mv DIR/saved DIR/cluster.key"],
    says: ["cluster.key_file: DIR/cluster.key: line 1: 5 bytes; a secret has 32"],
  },
  {
    name: "a key file without a key",
    code: 2,
    spoil: ["cp -p DIR/cluster.key DIR/saved", "sed -i /key/d DIR/cluster.key"],
    mend: ["mv DIR/saved DIR/cluster.key"],
    says: ["cluster.key_file: DIR/cluster.key: no key; add a line: key 0 BASE64"],
  },
  {
    name: "a key file that is a directory",
    code: 2,
    config: [["cluster.key", "bpf"]],
    says: ["cluster.key_file: DIR/bpf: is no file; name the cluster's key file"],
  },
  {
    name: "a key file of somebody else",
    code: 2,
    spoil: ["chown 1234 DIR/cluster.key"],
    mend: ["chown root DIR/cluster.key"],
    says: [
      "cluster.key_file: DIR/cluster.key: belongs to user 1234; run: chown root DIR/cluster.key",
    ],
  },
  // ---- the interfaces and addresses
  {
    name: "a share's interface that is down",
    code: 1,
    spoil: ["ip link set outside down"],
    mend: ["ip link set outside up", "ip address add 2001:db8:2::11/64 dev outside nodad"],
    says: ["use outside as a share: it is down; set it up: ip link set outside up"],
  },
  {
    name: "a share's interface that is no Ethernet",
    code: 1,
    config: [['interface = "inside"', 'interface = "lo"']],
    says: ["use ", "lo", ": it is no Ethernet"],
  },
  {
    name: "a shared address on another interface",
    code: 1,
    spoil: ["ip address add 203.0.113.1/25 dev sync"],
    mend: ["ip address del 203.0.113.1/25 dev sync"],
    says: [
      "add 203.0.113.1 to outside: sync has it already; ",
      "ip address del 203.0.113.1/25 dev sync",
    ],
  },
  {
    name: "a shared address that the administrator gave to the same interface",
    code: 1,
    spoil: ["ip address add 2001:db8:1::1/64 dev inside nodad"],
    mend: ["ip address del 2001:db8:1::1/64 dev inside"],
    says: [
      "add 2001:db8:1::1 to inside: inside has it already; ",
      "ip address del 2001:db8:1::1/64",
    ],
  },
  {
    name: "a link without an address",
    code: 1,
    config: [[/\naddress = .*/, ""]],
    spoil: ["ip address flush dev sync"],
    mend: ["ip address add 198.51.100.11/24 dev sync"],
    says: ["use link sync: it has no address; give it one: ip address add", "dev sync"],
  },
  {
    name: "a link's address that this machine does not have",
    code: 1,
    config: [["198.51.100.11", "198.51.100.77"]],
    says: [
      "use link sync: this machine does not have 198.51.100.77",
      "ip address add 198.51.100.77",
    ],
  },
  {
    name: "IPv6 off on a share's interface",
    code: 1,
    spoil: ["sysctl -qw net.ipv6.conf.outside.disable_ipv6=1"],
    mend: [
      "sysctl -qw net.ipv6.conf.outside.disable_ipv6=0",
      "ip address add 2001:db8:2::11/64 dev outside nodad",
    ],
    says: [
      "add 2001:db8:2::1 to outside: IPv6 is off",
      "sysctl -w net.ipv6.conf.outside.disable_ipv6=0",
    ],
  },
  // ---- what others hold
  {
    name: "something else where the socket should be",
    code: 2,
    spoil: ["touch DIR/control.sock"],
    mend: ["rm DIR/control.sock"],
    says: [
      "control socket DIR/control.sock: there is something else; remove it or change [control]",
    ],
  },
  {
    name: "a list of changes that is none",
    code: 1,
    spoil: ["echo '{' > DIR/undo.json"],
    mend: ["rm DIR/undo.json"],
    says: ["read DIR/undo.json: not the log of changes that avail writes; "],
  },
  // ---- rights
  {
    name: "not root",
    code: 1,
    wrapper: "setpriv --securebits=+no_setuid_fixup --reuid=65534 --regid=65534 --clear-groups " +
      "--inh-caps=-all,+dac_override --ambient-caps=-all,+dac_override", // to read what root may
    says: ["run: user 65534 may not steer the kernel; run this as root"],
  },
  {
    name: "root without its capabilities",
    code: 1,
    wrapper: "setpriv --inh-caps=-all --bounding-set=-net_admin,-sys_admin,-bpf",
    says: ["attach the xdp datapath: ", "operation not permitted (EPERM); it takes CAP_BPF"],
  },
  // ---- what the machine lacks; a mount of its own hides it from the one process
  {
    name: "no connection tracking",
    code: 1,
    wrapper: hide("/proc/sys/net/netfilter", "DIR/nothing"),
    spoil: ["mkdir DIR/nothing"],
    mend: ["rmdir DIR/nothing"],
    says: ["nf_conntrack_events: not there; ", "no connection tracking", "modprobe nf_conntrack"],
  },
  {
    name: "the BPF programs are not built",
    code: 1,
    wrapper: hide(`${root}build`, "DIR/nothing"),
    spoil: ["mkdir DIR/nothing"],
    mend: ["rmdir DIR/nothing"],
    says: ["read the BPF programs: ", "steer.bpf.json", "; build them with ./dev build"],
  },
  {
    name: "the BPF programs of a broken build",
    code: 1,
    wrapper: hide(`${root}build/steer.bpf.json`, "DIR/broken.json"),
    spoil: ["echo '{\"format\":' > DIR/broken.json"],
    mend: ["rm DIR/broken.json"],
    says: ["read the BPF programs: ", "steer.bpf.json", "; build them again with ./dev build"],
  },
  {
    name: "no libmnl",
    code: 1,
    wrapper: 'for f in $(ldconfig -p | sed -n "s/.*libmnl.so.0 .* => //p"); do ' +
      'mount --bind /dev/null "$f"; done; exec',
    says: ["open libmnl.so.0: ", "libmnl0"],
  },
];

Deno.test({
  name: "a bad surrounding is one clear message, the right exit code, and nothing left behind",
  ignore,
  fn: async (t) => {
    await inLab({ nodes: 2 }, async (lab) => {
      const node = lab.node("fw1");
      for (const each of cases) await t.step(each.name, () => checkCase(node, each));
      // The negative control: what is not bad runs, and changes what is compared.
      const before = await tracesOf(node);
      await node.start();
      await statusWhere(lab, "fw1", "it runs", (status) => status.node === "fw1");
      await t.step("a second daemon on the same socket", () => checkSecond(lab, node));
      const during = await tracesOf(node);
      for (const [name, text] of Object.entries(before)) {
        if (name !== "ruleset") assert(during[name] !== text, `${name}: nothing to leave behind`);
      }
      assertEquals(await node.stop(), 0);
      assertEquals(await tracesOf(node), before, "after an ordinary end");
      await t.step("the replication's port in use", () => checkPort(node));
    });
  },
});

async function checkCase(node: LabNode, each: BadCase): Promise<void> {
  const sound = await Deno.readTextFile(node.configFile);
  try {
    await Deno.writeTextFile(node.configFile, changed(sound, each.config ?? []));
    for (const command of each.spoil ?? []) await shell(node, command);
    await checkRefusal(node, each);
  } finally {
    await Deno.writeTextFile(node.configFile, sound);
    for (const command of each.mend ?? []) await shell(node, command);
  }
}

async function checkSecond(lab: Lab, node: LabNode): Promise<void> {
  const { datapath } = await node.status();
  await checkRefusal(node, {
    name: "second",
    code: 1,
    says: ["control socket DIR/control.sock: another daemon is running; stop it, or change"],
  });
  await statusWhere(
    lab,
    "fw1",
    "the first goes on",
    (status) => status.datapath.backend === datapath.backend,
  );
}

async function checkPort(node: LabNode): Promise<void> {
  const listen = 'Deno.listen({hostname:"198.51.100.11",port:9478});console.log("on");' +
    "setTimeout(()=>{},1e6)";
  const holder = new Deno.Command("ip", {
    args: ["netns", "exec", node.namespace, Deno.execPath(), "eval", listen],
    stdin: "null",
    stdout: "piped",
  }).spawn();
  try {
    await holder.stdout.getReader().read();
    await checkRefusal(node, {
      name: "port",
      code: 1,
      says: [
        "listen for replication on 198.51.100.11:9478: the port is in use; ",
        "[replication] port",
      ],
    });
  } finally {
    holder.kill("SIGKILL");
    await holder.status;
  }
}

/** Runs `avail run` to its early end: what it says, how it ends, and what it leaves. */
async function checkRefusal(node: LabNode, each: BadCase): Promise<void> {
  const before = await tracesOf(node);
  const { code, stderr } = await run(node, each.wrapper ?? "exec");
  const lines = stderr.trimEnd().split("\n");
  // What the daemon logs of its own beginning is JSON where nobody watches.
  const told = lines.filter((line) => !line.startsWith("{"));
  assertEquals(told.length, each.lines ?? 1, stderr);
  for (const line of told) assertMatch(line, /^avail: (?!unexpected)/);
  let at = 0;
  for (const words of each.says.map((text) => inDirectory(node, text))) {
    const found = told.join("\n").indexOf(words, at);
    assert(found >= 0, `"${words}" is missing in: ${stderr}`);
    at = found + words.length;
  }
  assertEquals(code, each.code, stderr);
  for (const [name, text] of Object.entries(await tracesOf(node))) {
    assertEquals(text, before[name], name);
  }
}

async function run(node: LabNode, wrapper: string): Promise<{ code: number; stderr: string }> {
  const argv = [...selfCommand(), "run", "--config", node.configFile];
  const child = new Deno.Command("ip", {
    args: ["netns", "exec", node.namespace, "sh", "-c"]
      .concat(`${inDirectory(node, wrapper)} "$@"`, "sh", ...argv),
    stdin: "null",
    stdout: "null",
    stderr: "piped",
    env: { NO_COLOR: "1" },
  }).spawn();
  // One that is not refused serves; it then has to clean up after itself, for the cases to follow.
  const timer = setTimeout(() => child.kill("SIGTERM"), patienceMs);
  const { code, stderr } = await child.output();
  clearTimeout(timer);
  return { code, stderr: new TextDecoder().decode(stderr) };
}

/** Shell words that lay one file or directory over another, in this process's own mounts. */
function hide(path: string, by: string): string {
  return `mount --bind ${by} ${path} && exec`;
}

async function shell(node: LabNode, command: string): Promise<void> {
  await node.exec(["sh", "-c", inDirectory(node, command)]);
}

function inDirectory(node: LabNode, text: string): string {
  return text.replaceAll("DIR", node.directory);
}

function changed(text: string, changes: readonly Change[]): string {
  return changes.reduce((before, [from, to]) => {
    const after = before.replace(from, to);
    assert(after !== before, `${from} is not in the configuration`);
    return after;
  }, text);
}
