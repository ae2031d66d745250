/** `avail weight`: how much each node takes of the buckets, and how to change that while it runs. */
import { buildCommand } from "@stricli/core";
import type { MemberStatus, Status } from "../lib/control.ts";
import { AvailError } from "../lib/errors.ts";
import { askNode, askStatus, clientFlags, jsonFlag, nodeFlag, type NodeFlags } from "./client.ts";
import type { Context, Style } from "./context.ts";
import { readWeight } from "./inputs.ts";
import { jsonLine, paint, plain, table } from "./render.ts";
import { type WaitFlags, waitFlags, waitUntil } from "./wait.ts";

interface Flags extends WaitFlags, NodeFlags {
  readonly json?: boolean;
}

/** Buckets that have not moved for so many looks have come to rest. */
const looksAtRest = 8;
/** A weight that has not changed after so many looks will not: its node's checks hold it down. */
const looksForWeight = 40;

export const weightCommand = buildCommand<Flags, [number?], Context>({
  docs: {
    brief: "Show the nodes' weights, or set one until its daemon ends",
    fullDescription:
      "A node's share of the buckets is its weight against those of all ready nodes.\n" +
      "Without N, shows them. With N, sets the weight of this node, or of --node, and waits\n" +
      "until the buckets have moved. N is above 0 and 100 at most, with three decimals; a node that\n" +
      "shall have none is drained. It lasts until that node's `avail run` ends: [node] weight in\n" +
      "its configuration counts at the next start.",
  },
  parameters: {
    flags: { ...clientFlags, node: nodeFlag, ...waitFlags, json: jsonFlag },
    positional: {
      kind: "tuple",
      parameters: [{ parse: readWeight, brief: "The weight", placeholder: "N", optional: true }],
    },
  },
  async func(flags, weight) {
    const before = await askStatus(flags);
    if (weight === undefined) return show(this, flags, before);
    await askNode(flags, { command: "weight", weight });
    const name = flags.node ?? before.node;
    const after = await waitUntil(this, flags, movesOf(name, weight, before));
    tell(this, flags, { name, weight, before, after });
  },
});

/** What is missing until the buckets have followed a new weight. */
function movesOf(name: string, weight: number, before: Status) {
  let rest = "", looks = 0, looksAtWeight = 0;
  const wasWeight = before.members.find((member) => member.name === name)?.weight;
  return (status: Status): string | null => {
    const member = memberOf(status, name);
    const isUnchanged = member.weight !== weight && member.weight === wasWeight;
    if (isUnchanged && ++looksAtWeight < looksForWeight) {
      return `${name} still has weight ${member.weight}`;
    }
    if (member.state !== "ready") return null;
    const buckets = status.members.map((member) => `${member.name} ${member.buckets}`).join(", ");
    looks = buckets === rest ? looks + 1 : 0;
    rest = buckets;
    if (looks >= looksAtRest && isBalanced(status)) return null;
    return `the buckets are still on their way (${buckets})`;
  };
}

/** As near to the shares as the planner makes it: within a bucket, or a twentieth. */
function isBalanced(status: Status): boolean {
  if (status.owners.includes(null)) return false;
  return sharesOf(status).every(({ member: { buckets }, share }) => {
    const wanted = share * status.owners.length;
    return Math.abs(buckets - wanted) <= Math.max(1, wanted * 0.05) + 1e-9;
  });
}

function memberOf(status: Status, name: string): MemberStatus {
  const member = status.members.find((member) => member.name === name && member.alive);
  if (member !== undefined) return member;
  throw new AvailError(`${name} is not heard any more; \`avail status\` shows who is`);
}

/** Each member's part of all buckets, 0 to 1. */
function sharesOf(
  { members }: Status,
): { readonly member: MemberStatus; readonly share: number }[] {
  const counts = ({ alive, state, eligible }: MemberStatus) =>
    alive && state === "ready" && eligible !== false;
  const sum = members.filter(counts).reduce((sum, { weight }) => sum + weight, 0);
  return members.map((member) => ({ member, share: counts(member) ? member.weight / sum : 0 }));
}

function show({ process, style }: Context, flags: Flags, status: Status): void {
  const wanted = sharesOf(status)
    .filter(({ member }) => flags.node === undefined || member.name === flags.node);
  if (wanted.length === 0) memberOf(status, flags.node!);
  const members = wanted.map(({ member: { name, state, weight, buckets }, share }) => ({
    ...{ name, state, weight, share, buckets },
  }));
  if (flags.json) process.stdout.write(jsonLine({ schema: 1, members }));
  else process.stdout.write(screen(members, style));
}

function tell(
  { process, style }: Context,
  flags: Flags,
  { name, weight, before, after }: {
    readonly name: string;
    readonly weight: number;
    readonly before: Status;
    readonly after: Status;
  },
): void {
  const old = (name: string) => before.members.find((member) => member.name === name);
  const members = sharesOf(after).map(({ member, share }) => ({
    name: member.name,
    state: member.state,
    weight: member.weight,
    share,
    bucketsBefore: old(member.name)?.buckets ?? 0,
    buckets: member.buckets,
  }));
  if (flags.json) {
    process.stdout.write(jsonLine({ schema: 1, node: name, weight, members }));
    return;
  }
  const was = old(name)?.weight;
  const change = was === undefined || was === weight ? "" : `, was ${was}`;
  process.stdout.write(
    `${
      plain(name)
    }: weight ${weight}${change}; until its \`avail run\` ends, then [node] weight\n` +
      `of its configuration counts again.\n` + screen(members, style),
  );
}

interface Row {
  readonly name: string;
  readonly state: string;
  readonly weight: number;
  readonly share: number;
  readonly bucketsBefore?: number;
  readonly buckets: number;
}

function screen(members: readonly Row[], style: Style): string {
  const arrow = style.unicode ? "→" : "->";
  const rows = members.map(({ name, state, weight, share, bucketsBefore, buckets }) => [
    paint(plain(name), "bold", style),
    state,
    String(weight),
    `${(share * 100).toFixed(1)} %`,
    bucketsBefore === undefined || bucketsBefore === buckets
      ? String(buckets)
      : `${bucketsBefore} ${arrow} ${buckets}`,
  ]);
  const columns = [
    { title: "NODE" },
    { title: "STATE" },
    { title: "WEIGHT", align: "right" },
    { title: "SHARE", align: "right" },
    { title: "BUCKETS", align: "right" },
  ] as const;
  return table(columns, rows, style).map((line) => `${line}\n`).join("");
}
