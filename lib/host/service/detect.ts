/** Which service manager a system has, told from its files alone. */
import type { Tree } from "../kernel_module/tree.ts";

/** `none`: nobody here starts services; the daemon is started by hand, or by what the image is for. */
export type ServiceManagerKind = "systemd" | "openrc" | "sysv" | "none";

/** Programs that show that a system was made to be booted by this service manager. */
const programs = {
  systemd: ["/usr/lib/systemd/systemd", "/lib/systemd/systemd"],
  openrc: ["/sbin/openrc-run", "/usr/sbin/openrc-run", "/usr/bin/openrc-run"],
} as const;

/** What is there only while it is at work (sd_booted(3)). */
const signsOfWork = { systemd: "/run/systemd/system", openrc: "/run/openrc" } as const;

const signsOfSysv = ["/etc/init.d", "/sbin/start-stop-daemon", "/usr/sbin/start-stop-daemon"];

/** The service manager that works on the running system. A container without one of its own has SysV. */
export function runningServiceManager(tree: Tree): ServiceManagerKind {
  if (tree.exists(signsOfWork.systemd)) return "systemd";
  if (tree.exists(signsOfWork.openrc) && hasServiceManager(tree, "openrc")) return "openrc";
  return signsOfSysv.some((sign) => tree.exists(sign)) ? "sysv" : "none";
}

/** The one that a system will have when it is booted. */
export function installedServiceManager(tree: Tree): ServiceManagerKind {
  if (hasServiceManager(tree, "systemd")) return "systemd";
  if (hasServiceManager(tree, "openrc")) return "openrc";
  return signsOfSysv.some((sign) => tree.exists(sign)) ? "sysv" : "none";
}

export function hasServiceManager(tree: Tree, kind: keyof typeof programs): boolean {
  return programs[kind].some((program) => tree.exists(program));
}
