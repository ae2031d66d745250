/**
 * A plan may exceed one frame, so it travels in parts:
 *
 *     u8 type 2, u64 epoch, 8 bytes digest, u8 index, u8 count, then a piece of the plan's bytes
 *
 * Parts may come in any order, twice, or not at all; whoever misses one is sent all of them again
 * with the next heartbeats, because its heartbeat shows another digest.
 */
import { decodePlan, encodePlan, type Plan } from "../ownership/plan.ts";
import { fromHex, Reader, ShortMessage, toHex, Writer } from "./cursor.ts";

export const planPartType = 2;

/** Bytes of the plan in one part: header, envelope, IPv4 and UDP beside it fit 1500 bytes. */
const pieceBytesMax = 1280;
/** 32 members with 31 backups each need 9. */
const partsMax = 12;

export function encodePlanParts(plan: Plan): Uint8Array<ArrayBuffer>[] {
  const blob = encodePlan(plan);
  const count = Math.ceil(blob.length / pieceBytesMax);
  return Array.from({ length: count }, (_, index) => {
    const piece = blob.subarray(index * pieceBytesMax, (index + 1) * pieceBytesMax);
    return new Writer(32 + piece.length)
      .u8(planPartType).u64(plan.epoch).raw(fromHex(plan.digest)).u8(index).u8(count).raw(piece)
      .bytes;
  });
}

/**
 * Puts the parts of one plan of one sender at a time together; a part of another plan starts over. A
 * node's plans only follow each other, so what is older than a part before is a recording: it must not
 * keep the plan of today from becoming whole.
 */
export class PlanAssembly {
  #epoch = 0;
  #digest = "";
  #pieces: (Uint8Array | undefined)[] = [];

  /** The plan, when this was its last missing part; else null, or why the part is refused. */
  add(message: Uint8Array): Plan | null | { readonly refusal: string } {
    const reader = new Reader(message);
    try {
      if (reader.u8() !== planPartType) return { refusal: "malformed plan" };
      const epoch = reader.u64();
      if (epoch < this.#epoch) return { refusal: "replayed" };
      const digest = toHex(reader.raw(8));
      const index = reader.u8();
      const count = reader.u8();
      if (count === 0 || count > partsMax || index >= count) return { refusal: "malformed plan" };
      this.#epoch = epoch;
      if (digest !== this.#digest || count !== this.#pieces.length) {
        this.#digest = digest;
        this.#pieces = new Array(count).fill(undefined);
      }
      this.#pieces[index] = reader.raw(reader.remaining);
    } catch (error) {
      if (error instanceof ShortMessage) return { refusal: "malformed plan" };
      throw error;
    }
    const pieces = this.#pieces.filter((piece) => piece !== undefined);
    if (pieces.length < this.#pieces.length) return null;
    const writer = new Writer(pieces.reduce((sum, piece) => sum + piece.length, 0));
    for (const piece of pieces) writer.raw(piece);
    this.#pieces = [];
    this.#digest = "";
    const plan = decodePlan(writer.bytes);
    if ("refusal" in plan) return plan;
    return plan.digest === toHex(message.subarray(9, 17)) ? plan : { refusal: "plan digest" };
  }
}
