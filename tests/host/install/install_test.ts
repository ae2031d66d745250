/** What `avail install --root` writes into made-up systems, and that it leaves alone what it should. */
import { assert, assertEquals, assertRejects, assertStringIncludes } from "../../assert.ts";
import { AvailError } from "../../../lib/errors.ts";
import { readManifest } from "../../../lib/host/install/manifest.ts";
import { Tree } from "../../../lib/host/kernel_module/tree.ts";
import {
  type Files,
  installInto,
  listing,
  openrcTree,
  put,
  systemdTree,
  sysvTree,
  told,
  uninstallFrom,
  withRoot,
} from "./fake_root.ts";

/** What every system gets. */
const common = [
  "0700 /etc/avail/",
  "0755 /var/lib/avail/",
  "0644 /var/lib/avail/install.json",
  "0755 /usr/local/sbin/avail",
  "0644 /usr/local/share/bash-completion/completions/avail",
  "0644 /usr/local/share/zsh/site-functions/_avail",
  "0644 /etc/fish/completions/avail.fish",
  "0644 /usr/local/share/man/man8/avail.8",
];

const systems: readonly (readonly [name: string, files: Files, own: readonly string[]])[] = [
  ["systemd", systemdTree, [
    "0644 /etc/systemd/system/avail.service",
    "/etc/systemd/system/multi-user.target.wants/avail.service -> /etc/systemd/system/avail.service",
  ]],
  ["openrc", openrcTree, [
    "0755 /etc/init.d/avail",
    "/etc/runlevels/default/avail -> /etc/init.d/avail",
  ]],
  ["sysv", sysvTree, [
    "0755 /etc/init.d/avail",
    "0644 /etc/logrotate.d/avail",
    "/etc/rc2.d/S20avail -> ../init.d/avail",
    "/etc/rc0.d/K01avail -> ../init.d/avail",
  ]],
  ["none", {}, []],
];

for (const [name, files, own] of systems) {
  Deno.test(`install, ${name}: what is written; nothing the second time; nothing is left`, () =>
    withRoot(files, async (root) => {
      const before = listing(root);
      const dry = await installInto(root, "one", { isDryRun: true });
      assertEquals(listing(root), before, "a dry run writes nothing");

      const first = await installInto(root, "one");
      assertEquals([first.serviceManager, first.changed, first.previous], [name, true, null]);
      assertEquals(told(dry.steps), told(first.steps), "it told before what it did then");
      const isFolder = (line: string) => line.endsWith("/") && !/avail\/$/.test(line);
      const written = listing(root).filter((line) => !before.includes(line) && !isFolder(line));
      assertEquals(written, [...common, ...own].toSorted(byPath));

      const after = listing(root);
      const second = await installInto(root, "one");
      assertEquals([second.changed, second.steps, listing(root)], [false, [], after]);

      const removal = await uninstallFrom(root, { isDryRun: true });
      assertEquals([removal.changed, listing(root)], [true, after]);
      assertEquals((await uninstallFrom(root)).changed, true);
      assertEquals(listing(root), before, "nothing is left");
      assertEquals((await uninstallFrom(root)).changed, false);
    }));
}

Deno.test("install: another version replaces the program, and says from which one", () =>
  withRoot(systemdTree, async (root) => {
    const { sha256 } = await installInto(root, "one");
    const inode = Deno.statSync(`${root}/usr/local/sbin/avail`).ino;
    using old = Deno.openSync(`${root}/usr/local/sbin/avail`);
    const upgrade = await installInto(root, "two");
    assertEquals(told(upgrade.steps), ["replace /usr/local/sbin/avail"]);
    assertEquals(upgrade.previous?.sha256, sha256);
    assert(Deno.statSync(`${root}/usr/local/sbin/avail`).ino !== inode);
    // Whoever runs the old one still has it whole.
    const content = new Uint8Array(8);
    assertEquals(new TextDecoder().decode(content.subarray(0, old.readSync(content)!)), "one");
    const names = [...Deno.readDirSync(`${root}/usr/local/sbin`)].map(({ name }) => name);
    assertEquals(names, ["avail"]);
  }));

Deno.test("install: what changed or is missing is put right, alone", () =>
  withRoot(systemdTree, async (root) => {
    await installInto(root, "one");
    const unit = `${root}/etc/systemd/system/avail.service`;
    const unitText = Deno.readTextFileSync(unit);
    Deno.writeTextFileSync(unit, "[Service]\n");
    Deno.removeSync(`${root}/etc/fish/completions/avail.fish`);
    Deno.chmodSync(`${root}/usr/local/sbin/avail`, 0o700);
    Deno.chmodSync(`${root}/etc/avail`, 0o777);
    Deno.removeSync(`${root}/etc/systemd/system/multi-user.target.wants/avail.service`);
    const { steps } = await installInto(root, "one");
    assertEquals(told(steps), [
      "mode /etc/avail",
      "mode /usr/local/sbin/avail",
      "replace /etc/systemd/system/avail.service",
      "write /etc/fish/completions/avail.fish",
      "link /etc/systemd/system/multi-user.target.wants/avail.service",
    ]);
    assertEquals(Deno.readTextFileSync(unit), unitText);
    assertEquals(Deno.statSync(`${root}/etc/avail`).mode! & 0o777, 0o755);
  }));

