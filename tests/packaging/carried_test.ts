/** What the program is told of its files, in each of the one file's forms. */
import { assert, assertEquals, assertMatch } from "../assert.ts";
import { filesInMemory, unpackedFiles } from "../../packaging/program/carried.ts";
import { compiledFiles } from "../../packaging/program/compiled.ts";

const libraries = "/usr/lib/x86_64-linux-gnu";

async function withFiles(body: (folder: string) => void): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "with blank " });
  try {
    for (const name of ["program", "whole", "libraries"]) await Deno.mkdir(`${folder}/${name}`);
    await Deno.writeTextFile(`${folder}/program/avail.js`, "");
    await Deno.writeTextFile(`${folder}/whole/core_worker.js`, "postMessage(1);");
    for (const name of ["libmnl.so.0", "libnfnetlink.so.0"]) {
      await Deno.copyFile(`${libraries}/${name}`, `${folder}/libraries/${name}`);
    }
    body(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function programUrl(folder: string): string {
  return new URL(`file://${encodeURI(folder)}/program/avail.js`).href;
}

Deno.test("unpacked: everything lies around the program", () =>
  withFiles((folder) => {
    const files = unpackedFiles(programUrl(folder), "/usr/local/sbin/avail");
    assertEquals([files.kind, files.executable, files.isInMemory], [
      "launcher",
      "/usr/local/sbin/avail",
      false,
    ]);
    assertEquals(files.library("libmnl.so.0"), `${folder}/libraries/libmnl.so.0`);
    assertEquals(files.library("libc.so.6"), null);
    assertEquals(files.path("program"), null, "a folder is no file");
    const worker = `file://${encodeURI(folder)}/whole/core_worker.js`;
    assertEquals(files.worker("core_worker"), worker);
  }));

Deno.test("in memory: by descriptors; a Worker's module is a text", () =>
  withFiles((folder) => {
    using file = Deno.openSync(`${folder}/whole/core_worker.js`);
    const descriptor = descriptorOf(`${folder}/whole/core_worker.js`);
    const files = filesInMemory(`whole/core_worker.js=${descriptor}:libraries/x=9`, "/avail");
    assertEquals(files.path("libraries/x"), "/proc/self/fd/9");
    assertEquals(files.library("libmnl.so.0"), null);
    assertMatch(files.worker("core_worker"), /^blob:/);
    URL.revokeObjectURL(files.worker("core_worker"));
    assertEquals(file.statSync().isFile, true);
  }));

Deno.test("compiled: libraries go through memory, and the dynamic linker takes them", () =>
  withFiles((folder) => {
    const files = compiledFiles(programUrl(folder), "/avail");
    const path = files.library("libnfnetlink.so.0")!;
    assertMatch(path, /^\/proc\/self\/fd\/\d+$/);
    assertEquals(files.library("libnfnetlink.so.0"), path, "once is enough");
    assertEquals(files.library("libc.so.6"), null);
    Deno.dlopen(path, { nfnl_open: { parameters: [], result: "pointer" } }).close();
    assert(Deno.readTextFileSync(path.replace("fd/", "fdinfo/")).includes("pos:"));
  }));

/** Of an open file, by its path. */
function descriptorOf(path: string): string {
  for (const { name } of Deno.readDirSync("/proc/self/fd")) {
    try {
      if (Deno.readLinkSync(`/proc/self/fd/${name}`) === path) return name;
    } catch {
      // The descriptor of this very reading.
    }
  }
  throw new Error(`${path} is not open`);
}
