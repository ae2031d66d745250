/** Which backend a node uses, and why; what another backend left behind goes first. */
import { SystemError } from "../../ffi/library.ts";
import type { Config } from "../config.ts";
import { assert } from "../errors.ts";
import type { Backend, DatapathAttachment } from "./datapath.ts";
import { whyNoClusterdev } from "./kernel_module.ts";
import { RouteSocket } from "./route_socket.ts";
import { attachClusterdev, hasClusterdevRemains, removeClusterdev } from "./steering_clusterdev.ts";
import { attachClusterip } from "./steering_clusterip.ts";
import { attachXdp, hasXdpRemains, removeXdp, type XdpOptions } from "./steering_xdp.ts";

export interface ChosenDatapath extends DatapathAttachment {
  /** Why this backend: one sentence, without its full stop. */
  readonly why: string;
}

/**
 * Attaches the backend of the configuration, or the best one for "auto". Throws `AvailError`, and
 * leaves nothing behind then.
 */
export function attachDatapath(
  wanted: Config["datapath"]["backend"],
  options: XdpOptions,
): ChosenDatapath {
  const { backend, why } = choose(wanted);
  // Two backends would both steer: each refuses what the other takes.
  if (backend !== "clusterdev" && hasClusterdevRemains(options.runDir)) {
    removeClusterdev(options.runDir);
  }
  if (backend !== "xdp" && hasXdpRemains(options.runDir)) removeXdp(options.runDir);
  return { ...attach(backend, options), why };
}

function attach(backend: Backend, options: XdpOptions): DatapathAttachment {
  switch (backend) {
    case "clusterdev":
      return attachClusterdev(options);
    case "xdp":
      return attachXdp(options);
    case "clusterip": {
      const { clusterip } = options;
      assert(clusterip !== undefined && clusterip !== null, "the rules were not read");
      return attachClusterip({ ...options, clusterip });
    }
  }
}

/** Removes what a daemon that is no more left on this machine, whichever backend it had. */
export function removeDatapath(runDir: string): void {
  removeClusterdev(runDir);
  removeXdp(runDir);
}

function choose(wanted: Config["datapath"]["backend"]): { backend: Backend; why: string } {
  switch (wanted) {
    case "clusterdev":
    case "xdp":
    case "clusterip":
      return { backend: wanted, why: `datapath.backend is "${wanted}" in the configuration` };
    case "auto":
      return canUseClusterdev()
        ? { backend: "clusterdev", why: "the kernel has the module clusterdev" }
        : { backend: "xdp", why: whyNoClusterdev() };
  }
}

/** Whether the module is loaded, or could be loaded by this very question. */
function canUseClusterdev(): boolean {
  using route = new RouteSocket();
  try {
    return route.hasClusterDevices();
  } catch (error) {
    // Not allowed to ask: what is missing is told by the attempt to attach.
    if (error instanceof SystemError) return false;
    throw error;
  }
}
