/** When staged settings come into use: with the plan of their epoch, in time, once. */
import { type CoreSettings, Settings, type SettingsInput } from "../../lib/reload/settings.ts";
import { assertEquals } from "../assert.ts";

const of = (backups: number): CoreSettings => ({
  weight: null,
  drainTimeoutMs: 0,
  backups,
  configDigest: `digest of ${backups}`,
  topics: [],
});

const stage = (backups: number, epoch: number, withinMs = 100): SettingsInput => ({
  kind: "stage",
  id: `s${backups}`,
  epoch,
  withinMs,
  settings: of(backups),
});

/** Settings with one backup; the time is 0 and the plan in force has epoch 5. */
function fresh(): Settings {
  const { weight: _, ...present } = of(1);
  return new Settings(present);
}

Deno.test("at once", () => {
  const settings = fresh();
  const used = settings.take({ kind: "configure", id: "a", settings: of(2) }, 5, 0);
  assertEquals([used?.id, used?.settings.backups], ["a", 2]);
  assertEquals(settings.present, { ...settings.present, backups: 2, configDigest: "digest of 2" });
});

Deno.test("with a plan: not before its epoch, not after its time, not twice", () => {
  const table:
    readonly (readonly [epochs: [number, number][], used: readonly (string | null)[]])[] = [
      [[[6, 1], [9, 2], [10, 3]], [null, null, "s2"]],
      [[[10, 1], [11, 2]], ["s2", null]],
      [[[12, 99]], ["s2"]],
      [[[10, 100]], [null]],
      [[[10, 101], [11, 102]], [null, null]],
    ];
  for (const [plans, used] of table) {
    const settings = fresh();
    assertEquals(settings.take(stage(2, 10), 5, 0), null);
    assertEquals(plans.map(([epoch, at]) => settings.adopted(epoch, at)?.id ?? null), [...used]);
    assertEquals(settings.present.backups, used.includes("s2") ? 2 : 1);
  }
});

Deno.test("where the plan is in force already, at once", () => {
  assertEquals(fresh().take(stage(2, 10), 10, 0)?.id, "s2");
  assertEquals(fresh().take(stage(2, 10), 9, 0), null);
});

Deno.test("what is taken back or replaced is forgotten", () => {
  const settings = fresh();
  settings.take(stage(2, 10), 5, 0);
  settings.take({ kind: "unstage", id: "another" }, 5, 1);
  settings.take({ kind: "unstage", id: "s2" }, 5, 1);
  assertEquals(settings.adopted(10, 2), null);
  settings.take(stage(2, 10), 5, 3);
  settings.take(stage(3, 12), 5, 4);
  assertEquals(settings.adopted(10, 5), null);
  assertEquals(settings.adopted(12, 6)?.id, "s3");
  // The control: the unstage of another one left it.
  settings.take(stage(4, 20), 12, 7);
  settings.take({ kind: "unstage", id: "s2" }, 12, 8);
  assertEquals(settings.adopted(20, 9)?.id, "s4");
});

Deno.test("the planner plans by what will hold under its plan, and only while it is asked to", () => {
  const settings = fresh();
  assertEquals(settings.planTerms(0), { backups: 1, epochMin: 0 });
  settings.take(stage(2, 10), 5, 0);
  assertEquals(settings.planTerms(1), { backups: 1, epochMin: 0 });
  settings.take({ kind: "replan", epoch: 10, withinMs: 50 }, 5, 1);
  assertEquals(settings.planTerms(2), { backups: 2, epochMin: 10 });
  assertEquals(settings.planTerms(51), { backups: 1, epochMin: 0 });
  // Who is asked for the plan and has nothing staged makes it by what it has.
  settings.take({ kind: "unstage", id: "s2" }, 5, 52);
  settings.take({ kind: "replan", epoch: 10, withinMs: 50 }, 5, 53);
  assertEquals(settings.planTerms(54), { backups: 1, epochMin: 10 });
  // With what is staged the wish for a plan is taken back.
  settings.take(stage(2, 10), 5, 55);
  settings.take({ kind: "unstage", id: "s2" }, 5, 56);
  assertEquals(settings.planTerms(57), { backups: 1, epochMin: 0 });
});
