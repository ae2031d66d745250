/** What a node looks after can be changed while it runs. */
import type { CheckConfig, Config } from "../../lib/config.ts";
import { HealthWatch } from "../../lib/host/health_watch.ts";
import { Log } from "../../lib/log.ts";
import type { HealthInput } from "../../lib/node_types.ts";
import { assert, assertEquals } from "../assert.ts";
import { configOf, file } from "../reload/configs.ts";

const log = new Log({
  level: "error",
  format: "text",
  output: { write() {}, timeOfDay: () => "", now: () => 0 },
});

/** A program that exists, or does not: it succeeds or fails at once. */
const check = (name: string, program: string): CheckConfig => ({
  name,
  probe: { kind: "command", argv: [program] },
  intervalMs: 100,
  timeoutMs: 90,
  rise: 1,
  fall: 1,
  weight: 0,
});
const withChecks = (...checks: CheckConfig[]): Config => ({ ...configOf(file), checks });

async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (!condition()) {
    assert(performance.now() < deadline, "not in time");
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

Deno.test("checks come and go while it runs; the signal ends all of it", async () => {
  const told: HealthInput[] = [];
  const last = () => {
    const input = told.at(-1);
    return input?.kind === "health" ? input.verdict : null;
  };
  const watch = new HealthWatch(withChecks(), (input) => void told.push(input), log);
  const stop = new AbortController();
  const running = watch.run(stop.signal);
  assertEquals(told, [], "without checks there is nothing to tell");
  watch.use(withChecks(check("good", "/bin/true")));
  await until(() => watch.status(0).every(({ ok }) => ok === true));
  watch.use(withChecks(check("good", "/bin/true"), check("bad", "/bin/false")));
  await until(() => last()?.failing.join() === "bad");
  assertEquals(watch.status(0).map(({ name, ok }) => `${name} ${ok}`), ["good true", "bad false"]);
  watch.use(withChecks(check("good", "/bin/true")));
  await until(() => last()?.factor === 1);
  // Nobody runs what is no more looked after.
  watch.use(withChecks());
  await until(() => watch.status(0).length === 0);
  stop.abort();
  await running;
});
