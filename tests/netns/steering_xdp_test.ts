/** The xdp datapath on real traffic: three nodes between a client and servers (steering_lab.ts). */
import { assert, assertEquals, assertGreater, assertMatch, assertRejects } from "../assert.ts";
import { Capture } from "./pcap.ts";
import {
  clusterMac,
  must,
  NodeProcess,
  range,
  run,
  type Side,
  sides,
  SteeringLab,
  until,
} from "./steering_lab.ts";

const isRoot = Deno.uid() === 0;
const thirds = { 1: range(0, 85), 2: range(85, 170), 3: range(170, 256) } as const;
const nodes = [1, 2, 3] as const;
const aDayMs = 86_400_000;

function netnsTest(name: string, body: (lab: SteeringLab) => Promise<void>): void {
  Deno.test({
    name: isRoot ? name : `${name} (skipped: needs root for network namespaces)`,
    ignore: !isRoot,
    fn: async () => {
      await using lab = await SteeringLab.build();
      await body(lab);
    },
  });
}

/** Starts the three nodes, a third of the buckets each. */
async function startThirds(lab: SteeringLab, mode: "auto" | "tc" = "auto"): Promise<void> {
  await Promise.all(nodes.map(async (node) => {
    const process = await lab.start(node, { mode });
    await process.own(thirds[node]);
    await process.lease(aDayMs);
  }));
}

interface Pinged {
  readonly received: number;
  readonly duplicates: number;
}

/** Three echo requests from each of the client's addresses. */
async function pingFromAll(lab: SteeringLab, family: 4 | 6, to: string): Promise<Pinged> {
  const results = await Promise.all(
    range(11, 41).map((host) => {
      const from = family === 4 ? `10.1.0.${host}` : `fd01::${host}`;
      return lab.inside("c", "ping", "-c3", "-i0.1", "-W2", "-I", from, to);
    }),
  );
  const count = (pattern: RegExp) =>
    results.reduce((sum, { out }) => sum + (out.match(pattern)?.length ?? 0), 0);
  return { received: count(/bytes from.*ms$/gm), duplicates: count(/DUP!/g) };
}

/** How many of 30 servers sent 50 kB back whole. */
async function tcpToAll(lab: SteeringLab, family: 4 | 6): Promise<number> {
  const program = new URL("./tcp_process.ts", import.meta.url).pathname;
  const deno = (
    which: string,
  ) => ["netns", "exec", lab.name(which), Deno.execPath(), "run", "-qA", "--no-check", program];
  const server = new Deno.Command("ip", {
    args: [...deno("s"), "listen", "7000"],
    stdout: "piped",
  }).spawn();
  const reader = server.stdout.getReader();
  try {
    await reader.read(); // "listening"
    const hosts = range(200, 230).map((n) => family === 4 ? `10.2.0.${n}` : `fd02::${n}`);
    const out = await must("ip", ...deno("c"), "connect", "7000", "50000", ...hosts);
    return Number(out);
  } finally {
    server.kill("SIGKILL");
    await reader.cancel();
    await server.status;
  }
}

