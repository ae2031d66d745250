/** `avail reload`: what it asks, what it shows, and its exit codes. */
import { clusterScreen, reloadScreen } from "../../cli/reload_screen.ts";
import { width } from "../../cli/render.ts";
import type { ControlRequest } from "../../lib/control.ts";
import type { ClusterReport, NodeOutcome, ReloadReport } from "../../lib/control_reload.ts";
import { exitCodes } from "../../lib/errors.ts";
import { assert, assertEquals, assertStringIncludes } from "../assert.ts";
import { assertGolden } from "../golden.ts";
import { avail, withDaemon } from "./program.ts";

const weight = { key: "node.weight", old: 1, new: 2, takes: "now" } as const;
const interval = {
  key: "detection.interval",
  old: "100ms",
  new: "200ms",
  takes: "restart",
  why: "leases in force were given under it",
} as const;
const backups = { key: "replication.backups", old: 1, new: "all", takes: "together" } as const;
const check = {
  key: "check[web]",
  old: null,
  new: ["tcp 127.0.0.1:80", "interval 1s", "timeout 500ms", "rise 2", "fall 3", "weight 0"],
  takes: "now",
} as const;
const fault = {
  file: "/etc/avail/avail.toml",
  line: 7,
  where: "node.wieght",
  problem: "unknown key",
  remedy: 'did you mean "weight"?',
};

function report(more: Partial<ReloadReport>): ReloadReport {
  return {
    schema: 1,
    node: "fw1",
    file: "/etc/avail/avail.toml",
    outcome: "applied",
    changes: [weight, check],
    faults: [],
    warnings: [],
    why: [],
    restart: "systemctl restart avail",
    ...more,
  };
}

const refusedForRestart = report({
  outcome: "refused",
  changes: [weight, interval],
  why: ["detection.interval needs a restart: leases in force were given under it"],
});
const refusedAlone = report({
  outcome: "refused",
  changes: [backups],
  why: [
    "replication.backups must be equal on all nodes: write it into the file of each, " +
    "then change all at once: avail reload --cluster",
  ],
});

function node(name: string, more: Partial<NodeOutcome>): NodeOutcome {
  return {
    node: name,
    outcome: "applied",
    why: [],
    changes: [backups],
    faults: [],
    restart: null,
    ...more,
  };
}

function cluster(more: Partial<ClusterReport>): ClusterReport {
  const nodes = [node("fw1", {}), node("fw2", { changes: [backups, weight] })];
  return { schema: 1, outcome: "applied", epoch: 96, why: [], nodes, away: [], ...more };
}

const refusedByOne = cluster({
  outcome: "refused",
  epoch: null,
  nodes: [
    node("fw1", { outcome: "kept" }),
    node("fw2", {
      outcome: "refused",
      changes: [interval],
      why: refusedForRestart.why,
      restart: "systemctl restart avail",
    }),
    node("fw3", {
      outcome: "refused",
      changes: [],
      why: ["its file has faults"],
      faults: [fault],
    }),
  ],
  away: ["fw4"],
});
const followedByOne = cluster({
  outcome: "partly",
  nodes: [
    node("fw1", {}),
    node("fw2", { outcome: "lost", why: ["fw2 is gone (dead, left or restarted)"] }),
  ],
});

const text = { colour: false, unicode: true };

Deno.test("what one node shows", () => {
  const screens = [
    report({}),
    report({ outcome: "possible" }),
    report({ outcome: "unchanged", changes: [] }),
    refusedForRestart,
    { ...refusedForRestart, restart: null },
    refusedAlone,
    report({ outcome: "refused", changes: [], faults: [fault] }),
    report({ why: ["the keys are as they were: /etc/avail/cluster.key: there is no such file"] }),
  ].map((each) => reloadScreen(each, text));
  assertGolden("reload.txt", screens.join("----\n"));
});

Deno.test("what all nodes show", () => {
  const same = node("fw1", { outcome: "unchanged", changes: [] });
  const screens = [
    cluster({}),
    cluster({ epoch: null }),
    cluster({ outcome: "unchanged", epoch: null, nodes: [same] }),
    refusedByOne,
    followedByOne,
    cluster({
      outcome: "refused",
      epoch: null,
      why: ["fw4 has come meanwhile; begin anew"],
      nodes: [node("fw1", { outcome: "kept" })],
    }),
  ].map((each) => clusterScreen(each, text));
  assertGolden("reload_cluster.txt", screens.join("----\n"));
});

