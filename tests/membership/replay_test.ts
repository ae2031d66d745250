/**
 * Recordings against a receiver or after a sender that was started anew, which has forgotten every
 * number that it saw. Each message here is authentic; that a seal cannot be forged is shown elsewhere.
 *
 * | what was recorded | of a start that is | said to | refused because |
 * | heartbeats | dead | a later start | they do not echo it |
 * | heartbeats | live | a later start | they do not echo it, and the live one's numbers are higher |
 * | plans | live | the same start | their epoch is over |
 * | plans | live | a later start | it is no member in them |
 * | plans | dead | anybody | nobody live says so |
 * | requests | live | the same start | their number was served |
 * | requests | live | a later start | they are for another start |
 * | requests | dead | anybody | nobody live asks |
 */
import { assert, assertEquals, assertGreater } from "../assert.ts";
import { decodeHeartbeat, encodeHeartbeat, heartbeatType } from "../../lib/wire/heartbeat.ts";
import { encodePlanParts, PlanAssembly, planPartType } from "../../lib/wire/plan_parts.ts";
import { forwardRequestType } from "../../lib/wire/forward.ts";
import { sealPlan } from "../../lib/ownership/plan.ts";
import { detectionMs, type Recorded, TappedCluster } from "./tapped_cluster.ts";

function settled(...names: string[]): TappedCluster {
  const cluster = new TappedCluster();
  for (const name of names) cluster.start(name);
  assert(cluster.runUntil(() => isEven(cluster, names), 15_000), "settled");
  cluster.run(1000);
  return cluster;
}

function isEven(cluster: TappedCluster, names: readonly string[]): boolean {
  const loads = names.map((name) => cluster.load(name));
  return loads.reduce((a, b) => a + b) === 256 &&
    Math.min(...loads) >= Math.floor(256 / names.length);
}

const of = (tape: readonly Recorded[], incarnation: string, type?: number) =>
  tape.filter((each) =>
    each.incarnation === incarnation && (type === undefined || each.message[0] === type)
  );

/** The same words made new: numbers that rise, and an echo of what is said now. */
function renewed(recorded: readonly Recorded[]): Recorded[] {
  return recorded.map(({ message, ...rest }) => {
    const found = decodeHeartbeat(message);
    assert(!("refusal" in found));
    const peers = found.peers.map((peer) => ({ ...peer, sequence: peer.sequence + 1_000_000 }));
    const sequence = found.sequence + 1_000_000;
    return { ...rest, message: encodeHeartbeat({ ...found, sequence, peers }) };
  });
}

Deno.test("a dead start's heartbeats, said to a later start: nobody is met, and it serves in the end", () => {
  const cluster = settled("fw1", "fw2");
  const recorded = of(cluster.tape, cluster.incarnation("fw2")).slice(-60);
  const lengthMs = recorded.at(-1)!.at - recorded[0].at;
  cluster.kill("fw1");
  cluster.kill("fw2");
  cluster.run(2000);
  cluster.start("fw1");
  cluster.replay("fw1", recorded, true);
  // Its words are believed for as long as they last: a node that serves and does not hear this one.
  cluster.run(3200);
  assertEquals(cluster.load("fw1"), 0);
  assert(cluster.runUntil(() => cluster.load("fw1") === 256, lengthMs + 2 * detectionMs + 1000));
  cluster.run(5000);
  assertEquals([cluster.load("fw1"), cluster.members("fw1")], [256, ["fw1"]]);
  assertGreater(cluster.refused("fw1", "replayed"), 0);
  // The control: the node itself comes back, and is met.
  cluster.stopReplays();
  cluster.start("fw2");
  assert(cluster.runUntil(() => isEven(cluster, ["fw1", "fw2"]), 15_000));
});

Deno.test("a live start's heartbeats, said to a later start: it joins, and death is still seen in time", () => {
  const cluster = settled("fw1", "fw2");
  const recorded = of(cluster.tape, cluster.incarnation("fw2"), heartbeatType).slice(-50);
  cluster.restart("fw1");
  cluster.replay("fw1", recorded, true);
  assert(cluster.runUntil(() => isEven(cluster, ["fw1", "fw2"]), 15_000));
  cluster.kill("fw2");
  cluster.run(detectionMs + 100);
  assertEquals([cluster.load("fw1"), cluster.members("fw1")], [256, ["fw1"]]);
  cluster.run(5000);
  assertEquals(cluster.members("fw1"), ["fw1"]);
  // The control: what refuses them is their age; made new by the key, they do wake the dead.
  cluster.stopReplays();
  const last = of(cluster.tape, recorded[0].incarnation, heartbeatType).slice(-20);
  cluster.replay("fw1", renewed(last));
  assert(cluster.runUntil(() => cluster.members("fw1").join() === "fw1,fw2", 2000));
});

