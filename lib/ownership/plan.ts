/**
 * The plan (design term: assignment): who owns each bucket, and who takes it when the owner dies.
 * It is agreed ahead of time, so that the reaction to a death needs no agreement.
 */
import { createHash } from "node:crypto";
import { membersMax } from "../limits.ts";
import { fromHex, Reader, ShortMessage, toHex, Writer } from "../wire/cursor.ts";
import { incarnationBytes } from "../wire/seal.ts";
import { bucketCount } from "./bucket_set.ts";

/** A member is a start of a node: after a restart it has to be planned in anew. */
export interface PlanMember {
  readonly name: string;
  readonly incarnation: string;
}

export interface PlanContent {
  readonly epoch: number;
  readonly planner: string;
  /** Size of the mutually hearing group in which it was made. */
  readonly group: number;
  /** Sorted by name. */
  readonly members: readonly PlanMember[];
  /** For each bucket indices into `members`: the owner, then its backups in the order of succession. */
  readonly ranks: readonly (readonly number[])[];
}

/** A plan with its identity; make one with `sealPlan` or `decodePlan`. */
export interface Plan extends PlanContent {
  /** 16 hexadecimal digits over everything above. */
  readonly digest: string;
}

/** The digest of "no plan". */
export const noPlanDigest = "0".repeat(16);

const noMember = 0xff;
const planVersion = 1;

export function sealPlan(content: PlanContent): Plan {
  return { ...content, digest: digestOf(encodePlan(content)) };
}

/**
 * u8 version, u64 epoch, planner (u8 length, text), u8 group, u8 members, each (name, 16 bytes of
 * incarnation), u8 ranks R, then 256 times R bytes: indices of members, 0xff where there is none.
 */
export function encodePlan(plan: PlanContent): Uint8Array<ArrayBuffer> {
  const depth = Math.max(1, ...plan.ranks.map((ranks) => ranks.length));
  const writer = new Writer(256 + plan.members.length * (64 + 16) + bucketCount * depth)
    .u8(planVersion)
    .u64(plan.epoch)
    .text(plan.planner)
    .u8(plan.group)
    .u8(plan.members.length);
  for (const member of plan.members) writer.text(member.name).raw(fromHex(member.incarnation));
  writer.u8(depth);
  for (const ranks of plan.ranks) {
    for (let rank = 0; rank < depth; rank++) writer.u8(ranks[rank] ?? noMember);
  }
  return writer.bytes;
}

export function decodePlan(blob: Uint8Array): Plan | { readonly refusal: string } {
  try {
    const reader = new Reader(blob);
    if (reader.u8() !== planVersion) return { refusal: "plan version" };
    const epoch = reader.u64();
    const planner = reader.name();
    const group = reader.u8();
    const memberCount = reader.u8();
    if (memberCount === 0 || memberCount > membersMax) return { refusal: "malformed plan" };
    const members = Array.from({ length: memberCount }, () => ({
      name: reader.name(),
      incarnation: toHex(reader.raw(incarnationBytes)),
    }));
    const depth = reader.u8();
    const ranks = Array.from({ length: bucketCount }, () => {
      const row: number[] = [];
      for (let rank = 0; rank < depth; rank++) {
        const member = reader.u8();
        if (member === noMember) continue;
        const isKnown = member < memberCount && !row.includes(member);
        if (!isKnown || row.length < rank) throw new ShortMessage("rank");
        row.push(member);
      }
      return row;
    });
    const plan = { epoch, planner, group, members, ranks };
    // One plan has one text: who encodes it again, for others, must come to the same digest.
    const isPlain = encodePlan(plan).every((byte, i) => byte === blob[i]);
    if (reader.remaining > 0 || !isPlain) return { refusal: "malformed plan" };
    return { ...plan, digest: digestOf(blob) };
  } catch (error) {
    if (error instanceof ShortMessage) return { refusal: "malformed plan" };
    throw error;
  }
}

function digestOf(blob: Uint8Array): string {
  return toHex(createHash("sha256").update(blob).digest().subarray(0, 8));
}

/** Whether `a` replaces `b`: the later epoch, then the smaller planner, then the smaller digest. */
export function supersedes(a: Plan, b: Plan | null): boolean {
  if (b === null || a.epoch !== b.epoch) return a.epoch > (b?.epoch ?? -1);
  if (a.planner !== b.planner) return a.planner < b.planner;
  return a.digest < b.digest;
}

/** Whether this start of a node takes part in the plan. */
export function isMember(plan: Plan | null, incarnation: string): boolean {
  return plan?.members.some((member) => member.incarnation === incarnation) ?? false;
}
