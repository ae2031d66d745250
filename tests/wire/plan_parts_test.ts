import fc from "fast-check";
import { assert, assertEquals } from "../assert.ts";
import { encodePlanParts, PlanAssembly } from "../../lib/wire/plan_parts.ts";
import { decodePlan, encodePlan, sealPlan, supersedes } from "../../lib/ownership/plan.ts";
import { envelopeOverheadBytes } from "../../lib/wire/seal.ts";
import { datagramBytesMax } from "../../lib/limits.ts";
import { planContent } from "./examples.ts";

Deno.test("a plan survives its bytes, whole and in parts, in any order, with repeats", () => {
  for (const [members, backups] of [[1, 0], [3, 1], [16, 15], [32, 31]]) {
    const plan = sealPlan(planContent(members, backups));
    assertEquals(decodePlan(encodePlan(plan)), plan);
    const parts = encodePlanParts(plan);
    for (const part of parts) assert(part.length + envelopeOverheadBytes <= datagramBytesMax);
    const assembly = new PlanAssembly();
    const shuffled = [...parts.slice(1), ...parts.slice(1), parts[0]];
    const results = shuffled.map((part) => assembly.add(part));
    assertEquals(results.at(-1), plan);
    assertEquals(results.slice(0, -1).every((result) => result === null), true);
  }
});

const laterEpoch = planContent().epoch + 5;

Deno.test("recorded parts of an older plan do not keep the present one from becoming whole", () => {
  const recorded = encodePlanParts(sealPlan(planContent(16, 15)));
  const present = sealPlan({ ...planContent(16, 15), epoch: laterEpoch });
  const assembly = new PlanAssembly();
  let whole: ReturnType<PlanAssembly["add"]> = null;
  for (const part of encodePlanParts(present)) {
    whole = assembly.add(part);
    assertEquals(assembly.add(recorded[1]), { refusal: "replayed" });
  }
  assertEquals(whole, present);
  // The control: a later plan does start over.
  const later = encodePlanParts(sealPlan({ ...planContent(16, 15), epoch: laterEpoch + 1 }));
  for (const part of later) assertEquals("refusal" in (assembly.add(part) ?? {}), false);
});

Deno.test("a missing part leaves the plan incomplete, another plan starts over", () => {
  const first = encodePlanParts(sealPlan(planContent(16, 15)));
  const second = encodePlanParts(sealPlan({ ...planContent(16, 15), epoch: laterEpoch }));
  const assembly = new PlanAssembly();
  for (const part of first.slice(1)) assertEquals(assembly.add(part), null);
  for (const part of second.slice(0, -1)) assertEquals(assembly.add(part), null);
  const whole = assembly.add(second.at(-1)!);
  assert(whole !== null && "epoch" in whole && whole.epoch === laterEpoch);
});

Deno.test("a part that does not belong is noticed by the digest", () => {
  const plan = sealPlan(planContent(3, 1));
  const [part] = encodePlanParts(plan);
  assertEquals(new PlanAssembly().add(part.with(40, part[40] ^ 1)), { refusal: "plan digest" });
});

Deno.test("broken parts are refused and never throw", () => {
  const [part] = encodePlanParts(sealPlan(planContent(3, 1)));
  for (let length = 0; length < 19; length++) {
    assert("refusal" in (new PlanAssembly().add(part.subarray(0, length)) ?? {}));
  }
  fc.assert(fc.property(fc.uint8Array({ maxLength: 900 }), (noise) => {
    noise[0] = 2;
    new PlanAssembly().add(noise);
    decodePlan(noise);
  }));
});

Deno.test("the later epoch wins, then the smaller planner", () => {
  const plan = (epoch: number, planner: string) => sealPlan({ ...planContent(), epoch, planner });
  assert(supersedes(plan(2, "z"), plan(1, "a")));
  assert(!supersedes(plan(1, "a"), plan(2, "z")));
  assert(supersedes(plan(1, "a"), plan(1, "b")));
  assert(supersedes(plan(1, "b"), null));
  assert(!supersedes(plan(1, "b"), plan(1, "b")));
});
