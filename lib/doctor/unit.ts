/** Whether the service manager starts the daemon, and lets it end in its own time. */
import { fail, fine, note, type Outcome, warn } from "./finding.ts";
import type { ServiceFacts } from "./service.ts";
import type { Setup } from "./setup.ts";

export function unit({ unit }: ServiceFacts, { config, status }: Setup): Outcome[] {
  if (unit === null || (config === null && status === null)) return [];
  if (!unit.isInstalled) {
    return [
      note("there is no service for avail", {
        why: "after a reboot, this node stays away until somebody starts avail run",
        remedy: "install it",
        commands: ["avail install"],
      }),
    ];
  }
  if (unit.state === "failed") {
    return [
      fail("the service has failed", {
        why: "this node serves nothing",
        remedy: "its log says why",
        commands: commandsOf(unit.logCommand),
      }),
    ];
  }
  if (!unit.isEnabled) {
    return [
      warn("the service does not start with the machine", {
        why: "after a reboot, this node stays away",
        remedy: "enable it",
        commands: commandsOf(unit.enableCommand),
      }),
    ];
  }
  if (status !== null && unit.state !== "active") {
    return [
      note("avail run was not started by the service", {
        why: "nothing restarts it, and the service cannot start beside it",
        remedy: "stop it, and start the service",
        commands: commandsOf(unit.startCommand),
        evidence: `the service is ${unit.state}`,
      }),
    ];
  }
  if (unit.restarts > 0) {
    return [
      warn(`the service was restarted ${unit.restarts} times by itself`, {
        why: "each time this node's buckets moved to others",
        remedy: "its log says why",
        commands: commandsOf(unit.logCommand),
      }),
    ];
  }
  return [fine("the service starts with the machine")];
}

function commandsOf(command: string | null): string[] {
  return command === null ? [] : [command];
}

/** What the daemon may need beside its drain_timeout (lib/daemon.ts). */
const leaveMs = 15_000;

export function stopTime({ unit }: ServiceFacts, { config }: Setup): Outcome[] {
  if (unit === null || !unit.isInstalled || config === null) return [];
  const needed = config.node.drainTimeoutMs + leaveMs;
  if (unit.stopMsMax === null || unit.stopMsMax >= needed) {
    return [fine("the service may take the time to hand its buckets over")];
  }
  return [
    warn("the service is killed before it has handed its buckets over", {
      why: `it may wait ${
        config.node.drainTimeoutMs / 1000
      } s (node.drain_timeout) for open connections, and 15 s for the rest`,
      remedy: "give it the time",
      commands: [
        `systemctl edit avail   # [Service] TimeoutStopSec=${Math.ceil(needed / 1000) + 5}`,
      ],
      evidence: `TimeoutStopSec is ${unit.stopMsMax / 1000} s`,
    }),
  ];
}
