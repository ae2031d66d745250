/** What `avail plan` shows to people: what moves, what is lost or not, then each node before and after. */
import type { PlanChange, PlanEffect } from "../lib/ownership/what_if.ts";
import type { Style } from "./context.ts";
import { count, counted, paint, plain, table, wrap } from "./render.ts";

export interface PlanReport {
  readonly change: PlanChange;
  readonly effect: PlanEffect;
  /** Nodes whose load is not known, and why. */
  readonly unknown: readonly { readonly node: string; readonly why: string }[];
  readonly applied: boolean;
  /** Until all was where it belongs. */
  readonly waited: boolean;
}

const columns = 80;

export function planScreen(report: PlanReport, style: Style): string {
  const { effect, unknown } = report;
  const lines = [
    ...wrap(`${nameOf(report.change)}: ${movesOf(effect)}`, columns - 2),
    ...backupsOf(effect, style),
    ...evennessOf(effect),
    "",
    ...nodesOf(effect, style),
    "",
    ...unknown.flatMap(({ node, why }) =>
      wrap(`the load of ${plain(node)} is not known: ${plain(why)}`, columns - 2)
        .map((line) => paint(line, "yellow", style))
    ),
    conclusionOf(report),
  ];
  return lines.map((line) => line === "" ? "" : ` ${line}`).join("\n") + "\n";
}

function nameOf(change: PlanChange): string {
  switch (change.kind) {
    case "without":
      return `without ${plain(change.node)}`;
    case "weight":
      return `${plain(change.node)} with weight ${change.weight}`;
    case "balance":
      return "balanced";
  }
}

function movesOf({ moves }: PlanEffect): string {
  if (moves.length === 0) return "nothing moves";
  const known = moves.filter(({ hasFlows }) => hasFlows).length;
  const which = known === moves.length
    ? "with all their flows at the new owner already"
    : known === 0
    ? "none with its flows at the new owner already"
    : `${count(known)} of them with their flows at the new owner already`;
  return `${counted(moves.length, "bucket")} ${moves.length === 1 ? "moves" : "move"}, ${which}`;
}

function backupsOf({ withoutBackup, copies }: PlanEffect, style: Style): string[] {
  return [
    withoutBackup === 0
      ? "every bucket keeps a backup"
      : paint(`${counted(withoutBackup, "bucket")} without a backup afterwards`, "red", style),
    ...(copies === 0
      ? []
      : [`flows of ${counted(copies, "bucket")} are copied to a node that has them not yet`]),
  ];
}

function evennessOf({ busiest, busiestThen }: PlanEffect): string[] {
  if (busiest === null || busiestThen === null) return [];
  const part = (value: number) => `${Math.round(value * 100)} %`;
  return [`the busiest node has ${part(busiest)} of an even share now, ${part(busiestThen)} then`];
}

function nodesOf({ nodes }: PlanEffect, style: Style): string[] {
  const arrow = style.unicode ? "→" : "->";
  const from = (now: string, then: string) => now === then ? now : `${now} ${arrow} ${then}`;
  const rate = (load: number | null) => load === null ? "?" : count(Math.round(load));
  const total = (loads: readonly (number | null)[]) =>
    loads.some((load) => load === null)
      ? null
      : loads.reduce((sum: number, load) => sum + load!, 0);
  const all = total(nodes.map(({ load }) => load));
  const share = (load: number | null) =>
    load === null || all === null ? "?" : all === 0 ? "-" : `${Math.round(load * 100 / all)} %`;
  const rows = nodes.map(({ name, weight, buckets, bucketsThen, load, loadThen }) => [
    paint(plain(name), "bold", style),
    weight === null ? "-" : String(weight),
    from(String(buckets), String(bucketsThen)),
    from(rate(load), rate(loadThen)),
    from(share(load), share(loadThen)),
  ]);
  return table(
    [
      { title: "NODE" },
      { title: "WEIGHT", align: "right" },
      { title: "BUCKETS", align: "right" },
      { title: "FRAMES/S", align: "right" },
      { title: "LOAD", align: "right" },
    ],
    rows,
    style,
  );
}

function conclusionOf({ applied, waited, effect, change }: PlanReport): string {
  if (applied) return waited ? "applied: it is so now" : "applied: it is on its way";
  if (effect.moves.length === 0 && change.kind === "balance") {
    return "no exchange of buckets is worth it";
  }
  return "nothing was done; --apply does it";
}
