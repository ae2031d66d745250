/**
 * The lab measures what it claims to, before any cluster runs in it: one node forwards, alone, with
 * the shared addresses as its own. Every measure has its negative control.
 */
import { Lab } from "../../cli/demo/lab.ts";
import { leftovers } from "../../cli/demo/remove.ts";
import { families, prefixLength, sharedAddress } from "../../cli/demo/topology.ts";
import { pause } from "../../cli/demo/wait.ts";
import { assert, assertEquals, assertGreater, assertLess, assertRejects } from "../assert.ts";

const ignore = Deno.uid() !== 0;

const doubling = `
table netdev doubling {
  chain ingress {
    type filter hook ingress device "servers-outside" priority 0;
    dup to "fw1-outside"
  }
}
`;

/** A lab in which fw1 is the router, and nothing else runs. */
async function withRouter(work: (lab: Lab) => Promise<void>): Promise<void> {
  const lab = await Lab.create({ nodes: 2 });
  try {
    const router = lab.node("fw1");
    await router.exec([
      "sysctl",
      "-qw",
      "net.ipv4.ip_forward=1",
      "net.ipv6.conf.all.forwarding=1",
    ]);
    for (const family of families) {
      for (const side of ["inside", "outside"] as const) {
        const address = `${sharedAddress(side, family)}/${prefixLength(family)}`;
        const nodad = family === 6 ? ["nodad"] : [];
        await router.exec(["ip", "address", "add", address, "dev", side, ...nodad]);
      }
    }
    await work(lab);
  } finally {
    await lab.remove();
  }
  assertEquals(await leftovers(lab.names), []);
}

/** Blocks a port of the switch without a change of carrier: neighbours stay known. */
async function setPort(lab: Lab, port: string, forwarding: boolean): Promise<void> {
  const state = forwarding ? "3" : "0"; // BR_STATE_FORWARDING, BR_STATE_DISABLED
  await lab.exec("switch", ["bridge", "link", "set", "dev", port, "state", state]);
}

Deno.test(
  { name: "lab: a cut of 300 ms is a gap of 300 ms, and no connection dies", ignore },
  () =>
    withRouter(async (lab) => {
      const traffic = await lab.startTraffic({ connections: 40, pings: 8 });
      await pause(500);
      await traffic.mark("calm");
      await pause(1500);
      const calm = await traffic.mark("cut");
      const cutAt = performance.now();
      await setPort(lab, "fw1-inside", false);
      await pause(300);
      await setPort(lab, "fw1-inside", true);
      const cutMs = performance.now() - cutAt;
      await pause(1500);
      const cut = await traffic.mark("end");
      const report = await traffic.finish();

      for (const kind of ["tcp", "udp", "ping"] as const) {
        assertLess(calm[kind].longestMs, 250, `${kind} without a cut`);
        assertGreater(cut[kind].longestMs, 285, kind);
        assertLess(cut[kind].longestMs, cutMs + 250, kind);
      }
      assertEquals([calm.udp.lost, calm.ping.lost], [0, 0]);
      assertGreater(cut.udp.lost, 0);
      assertGreater(cut.ping.lost, 0);
      assertEquals(cut.tcp.stalled, 40);
      assertEquals([report.started, report.alive, report.duplicates], [40, 40, 0]);
    }),
);

Deno.test(
  { name: "lab: connections whose node has lost their state die", ignore },
  () =>
    withRouter(async (lab) => {
      const traffic = await lab.startTraffic({
        connections: 20,
        pings: 0,
        udpFlows: 0,
        lastEchoTimeoutMs: 2000,
      });
      await lab.node("fw1").exec(["conntrack", "-F"]);
      const report = await traffic.finish();
      assertEquals([report.started, report.alive], [20, 0]);
      assertEquals(report.lost[0].reason, "no echo within 2 s");
    }),
);

Deno.test(
  { name: "lab: answers that come twice are counted", ignore },
  () =>
    withRouter(async (lab) => {
      const traffic = await lab.startTraffic({ connections: 2, pings: 4, udpFlows: 2 });
      await pause(300);
      assertEquals((await traffic.mark("doubled")).ping.duplicates, 0);
      // What the servers send reaches the router a second time, around the bridge.
      await lab.exec("switch", ["nft", "-f", "-"], doubling);
      await pause(1000);
      const doubled = await traffic.mark("end");
      assertGreater(doubled.ping.duplicates, 0);
      assertGreater(doubled.udp.duplicates, 0);
      const report = await traffic.finish();
      assertEquals(report.alive, 2);
      assert(report.duplicates >= doubled.ping.duplicates + doubled.udp.duplicates);
    }),
);

Deno.test(
  { name: "lab: a node that loses power comes back empty", ignore },
  () =>
    withRouter(async (lab) => {
      const node = lab.node("fw1");
      await node.exec(["ip", "link", "add", "remains", "type", "bridge"]);
      await node.powerOff();
      assertEquals(node.power, "off");
      await assertRejects(() => node.exec(["true"]));
      await node.powerOn();
      const links = await node.exec(["ip", "-o", "link"]);
      assert(!links.includes("remains") && links.includes("outside"), links);
      const addresses = await node.exec(["ip", "-o", "address"]);
      assert(addresses.includes("192.0.2.11/24") && !addresses.includes("192.0.2.1/24"), addresses);
    }),
);

Deno.test(
  { name: "lab: two labs at the same time, and one removed by its id", ignore },
  async () => {
    const one = await Lab.create({ nodes: 2 });
    try {
      const two = await Lab.create({ nodes: 2 });
      await Lab.removeById(two.id);
      assertEquals(await leftovers(two.names), []);
      assertGreater((await leftovers(one.names)).length, 4);
      await assertRejects(() => Lab.removeById(two.id), Error, "there is none");
    } finally {
      await one.remove();
    }
    assertEquals(await leftovers(one.names), []);
  },
);

Deno.test({ name: "lab: a failure names the command and what it said", ignore }, async () => {
  const lab = await Lab.create({ nodes: 2 });
  try {
    await assertRejects(
      () => lab.exec("clients", ["ip", "link", "set", "nothing", "up"]),
      Error,
      'clients ip link set nothing up: exit code 1: Cannot find device "nothing"',
    );
  } finally {
    await lab.remove();
  }
});
