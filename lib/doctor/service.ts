/** Whether the program is set up to start with the machine, with files as they should be. */
import { type Fault, formatFault } from "../errors.ts";
import type { Group } from "./check.ts";
import { fail, fine, note, type Outcome, warn } from "./finding.ts";
import type { Setup } from "./setup.ts";
import { stopTime, unit } from "./unit.ts";
import { list } from "./words.ts";

export interface ServiceFacts {
  readonly configFile: {
    readonly path: string;
    readonly exists: boolean;
    readonly faults: readonly Fault[];
    readonly warnings: readonly Fault[];
  };
  /** null: the configuration does not name one that could be looked at. */
  readonly keyFile: {
    readonly path: string;
    /** Why it cannot be used; null: it can. */
    readonly problem: string | null;
    readonly remedy: string | null;
    /** Its permissions where they are what is wrong. */
    readonly mode: number | null;
    /** Folders above it that others than root may write to. */
    readonly writableFolders: readonly string[];
  } | null;
  /** null where no service manager that avail knows is at work. */
  readonly unit: UnitFacts | null;
  /** Free space where avail writes, by folder. */
  readonly space: readonly { readonly path: string; readonly freeKb: number }[];
  /** Names of running programs that manage addresses or connections of a cluster, too. */
  readonly rivals: readonly string[];
}

export interface UnitFacts {
  readonly isInstalled: boolean;
  readonly isEnabled: boolean;
  /** `active`, `failed`, `inactive`, … */
  readonly state: string;
  readonly restarts: number;
  /** How long its end is waited for; null: for ever, or not told. */
  readonly stopMsMax: number | null;
  /** What enables and starts it, and shows its log; null where there is no such command. */
  readonly enableCommand: string | null;
  readonly startCommand: string | null;
  readonly logCommand: string | null;
}

export const serviceGroup: Group<"service", ServiceFacts> = {
  name: "service",
  title: "Service and files",
  checks: [
    { id: "config", brief: "the configuration has no faults", examine: configuration },
    { id: "key-file", brief: "the key file is there, and root's alone", examine: keyFile },
    { id: "unit", brief: "the service starts with the machine", examine: unit },
    { id: "stop-time", brief: "it may take the time to hand over", examine: stopTime },
    { id: "disk-space", brief: "there is room for what avail writes", examine: space },
    { id: "rivals", brief: "nothing else manages the cluster", examine: rivals },
  ],
};

function configuration({ configFile }: ServiceFacts, { status }: Setup): Outcome[] {
  const { path, exists, faults, warnings } = configFile;
  if (!exists) {
    const make = status === null ? note : warn;
    return [
      make(`there is no ${path}`, {
        why: status === null
          ? "this machine is no node of a cluster yet; only the machine was looked at"
          : "the daemon runs, and could not be started again",
        remedy: "make one, or name it with --config",
        commands: ["avail init --help"],
      }),
    ];
  }
  if (faults.length > 0) {
    return [
      fail(`${path} has ${faults.length === 1 ? "a fault" : `${faults.length} faults`}`, {
        why: status === null
          ? "avail run does not start with it"
          : "avail run could not start again",
        remedy: faults.map(formatFault).join("\n"),
      }),
    ];
  }
  return [
    fine(`${path} has no faults`),
    ...warnings.map(({ where, problem, remedy }) =>
      note(`${where}: ${problem}`, { why: "the configuration works, and is worth a look", remedy })
    ),
  ];
}

function keyFile({ keyFile }: ServiceFacts): Outcome[] {
  if (keyFile === null) return [];
  const { path, problem, remedy, mode, writableFolders } = keyFile;
  if (mode !== null) {
    return [
      fail(`${path} can be read by others (${problem})`, {
        why: "whoever has the key can give orders to every node; avail run refuses such a file",
        remedy: "close it; if somebody may have read it, rotate the key then",
        commands: [`chmod 0600 ${path}`, "avail key rotate"],
        fix: { kind: "mode", path, mode: 0o600 },
      }),
    ];
  }
  if (problem !== null) {
    return [
      fail(`${path}: ${problem}`, {
        why: "without the cluster's key, avail run does not start",
        remedy: remedy ?? "copy it from another node",
      }),
    ];
  }
  if (writableFolders.length === 0) return [fine("the key file is root's alone")];
  return [
    warn(`others may write to ${list(writableFolders)}`, {
      why: "who may rename files there can put a key of his own in place of the cluster's",
      remedy: "let only root write there",
      commands: writableFolders.map((folder) => `chmod go-w ${folder}`),
    }),
  ];
}

const freeKbMin = 16 * 1024;

function space({ space }: ServiceFacts): Outcome[] {
  const full = space.filter(({ freeKb }) => freeKb < freeKbMin);
  if (full.length === 0) {
    return space.length > 0 ? [fine("there is room for what avail writes")] : [];
  }
  return full.map(({ path, freeKb }) =>
    warn(`${path} is full`, {
      why: path.startsWith("/run")
        ? "changes to the machine are written down there before they are made; " +
          "avail run does not start without"
        : "keys cannot be replaced, modules not be built",
      remedy: "make room",
      commands: [`df -h ${path}`],
      evidence: `${Math.round(freeKb / 1024)} MB are free`,
    })
  );
}

/** What each of them does, by the name of its process. */
const known: Readonly<Record<string, string>> = {
  keepalived: "moves addresses between nodes (VRRP)",
  ucarp: "moves addresses between nodes (CARP)",
  vrrpd: "moves addresses between nodes (VRRP)",
  conntrackd: "replicates connections into the same table",
  corosync: "runs a cluster of its own, whose resources may be the same addresses",
  pacemakerd: "runs a cluster of its own, whose resources may be the same addresses",
  heartbeat: "runs a cluster of its own, whose resources may be the same addresses",
  wackamole: "moves addresses between nodes",
};

/** Names of processes that are looked for. */
export const rivalNames: readonly string[] = Object.keys(known);

function rivals({ rivals }: ServiceFacts): Outcome[] {
  if (rivals.length === 0) return [fine("nothing else manages shared addresses or connections")];
  return rivals.map((name) =>
    warn(`${name} is running`, {
      why: `it ${known[name] ?? "manages a cluster"}: with the same addresses or connections, ` +
        "the two work against each other",
      remedy: "leave to it what is not avail's, or stop it",
      commands: [`systemctl disable --now ${name === "pacemakerd" ? "pacemaker" : name}`],
    })
  );
}