for (const mode of ["auto", "tc"] as const) {
  netnsTest(`${mode}: each packet is handled by exactly one of three nodes`, async (lab) => {
    await startThirds(lab, mode);
    for (const node of nodes) {
      const expected = mode === "auto" ? "native" : "tc";
      assertEquals(lab.processes.get(node)!.hello.modes, [["in", expected], ["out", expected]]);
    }
    for (
      const [family, shared, server] of [
        [4, "10.1.0.100", "10.2.0.200"],
        [6, "fd01::100", "fd02::200"],
      ] as const
    ) {
      assertEquals(await pingFromAll(lab, family, shared), { received: 90, duplicates: 0 });
      assertEquals(await pingFromAll(lab, family, server), { received: 90, duplicates: 0 });
      assertEquals(await tcpToAll(lab, family), 30);
    }
    for (
      const [which, address] of [
        ["c", "10.1.0.100"],
        ["c", "fd01::100"],
        ["s", "10.2.0.100"],
        ["s", "fd02::100"],
      ]
    ) {
      const neighbours = await must("ip", "-n", lab.name(which), "neigh", "show", "to", address);
      assertMatch(neighbours, which === "c" ? /01:00:5e:01:01:01/ : /01:00:5e:02:02:02/);
    }
    for (const node of nodes) {
      const { accepted, dropped } = await lab.processes.get(node)!.counters();
      assertGreater(accepted, 100);
      assertGreater(dropped.notOwned, 100);
      assertEquals([dropped.leaseExpired, dropped.malformed], [0, 0]);
    }
    // The control: where all own everything, everything is answered three times.
    for (const node of nodes) await lab.processes.get(node)!.own(range(0, 256));
    const { duplicates } = await pingFromAll(lab, 4, "10.1.0.100");
    assertGreater(duplicates, 100);
  });

  netnsTest(`${mode}: buckets change hands between two packets`, async (lab) => {
    await startThirds(lab, mode);
    const ping = lab.inside("c", "ping", "-c200", "-i0.01", "-W2", "10.2.0.200");
    for (let turn = 1; turn <= 6; turn++) {
      await new Promise((resolve) => setTimeout(resolve, 200));
      // Break before make, as a planned move does.
      for (const node of nodes) await lab.processes.get(node)!.own([]);
      for (const node of nodes) {
        await lab.processes.get(node)!.own(thirds[(node + turn) % 3 + 1 as 1 | 2 | 3]);
      }
    }
    const { out } = await ping;
    const received = Number(/(\d+) received/.exec(out)![1]);
    assert(!out.includes("DUP"), out);
    assertGreater(received, 170); // a few fall into the gaps between the breaks and the makes
  });

  netnsTest(`${mode}: without a lease a node is deaf and mute`, async (lab) => {
    await startThirds(lab, mode);
    assertEquals(await pingFromAll(lab, 4, "10.2.0.200"), { received: 90, duplicates: 0 });
    for (const node of nodes) await lab.processes.get(node)!.lease(-1);
    for (const which of ["c", "s"]) {
      await must("ip", "-n", lab.name(which), "neigh", "flush", "all");
    }

    const captures = await captureBoth(lab);
    assertEquals(await pingFromAll(lab, 4, "10.1.0.100"), { received: 0, duplicates: 0 });
    // With the neighbour known, so that the fault is the lease's and not ARP's.
    await must(
      ...["ip", "-n", lab.name("c"), "neigh", "replace", "10.1.0.100", "dev", "in"],
      ...["lladdr", "01:00:5e:01:01:01"],
    );
    assertEquals(await pingFromAll(lab, 4, "10.1.0.100"), { received: 0, duplicates: 0 });
    assertEquals(await pingFromAll(lab, 4, "10.2.0.200"), { received: 0, duplicates: 0 });
    for (const node of nodes) {
      const shared = await lab.inside(
        `n${node}`,
        ..."ping -c1 -W1 -I 10.1.0.100 10.1.0.11".split(" "),
      );
      assertEquals(shared.code, 1);
      const own = await lab.inside(`n${node}`, ..."ping -c1 -W2 10.1.0.11".split(" "));
      assertEquals(own.code, 0, own.out);
      assertGreater((await lab.processes.get(node)!.counters()).dropped.leaseExpired, 0);
    }
    // What was received by another way is not forwarded either: straight to the node's own MAC.
    const way = ["route", "replace", "10.2.0.0/24", "via", "10.1.0.1"];
    await must("ip", "-n", lab.name("c"), ...way);
    assertEquals((await lab.inside("c", ..."ping -c2 -W1 10.2.0.200".split(" "))).code, 1);
    for (const side of sides) {
      const frames = await captures[side].stop();
      assertGreater(frames.length, 0);
      for (const told of namedInFrames(frames, side)) assert(!told.includes("shared"), told);
      assertEquals(frames.filter((frame) => isFrom(frame, [10, side === "in" ? 2 : 1, 0])), []);
    }
    // The control: the same way works with a lease.
    for (const node of nodes) await lab.processes.get(node)!.lease(aDayMs);
    const { code, out } = await lab.inside("c", ..."ping -c2 -W2 10.2.0.200".split(" "));
    assertEquals(code, 0, out);
  });

  netnsTest(`${mode}: neighbours are told the cluster MAC only`, async (lab) => {
    await startThirds(lab, mode);
    const captures = await captureBoth(lab);
    await pingFromAll(lab, 4, "10.1.0.100");
    await pingFromAll(lab, 6, "fd01::100");
    assertEquals(await pingFromAll(lab, 6, "fd02::200"), { received: 90, duplicates: 0 });
    for (const node of nodes) {
      const inside = (command: string) => lab.inside(`n${node}`, ...command.split(" "));
      await inside("ip neigh flush all");
      await inside("ping -c1 -W1 -I 10.1.0.100 10.1.0.11");
      await inside("ping -c1 -W1 -I fd01::100 fd01::11");
      await inside("sysctl -qw net.ipv4.conf.in.arp_notify=1 net.ipv6.conf.in.ndisc_notify=1");
      await inside("ip link set in down");
      await inside("ip link set in up");
    }
    await until(
      "all nodes answer again",
      async () => (await pingFromAll(lab, 6, "fd01::100")).received === 90,
    );
    const told = sides.map(async (side) => namedInFrames(await captures[side].stop(), side));
    const all = (await Promise.all(told)).flat();
    const kinds = new Set(all);
    for (
      const expected of [
        "arp reply: shared by cluster MAC",
        "ndp 135: shared by cluster MAC",
        "ndp 136: shared by cluster MAC",
      ]
    ) assert(kinds.has(expected), `${expected} is not among ${[...kinds].join(", ")}`);
    for (const kind of kinds) assert(!/other MAC|source|checksum/.test(kind), kind);
  });
}

