/** The manual page: whole, and right in the eyes of mandoc and of man. */
import { assert, assertEquals, assertStringIncludes } from "../assert.ts";
import { application } from "../../cli/application.ts";
import { commandTable, leaves } from "../../cli/command_table.ts";
import { manPage, roff } from "../../cli/man_page.ts";

const table = commandTable(await application());
const page = manPage(table, "0.1.0");

Deno.test("man page: mandoc finds nothing to say, and does with a fault", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const lint = async (text: string) => {
      await Deno.writeTextFile(`${folder}/avail.8`, text);
      const { stdout } = await new Deno.Command("mandoc", {
        args: ["-Tlint", "-Wall", `${folder}/avail.8`],
      }).output();
      return new TextDecoder().decode(stdout);
    };
    assertEquals(await lint(page), "");
    assertStringIncludes(await lint(page.replace(".SH NAME", ".SX NAME")), "unknown macro");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("man page: every command and flag is there, as it is typed", async () => {
  const text = await rendered(page);
  for (const { path, flags } of leaves(table)) {
    assertStringIncludes(text, `avail ${path.join(" ")}`);
    for (const { name } of flags) assertStringIncludes(text, name);
  }
  for (const section of ["NAME", "DESCRIPTION", "COMMANDS", "EXIT STATUS", "FILES", "SIGNALS"]) {
    assert(new RegExp(`^${section}$`, "m").test(text), section);
  }
  // A dash that is typed must be one that can be copied.
  assert(!/[\u2010\u2011\u2212]-?\w+ FILE/.test(text), "ASCII dashes in flags");
});

Deno.test("man page: text that would be a request, an escape or another character", () => {
  assertEquals(roff("a-b \\n `x` ~ ^ …"), "a\\-b \\en \\(gax\\(ga \\(ti \\(ha \\[u2026]");
  const entry = { ...table, path: ["x"], commands: [], description: ".SH Not\n'x\n\nend" };
  const source = manPage({ ...table, commands: [{ ...entry, flags: [], positionals: [] }] }, "1");
  assertStringIncludes(source, "\n\\&.SH Not\n\\&'x\n.PP\nend\n");
});

/** As a terminal of 80 columns shows it, without overstriking. */
async function rendered(source: string): Promise<string> {
  const file = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(file, source);
    const { stdout } = await new Deno.Command("mandoc", {
      args: ["-Tutf8", "-Owidth=400", file],
    }).output();
    // deno-lint-ignore no-control-regex
    return new TextDecoder().decode(stdout).replace(/.\x08/g, "");
  } finally {
    await Deno.remove(file);
  }
}
