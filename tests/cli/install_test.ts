/** `avail install` and `avail uninstall` as people and scripts see them. */
import {
  installHead,
  installTail,
  stepLine,
  uninstallHead,
  uninstallTail,
} from "../../cli/install_screen.ts";
import { width } from "../../cli/render.ts";
import { exitCodes } from "../../lib/errors.ts";
import type { Step } from "../../lib/host/install/changes.ts";
import type { Installed } from "../../lib/host/install/install.ts";
import { programToInstall } from "../../lib/host/install/program_source.ts";
import { assert, assertEquals, assertStringIncludes, assertThrows } from "../assert.ts";
import { assertGolden } from "../golden.ts";
import { avail } from "./program.ts";

const style = { colour: false, unicode: true };

const steps: readonly Step[] = [
  { action: "make", path: "/etc/avail", what: "configuration and key" },
  { action: "mode", path: "/var/lib/avail", what: "nobody else may write there" },
  { action: "replace", path: "/usr/local/sbin/avail", what: "the program" },
  { action: "write", path: "/etc/systemd/system/avail.service", what: "the service, for systemd" },
  { action: "run", path: "systemctl enable avail.service", what: "starts it at boot" },
];

const installed: Installed = {
  schema: 1,
  dryRun: false,
  root: "/",
  version: "0.2.0",
  sha256: "22".repeat(32),
  previous: { version: "0.1.0", sha256: "11".repeat(32) },
  program: "/usr/local/sbin/avail",
  changed: true,
  steps,
  serviceManager: "systemd",
  datapath: {
    backend: "xdp",
    why: "the headers of Linux 6.12.9-amd64 are not installed",
    remedy: "apt-get install linux-headers-6.12.9-amd64",
    steps: [],
  },
  configured: false,
  running: false,
  next: ["avail init", "avail join TOKEN"],
};

Deno.test("install: the screens of a first one, an upgrade, an image, and of nothing to do", () => {
  const screens: readonly Installed[] = [
    { ...installed, previous: null },
    { ...installed, configured: true, running: true, next: ["systemctl restart avail"] },
    { ...installed, configured: true, next: ["systemctl start avail"], datapath: null },
    {
      ...installed,
      root: "/mnt/image",
      previous: null,
      datapath: null,
      next: ["put avail.toml and cluster.key into /mnt/image/etc/avail", "avail init"],
    },
    { ...installed, dryRun: true, previous: { version: "0.2.0", sha256: "33".repeat(32) } },
    {
      ...installed,
      changed: false,
      steps: [],
      previous: { version: "0.2.0", sha256: installed.sha256 },
      datapath: {
        backend: null,
        why: "the module needs a signature; and xdp needs Linux 6.6 or newer, this is 6.1.0",
        remedy: "boot a newer kernel",
        steps: [],
      },
    },
  ];
  const texts = screens.map((screen) => {
    const { version, root, dryRun } = screen;
    const head = screen.changed ? installHead(version, root, dryRun) : "";
    return head + screen.steps.map((step) => stepLine(step, dryRun)).join("") +
      installTail(screen, style);
  });
  for (const line of texts.join("").split("\n")) assert(width(line) <= 100, line);
  assertGolden("install.txt", texts.join("\n"));
});

Deno.test("uninstall: the screens", () => {
  const done = { schema: 1, dryRun: false, root: "/", version: "0.1.0", kept: [], steps } as const;
  const gone: Step = { action: "remove", path: "/etc/avail", what: "configuration and key" };
  assertEquals(
    uninstallHead("/", false) + stepLine(gone, false) + uninstallTail({ ...done, changed: true }),
    "removing avail from this machine\n" +
      "  removed   /etc/avail                                  configuration and key\n" +
      "avail is removed\n",
  );
  assertEquals(
    uninstallTail({ ...done, changed: false, root: "/mnt" }),
    "avail is not installed in /mnt; there is nothing to remove\n",
  );
  const kept = uninstallTail({ ...done, changed: true, kept: ["/etc/avail"], dryRun: true });
  assertEquals(kept, "kept: /etc/avail\n");
  assertEquals(uninstallHead("/mnt", true), "what removing avail from /mnt would do\n");
});

Deno.test("a name cannot steer the terminal", () => {
  const step: Step = { action: "remove", path: "/etc/\x1b[2Javail", what: "" };
  assert(!stepLine(step, false).includes("\x1b"));
});

const wrong: readonly (readonly [args: readonly string[], says: string])[] = [
  [["install", "--root", "/nowhere"], 'root: "/nowhere": there is no such folder'],
  [["install", "--root"], "--root needs a value"],
  [["install", "--to", "sbin"], 'to: "sbin": name it by its whole path'],
  [["install", "--to", "/usr/../sbin"], "name it by its whole path"],
  [["install", "here"], '"here" is one word too many'],
  [["install", "--dryrun"], "unknown flag --dryrun; did you mean --dry-run?"],
  [["install", "--no-json"], "unknown flag --no-json"],
  [["uninstall", "--keep-confg"], "did you mean --keep-config?"],
  [["uninstall", "--root", "/etc/passwd"], "there is no such folder"],
  [["uninstall", "--force", "--force"], "--force stands there twice"],
  [["completions"], "bash|zsh|fish is missing"],
  [["completions", "tcsh"], '"tcsh": there are completions for bash, zsh and fish'],
  [["completions", "bash", "zsh"], '"zsh" is one word too many'],
];

Deno.test("words that are wrong: exit code 2, one line, nothing else", async () => {
  for (const [args, says] of wrong) {
    const { code, stdout, stderr } = await avail(...args);
    assertEquals([code, stdout], [exitCodes.usage, ""], args.join(" "));
    assertStringIncludes(stderr, says);
    assertEquals(stderr.trimEnd().split("\n").length, 1, stderr);
  }
});

Deno.test("uninstall --root --json: nothing there is no failure", async () => {
  const root = await Deno.makeTempDir();
  try {
    const { code, stdout } = await avail("uninstall", "--root", root, "--json");
    const { schema, changed, steps, version } = JSON.parse(stdout);
    assertEquals([code, schema, changed, steps, version], [0, 1, false, [], null]);
  } finally {
    await Deno.remove(root);
  }
});

Deno.test("from a checkout: what is built is installed; nothing built is told", async () => {
  const file = await Deno.makeTempFile();
  try {
    assertEquals(programToInstall(file), file);
  } finally {
    await Deno.remove(file);
  }
  const { message } = assertThrows(() => programToInstall(file)) as Error;
  assertEquals(
    message,
    `install: this program runs from its source, and ${file} is not there; build it first: ./dev build`,
  );
});
