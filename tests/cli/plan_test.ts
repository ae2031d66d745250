/** `avail plan` against a daemon of the test's own. */
import type { ControlRequest, Planning, Status } from "../../lib/control.ts";
import { AvailError, exitCodes } from "../../lib/errors.ts";
import { effectOf, type PlanChange } from "../../lib/ownership/what_if.ts";
import { planScreen } from "../../cli/plan_screen.ts";
import { assert, assertEquals, assertStringIncludes } from "../assert.ts";
import { assertGolden } from "../golden.ts";
import { planned } from "../ownership/views.ts";
import { avail, withDaemon } from "./program.ts";
import { safeStatus } from "./statuses.ts";

const text = { colour: false, unicode: true };
const input = planned([1, 1, 1]);
const names = input.candidates.map(({ name }) => name);
const planning: Planning = { planner: "fw1", input };

/** Buckets of fw1 are hot. */
const rates = input.owners.map((owner) => owner === 0 ? 300 : 100);

function statusOf(node: string): Status {
  const own = names.indexOf(node);
  const packetsPerSecond = rates.map((rate, bucket) => input.owners[bucket] === own ? rate : 0);
  const load = { packets: packetsPerSecond, bytes: packetsPerSecond, packetsPerSecond };
  return {
    ...safeStatus,
    node,
    owners: input.owners.map((owner) => names[owner]),
    datapath: { ...safeStatus.datapath, load },
  };
}

/** A daemon of fw1; what it is asked to do is done at once, or never. */
function daemon(options: { silent?: string; does?: PlanChange } = {}) {
  const asked: ControlRequest[] = [];
  let owners = statusOf("fw1").owners;
  const handle = (request: ControlRequest): unknown => {
    if (request.command === "status") return { ...statusOf("fw1"), owners };
    if (request.command === "planning") return planning;
    if (request.command !== "forward") throw new AvailError(`unexpected ${request.command}`);
    const { node, request: inner } = request;
    if (node === options.silent) throw new AvailError(`${node} gave no answer within 5 s`);
    if (inner.command === "status") return statusOf(node);
    asked.push(request);
    if (options.does !== undefined) owners = effectOf(input, options.does, rates).owners;
    return {};
  };
  return { asked, handle };
}

Deno.test("plan: each change as people read it", () => {
  const changes: readonly PlanChange[] = [
    { kind: "without", node: "fw2" },
    { kind: "weight", node: "fw1", weight: 2 },
    { kind: "balance" },
  ];
  const screens = changes.map((change) => {
    const effect = effectOf(input, change, rates);
    return planScreen({ change, effect, unknown: [], applied: false, waited: true }, text);
  });
  const half = rates.map((rate, bucket) => input.owners[bucket] === 2 ? null : rate);
  const change = changes[0];
  const effect = effectOf(planned([1, 1]), change, half.slice(0, 256));
  const unknown = [{ node: "fw\x1b3", why: "clusterip does not count it" }];
  screens.push(planScreen({ change, effect, unknown, applied: true, waited: false }, {
    colour: false,
    unicode: false,
  }));
  for (const line of screens.join("").split("\n")) assert(line.length <= 80, line);
  assertGolden("plan.txt", screens.join("---\n"));
});

Deno.test("plan: JSON, with the loads of all nodes", async () => {
  const { handle, asked } = daemon();
  await withDaemon(handle, async (socket) => {
    const { stdout, code } = await avail("plan", "--without", "fw2", "--json", "--socket", socket);
    assertEquals(code, exitCodes.ok);
    const told = JSON.parse(stdout);
    const { owners: _, ...effect } = effectOf(input, { kind: "without", node: "fw2" }, rates);
    assertEquals(told, {
      schema: 1,
      change: { kind: "without", node: "fw2" },
      applied: false,
      ...effect,
      unknown: [],
    });
    assertEquals(asked, [], "nothing is done without --apply");
  });
});

