/**
 * The build by `deno compile`, as far as it can be seen without denort: npm has none, so the runtime
 * itself stands in for it. The result holds all that is carried; what denort would do with it is
 * not tried here.
 */
import { assert, assertEquals, assertStringIncludes } from "../../assert.ts";
import { outcome } from "./one_file.ts";

const root = new URL("../../../", import.meta.url).pathname;

Deno.test("with denort at hand, deno compile puts everything into it", async () => {
  const folder = await Deno.makeTempDir({ dir: "/var/tmp", prefix: "avail-compiled-" });
  try {
    const args = ["run", "-A", `${root}packaging/build.ts`, "--out", folder];
    const { code, stdout, stderr } = await outcome([Deno.execPath(), ...args], {
      DENORT_BIN: Deno.execPath(),
    });
    assertStringIncludes(stdout, `(deno compile, ${Deno.execPath()})`);
    // The stand-in is larger than what it stands for, and said to be too large.
    assertEquals(code, 1, stderr);
    assertStringIncludes(stderr, "has more than 40 MB; --launcher makes it smaller");
    const made = await Deno.readFile(`${folder}/avail`);
    assert(made.length > Deno.statSync(Deno.execPath()).size + 1e6);
    for (const part of ["// packaging/program/avail.ts", '"CycloneDX"', "libnfnetlink.so.0"]) {
      assert(contains(made, part), `${part} is not in it`);
    }
    assert(!contains(made, "// packaging/program/av@il.ts"), "the control");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

function contains(bytes: Uint8Array, text: string): boolean {
  const wanted = new TextEncoder().encode(text);
  for (let at = bytes.indexOf(wanted[0]); at >= 0; at = bytes.indexOf(wanted[0], at + 1)) {
    if (wanted.every((byte, i) => bytes[at + i] === byte)) return true;
  }
  return false;
}
