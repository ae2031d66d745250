/** Whatever is wrong is told in words that help, with its exit code, and nothing on standard output. */
import { assert, assertEquals, assertStringIncludes } from "../assert.ts";
import { avail } from "../cli/program.ts";
import { files, type WrongUsage, wrongUsages } from "./wrong_usages.ts";

/** Processes at a time. */
const atOnce = 4;

Deno.test("at least sixty wrong usages: exit code and message, nothing on standard output", async () => {
  assert(wrongUsages.length >= 60, `${wrongUsages.length}`);
  const dir = await Deno.makeTempDir();
  try {
    await Deno.mkdir(`${dir}/root`);
    for (const [name, content, mode = 0o644] of files) {
      await Deno.writeTextFile(`${dir}/${name}`, content.replaceAll("{dir}", dir), { mode });
    }
    const rows = wrongUsages.values();
    await Promise.all(Array.from({ length: atOnce }, async () => {
      for (const row of rows) await check(row, dir);
    }));
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

async function check([words, code, says]: WrongUsage, dir: string): Promise<void> {
  const line = `avail ${words.join(" ")}`;
  const outcome = await avail(...words.map((word) => word.replaceAll("{dir}", dir)));
  assertEquals(outcome.code, code, `${line}\n${outcome.stderr}`);
  assertEquals(outcome.stdout, "", line);
  assert(!/\n\s+at /.test(outcome.stderr), `${line}: a stack\n${outcome.stderr}`);
  for (const text of [says].flat()) {
    assertStringIncludes(outcome.stderr, `avail: ${text.replaceAll("{dir}", dir)}`, line);
  }
}

Deno.test("control: what is right is not told as wrong", async () => {
  const outcome = await avail("version");
  assertEquals([outcome.code, outcome.stderr], [0, ""]);
});
