/** Whether the kernel can have our module, in a word: for the choice of a datapath. */
import { kernelFacts, runningRelease } from "./kernel_module/kernel_facts.ts";
import { loadObstacles } from "./kernel_module/obstacles.ts";
import { Tree } from "./kernel_module/tree.ts";

export interface Availability {
  /** Loaded, or installed with nothing known in its way: the kernel loads it with the first device. */
  readonly loadable: boolean;
  /** One sentence without its full stop. */
  readonly why: string;
}

/** Reads a few files and runs nothing. @param root The system's root folder; for tests. */
export function clusterdevAvailability(root = "/"): Availability {
  const tree = new Tree(root);
  const release = runningRelease(tree);
  if (release === null) return { loadable: false, why: "this system has no /proc" };
  const kernel = kernelFacts(tree, release);
  if (kernel.loaded !== null) return { loadable: true, why: "the module clusterdev is loaded" };
  const [first] = loadObstacles(kernel);
  if (first !== undefined) return { loadable: false, why: first.problem };
  if (kernel.installed === null) {
    return {
      loadable: false,
      why: `the module clusterdev is not installed for Linux ${release}`,
    };
  }
  return { loadable: true, why: `the module clusterdev is installed: ${kernel.installed.path}` };
}

/**
 * Why there is no device of the kind clusterdev, and what to do, after the kernel has refused to make one
 * (EOPNOTSUPP: it knows no such kind).
 */
export function whyNoClusterdev(root = "/"): string {
  const { loadable, why } = clusterdevAvailability(root);
  return loadable
    ? `${why}, and the kernel does not take it; avail kmod load tells more`
    : `${why}; avail kmod status tells what to do`;
}
