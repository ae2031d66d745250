/** The module's source in the program is the one in the tree. */
import { packSource } from "../../kmod/clusterdev/pack.ts";
import { readPackedSource } from "../../lib/host/kernel_module/source.ts";
import { assertEquals, assertNotEquals, assertStringIncludes, assertThrows } from "../assert.ts";

const kmod = new URL("../../kmod", import.meta.url).pathname;

Deno.test("what ./dev build packed is what is in the tree", () => {
  assertEquals(readPackedSource().digest, packSource().digest, "run ./dev build");
});

Deno.test("all that a build includes is in it, and no header of other folders' own", () => {
  const { files, version } = packSource();
  const wanted = new Set<string>();
  for (const [name, text] of Object.entries(files)) {
    if (!/\.[ch]$/.test(name)) continue;
    for (const [, included] of text.matchAll(/^\s*#\s*include\s+"([^"]+)"/gm)) wanted.add(included);
  }
  // Only a debug build from the checkout has the vectors.
  wanted.delete("vectors.h");
  assertEquals([...wanted].filter((name) => !(name in files)), []);
  for (const [, object] of files["Kbuild"].matchAll(/\b(\w+)\.o\b/g)) {
    if (object !== "clusterdev") assertEquals(`${object}.c` in files, true, object);
  }
  assertStringIncludes(files["dkms.conf"], `PACKAGE_VERSION="${version}"`);
  assertStringIncludes(files["clusterdev_version.h"], `"${version}"`);
});

Deno.test("the digest and the version change with any file; what is incomplete is refused", () => {
  const own = Deno.makeTempDirSync();
  try {
    const write = (name: string, text: string) => Deno.writeTextFileSync(`${own}/${name}`, text);
    write("dkms.conf", "@VERSION@");
    assertThrows(() => packSource(own, kmod), Error, "Kbuild is not there");
    write("Kbuild", "obj-m := clusterdev.o");
    const before = packSource(own, kmod);
    write("clusterdev.mod.c", "what a build left behind");
    assertEquals(packSource(own, kmod), before);
    write("main.c", "");
    const after = packSource(own, kmod);
    assertNotEquals(after.digest, before.digest);
    assertNotEquals(after.version, before.version);
    write("bucket.h", "");
    assertThrows(() => packSource(own, kmod), Error, "two files of this name");
    Deno.removeSync(`${own}/bucket.h`);
    write("dkms.conf", "1.0");
    assertThrows(() => packSource(own, kmod), Error, "@VERSION@ is not in it");
  } finally {
    Deno.removeSync(own, { recursive: true });
  }
});

Deno.test("packed source that is missing, damaged or of another format says how to make it", () => {
  const file = Deno.makeTempFileSync();
  try {
    assertThrows(() => readPackedSource("/nowhere.json"), Error, "./dev build");
    Deno.writeTextFileSync(file, "{");
    assertThrows(() => readPackedSource(file), Error, "damaged");
    Deno.writeTextFileSync(file, '{"format": 2}');
    assertThrows(() => readPackedSource(file), Error, "format 2");
  } finally {
    Deno.removeSync(file);
  }
});
