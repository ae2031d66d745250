/**
 * The launcher, with the compiler's sanitizers in it, on packages that are broken at random, from a printed
 * seed: it starts them or refuses them, and never touches memory that it should not.
 */
import { assert, assertEquals, assertGreater } from "../../assert.ts";
import { sha256 } from "../../../packaging/digest.ts";
import { compileLauncher } from "../../../packaging/native_launcher.ts";
import { packageFile } from "../../../packaging/package_file.ts";
import {
  decodeTrailer,
  encodeTrailer,
  packageRecordBytes,
  type PackageTrailer,
} from "../../../lib/package_layout.ts";
import { filesBelow, start } from "./small_package.ts";

const seed = Number(Deno.env.get("AVAIL_FUZZ_SEED") ?? 20070415);
const runs = Number(Deno.env.get("AVAIL_FUZZ_RUNS") ?? 120);

Deno.test(`broken packages, seed ${seed}`, async () => {
  const folder = await Deno.makeTempDir({ dir: "/var/tmp", prefix: "avail-broken-" });
  await Deno.chmod(folder, 0o755);
  const random = generator(seed);
  try {
    await compileLauncher(`${folder}/launcher`, { isSanitized: true });
    const text = (length: number) => new Uint8Array(length).map((_, i) => i * i >> 3);
    const whole = await packageFile(
      await Deno.readFile(`${folder}/launcher`),
      [
        { name: "bin/avail", content: new TextEncoder().encode("#!/bin/true\n") },
        { name: "program/avail.js", content: text(5000) },
        { name: "whole/avail.js", content: text(700) },
        { name: "share/a/b/c", content: text(300_000) },
      ],
      "1",
      `${folder}/cache`,
    );
    const trailer = decodeTrailer(new Uint8Array(whole.slice(-packageRecordBytes)))!;
    const path = `${folder}/avail`;
    const place = `${folder}/place`;
    const outcomes = { started: 0, refused: 0 };
    for (let run = 0; run < runs; run++) {
      await Deno.writeFile(path, run === 0 ? whole : broken(whole, trailer, random), {
        mode: 0o755,
      });
      const runtime = random(4) === 0 ? "memory" : place;
      const { code, stderr } = await start([path], {
        AVAIL_RUNTIME_DIR: runtime,
        // It takes memory for execve(2), after which there is nobody to give it back.
        ASAN_OPTIONS: "detect_leaks=0",
      });
      assert(!/Sanitizer|runtime error/.test(stderr), `run ${run} of seed ${seed}: ${stderr}`);
      if (code === 0) outcomes.started++;
      else outcomes.refused++;
      assertEquals(filesBelow(place).filter((name) => name.startsWith(".new-")), []);
      if (code !== 0) {
        assertEquals(stderr.split("\n").length, 2, `run ${run}: one sentence: ${stderr}`);
        assertEquals(code, 1, `run ${run} of seed ${seed}: ${stderr}`);
      }
      await Deno.remove(place, { recursive: true }).catch(() => {});
    }
    assertGreater(outcomes.started, 0, "the control: a whole one starts");
    assertGreater(outcomes.refused, runs / 2);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

/** Bytes of payload, index or trailer changed; the sum often put right, so that more is believed. */
function broken(
  whole: Uint8Array,
  trailer: PackageTrailer,
  random: (below: number) => number,
): Uint8Array {
  const bytes = new Uint8Array(whole);
  const index = trailer.payloadOffset + trailer.payloadBytes;
  const [from, to] = [
    [trailer.payloadOffset, index],
    [index, bytes.length - packageRecordBytes],
    [bytes.length - packageRecordBytes, bytes.length - 8],
  ][random(3)];
  for (let i = 1 + random(4); i > 0; i--) {
    const value = [0, 1, 0x2e, 0x2f, 0x7f, 0xff, random(256)][random(7)];
    bytes[from + random(to - from)] = value;
  }
  const now = decodeTrailer(bytes.slice(-packageRecordBytes));
  if (now === null || random(3) === 0) return bytes;
  const sum = sha256(bytes.subarray(0, -packageRecordBytes));
  bytes.set(encodeTrailer({ ...now, sha256: sum }), bytes.length - packageRecordBytes);
  return bytes;
}

function generator(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor(state / 2 ** 32 * below);
  };
}