async function captureBoth(lab: SteeringLab): Promise<Record<Side, Capture>> {
  const start = (side: Side) =>
    Capture.start(lab.name("sw"), side, `${lab.directory}/${side}.pcap`);
  return { in: await start("in"), out: await start("out") };
}

function isFrom(frame: Uint8Array, network: readonly number[]): boolean {
  return frame[12] === 0x08 && frame[13] === 0 &&
    network.every((byte, i) => frame[26 + i] === byte);
}

/** What a side's frames tell about the shared addresses: who is named, and by which MAC. */
function namedInFrames(frames: readonly Uint8Array[], side: Side): string[] {
  const n = side === "in" ? 1 : 2;
  const isShared = (bytes: Uint8Array) =>
    bytes.toHex() === (bytes.length === 4 ? `0a0${n}0064` : `fd0${n}${"0".repeat(24)}0100`);
  const by = (mac: Uint8Array) =>
    mac.toHex() === clusterMac[side] ? "shared by cluster MAC" : "shared by other MAC";
  return frames.flatMap((frame) => {
    const told: string[] = [];
    if (frame.subarray(6, 12).toHex() === clusterMac[side]) told.push("cluster MAC as source");
    const type = frame.subarray(12, 14).toHex(), l3 = frame.subarray(14);
    if (type === "0806" && isShared(l3.subarray(14, 18))) {
      told.push(`arp ${l3[7] === 1 ? "request" : "reply"}: ${by(l3.subarray(8, 14))}`);
    }
    if (type === "86dd" && l3[6] === 58 && l3[40] >= 133 && l3[40] <= 136) {
      const packet = l3.subarray(0, 40 + (l3[4] << 8 | l3[5]));
      const who = l3[40] === 136 ? packet.subarray(48, 64) : packet.subarray(8, 24);
      const option = packet.subarray(40 + ({ 133: 8, 134: 16 }[packet[40]] ?? 24));
      if (isShared(who)) {
        if (!isChecksumRight(packet)) told.push(`ndp ${packet[40]}: checksum`);
        if (option.length >= 8) told.push(`ndp ${packet[40]}: ${by(option.subarray(2, 8))}`);
      }
    } else if (
      type === "86dd"
        ? isShared(l3.subarray(8, 24))
        : type === "0800" && isShared(l3.subarray(12, 16))
    ) {
      told.push("shared as IP sender");
    }
    return told;
  });
}

