/**
 * Every decoder against broken input: it throws nothing but its documented refusal, what it accepts it
 * encodes equally again, and it takes a bounded time. The seed is printed; `AVAIL_FUZZ_SEED` repeats a
 * run, `AVAIL_FUZZ_RUNS` makes it longer. As the control, decoders with planted bugs are found out.
 */
import fc from "fast-check";
import { assertEquals, assertThrows } from "../assert.ts";
import { Reader, ShortMessage } from "../../lib/wire/cursor.ts";
import { type DecoderCase, decoderCases } from "./decoders.ts";
import { inputs } from "./mutations.ts";

const seed = Number(
  Deno.env.get("AVAIL_FUZZ_SEED") ?? crypto.getRandomValues(new Int32Array(1))[0],
);
const numRuns = Number(Deno.env.get("AVAIL_FUZZ_RUNS") ?? 5000);

/** One input may take this long, in the best of three tries on a machine that does other things. */
const msMax = 50;

function fuzz({ examples, run }: DecoderCase): void {
  const property = fc.property(inputs(examples), (bytes) => {
    const startedAt = performance.now();
    const outcome = run(bytes);
    if (typeof outcome === "object") assertEquals(outcome.again, outcome.found);
    if (performance.now() - startedAt > msMax) {
      const tries = [1, 2, 3].map(() => {
        const from = performance.now();
        run(bytes);
        return performance.now() - from;
      });
      if (Math.min(...tries) > msMax) throw new Error(`it takes ${Math.min(...tries)} ms`);
    }
  });
  fc.assert(property, { seed, numRuns });
}

for (const decoder of decoderCases) {
  Deno.test(`decoder: ${decoder.name} (seed ${seed})`, () => {
    const outcomes = decoder.examples.map((bytes) => decoder.run(new Uint8Array(bytes)));
    assertEquals(outcomes.some((outcome) => outcome !== "refused"), true, "an example is sound");
    fuzz(decoder);
  });
}

/** A list of numbers behind its length, and what can be wrong with reading it. */
const planted: readonly (readonly [bug: string, run: DecoderCase["run"]])[] = [
  ["throws what is not documented", (bytes) => {
    const view = new DataView(bytes.buffer);
    if (bytes.length < 1 || bytes[0] > 8) return "refused";
    return { found: view.getUint16(bytes[0]), again: view.getUint16(bytes[0]) };
  }],
  ["accepts what it encodes otherwise", (bytes) => {
    const reader = new Reader(bytes);
    try {
      const found = Array.from({ length: reader.u8() }, () => reader.u8());
      return { found: bytes.toHex(), again: new Uint8Array([found.length, ...found]).toHex() };
    } catch (error) {
      if (error instanceof ShortMessage) return "refused";
      throw error;
    }
  }],
  ["takes its time for one value", (bytes) => {
    if (bytes[2] !== 0xff) return "refused";
    for (const until = performance.now() + 2 * msMax; performance.now() < until;);
    return "accepted";
  }],
];

for (const [bug, run] of planted) {
  Deno.test(`the fuzzer finds a decoder that ${bug}`, () => {
    const examples = [new Uint8Array([3, 1, 2, 3])];
    assertThrows(() => fuzz({ name: "planted", examples, run }));
    // The same table without the bug is found sound.
    fuzz({ name: "sound", examples, run: () => "refused" });
  });
}
