import { assert, assertEquals } from "../../assert.ts";
import { outcome } from "./one_file.ts";

const root = new URL("../../../", import.meta.url).pathname;

/** What the build reads of a checkout. */
const sources = [
  ...["deno.json", "deno.lock", "LICENSE", "cli", "lib", "ffi", "kmod", "packaging", "build"],
];

Deno.test("two builds are equal byte for byte, wherever they are made", async () => {
  const folder = await Deno.makeTempDir({ dir: "/var/tmp", prefix: "avail-reproduced-" });
  try {
    const one = `${folder}/one`;
    const other = `${folder}/another/with-a-longer-name`;
    for (const copy of [one, other]) await Deno.mkdir(copy, { recursive: true });
    await must("cp", "-r", ...sources.map((name) => root + name), one);
    await must("cp", "-r", ...sources.map((name) => `${one}/${name}`), other);
    // The second compresses all anew, and has another time zone and language.
    await must("env", ...build(one, `${root}.cache/build`));
    await must("env", "TZ=Asia/Tokyo", "LC_ALL=C", ...build(other, `${other}/.cache`));
    for (const name of ["avail", "SHA256SUMS", "avail.cdx.json"]) {
      const [a, b] = [await Deno.readFile(`${one}/dist/${name}`)]
        .concat([await Deno.readFile(`${other}/dist/${name}`)]);
      assertEquals(a.length, b.length, name);
      assert(a.every((byte, i) => byte === b[i]), name);
    }
    const left = [...Deno.readDirSync(`${one}/dist`)].map(({ name }) => name).sort();
    assertEquals(left, ["SHA256SUMS", "avail", "avail.cdx.json"]);
    // The control: what differs in a source differs in the result.
    const file = `${one}/lib/version.ts`;
    await Deno.writeTextFile(file, await Deno.readTextFile(file) + "console.log();\n");
    const before = await Deno.readTextFile(`${one}/dist/SHA256SUMS`);
    await must("env", ...build(one, `${root}.cache/build`));
    assert(await Deno.readTextFile(`${one}/dist/SHA256SUMS`) !== before);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

function build(checkout: string, cache: string): string[] {
  const program = `${checkout}/packaging/build.ts`;
  return [Deno.execPath(), "run", "-A", program, "--launcher", "--cache", cache];
}

async function must(...argv: readonly string[]): Promise<void> {
  const { code, stderr } = await outcome(argv);
  assertEquals(code, 0, `${argv.join(" ")}: ${stderr}`);
}