/** ICMPv6: over the pseudo header of RFC 8200, 8.1. */
function isChecksumRight(packet: Uint8Array): boolean {
  const message = packet.subarray(40);
  const summed = new Uint8Array(40 + message.length + (message.length & 1));
  summed.set(packet.subarray(8, 40));
  new DataView(summed.buffer).setUint32(32, message.length);
  summed[39] = 58;
  summed.set(message, 40);
  let sum = 0;
  for (let i = 0; i < summed.length; i += 2) sum += summed[i] << 8 | summed[i + 1];
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return sum === 0xffff;
}

netnsTest("a restarted daemon adopts the datapath without a gap", async (lab) => {
  await startThirds(lab);
  const before = await linkIds(lab, 1);
  const ping = lab.inside("c", "ping", "-c600", "-i0.01", "-W2", "-I", "10.1.0.11", "10.2.0.200");
  for (const node of nodes) {
    const old = lab.processes.get(node)!;
    if (node === 1) await old.kill();
    else await old.end("keep");
    const { hello } = await lab.start(node);
    assertEquals(hello.adopted?.buckets, await lab.processes.get(node)!.order({ do: "current" }));
    assertGreater(hello.adopted!.leaseUntil, aDayMs / 2);
    assertEquals(hello.adopted!.buckets.length, 64);
  }
  const { out } = await ping;
  assertMatch(out, /600 packets transmitted, 600 received/);
  assertEquals(await linkIds(lab, 1), before);
});

netnsTest("another configuration replaces the programs, and adopts nothing", async (lab) => {
  await startThirds(lab);
  const before = await linkIds(lab, 1);
  await lab.processes.get(1)!.end("keep");
  const changed = await lab.start(1, { seed: [1, 2] });
  assertEquals(changed.hello.adopted, null);
  assertEquals(await linkIds(lab, 1), before); // updated in place

  // From native XDP to tc and back, on the same datapath.
  await changed.own(thirds[1]);
  await changed.lease(aDayMs);
  for (const mode of ["tc", "auto"] as const) {
    await lab.processes.get(1)!.end("keep");
    await lab.start(1, { seed: [1, 2], mode });
    const expected = mode === "tc" ? "tc" : "native";
    assertEquals(lab.processes.get(1)!.hello.modes, [["in", expected], ["out", expected]]);
  }

  // A share less: its programs and addresses go, and with the set of shares the responsibility.
  await lab.processes.get(1)!.end("keep");
  const shares = lab.options(1).shares.slice(0, 1);
  const fewer = await lab.start(1, { shares });
  assertEquals(fewer.hello.adopted, null);
  const addresses = await must("ip", "-n", lab.name("n1"), "address");
  assert(addresses.includes("10.1.0.100") && !addresses.includes("10.2.0.100"), addresses);
  assertEquals((await linkIds(lab, 1)).length, 3);
});

/** The identity of each pinned link. */
async function linkIds(lab: SteeringLab, node: number): Promise<string[]> {
  const links = JSON.parse(await must("bpftool", "-j", "-f", "link", "show"));
  const of = `${lab.runDir(node)}/bpf/`;
  return (links as { id: number; pinned?: string[] }[])
    .flatMap(({ id, pinned }) => (pinned ?? []).map((path) => `${path} ${id}`))
    .filter((line) => line.startsWith(of)).sort();
}

/** Everything of a node's namespace that the datapath may have changed. */
async function snapshot(lab: SteeringLab, node: number): Promise<Record<string, string>> {
  const namespace = lab.name(`n${node}`);
  const ip = (...words: string[]) => must("ip", "-n", namespace, ...words);
  const settings = await must(
    ...[
      "ip",
      "netns",
      "exec",
      namespace,
      "sysctl",
      "-a",
      "--pattern",
      "^net[.](ipv4|ipv6|netfilter)",
    ],
  );
  return {
    addresses: (await ip("address")).replace(/valid_lft \d+sec/g, "valid_lft"),
    routes: await ip("route", "show", "table", "all"),
    routes6: (await ip("-6", "route", "show", "table", "all")).replace(/ expires \d+sec/g, ""),
    groups: await ip("maddress"),
    links: await ip("link"),
    programs: (await must("ip", "netns", "exec", namespace, "bpftool", "net")).replace(/\d+/g, ""),
    pins: Array.from(Deno.readDirSync(`${lab.runDir(node)}/bpf`), (e) => e.name).join(),
    files: Array.from(Deno.readDirSync(lab.runDir(node)), (e) => e.name).sort().join(),
    settings: settings.split("\n").filter((line) => !/conntrack_count|\.stable_secret/.test(line))
      .join("\n"),
  };
}

