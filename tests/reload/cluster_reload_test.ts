/**
 * Reloads of whole simulated clusters: all change at one epoch, or nobody does; and wherever it breaks off,
 * the report says the truth, and the cluster becomes whole again.
 */
import { AvailError } from "../../lib/errors.ts";
import { reloadCluster } from "../../lib/reload/cluster_reload.ts";
import { assert, assertEquals, assertStringIncludes } from "../assert.ts";
import { keysOf } from "./configs.ts";
import { type Mishap, ReloadLab } from "./sim_lab.ts";

const three = ["fw1", "fw2", "fw3"];
const more = ["backups = 1", 'backups = "all"'] as const;
const heavy = ["[node]\n", "[node]\nweight = 2\n"] as const;

function started(seed = 1, options: ConstructorParameters<typeof ReloadLab>[2] = {}): ReloadLab {
  const lab = new ReloadLab(three, seed, options);
  lab.settle();
  return lab;
}

function writeAll(lab: ReloadLab, ...changes: (readonly [string, string])[]): void {
  for (const name of lab.names) lab.write(name, ...changes);
}

const backupsOf = (lab: ReloadLab) =>
  lab.names.map((name) => lab.configOf(name)?.replication.backups);
const outcomes = (nodes: readonly { node: string; outcome: string }[]) =>
  nodes.map(({ node, outcome }) => `${node} ${outcome}`).join(", ");
const eventsOf = (lab: ReloadLab, name: string) =>
  lab.cluster.machine(name).events.map(({ event }) => event.name);

Deno.test("all change at one epoch: no gap, and nobody is seen to differ", async () => {
  for (let seed = 1; seed <= 5; seed++) {
    const lab = started(seed, { loss: 0.1 });
    const { cluster } = lab;
    writeAll(lab, more);
    lab.write("fw2", heavy);
    const before = cluster.snapshot("fw1").epoch;
    cluster.resetGaps();
    const report = await lab.reloadCluster("fw2");
    assertEquals([report.outcome, outcomes(report.nodes)], [
      "applied",
      "fw2 applied, fw1 applied, fw3 applied",
    ]);
    assert(report.epoch! > before + 1);
    assertEquals(backupsOf(lab), ["all", "all", "all"]);
    for (const name of three) {
      const { epoch, backups } = cluster.snapshot(name);
      assert(epoch >= report.epoch!);
      assert(backups.every((list) => list.length === 2), "the very plan goes by the new number");
      assert(!eventsOf(lab, name).includes("config-differs"));
    }
    lab.settle();
    assert(cluster.runUntil(() => cluster.loads()[1] === 128, 5000), "the weight counts, too");
    assert(cluster.gapMsMax < 10, `a bucket was unhandled for ${cluster.gapMsMax} ms`);
    assertEquals(cluster.violations, []);
  }
});

Deno.test("the control: changed one by one, nodes are seen to differ", () => {
  const lab = started();
  for (const name of three) {
    const settings = {
      weight: null,
      drainTimeoutMs: 0,
      backups: "all",
      configDigest: "00000000000000aa",
      topics: ["aaaaaaaa"],
    } as const;
    lab.cluster.settings(name, { kind: "configure", id: "x", settings });
    lab.cluster.run(3 * lab.cluster.detectionMs);
  }
  assert(eventsOf(lab, "fw1").includes("config-differs"));
});

Deno.test("without anything that must agree, no plan is needed", async () => {
  const lab = started();
  lab.write("fw3", heavy);
  const report = await lab.reloadCluster("fw1");
  assertEquals([report.outcome, report.epoch], ["applied", null]);
  assertEquals(outcomes(report.nodes), "fw1 unchanged, fw2 unchanged, fw3 applied");
  assert(lab.cluster.runUntil(() => lab.cluster.loads()[2] === 128, 5000));
  assertEquals((await lab.reloadCluster("fw1")).outcome, "unchanged");
});

Deno.test("a dry run tells, and leaves nothing behind", async () => {
  const lab = started();
  writeAll(lab, more);
  const report = await lab.reloadCluster("fw1", true);
  assertEquals([report.outcome, outcomes(report.nodes)], [
    "possible",
    "fw1 possible, fw2 possible, fw3 possible",
  ]);
  lab.cluster.run(60_000);
  assertEquals(backupsOf(lab), [1, 1, 1]);
});

