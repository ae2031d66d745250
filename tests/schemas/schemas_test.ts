/** Every `--json` of every command has a schema, and what comes out is as it says. */
import { application } from "../../cli/application.ts";
import { type CommandEntry, commandTable } from "../../cli/command_table.ts";
import { assert, assertEquals, assertGreater, assertThrows } from "../assert.ts";
import { outputs } from "./outputs.ts";
import { assertSchema, notMissed, readSchema, schemaNames } from "./schema.ts";

function* jsonCommands({ path, flags, commands }: CommandEntry): Generator<string> {
  if (flags.some(({ name }) => name === "--json")) yield path.join("_");
  for (const command of commands) yield* jsonCommands(command);
}

/** What only the tests of whole machines have: a network, another node, a kernel that takes modules. */
const onlyElsewhere = ["demo", "flows", "init", "join", "key_rotate", "kmod_build", "kmod_load"]
  .concat(["kmod_unload", "version_verify", "who_lines"]);

Deno.test("every command with --json has a schema", async () => {
  const names = [...jsonCommands(commandTable(await application()))];
  assertGreater(names.length, 20);
  assertEquals(names.filter((name) => !schemaNames().includes(name)), []);
});

Deno.test("docs/operating.md links the schemas", () => {
  const file = new URL("../../docs/operating.md", import.meta.url);
  assert(Deno.readTextFileSync(file).includes("(schemas/)"));
});

Deno.test("what the commands print is as their schemas say, and needs all that is required", async () => {
  const seen = new Set<string>();
  for await (const { name, value } of outputs()) {
    seen.add(name);
    assertSchema(name, value);
    assertEquals(notMissed(readSchema(name), value), [], `${name}: still valid without them`);
  }
  const unseen = schemaNames().filter((name) => !seen.has(name));
  assertEquals(unseen.filter((name) => !onlyElsewhere.includes(name)), []);
});

Deno.test("what is wrong is found", () => {
  const node = { schema: 1, node: "fw1", state: "draining", buckets: 0 };
  assertSchema("drain", node);
  const wrong: readonly (readonly [value: unknown, says: string])[] = [
    [{ ...node, schema: 2 }, "/schema: must be equal to constant"],
    [{ ...node, state: "gone" }, "/state: must be equal to one of the allowed values"],
    [{ ...node, buckets: -1 }, "/buckets: must be >= 0"],
    [{ ...node, buckets: "0" }, "/buckets: must be integer"],
    [{ ...node, node: "" }, "/node: must match pattern"],
    [{ ...node, extra: 1 }, "extra is in no schema"],
    [[node], ": must be object"],
  ];
  for (const [value, says] of wrong) {
    assertThrows(() => assertSchema("drain", value), Error, says);
  }
  const lax = { anyOf: [{ type: "object", required: ["a"], properties: { a: {} } }, {}] };
  assertEquals(notMissed(lax, { a: 1 }), [".a"], "a field that only seems to be required");
});
