/** A node that reloads by itself: what it refuses, what it puts into use, and in which order. */
import { configDigest, configTopics } from "../../lib/config_digest.ts";
import { AvailError, ConfigError } from "../../lib/errors.ts";
import type { Settled } from "../../lib/reload/changes.ts";
import { type Loaded, NodeReload, type NodeReloadPorts } from "../../lib/reload/node_reload.ts";
import { assert, assertEquals, assertRejects, assertStringIncludes } from "../assert.ts";
import { changed, configOf, file, keysOf } from "./configs.ts";

const agreed = ({ config, keys }: Settled) => ({
  configDigest: configDigest(config, keys),
  topics: configTopics(config, keys),
});
const of = (text: string): Loaded => ({ config: configOf(text), keys: keysOf([1]), warnings: [] });
const allBackups = changed(["backups = 1", 'backups = "all"']);

/** A node that runs `file`, and what was done to it. */
class FakeNode {
  readonly done: string[] = [];
  readonly log: string[] = [];
  present: Settled = of(file);
  readonly reload: NodeReload;

  constructor(read: () => Loaded, ports: Partial<NodeReloadPorts> = {}) {
    this.reload = new NodeReload("fw1", {
      read: () => Promise.resolve().then(read),
      present: () => this.present,
      obstacles: () => Promise.resolve([]),
      addresses: () => null,
      agreed,
      core: (input) => void this.done.push(`core ${input.kind} ${"id" in input ? input.id : ""}`),
      others: () => Promise.resolve([]),
      away: () => Promise.resolve([]),
      use: (next, changes) => {
        this.done.push(`use ${changes.map(({ key }) => key)}`);
        this.present = next;
        return Promise.resolve([]);
      },
      restart: () => "restart it",
      log: (level, message) => void this.log.push(`${level} ${message}`),
      now: () => 0,
      after: () => {},
      ...ports,
    });
  }

  async apply() {
    const report = await this.reload.answer({ command: "reload", do: "apply" });
    assert(report !== null && "outcome" in report);
    return report;
  }
}

Deno.test("what differs is put into use, once: the core first, then the rest", async () => {
  const node = new FakeNode(() => of(changed(['name = "fw1"', 'name = "fw1"\nweight = 2'])));
  const report = await node.apply();
  assertEquals([report.outcome, report.changes.map(({ key }) => key)], [
    "applied",
    ["node.weight"],
  ]);
  assertEquals(node.done, ["core configure apply 1", "use node.weight"]);
  assertEquals(node.log, ["info node.weight is 2 now"]);
  assertEquals((await node.apply()).outcome, "unchanged");
  assertEquals(node.done.length, 2);
});

Deno.test("the weight goes to the core only where the file's has changed", async () => {
  const weights: unknown[] = [];
  const next = [
    changed(['name = "fw1"', 'name = "fw1"\ndrain_timeout = "5s"']),
    changed(['name = "fw1"', 'name = "fw1"\nweight = 3']),
  ];
  for (const text of next) {
    const node = new FakeNode(() => of(text), {
      core: (input) => input.kind === "configure" && weights.push(input.settings.weight),
    });
    await node.apply();
  }
  assertEquals(weights, [null, 3], "what `avail weight` has set stays");
});

Deno.test("nothing is changed by a dry run, a fault, an obstacle, or a part that needs a restart", async () => {
  const weight = ['name = "fw1"', 'name = "fw1"\nweight = 2'] as const;
  const restart = ['listen = "off"', 'listen = "off"\n[control]\nsocket = "/s"'] as const;
  const fault = { file: "f", line: 1, where: "node.weight", problem: "is bad", remedy: "write 1" };
  const cases: readonly (readonly [node: FakeNode, why: string])[] = [
    [
      new FakeNode(() => of(changed(weight, restart))),
      "control.socket needs a restart: whoever asks the daemon finds it there",
    ],
    [
      new FakeNode(() => of(changed(weight)), {
        obstacles: () => Promise.resolve(["the port is taken"]),
      }),
      "the port is taken",
    ],
    [
      new FakeNode(() => {
        throw new ConfigError([fault]);
      }),
      "node.weight: is bad; write 1",
    ],
    [
      new FakeNode(() => {
        throw new AvailError("avail.toml: there is no such file; write one");
      }),
      "file: there is no such file; write one",
    ],
    [new FakeNode(() => of(allBackups), { others: () => Promise.resolve([fw2]) }), "--cluster"],
  ];
  for (const [node, why] of cases) {
    const report = await node.apply();
    assertEquals([report.outcome, node.done], ["refused", []]);
    assertStringIncludes(node.log.join(), why);
    assert(report.faults.length > 0 || report.why.join().includes(why));
  }
  const dry = new FakeNode(() => of(changed(weight)));
  const report = await dry.reload.answer({ command: "reload", do: "check" });
  assertEquals([report !== null && "outcome" in report && report.outcome, dry.done], [
    "possible",
    [],
  ]);
  await assertRejects(
    () =>
      new FakeNode(() => {
        throw new Error("a bug");
      }).apply(),
    Error,
    "a bug",
  );
});

const fw2 = { name: "fw2", ...agreed(of(file)) };
const newer = (name: string) => ({ name, ...agreed(of(allBackups)) });

Deno.test("what must agree changes alone only where it becomes equal by that", async () => {
  const cases: readonly (readonly [others: (typeof fw2)[], outcome: string])[] = [
    [[], "applied"],
    [[newer("fw2")], "applied"],
    [[newer("fw2"), newer("fw3")], "applied"],
    [[newer("fw2"), newer("fw3"), fw2], "applied"],
    [[fw2], "refused"],
    [[newer("fw2"), fw2], "refused"],
  ];
  for (const [others, outcome] of cases) {
    const node = new FakeNode(() => of(allBackups), { others: () => Promise.resolve(others) });
    assertEquals((await node.apply()).outcome, outcome, others.map(({ name }) => name).join());
  }
});

Deno.test("what goes wrong while it is put into use is told beside what was done", async () => {
  const node = new FakeNode(() => of(changed(['name = "fw1"', 'name = "fw1"\nweight = 2'])), {
    use: () => Promise.resolve(["the keys are as they were"]),
  });
  const report = await node.apply();
  assertEquals([report.outcome, report.why], ["applied", ["the keys are as they were"]]);
  assertEquals(node.log.at(-1), "error the keys are as they were");
  // Nothing that happens there ends the daemon.
  const broken = new FakeNode(() => of(changed(['name = "fw1"', 'name = "fw1"\nweight = 2'])), {
    use: () => Promise.reject(new Error("a bug")),
  });
  assertEquals((await broken.apply()).why, ["a bug"]);
});

Deno.test("reloads wait for each other", async () => {
  const steps: string[] = [];
  const node = new FakeNode(() => of(changed(['name = "fw1"', 'name = "fw1"\nweight = 2'])), {
    use: async () => {
      steps.push("begins");
      await new Promise((resolve) => setTimeout(resolve, 5));
      steps.push("ends");
      return [];
    },
  });
  await Promise.all([node.apply(), node.apply()]);
  assertEquals(steps, ["begins", "ends", "begins", "ends"]);
});