/** What one node's file, or its state, is that keeps all from changing; and what it says. */
const obstacles: readonly (readonly [
  what: string,
  prepare: (lab: ReloadLab) => void,
  nodes: string,
  why: string,
])[] = [
  [
    "a file that was not changed",
    (lab) => lab.write("fw3", ['backups = "all"', "backups = 1"]),
    "fw1 kept, fw2 kept, fw3 refused",
    "its file differs from that of fw1, fw2 in settings; there replication.backups becomes all",
  ],
  [
    "a setting that needs a restart",
    (lab) => lab.write("fw2", ["[node]\n", '[control]\nsocket = "/else"\n[node]\n']),
    "fw1 kept, fw2 refused, fw3 kept",
    "control.socket needs a restart: whoever asks the daemon finds it there",
  ],
  [
    "a fault",
    (lab) => lab.write("fw1", ["[node]", "[nod]"]),
    "fw1 refused, fw2 kept, fw3 kept",
    "its file has faults",
  ],
  [
    "a node that drops the key that the others send with",
    (lab) => lab.keyFiles.set("fw2", keysOf([2])),
    "fw1 refused, fw2 refused, fw3 refused",
    "for another key use: avail key rotate",
  ],
  [
    "a node that is not ready",
    (lab) => {
      lab.cluster.kill("fw3");
      lab.cluster.run(2000);
      lab.start("fw3");
      lab.cluster.runUntil(() => lab.cluster.snapshot("fw1").members.length === 3, 1000, 1);
    },
    "fw1 kept, fw2 kept, fw3 refused",
    "; wait until all are ready: avail status",
  ],
  [
    "a node that hangs",
    (lab) => lab.cluster.pause("fw2"),
    "fw1 kept, fw2 refused, fw3 kept",
    "fw2 is gone",
  ],
];

Deno.test("whatever one node cannot, nobody does, and each is told why", async () => {
  for (const [what, prepare, nodes, why] of obstacles) {
    const lab = started();
    writeAll(lab, more);
    prepare(lab);
    const report = await lab.reloadCluster("fw1");
    assertEquals([report.outcome, outcomes(report.nodes)], ["refused", nodes], what);
    assertStringIncludes(report.nodes.flatMap((node) => node.why).join("\n"), why);
    lab.cluster.run(60_000);
    const left = backupsOf(lab).filter((backups) => backups !== undefined && backups !== 1);
    // One was started with its new file.
    assertEquals(left.join(), what === "a node that is not ready" ? "all" : "", what);
    assertEquals(lab.cluster.violations, []);
  }
});

Deno.test("a node whose program is older is told as such, and keeps all from changing", async () => {
  const asked: string[] = [];
  const member = (name: string) => ({ name, incarnation: name, state: "ready" } as const);
  const report = await reloadCluster({
    look: () =>
      Promise.resolve({
        self: "fw1",
        members: [member("fw1"), member("fw2")],
        epoch: 5,
        planner: "fw1",
      }),
    ask: (node, request) => {
      asked.push(`${node} ${request.do}`);
      const error = 'fw2: control request: unknown command "reload"; this daemon knows status';
      return Promise.reject(new AvailError(node === "fw2" ? error : "fw1 is busy"));
    },
    pause: () => Promise.resolve(),
    now: () => 0,
  }, { id: "0123456789abcdef", detectionMs: 300, dryRun: false });
  assertEquals(report.nodes.map(({ node, why }) => [node, ...why]), [
    ["fw1", "fw1 is busy"],
    ["fw2", "its program is older and cannot be asked; upgrade it first"],
  ]);
  assertEquals(asked, ["fw1 stage", "fw2 stage", "fw1 cancel", "fw2 cancel"]);
});

Deno.test("two at once: one of them does it, or none, never half of each", async () => {
  for (let seed = 1; seed <= 4; seed++) {
    const lab = started(seed);
    writeAll(lab, more);
    const reports = await Promise.all([lab.reloadCluster("fw1"), lab.reloadCluster("fw3")]);
    lab.cluster.run(60_000);
    const isDone = reports.some(({ outcome }) => outcome === "applied");
    assertEquals(backupsOf(lab).join(), isDone ? "all,all,all" : "1,1,1");
    lab.settle();
  }
});

Deno.test("nobody may own buckets: no plan is made, and nothing is changed", async () => {
  const lab = started();
  const verdict = { pending: false, factor: 0, failing: ["web"] };
  for (const name of three) lab.cluster.found(name, { kind: "health", verdict });
  lab.cluster.run(1000);
  writeAll(lab, more);
  const report = await lab.reloadCluster("fw1");
  assertEquals(report.outcome, "refused");
  assertStringIncludes(report.why.join(), "no plan was made in time");
  lab.cluster.run(60_000);
  assertEquals(backupsOf(lab), [1, 1, 1]);
});

