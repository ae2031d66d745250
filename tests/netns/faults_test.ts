/**
 * The worst stories on the real kernel, with three daemons and clients that ping all the time. After
 * each, every bucket has exactly one owner in everybody's status, and no ping was answered twice.
 *
 * A node that hears none of the others serves beside them (`partition = "serve"`), and goes on until it
 * hears them: clients that reach both get two answers. Such a story counts from when all agree again,
 * and what is counted before is the control that the counter sees what it is to see.
 */
import { assert, assertEquals } from "../assert.ts";
import { lookAt, unsettled } from "../../cli/demo/cluster_look.ts";
import type { Lab } from "../../cli/demo/lab.ts";
import type { Traffic } from "../../cli/demo/traffic.ts";
import { Random } from "../sim/random.ts";
import {
  everybody,
  inLab,
  ownedBy,
  patienceMs,
  pause,
  settled,
  started,
  statusWhere,
} from "./cluster.ts";
import {
  crash,
  deaf,
  drained,
  type Fault,
  halved,
  hang,
  mute,
  nearlyMute,
  powerLoss,
  streamsCut,
  unheardByOne,
  unplugged,
} from "./faults.ts";

const traffic = { connections: 20, tcpPeriodMs: 100, udpFlows: 6, pings: 12, pingPeriodMs: 20 };
const detectionMs = 300;

Deno.test("a hang, one-way loss, the sync link cut, a carrier lost: nothing twice, nothing lost", async () => {
  await inLab({}, async (lab) => {
    await started(lab);
    const flows = await lab.startTraffic(traffic);
    for (
      const [node, fault, isOut] of [
        ["fw3", hang, true],
        ["fw2", mute, true],
        ["fw3", unheardByOne, true],
        ["fw1", unplugged("sync"), false],
        ["fw2", unplugged("inside"), true],
      ] as const
    ) {
      const name = `${node}: ${fault.name}`;
      await flows.mark(name);
      await fault.happen(lab, node);
      if (isOut) {
        // The one that has been left out is known a moment before who took each of its buckets.
        await statusWhere(
          lab,
          "fw1",
          name,
          (seen) => ownedBy(seen, node) === 0 && !seen.owners.includes(null),
        );
      } else await missedOn(lab, "fw2", node, "sync");
      await fault.mend(lab, node);
      await well(lab, flows, name, fault);
    }
    const { alive, started: opened, lost } = await flows.finish();
    assertEquals(alive, opened, JSON.stringify(lost));
  });
});

Deno.test("a node that hears nothing, two halves: twice until they hear each other, nothing lost", async () => {
  await inLab({}, async (lab) => {
    await started(lab);
    const flows = await lab.startTraffic(traffic);
    await deaf.happen(lab, "fw2");
    await statusWhere(lab, "fw2", "has all", (status) => ownedBy(status, "fw2") === 256);
    await deaf.mend(lab, "fw2");
    await well(lab, flows, "fw2 heard nothing", deaf);

    await halved.happen(lab, "fw1");
    await statusWhere(lab, "fw1", "has all", (status) => ownedBy(status, "fw1") === 256);
    await statusWhere(lab, "fw2", "has fw1's", (status) => ownedBy(status, "fw1") === 0);
    await pause(500);
    const cut = await flows.mark("healing");
    assert(cut.ping.duplicates > 0, "both halves serve, or no duplicate would ever be seen");
    await halved.mend(lab, "fw1");
    await well(lab, flows, "two halves", halved);
    const { alive, started: opened, lost } = await flows.finish();
    assertEquals(alive, opened, JSON.stringify(lost));
  });
});

