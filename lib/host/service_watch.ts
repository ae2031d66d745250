/**
 * Tells the service manager every few seconds that the daemon works, and how it is (sd_notify(3)): both of
 * its threads have to answer for that. Where they do not, nothing is told, and systemd starts it anew
 * (WatchdogSec=). Until then the lease has long silenced the node.
 */
import type { Snapshot } from "../node_types.ts";
import { notifyServiceManager } from "./notify.ts";

/** Where nobody watches, `systemctl status` is still to show what is going on. */
const tellEveryMs = 5000;
/** sd_watchdog_enabled(3) recommends half of the time; a sixth forgives late ones, and the words are fresh. */
const tellsInTime = 6;

export interface ServiceWatchPorts {
  env(name: string): string | undefined;
  readonly pid: number;
  tell(state: string): void;
}

const real: ServiceWatchPorts = {
  env: (name) => Deno.env.get(name),
  pid: Deno.pid,
  tell: notifyServiceManager,
};

/** How often to tell, in milliseconds; null: there is nobody to be told. */
export function tellInterval({ env, pid }: Omit<ServiceWatchPorts, "tell">): number | null {
  if (!env("NOTIFY_SOCKET")) return null;
  const usec = Number(env("WATCHDOG_USEC") ?? NaN);
  const isMeant = !env("WATCHDOG_PID") || env("WATCHDOG_PID") === String(pid);
  return isMeant && usec > 0 ? usec / 1000 / tellsInTime : tellEveryMs;
}

/**
 * Tells until `signal`.
 *
 * @param ask Answered by all of the daemon that must work: how it is, in a few words.
 */
export function watchService(
  ask: () => Promise<string>,
  signal: AbortSignal,
  ports: ServiceWatchPorts = real,
): void {
  const everyMs = tellInterval(ports);
  if (everyMs === null) return;
  let isAsked = false;
  const tell = async () => {
    if (isAsked) return;
    isAsked = true;
    try {
      const status = await ask();
      if (!signal.aborted) ports.tell(`WATCHDOG=1\nSTATUS=${status}`);
    } finally {
      isAsked = false;
    }
  };
  const timer = setInterval(tell, everyMs);
  signal.addEventListener("abort", () => clearInterval(timer), { once: true });
  void tell();
}

/** How a node is, in the one line that `systemctl status` has for it. */
export function statusLine(
  { name, state, reason, members, safe, unsafeBecause }: Pick<
    Snapshot,
    "name" | "state" | "reason" | "members" | "safe" | "unsafeBecause"
  >,
): string {
  const own = members.find((member) => member.name === name)?.buckets ?? 0;
  const why = reason === null ? "" : ` (${reason})`;
  const safety = safe ? "safe" : `not safe: ${unsafeBecause}`;
  return `${name} ${state}${why}, ${own} of 256 buckets; ${safety}`;
}

/** Some room beside the time in which the daemon ends by itself. */
const endMs = 15_000;

/** The daemon leaves, and may take so long; `TimeoutStopSec=` need not know `drain_timeout`. */
export function tellLeaving(waitMs: number, tell: (state: string) => void = notifyServiceManager) {
  const usec = Math.round((waitMs + endMs) * 1000);
  tell(`STOPPING=1\nEXTEND_TIMEOUT_USEC=${usec}\nSTATUS=handing over its buckets`);
}
