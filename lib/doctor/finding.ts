/** What `avail doctor` says of a machine: one finding for each thing that it looked at. */

/** From best to worst. */
export const severities = ["ok", "info", "warning", "error"] as const;
export type Severity = typeof severities[number];

/** What `--fix` does by itself: nothing that costs a connection or that cannot be taken back. */
export type Fix =
  /** A file below /proc/sys. */
  | { readonly kind: "sysctl"; readonly path: string; readonly value: string }
  | { readonly kind: "mode"; readonly path: string; readonly mode: number }
  | { readonly kind: "module"; readonly name: string };

export interface Finding {
  /** The check that found it. */
  readonly id: string;
  readonly severity: Severity;
  /** What was found, in one sentence without its full stop. */
  readonly title: string;
  /** Why it matters here; null where all is well. */
  readonly why: string | null;
  /** What to do about it; null where nothing is to be done. */
  readonly remedy: string | null;
  /** The remedy as commands for a root shell, where there are some. */
  readonly commands: readonly string[];
  /** What was measured or read; null where the title says it all. */
  readonly evidence: string | null;
  /** null: a person has to do it. */
  readonly fix: Fix | null;
}

/** A finding before its check has put its name on it. */
export type Outcome = Omit<Finding, "id">;

export interface Details {
  readonly why: string;
  readonly remedy: string | null;
  readonly commands?: readonly string[];
  readonly evidence?: string | undefined;
  readonly fix?: Fix;
}

/** All is well. */
export function fine(title: string, evidence?: string): Outcome {
  return {
    severity: "ok",
    title,
    why: null,
    remedy: null,
    commands: [],
    evidence: evidence ?? null,
    fix: null,
  };
}

/** Good to know. */
export function note(title: string, details: Details): Outcome {
  return outcome("info", title, details);
}

/** It works now, and will not always. */
export function warn(title: string, details: Details): Outcome {
  return outcome("warning", title, details);
}

/** It does not work. */
export function fail(title: string, details: Details): Outcome {
  return outcome("error", title, details);
}

function outcome(severity: Severity, title: string, details: Details): Outcome {
  const { why, remedy, commands = [], evidence = null, fix = null } = details;
  return { severity, title, why, remedy, commands, evidence, fix };
}

/** The worst severity of some findings; `ok` of none. */
export function worstOf(findings: readonly { readonly severity: Severity }[]): Severity {
  const rank = Math.max(0, ...findings.map(({ severity }) => severities.indexOf(severity)));
  return severities[rank];
}

/** The command and the fix that write a setting; `path` is below /proc/sys. */
export function setting(path: string, value: string | number): Pick<Details, "commands" | "fix"> {
  return {
    commands: [`sysctl -w ${sysctlName(path)}=${value}`],
    fix: { kind: "sysctl", path, value: `${value}` },
  };
}

/** As sysctl(8) and sysctl.d(5) take it: with slashes where a name in it has dots, such as eth0.5. */
export function sysctlName(path: string): string {
  return path.includes(".") ? path : path.replaceAll("/", ".");
}
