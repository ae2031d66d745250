import { assert, assertEquals } from "../../assert.ts";
import type { CheckConfig } from "../../../lib/config.ts";
import type { Verdict } from "../../../lib/health/verdict.ts";
import { deadline } from "../../../lib/host/checks/deadline.ts";
import { CheckRunner, verdictMs } from "../../../lib/host/checks/runner.ts";

function check(name: string, more: Partial<CheckConfig> = {}): CheckConfig {
  const probe = { kind: "tcp", host: "127.0.0.1", port: 1 } as const;
  return { name, probe, intervalMs: 1, timeoutMs: 1, rise: 2, fall: 3, weight: 0, ...more };
}

/** What a runner tells while its checks have these results; the last one is repeated. */
async function told(
  configs: readonly CheckConfig[],
  results: Readonly<Record<string, readonly (string | null)[]>>,
  end: (verdicts: readonly Verdict[]) => boolean,
) {
  const stop = new AbortController();
  const verdicts: Verdict[] = [];
  const changes: string[] = [];
  const turns = new Map<string, number>();
  const runner = new CheckRunner(configs, {
    verdict: (verdict) => {
      verdicts.push(verdict);
      if (end(verdicts)) stop.abort();
    },
    changed: ({ name, ok, lastError }) => changes.push(`${name} ${ok} ${lastError ?? ""}`.trim()),
  }, {
    tryOnce: ({ name }) => {
      const turn = turns.get(name) ?? 0;
      turns.set(name, turn + 1);
      return Promise.resolve(results[name][Math.min(turn, results[name].length - 1)]);
    },
  });
  await runner.run(stop.signal);
  return { verdicts, changes, status: runner.status(0) };
}

Deno.test("the verdict is told at the start and whenever it changes, not at every try", async () => {
  const { verdicts, changes, status } = await told(
    [check("web")],
    { web: [null, null, null, null, "refused", "refused", "refused"] },
    (all) => all.at(-1)?.failing.length === 1,
  );
  assertEquals(verdicts, [
    { pending: true, factor: 0, failing: [] },
    { pending: false, factor: 1, failing: [] },
    { pending: false, factor: 0, failing: ["web"] },
  ]);
  assertEquals(changes, ["web true", "web false refused"]);
  assertEquals(status.map(({ ok, lastError }) => [ok, lastError]), [[false, "refused"]]);
});

Deno.test("one of several checks decides with its weight", async () => {
  const { verdicts } = await told(
    [check("web", { weight: 0.5 }), check("db")],
    { web: ["refused"], db: [null] },
    (all) => all.at(-1)?.pending === false,
  );
  assertEquals(verdicts.at(-1), { pending: false, factor: 0.5, failing: ["web"] });
});

Deno.test("without checks there is nothing to wait for, and nothing is told", async () => {
  assertEquals(verdictMs([]), undefined);
  assertEquals(verdictMs([check("a", { intervalMs: 1000, timeoutMs: 500, rise: 3 })]), 3500);
  const runner = new CheckRunner([], {
    verdict: () => assert(false),
    changed: () => assert(false),
  });
  await runner.run(new AbortController().signal);
});

Deno.test("a deadline that this process slept through gives another term", async () => {
  const parent = new AbortController().signal;
  using held = deadline(30, parent);
  using onTime = deadline(30, parent);
  const until = performance.now() + 200;
  while (performance.now() < until); // this thread is busy
  await new Promise((resolve) => setTimeout(resolve, 0));
  assertEquals(held.signal.aborted, false);
  // The control: where nothing held it up, it ends.
  const deadlineMs = performance.now() + 10_000;
  while (!onTime.signal.aborted && performance.now() < deadlineMs) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  assertEquals(onTime.signal.reason, "no answer within 30 ms");
});

/** The verdicts of a runner that follows another one, until one of them fulfils the condition. */
async function afterwards(
  before: Readonly<Record<string, string | null>>,
  configs: readonly CheckConfig[],
  results: Readonly<Record<string, string | null>>,
  end: (verdicts: readonly Verdict[]) => boolean,
): Promise<Verdict[]> {
  const events = (take: (verdict: Verdict) => void) => ({ verdict: take, changed: () => {} });
  const first = new AbortController();
  const quick = Object.keys(before).map((name) => check(name, { rise: 1, fall: 1 }));
  const former = new CheckRunner(
    quick,
    events(({ pending }) => pending || first.abort()),
    { tryOnce: ({ name }) => Promise.resolve(before[name]) },
  );
  await former.run(first.signal);
  const second = new AbortController();
  const verdicts: Verdict[] = [];
  const runner = new CheckRunner(
    configs,
    events((verdict) => {
      verdicts.push(verdict);
      if (end(verdicts)) second.abort();
    }),
    { former, tryOnce: ({ name }) => Promise.resolve(results[name]) },
  );
  await runner.run(second.signal);
  return verdicts;
}

Deno.test("a check that is added counts from its first verdict on, and not before", async () => {
  const both = await afterwards(
    { web: null },
    [check("web"), check("db", { rise: 1 })],
    { web: null, db: "refused" },
    (all) => all.at(-1)!.failing.length > 0,
  );
  assertEquals(both, [
    { pending: false, factor: 1, failing: [] },
    { pending: false, factor: 0, failing: ["db"] },
  ]);
});

Deno.test("a check that stays keeps its verdict, one that goes is forgotten", async () => {
  const kept = await afterwards(
    { web: "refused" },
    [check("web", { rise: 3 })],
    { web: null },
    (all) => all.at(-1)!.factor === 1,
  );
  assertEquals(kept.map(({ factor }) => factor), [0, 1]);
  const none = await afterwards({ web: "refused" }, [], {}, () => true);
  assertEquals(none, [{ pending: false, factor: 1, failing: [] }]);
});
