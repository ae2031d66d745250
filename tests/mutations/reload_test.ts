/** The negative control of reloading together: each mistake must be noticed by its tests. */
import { assert, assertEquals } from "../assert.ts";
import type { Mutation } from "./mutations.ts";

const root = new URL("../../", import.meta.url).pathname;

const mutations: readonly Mutation[] = [
  {
    name: "what is staged never times out",
    file: "reload/settings.ts",
    from: "return now < staged.until ? this.#use(staged) : null;",
    to: "return this.#use(staged);",
  },
  {
    name: "what is staged counts with any plan",
    file: "reload/settings.ts",
    from: "if (staged === null || epoch < staged.epoch) return null;",
    to: "if (staged === null) return null;",
  },
  {
    name: "the planner plans by the old settings",
    file: "reload/settings.ts",
    from: "const { backups } = counts ? staged.settings : this.#present;",
    to: "const { backups } = this.#present;",
  },
  {
    name: "any plan may reach the epoch before its time",
    file: "reload/cluster_reload.ts",
    from: "presentEpoch + Math.ceil(2 * windowMs / detectionMs) + 2",
    to: "presentEpoch + 1",
  },
  {
    name: "it goes on without a node that was not committed",
    file: "reload/cluster_reload.ts",
    from: "if (missing.length > 0 && !isUnderWay) {",
    to: "if (missing.length > 9) {",
  },
  {
    name: "nobody is told to forget it",
    file: "reload/cluster_reload.ts",
    from: `    const answers = await this.#everybody<StageOutcome>({ do: "cancel" });
    const isApplied`,
    to: `    const answers: Answers<StageOutcome> = new Map();
    const isApplied`,
  },
  {
    name: "files need not agree",
    file: "reload/judge.ts",
    from: "if (others.includes(own)) return [];",
    to: "if (others !== null) return [];",
  },
  {
    name: "one that cannot does not count",
    file: "reload/judge.ts",
    from: "object(report.node, [...faults, ...report.why]);",
    to: "",
  },
  {
    name: "who does not answer counts as if it had followed",
    file: "reload/cluster_reload.ts",
    from:
      'const isApplied = !("error" in answer) && answer.state === "applied";\n      if (!isApplied)',
    to: 'const isApplied = "error" in answer || answer.state === "applied";\n      if (!isApplied)',
  },
];

Deno.test("without a mistake the tests of reloading pass, also in a copy", async () => {
  const { code, said } = await runWith(null);
  assertEquals(code, 0, said);
});

for (const mutation of mutations) {
  Deno.test(`the tests of reloading notice: ${mutation.name}`, async () => {
    const { code, said } = await runWith(mutation);
    assertEquals(code, 1, said);
    assert(/ \| 1 failed/.test(said) && /AssertionError/.test(said), said);
  });
}

/** Runs them in a copy of the tree, with a mistake in it or without. */
async function runWith(mutation: Mutation | null) {
  const tree = await Deno.makeTempDir({ prefix: "avail-mutation-" });
  try {
    for (const folder of ["lib", "tests/sim", "tests/reload"]) {
      await copy(`${root}${folder}`, `${tree}/${folder}`);
    }
    for (const name of ["assert.ts", "assert.d.ts"]) {
      await Deno.copyFile(`${root}tests/${name}`, `${tree}/tests/${name}`);
    }
    if (mutation !== null) {
      const { file, from, to } = mutation;
      const source = await Deno.readTextFile(`${tree}/lib/${file}`);
      assertEquals(source.split(from).length, 2, `lib/${file} has it once: ${from}`);
      await Deno.writeTextFile(`${tree}/lib/${file}`, source.replace(from, () => to));
    }
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        ...["test", "-A", "--no-check", "--fail-fast", "--config", `${root}deno.json`],
        `${tree}/tests/reload/`,
      ],
      env: { NO_COLOR: "1" },
    }).output();
    const decoder = new TextDecoder();
    return { code, said: decoder.decode(stdout) + decoder.decode(stderr) };
  } finally {
    await Deno.remove(tree, { recursive: true });
  }
}

async function copy(from: string, to: string): Promise<void> {
  await Deno.mkdir(to, { recursive: true });
  for await (const { name, isDirectory } of Deno.readDir(from)) {
    if (isDirectory) await copy(`${from}/${name}`, `${to}/${name}`);
    else await Deno.copyFile(`${from}/${name}`, `${to}/${name}`);
  }
}
