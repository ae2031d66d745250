/** What every command pays at its start: what cli/main.ts imports before it knows which one it is. */
import { assertEquals, assertLess } from "../assert.ts";

const main = new URL("../../cli/main.ts", import.meta.url);

/** Modules that a module imports at once, types aside, and theirs in turn: by URL, who imports it. */
function closure(start: URL): Map<string, string> {
  const importers = new Map([[start.href, ""]]);
  for (const [module] of importers) {
    if (!module.startsWith("file:")) continue;
    const text = Deno.readTextFileSync(new URL(module));
    const imports =
      /^\s*(?:import|export)\b(?!\s+type\b)[^;"'`]*?\bfrom\s*"([^"]+)"|^import\s*"([^"]+)"/gm;
    for (const [, from, bare] of text.matchAll(imports)) {
      const name = from ?? bare;
      const found = name.startsWith(".") ? new URL(name, module).href : name;
      if (!importers.has(found)) importers.set(found, module);
    }
  }
  return importers;
}

Deno.test("no command's start loads node's modules, packages or the daemon", () => {
  const modules = closure(main);
  const heavy = [...modules].filter(([module]) =>
    !module.startsWith("file:") && module !== "@stricli/core" ||
    /\/(ffi|lib\/host|lib\/daemon)\b/.test(module)
  );
  assertEquals(heavy, [], "import it late: await import() where it is used");
  assertLess(modules.size, 80);
});

Deno.test("the control: a late import of today would be found, were it early", () => {
  const modules = closure(new URL("../../cli/reload_screen.ts", import.meta.url));
  assertEquals(modules.has("node:crypto"), true);
});
