/**
 * Datagrams that no member sent, or not now: each is counted by its reason and changes nothing. The
 * sender sits in the clients' network; in some cases it has the key, too. Beside each claim stands a
 * datagram that does change something, or does cost what the other does not.
 */
import { assert, assertEquals, assertGreater, assertLess } from "../assert.ts";
import type { Lab } from "../../cli/demo/lab.ts";
import type { Status } from "../../lib/control.ts";
import { membersMax } from "../../lib/limits.ts";
import { decodeHeartbeat, encodeHeartbeat, type Heartbeat } from "../../lib/wire/heartbeat.ts";
import { fromHex } from "../../lib/wire/cursor.ts";
import { clusterId } from "../../lib/wire/seal.ts";
import { heartbeat } from "../wire/examples.ts";
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
import { floods } from "./floods.ts";
import { listen } from "./listener.ts";
import { Forger, type Frame, Hostile, randomBytes, withHeader } from "./hostile.ts";

const ignore = Deno.uid() !== 0;

/** Datagrams of one kind, sent one after the other. */
interface RefusedCase {
  readonly name: string;
  readonly frames: (forger: Forger) => Frame[];
  /** Each node counts each of them so: exactly, or, in the small box for strangers, some of them. */
  readonly counted: { readonly reason: string; readonly exactly: boolean } | "by nobody";
}

const many = 8;
const exactly = (reason: string) => ({ reason, exactly: true });
const some = (reason: string) => ({ reason, exactly: false });
const times = (make: (i: number) => Frame) => Array.from({ length: many }, (_, i) => make(i));

const refusedCases: readonly RefusedCase[] = [
  {
    name: "garbage behind a right header",
    frames: (forger) => times((i) => forger.garbage(80 + 30 * i)),
    counted: exactly("not authentic"),
  },
  {
    name: "one bit of a sealed heartbeat flipped",
    frames: (forger) =>
      times((i) => {
        const frame = forger.sealed(encodeHeartbeat(heartbeat()), randomBytes(16));
        frame[frame.length - 1 - 20 * i] ^= 1 << i;
        return frame;
      }),
    counted: exactly("not authentic"),
  },
  {
    name: "larger than any buffer",
    frames: (forger) => times(() => forger.garbage(2900)),
    counted: exactly("not authentic"),
  },
  {
    name: "cut within the envelope",
    frames: (forger) => times((i) => forger.garbage(16 + 6 * i)),
    counted: exactly("short"),
  },
  {
    name: "UDP lengths that lie",
    frames: (forger) =>
      [0, 7, 8, 20].map((udpBytes) => {
        const frame = forger.sealed(encodeHeartbeat(heartbeat()), randomBytes(16));
        new DataView(frame.buffer).setUint16(38, udpBytes);
        return frame;
      }),
    counted: exactly("short"),
  },
  {
    name: "a UDP length beyond the frame, which then lacks its end",
    frames: (forger) =>
      times(() => {
        const whole = forger.sealed(encodeHeartbeat(heartbeat()), randomBytes(16));
        return withHeader(whole, { length: whole.length - 9 });
      }),
    counted: exactly("not authentic"),
  },
  {
    name: "another version of the envelope",
    frames: (forger) => times((i) => forger.garbage(100, { version: 2 + i })),
    counted: exactly("version"),
  },
  {
    name: "a key id that nobody has",
    frames: (forger) => times((i) => forger.garbage(100, { keyId: 100 + i })),
    counted: exactly("unknown key"),
  },
  {
    name: "another key of the same id",
    frames: (forger) => {
      const ring = { ...forger.ring, keys: [{ id: 1, bytes: randomBytes(32) }] };
      return times(() => forger.sealed(encodeHeartbeat(heartbeat()), randomBytes(16), ring));
    },
    counted: some("not authentic"),
  },
  {
    name: "another key of another id",
    frames: (forger) => {
      const ring = { ...forger.ring, keys: [{ id: 7, bytes: randomBytes(32) }] };
      return times(() => forger.sealed(encodeHeartbeat(heartbeat()), randomBytes(16), ring));
    },
    counted: some("unknown key"),
  },
  {
    name: "sealed by the key, under another tag",
    frames: (forger) => {
      const message = encodeHeartbeat(heartbeat());
      return times(() => forger.sealedUnderTag(randomBytes(4), message, randomBytes(16)));
    },
    counted: some("wrong tag"),
  },
  {
    name: "an unknown type of message",
    frames: (forger) => times((i) => forger.sealed(randomMessage(9 + i, 50), randomBytes(16))),
    counted: exactly("unknown type"),
  },
  {
    name: "an empty message",
    frames: (forger) => times(() => forger.sealed(new Uint8Array(0), randomBytes(16))),
    counted: exactly("unknown type"),
  },
  {
    name: "a heartbeat that ends early",
    frames: (forger) =>
      times((i) =>
        forger.sealed(encodeHeartbeat(heartbeat()).subarray(0, 1 + 20 * i), randomBytes(16))
      ),
    counted: exactly("malformed heartbeat"),
  },
  {
    name: "a heartbeat with a name that is none",
    frames: (forger) =>
      ["", "a b", "../fw1", "-", "\u001b[2J", "a".repeat(64)].map((name) =>
        forger.sealed(encodeHeartbeat(heartbeat({ name })), randomBytes(16))
      ),
    counted: exactly("malformed heartbeat"),
  },
  {
    name: "parts of a plan of somebody who is not heard",
    frames: (forger) => times(() => forger.sealed(randomMessage(2, 500), randomBytes(16))),
    counted: exactly("unconfirmed"),
  },
  {
    name: "random bytes, and frames cut before the tag",
    frames: (forger) =>
      times((i) => i % 2 === 0 ? forger.frame(randomBytes(100)) : forger.garbage(2 * i)),
    counted: "by nobody",
  },
  {
    name: "another cluster's name",
    frames: (forger) => times(() => forger.garbage(200, { clusterId: clusterId("elsewhere") })),
    counted: "by nobody",
  },
  {
    name: "a router on the way (TTL below 255)",
    frames: (forger) => times((i) => withHeader(forger.garbage(200), { ttl: 254 - i })),
    counted: "by nobody",
  },
];

