/**
 * The main job on the real kernel: three `avail run` act as one router. Each story has the number that
 * must hold and, beside it, the same story with what makes it hold switched off.
 */
import { assert, assertEquals, assertMatch } from "../assert.ts";
import type { Lab } from "../../cli/demo/lab.ts";
import { pingPairs } from "../../cli/demo/traffic.ts";
import { everybody, inLab, ownedBy, pause, settled, started, statusWhere } from "./cluster.ts";

Deno.test("power loss, return, hang and drain: no connection is lost, no ping answered twice", async () => {
  await inLab({}, async (lab) => {
    await started(lab);
    const traffic = await lab.startTraffic({ connections: 60 });
    await traffic.mark("power loss");
    await lab.node("fw2").powerOff();
    await settled(lab, ["fw1", "fw3"]);
    const loss = await traffic.mark("return");
    await lab.node("fw2").powerOn();
    await lab.node("fw2").start();
    await settled(lab);
    await traffic.mark("hang");
    lab.node("fw3").pause();
    await settled(lab, ["fw1", "fw2"]);
    lab.node("fw3").resume();
    await settled(lab);
    await traffic.mark("drain");
    await lab.node("fw1").drain();
    await settled(lab, ["fw2", "fw3"]);
    await lab.node("fw1").undrain();
    await settled(lab);
    const { started: opened, alive, duplicates, lost } = await traffic.finish();
    assertEquals([opened, alive, duplicates], [60, 60, 0], JSON.stringify(lost));
    // A bound for a noisy machine; bench/failover.ts measures.
    assert(loss.ping.longestMs < 2000, `pings were silent for ${loss.ping.longestMs} ms`);
  });
});

Deno.test("without replication the connections of a dead node die", async () => {
  await inLab({ replication: false }, async (lab) => {
    await started(lab);
    const traffic = await lab.startTraffic({ connections: 40, lastEchoTimeoutMs: 5000 });
    await lab.node("fw2").powerOff();
    await settled(lab, ["fw1", "fw3"], false);
    const { started: opened, alive } = await traffic.finish();
    assert(alive < opened, `${alive} of ${opened} survived`);
  });
});

Deno.test("a node whose heartbeats do not get out stops answering before others answer for it", async () => {
  await inLab({}, async (lab) => {
    await started(lab);
    const traffic = await lab.startTraffic({ connections: 30 });
    // Dropped behind the node, at its ports of the switch: its data path works on.
    await muteHeartbeats(lab, "fw2");
    await statusWhere(lab, "fw1", "fw2 owns nothing", (status) => ownedBy(status, "fw2") === 0);
    await statusWhere(lab, "fw2", "it has no lease", (status) => status.datapath.leaseMs === 0);
    await pause(1000);
    await lab.exec("switch", ["nft", "flush", "ruleset"]);
    await settled(lab);
    const { alive, duplicates, duplicated } = await traffic.finish();
    assertEquals([alive, duplicates], [30, 0], JSON.stringify(duplicated));
  });
});

Deno.test("with a lease that never ends, pings are answered twice", async () => {
  await inLab({}, async (lab) => {
    await started(lab);
    const { owners } = await lab.node("fw1").status();
    const pings = [];
    for (const pair of pingPairs(40).slice(2)) {
      const { bucket } = await lab.node("fw1").who(pair.source, pair.target);
      if (owners[bucket] === "fw2") pings.push(pair);
    }
    assert(pings.length > 0);
    const traffic = await lab.startTraffic({ connections: 10, pings });
    lab.node("fw2").pause();
    // The lease is the first word of the map's value (kmod/state.h): the year 2262.
    const map = await pinnedStateMap(lab, "fw2");
    const { owned } = map;
    await lab.exec("fw2", [
      "bpftool",
      "map",
      "update",
      "pinned",
      map.path,
      "key",
      "0",
      "0",
      "0",
      "0",
      "value",
      "hex",
      ..."ffffffffffffff7f".match(/../g)!,
      ...owned,
    ]);
    await statusWhere(lab, "fw1", "fw2 owns nothing", (status) => ownedBy(status, "fw2") === 0);
    await pause(1000);
    const { duplicates } = await traffic.finish();
    assert(duplicates > 0, "the datapath does not obey the map, or the test sees no duplicates");
  });
});

