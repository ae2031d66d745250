import { assertEquals } from "../assert.ts";
import { packagesIn, withLatePartsUnread, withoutPlaces } from "../../packaging/bundle.ts";

const made = `// lib/errors.ts
  // ../home/me/.cache/deno/npm/registry.example/@stricli/core/1.3.0/dist/index.js
// ../home/me/.cache/deno/npm/registry.example/smol-toml/1.9.1/dist/parse.js
// ../home/me/.cache/deno/npm/registry.example/smol-toml/1.9.1/dist/date.js
  "../home/me/.cache/deno/npm/registry.example/smol-toml/1.9.1/dist/util.js"() {
const { run } = await import("./daemon-EXTD4XHC.js");
const other = await import("node:net"), third = await import(name);
`;

Deno.test("a bundle says nothing of the machine that made it", () => {
  assertEquals(
    withoutPlaces(made).split("\n").slice(0, 5),
    [
      "// lib/errors.ts",
      "  // npm:@stricli/core@1.3.0/dist/index.js",
      "// npm:smol-toml@1.9.1/dist/parse.js",
      "// npm:smol-toml@1.9.1/dist/date.js",
      '  "npm:smol-toml@1.9.1/dist/util.js"() {',
    ],
  );
});

Deno.test("the packages in a bundle are found with their folders", () => {
  const registry = "/home/me/.cache/deno/npm/registry.example";
  const found = packagesIn(made, "/src/");
  assertEquals(found.length, 3);
  assertEquals(found[0], {
    name: "@stricli/core",
    version: "1.3.0",
    folder: `${registry}/@stricli/core/1.3.0`,
  });
  assertEquals(found[1].folder, `${registry}/smol-toml/1.9.1`);
});

Deno.test("parts that come late are hidden from the start, all else stays", () => {
  assertEquals(withLatePartsUnread(made).split("\n").slice(5), [
    'const { run } = await import(import.meta.resolve("./daemon-EXTD4XHC.js"));',
    'const other = await import("node:net"), third = await import(name);',
    "",
  ]);
});