Deno.test("a plan that comes before its time takes along those that were told", async () => {
  const lab = started();
  writeAll(lab, more);
  // Another part of the cluster was further: its epoch is above the one that was chosen.
  lab.before = (_, node, request) => {
    if (request.do === "commit" && node === "fw3") {
      lab.cluster.settings("fw1", { kind: "replan", epoch: 5000, withinMs: 1000 });
      lab.cluster.run(1000);
    }
    return null;
  };
  const report = await lab.reloadCluster("fw2");
  assertEquals([report.outcome, backupsOf(lab).join()], ["applied", "all,all,all"]);
  lab.settle();
});

Deno.test("a node that is not told, or is not heard, keeps all from changing, also later", async () => {
  for (const mishap of ["request lost", "answer lost"] as const) {
    const lab = started();
    const { cluster } = lab;
    writeAll(lab, more);
    let epoch = 0;
    lab.before = (_, node, request) => {
      if (request.do !== "commit") return null;
      epoch = request.epoch!;
      if (node !== "fw3") return null;
      // A plan comes in between, as plans do.
      cluster.weigh("fw2", 2);
      cluster.run(5 * cluster.detectionMs);
      return mishap;
    };
    const report = await lab.reloadCluster("fw1");
    assertEquals([report.outcome, outcomes(report.nodes)], [
      "refused",
      "fw1 kept, fw2 kept, fw3 refused",
    ]);
    assert(cluster.snapshot("fw1").epoch < epoch);
    // What was taken back does not come with a plan that reaches the epoch after all.
    for (const name of three) {
      cluster.settings(name, { kind: "replan", epoch: epoch + 5, withinMs: 2000 });
    }
    cluster.run(2000);
    assert(cluster.snapshot("fw1").epoch > epoch);
    assertEquals(backupsOf(lab), [1, 1, 1]);
    lab.settle();
  }
});

Deno.test("a node that dies when there is no way back is named, and the others go on", async () => {
  const lab = started();
  writeAll(lab, more);
  lab.before = (_, __, request) => {
    if (request.do === "plan") lab.cluster.kill("fw3");
    return null;
  };
  const report = await lab.reloadCluster("fw1");
  assertEquals([report.outcome, outcomes(report.nodes)], [
    "partly",
    "fw1 applied, fw2 applied, fw3 lost",
  ]);
  assertStringIncludes(report.nodes[2].why.join(), "fw3 is gone");
  lab.start("fw3");
  lab.settle();
  assertEquals(backupsOf(lab), ["all", "all", "all"]);
});

Deno.test("a node that hears nothing more forgets what it has staged", async () => {
  const lab = started();
  writeAll(lab, more);
  let epoch = 0;
  // Whoever reloads dies when all are committed: nothing of what it asks arrives any more.
  lab.before = (_, node, request) => {
    if (request.do === "commit") epoch = request.epoch!;
    const isOver = request.do === "plan" || request.do === "cancel";
    return isOver && (request.do === "plan" || node !== "fw1") ? "request lost" : null;
  };
  const report = await lab.reloadCluster("fw1");
  assertEquals(report.outcome, "refused");
  assertEquals((await lab.reload("fw2")).why, [
    "a reload of all nodes is under way; wait until it is over",
  ]);
  lab.cluster.run(60_000);
  lab.cluster.settings("fw1", { kind: "replan", epoch: epoch + 5, withinMs: 2000 });
  lab.cluster.run(2000);
  assert(lab.cluster.snapshot("fw1").epoch > epoch);
  assertEquals(backupsOf(lab), [1, 1, 1]);
  assertStringIncludes((await lab.reload("fw2")).why.join(), "avail reload --cluster");
  assertStringIncludes(lab.log.join("\n"), "fw2 warn a reload of all nodes was not finished");
});