/** Waits until no node has counted anything for longer than strangers wait. */
async function countsStandStill(lab: Lab): Promise<void> {
  const counts = async () => {
    const all = await statuses(lab);
    return JSON.stringify(everybody.map((node) => grownReasons({}, all[node])));
  };
  await lab.waitUntil("the counts stand still", async () => {
    const before = await counts();
    await pause(700);
    return await counts() === before ? null : "datagrams are still being counted";
  }, { timeoutMs: patienceMs });
}

Deno.test({
  name: "datagrams that cannot be used are counted by reason and change nothing",
  ignore,
  fn: () =>
    inLab({}, async (lab) => {
      await widenInside(lab, 3000);
      await started(lab);
      const traffic = await lab.startTraffic({ connections: 10, udpFlows: 2 });
      await using hostile = await Hostile.start(lab);
      const forger = await Forger.of(lab);
      const before = await statuses(lab);
      for (const { name, frames, counted } of refusedCases) {
        const start = await statuses(lab);
        const sent = frames(forger);
        assertEquals(await hostile.send(sent), sent.length, `${name}: all frames left`);
        if (counted === "by nobody") await pause(700); // longer than strangers wait
        for (const node of everybody) {
          const had = start[node].refused;
          if (counted !== "by nobody") {
            const { reason } = counted;
            const wanted = counted.exactly ? sent.length : 1;
            const isCounted = (status: Status) => refusedSince(had, status, reason) >= wanted;
            await statusWhere(lab, node, `${name}: counts ${wanted} "${reason}"`, isCounted);
          }
          const grown = grownReasons(had, await lab.node(node).status());
          if (counted === "by nobody") assertEquals(grown, {}, name);
          else if (counted.exactly) assertEquals(grown, { [counted.reason]: sent.length }, name);
          else assertEquals(Object.keys(grown), [counted.reason], name);
        }
        assertUnchanged(before, await statuses(lab), name);
        // Strangers wait to be looked at: those of this case must not count in the next one.
        if (counted !== "by nobody" && !counted.exactly) await countsStandStill(lab);
      }
      await settled(lab);
      await assertNothingHappened(lab);
      for (const node of everybody) await assertToldOnce(lab, node);
      // The way was open: a sound heartbeat, the only one that is not refused, is heard by all.
      const had = await statuses(lab);
      await hostile.send([forger.sealed(encodeHeartbeat(newcomer), randomBytes(16))]);
      for (const node of everybody) {
        await logHas(lab, node, "stranger9 is heard");
        assertEquals(grownReasons(had[node].refused, await lab.node(node).status()), {});
      }
      assertUnchanged(before, await statuses(lab), "a heartbeat that does not hear this node");
      const { alive, duplicates, duplicated } = await traffic.finish();
      assertEquals([alive, duplicates], [10, 0], JSON.stringify(duplicated));
    }),
});