Deno.test("the status is not safe while a stream is cut, and is again after it", async () => {
  await inLab({}, async (lab) => {
    await started(lab);
    await lab.exec("fw1", ["nft", "-f", "-"], cutStreams);
    const cut = await statusWhere(lab, "fw2", "not safe", (status) => !status.safe);
    assertMatch(cut.unsafeBecause ?? "", /no backup that has acknowledged everything/);
    assertEquals(cut.owners.includes(null), false, "a cut stream moves nothing");
    await lab.exec("fw1", ["nft", "delete", "table", "inet", "cut"]);
    await settled(lab);
  });
});

Deno.test("a node with another key stays out, says conflict, and changes nothing", async () => {
  await inLab({}, async (lab) => {
    await started(lab);
    const before = await lab.node("fw1").status();
    assertEquals(await lab.node("fw3").stop(), 0);
    await settled(lab, ["fw1", "fw2"]);
    const secret = btoa("another secret of 32 bytes here!");
    await Deno.writeTextFile(`${lab.node("fw3").directory}/cluster.key`, `${secret}\n`);
    await lab.node("fw3").start();
    const stranger = await statusWhere(
      lab,
      "fw3",
      "conflict",
      (status) => (status.reason ?? "").startsWith("conflict"),
    );
    assertEquals(stranger.state, "joining");
    assertEquals(stranger.datapath.leaseMs, 0);
    await pause(5000); // longer than it would listen
    assertEquals((await lab.node("fw3").status()).state, "joining");
    const after = await lab.node("fw1").status();
    assertEquals(after.members.map(({ name }) => name), ["fw1", "fw2"]);
    assert((after.refused["unknown key"] ?? after.refused["not authentic"] ?? 0) > 0);
    assertEquals(before.cluster, after.cluster);
  });
});

Deno.test("a node whose firewall drops everything is heard and hears all the same", async () => {
  await inLab({}, async (lab) => {
    await lab.exec("fw3", ["nft", "-f", "-"], dropEverything);
    await lab.startNodes();
    const seen = await statusWhere(
      lab,
      "fw1",
      "fw3 is a member",
      (status) => status.members.some(({ name }) => name === "fw3"),
    );
    assert(seen.members.find(({ name }) => name === "fw3")!.alive);
    const own = await statusWhere(lab, "fw3", "sees all", (status) => status.members.length === 3);
    assertEquals(own.state === "left", false);
  });
});

Deno.test("a daemon back within its lease keeps its buckets, and nobody takes them", async () => {
  await inLab({ intervalMs: 2000, multiplier: 5 }, async (lab) => {
    await started(lab);
    const traffic = await lab.startTraffic({ connections: 30 });
    const before = await lab.node("fw1").status();
    const incarnation = before.members.find(({ name }) => name === "fw2")!.incarnation;
    await lab.node("fw2").kill();
    await lab.node("fw2").start();
    const after = await statusWhere(
      lab,
      "fw1",
      "fw2 is another incarnation and ready",
      ({ members }) =>
        members.some((m) =>
          m.name === "fw2" && m.incarnation !== incarnation && m.state === "ready"
        ),
    );
    assertEquals(after.owners, before.owners);
    await settled(lab);
    const { alive, duplicates } = await traffic.finish();
    assertEquals([alive, duplicates], [30, 0]);
  });
});

Deno.test("a daemon back after its lease finds its buckets taken, and gets its share again", async () => {
  await inLab({}, async (lab) => {
    await started(lab);
    const traffic = await lab.startTraffic({ connections: 30 });
    await lab.node("fw2").kill();
    await settled(lab, ["fw1", "fw3"]);
    await lab.node("fw2").start();
    await settled(lab);
    const { alive, duplicates } = await traffic.finish();
    assertEquals([alive, duplicates], [30, 0]);
  });
});

Deno.test("a bucket that returns to a former owner carries its load on", async () => {
  await inLab({}, async (lab) => {
    await started(lab);
    // Far below what the machine can carry, so that a stall is the cluster's and not the machine's.
    const bulk = { bulk: 8, bulkBytesPerSecond: 500_000 };
    const traffic = await lab.startTraffic({ ...bulk, connections: 10, pings: 2, udpFlows: 0 });
    await pause(3000);
    const before = await traffic.mark("away");
    for (const name of everybody) {
      await lab.node(name).drain();
      await settled(lab, everybody.filter((other) => other !== name));
      await pause(1000); // windows move on elsewhere
      await lab.node(name).undrain();
      await settled(lab);
    }
    await traffic.mark("returned");
    await pause(3000);
    const after = await traffic.mark("end");
    const rate = (interval: typeof after) => interval.bulk.bytes / interval.durationMs;
    assert(rate(after) > rate(before) / 2, `${rate(before)} fell to ${rate(after)} bytes/ms`);
    assert(after.bulk.longestMs < 2000, `a bulk connection stood for ${after.bulk.longestMs} ms`);
    const { alive, started: opened } = await traffic.finish();
    assertEquals(alive, opened);
  });
});