/** The lines that only one of two snapshots has. */
function differences(before: Record<string, string>, after: Record<string, string>): string[] {
  return Object.keys(before).flatMap((name) => {
    const [old, now] = [before, after].map((snapshot) => new Set(snapshot[name].split("\n")));
    return [
      ...[...old.difference(now)].map((line) => `${name}: - ${line}`),
      ...[...now.difference(old)].map((line) => `${name}: + ${line}`),
    ];
  });
}

for (const end of ["detach", "kill"] as const) {
  netnsTest(`after ${end} everything is as it was before`, async (lab) => {
    const before = await snapshot(lab, 1);
    const process = await lab.start(1);
    const between = await snapshot(lab, 1);
    for (const name of ["addresses", "groups", "programs", "pins", "files", "settings"]) {
      assert(between[name] !== before[name], `${name} are the same while attached`);
    }
    if (end === "detach") {
      await process.end("detach");
    } else {
      await process.kill();
      const removal = new URL("../../lib/host/steering_xdp.ts", import.meta.url);
      const code = `(await import("${removal}")).removeXdp(${JSON.stringify(lab.runDir(1))})`;
      const { code: status, out } = await lab.inside("n1", Deno.execPath(), "eval", code);
      assertEquals(status, 0, out);
    }
    lab.processes.delete(1);
    assertEquals(differences(before, await snapshot(lab, 1)), []);
  });
}

netnsTest("pins lie in the system's bpf file system, or in one of their own", async (lab) => {
  const options = { ...lab.options(1), runDir: `${lab.directory}/own.dir` };
  const withSystemFs = ["sh", "-c", 'mount -t bpf bpf /sys/fs/bpf && exec "$@"', "sh"];
  for (const wrapper of [[], withSystemFs]) {
    const process = await NodeProcess.start(lab.name("n1"), options, wrapper);
    const expected = wrapper.length > 0
      ? `/sys/fs/bpf/avail${lab.directory.replaceAll("/", "_")}_own:dir`
      : `${options.runDir}/bpf`;
    assertEquals(await process.order({ do: "pins" }), expected);
    await process.order({ do: "detach" });
    assertEquals(await process.order({ do: "pins" }), null);
    await process.kill();
    assertEquals([...Deno.readDirSync(options.runDir)], []);
  }
});

netnsTest("a node without own addresses reaches the shares' networks", async (lab) => {
  for (const side of sides) {
    await must("ip", "-n", lab.name("n1"), "address", "flush", "dev", side, "scope", "global");
  }
  const before = await snapshot(lab, 1);
  const process = await lab.start(1);
  await process.own(range(0, 256));
  await process.lease(aDayMs);
  const captures = await captureBoth(lab);
  assertEquals(await pingFromAll(lab, 4, "10.2.0.200"), { received: 90, duplicates: 0 });
  assertEquals(await pingFromAll(lab, 6, "fd02::200"), { received: 90, duplicates: 0 });
  // Its own questions carry the shared address then, and with it the cluster MAC.
  await captures.in.stop();
  const told = namedInFrames(await captures.out.stop(), "out");
  assert(told.includes("arp request: shared by cluster MAC"), told.join());
  assert(!told.some((each) => each.includes("other MAC")), told.join());
  await process.end("detach");
  lab.processes.delete(1);
  assertEquals(differences(before, await snapshot(lab, 1)), []);
});