Deno.test({
  name: "more starts of nodes than a cluster may have are counted and keep nobody out who is in",
  ignore,
  fn: () =>
    inLab({}, async (lab) => {
      await started(lab);
      await using hostile = await Hostile.start(lab);
      const forger = await Forger.of(lab);
      const before = await statuses(lab);
      const crowd = Array.from(
        { length: membersMax + 8 },
        () => forger.sealed(encodeHeartbeat(newcomer), randomBytes(16)),
      );
      await hostile.send(crowd, 0);
      for (const node of everybody) {
        const had = before[node].refused;
        await statusWhere(
          lab,
          node,
          "counts those that are too many",
          (status) => refusedSince(had, status, "too many members") > 0,
        );
      }
      assertUnchanged(before, await statuses(lab), "a crowd");
      await assertNothingHappened(lab);
    }),
});

Deno.test({
  name: "recordings of the living are refused, and recordings of the dead wake nobody",
  ignore,
  fn: () =>
    inLab({}, async (lab) => {
      await started(lab);
      const traffic = await lab.startTraffic({ connections: 40 });
      await using hostile = await Hostile.start(lab);
      const forger = await Forger.of(lab);
      const incarnations = await incarnationsOf(lab);
      const recorded = await hostile.record(4000);
      const of = (node: string) =>
        recorded.filter((frame) => forger.open(frame).incarnation === incarnations[node]);
      for (const node of everybody) assertGreater(of(node).length, 20, node);

      // Of the living: each node counts what it hears of others, and of itself.
      await pause(500);
      const before = await statuses(lab);
      await hostile.send(of("fw2"), 5);
      for (const [node, reason] of [["fw1", "replayed"], ["fw2", "own datagram"]] as const) {
        const had = before[node].refused;
        await statusWhere(
          lab,
          node,
          `counts every "${reason}"`,
          (status) => refusedSince(had, status, reason) >= of("fw2").length,
        );
      }
      assertUnchanged(before, await statuses(lab), "recordings of the living");

      // Of one that dies meanwhile: it dies on time, and stays dead.
      await hostile.repeat(of("fw2"), 10);
      await traffic.mark("power loss");
      await lab.node("fw2").powerOff();
      await settled(lab, ["fw1", "fw3"]);
      const { ping } = await traffic.mark("dead");
      // A bound for a noisy machine, far below the time for which the recordings go on.
      assertLess(ping.longestMs, 2000, "the takeover waited for the recordings to end");
      await staysSo(lab, "fw1", 3000, (status) => !isMember(status, "fw2"));

      // Of a former start, while the node starts anew, and while another one does.
      await lab.node("fw2").powerOn();
      await lab.node("fw2").start();
      await settled(lab);
      await lab.node("fw1").stop();
      await settled(lab, ["fw2", "fw3"]);
      await lab.node("fw1").start();
      await settled(lab);
      await staysSo(
        lab,
        "fw1",
        2000,
        ({ members }) =>
          members.length === 3 && !members.some((m) => m.incarnation === incarnations.fw2),
      );
      await hostile.stop();
      const { alive, duplicates, duplicated } = await traffic.finish();
      assertEquals([alive, duplicates], [40, 0], JSON.stringify(duplicated));

      // What refuses them is their age: made new by the key, the same words do wake the dead.
      await lab.node("fw2").powerOff();
      await settled(lab, ["fw1", "fw3"]);
      const last = await lastWords(lab, forger, hostile, "fw3");
      await lab.node("fw3").powerOff();
      await statusWhere(lab, "fw1", "fw3 is dead", (status) => !isMember(status, "fw3"));
      const peers = last.heartbeat.peers.map((peer) => ({
        ...peer,
        sequence: peer.sequence + 1_000_000, // an echo of what fw1 says now
      }));
      const revived = Array.from({ length: 50 }, (_, i) =>
        forger.sealed(
          encodeHeartbeat({
            ...last.heartbeat,
            peers,
            sequence: last.heartbeat.sequence + 1000 + i,
          }),
          last.incarnation,
        ));
      await hostile.repeat(revived.slice(0, -1), 20);
      await statusWhere(lab, "fw1", "fw3 is back", (status) => isMember(status, "fw3"));
    }),
});

