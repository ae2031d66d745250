/**
 * The status as a person reads it in trouble: first the verdict, then who is there, then what stands
 * behind the verdict. At most 80 columns.
 */
import type { CheckStatus, MemberStatus, Status } from "../lib/control.ts";
import type { Style } from "./context.ts";
import {
  bar,
  type Colour,
  count,
  counted,
  duration,
  pad,
  paint,
  plain,
  table,
  width,
  wrap,
} from "./render.ts";
import { standingSentences } from "./standing_text.ts";

const columns = 80;
const barColumns = 16;
const nameColumns = 16;

export function statusScreen(status: Status, style: Style): string {
  const lines = [
    headline(status, style),
    ...verdict(status, style),
    "",
    ...members(status, style),
    "",
    ...replication(status, style),
    "",
    ...datapath(status, style),
    ...checks(status, style),
    ...refused(status, style),
  ];
  return lines.map((line) => line === "" ? "" : ` ${line}`).join("\n") + "\n";
}

function headline({ cluster, node, epoch }: Status, style: Style): string {
  const dot = style.unicode ? "·" : "-";
  const names = `cluster ${paint(plain(cluster), "bold", style)} ${dot} this is ${
    paint(plain(node), "bold", style)
  }`;
  return `${names} ${dot} epoch ${epoch}`;
}

function verdict(status: Status, style: Style): string[] {
  if (status.safe) {
    const mark = paint(style.unicode ? "✔ safe" : "safe", "green", style);
    return [`${mark}: any one node may be unplugged, its flows live on`];
  }
  const mark = paint(style.unicode ? "✘ not safe" : "not safe", "red", style);
  const why = plain(status.unsafeBecause ?? "some flows have no backup");
  const [first, ...rest] = wrap(`: ${why}`, columns - 12);
  return [mark + first, ...rest.map((line) => `  ${line}`)];
}

function members(status: Status, style: Style): string[] {
  const rows = status.members.map((member) => [
    member.name === status.node
      ? paint(clip(member.name, style), "bold", style)
      : clip(member.name, style),
    paint(stateOf(member), stateColour(member), style),
    String(member.weight),
    String(member.buckets),
    bar(member.buckets, status.owners.length, barColumns, style),
    member.name === status.node ? "this node" : heard(member, style),
  ]);
  const lines = table(
    [
      { title: "MEMBER" },
      { title: "STATE" },
      { title: "WEIGHT", align: "right" },
      { title: "BUCKETS", align: "right" },
      { title: "" },
      { title: "HEARD" },
    ],
    rows,
    style,
  );
  const orphans = status.owners.filter((owner) => owner === null).length;
  const reasons = status.members
    .filter((member) => member.reason !== undefined)
    .flatMap((member) => wrap(`${plain(member.name)}: ${plain(member.reason!)}`, columns - 2))
    .concat(standingSentences(status).flatMap((sentence) => wrap(sentence, columns - 2)));
  return [
    ...lines,
    ...reasons.map((line) => paint(line, "yellow", style)),
    ...(orphans > 0 ? [paint(`${counted(orphans, "bucket")} without an owner`, "red", style)] : []),
  ];
}

function clip(name: string, style: Style): string {
  const text = plain(name);
  if (text.length <= nameColumns) return text;
  return text.slice(0, nameColumns - 1) + (style.unicode ? "…" : "~");
}

function stateOf(member: MemberStatus): string {
  return member.alive ? member.state : "silent";
}

function stateColour(member: MemberStatus): Colour {
  if (!member.alive) return "red";
  return member.state === "ready" ? "green" : "yellow";
}

function heard(member: MemberStatus, style: Style): string {
  const text = `${duration(member.lastHeardMs)} ago`;
  return member.alive ? text : paint(text, "red", style);
}

function replication({ replication }: Status, style: Style): string[] {
  const peers = replication.peers.map((peer) => {
    const [text, colour]: readonly [string, Colour] = !peer.connected
      ? ["no connection", "red"]
      : peer.safe
      ? ["has everything", "green"]
      : ["catching up", "yellow"];
    return `${plain(peer.name)} ${paint(text, colour, style)}`;
  });
  return section("REPLICATION", [
    `${counted(replication.flows, "flow")} of its own, ${
      count(replication.foreign)
    } held for others`,
    `backups are ${duration(replication.lagMs)} behind`,
    ...(peers.length > 0 ? flowText(peers) : ["no peers"]),
    ...flowText(troubles(replication.totals)).map((line) => paint(line, "yellow", style)),
  ], style);
}

