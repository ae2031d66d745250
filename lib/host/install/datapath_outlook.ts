/** Which datapath a node will have: the kernel module where it can be had, which is built for it; else xdp. */
import { AvailError } from "../../errors.ts";
import { buildModule, type BuildReport } from "../kernel_module/build.ts";
import { readPackedSource } from "../kernel_module/source.ts";
import { gatherFacts, judgeModule } from "../kernel_module/status.ts";

/** `null`: this kernel can have neither. */
export interface DatapathOutlook {
  readonly backend: "clusterdev" | "xdp" | null;
  /** A sentence without its full stop. */
  readonly why: string;
  /** What would give it the module, where it has none. */
  readonly remedy?: string;
  /** What was done for it, or would be. */
  readonly steps: readonly string[];
}

/** tc programs that are attached by links: Linux 6.6. */
const xdpKernel = [6, 6] as const;

/** Builds and installs the module where this kernel can have it. Never throws for want of it. */
export async function prepareDatapath(
  report: BuildReport,
  isDryRun: boolean,
): Promise<DatapathOutlook> {
  const source = readPackedSource();
  const facts = gatherFacts();
  const { state, obstacles, release } = judgeModule(facts, source.version);
  if (state === "impossible") {
    const [{ kind, problem, remedy }] = obstacles;
    // Where nothing but another kernel would help, xdp is no second choice.
    return withoutModule(release, problem, kind === "noModules" ? null : remedy);
  }
  try {
    const jobs = navigator.hardwareConcurrency;
    const { steps } = await buildModule(source, {}, { jobs }, report, isDryRun);
    const why = steps.length === 0
      ? `the module clusterdev is ${state} already`
      : `the module clusterdev ${isDryRun ? "can be" : "was"} built for Linux ${release}`;
    return { backend: "clusterdev", why, steps };
  } catch (error) {
    if (!(error instanceof AvailError)) throw error;
    // An older module that works is better than none.
    if (state === "loaded" || state === "loadable") {
      const why = `the module clusterdev is ${state}; its newer version: ${error.message}`;
      return { backend: "clusterdev", why, steps: [] };
    }
    return withoutModule(release, error.message, "avail kmod build --force tries again");
  }
}

function withoutModule(release: string, why: string, remedy: string | null): DatapathOutlook {
  const backend = isAtLeast(release, xdpKernel) ? "xdp" : null;
  const reason = backend === null
    ? `${why}; and xdp needs Linux ${xdpKernel.join(".")} or newer, this is ${release}`
    : why;
  const needed = remedy ?? (backend === null ? "boot a newer kernel" : null);
  return { backend, why: reason, ...(needed !== null && { remedy: needed }), steps: [] };
}

/** Whether a release such as `6.1.0-9-amd64` is of this version or newer. */
export function isAtLeast(release: string, [major, minor]: readonly [number, number]): boolean {
  const [first, second] = (/^(\d+)\.(\d+)/.exec(release) ?? []).slice(1).map(Number);
  return first > major || (first === major && second >= minor);
}