Deno.test({
  name: "floods of every kind cost a bounded share of a processor, and move nothing",
  ignore,
  fn: () =>
    inLab({ intervalMs: 200 }, async (lab) => {
      await started(lab);
      const traffic = await lab.startTraffic({ connections: 10, pings: 4, udpFlows: 2 });
      await using hostile = await Hostile.start(lab);
      const forger = await Forger.of(lab);
      const before = await statuses(lab);
      const idle = await cpuWhile(lab, () => pause(2000));
      for (const flood of floods) {
        const start = await statuses(lab);
        const cost = await cpuWhile(lab, () => flood.send(hostile, forger, floodLength));
        const after = await statuses(lab);
        assertUnchanged(before, after, flood.name);
        await assertNothingHappened(lab);
        assertGreater(cost.result.sent, floodLength / 2, `${flood.name}: it did leave`);
        everybody.forEach((node, i) => {
          const share = cost.cpuMs[i] / cost.ms - idle.cpuMs[i] / idle.ms;
          const found = `${node}, ${flood.name}: ${JSON.stringify({ idle, cost, share })}`;
          assertLess(share, floodShareMax, found);
          // The flood did come: what it is refused for has been counted, and not all of it was read.
          const refused = Object.values(grownReasons(start[node].refused, after[node], true))
            .reduce((sum, n) => sum + n, 0);
          assertGreater(refused, 0, found);
          if (flood.name !== "copies of what is said now") {
            assertLess(refused, usefulMs(cost.ms), found);
          }
        });
      }
      for (const node of everybody) await assertToldOnce(lab, node);
      const { alive, duplicates, duplicated } = await traffic.finish();
      assertEquals([alive, duplicates], [10, 0], JSON.stringify(duplicated));
    }),
});

Deno.test({
  name:
    "a flood with the tag crowds no heartbeat out of a receiver that comes late, nor costs it much",
  ignore,
  fn: () =>
    inLab({ intervalMs: 200 }, async (lab) => {
      await started(lab);
      await using hostile = await Hostile.start(lab);
      const forger = await Forger.of(lab);
      const { fw2, fw3 } = await incarnationsOf(lab);
      const crowded = floods.find(({ name }) => name === "right tag, random behind it")!;
      const heardAs = async (as: "daemon" | "control") => {
        const { pid, report } = await listen(lab, "fw1", as, 6000);
        await pause(1000); // it gets to know the nodes
        let stopped = 0;
        for (const until = performance.now() + 4500; performance.now() < until;) {
          await crowded.send(hostile, forger, 5000);
          stopped++;
          // It does not run for a while, so that what its queues cannot hold is lost.
          if (stopped === 2) Deno.kill(pid, "SIGSTOP");
          if (stopped === 16) Deno.kill(pid, "SIGCONT");
        }
        if (stopped < 16) Deno.kill(pid, "SIGCONT");
        return await report;
      };
      const daemon = await heardAs("daemon");
      const control = await heardAs("control");
      const found = JSON.stringify({ daemon, control });
      for (const node of [fw2, fw3]) {
        assertGreater(daemon.heard[node].count, 25, found); // five a second, at least
        assertLess(control.heard[node].count, daemon.heard[node].count - 4, found);
      }
      assertLess(daemon.useless, 1500, found);
      assertGreater(control.useless, 5 * daemon.useless, found);
    }),
});

// ---- the means

const floodLength = 50_000;
/**
 * Processor time of a daemon under a flood on one interface, beyond what it takes when idle: its
 * allowance is 100 useless datagrams a second, 2% of a core. The rest is noise of the measurement.
 */
const floodShareMax = 0.15;
/** Useless datagrams that an allowance lets be read in this time, strangers, and a margin. */
const usefulMs = (ms: number) => 200 + 0.3 * ms;

/** A member that hears nobody. */
const newcomer: Heartbeat = heartbeat({ name: "stranger9", peers: [], addresses: [] });

function randomMessage(type: number, length: number): Uint8Array<ArrayBuffer> {
  const message = randomBytes(length);
  message[0] = type;
  return message;
}

/** Lets frames of so many bytes through between the clients and the nodes. */
async function widenInside(lab: Lab, mtu: number): Promise<void> {
  const set = (host: string, device: string) =>
    lab.exec(host, ["ip", "link", "set", device, "mtu", String(mtu)]);
  const hosts = ["clients", ...everybody];
  for (const host of hosts) {
    await set(host, "inside");
    await set("switch", `${host}-inside`);
  }
  await set("switch", "inside");
}

type Statuses = Readonly<Record<string, Status>>;

async function statuses(lab: Lab): Promise<Statuses> {
  const all = await Promise.all(lab.nodes.map((node) => node.status(10_000)));
  return Object.fromEntries(all.map((status) => [status.node, status]));
}