Deno.test("with a majority: whoever is left out stops, all buckets have owners, nothing twice, nothing lost", async () => {
  await inLab({ partition: "majority" }, async (lab) => {
    await started(lab);
    const flows = await lab.startTraffic(traffic);
    for (
      const [node, fault] of [
        ["fw2", halved],
        ["fw3", deaf],
        ["fw2", unheardByOne],
        ["fw1", mute],
      ] as const
    ) {
      const name = `${node}: ${fault.name}`;
      const [one, other] = everybody.filter((other) => other !== node);
      await flows.mark(name);
      await fault.happen(lab, node);
      for (const third of [one, other]) {
        await statusWhere(
          lab,
          third,
          name,
          (seen) => ownedBy(seen, node) === 0 && ownedBy(seen, one) + ownedBy(seen, other) === 256,
        );
      }
      const left = await statusWhere(lab, node, "stops", ({ datapath }) => datapath.leaseMs === 0);
      assertEquals(left.members.find((member) => member.name === node)?.buckets, 0);
      await fault.mend(lab, node);
      await settled(lab);
      // From before the fault on: at no time did two answer.
      const { ping, udp } = await flows.mark("settled");
      assertEquals([ping.duplicates, udp.duplicates], [0, 0], `${name}: answers that came twice`);
    }
    const { alive, started: opened, lost } = await flows.finish();
    assertEquals(alive, opened, JSON.stringify(lost));
  });
});

Deno.test("twenty random faults in a row", async (test) => {
  const seed = Number(
    Deno.env.get("AVAIL_FAULT_SEED") ?? crypto.getRandomValues(new Uint32Array(1))[0],
  );
  console.log(`AVAIL_FAULT_SEED=${seed}`);
  const random = new Random(seed);
  await inLab({}, async (lab) => {
    await started(lab);
    const flows = await lab.startTraffic(traffic);
    for (let i = 1; i <= 20; i++) {
      const node = random.pick(everybody);
      const fault = random.pick(faults);
      // Some are over before anybody can notice.
      const lastsMs = Math.round(5 * detectionMs * random.next());
      const name = `${i}. ${node}: ${fault.name} for ${lastsMs} ms`;
      await test.step(name, async () => {
        await flows.mark(name);
        await fault.happen(lab, node);
        await pause(lastsMs);
        await fault.mend(lab, node);
        await well(lab, flows, name, fault);
      });
    }
    await flows.finish();
  });
});

const faults: readonly Fault[] = [
  hang,
  mute,
  deaf,
  nearlyMute,
  unheardByOne,
  unplugged("inside"),
  unplugged("outside"),
  unplugged("sync"),
  streamsCut,
  crash,
  powerLoss,
  drained,
];

/** Nothing else happens, so it has to be seen: in the status, and once in the log. */
async function missedOn(lab: Lab, by: string, node: string, place: string): Promise<void> {
  const what = `${by} misses ${node} on ${place}`;
  await statusWhere(
    lab,
    by,
    what,
    ({ members }) =>
      members.some(({ name, silentOn = [] }) => name === node && silentOn.join() === place),
  );
  const told = () =>
    lab.node(by).log(10_000).then((lines) =>
      lines.filter((line) => line.includes(`"path-lost"`) && line.includes(node))
    );
  await lab.waitUntil(what, async () => (await told()).length > 0 ? null : "it is not in the log", {
    timeoutMs: patienceMs,
  });
  await pause(4 * detectionMs);
  assertEquals((await told()).length, 1, (await told()).join("\n"));
}

/** Everybody says the same, each bucket is held once, and nothing was answered twice since the mark. */
async function well(lab: Lab, flows: Traffic, name: string, fault: Fault): Promise<void> {
  // What is over before anybody has noticed may still have its effect.
  await pause(detectionMs);
  await settled(lab);
  if (fault.isolates) {
    await flows.mark("healed");
    await pause(5 * detectionMs);
  }
  await lab.waitUntil(`${name}: each bucket is held once`, async () => {
    const look = await lookAt(lab, 5000);
    const held = look.map(({ name: node, status }) => {
      const sum = status?.members.reduce((sum, { buckets }) => sum + buckets, 0);
      return sum === 256 ? null : `in the status of ${node}: ${sum} of 256`;
    });
    return unsettled(look, { owners: everybody, safe: true }) ??
      held.find((problem) => problem !== null) ?? null;
  }, { timeoutMs: patienceMs, everyMs: 50 });
  const { ping, udp } = await flows.mark("between");
  assertEquals([ping.duplicates, udp.duplicates], [0, 0], `${name}: answers that came twice`);
}