Deno.test("install: what an older version wrote and this one does not goes", () =>
  withRoot(systemdTree, async (root) => {
    await installInto(root, "one");
    put(`${root}/usr/share/avail/old`, "old");
    const file = `${root}/var/lib/avail/install.json`;
    const manifest = readManifest(new Tree(root))!;
    const files = [...manifest.files, "/usr/share/avail/old", "/never/there"];
    Deno.writeTextFileSync(file, JSON.stringify({ ...manifest, version: "0.0.9", files }));
    const { steps, previous } = await installInto(root, "one");
    assertEquals([told(steps), previous?.version], [["remove /usr/share/avail/old"], "0.0.9"]);
    assertEquals((await installInto(root, "one")).changed, false);
  }));

Deno.test("install: links of the system are followed inside of it, never out", async () => {
  const outside = await Deno.makeTempDir();
  try {
    const files = {
      ...systemdTree,
      "/var/usrlocal": null,
      "/usr/local": "-> /var/usrlocal",
      "/etc/fish": `-> ${outside}`,
      [`${outside}/keep`]: "its own",
    };
    await withRoot(files, async (root) => {
      await installInto(root, "one");
      assertEquals(Deno.readTextFileSync(`${root}/var/usrlocal/sbin/avail`), "one");
      assertEquals(Deno.readTextFileSync(`${root}${outside}/completions/avail.fish`), "# fish\n");
      assertEquals(listing(outside), [], "nothing came out");
      await uninstallFrom(root);
      assertEquals(Deno.readTextFileSync(`${root}${outside}/keep`), "its own");
    });
  } finally {
    await Deno.remove(outside, { recursive: true });
  }
});

Deno.test("install: a folder where a file belongs is told, and nothing is left half done", () =>
  withRoot({ ...systemdTree, "/usr/local/sbin/avail/x": "" }, async (root) => {
    const error = await assertRejects(() => installInto(root, "one"), AvailError);
    assertStringIncludes(error.message, `write ${root}/usr/local/sbin/avail: `);
    const names = [...Deno.readDirSync(`${root}/usr/local/sbin`)].map(({ name }) => name);
    assertEquals(names, ["avail"]);
    // What was made until then was written down; what is not ours stays.
    assertEquals((await uninstallFrom(root)).changed, true);
    assertEquals(Deno.readTextFileSync(`${root}/usr/local/sbin/avail/x`), "");
    assertEquals(listing(root).filter((line) => /var\/lib\/avail|etc\/avail/.test(line)), []);
  }));

Deno.test("install --to: the service runs the program from there, also after an upgrade", () =>
  withRoot(systemdTree, async (root) => {
    await installInto(root, "one", { programFolder: "/opt/bin" });
    const upgrade = await installInto(root, "two");
    assertEquals(upgrade.program, "/opt/bin/avail");
    const unit = Deno.readTextFileSync(`${root}/etc/systemd/system/avail.service`);
    assertStringIncludes(unit, "ExecStart=/opt/bin/avail run");
    const { steps } = await installInto(root, "two", { programFolder: "/usr/sbin" });
    assert(told(steps).includes("remove /opt/bin/avail"), told(steps).join("\n"));
  }));

Deno.test("uninstall --keep-config keeps the administrator's files, and names them", () =>
  withRoot(systemdTree, async (root) => {
    await installInto(root, "one");
    put(`${root}/etc/avail/cluster.key`, "secret");
    put(`${root}/etc/systemd/system/avail.service.d/own.conf`, "[Service]\n");
    put(`${root}/var/log/avail.log.1`, "{}");
    put(`${root}/usr/local/share/man/man8/other.8`, "");
    const { kept } = await uninstallFrom(root, { keepConfig: true });
    assertEquals(kept, ["/etc/avail", "/etc/systemd/system/avail.service.d"]);
    assertEquals(listing(root).filter((line) => /avail|other/.test(line)), [
      "0700 /etc/avail/",
      "0644 /etc/avail/cluster.key",
      "0755 /etc/systemd/system/avail.service.d/",
      "0644 /etc/systemd/system/avail.service.d/own.conf",
      "0644 /usr/local/share/man/man8/other.8",
    ]);
    await uninstallFrom(root);
    assertEquals(listing(root).filter((line) => /avail|secret/.test(line)), []);
  }));

Deno.test("uninstall: a manifest that is not ours is not believed", () =>
  withRoot({ ...systemdTree, "/etc/passwd": "root" }, async (root) => {
    const sound = { schema: 1, version: "1", sha256: "", program: "/x", folders: [] };
    put(`${root}/var/lib/avail/install.json`, JSON.stringify({ ...sound, files: ["/etc/x"] }));
    assertEquals(readManifest(new Tree(root))?.files, ["/etc/x"]);
    for (const path of ["/etc/../etc/passwd", "etc/passwd", "/", "//etc/passwd", "/etc/./passwd"]) {
      put(`${root}/var/lib/avail/install.json`, JSON.stringify({ ...sound, files: [path] }));
      assertEquals(readManifest(new Tree(root)), null, path);
    }
    await uninstallFrom(root);
    assertEquals(Deno.readTextFileSync(`${root}/etc/passwd`), "root");
  }));

function byPath(a: string, b: string): number {
  const path = (line: string) => line.replace(/^\d{4} /, "").replace(/ -> .*/, "").split("/");
  const [left, right] = [path(a), path(b)];
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const [x, y] = [left[i] ?? "", right[i] ?? ""];
    if (x !== y) return x < y ? -1 : 1;
  }
  return 0;
}
