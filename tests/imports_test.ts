import { violations } from "./import_rules.ts";
import { assertEquals, assertGreater } from "./assert.ts";

const root = new URL("../", import.meta.url).pathname;

function* sources(folder: string): Generator<string> {
  for (const entry of Deno.readDirSync(root + folder)) {
    const path = `${folder}${entry.name}`;
    if (entry.isDirectory) yield* sources(`${path}/`);
    else if (entry.name.endsWith(".ts")) yield path;
  }
}

Deno.test("every file keeps to the table of imports", () => {
  const files = ["mod.ts", ...["cli/", "lib/", "ffi/"].flatMap((folder) => [...sources(folder)])];
  assertGreater(files.length, 30);
  const found = files.flatMap((file) => violations(file, Deno.readTextFileSync(root + file)));
  assertEquals(found, []);
});

/** Files that nobody wrote, and what is wrong with each. */
const madeUp: readonly (readonly [path: string, source: string, wrong: readonly string[]])[] = [
  [
    "cli/top.ts",
    'import { poll } from "../ffi/libc.ts";',
    ["cli/top.ts (cli) must not import ffi/libc.ts"],
  ],
  [
    "cli/top.ts",
    'const { poll } = await import("../ffi/libc.ts");',
    ["cli/top.ts (cli) must not import ffi/libc.ts"],
  ],
  [
    "lib/daemon.ts",
    'import { poll } from "../ffi/libc.ts";',
    ["lib/daemon.ts (lib/daemon) must not import ffi/libc.ts"],
  ],
  [
    "lib/host/clock.ts",
    'import "../../cli/main.ts";',
    ["lib/host/clock.ts (lib/host) must not import cli/main.ts"],
  ],
  [
    "lib/node.ts",
    'import {\n  clock,\n} from "./host/clock.ts";',
    ["lib/node.ts (lib (pure)) must not import lib/host/clock.ts"],
  ],
  [
    "lib/wire/seal.ts",
    'import { readFileSync } from "node:fs";',
    ["lib/wire/seal.ts (lib (pure)) must not import node:fs"],
  ],
  [
    "lib/wire/seal.ts",
    'new URL("../host/worker.ts", import.meta.url)',
    ["lib/wire/seal.ts (lib (pure)) must not import lib/host/worker.ts"],
  ],
  [
    "ffi/libc.ts",
    'import { limits } from "../lib/limits.ts";',
    ["ffi/libc.ts (ffi) must not import lib/limits.ts"],
  ],
  ["lib/node.ts", "const now = Date.now();", [
    "lib/node.ts (lib (pure)) is pure and must not touch Date",
  ]],
  ["lib/node.ts", "return `${Math.random()}`;", [
    "lib/node.ts (lib (pure)) is pure and must not touch Math.random",
  ]],
  ["lib/node.ts", "setTimeout(() => {}, 1);", [
    "lib/node.ts (lib (pure)) is pure and must not touch setTimeout",
  ]],
  ["lib/node.ts", "let t = performance.now();", [
    "lib/node.ts (lib (pure)) is pure and must not touch performance",
  ]],
  ["lib/host/clock.ts", "Deno.exit(1);", ["lib/host/clock.ts: only cli/main.ts exits"]],
  ["lib/host/clock.ts", "Deno.UnsafePointer.of(x);", ["lib/host/clock.ts: pointers stay in ffi/"]],
  [
    "lib/wire/all.ts",
    'export { seal } from "./seal.ts";',
    ["lib/wire/all.ts: only mod.ts re-exports"],
  ],
];

Deno.test("a file that does not is caught", () => {
  for (const [path, source, wrong] of madeUp) {
    assertEquals(violations(path, source), [...wrong], source);
  }
});

Deno.test("words in comments and quotes are not code", () => {
  const source = `
/** Deno.exit, Date, Math.random: none of them here. */
// setTimeout
const text = "Deno.dlopen" + 'performance' + \`Date\`;
export type { Flow };
`;
  assertEquals(violations("lib/node.ts", source), []);
});