Deno.test("plans: an epoch that is over, and one in which a later start is no member", () => {
  const cluster = settled("fw1", "fw2", "fw3");
  const planner = cluster.incarnation("fw1");
  const old = of(cluster.tape, planner, planPartType);
  assertGreater(old.length, 0);
  cluster.kill("fw3");
  assert(cluster.runUntil(() => isEven(cluster, ["fw1", "fw2"]), 5000));
  cluster.run(1000);
  const epoch = cluster.epoch("fw2");
  cluster.replay("fw2", old, true);
  cluster.run(3000);
  assertEquals([cluster.epoch("fw2"), isEven(cluster, ["fw1", "fw2"])], [epoch, true]);

  cluster.restart("fw2");
  assert(cluster.runUntil(() => isEven(cluster, ["fw1", "fw2"]), 15_000));
  assertGreater(cluster.epoch("fw2"), epoch);
  cluster.stopReplays();

  // The control: a plan of a later epoch from the same planner is taken over.
  const assembly = new PlanAssembly();
  const [present] = of(cluster.tape, planner, planPartType).slice(-1)
    .map(({ message }) => assembly.add(message));
  assert(present !== null && !("refusal" in present));
  const later = sealPlan({ ...present, epoch: present.epoch + 10 });
  const [message] = encodePlanParts(later);
  cluster.input("fw2", { kind: "message", incarnation: planner, interfaceIndex: 0, message });
  assertEquals(cluster.epoch("fw2"), later.epoch);
});

Deno.test("plans of a dead start are nobody's word", () => {
  const cluster = settled("fw1", "fw2");
  const former = cluster.incarnation("fw1");
  const recorded = of(cluster.tape, former, planPartType);
  cluster.restart("fw1");
  assert(cluster.runUntil(() => isEven(cluster, ["fw1", "fw2"]), 15_000));
  const before = cluster.refused("fw2", "unconfirmed");
  const epoch = cluster.epoch("fw2");
  cluster.replay("fw2", recorded);
  cluster.run(recorded.at(-1)!.at - recorded[0].at + 500);
  assertEquals(cluster.refused("fw2", "unconfirmed") - before, recorded.length);
  assertEquals(cluster.epoch("fw2"), epoch);
});

Deno.test("requests: each is carried out once, by the start that it was for, for the start that asked", () => {
  const cluster = settled("fw1", "fw2");
  let id = 1;
  const ask = () => {
    cluster.input("fw1", {
      kind: "forward",
      id: id++,
      node: "fw2",
      request: '{"command":"drain"}',
    });
    cluster.run(100);
  };
  ask();
  assertEquals(cluster.machine("fw2").executed.length, 1);
  const recorded = of(cluster.tape, cluster.incarnation("fw1"), forwardRequestType);
  cluster.replay("fw2", recorded, true);
  cluster.run(1000);
  assertEquals(cluster.machine("fw2").executed.length, 1, "the same start");
  ask();
  assertEquals(cluster.machine("fw2").executed.length, 2, "the control: another request");

  cluster.restart("fw2");
  assert(cluster.runUntil(() => isEven(cluster, ["fw1", "fw2"]), 15_000));
  cluster.run(8000); // whoever asked has given up
  const executed = cluster.machine("fw2").executed.length;
  cluster.stopReplays();
  cluster.replay("fw2", recorded, true);
  cluster.run(1000);
  assertEquals(cluster.machine("fw2").executed.length, executed, "a later start");
  ask();
  assertEquals(cluster.machine("fw2").executed.length, executed + 1, "the control");

  const toThisStart = of(cluster.tape, cluster.incarnation("fw1"), forwardRequestType).slice(-1);
  cluster.restart("fw1");
  assert(cluster.runUntil(() => isEven(cluster, ["fw1", "fw2"]), 15_000));
  cluster.stopReplays();
  cluster.replay("fw2", toThisStart);
  cluster.run(1000);
  assertEquals(cluster.machine("fw2").executed.length, executed + 1, "of a dead start");
});