function assertUnchanged(before: Statuses, after: Statuses, after_: string): void {
  for (const [node, was] of Object.entries(before)) {
    const is = after[node];
    assertEquals(lasting(is), lasting(was), `${node}, after ${after_}`);
    assertGreater(is.datapath.leaseMs, 0, `${node} has its lease, after ${after_}`);
  }
}

/** What datagrams of others must not change. */
function lasting({ state, epoch, owners, backups, members }: Status) {
  const who = members.map(({ name, incarnation, buckets }) => ({ name, incarnation, buckets }));
  return { state, epoch, owners, backups, members: who };
}

function refusedSince(had: Status["refused"], status: Status, reason: string): number {
  return (status.refused[reason] ?? 0) - (had[reason] ?? 0);
}

/**
 * The reasons that were counted since, with their counts. "replayed" is left out: where two heartbeats
 * wait on each of two interfaces, the first of the second interface is older than what was heard.
 */
function grownReasons(
  had: Status["refused"],
  status: Status,
  withReplayed = false,
): Record<string, number> {
  const grown = Object.keys(status.refused).map((reason) =>
    [reason, refusedSince(had, status, reason)] as const
  );
  return Object.fromEntries(
    grown.filter(([reason, count]) => count !== 0 && (withReplayed || reason !== "replayed")),
  );
}

function isMember(status: Status, name: string): boolean {
  return ownedBy(status, name) > 0 || status.members.some((member) => member.name === name);
}

async function incarnationsOf(lab: Lab): Promise<Record<string, string>> {
  const { members } = await lab.node("fw1").status();
  return Object.fromEntries(members.map(({ name, incarnation }) => [name, incarnation]));
}

/** Asserts a condition again and again for so long. */
async function staysSo(
  lab: Lab,
  node: string,
  ms: number,
  condition: (status: Status) => boolean,
): Promise<void> {
  for (const until = performance.now() + ms; performance.now() < until; await pause(50)) {
    const status = await lab.node(node).status();
    assert(condition(status), `${node}: ${JSON.stringify(status.members)}`);
  }
}

/** A node's newest heartbeat. */
async function lastWords(lab: Lab, forger: Forger, hostile: Hostile, node: string) {
  const incarnation = (await incarnationsOf(lab))[node];
  const own = (await hostile.record(1000)).map((frame) => forger.open(frame))
    .filter((opened) => opened.incarnation === incarnation)
    .map((opened) => decodeHeartbeat(opened.message))
    .filter((message): message is Heartbeat => !("refusal" in message));
  return { heartbeat: own.at(-1)!, incarnation: fromHex(incarnation) };
}

async function logHas(lab: Lab, node: string, text: string): Promise<void> {
  await lab.waitUntil(`${node} logs "${text}"`, async () => {
    const lines = await lab.node(node).log(100);
    return lines.some((line) => line.includes(text)) ? null : lines.at(-1) ?? "no log";
  }, { timeoutMs: 10_000 });
}

/** No node has lost its lease, taken another for dead, or made a plan since all had settled. */
async function assertNothingHappened(lab: Lab): Promise<void> {
  for (const node of lab.nodes) {
    const events = (await node.log(5000)).map((line) => /"event":"([a-z-]+)"/.exec(line)?.[1]);
    for (const bad of ["lease-lost", "forfeited", "peer-dead", "conflict-lost"]) {
      assertEquals(events.includes(bad), false, `${node.name}: ${bad}`);
    }
  }
}

/** What others can make a node say does not fill its log. */
async function assertToldOnce(lab: Lab, node: string): Promise<void> {
  const told = (await lab.node(node).log(5000)).map((line) => JSON.parse(line))
    .filter(({ event }) => event === "refused" || event === "conflict")
    .map(({ event, message }) => `${event} ${message}`).sort();
  assertGreater(told.length, 0, node);
  assertEquals(told, [...new Set(told)], node);
}

/** Milliseconds of processor time that the nodes' daemons took while something happened. */
async function cpuWhile<T>(lab: Lab, work: () => Promise<T>) {
  const read = () => Promise.all(lab.nodes.map((node) => cpuMs(node.pid!)));
  const startedAt = performance.now();
  const before = await read();
  const result = await work();
  const after = await read();
  const ms = Math.round(performance.now() - startedAt);
  return { ms, cpuMs: after.map((value, i) => value - before[i]), result };
}

/** proc_pid_stat(5), fields 14 and 15: user and system time of all threads, in hundredths. */
async function cpuMs(pid: number): Promise<number> {
  const text = await Deno.readTextFile(`/proc/${pid}/stat`);
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return 10 * (Number(fields[11]) + Number(fields[12]));
}
