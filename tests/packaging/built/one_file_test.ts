/** What is promised of dist/avail, looked at from outside. */
import {
  assert,
  assertEquals,
  assertLess,
  assertMatch,
  assertStringIncludes,
} from "../../assert.ts";
import { version } from "../../../lib/version.ts";
import { decodeIndex, decodeTrailer, packageRecordBytes } from "../../../lib/package_layout.ts";
import { OneFile, outcome } from "./one_file.ts";

Deno.test("one file: versions, sums, contents", async (t) => {
  await using file = await OneFile.build();

  await t.step("it is small enough, and starts", async () => {
    assertLess(Deno.statSync(file.path).size, 40e6);
    const { code, stdout, stderr } = await file.run("version");
    assertEquals([code, stderr], [0, ""]);
    assertMatch(stdout, new RegExp(`^avail ${version} \\(one file: launcher and deno\\)\n`));
    assertStringIncludes(stdout, "libnetfilter_conntrack.so.3: 1.");
  });

  await t.step("version --json names all that is in it", async () => {
    const { code, stdout } = await file.run("version", "--json");
    assertEquals(code, 0);
    const told = JSON.parse(stdout);
    assertEquals([told.schema, told.version, told.build], [1, version, "launcher"]);
    assertEquals([told.deno, told.executable], [Deno.version.deno, file.path]);
    const folder = `${told.unpacked}/`;
    assert(folder.startsWith(`${file.folder}/runtime/`), folder);
    for (const soname of ["libmnl.so.0", "libnetfilter_conntrack.so.3"]) {
      assert(told.libraries[soname].startsWith(folder), `${soname}: ${told.libraries[soname]}`);
    }
    assertMatch(told.bpf, /^[0-9a-f]{32}$/);
    assertMatch(told.module, /^\d+\.\d+\.\d+-[0-9a-f]{8}$/);
    for (const name of ["libmnl", "libnfnetlink", "libnetfilter_conntrack", "zstd", "glibc"]) {
      assertMatch(told.components[name], /^\d/, name);
    }
  });

  await t.step(
    "its list of components stands beside it, too, and every file is somebody's",
    async () => {
      const beside = JSON.parse(Deno.readTextFileSync(`${file.folder}/avail.cdx.json`));
      const { stdout } = await outcome([
        "find",
        `${file.folder}/runtime`,
        "-name",
        "avail.cdx.json",
      ]);
      assertEquals(JSON.parse(Deno.readTextFileSync(stdout.trim())), beside);
      for (const component of beside.components) {
        const [licence] = component.licenses;
        assertMatch(licence.expression ?? licence.license.id, /^[A-Z0-9]/, component.name);
      }
      const sums = new Set(
        beside.components.flatMap((component: { hashes?: { content: string }[] }) =>
          component.hashes?.map(({ content }) => content) ?? []
        ),
      );
      const others = entries(file.path).filter(({ sha256 }) => !sums.has(hex(sha256)));
      const own =
        /^(program|whole)\/[\w.-]+\.js$|^share\/(avail\.cdx\.json|licences\.txt|SHA256SUMS)$/;
      assertEquals(others.map(({ name }) => name).filter((name) => !own.test(name)), []);
    },
  );

  await t.step("version --licences prints the text of every licence", async () => {
    const { code, stdout } = await file.run("version", "--licences");
    assertEquals(code, 0);
    const texts = [
      "GNU GENERAL PUBLIC LICENSE",
      "Apache License",
      "the Deno authors",
      "V8 project",
    ];
    for (const text of texts) assertStringIncludes(stdout, text);
    for (const name of ["libmnl", "libnfnetlink", "smol-toml", "@stricli/core", "zstd", "glibc"]) {
      assertMatch(stdout, new RegExp(`^${name} \\d`, "m"));
    }
  });

  await t.step("it runs with a C library of 2.27, and needs no other library", async () => {
    const unpacked = `${file.folder}/runtime/${[...folders(`${file.folder}/runtime`)][0]}`;
    const libraries = [...Deno.readDirSync(`${unpacked}/libraries`)].map(({ name }) => name).sort();
    assertEquals(libraries, ["libmnl.so.0", "libnetfilter_conntrack.so.3", "libnfnetlink.so.0"]);
    const everywhere = /^(lib(c|m|dl|rt|pthread|gcc_s)\.so\.\d+|ld-linux-x86-64\.so\.2)$/;
    for (const name of ["bin/avail", ...libraries.map((name) => `libraries/${name}`)]) {
      const path = `${unpacked}/${name}`;
      const symbols = (await outcome(["objdump", "-T", path])).stdout;
      const minors = [...symbols.matchAll(/\bGLIBC_2\.(\d+)/g)].map(([, minor]) => Number(minor));
      assertLess(Math.max(...minors), 28, name);
      const needed = [...(await outcome(["objdump", "-p", path])).stdout.matchAll(/NEEDED +(\S+)/g)]
        .map(([, soname]) => soname)
        .filter((soname) => !everywhere.test(soname) && !libraries.includes(soname));
      assertEquals(needed, [], name);
    }
    assertEquals((await outcome(["objdump", "-p", file.path])).stdout.includes("NEEDED"), false);
  });

  await t.step("version --verify: as built, unpacked or in memory", async () => {
    const sum = (await outcome(["sha256sum", file.path])).stdout.split(" ")[0];
    for (const env of [{}, { AVAIL_RUNTIME_DIR: "memory" }]) {
      const { code, stdout, stderr } = await file.runWith(env, "version", "--verify", "--json");
      assertEquals([code, stderr], [0, ""]);
      const told = JSON.parse(stdout);
      assertEquals([told.ok, told.executable, told.sha256], [true, file.path, sum]);
      const names = told.files.map(({ name }: { name: string }) => name);
      assert(names.includes("bin/avail") && names.includes("libraries/libmnl.so.0"), `${names}`);
    }
    assertMatch(Deno.readTextFileSync(`${file.folder}/SHA256SUMS`), new RegExp(`^${sum}  avail\n`));
    const { code } = await outcome(["sh", "-c", 'cd "$0" && sha256sum -c SHA256SUMS', file.folder]);
    assertEquals(code, 0);
  });

  await t.step("version --verify: what is damaged is named", async () => {
    const unpacked = `${file.folder}/runtime/${[...folders(`${file.folder}/runtime`)][0]}`;
    const library = `${unpacked}/libraries/libnfnetlink.so.0`;
    const sound = await Deno.readFile(library);
    const damaged = sound.slice();
    damaged[damaged.length - 1] ^= 1;
    // Its size is as before: a start does not notice.
    await Deno.writeFile(library, damaged);
    const { code, stdout } = await file.run("version", "--verify");
    assertEquals(code, 1);
    assertStringIncludes(stdout, `${library} is not what was built\nremove the folder`);
    await Deno.writeFile(library, sound);

    const whole = await Deno.readFile(file.path);
    const at = whole.length - 5_000_000;
    whole[at] ^= 1;
    await Deno.writeFile(file.path, whole);
    const again = await file.run("version", "--verify");
    assertEquals(again.code, 1);
    assertStringIncludes(again.stdout, `${file.path} is damaged\ncopy the file here again`);
    whole[at] ^= 1;
    await Deno.writeFile(file.path, whole);
    assertEquals((await file.run("version", "--verify")).code, 0, "the control: put back");
  });
});

function entries(path: string) {
  const bytes = Deno.readFileSync(path);
  const trailer = decodeTrailer(bytes.slice(-packageRecordBytes))!;
  const at = trailer.payloadOffset + trailer.payloadBytes;
  return decodeIndex(bytes.slice(at, at + trailer.entries * packageRecordBytes));
}

function* folders(path: string): Generator<string> {
  for (const { name, isDirectory } of Deno.readDirSync(path)) if (isDirectory) yield name;
}

function hex(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
