/** What every check may look at: the configuration, and what the daemon says, where there are any. */
import type { Config } from "../config.ts";
import type { Status } from "../control.ts";
import type { Vitals } from "../vitals.ts";

/** Another node's vitals as this one's daemon was told them. */
export interface PeerVitals {
  readonly name: string;
  /** null: it did not answer, or is of a version that does not know the question. */
  readonly vitals: Vitals | null;
  /** This machine's clock when it was asked and when its answer was there, in ms since 1970. */
  readonly askedMs: number;
  readonly answeredMs: number;
}

/** Commands for the service on this machine, as its service manager takes them. */
export interface ServiceCommands {
  readonly start: string;
  readonly restart: string;
  /** Shows what the daemon has logged. */
  readonly log: string;
}

export interface Setup {
  /** null: there is none, or it has faults. */
  readonly config: Config | null;
  /** null: the daemon does not run, or does not answer. */
  readonly status: Status | null;
  /** Why a daemon that runs does not answer; null where it does, or none runs. */
  readonly daemonProblem: string | null;
  /** Of this node's daemon; null where it does not run, or is older. */
  readonly vitals: Vitals | null;
  readonly peers: readonly PeerVitals[];
  readonly service: ServiceCommands;
}

/** Whether packets are forwarded here, which only shares with key "source" do without. */
export function isRouter({ config }: Setup): boolean {
  return config !== null && config.shares.some(({ key }) => key !== "source");
}

/** Whether a share has an address of that family. */
export function sharesFamily({ config }: Setup, family: 4 | 6): boolean {
  return config !== null &&
    config.shares.some(({ addresses }) => addresses.some((each) => each.family === family));
}

/** The shares' interfaces, then the links', each once. */
export function clusterInterfaces({ config }: Setup): string[] {
  if (config === null) return [];
  return [...new Set([...config.shares, ...config.links].map((entry) => entry.interface))];
}

/** The daemon's detection time, by default that of a configuration without one. */
export function detectionOf({ config }: Setup): { intervalMs: number; multiplier: number } {
  return config?.detection ?? { intervalMs: 100, multiplier: 3 };
}

/** Members beside this node that are live. */
export function otherMembers({ status }: Setup) {
  return status === null
    ? []
    : status.members.filter(({ name, alive }) => name !== status.node && alive);
}
