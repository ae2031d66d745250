/** The launcher's starts: first, later, many at once, killed, with other versions about. */
import { assert, assertEquals, assertLess } from "../../assert.ts";
import {
  filesBelow,
  lockWaitMs,
  type SmallPackage,
  smallPackages,
  start,
} from "./small_package.ts";

/** As the index has them, and the mark of use. */
const complete = [
  ".in-use",
  "bin/avail",
  "program/avail.js",
  "program/part.js",
  "share/filler",
  "share/none",
  "whole/avail.js",
];

const runtimeWords = [
  ...["avail", "run", "--quiet", "--no-config", "--no-lock", "--no-remote", "--no-npm"],
  ...["--cached-only", "--no-prompt", "--allow-all", "--node-modules-dir=none"],
];

let count = 0;

/** A fresh place below the packages' folder; it is not made yet. */
function freshPlace({ folder }: SmallPackage): string {
  return `${folder}/place-${count++}/runtime`;
}

/** A start whose runtime, once it is there, stays until it is ended. */
function started(path: string, place: string): Deno.ChildProcess {
  return new Deno.Command(path, {
    args: ["sleep"],
    env: { AVAIL_RUNTIME_DIR: place },
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
}

async function until(what: string, isSo: () => boolean): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (!isSo()) {
    assert(performance.now() < deadline, `20 s, and not yet: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

async function end(child: Deno.ChildProcess, signal: Deno.Signal = "SIGKILL"): Promise<void> {
  try {
    child.kill(signal);
  } catch {
    // It has ended already.
  }
  await child.status;
}

/** As `started`; the runtime is there. */
async function running(path: string, place: string, id: string): Promise<Deno.ChildProcess> {
  const child = started(path, place);
  const runtime = `${place}/${id}/bin/avail`;
  await until(`${path} runs`, () => {
    try {
      return Deno.readLinkSync(`/proc/${child.pid}/exe`) === runtime;
    } catch {
      return false;
    }
  });
  return child;
}

Deno.test("the launcher starts what it carries", async (t) => {
  const [one, two] = await smallPackages(["one", "two"]);
  const folder = one.folder;
  try {
    await t.step("words, environment and exit code arrive", async () => {
      const place = freshPlace(one);
      const words = ["who", "", "two words", "--flag=ä", "$HOME;`id`", "fail"];
      const told = await start([one.path, ...words], {
        AVAIL_RUNTIME_DIR: place,
        KEPT: "a=b",
        DENO_V8_FLAGS: "--nothing",
        DENO_DIR: "/elsewhere",
        NODE_OPTIONS: "--nothing",
        AVAIL_EXECUTABLE: "/forged",
        AVAIL_FILES: "forged=1",
      });
      assertEquals(told.code, 7, told.stderr);
      assertEquals(told.exe, `${place}/${one.id}/bin/avail`);
      const program = `${place}/${one.id}/program/avail.js`;
      assertEquals(told.args, [...runtimeWords, program, ...words]);
      assertEquals(told.env, {
        AVAIL_RUNTIME_DIR: place,
        KEPT: "a=b",
        DENO_NO_UPDATE_CHECK: "1",
        AVAIL_EXECUTABLE: one.path,
        DENO_DIR: `${place}/${one.id}/cache`,
      });
    });

    await t.step("the first start unpacks, the second does not", async () => {
      const place = freshPlace(one);
      const env = { AVAIL_RUNTIME_DIR: place };
      assertEquals((await start([one.path], env)).code, 0);
      const unpacked = `${place}/${one.id}`;
      assertEquals(filesBelow(unpacked), complete);
      assertEquals(Deno.readTextFileSync(`${unpacked}/program/avail.js`), '"one";\n');
      assertEquals(Deno.statSync(`${unpacked}/share/none`).size, 0);
      assertEquals(Deno.statSync(`${unpacked}/bin/avail`).mode! & 0o7777, 0o755);
      assertEquals(Deno.statSync(`${unpacked}/share/filler`).mode! & 0o7777, 0o644);
      const { ino } = Deno.statSync(`${unpacked}/bin/avail`);
      assertEquals((await start([one.path], env)).code, 0);
      assertEquals(Deno.statSync(`${unpacked}/bin/avail`).ino, ino);
    });

    await t.step("with a narrow umask, other users can still run it", async () => {
      const place = freshPlace(one);
      const told = await start(["sh", "-c", 'umask 077; exec "$0"', one.path], {
        AVAIL_RUNTIME_DIR: place,
        PATH: "/usr/bin:/bin",
      });
      assertEquals(told.code, 0, told.stderr);
      for (const path of ["", `/${one.id}`, `/${one.id}/bin`, `/${one.id}/bin/avail`]) {
        assertEquals(Deno.statSync(place + path).mode! & 0o777, 0o755, path);
      }
    });

    await t.step("through a symbolic link, it is still the same file", async () => {
      await Deno.symlink(one.path, `${folder}/link`);
      const told = await start([`${folder}/link`], { AVAIL_RUNTIME_DIR: freshPlace(one) });
      assertEquals(told.env.AVAIL_EXECUTABLE, one.path);
    });

    await t.step("twelve first starts at once: one unpacks, all run", async () => {
      const place = freshPlace(one);
      const all = await Promise.all(
        Array.from({ length: 12 }, () => start([one.path], { AVAIL_RUNTIME_DIR: place })),
      );
      assertEquals(all.map(({ code }) => code), Array(12).fill(0));
      const fromPlace = all.filter(({ exe }) => exe === `${place}/${one.id}/bin/avail`).length;
      assertEquals(fromPlace, 12, all.map(({ stderr }) => stderr).join(""));
      assertEquals([...Deno.readDirSync(place)].map(({ name }) => name).sort(), [
        ".lock",
        one.id,
      ]);
    });

    await t.step("killed at any moment, the next start is whole", async () => {
      const place = freshPlace(one);
      const began = performance.now();
      await start([one.path], { AVAIL_RUNTIME_DIR: place });
      const wholeMs = performance.now() - began;
      const left = new Set<string>();
      for (let i = 0; i < 30; i++) {
        await Deno.remove(place, { recursive: true });
        const child = started(one.path, place);
        await new Promise((resolve) => setTimeout(resolve, wholeMs * 1.2 * i / 30));
        await end(child);
        for (const name of filesBelow(place)) left.add(name.replace(/\d{2,}/, "PID"));
        const told = await start([one.path], { AVAIL_RUNTIME_DIR: place });
        assertEquals(told.code, 0, told.stderr);
        assertEquals(told.exe, `${place}/${one.id}/bin/avail`, told.stderr);
        assertEquals(filesBelow(place), [".lock", ...complete.map((name) => `${one.id}/${name}`)]);
      }
      const isHalf = [...left].some((name) => name.startsWith(".new-PID/"));
      assert(isHalf, `the control: none was killed while it unpacked; left were ${[...left]}`);
    });

    await t.step("a copy that was damaged is made again", async () => {
      const place = freshPlace(one);
      const env = { AVAIL_RUNTIME_DIR: place };
      const unpacked = `${place}/${one.id}`;
      const damages: readonly (readonly [string, () => Promise<void>])[] = [
        ["cut short", () => Deno.truncate(`${unpacked}/share/filler`, 100)],
        ["missing", () => Deno.remove(`${unpacked}/program/part.js`)],
        ["not in use by its mark", () => Deno.remove(`${unpacked}/.in-use`)],
        ["others may write", () => Deno.chmod(`${unpacked}/bin/avail`, 0o775)],
        ["somebody else's", () => Deno.chown(`${unpacked}/bin/avail`, 65534, 65534)],
        ["a link", async () => {
          await Deno.rename(`${unpacked}/bin/avail`, `${unpacked}/bin/other`);
          await Deno.symlink("other", `${unpacked}/bin/avail`);
        }],
        ["a folder of somebody else's", () => Deno.chown(unpacked, 65534, 65534)],
        ["a file instead", async () => {
          await Deno.remove(unpacked, { recursive: true });
          await Deno.writeTextFile(unpacked, "");
        }],
      ];
      for (const [what, damage] of damages) {
        assertEquals((await start([one.path], env)).code, 0, what);
        await damage();
        const told = await start([one.path], env);
        assertEquals(told.exe, `${unpacked}/bin/avail`, `${what}: ${told.stderr}`);
        assertEquals(filesBelow(unpacked), complete, what);
        assertEquals(Deno.lstatSync(`${unpacked}/bin/avail`).uid, 0, what);
        assertEquals(Deno.lstatSync(`${unpacked}/bin/avail`).mode! & 0o777, 0o755, what);
      }
    });

    await t.step("another version goes when nobody runs it, not before", async () => {
      const place = freshPlace(one);
      const child = await running(one.path, place, one.id);
      try {
        assertEquals((await start([two.path], { AVAIL_RUNTIME_DIR: place })).code, 0);
        assertEquals(filesBelow(`${place}/${one.id}`), complete, "it is in use");
      } finally {
        await end(child);
      }
      await Deno.remove(`${place}/${two.id}`, { recursive: true });
      assertEquals((await start([two.path], { AVAIL_RUNTIME_DIR: place })).code, 0);
      assertEquals([...Deno.readDirSync(place)].map(({ name }) => name).sort(), [
        ".lock",
        two.id,
      ]);
    });

    await t.step("what is not a version is left alone", async () => {
      const place = freshPlace(one);
      await Deno.mkdir(`${place}/precious`, { recursive: true });
      await Deno.writeTextFile(`${place}/precious/file`, "");
      assertEquals((await start([one.path], { AVAIL_RUNTIME_DIR: place })).code, 0);
      assertEquals(filesBelow(`${place}/precious`), ["file"]);
    });

    await t.step("a start that stands still holds nobody up for ever", async () => {
      const place = freshPlace(one);
      const stopped = started(one.path, place);
      try {
        await until(
          "it has begun to unpack",
          () => filesBelow(place).some((name) => name.startsWith(".new-")),
        );
        stopped.kill("SIGSTOP");
        const began = performance.now();
        const told = await start([one.path], { AVAIL_RUNTIME_DIR: place, AVAIL_LAUNCH_DEBUG: "1" });
        assertEquals(told.code, 0, told.stderr);
        assertEquals(told.exe, "/memfd:avail (deleted)", told.stderr);
        assert(told.stderr.includes("another start has held the lock"), told.stderr);
        assertLess(performance.now() - began, lockWaitMs + 10_000);
        stopped.kill("SIGCONT");
        await until("it is complete", () => filesBelow(`${place}/${one.id}`).length > 0);
      } finally {
        await end(stopped);
      }
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
