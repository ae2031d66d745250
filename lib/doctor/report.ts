/** What a whole examination found, and what it is worth as an exit code. */
import { type ExitCode, exitCodes } from "../errors.ts";
import { type FactsByGroup, type GroupName, isSelected, selectedGroups } from "./catalogue.ts";
import { type Finding, severities, type Severity, worstOf } from "./finding.ts";
import type { Setup } from "./setup.ts";

/** `avail doctor --json` (docs/operating.md). */
export interface DoctorReport {
  readonly schema: 1;
  readonly node: string | null;
  readonly worst: Severity;
  /** How many findings of each severity. */
  readonly counts: Readonly<Record<Severity, number>>;
  /** Worst first; among equals in the order of the groups. */
  readonly findings: readonly GroupedFinding[];
  /** What --fix did, or would do. */
  readonly fixes: readonly FixResult[];
}

export interface GroupedFinding extends Finding {
  readonly group: GroupName;
}

export interface FixResult {
  /** What was, or would be, done: `set net.ipv4.ip_forward from 0 to 1`. */
  readonly change: string;
  readonly done: boolean;
  /** Why it was not done; null where it was, or was not tried. */
  readonly error: string | null;
  /** Files that make it last, where that was asked for. */
  readonly persisted: string | null;
}

/** Why the facts of a group could not be had. */
export type Problems = Partial<Readonly<Record<GroupName, string>>>;

export function examine(
  facts: Partial<FactsByGroup>,
  problems: Problems,
  setup: Setup,
  words: readonly string[],
): GroupedFinding[] {
  const findings = selectedGroups(words).flatMap((group) => [
    ...unknown(group.name, group.title, problems[group.name]),
    ...group.examine(facts, setup, (id) => isSelected(words, group.name, id))
      .map((finding) => ({ ...finding, group: group.name })),
  ]);
  const rank = ({ severity }: Finding) => severities.indexOf(severity);
  return findings.toSorted((a, b) => rank(b) - rank(a));
}

function unknown(group: GroupName, title: string, problem: string | undefined): GroupedFinding[] {
  if (problem === undefined) return [];
  return [{
    id: group,
    group,
    severity: "warning",
    title: `"${title}" could not be looked at`,
    why: "what is wrong there is not known",
    remedy: "run it as root, on the machine itself; if that is so, report a bug",
    commands: [],
    evidence: problem,
    fix: null,
  }];
}

export function reportOf(
  findings: readonly GroupedFinding[],
  fixes: readonly FixResult[],
  node: string | null,
): DoctorReport {
  const counts = { ok: 0, info: 0, warning: 0, error: 0 };
  for (const { severity } of findings) counts[severity]++;
  return { schema: 1, node, worst: worstOf(findings), counts, findings, fixes };
}

/** 0: nothing worse than info; 4: warnings, it works and is at risk; 1: errors, or a failed fix. */
export function exitCodeOf({ worst, fixes }: DoctorReport): ExitCode {
  if (worst === "error" || fixes.some(({ error }) => error !== null)) return exitCodes.failed;
  return worst === "warning" ? exitCodes.notSafe : exitCodes.ok;
}