/** What may befall a node, or the network, while a reload is under way. */
const disasters: readonly ((lab: ReloadLab, node: string, other: string) => void)[] = [
  (lab, node) => lab.cluster.kill(node),
  (lab, node) => lab.cluster.crash(node),
  (lab, node) => lab.cluster.pause(node),
  (lab, node) => lab.cluster.freeze(node),
  (lab, node) => lab.cluster.command(node, "leave"),
  (lab, node) => lab.cluster.command(node, "drain"),
  (lab, node, other) => lab.cluster.cut(`${node}>${other}`),
  (lab, node, other) => lab.cluster.cut(`${node}>${other}@1`),
  (lab, node) => {
    for (const other of three) if (other !== node) lab.cluster.cut(`${node}>${other}`);
  },
  (lab, node) => {
    for (const other of three) {
      if (other === node) continue;
      lab.cluster.cut(`${node}>${other}`);
      lab.cluster.cut(`${other}>${node}`);
    }
  },
  (lab, node) => lab.start(node),
  (lab) => lab.cluster.run(lab.cluster.random.below(20_000)),
];

/** One reload with something happening in it; what of the report is not true. */
async function chaos(
  seed: number,
): Promise<{ readonly faults: string[]; readonly outcome: string }> {
  const lab = started(seed, { loss: 0.05, drift: 0.0002 });
  const { cluster } = lab;
  const { random } = cluster;
  writeAll(lab, more);
  const self = random.pick(three);
  const others = three.filter((name) => name !== self);
  const at = random.below(16);
  lab.before = (count): Mishap => {
    if (count !== at) return null;
    const kind = random.below(disasters.length + 2);
    if (kind >= disasters.length) return kind === disasters.length ? "request lost" : "answer lost";
    const node = random.pick(others);
    disasters[kind](lab, node, three.find((name) => name !== node && name !== others[0])!);
    cluster.run(random.below(1000));
    return null;
  };
  const starts = new Map(three.map((name) => [name, lab.incarnation(name)]));
  const report = await lab.reloadCluster(self);
  lab.before = () => null;
  cluster.run(1); // what it has changed is told in order
  const faults = report.nodes.flatMap(({ node, outcome }) => {
    const backups = lab.configOf(node)?.replication.backups;
    if (backups === undefined || lab.incarnation(node) !== starts.get(node)) return [];
    const isTrue = outcome === "lost" || backups === (outcome === "applied" ? "all" : 1);
    return isTrue ? [] : [`${node} is said to be ${outcome} and has ${backups}`];
  });
  cluster.run(60_000); // longer than anything is kept
  const late = lab.names.filter((name) => lab.incarnation(name) === starts.get(name));
  if (report.outcome === "refused") {
    const changed = late.filter((name) => lab.configOf(name)?.replication.backups === "all");
    if (changed.length > 0) faults.push(`refused, and ${changed} did it later`);
  }
  faults.push(...await heal(lab));
  return { faults: [...faults, ...cluster.violations], outcome: report.outcome };
}

/** Everything runs again; whoever was left out reloads. Then all must be whole, and equal. */
async function heal(lab: ReloadLab): Promise<string[]> {
  const { cluster } = lab;
  cluster.heal();
  for (const machine of cluster.machines) {
    if (machine.core === null || machine.stopped) lab.start(machine.name);
    else if (machine.paused || machine.frozen) cluster.resume(machine.name);
    cluster.command(machine.name, "resume");
  }
  cluster.run(20_000);
  const isNew = lab.names.filter((name) => lab.configOf(name)?.replication.backups === "all");
  if (isNew.length === 2) {
    const last = lab.names.find((name) => !isNew.includes(name))!;
    const { outcome, why } = await lab.reload(last);
    if (outcome !== "applied") return [`${last}, the last one, may not reload: ${why}`];
  } else if (isNew.length === 1) {
    const { outcome, nodes } = await lab.reloadCluster(isNew[0]);
    if (outcome !== "applied") return [`the others may not follow: ${JSON.stringify(nodes)}`];
  }
  try {
    lab.settle(40_000);
  } catch (error) {
    return [(error as Error).message];
  }
  return new Set(backupsOf(lab)).size === 1 ? [] : [`backups ${backupsOf(lab)}`];
}

Deno.test("wherever it breaks off: the report is true, and all become whole again", async () => {
  const first = Number(Deno.env.get("AVAIL_RELOAD_SEED") ?? 1);
  const count = Number(Deno.env.get("AVAIL_RELOAD_RUNS") ?? 8);
  const seen = new Map<string, number>();
  for (let seed = first; seed < first + count; seed++) {
    const { faults, outcome } = await chaos(seed);
    assertEquals(faults, [], `seed ${seed}`);
    seen.set(outcome, (seen.get(outcome) ?? 0) + 1);
  }
  console.log(`seeds from ${first} on: ${[...seen].map((each) => each.join(" ")).join(", ")}`);
  assert(seen.has("applied"));
});
