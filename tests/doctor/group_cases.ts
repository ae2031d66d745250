/** The test of a group of checks: sound facts, then one thing at a time that is not. */
import type { Group } from "../../lib/doctor/check.ts";
import type { Outcome, Severity } from "../../lib/doctor/finding.ts";
import type { Setup } from "../../lib/doctor/setup.ts";
import { assert, assertEquals, assertMatch } from "../assert.ts";
import { bareSetup, soundSetup } from "./setups.ts";

export interface Case<Facts> {
  /** The check that must find it, how bad it is, and what its title says. */
  readonly finds: readonly [id: string, severity: Severity, says: RegExp];
  readonly facts?: Partial<Facts>;
  readonly setup?: Partial<Setup>;
  /** The fix that is offered, as `path=value`, `mode PATH` or `module NAME`. */
  readonly fix?: string;
  /** Other checks of the group that may say something else then, too. */
  readonly also?: readonly string[];
}

type Said = ReadonlyMap<string, readonly Outcome[]>;

/**
 * Registers the tests. With sound facts every check is content or has nothing to say; with a case, its
 * check says so and all others say what they said before: that is each case's control.
 */
export function testGroup<Name extends string, Facts>(
  group: Group<Name, Facts>,
  sound: Facts,
  cases: readonly Case<Facts>[],
  setup: Setup = soundSetup,
): void {
  const ask = (facts: Facts, of: Setup): Said =>
    new Map(group.checks.map(({ id, examine }) => [id, examine(facts, of)]));
  const before = ask(sound, setup);

  Deno.test(`doctor, ${group.name}: nothing is wrong with a sound node`, () => {
    const complaints = [...before.values()].flat().filter(({ severity }) => severity !== "ok");
    assertEquals(complaints.map(({ title }) => title), []);
  });

  Deno.test(`doctor, ${group.name}: every check has a case that it finds`, () => {
    const tried = new Set(
      cases.filter(({ finds }) => finds[1] !== "ok").map(({ finds }) => finds[0]),
    );
    assertEquals(group.checks.map(({ id }) => id).filter((id) => !tried.has(id)), []);
  });

  Deno.test(`doctor, ${group.name}: without a configuration and a daemon it says no nonsense`, () => {
    for (const [id, outcomes] of ask(sound, bareSetup)) {
      for (const { severity, title } of outcomes) {
        assert(severity !== "error", `${id}: ${title}`);
      }
    }
  });

  for (const { finds: [id, severity, says], facts, setup: change, fix, also = [] } of cases) {
    Deno.test(`doctor, ${group.name}: ${id} ${severity} ${says.source}`, () => {
      const after = ask({ ...sound, ...facts }, { ...setup, ...change });
      const found = after.get(id)!.filter((outcome) => outcome.severity === severity);
      const hit = found.find(({ title }) => says.test(title));
      assert(hit !== undefined, `${id} says ${JSON.stringify(after.get(id))}`);
      assertComplete(hit);
      assertEquals(hit.fix === null ? undefined : fixText(hit), fix);
      for (const [other, outcomes] of after) {
        if (other === id || also.includes(other) || change !== undefined) continue;
        assertEquals(titles(outcomes), titles(before.get(other)!), other);
      }
    });
  }
}

function titles(outcomes: readonly Outcome[]): string[] {
  return outcomes.map(({ title }) => title);
}

/** A title reads as a sentence without its end, and what is not fine says why. */
function assertComplete({ severity, title, why, remedy, commands, fix }: Outcome): void {
  assert(!/[.\n]$|undefined|NaN|null|\[object/.test(title), title);
  assert(title.length <= 140, title);
  if (severity === "ok") return;
  assert(why !== null && why.length > 20, title);
  assert(!/undefined|NaN|\[object/.test([why, remedy, ...commands].join(" ")), title);
  if (severity !== "info") assert(remedy !== null, `${title}: no remedy`);
  if (fix !== null) assert(commands.length > 0, `${title}: a fix that cannot be typed`);
  for (const command of commands) assertMatch(command, /^[a-z][a-z0-9-]* ?(.*\S)?$/);
}

function fixText({ fix }: Outcome): string {
  if (fix!.kind === "sysctl") return `${fix!.path}=${fix!.value}`;
  return fix!.kind === "mode" ? `mode ${fix!.path}` : `module ${fix!.name}`;
}
