/** The simulator's negative control: each mistake in the core must break a story. */
import { assert, assertEquals } from "../assert.ts";
import { mutations, signs } from "./mutations.ts";

const root = new URL("../../", import.meta.url).pathname;
/** Enough for the most hidden one, several times over. */
const storiesMax = 1500;

Deno.test("whatever must hold, there is a mistake that breaks it", () => {
  assertEquals(new Set(mutations.map(({ breaks }) => breaks)), new Set(Object.keys(signs)));
});

for (const { name, breaks, file, from, to, seed = 1, noticedBy } of mutations) {
  Deno.test(`the simulator notices: ${name}`, async () => {
    const tree = await Deno.makeTempDir({ prefix: "avail-mutation-" });
    try {
      await copy(`${root}lib`, `${tree}/lib`);
      await copy(`${root}tests/sim`, `${tree}/tests/sim`);
      const source = await Deno.readTextFile(`${tree}/lib/${file}`);
      assertEquals(source.split(from).length, 2, `lib/${file} has it once: ${from}`);
      await Deno.writeTextFile(`${tree}/lib/${file}`, source.replace(from, () => to));
      for (const helper of ["assert.ts", "assert.d.ts"]) {
        await Deno.copyFile(`${root}tests/${helper}`, `${tree}/tests/${helper}`);
      }
      const stories = [`${tree}/tests/sim/main.ts`, "--seed", `${seed}`, "--minutes", "30"];
      const few = ["--stories", `${storiesMax}`, "--broken", "1", "--shorten", "0"];
      const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
        args: [
          ...[noticedBy ? "test" : "run", "-A", "--no-check", "--config", `${root}deno.json`],
          ...(noticedBy ? [`${tree}/tests/sim/${noticedBy}`] : [...stories, ...few]),
        ],
      }).output();
      const said = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
      assertEquals(code, 1, said);
      assert(signs[breaks].test(said), said);
      if (!noticedBy) assert(/ 1 broken$/m.test(said), said);
    } finally {
      await Deno.remove(tree, { recursive: true });
    }
  });
}

async function copy(from: string, to: string): Promise<void> {
  await Deno.mkdir(to, { recursive: true });
  for await (const { name, isDirectory } of Deno.readDir(from)) {
    if (isDirectory) await copy(`${from}/${name}`, `${to}/${name}`);
    else await Deno.copyFile(`${from}/${name}`, `${to}/${name}`);
  }
}
