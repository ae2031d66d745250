/** Where the launcher unpacks to: places that fit, places that do not, and hostile ones. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "../../assert.ts";
import { filesBelow, type SmallPackage, smallPackages, start, type Told } from "./small_package.ts";

const inMemory = "/memfd:avail (deleted)";
const path = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", AVAIL_LAUNCH_DEBUG: "1" };
/** An ordinary user; it need not be in /etc/passwd. */
const stranger = 61234;

/** Runs a shell's commands, then a start, in a mount namespace that ends with it. */
function mounted(commands: string, words: readonly string[], env = {}): Promise<Told> {
  const script = `set -e; ${commands}\nexec "$@"`;
  return start(["unshare", "-m", "--propagation", "private", "sh", "-c", script, "sh", ...words], {
    ...path,
    ...env,
  });
}

/** The same by an ordinary user. */
function asStranger(...words: readonly string[]): string[] {
  const ids = [`--reuid=${stranger}`, `--regid=${stranger}`, "--clear-groups"];
  return ["setpriv", ...ids, ...words];
}

/** Every place that root's starts try, each on a file system of its own. */
const emptyPlaces =
  "for d in /var/lib /var/cache /run; do mount -t tmpfs -o mode=755 tmpfs $d; done";

Deno.test({
  name: "the launcher takes the first place that fits",
  ignore: Deno.uid() !== 0,
  async fn(t) {
    const [one] = await smallPackages(["one"]);
    const unpacked = `runtime/${one.id}/bin/avail`;
    try {
      const places: readonly (readonly [what: string, commands: string, exe: string])[] = [
        ["all fit", "", `/var/lib/avail/${unpacked}`],
        ["read-only", "mount -o remount,ro /var/lib", `/var/cache/avail/${unpacked}`],
        ["noexec", "mount -o remount,noexec /var/lib", `/var/cache/avail/${unpacked}`],
        ["full", "mount -o remount,size=20m /var/lib", `/var/cache/avail/${unpacked}`],
        // The room is there, and then something else is missing: found only while unpacking.
        ["no inodes", "mount -o remount,nr_inodes=9 /var/lib", `/var/cache/avail/${unpacked}`],
        ["not root's", `chown ${stranger} /var/lib`, `/var/cache/avail/${unpacked}`],
        ["all may write", "chmod 1777 /var/lib; mkdir -m 777 /var/lib/avail", "cache"],
        ["a file", "touch /var/lib/avail", `/var/cache/avail/${unpacked}`],
        [
          "two of three do not",
          "mount -o remount,ro /var/lib; mount -o remount,noexec /var/cache",
          `/run/avail-${unpacked}`,
        ],
        [
          "none fits",
          "for d in /var/lib /var/cache; do mount -o remount,ro $d; done; mount -o remount,noexec /run",
          inMemory,
        ],
        [
          "unpacked, then made read-only",
          `"$1" >/dev/null; mount -o remount,ro /var/lib`,
          `/var/lib/avail/${unpacked}`,
        ],
        [
          "another's link to a place of his",
          `mkdir /var/lib/other /var/lib/avail; chown ${stranger} /var/lib/other
           ln -s /var/lib/other /var/lib/avail/runtime`,
          `/var/cache/avail/${unpacked}`,
        ],
        [
          "root's link to a place of root's",
          "mkdir /var/lib/disk; ln -s /var/lib/disk /var/lib/avail",
          `/var/lib/disk/${unpacked}`,
        ],
      ];
      for (const [what, commands, exe] of places) {
        await t.step(what, async () => {
          const told = await mounted(`${emptyPlaces}; ${commands}`, [one.path]);
          assertEquals(told.code, 0, told.stderr);
          assertEquals(
            told.exe,
            exe === "cache" ? `/var/cache/avail/${unpacked}` : exe,
            told.stderr,
          );
          assert(!told.stderr.includes("/tmp"), "never /tmp");
        });
      }

      await t.step("what does not fit keeps nothing", async () => {
        const list = "find /var/lib -type f | sed s/^/env=left=/";
        const told = await mounted(
          `${emptyPlaces}; mount -o remount,nr_inodes=9 /var/lib; "$1" >/dev/null; ${list}`,
          [one.path],
        );
        assertEquals(told.env.left, "/var/lib/avail/runtime/.lock", told.stderr);
      });

      await t.step("from memory, all that needs no folder is handed over", async () => {
        const told = await start([one.path, "who"], { AVAIL_RUNTIME_DIR: "memory" });
        assertEquals(told.exe, inMemory);
        const names = told.env.AVAIL_FILES.split(":").map((entry) => entry.split("=")[0]);
        assertEquals(names, ["share/filler", "share/none", "whole/avail.js"]);
        const words = told.args.slice(-4).join(" ");
        assertMatch(words, /^--ext=js --no-code-cache \/proc\/self\/fd\/\d+ who$/);
        assertEquals(told.env.DENO_DIR, "/dev/null/none");
      });
    } finally {
      await Deno.remove(one.folder, { recursive: true });
    }
  },
});

