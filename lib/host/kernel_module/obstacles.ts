/** What keeps the module from being built or loaded, each with its remedy. Pure: facts in, words out. */
import { type BuildFacts, chooseCompiler } from "./build_facts.ts";
import { describeCompiler } from "./compiler.ts";
import type { KernelFacts } from "./kernel_facts.ts";

export type ObstacleKind =
  | "noModules"
  | "modulesLocked"
  | "noModuleFolder"
  | "headersMissing"
  | "compilerMissing"
  | "compilerVersion"
  | "makeMissing"
  | "depmodMissing"
  | "signature"
  | "versionMagic"
  | "notIndexed"
  | "unknownSymbol"
  | "notPermitted"
  | "notLoadable";

export interface Obstacle {
  readonly kind: ObstacleKind;
  readonly problem: string;
  readonly remedy: string;
}

/** What helps wherever no module can be loaded. */
const useXdp = 'use backend = "xdp", which needs no module';

/** What is in the way of any module, however it came to be. */
export function kernelObstacles(kernel: KernelFacts): Obstacle[] {
  const { release } = kernel;
  if (kernel.hasModules === false) {
    return [{
      kind: "noModules",
      problem: `Linux ${release} was built without loadable modules (CONFIG_MODULES)`,
      remedy: `${useXdp}, or boot a kernel with modules`,
    }];
  }
  const obstacles: Obstacle[] = [];
  if (kernel.isLocked && kernel.loaded === null) {
    obstacles.push({
      kind: "modulesLocked",
      problem: "loading modules was locked until the next boot (kernel.modules_disabled = 1)",
      remedy: "reboot, and name clusterdev in /etc/modules-load.d/clusterdev.conf so that it is " +
        `loaded before the lock; or ${useXdp}`,
    });
  }
  if (!kernel.hasModuleFolder && kernel.loaded === null) obstacles.push(noModuleFolder(kernel));
  return obstacles;
}

function noModuleFolder({ release, isRunning, isContainer }: KernelFacts): Obstacle {
  const remedy = !isRunning
    ? "install that kernel, or correct --kernel"
    : isContainer
    ? "this is a container: build and load on the host, whose kernel it is"
    : "its package was probably replaced or removed since the boot: reboot, or install it again";
  return {
    kind: "noModuleFolder",
    problem: `there is no /lib/modules/${release} for ${
      isRunning ? "the running kernel" : "this kernel"
    }`,
    remedy,
  };
}

/** What is in the way of building. */
export function buildObstacles(kernel: KernelFacts, build: BuildFacts): Obstacle[] {
  const basic = kernelObstacles(kernel).filter(({ kind }) => kind !== "modulesLocked");
  if (basic.some(({ kind }) => kind === "noModules")) return basic;
  const { distribution, release } = kernel;
  const obstacles: Obstacle[] = [...basic];
  if (build.headers === null) {
    const name = distribution.headersPackage(release);
    obstacles.push({
      kind: "headersMissing",
      problem: `the headers of Linux ${release} are not installed ` +
        `(/lib/modules/${release}/build leads nowhere)`,
      remedy: name === null
        ? "install your distribution's package with the headers of exactly this kernel"
        : distribution.toInstall(name),
    });
  }
  obstacles.push(...compilerObstacles(kernel, build));
  if (build.make === null) {
    obstacles.push({
      kind: "makeMissing",
      problem: "make is not installed",
      remedy: distribution.toInstall("make"),
    });
  }
  if (build.depmod === null) {
    obstacles.push({
      kind: "depmodMissing",
      problem: "depmod is not installed",
      remedy: distribution.toInstall("kmod"),
    });
  }
  return obstacles;
}

function compilerObstacles({ distribution }: KernelFacts, build: BuildFacts): Obstacle[] {
  const { compilers, kernelCompiler: wanted } = build;
  if (chooseCompiler(build) !== null) return [];
  const remedy = distribution.toInstall(
    wanted === null ? "gcc" : distribution.compilerPackage(wanted),
  );
  const built = wanted === null ? "" : `; the kernel was built with ${describeCompiler(wanted)}`;
  if (!compilers.some(({ name }) => wanted === null || name === wanted.name)) {
    return [{
      kind: "compilerMissing",
      problem: `${wanted?.name ?? "a compiler"} is not installed${built}`,
      remedy,
    }];
  }
  const here = [...new Set(compilers.map(describeCompiler))].join(", ");
  return [{
    kind: "compilerVersion",
    problem: `here is ${here}${built}`,
    remedy: `${remedy}; or try another one: avail kmod build --compiler PROGRAM`,
  }];
}

/** What is in the way of loading the module that is installed. */
export function loadObstacles(kernel: KernelFacts): Obstacle[] {
  const { installed, release } = kernel;
  const obstacles = kernelObstacles(kernel);
  if (kernel.loaded !== null || installed === null) return obstacles;
  if (installed.release !== null && installed.release !== release) {
    obstacles.push({
      kind: "versionMagic",
      problem: `${installed.path} was built for Linux ${installed.release}`,
      remedy: "build it for this kernel: avail kmod build",
    });
  }
  if (!installed.isIndexed) {
    obstacles.push({
      kind: "notIndexed",
      problem: `${installed.path} is not in modules.dep, so that modprobe does not find it`,
      remedy: `run: depmod ${release}`,
    });
  }
  if (kernel.needsSignature && installed.isSigned === false) obstacles.push(unsigned(kernel));
  return obstacles;
}

/** The kernel takes only signed modules, and ours is not, or by a key that it does not know. */
export function unsigned(kernel: KernelFacts): Obstacle {
  const why = kernel.secureBoot
    ? "Secure Boot is on"
    : kernel.lockdown !== null && kernel.lockdown !== "none"
    ? `the kernel is locked down (${kernel.lockdown})`
    : "the kernel enforces signatures";
  return {
    kind: "signature",
    problem: `${why}: a module needs a signature by a key that this machine trusts`,
    remedy: kernel.signingKey !== null
      ? `enrol the key: mokutil --import ${kernel.signingKey.certificate}, reboot and confirm it ` +
        "there; then: avail kmod build --force"
      : "install dkms, which makes a key and signs with it, and run: avail kmod build --force; " +
        "then enrol the key: mokutil --import /var/lib/dkms/mok.pub, reboot and confirm it there",
  };
}
