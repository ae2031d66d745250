/** Why the kernel did not take the module, from what modprobe and the kernel's log say. Pure. */
import type { KernelFacts } from "./kernel_facts.ts";
import { type Obstacle, unsigned } from "./obstacles.ts";

/**
 * @param said What modprobe wrote to standard error: strerror(3)'s words for the kernel's errno.
 * @param log What the kernel has logged since.
 */
export function judgeLoadFailure(
  kernel: KernelFacts,
  said: string,
  log: readonly string[],
): Obstacle {
  const all = log.join("\n");
  const reject = "build it again for exactly this kernel: avail kmod build --force";

  // EKEYREJECTED, EBADMSG, ENOKEY, and EPERM under lockdown.
  if (
    /Key was rejected|Bad message|Required key not available|Key has (expired|been revoked)/i.test(
      said,
    ) ||
    /unsigned module|module verification failed.*reject|Lockdown:.*module/i.test(all)
  ) return unsigned(kernel);

  const magic = /version magic '([^']*)' should be '([^']*)'/.exec(all);
  if (magic) {
    return {
      kind: "versionMagic",
      problem: `the module was built for "${magic[1].trim()}", and this kernel is "${
        magic[2].trim()
      }"`,
      remedy: reject,
    };
  }
  const symbol = /(?:disagrees about version of symbol|Unknown symbol) (\w+)/.exec(all);
  if (symbol) {
    return {
      kind: "unknownSymbol",
      problem: `the module needs ${symbol[1]}, which this kernel has not, or has differently`,
      remedy: reject,
    };
  }
  // ENOEXEC without a reason in the log that could be read.
  if (/Exec format error|Invalid module format/i.test(said)) {
    return {
      kind: "versionMagic",
      problem: `the kernel refuses the module's format${quoted(log)}`,
      remedy: reject,
    };
  }
  if (/not found in directory|not found$/im.test(said)) {
    return {
      kind: "notIndexed",
      problem: "modprobe does not find the module",
      remedy: `run: depmod ${kernel.release}`,
    };
  }
  if (/Operation not permitted|Permission denied/i.test(said)) {
    return {
      kind: "notPermitted",
      problem: "this process may not load modules (CAP_SYS_MODULE)",
      remedy: kernel.isContainer
        ? "this is a container: load it on the host, whose kernel it is"
        : "run as root, outside of services that are confined",
    };
  }
  const words = said.trim().replace(/^modprobe: (ERROR|FATAL): /gm, "").replaceAll("\n", "; ");
  return {
    kind: "notLoadable",
    problem: `${words || "modprobe failed"}${quoted(log)}`,
    remedy: "look into the kernel's log: dmesg",
  };
}

function quoted(log: readonly string[]): string {
  return log.length === 0 ? "" : `; the kernel logged: ${log.slice(-5).join(" | ")}`;
}