Deno.test({
  name: "a hostile place is not run from",
  ignore: Deno.uid() !== 0,
  async fn(t) {
    const [one] = await smallPackages(["one"]);
    const place = `${one.folder}/place`;
    const evil = `${place}/runtime`;
    try {
      // What a stranger prepares looks exactly as the launcher would have left it.
      const prepare = async () => {
        await start([one.path], { AVAIL_RUNTIME_DIR: evil });
        await Deno.writeFile(`${evil}/${one.id}/bin/avail`, await Deno.readFile("/bin/false"));
        await Deno.truncate(
          `${evil}/${one.id}/bin/avail`,
          Deno.statSync(`${one.folder}/runtime`).size,
        );
      };
      const told = () => start([one.path], { ...path, AVAIL_RUNTIME_DIR: evil });
      await t.step("the control: root's own is believed by its sizes", async () => {
        await prepare();
        assert((await told()).code !== 0);
        await Deno.remove(place, { recursive: true });
      });
      const cases: readonly (readonly [what: string, () => void, says: string])[] = [
        ["it is his", () => Deno.chownSync(evil, stranger, 0), "others could change"],
        ["what is above is his", () => Deno.chownSync(place, stranger, 0), "others could change"],
        ["a group may write", () => Deno.chmodSync(evil, 0o775), "others could change"],
        ["all may write above", () => Deno.chmodSync(place, 0o777), "others could change"],
        ["all may write, sticky", () => Deno.chmodSync(evil, 0o1777), "others could change"],
      ];
      for (const [what, change, says] of cases) {
        await t.step(what, async () => {
          await prepare();
          change();
          const { code, exe, stderr } = await told();
          assertEquals([code, exe], [0, inMemory], stderr);
          assertStringIncludes(stderr, says);
          await Deno.remove(place, { recursive: true });
        });
      }
      await t.step("only the version is his: it is unpacked anew", async () => {
        await prepare();
        Deno.chownSync(`${evil}/${one.id}`, stranger, 0);
        const { code, exe, stderr } = await told();
        assertEquals([code, exe], [0, `${evil}/${one.id}/bin/avail`], stderr);
        await Deno.remove(place, { recursive: true });
      });
      await t.step("a link in place of the lock, the new folder or a name of it", async () => {
        const victim = `${one.folder}/victim`;
        await Deno.writeTextFile(victim, "precious");
        await Deno.mkdir(evil, { recursive: true });
        for (let pid = 1; pid < 300; pid++) await Deno.symlink(one.folder, `${evil}/.new-${pid}`);
        assertEquals((await told()).code, 0);
        await Deno.remove(evil, { recursive: true });
        await Deno.mkdir(evil, { recursive: true });
        await Deno.symlink(victim, `${evil}/.lock`);
        const { exe, stderr } = await told();
        assertEquals(exe, inMemory, stderr);
        assertEquals(await Deno.readTextFile(victim), "precious");
        assert(filesBelow(one.folder).includes("one"), "nothing behind the links was removed");
      });
    } finally {
      await Deno.remove(one.folder, { recursive: true });
    }
  },
});

Deno.test({
  name: "users other than root",
  ignore: Deno.uid() !== 0,
  async fn(t) {
    const [one, two] = await smallPackages(["one", "two"]);
    const home = `${one.folder}/home`;
    await Deno.mkdir(home);
    await Deno.chown(home, stranger, stranger);
    const env = { HOME: home };
    try {
      await t.step("run what root has unpacked", async () => {
        const root = `${emptyPlaces}; "$0" >/dev/null`.replace('"$0"', `"${one.path}"`);
        const told = await mounted(root, asStranger(one.path), env);
        assertEquals(told.exe, `/var/lib/avail/runtime/${one.id}/bin/avail`, told.stderr);
        assertEquals(filesBelow(home), []);
      });
      await t.step("else have a place in their own home", async () => {
        const told = await mounted(emptyPlaces, asStranger(one.path), env);
        assertEquals(told.exe, `${home}/.cache/avail/runtime/${one.id}/bin/avail`, told.stderr);
        assertEquals(Deno.statSync(told.exe!).uid, stranger);
      });
      await t.step("or where XDG_CACHE_HOME says", async () => {
        const cache = { ...env, XDG_CACHE_HOME: `${home}/xdg` };
        const told = await mounted(emptyPlaces, asStranger(two.path), cache);
        assertEquals(told.exe, `${home}/xdg/avail/runtime/${two.id}/bin/avail`, told.stderr);
      });
      await t.step("or none", async () => {
        const told = await mounted(emptyPlaces, asStranger(one.path), { HOME: "/proc" });
        assertEquals(told.exe, inMemory, told.stderr);
      });
      await t.step("root runs nothing of theirs", async () => {
        const theirs = { AVAIL_RUNTIME_DIR: `${home}/.cache/avail/runtime` };
        const told = await start([one.path], { ...path, ...theirs });
        assertEquals(told.exe, inMemory, told.stderr);
        assertStringIncludes(told.stderr, `others could change ${home}`);
      });
    } finally {
      await Deno.remove(one.folder, { recursive: true });
    }
  },
});

Deno.test("where nothing fits, one sentence says why of each", async () => {
  const [one] = await smallPackages(["one"]);
  try {
    const limited = (package_: SmallPackage, env: Record<string, string>) =>
      start(["sh", "-c", 'ulimit -f 100; exec "$0"', package_.path], { PATH: path.PATH, ...env });
    const place = `${one.folder}/place`;
    const told = await limited(one, { AVAIL_RUNTIME_DIR: place });
    assertEquals([told.code, told.exe], [1, null]);
    assertEquals(
      told.stderr,
      `avail: no place to run from: ${place}: File too large; memory: File too large; ` +
        "set AVAIL_RUNTIME_DIR to a directory of root's that has room and allows programs\n",
    );
    assertEquals(filesBelow(place), [".lock"]);
    const relative = await limited(one, { AVAIL_RUNTIME_DIR: "some/where" });
    assertStringIncludes(relative.stderr, "some/where: AVAIL_RUNTIME_DIR must be an absolute path");
  } finally {
    await Deno.remove(one.folder, { recursive: true });
  }
});
