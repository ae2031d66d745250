/**
 * The datapath on real traffic: three nodes between a client and servers (steering_lab.ts). The same
 * stories for every backend.
 */
import { assert, assertEquals, assertGreater, assertMatch, assertRejects } from "../assert.ts";
import { isFrom, namedInFrames, watchBoth } from "./steering_frames.ts";
import { must, NodeProcess, range, run, sides, testBackend, until } from "./steering_lab.ts";
import { differences, identities, snapshot } from "./steering_snapshot.ts";
import {
  aDayMs,
  expectedModes,
  netnsTest,
  nodes,
  pingFromAll,
  startThirds,
  tcpToAll,
  thirds,
  variants,
} from "./steering_traffic.ts";

for (const variant of variants) {
  netnsTest(`${variant}: each packet is handled by exactly one of three nodes`, async (lab) => {
    await startThirds(lab, variant);
    for (const node of nodes) {
      assertEquals(lab.processes.get(node)!.hello.modes, expectedModes(variant));
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

  netnsTest(`${variant}: buckets change hands between two packets`, async (lab) => {
    await startThirds(lab, variant);
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

  netnsTest(`${variant}: without a lease a node is deaf and mute`, async (lab) => {
    await startThirds(lab, variant);
    assertEquals(await pingFromAll(lab, 4, "10.2.0.200"), { received: 90, duplicates: 0 });
    for (const node of nodes) await lab.processes.get(node)!.lease(-1);
    for (const which of ["c", "s"]) {
      await must("ip", "-n", lab.name(which), "neigh", "flush", "all");
    }

    const captures = await watchBoth(lab);
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

  netnsTest(`${variant}: neighbours are told the cluster MAC only`, async (lab) => {
    await startThirds(lab, variant);
    const captures = await watchBoth(lab);
    await pingFromAll(lab, 4, "10.1.0.100");
    await pingFromAll(lab, 6, "fd01::100");
    assertEquals(await pingFromAll(lab, 6, "fd02::200"), { received: 90, duplicates: 0 });
    for (const node of nodes) {
      const inside = (command: string) => lab.inside(`n${node}`, ...command.split(" "));
      await inside("ip neigh flush all");
      await inside("ping -c1 -W1 -I 10.1.0.100 10.1.0.11");
      await inside("ping -c1 -W1 -I fd01::100 fd01::11");
      // Announcements of what has come up: by the interface, and by the device on top of it.
      const upper = variant === "clusterdev" ? ["cluster0"] : [];
      for (const device of ["in", ...upper]) {
        await lab.set(`n${node}`, `ipv4/conf/${device}/arp_notify`, 1);
        await lab.set(`n${node}`, `ipv6/conf/${device}/ndisc_notify`, 1);
        await inside(`ip link set ${device} down`);
        await inside(`ip link set ${device} up`);
      }
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
        // What the node asks itself goes past a device of the module, in the node's own name.
        ...(variant === "clusterdev" ? [] : ["ndp 135: shared by cluster MAC"]),
        "ndp 136: shared by cluster MAC",
      ]
    ) assert(kinds.has(expected), `${expected} is not among ${[...kinds].join(", ")}`);
    for (const kind of kinds) assert(!/other MAC|source|checksum/.test(kind), kind);
  });
}

netnsTest("a restarted daemon adopts the datapath without a gap", async (lab) => {
  await startThirds(lab);
  const before = await identities(lab, 1);
  const ping = lab.inside("c", "ping", "-c600", "-i0.01", "-W2", "-I", "10.1.0.11", "10.2.0.200");
  for (const node of nodes) {
    const old = lab.processes.get(node)!;
    if (node === 1) await old.kill();
    else await old.end("keep");
    const { hello } = await lab.start(node);
    assertEquals(
      hello.adopted?.responsibility,
      await lab.processes.get(node)!.order({ do: "current" }),
    );
    assertEquals(hello.adopted!.epoch, 1);
    assertGreater(hello.adopted!.leaseUntil, aDayMs / 2);
    assertEquals(hello.adopted!.responsibility.length, 64);
  }
  const { out } = await ping;
  assertMatch(out, /600 packets transmitted, 600 received/);
  assertEquals(await identities(lab, 1), before);
});

netnsTest("another configuration adopts nothing", async (lab) => {
  await startThirds(lab);
  await lab.processes.get(1)!.end("keep");
  const changed = await lab.start(1, { seed: [1, 2] });
  assertEquals(changed.hello.adopted, null);
  await changed.own(thirds[1]);
  await changed.lease(aDayMs);

  // A share less: its programs or devices go, and its addresses.
  await lab.processes.get(1)!.end("keep");
  const shares = lab.options(1).shares.slice(0, 1);
  const fewer = await lab.start(1, { shares });
  assertEquals(fewer.hello.adopted, null);
  const addresses = await must("ip", "-n", lab.name("n1"), "address");
  assert(addresses.includes("10.1.0.100") && !addresses.includes("10.2.0.100"), addresses);
  assertEquals((await identities(lab, 1)).length, testBackend === "xdp" ? 3 : 1);
});

for (const end of ["detach", "kill"] as const) {
  netnsTest(`after ${end} everything is as it was before`, async (lab) => {
    const before = await snapshot(lab, 1);
    const process = await lab.start(1);
    const between = await snapshot(lab, 1);
    const ofBackend = testBackend === "xdp" ? ["programs", "pins"] : ["links"];
    for (const name of ["addresses", "groups", "files", "settings", ...ofBackend]) {
      assert(between[name] !== before[name], `${name} are the same while attached`);
    }
    if (end === "detach") {
      await process.end("detach");
    } else {
      await process.kill();
      const removal = new URL("../../lib/host/attach_datapath.ts", import.meta.url);
      const code = `(await import("${removal}")).removeDatapath(${JSON.stringify(lab.runDir(1))})`;
      const { code: status, out } = await lab.inside("n1", Deno.execPath(), "eval", code);
      assertEquals(status, 0, out);
    }
    lab.processes.delete(1);
    assertEquals(differences(before, await snapshot(lab, 1)), []);
  });
}

netnsTest("a node without own addresses reaches the shares' networks", async (lab) => {
  for (const side of sides) {
    await must("ip", "-n", lab.name("n1"), "address", "flush", "dev", side, "scope", "global");
  }
  const before = await snapshot(lab, 1);
  const process = await lab.start(1);
  await process.own(range(0, 256));
  await process.lease(aDayMs);
  const captures = await watchBoth(lab);
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

  // A failure half way, after the programs or devices are there: the kernel refuses the address.
  await attempt(/^AvailError: .*ff05::1234/, {
    shares: [
      { ...share, addresses: [{ family: 6, address: "ff05::1234", prefixLength: 64 }] },
      other,
    ],
  });
  assertEquals(differences(before, await snapshot(lab, 1)), []);

  const disable = "ipv6/conf/in/disable_ipv6";
  await lab.set("n1", disable, 1);
  const withoutIpv6 = await snapshot(lab, 1);
  await attempt(/^AvailError: add fd01::100 to in: .*IPv6 is off there; turn it on: sysctl/, {});
  assertEquals(differences(withoutIpv6, await snapshot(lab, 1)), []);

  await must("ip", "-n", lab.name("n1"), "link", "set", "out", "down");
  await attempt(/^AvailError: use out as a share: it is down; set it up: ip link set out up$/, {});
});

netnsTest("VLAN, bridge and bond devices can be shares", async (lab) => {
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
    // Their own traffic is only seen at tc ingress.
    const modes = testBackend === "xdp" ? ["tc", "native"] : ["cluster0", "cluster1"];
    assertEquals(process.hello.modes, [["v", modes[0]], ["out", modes[1]]], kind);
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
