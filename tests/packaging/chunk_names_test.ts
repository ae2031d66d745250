import { assert, assertEquals, assertNotEquals } from "../assert.ts";
import { withStableNames } from "../../packaging/chunk_names.ts";

/** A program in parts; the bundler's digests are the arguments. */
function parts(a: string, b: string, c: string, d: string): Map<string, string> {
  return new Map([
    ["avail.js", `import "./chunk-${a}.js"; const late = () => import("./run-${b}.js");`],
    [`chunk-${a}.js`, `import "./chunk-${d}.js"; import "./run-${b}.js";`],
    [`run-${b}.js`, `import "./chunk-${a}.js"; import "npm:else"; "./other-AAAAAAAA.js";`],
    // These two differ only in whom they name.
    [`chunk-${c}.js`, `import "./chunk-${a}.js";`],
    [`chunk-${d}.js`, `import "./chunk-${c}.js";`],
  ]);
}

Deno.test("names follow from the content, whatever they were", () => {
  const one = withStableNames(parts("AAAAAAA1", "BBBBBBB1", "CCCCCCC1", "DDDDDDD1"));
  const other = withStableNames(parts("Z2Z2Z2Z2", "Y2Y2Y2Y2", "X2X2X2X2", "A2A2A2A2"));
  const sorted = (all: Map<string, string>) => [...all].sort(([a], [b]) => a < b ? -1 : 1);
  assertEquals(sorted(one), sorted(other));
  assert(one.has("avail.js"), "a name without a digest stays");
  assert([...one.keys()].some((name) => /^run-[0-9a-f]{8}\.js$/.test(name)));
  assertEquals(one.size, 5);
});

Deno.test("every name that is used is a part's", () => {
  const all = withStableNames(parts("AAAAAAA1", "BBBBBBB1", "CCCCCCC1", "DDDDDDD1"));
  const used = [...all.values()].flatMap((text) =>
    [...text.matchAll(/"\.\/([^"]+)"/g)].map(([, name]) => name)
  );
  assertEquals(used.filter((name) => !all.has(name)), ["other-AAAAAAAA.js"]);
});

Deno.test("the control: another content has another name", () => {
  const changed = parts("AAAAAAA1", "BBBBBBB1", "CCCCCCC1", "DDDDDDD1");
  const before = withStableNames(changed);
  changed.set("chunk-DDDDDDD1.js", `import "./chunk-CCCCCCC1.js"; 1;`);
  const names = (all: Map<string, string>) => [...all.keys()].sort().join();
  assertNotEquals(names(withStableNames(changed)), names(before));
});
