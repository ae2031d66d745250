/** What a kernel says about modules, and about ours. Only files are read: cheap enough for a daemon. */
import { gunzipSync } from "node:zlib";
import { Distribution } from "./distribution.ts";
import { type ModuleFile, readModuleFile } from "./module_file.ts";
import { Tree } from "./tree.ts";

export const moduleName = "clusterdev";

export interface InstalledModule extends ModuleFile {
  /** In the system that was asked about. */
  readonly path: string;
  /** Whether depmod has seen it, so that modprobe and the kernel find it. */
  readonly isIndexed: boolean;
}

/** A key pair that signs modules for this machine, as DKMS and the distributions make them. */
export interface SigningKey {
  readonly key: string;
  readonly certificate: string;
}

export interface KernelFacts {
  readonly release: string;
  /** Else it is asked about for another boot or another system. */
  readonly isRunning: boolean;
  readonly isContainer: boolean;
  readonly distribution: Distribution;
  /** CONFIG_MODULES; null where nothing tells. */
  readonly hasModules: boolean | null;
  /** kernel.modules_disabled: none is loaded until the next boot. */
  readonly isLocked: boolean;
  readonly hasModuleFolder: boolean;
  /** Our module in the running kernel; `version` is null where it does not say. */
  readonly loaded: { readonly version: string | null } | null;
  readonly installed: InstalledModule | null;
  /** Null where the firmware does not say. */
  readonly secureBoot: boolean | null;
  /** The kernel's word: none, integrity, confidentiality; null where it has no lockdown. */
  readonly lockdown: string | null;
  /** Whether the kernel takes signed modules only. */
  readonly needsSignature: boolean;
  readonly signingKey: SigningKey | null;
  /** The kernel's configuration, where it can be had. */
  readonly config: string | null;
}

/** The release of the running kernel; null in a tree without one. */
export function runningRelease(tree: Tree): string | null {
  return tree.readText("/proc/sys/kernel/osrelease")?.trim() ?? null;
}

/** @param headers Folder of the kernel's headers on this machine, instead of its own link to them. */
export function kernelFacts(tree: Tree, release: string, headers?: string): KernelFacts {
  const isRunning = release === runningRelease(tree);
  const config = (headers === undefined ? null : new Tree(headers).readText("/.config")) ??
    kernelConfig(tree, release, isRunning);
  const lockdown = isRunning ? lockdownOf(tree) : null;
  const secureBoot = isRunning ? secureBootOf(tree) : null;
  const isForced = isSet(config, "CONFIG_MODULE_SIG_FORCE") ||
    (isRunning && tree.readText("/sys/module/module/parameters/sig_enforce")?.trim() === "Y");
  const isLockedDown = lockdown === null
    ? secureBoot === true && isSet(config, "CONFIG_SECURITY_LOCKDOWN_LSM")
    : lockdown !== "none";
  return {
    release,
    isRunning,
    isContainer: ["/run/systemd/container", "/.dockerenv", "/run/.containerenv"]
      .some((sign) => tree.exists(sign)),
    distribution: new Distribution(
      tree.readText("/etc/os-release") ?? tree.readText("/usr/lib/os-release"),
    ),
    hasModules: isRunning
      ? tree.exists("/proc/modules")
      : config === null
      ? null
      : isSet(config, "CONFIG_MODULES"),
    isLocked: isRunning && tree.readText("/proc/sys/kernel/modules_disabled")?.trim() === "1",
    hasModuleFolder: tree.exists(`/lib/modules/${release}`),
    loaded: isRunning && tree.exists(`/sys/module/${moduleName}`)
      ? { version: tree.readText(`/sys/module/${moduleName}/version`)?.trim() ?? null }
      : null,
    installed: installedModule(tree, release),
    secureBoot,
    lockdown,
    needsSignature: isForced || isLockedDown,
    signingKey:
      keyPlaces.find(({ key, certificate }) => tree.exists(key) && tree.exists(certificate)) ??
        null,
    config,
  };
}

/** The kernel's configuration from where distributions put it, or from the kernel itself. */
function kernelConfig(tree: Tree, release: string, isRunning: boolean): string | null {
  const files = [
    `/lib/modules/${release}/build/.config`,
    `/boot/config-${release}`,
    `/lib/modules/${release}/config`,
  ];
  for (const file of files) {
    const text = tree.readText(file);
    if (text !== null) return text;
  }
  const packed = isRunning ? tree.read("/proc/config.gz") : null;
  try {
    return packed && new TextDecoder().decode(gunzipSync(packed));
  } catch {
    return null;
  }
}

/** Whether the configuration has the setting as `y`. */
export function isSet(config: string | null, name: string): boolean {
  return config !== null && new RegExp(`^${name}=y$`, "m").test(config);
}

/** `none [integrity] confidentiality`: the one in brackets is in force. */
function lockdownOf(tree: Tree): string | null {
  return /\[(\w+)\]/.exec(tree.readText("/sys/kernel/security/lockdown") ?? "")?.[1] ?? null;
}

/** UEFI's variable: four bytes of attributes, then 1 where it is on. */
function secureBootOf(tree: Tree): boolean | null {
  const folder = "/sys/firmware/efi/efivars";
  const name = tree.list(folder).find((name) => name.startsWith("SecureBoot-"));
  const bytes = name === undefined ? null : tree.read(`${folder}/${name}`);
  return bytes && bytes.length === 5 ? bytes[4] === 1 : null;
}

const keyPlaces: readonly SigningKey[] = [
  { key: "/var/lib/dkms/mok.key", certificate: "/var/lib/dkms/mok.pub" },
  {
    key: "/var/lib/shim-signed/mok/MOK.priv",
    certificate: "/var/lib/shim-signed/mok/MOK.der",
  },
  {
    key: "/etc/pki/akmods/private/private_key.priv",
    certificate: "/etc/pki/akmods/certs/public_key.der",
  },
];

/** Where DKMS of the various distributions and `avail kmod build` install, in modprobe's order. */
const places = ["updates", "updates/dkms", "extra", "kernel/drivers/net"];
const endings = ["", ".xz", ".zst", ".gz"];

function installedModule(tree: Tree, release: string): InstalledModule | null {
  const folder = `/lib/modules/${release}`;
  const index = tree.readText(`${folder}/modules.dep`) ?? "";
  const indexed = new RegExp(`^(\\S*/${moduleName}\\.ko(?:\\.\\w+)?):`, "m").exec(index)?.[1];
  const candidates = places.flatMap((place) =>
    endings.map((ending) => `${place}/${moduleName}.ko${ending}`)
  );
  for (const name of indexed === undefined ? candidates : [indexed, ...candidates]) {
    const path = `${folder}/${name}`;
    const bytes = tree.read(path);
    if (bytes !== null) {
      return { path, isIndexed: name === indexed, ...readModuleFile(name, bytes) };
    }
  }
  return null;
}
