/** guest/lib.sh, in this system's dash: what it prints is what TapReader reads. */
import { assertEquals, assertStringIncludes } from "../assert.ts";
import { TapReader } from "./tap.ts";

const library = new URL("./guest/lib.sh", import.meta.url).pathname;

async function run(script: string): Promise<{ code: number; out: string; tap: TapReader }> {
  const { code, stdout } = await new Deno.Command("dash", {
    args: ["-c", `. "$0"\n${script}`, library],
    stderr: "inherit",
  }).output();
  const out = new TextDecoder().decode(stdout);
  const tap = new TapReader();
  for (const line of out.split("\n")) tap.read(line);
  return { code, out, tap };
}

/** Each function in a case where it passes, and in one where it fails. */
const cases: readonly (readonly [passes: string, fails: string])[] = [
  ["ok what true", "ok what false"],
  ["true; ok what", "false; ok what"],
  ["not_ok what false", "not_ok what true"],
  ["false; not_ok what", "true; not_ok what"],
  ["is what 1 1", "is what 1 2"],
  ["isnt what 1 2", "isnt what 1 1"],
  ["like what 'an apple' 'a.ple$'", "like what 'an apple' pear"],
  ["unlike what 'an apple' pear", "unlike what 'an apple' apple"],
  ["wait_until 1 true; ok what", "wait_until 0 false; ok what"],
];

for (const [passes, fails] of cases) {
  Deno.test(`guest library: ${passes}, but not: ${fails}`, async () => {
    const good = await run(`${passes}\nfinish`);
    assertEquals([good.code, good.tap.problem()], [0, null], good.out);
    assertEquals(good.tap.results[0].description, "what");
    const bad = await run(`${fails}\nok second true\nfinish`);
    assertEquals([bad.code, bad.tap.problem()], [1, "1 of 2 failed"], bad.out);
  });
}

Deno.test("guest library: a failure shows what was said and found", async () => {
  assertStringIncludes((await run("is what one two")).out, '# got "one", wanted "two"');
  const { out } = await run("ok what sh -c 'echo too bad; exit 7'");
  assertStringIncludes(out, "(exit code 7): too bad");
});

Deno.test("guest library: a scene that cannot be set ends the test", async () => {
  const { code, tap } = await run(
    "must sh -c 'echo no such device; exit 1'\nok never true\nfinish",
  );
  assertEquals([code, tap.results.length], [1, 0]);
  assertEquals(tap.problem(), "bailed out: sh -c echo no such device; exit 1: no such device");
  assertEquals((await run("must true\nok what true\nfinish")).tap.problem(), null);
});

Deno.test("guest library: a script that breaks off has no plan", async () => {
  const { tap } = await run("ok what true\nexit 0");
  assertEquals(tap.problem(), "no plan after 1 results: it broke off");
});

Deno.test("guest library: what a kernel cannot do is skipped with a reason", async () => {
  const { tap } = await run("skip CLUSTERIP 'not in this kernel'\nfinish");
  assertEquals([tap.problem(), tap.results[0].skipped], [null, "not in this kernel"]);
});