Deno.test("plan --apply: asks the right node for the right thing, and waits for it", async () => {
  const balance = effectOf(input, { kind: "balance" }, rates);
  const owners: Record<string, number[]> = {};
  for (const { bucket, to } of balance.moves) (owners[to] ??= []).push(bucket);
  const cases = [
    [["--without", "fw2"], { kind: "without", node: "fw2" }, {
      node: "fw2",
      request: { command: "drain" },
    }],
    [["--weight", "fw3=2"], { kind: "weight", node: "fw3", weight: 2 }, {
      node: "fw3",
      request: { command: "weight", weight: 2 },
    }],
    [["--balance"], { kind: "balance" }, { node: "fw1", request: { command: "balance", owners } }],
  ] as const;
  for (const [flags, does, request] of cases) {
    const { handle, asked } = daemon({ does });
    await withDaemon(handle, async (socket) => {
      const { stdout, code } = await avail("plan", ...flags, "--apply", "--socket", socket);
      assertEquals(code, exitCodes.ok);
      assertStringIncludes(stdout, "applied: it is so now");
      assertEquals(asked, [{ command: "forward", ...request }]);
    });
  }
  // The control: where nothing follows, it says so.
  await withDaemon(daemon().handle, async (socket) => {
    const flags = ["--without", "fw2", "--apply", "--timeout", "0.3", "--socket", socket];
    const late = await avail("plan", ...flags);
    assertEquals(late.code, exitCodes.failed);
    assertStringIncludes(late.stderr, "85 buckets not yet where they belong after 300 ms");
  });
});

Deno.test("plan: a node that does not answer is named, and cannot be balanced", async () => {
  await withDaemon(daemon({ silent: "fw3" }).handle, async (socket) => {
    const { stdout, code } = await avail("plan", "--weight", "fw1=2", "--socket", socket);
    assertEquals(code, exitCodes.ok);
    assertStringIncludes(stdout, "the load of fw3 is not known: fw3 gave no answer within 5 s");
    const balance = await avail("plan", "--balance", "--socket", socket);
    assertEquals(balance.code, exitCodes.failed);
    assertStringIncludes(
      balance.stderr,
      "plan: the traffic of 85 buckets is not known; fw3: fw3 gave no answer",
    );
  });
});

Deno.test("plan: wrong words", async () => {
  const cases: readonly (readonly [args: readonly string[], code: number, says: string])[] = [
    [[], exitCodes.usage, "plan: no change is named; write one of --without NAME, --weight"],
    [["--balance", "--without", "fw2"], exitCodes.usage, "plan: 2 changes at once"],
    [["--weight", "fw1"], exitCodes.usage, 'weight: "fw1": write it as fw1=2'],
    [["--weight", "fw1=0"], exitCodes.usage, 'weight: "fw1=0": a weight is'],
    [["--without", "fw_1"], exitCodes.usage, "this is no node's name"],
    [
      ["--without", "fw9"],
      exitCodes.failed,
      '"fw9" is no node that may own buckets; those are fw1',
    ],
  ];
  await withDaemon(daemon().handle, async (socket) => {
    for (const [args, code, says] of cases) {
      const outcome = await avail("plan", ...args, "--socket", socket);
      assertEquals([outcome.code, outcome.stdout], [code, ""], args.join(" "));
      assertStringIncludes(outcome.stderr, says);
      assertEquals(outcome.stderr.trimEnd().split("\n").length, 1, outcome.stderr);
    }
  });
  // Nobody plans.
  const handle = (request: ControlRequest) =>
    request.command === "planning" ? { ...planning, planner: null } : statusOf("fw1");
  await withDaemon(handle, async (socket) => {
    const { code, stderr } = await avail("plan", "--balance", "--socket", socket);
    assertEquals(code, exitCodes.failed);
    assertStringIncludes(stderr, "no node is ready, so nothing is planned");
  });
});
