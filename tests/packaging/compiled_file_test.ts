import { assertEquals } from "../assert.ts";
import { denortAtHand } from "../../packaging/compiled_file.ts";

Deno.test("denort is at hand where DENORT_BIN names it, or where Deno has put it", async () => {
  const folder = await Deno.makeTempDir();
  const zip = `dl/release/v2.9.6/denort-${Deno.build.target}.zip`;
  const cached = async (cache: string) => {
    await Deno.mkdir(`${folder}/${cache}/dl/release/v2.9.6`, { recursive: true });
    await Deno.writeTextFile(`${folder}/${cache}/${zip}`, "");
    return `${folder}/${cache}/${zip}`;
  };
  try {
    await Deno.writeTextFile(`${folder}/denort`, "");
    const inHome = await cached("home/.cache/deno");
    const inXdg = await cached("xdg/deno");
    const inDenoDir = await cached("deno-dir");
    const home = { HOME: `${folder}/home` };
    const xdg = { ...home, XDG_CACHE_HOME: `${folder}/xdg` };
    const denoDir = { ...xdg, DENO_DIR: `${folder}/deno-dir` };
    const named = { ...denoDir, DENORT_BIN: `${folder}/denort` };
    const cases: readonly (readonly [env: Record<string, string>, found: string | null])[] = [
      [{ HOME: folder }, null],
      [home, inHome],
      [xdg, inXdg],
      [denoDir, inDenoDir],
      [named, `${folder}/denort`],
      [{ ...home, DENORT_BIN: `${folder}/missing` }, inHome],
    ];
    for (const [env, found] of cases) {
      assertEquals(denortAtHand((name) => env[name], "2.9.6"), found, JSON.stringify(env));
    }
    // The control: another version's is not taken.
    const env: Readonly<Record<string, string>> = denoDir;
    assertEquals(denortAtHand((name) => env[name], "2.9.7"), null);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
