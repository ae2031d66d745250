/** Which service manager is found, and what is run for each verb; nothing of it is run here. */
import { assert, assertEquals, assertRejects, assertStringIncludes } from "../../assert.ts";
import { AvailError } from "../../../lib/errors.ts";
import {
  findServiceManager,
  type Said,
  ServiceManager,
} from "../../../lib/host/service_manager.ts";
import {
  runningServiceManager,
  type ServiceManagerKind,
} from "../../../lib/host/service/detect.ts";
import { Tree } from "../../../lib/host/kernel_module/tree.ts";
import {
  type Files,
  openrcTree,
  put,
  systemdTree,
  sysvTree,
  withRoot,
} from "../install/fake_root.ts";

const found: readonly (readonly [
  what: string,
  files: Files,
  running: ServiceManagerKind,
  booted: ServiceManagerKind,
])[] = [
  ["systemd at work", { ...systemdTree, "/run/systemd/system": null }, "systemd", "systemd"],
  [
    "systemd installed, in a container without init",
    { ...systemdTree, ...sysvTree },
    "sysv",
    "systemd",
  ],
  ["OpenRC at work", { ...openrcTree, "/run/openrc": null }, "openrc", "openrc"],
  ["OpenRC's folder alone", { "/run/openrc": null }, "none", "none"],
  ["scripts", sysvTree, "sysv", "sysv"],
  ["start-stop-daemon alone", { "/sbin/start-stop-daemon": "" }, "sysv", "sysv"],
  ["nothing", {}, "none", "none"],
];

Deno.test("which service manager is at work, and which a system will be booted with", async () => {
  for (const [what, files, running, booted] of found) {
    await withRoot(files, (root) => {
      assertEquals(runningServiceManager(new Tree(root)), running, what);
      assertEquals(findServiceManager(root).kind, booted, what);
      return Promise.resolve();
    });
  }
});

/** A service manager of the running system whose programs are not run, but noted. */
function noted(kind: ServiceManagerKind, answer: Said = { code: 0, lines: [] }) {
  const ran: string[] = [];
  // Its files do not matter: the root is that of this machine, where avail need not be installed.
  const manager = new ServiceManager(kind, new Tree("/"), (argv) => {
    ran.push(argv.join(" "));
    return Promise.resolve(answer);
  });
  manager.isInstalled = () => true;
  return { manager, ran };
}

const verbs: readonly (readonly [kind: ServiceManagerKind, ran: readonly string[]])[] = [
  ["systemd", [
    "systemctl is-active --quiet avail.service",
    "systemctl start avail.service",
    "systemctl reload avail.service",
    "systemctl restart avail.service",
    "systemctl stop avail.service",
    "systemctl enable avail.service",
    "systemctl disable avail.service",
    "systemctl daemon-reload",
    "systemctl reset-failed avail.service",
  ]],
  ["openrc", [
    "rc-service avail status",
    "rc-service avail start",
    "rc-service avail reload",
    "rc-service avail restart",
    "rc-service avail stop",
    "rc-update add avail default",
    "rc-update delete avail default",
  ]],
  ["sysv", [
    "/etc/init.d/avail status",
    "/etc/init.d/avail start",
    "/etc/init.d/avail reload",
    "/etc/init.d/avail restart",
    "/etc/init.d/avail stop",
  ]],
];

Deno.test("what is run for each verb", async () => {
  for (const [kind, expected] of verbs) {
    const { manager, ran } = noted(kind);
    assertEquals(await manager.isRunning(), true);
    await manager.start();
    await manager.reload();
    await manager.restart();
    await manager.stop();
    if (kind !== "sysv") {
      await manager.enable();
      await manager.disable();
    }
    await manager.forgetUnits();
    await manager.forgetFailure();
    assertEquals(ran, expected);
  }
});

Deno.test("a failure says what was run, what was said, and where more is", async () => {
  const lines = ["Job for avail.service failed.", "", "  See systemctl status."];
  const { manager } = noted("systemd", { code: 1, lines });
  assertEquals(await manager.isRunning(), false);
  const error = await assertRejects(() => manager.start(), AvailError);
  assertEquals(error.message.split("\n"), [
    "start the service avail: systemctl start avail.service: exit code 1",
    "  Job for avail.service failed.",
    "  See systemctl status.",
    "  its log: journalctl -u avail -n 30",
  ]);
});

Deno.test("what cannot be is told: no service manager, not installed, another system", async () => {
  const none = new ServiceManager("none", new Tree("/"));
  const first = await assertRejects(() => none.start(), AvailError);
  assertStringIncludes(first.message, "run the daemon yourself: avail run");
  assertEquals([await none.isRunning(), none.commandFor("start"), none.bootStep("enable")], [
    false,
    null,
    null,
  ]);
  await withRoot(systemdTree, async (root) => {
    const manager = findServiceManager(root, () => {
      throw new Error("nothing is run for another system");
    });
    const error = await assertRejects(() => manager.start(), AvailError);
    assertStringIncludes(error.message, `${root} is not the running system`);
    assertEquals([manager.isInstalled(), await manager.isRunning()], [false, false]);
    await manager.forgetUnits();
  });
  const { manager } = noted("systemd");
  manager.isInstalled = () => false;
  const error = await assertRejects(() => manager.start(), AvailError);
  assertStringIncludes(error.message, "it is not installed; install it: avail install");
});

Deno.test("started at boot by links in another system, and not any more", async () => {
  const systems = [systemdTree, openrcTree, sysvTree, { ...sysvTree, "/etc/rc3.d": null }];
  for (const files of systems) {
    await withRoot(files, async (root) => {
      const manager = findServiceManager(root);
      assertEquals(manager.isEnabled(), false);
      await manager.enable();
      await manager.enable();
      const links = manager.bootStep("disable")!.links;
      for (const link of links) assert(Deno.lstatSync(root + link).isSymlink, link);
      if (manager.kind !== "systemd") put(`${root}/etc/init.d/avail`, "");
      else put(`${root}/etc/systemd/system/avail.service`, "");
      // systemd's and OpenRC's links name files of the system that is booted.
      assertEquals(manager.isEnabled(), true, manager.kind);
      await manager.disable();
      assertEquals(manager.isEnabled(), false);
    });
  }
});
