/** docs/events.md has every event that the program's source names, and no other. */
import { assert, assertEquals, assertGreater } from "../assert.ts";

const root = new URL("../../", import.meta.url).pathname;

function* sources(folder: string): Generator<string> {
  for (const { name, isDirectory } of Deno.readDirSync(root + folder)) {
    if (isDirectory) yield* sources(`${folder}/${name}`);
    else if (name.endsWith(".ts")) yield Deno.readTextFileSync(`${root}${folder}/${name}`);
  }
}

/** How events are named: by the core, by its helpers, and in the fields of a log record. */
const ways = [
  /\bevent\(\s*"(?:info|warning|error)",\s*"([a-z-]+)"/g,
  /\blevel: "(?:info|warning|error)",\s*name: "([a-z-]+)"/g,
  /\bevent: "([a-z-]+)"/g,
  /\bevent = "([a-z-]+)"/g,
];

/** Named by an expression. */
const composed = ["peer-dead", "peer-left", "peer-restarted", "log"];

Deno.test("docs/events.md has every event, as it is", () => {
  const named = new Set(composed);
  for (const source of sources("lib")) {
    for (const way of ways) for (const [, name] of source.matchAll(way)) named.add(name);
  }
  assertGreater(named.size, 40);
  const rows = Deno.readTextFileSync(`${root}docs/events.md`).split("\n")
    .filter((line) => line.startsWith("| `"));
  const told = rows.flatMap((row) =>
    [...row.split("|")[1].matchAll(/`([^`]+)`/g)].map(([, name]) => name)
  );
  assertEquals(told.toSorted(), [...named].sort());
  const levels = new Set(rows.flatMap((row) => row.split("|")[2].trim().split(", ")));
  for (const level of levels) assert(["info", "warn", "error", "any"].includes(level), level);
});
