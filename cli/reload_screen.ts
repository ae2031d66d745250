/** What `avail reload` shows: for one node its keys, for all nodes what became of each. */
import type { ClusterReport, NodeOutcome, ReloadReport } from "../lib/control_reload.ts";
import { formatFault } from "../lib/errors.ts";
import { type Change, wordsOf } from "../lib/reload/changes.ts";
import type { Style } from "./context.ts";
import { type Colour, counted, pad, paint, plain, table, wrap } from "./render.ts";

/** Longer values are cut: whoever wants them whole has `--json`, or the file. */
const valueColumnsMax = 34;
const columnsMax = 79;

/** One node's file, key by key. */
export function reloadScreen(report: ReloadReport, style: Style): string {
  const { node, file, outcome, changes, why, restart } = report;
  const told = `${plain(node)}: ${headingOf(report)}`;
  if (outcome === "unchanged") return `${told} ${plain(file)}\n`;
  const lines = [paint(told, colourOf(outcome), style)];
  if (changes.length > 0) lines.push("", ...changeTable(changes, outcome, style), "");
  for (const sentence of why) lines.push(...wrap(plain(sentence), columnsMax, " "));
  if (changes.some(({ takes }) => takes === "restart")) {
    lines.push(...wrap(restartWords(restart), columnsMax, " "));
  }
  while (lines.at(-1) === "") lines.pop();
  return lines.map((line) => `${line}\n`).join("");
}

function headingOf({ outcome, changes, why }: ReloadReport): string {
  const many = counted(changes.length, "change");
  const verb = changes.length === 1 ? "is" : "are";
  switch (outcome) {
    case "applied":
      return why.length > 0 ? `${many} ${verb} in use, but not wholly` : `${many} ${verb} in use`;
    case "possible":
      return `${many} can be put into use without a gap; nothing was done`;
    case "unchanged":
      return "what runs is what the file says:";
    case "refused":
      return "nothing was changed";
  }
}

function changeTable(
  changes: readonly Change[],
  outcome: ReloadReport["outcome"],
  style: Style,
): string[] {
  const isRefused = outcome === "refused";
  const [old, then] = outcome === "applied" ? ["WAS", "IS"] : ["RUNS", "FILE"];
  const columns = [{ title: "KEY" }, { title: old }, { title: then }, { title: "" }];
  const rows = changes.map((change) => [
    plain(change.key),
    short(change.old, style),
    short(change.new, style),
    isRefused ? takesWords(change, style) : "",
  ]);
  return table(columns, rows, style).map((line) => ` ${line}`);
}

function takesWords({ takes }: Change, style: Style): string {
  switch (takes) {
    case "now":
      return paint("could be used now", "dim", style);
    case "together":
      return "on all nodes at once";
    case "restart":
      return paint("needs a restart", "yellow", style);
  }
}

function restartWords(restart: string | null): string {
  return restart === null
    ? "Restart this node: stop its `avail run` (SIGTERM hands its buckets over first), start it again."
    : `Restart this node, which hands its buckets over first: ${restart}`;
}

/** All nodes, and what is to be done about those that did not follow. */
export function clusterScreen(report: ClusterReport, style: Style): string {
  const { outcome, nodes, why, away, epoch } = report;
  const isLeftOut = epoch !== null && nodes.some((node) => node.outcome === "lost");
  const lines = [paint(clusterHeading(report), colourOf(outcome), style), ""];
  const columns = Math.max(...nodes.map(({ node }) => plain(node).length));
  const indent = " ".repeat(columns + 3);
  for (const node of nodes) {
    const name = paint(pad(plain(node.node), columns), "bold", style);
    const [first, ...rest] = nodeLines(node, style);
    lines.push(` ${name}  ${first}`);
    for (const line of rest) lines.push(...wrap(line, columnsMax, `${indent}  `));
  }
  const remarks = [
    ...why,
    ...away.map((name) => `${name} is away: it reads its file when it starts`),
    ...(isLeftOut
      ? ["who did not follow differs now, and is given no buckets: avail reload on it"]
      : []),
  ];
  if (remarks.length > 0) lines.push("");
  for (const remark of remarks) lines.push(...wrap(plain(remark), columnsMax, " "));
  return lines.map((line) => `${line}\n`).join("");
}

function clusterHeading({ outcome, epoch, nodes }: ClusterReport): string {
  switch (outcome) {
    case "applied":
      return epoch === null
        ? "all nodes use their files"
        : `all nodes use their files, from epoch ${epoch} on`;
    case "partly":
      return "not all nodes have followed";
    case "unchanged":
      return "what runs is what the files say, on all nodes";
    case "possible":
      return `all ${nodes.length} nodes can; nothing was done`;
    case "refused":
      return "nothing was changed on any node";
  }
}

const outcomeWords: Readonly<Record<NodeOutcome["outcome"], string>> = {
  applied: "done",
  unchanged: "unchanged",
  possible: "can",
  refused: "cannot",
  kept: "left as it is",
  lost: "not known",
};

function nodeLines({ outcome, why, changes, faults, restart }: NodeOutcome, style: Style) {
  const arrow = style.unicode ? "→" : "->";
  const needsRestart = changes.some(({ takes }) => takes === "restart");
  return [
    paint(outcomeWords[outcome], colourOf(outcome), style),
    ...changes.map(({ key, old, new: value }) =>
      `${plain(key)}: ${short(old, style)} ${arrow} ${short(value, style)}`
    ),
    ...why.map(plain),
    ...faults.map((fault) => plain(formatFault(fault))),
    ...(needsRestart && restart !== null ? [`restart it there: ${plain(restart)}`] : []),
  ];
}

function colourOf(outcome: ReloadReport["outcome"] | NodeOutcome["outcome"] | "partly"): Colour {
  if (outcome === "refused") return "red";
  return outcome === "partly" || outcome === "lost" || outcome === "kept" ? "yellow" : "green";
}

function short(value: Change["old"], style: Style): string {
  if (value === null) return style.unicode ? "–" : "-";
  const text = plain(wordsOf(value));
  return text.length <= valueColumnsMax
    ? text
    : `${text.slice(0, valueColumnsMax - 1)}${style.unicode ? "…" : "~"}`;
}