Deno.test("what a node set up is gone when it has ended", async () => {
  await inLab({}, async (lab) => {
    const before = await traces(lab, "fw2");
    await started(lab);
    const during = await traces(lab, "fw2");
    for (const [name, text] of Object.entries(before)) {
      if (name !== "ruleset") assert(during[name] !== text, `${name}: nothing to take back`);
    }
    assertEquals(await lab.node("fw2").stop(), 0);
    const after = await traces(lab, "fw2");
    for (const [name, text] of Object.entries(before)) assertEquals(after[name], text, name);
  });
});

Deno.test("a second daemon on the same socket is refused and disturbs nothing", async () => {
  await inLab({}, async (lab) => {
    await started(lab);
    const node = lab.node("fw1");
    const second = await new Deno.Command("ip", {
      args: [
        "netns",
        "exec",
        node.namespace,
        Deno.execPath(),
        "run",
        "-A",
        new URL("../../cli/main.ts", import.meta.url).pathname,
        "run",
        "--config",
        node.configFile,
      ],
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).output();
    assertEquals(second.code, 1);
    assertMatch(
      new TextDecoder().decode(second.stderr),
      /control\.sock: .*(running|listens|answers)/,
    );
    await settled(lab);
  });
});

// ---- the means

/** Drops a node's heartbeats at its ports of the switch. */
async function muteHeartbeats(lab: Lab, name: string): Promise<void> {
  const rules = ["inside", "outside", "sync"].map((on) => `
    chain ${on} {
      type filter hook ingress device "${name}-${on}" priority 0; policy accept;
      ip daddr 224.0.0.213 udp dport 9478 drop
    }`);
  await lab.exec("switch", ["nft", "-f", "-"], `table netdev mute {${rules.join("\n")}\n}\n`);
}

/** Stateless, in front of everything: also streams that stand already are cut. */
const cutStreams = `
table inet cut {
  chain in { type filter hook prerouting priority -400; policy accept;
    tcp dport 9478 drop
    tcp sport 9478 drop
  }
  chain out { type filter hook output priority -400; policy accept;
    tcp dport 9478 drop
    tcp sport 9478 drop
  }
}
`;

const dropEverything = `
flush ruleset
table inet closed {
  chain input { type filter hook input priority -300; policy drop; }
  chain forward { type filter hook forward priority -300; policy drop; }
  chain output { type filter hook output priority -300; policy drop; }
}
`;

/** Where the state map is pinned, and its value behind the lease, as bpftool's words. */
async function pinnedStateMap(lab: Lab, name: string): Promise<{ path: string; owned: string[] }> {
  const { directory } = lab.node(name);
  const found = await lab.exec(name, ["find", `${directory}/bpf`, "-name", "state*"]);
  const path = found.trim().split("\n")[0];
  const dump = await lab.exec(name, [
    "bpftool",
    "-j",
    "map",
    "lookup",
    "pinned",
    path,
    "key",
    "0",
    "0",
    "0",
    "0",
  ]);
  const { value } = JSON.parse(dump) as { value: string[] };
  return { path, owned: value.slice(8).map((byte) => byte.replace("0x", "")) };
}

/** Everything of a node's machine that avail may have changed. */
async function traces(lab: Lab, name: string): Promise<Record<string, string>> {
  const show = (...argv: string[]) => lab.exec(name, argv);
  const settings = await show(
    "sysctl",
    "-a",
    "--pattern",
    "^net\\.(ipv4\\.(conf|ip_forward)|ipv6\\.conf|netfilter)",
  );
  return {
    addresses: await show("ip", "-o", "address", "show"),
    groups: (await show("ip", "-o", "maddress", "show")).replaceAll(/users \d+/g, ""),
    programs: (await show("bpftool", "net", "show")).replaceAll(/id \d+/g, ""),
    ruleset: (await show("nft", "list", "ruleset")).replaceAll(/packets \d+ bytes \d+/g, ""),
    settings: settings.split("\n").filter((line) =>
      !/nf_conntrack_count|\.stable_secret/.test(line)
    )
      .join("\n"),
  };
}