netnsTest("what cannot be is told in one message, and leaves nothing behind", async (lab) => {
  const before = await snapshot(lab, 1);
  const options = lab.options(1);
  const attempt = async (says: RegExp, change: Parameters<typeof lab.options>[1]) => {
    const error = await assertRejects(() =>
      NodeProcess.start(lab.name("n1"), lab.options(1, change))
    );
    assertMatch(error.message, says);
  };
  const [share, other] = options.shares;
  await attempt(/^AvailError: use eth9 as a share: no such interface; there are lo, in, out$/, {
    shares: [{ ...share, interface: "eth9" }],
  });
  await attempt(/^AvailError: use lo as a share: .*/, { shares: [{ ...share, interface: "lo" }] });
  await attempt(
    /^AvailError: add 10.2.0.1 to in: out has it already; remove it there: ip address/,
    {
      shares: [
        { ...share, addresses: [{ family: 4, address: "10.2.0.1", prefixLength: 24 }] },
        other,
      ],
    },
  );
  assertEquals(differences(before, await snapshot(lab, 1)), []);

  // A failure half way, after the programs are attached: the kernel refuses the address.
  await attempt(/^AvailError: .*ff05::1234/, {
    shares: [
      { ...share, addresses: [{ family: 6, address: "ff05::1234", prefixLength: 64 }] },
      other,
    ],
  });
  assertEquals(differences(before, await snapshot(lab, 1)), []);

  const disable = "net.ipv6.conf.in.disable_ipv6";
  await lab.inside("n1", "sysctl", "-qw", `${disable}=1`);
  const withoutIpv6 = await snapshot(lab, 1);
  await attempt(/^AvailError: add fd01::100 to in: .*IPv6 is off there; turn it on: sysctl/, {});
  assertEquals(differences(withoutIpv6, await snapshot(lab, 1)), []);

  await must("ip", "-n", lab.name("n1"), "link", "set", "out", "down");
  await attempt(/^AvailError: use out as a share: it is down; set it up: ip link set out up$/, {});
});

netnsTest("VLAN, bridge and bond devices are steered at tc ingress", async (lab) => {
  // Each stands in for the node's interface `in`, in a namespace of its own with one node.
  const node = lab.name("n1"), sw = lab.name("sw");
  const makers: Record<string, string[][]> = {
    vlan: [
      ["-n", node, "link", "add", "link", "in", "name", "v", "type", "vlan", "id", "7"],
      ["-n", sw, "link", "add", "link", "n1in", "name", "v", "type", "vlan", "id", "7"],
      ["-n", sw, "link", "set", "n1in", "nomaster"],
      ["-n", sw, "link", "set", "v", "master", "in", "up"],
    ],
    bridge: [
      ["-n", node, "link", "add", "v", "type", "bridge"],
      ["-n", node, "link", "set", "in", "master", "v"],
    ],
    bond: [
      ["-n", node, "link", "add", "v", "type", "bond"],
      ["-n", node, "link", "set", "in", "down"],
      ["-n", node, "link", "set", "in", "master", "v"],
      ["-n", node, "link", "set", "in", "up"],
    ],
  };
  await must("ip", "-n", node, "address", "flush", "dev", "in", "scope", "global");
  for (const [kind, commands] of Object.entries(makers)) {
    let refused = "";
    for (const command of commands) refused ||= (await run("ip", ...command)).out;
    if (refused !== "") {
      console.log(`      ${kind}: left out, this kernel has none: ${refused.trim()}`);
      continue;
    }
    await must("ip", "-n", node, "link", "set", "v", "up");
    await must("ip", "-n", node, "address", "add", "10.1.0.1/24", "dev", "v");
    await must("ip", "-n", lab.name("c"), "neigh", "flush", "all");
    const shares = lab.options(1).shares.map((share) =>
      share.interface === "in" ? { ...share, interface: "v" } : share
    );
    const process = await lab.start(1, { shares });
    assertEquals(process.hello.modes, [["v", "tc"], ["out", "native"]], kind);
    await process.own(range(0, 256));
    await process.lease(aDayMs);
    await until(
      `${kind}: forwarding works`,
      async () => (await lab.inside("c", ..."ping -c1 -W1 10.2.0.200".split(" "))).code === 0,
    );
    assertEquals(await pingFromAll(lab, 4, "10.2.0.200"), { received: 90, duplicates: 0 }, kind);
    await process.own([]);
    assertEquals(await pingFromAll(lab, 4, "10.2.0.200"), { received: 0, duplicates: 0 }, kind);
    await process.end("detach");
    lab.processes.delete(1);
    await must("ip", "-n", node, "link", "del", "v");
    await run("ip", "-n", sw, "link", "del", "v");
    await must("ip", "-n", sw, "link", "set", "n1in", "master", "in");
  }
});