Deno.test("no line is wider than 80 columns, no name steers the terminal", () => {
  const evil = "fw\x1b[31m1";
  const plain = { colour: false, unicode: false };
  const screens = [
    clusterScreen({ ...refusedByOne, nodes: [node(evil, {})], away: [evil] }, plain),
    reloadScreen({ ...refusedAlone, node: evil }, plain),
    reloadScreen(refusedForRestart, plain),
    reloadScreen(report({ changes: [{ ...check, key: `check[${evil}]` }] }), plain),
  ];
  for (const screen of screens) {
    assert(/^[\x20-\x7e\n]*$/.test(screen), screen);
    for (const line of screen.split("\n")) assert(width(line) <= 80, line);
  }
});

Deno.test("exit codes, and what is asked of the daemon", async () => {
  const asked: ControlRequest[] = [];
  let answer: unknown = report({});
  await withDaemon((request) => (asked.push(request), answer), async (socket) => {
    const cases: readonly (readonly [unknown, readonly string[], number])[] = [
      [report({}), [], exitCodes.ok],
      [report({ outcome: "possible" }), ["--dry-run"], exitCodes.ok],
      [report({ outcome: "unchanged", changes: [] }), ["--node", "fw2"], exitCodes.ok],
      [refusedForRestart, [], exitCodes.failed],
      [report({ outcome: "refused", changes: [], faults: [fault] }), [], exitCodes.usage],
      [report({ why: ["the keys are as they were"] }), [], exitCodes.failed],
      [cluster({}), ["--cluster"], exitCodes.ok],
      [cluster({ outcome: "possible" }), ["--cluster", "--dry-run"], exitCodes.ok],
      [followedByOne, ["--cluster"], exitCodes.failed],
      [refusedByOne, ["--cluster"], exitCodes.usage],
      [cluster({ outcome: "refused" }), ["--cluster"], exitCodes.failed],
    ];
    for (const [reported, words, code] of cases) {
      answer = reported;
      const outcome = await avail("reload", ...words, "--socket", socket, "--json");
      assertEquals([outcome.code, outcome.stdout], [code, JSON.stringify(reported) + "\n"]);
    }
    assertEquals(asked.slice(0, 3), [
      { command: "reload", do: "apply" },
      { command: "reload", do: "check" },
      { command: "forward", node: "fw2", request: { command: "reload", do: "apply" } },
    ]);
    assertEquals(asked.slice(6, 8), [
      { command: "reloadCluster", dryRun: false },
      { command: "reloadCluster", dryRun: true },
    ]);
    // Faults are told where faults are told, warnings beside what was done.
    answer = report({ outcome: "refused", changes: [], faults: [fault] });
    const faulty = await avail("reload", "--socket", socket);
    assertEquals(faulty.stdout, "fw1: nothing was changed\n");
    assertEquals(
      faulty.stderr,
      'avail: /etc/avail/avail.toml:7: node.wieght: unknown key; did you mean "weight"?\n',
    );
    answer = report({ warnings: [fault] });
    const warned = await avail("reload", "--socket", socket);
    assertStringIncludes(warned.stderr, "avail: warning: /etc/avail/avail.toml:7");
    assertStringIncludes(warned.stdout, "2 changes are in use");
  });
});

Deno.test("wrong words: exit code 2; nobody there: 3", async () => {
  const cases: readonly (readonly [words: readonly string[], code: number, says: string])[] = [
    [["--cluster", "--node", "fw2"], exitCodes.usage, "--cluster means all nodes"],
    [["--clutser"], exitCodes.usage, "unknown flag --clutser; did you mean --cluster?"],
    [["fw2"], exitCodes.usage, '"fw2" is one word too many'],
    [["--node", "fw_2"], exitCodes.usage, "this is no node's name"],
    [["--socket", "/nowhere/x.sock"], exitCodes.notRunning, "nobody listens on /nowhere/x.sock"],
    [["--cluster", "--socket", "/nowhere/x"], exitCodes.notRunning, "nobody listens"],
  ];
  for (const [words, code, says] of cases) {
    const outcome = await avail("reload", ...words);
    assertEquals(outcome.code, code, words.join(" "));
    assertStringIncludes(outcome.stderr, says);
    assertEquals(outcome.stdout, "");
  }
});
