/** The text of `avail doctor`: groups with the worst findings first, in 80 columns. */
import { catalogue, isSelected, selectedGroups } from "../lib/doctor/catalogue.ts";
import { severities, type Severity, worstOf } from "../lib/doctor/finding.ts";
import type { DoctorReport, FixResult, GroupedFinding } from "../lib/doctor/report.ts";
import type { Style } from "./context.ts";
import { type Colour, counted, jsonLine, pad, paint, plain, width, wrap } from "./render.ts";

const columnsMax = 80;
/** What is longer than a small terminal has scrolled away at its top. */
const longFrom = 20;

const marks: Readonly<Record<Severity, readonly [unicode: string, ascii: string, Colour]>> = {
  error: ["✗", "x", "red"],
  warning: ["!", "!", "yellow"],
  info: ["i", "i", "cyan"],
  ok: ["✓", "+", "green"],
};

export interface ScreenOptions {
  /** Also what is fine. */
  readonly all: boolean;
  /** Fixes were only looked for. */
  readonly isDry: boolean;
}

export function doctorScreen(report: DoctorReport, options: ScreenOptions, style: Style): string {
  const { findings, fixes } = report;
  const shown = findings.filter(({ severity }) => options.all || severity !== "ok");
  const rank = (severity: Severity) => severities.indexOf(severity);
  const groups = catalogue.map(({ name, title }) => ({
    title,
    own: shown.filter(({ group }) => group === name),
  })).filter(({ own }) => own.length > 0)
    .toSorted((a, b) => rank(worstOf(b.own)) - rank(worstOf(a.own)));
  const body = groups.flatMap(({ title, own }) => [
    "",
    paint(title, "bold", style),
    ...own.flatMap((finding) => findingLines(finding, style)),
  ]);
  const lines = [
    ...(fixes.length > 0 ? [...fixLines(fixes, options.isDry, style), ""] : []),
    headline(report, style),
    ...body,
    ...closing(report, options, body.length > longFrom, style),
  ];
  return lines.join("\n") + "\n";
}

/** `fw1: 1 error, 2 warnings, 3 notes; 40 checks are fine` */
function headline({ node, counts }: DoctorReport, style: Style): string {
  const parts = ([["error", "error"], ["warning", "warning"], ["info", "note"]] as const)
    .filter(([severity]) => counts[severity] > 0)
    .map(([severity, noun]) => paint(counted(counts[severity], noun), marks[severity][2], style));
  const whose = node === null ? "this machine" : plain(node);
  if (parts.length === 0 && counts.ok === 0) {
    return `${whose}: there is nothing to look at without a configuration or a daemon`;
  }
  const found = parts.length > 0 ? parts.join(", ") : paint("nothing is wrong", "green", style);
  const fine = counts.ok > 0 ? `; ${counts.ok} ${counts.ok === 1 ? "is" : "are"} fine` : "";
  return `${whose}: ${found}${fine}`;
}

function findingLines(finding: GroupedFinding, style: Style): string[] {
  const { severity, title, why, remedy, commands, evidence, fix, id } = finding;
  const [unicode, ascii, colour] = marks[severity];
  const mark = paint(style.unicode ? unicode : ascii, colour, style);
  const [first, ...rest] = wrap(plain(title), columnsMax - 4);
  const titles = [first, ...rest].map((line, i) => `${i === 0 ? mark : " "} ${line}`);
  const name = paint(`[${id}]`, "dim", style);
  const last = titles.at(-1)!;
  const fits = width(last) + 2 + width(name) <= columnsMax;
  const head = fits ? [...titles.slice(0, -1), `${last}  ${name}`] : [...titles, `  ${name}`];
  if (severity === "ok") {
    return [...head, ...(evidence === null ? [] : text(evidence, style).map(dim))];
  }
  const arrow = style.unicode ? "→" : ">";
  return [
    ...head,
    ...(why === null ? [] : text(why, style)),
    ...(evidence === null ? [] : text(`seen: ${evidence}`, style).map(dim)),
    ...(remedy === null ? [] : remedyLines(remedy, arrow)),
    // Whole lines, for copying.
    ...commands.map((command) => `        ${paint(plain(command), "cyan", style)}`),
    ...(fix === null ? [] : [dim("        (avail doctor --fix does it)")]),
  ];

  function dim(line: string): string {
    return paint(line, "dim", style);
  }
}

function text(words: string, { unicode }: Style): string[] {
  return wrap(ascii(plain(words), unicode), columnsMax, "    ");
}

/** A remedy may be several lines: the faults of a configuration. */
function remedyLines(remedy: string, arrow: string): string[] {
  return remedy.split("\n").flatMap((line) =>
    wrap(ascii(plain(line), arrow === "→"), columnsMax, "      ")
      .map((each, i) => i === 0 ? `    ${arrow} ${each.slice(6)}` : each)
  );
}

function ascii(words: string, isUnicode: boolean): string {
  return isUnicode ? words : words.replaceAll("×", "x").replaceAll("…", "...");
}

function fixLines(fixes: readonly FixResult[], isDry: boolean, style: Style): string[] {
  return fixes.flatMap(({ change, done, error, persisted }) => {
    const [unicode, ascii, colour] = marks[done || isDry ? "ok" : "error"];
    const mark = isDry ? "would" : paint(style.unicode ? unicode : ascii, colour, style);
    const kept = persisted === null ? "" : `; ${isDry ? "and keep" : "kept"} in ${persisted}`;
    const indent = " ".repeat(width(mark) + 1);
    return wrap(plain(`${change}${kept}${error === null ? "" : `: ${error}`}`), columnsMax, indent)
      .map((line, i) => i === 0 ? `${mark} ${line.slice(indent.length)}` : line);
  });
}

/** What can be done with all that; below a long text the first line once more. */
function closing(
  report: DoctorReport,
  { isDry }: ScreenOptions,
  isLong: boolean,
  style: Style,
): string[] {
  const { findings, fixes } = report;
  const fixable = findings.filter(({ fix }) => fix !== null).length;
  const hint = `${counted(fixable, "finding")} can be mended by: avail doctor --fix`;
  const lines = [
    ...(isLong ? [headline(report, style)] : []),
    ...(fixable === 0 || (fixes.length > 0 && !isDry) ? [] : [paint(hint, "dim", style)]),
  ];
  return lines.length > 0 ? ["", ...lines] : [];
}

/** `--list`. */
export function checkList(words: readonly string[], json: boolean, style: Style): string {
  const listed = selectedGroups(words).map(({ name, title, checks }) => ({
    name,
    title,
    checks: checks.filter(({ id }) => isSelected(words, name, id)),
  }));
  if (json) {
    const checks = listed.flatMap(({ name, checks }) =>
      checks.map(({ id, brief }) => ({ id, group: name, brief }))
    );
    return jsonLine({ schema: 1, checks });
  }
  return listed.map(({ name, title, checks }) =>
    [
      `${paint(title, "bold", style)} ${paint(`[${name}]`, "dim", style)}`,
      ...checks.map(({ id, brief }) => `  ${pad(id, 23)}${brief}`),
    ].join("\n")
  ).join("\n\n") + "\n";
}
