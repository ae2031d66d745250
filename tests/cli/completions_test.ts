/** What the shells themselves offer with our completions: the same cases in bash, zsh and fish. */
import { assert, assertEquals } from "../assert.ts";
import { application } from "../../cli/application.ts";
import { type CommandEntry, commandTable, leaves } from "../../cli/command_table.ts";
import { completionsFor, type Shell, shells } from "../../cli/program_texts.ts";

/** A line up to the cursor; words that must be offered, and words that must not. */
const cases: readonly (readonly [line: string, has: string[], hasNot: string[]])[] = [
  ["avail st", ["status"], ["who", "--json"]],
  ["avail ", ["status", "who", "kmod", "install", "version"], ["build", "/etc"]],
  ["avail kmod ", ["status", "build", "load", "unload"], ["who", "show"]],
  ["avail key r", ["rotate", "reload"], ["show", "resume", "run"]],
  ["avail kmod build --", ["--kernel", "--no-dkms", "--dry-run", "--help"], ["--config", "build"]],
  ["avail drain --", ["--node", "--no-wait", "--timeout"], ["--share", "drain"]],
  ["avail drain --json --no", ["--node", "--no-wait"], ["--timeout"]],
  ["avail completions ", ["bash", "zsh", "fish"], ["nodes", "status"]],
  ["avail who --share l", ["lo"], ["status", "--json"]],
  ["avail who --share=l", ["lo"], ["status", "--json"]],
  ["avail run --config /etc/hostn", ["hostname"], ["hosts"]],
  ["avail install --root /us", ["usr"], ["etc"]],
  ["avail who --proto ", [], ["--json", "status"]],
  ["avail status st", [], ["status", "start"]],
  ["avail nonsense ", [], ["kmod"]],
];

for (const shell of shells) {
  Deno.test(`completions: what ${shell} offers`, async () => {
    const folder = await Deno.makeTempDir();
    try {
      const file = `${folder}/_avail`;
      await Deno.writeTextFile(file, await completionsFor(shell));
      for (const [line, has, hasNot] of cases) {
        const offered = await offers(shell, file, line);
        for (const word of has) {
          assert(offered.includes(word), `${line}| ${word} is not in: ${offered.join(" ")}`);
        }
        for (const word of hasNot) {
          assert(!offered.includes(word), `${line}| ${word} is in: ${offered.join(" ")}`);
        }
      }
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}

/** The words that the shell would offer; of paths their last part, so that all shells are alike. */
async function offers(shell: Shell, file: string, line: string): Promise<string[]> {
  const said = await run(commands[shell](file, line));
  const words = shell === "zsh"
    ? said.split("\n").filter((text) => text.startsWith("HIT ")).map((text) => text.slice(4))
    : said.split("\n").map((text) => text.split("\t")[0]);
  return words.filter((word) => word !== "")
    .map((word) => word.replace(/^--[\w-]+=/, "").replace(/\/$/, "").replace(/^.*\//, ""));
}

/** bash takes `=` for a word of its own (COMP_WORDBREAKS). */
const bashWords = (line: string) => line.split(/ |(=)/).filter((word) => word !== undefined);

const commands: Readonly<Record<Shell, (file: string, line: string) => string[]>> = {
  bash: (file, line) => [
    ...["bash", "--norc", "-c"],
    'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _avail; ' +
    'printf "%s\\n" "${COMPREPLY[@]}"',
    ...["bash", file, ...bashWords(line)],
  ],
  zsh: (file, line) => [
    ...["zsh", "-f", new URL("complete_zsh.txt", import.meta.url).pathname],
    ...[file.slice(0, file.lastIndexOf("/")), line],
  ],
  fish: (file, line) => [
    ...["fish", "--no-config", "-c", 'source "$argv[1]"; complete -C "$argv[2]"', file, line],
  ],
};

async function run([program, ...args]: string[]): Promise<string> {
  const home = await Deno.makeTempDir(); // fish makes folders there
  const { code, stdout, stderr } = await new Deno.Command(program, {
    args,
    env: { PATH: `${Deno.env.get("PATH")}:/usr/bin`, LC_ALL: "C.UTF-8", HOME: home },
    stdin: "null",
  }).output();
  await Deno.remove(home, { recursive: true });
  const said = new TextDecoder().decode(stderr);
  // compgen ends with 1 where it has nothing to offer; a script that is broken says so.
  assertEquals(said, "", `${args.join(" ")}: exit code ${code}`);
  return new TextDecoder().decode(stdout);
}

Deno.test("completions: every command and every flag of the table is in each script", async () => {
  const table = commandTable(await application());
  const scripts = await Promise.all(shells.map((shell) => completionsFor(shell)));
  for (const { path, flags } of leaves(table)) {
    for (const script of scripts) {
      assert(script.includes(path[path.length - 1]), path.join(" "));
      for (const { name, negated } of flags) {
        assert(script.includes(name.slice(2)), `${path.join(" ")} ${name}`);
        assert(
          negated === null || script.includes(negated.slice(2)),
          `${path.join(" ")} ${negated}`,
        );
      }
    }
  }
});

Deno.test("the table has all commands, each with a brief, and no hidden flag", async () => {
  const table = commandTable(await application());
  const paths = leaves(table).map(({ path }) => path.join(" "));
  for (
    const path of ["status", "kmod build", "key rotate", "install", "uninstall", "completions"]
  ) {
    assert(paths.includes(path), path);
  }
  const find = (path: string): CommandEntry =>
    leaves(table).find((entry) => entry.path.join(" ") === path)!;
  assertEquals(find("demo").flags.some(({ name }) => name === "--traffic"), false);
  const wait = find("drain").flags.find(({ name }) => name === "--wait")!;
  assertEquals([wait.negated, wait.default, wait.value], ["--no-wait", "true", null]);
  const dry = find("kmod build").flags.find(({ name }) => name === "--dry-run")!;
  assertEquals([dry.negated, dry.value], [null, null]);
  const [{ value }] = find("completions").positionals;
  assertEquals([value.placeholder, value.choices], ["bash|zsh|fish", ["bash", "zsh", "fish"]]);
  for (const entry of leaves(table)) assert(entry.brief !== "", entry.path.join(" "));
});