/** What went wrong in the replication since the daemon's start; on most nodes nothing ever does. */
function troubles(totals: Status["replication"]["totals"]): string[] {
  if (totals === undefined) return [];
  const { overruns, overflows, refused, failed } = totals;
  const told: readonly (readonly [count: number, text: string])[] = [
    [overruns, `the kernel dropped events ${counted(overruns, "time")}`],
    [overflows, `a peer was too slow ${counted(overflows, "time")}`],
    [refused, `${counted(refused, "flow")} of others found no room here`],
    [failed, `the kernel would not have ${counted(failed, "flow")} of others`],
  ];
  return told.filter(([count]) => count > 0).map(([, text]) => text);
}

function datapath({ datapath }: Status, style: Style): string[] {
  const { backend, leaseMs, accepted, dropped } = datapath;
  const lease = leaseMs > 0
    ? `lease for ${duration(leaseMs)}`
    : paint("lease expired: deaf and mute", "red", style);
  return section("DATAPATH", [
    `${plain(backend)}, ${lease}`,
    `${counted(accepted, "frame")} taken, ${count(dropped.notOwned)} left to their owners`,
    ...loadOf(datapath),
    `dropped: ${count(dropped.leaseExpired)} without lease, ${
      count(dropped.malformed)
    } malformed, ${count(dropped.neighbour)} ARP/NDP`,
    ...(datapath.weaker ?? []).flatMap((sentence) =>
      wrap(`weaker: ${plain(sentence)}`, columns - titleColumns - 2)
        .map((line) => paint(line, "yellow", style))
    ),
  ], style);
}

/** What this node takes now, and whether one bucket stands out. */
function loadOf({ load }: Status["datapath"]): string[] {
  // A daemon that is older than this program says nothing of it.
  const rates = load?.packetsPerSecond ?? [];
  const total = rates.reduce((sum, rate) => sum + rate, 0);
  if (total === 0) return [];
  const most = Math.max(...rates);
  return [
    `${count(Math.round(total))} a second now, ${
      Math.round(most * 100 / total)
    } % of it in bucket ${rates.indexOf(most)}`,
  ];
}

/** This node's checks; most nodes have none. */
function checks({ checks = [] }: Status, style: Style): string[] {
  const lines = checks.flatMap((check) =>
    wrap(`${plain(check.name)} ${verdictOf(check)}`, columns - titleColumns - 2)
      .map((line) => paint(line, check.ok ? "green" : check.ok === null ? "yellow" : "red", style))
  );
  return lines.length === 0 ? [] : ["", ...section("CHECKS", lines, style)];
}

function verdictOf({ ok, sinceMs, lastError, weight }: CheckStatus): string {
  const time = duration(sinceMs);
  if (ok === null) return `has no verdict yet, after ${time}`;
  if (ok) {
    return `passes for ${time}${lastError === undefined ? "" : `; before: ${plain(lastError)}`}`;
  }
  const effect = weight === 0 ? "" : ` (weight times ${weight})`;
  return `fails for ${time}${effect}: ${plain(lastError ?? "")}`;
}

/** Datagrams that changed nothing; an empty list is not worth a line. */
function refused({ refused }: Status, style: Style): string[] {
  const reasons = Object.entries(refused).filter(([, n]) => n > 0)
    .map(([reason, n]) => `${count(n)} ${plain(reason)}`);
  return reasons.length === 0 ? [] : ["", ...section("REFUSED", flowText(reasons), style)];
}

const titleColumns = 13;

function section(title: string, lines: readonly string[], style: Style): string[] {
  const head = paint(pad(title, titleColumns), "dim", style);
  return lines.map((line, i) => (i === 0 ? head : " ".repeat(titleColumns)) + line);
}

/** Items with commas between, in as many lines as they need. */
function flowText(items: readonly string[]): string[] {
  const lines: string[] = [];
  for (const [i, item] of items.entries()) {
    const text = i < items.length - 1 ? `${item},` : item;
    const last = lines.at(-1);
    const isRoom = last !== undefined &&
      width(last) + width(text) < columns - titleColumns - 2;
    if (isRoom) lines[lines.length - 1] = `${last} ${text}`;
    else lines.push(text);
  }
  return lines;
}
