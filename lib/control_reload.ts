/** Requests and answers about reloading on the control socket, and between nodes (lib/reload/). */
import { AvailError, exitCodes, type Fault } from "./errors.ts";
import type { Change } from "./reload/changes.ts";

/** What a node does about its own configuration file. */
export type ReloadRequest =
  & { readonly command: "reload" }
  & (
    /** Tells what `apply` would do. The answer to both is a `ReloadReport`. */
    | { readonly do: "check" }
    | { readonly do: "apply" }
    /** Reads and checks it, and keeps what it says for so long; the answer is a `StagedReport`. */
    | { readonly do: "stage"; readonly id: string; readonly withinMs: number }
    /**
     * Puts what is staged into use with the plan of an epoch, or at once (null). The answer to this and
     * to the rest, but for `plan`, is a `StageOutcome`.
     */
    | {
      readonly do: "commit";
      readonly id: string;
      readonly epoch: number | null;
      readonly withinMs: number;
    }
    | { readonly do: "cancel"; readonly id: string }
    | { readonly do: "outcome"; readonly id: string }
    /** Has the planner make a plan of at least this epoch. */
    | { readonly do: "plan"; readonly epoch: number; readonly withinMs: number }
  );

/** Has all live nodes do it together; the answer is a `ClusterReport`. */
export interface ReloadClusterRequest {
  readonly command: "reloadCluster";
  /** Nothing is done. */
  readonly dryRun: boolean;
}

/** `avail reload --json`: what became of one node's file. */
export interface ReloadReport {
  readonly schema: 1;
  readonly node: string;
  readonly file: string;
  /**
   * - `applied`, `unchanged`: as the file says
   * - `possible`: it could be applied now (`--dry-run`)
   * - `refused`: nothing was changed
   */
  readonly outcome: "applied" | "unchanged" | "possible" | "refused";
  readonly changes: readonly Change[];
  /** What is wrong with the file; then there are no changes. */
  readonly faults: readonly Fault[];
  readonly warnings: readonly Fault[];
  /** Why it was refused, a sentence each. */
  readonly why: readonly string[];
  /** The command that restarts this node, its buckets handed over first; null: none is known. */
  readonly restart: string | null;
}

/** What must agree with the others once the file is in use (membership/agreement.ts). */
export interface ToAgree {
  readonly configDigest: string;
  readonly topics: readonly string[];
}

/** By check (wire/keys.ts), the one that seals first. */
export interface KeyChecks {
  readonly now: readonly string[];
  readonly then: readonly string[];
}

export interface StagedReport extends ReloadReport {
  readonly agreed: ToAgree;
  readonly keys: KeyChecks;
  /** Nodes that were live since this one's start, and are not now. */
  readonly away: readonly string[];
}

export interface StageOutcome {
  readonly node: string;
  /**
   * - `staged`: waits for a commit; `committed`: waits for the plan
   * - `applied`
   * - `none`: cancelled, timed out, replaced, or never heard of
   */
  readonly state: "staged" | "committed" | "applied" | "none";
  /** What went wrong while it was put into use; the rest of it is. */
  readonly problem?: string;
}

/** What became of one node in `avail reload --cluster`. */
export interface NodeOutcome {
  readonly node: string;
  /**
   * - `applied`, `unchanged`, `possible`: as in a `ReloadReport`
   * - `refused`: this node is why nothing was changed anywhere
   * - `kept`: it could have, and was left as it is because of others
   * - `lost`: it died or did not answer after the others were told to go on; it reads its file when
   *   it starts, or has to be told again
   */
  readonly outcome: "applied" | "unchanged" | "possible" | "refused" | "kept" | "lost";
  /** Why, a sentence each. */
  readonly why: readonly string[];
  readonly changes: readonly Change[];
  readonly faults: readonly Fault[];
  readonly restart: string | null;
}

/** `avail reload --cluster --json`. */
export interface ClusterReport {
  readonly schema: 1;
  /** `partly`: it was applied, but not by all. */
  readonly outcome: "applied" | "unchanged" | "possible" | "refused" | "partly";
  /** The plan from which on it holds; null where no plan was needed, or nothing was done. */
  readonly epoch: number | null;
  /** Why it was refused as a whole, where no single node is to blame. */
  readonly why: readonly string[];
  readonly nodes: readonly NodeOutcome[];
  /** Nodes that are not live: each reads its file when it starts. */
  readonly away: readonly string[];
}

/** An hour: nothing is kept staged for longer. */
const withinMsMax = 3_600_000;

/** Reads a `reload` request; throws `AvailError` that says which field is wrong. */
export function parseReloadRequest(value: Readonly<Record<string, unknown>>): ReloadRequest {
  const command = "reload";
  switch (value.do) {
    case "check":
    case "apply":
      return { command, do: value.do };
    case "stage":
      return { command, do: "stage", id: id(value), withinMs: withinMs(value) };
    case "commit": {
      const epoch = value.epoch === null ? null : whole(value, "epoch", Number.MAX_SAFE_INTEGER);
      return { command, do: "commit", id: id(value), epoch, withinMs: withinMs(value) };
    }
    case "cancel":
    case "outcome":
      return { command, do: value.do, id: id(value) };
    case "plan": {
      const epoch = whole(value, "epoch", Number.MAX_SAFE_INTEGER);
      return { command, do: "plan", epoch, withinMs: withinMs(value) };
    }
    default:
      throw refuse(`do ${short(value.do)}`, "use check or apply");
  }
}

/** Reads a `reloadCluster` request. */
export function parseReloadCluster(
  { dryRun = false }: Readonly<Record<string, unknown>>,
): ReloadClusterRequest {
  if (typeof dryRun !== "boolean") {
    throw refuse(`dryRun ${short(dryRun)}`, "give true or false, or leave it out");
  }
  return { command: "reloadCluster", dryRun };
}

function id({ id }: Readonly<Record<string, unknown>>): string {
  if (typeof id === "string" && /^[0-9a-f]{16}$/.test(id)) return id;
  throw refuse(`id ${short(id)}`, "give 16 hexadecimal digits");
}

function withinMs(value: Readonly<Record<string, unknown>>): number {
  return whole(value, "withinMs", withinMsMax);
}

function whole(value: Readonly<Record<string, unknown>>, key: string, max: number): number {
  const found = value[key];
  if (typeof found === "number" && Number.isInteger(found) && found >= 1 && found <= max) {
    return found;
  }
  throw refuse(`${key} ${short(found)}`, `give a whole number from 1 to ${max}`);
}

function short(found: unknown): string {
  return (JSON.stringify(found) ?? "undefined").slice(0, 30);
}

function refuse(found: string, remedy: string): AvailError {
  return new AvailError(`control request: reload: ${found}; ${remedy}`, {
    exitCode: exitCodes.usage,
  });
}
