/** What set-up shows: the machine's interfaces, what was done, and what comes next. Nothing here prints. */
import type { Config } from "../../lib/config.ts";
import type { Fault } from "../../lib/errors.ts";
import {
  type InterfaceFacts,
  isUsable,
  prefixText,
  routableAddresses,
} from "../../lib/setup/facts.ts";
import type { Style } from "../context.ts";
import { duration, paint, plain, table, wrap } from "../render.ts";
import type { IssuedToken } from "./issue_token.ts";
import type { Start } from "./start.ts";

const columns = 79;

/** The interfaces that could be shares or links. */
export function interfaceTable(facts: readonly InterfaceFacts[], style: Style): string[] {
  const usable = facts.filter(isUsable);
  if (usable.length === 0) return [" This machine has no Ethernet interface."];
  return table(
    [{ title: "INTERFACE" }, { title: "KIND" }, { title: "STATE" }, { title: "ADDRESSES" }],
    usable.map((each) => [
      plain(each.name),
      each.kind ?? "ethernet",
      stateOf(each),
      routableAddresses(each).map(prefixText).join(", ") || "none",
    ]),
    style,
  ).map((line) => ` ${line}`);
}

function stateOf({ isUp, hasCarrier, hasDefaultRoute }: InterfaceFacts): string {
  const state = !isUp ? "down" : hasCarrier ? "up" : "no carrier";
  return hasDefaultRoute ? `${state}, default route` : state;
}

export function warningLines(warnings: readonly Fault[], style: Style): string[] {
  return warnings.flatMap(({ file, where, problem, remedy }) => {
    const place = where === "" || file.startsWith("--") ? file : `${file}: ${where}`;
    return wrap(`${place}: ${problem}; ${remedy}`, columns, "   ").map((line, i) =>
      i === 0 ? ` ${paint("!", "yellow", style)} ${line.trimStart()}` : line
    );
  });
}

export interface InitTold {
  readonly config: Config;
  readonly written: readonly string[];
  readonly start: Start;
  readonly token: IssuedToken | null;
  readonly warnings: readonly Fault[];
}

export function initScreen(told: InitTold, style: Style): string {
  const { config, start, token } = told;
  const name = plain(config.node.name);
  return [
    ...doneLines(told, style),
    ...startLines(name, start, style),
    ...warningLines(told.warnings, style),
    ...(start.kind === "ready" || told.warnings.length > 0 ? [""] : []),
    ...tokenLines(token, style),
    "",
    ` Then: avail status   who has what, and is it safe to pull a plug?`,
    `       avail doctor   what of this machine could be better`,
    `       avail token    lets a further node join`,
    "",
  ].join("\n");
}

export function doneLines(
  { config, written }: Pick<InitTold, "config" | "written">,
  style: Style,
): string[] {
  const heading = ` cluster ${plain(config.cluster.name)}, node ${plain(config.node.name)}`;
  const { keyFile } = config.cluster;
  return [
    paint(heading, "bold", style),
    ...written.map((path) =>
      path === keyFile ? ` wrote ${path}: the cluster's secret, for root alone` : ` wrote ${path}`
    ),
    ...(written.includes(keyFile) ? [] : [` kept ${keyFile}`]),
  ];
}

export function startLines(name: string, start: Start, style: Style): string[] {
  if (start.kind === "ready") {
    const ready = paint("ready", "green", style);
    return [` ${name} is ${ready} with ${start.buckets} buckets, after ${duration(start.tookMs)}`];
  }
  return [
    ` ${name} is ${paint("not started", "yellow", style)}: ${start.why}. To start it:`,
    "",
    start.command,
    "",
  ];
}

/** The line by which another node joins; at the line's beginning, so that it is copied whole. */
export function tokenLines(token: IssuedToken | null, style: Style): string[] {
  if (token === null) return [" No node can join yet; when one shall: avail token"];
  const often = token.uses === 1 ? "once" : `for ${token.uses} nodes`;
  const problem = token.problem === null
    ? []
    : wrap(`But: ${token.problem}`, columns, " ").map((line) => paint(line, "yellow", style));
  return [
    ` On the next node, within ${lifetimeText(token.lifetimeMs)}, ${often}:`,
    "",
    `avail join ${token.text}`,
    ...(problem.length === 0 ? [] : ["", ...problem]),
  ];
}

function lifetimeText(ms: number): string {
  const minutes = ms / 60_000;
  if (minutes % 1440 === 0 && minutes > 1440) return `${minutes / 1440} days`;
  if (minutes % 60 === 0) return minutes === 60 ? "an hour" : `${minutes / 60} hours`;
  return minutes === 1 ? "a minute" : `${minutes} minutes`;
}
