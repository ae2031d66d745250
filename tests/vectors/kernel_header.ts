/** The vectors of the bucket function as kmod/clusterdev/selftest.c includes them (vectors.h). */
import { parseAddress } from "../../lib/wire/address.ts";
import type { BucketVector } from "./bucket_vector.ts";
import { bucketVectors, fromHex } from "./read.ts";

const keys = ["source", "pair", "inside", "flow"];
const sides = ["inside", "outside"];
/** enum avail_verdict of kmod/bucket.h */
const verdicts = { malformed: -1, ndp: -2, arp: -3, other: -4, fragmentToNat: -5, natOther: -6 };

/** C source: an array `cd_vectors` of struct cd_vector. */
export function vectorsHeader(): string {
  const frames = bucketVectors.map(({ frame }, i) =>
    `static const u8 cd_frame_${i}[] = { ${bytes(fromHex(frame))} };`
  );
  return [
    "/* SPDX-License-Identifier: GPL-2.0-or-later */",
    "/* Generated from tests/vectors/bucket.json. */",
    ...frames,
    "static const struct cd_vector cd_vectors[] = {",
    ...bucketVectors.map(initializer),
    "};",
    "",
  ].join("\n");
}

function initializer({ name, config, frame, expected }: BucketVector, i: number): string {
  const inside = config.inside.map(prefix);
  return `{ .name = ${JSON.stringify(name)}, .frame = cd_frame_${i}, .length = ${
    frame.length / 2
  }, .expected = ${typeof expected === "number" ? expected : verdicts[expected]},
  .config = { .seed = { ${config.seed.join("u, ")}u }, .key = ${keys.indexOf(config.key)},
    .side = ${Math.max(0, sides.indexOf(config.side ?? ""))}, .nat = ${config.nat === null ? 0 : 1},
    .nat4 = ${config.nat === null ? "0" : words(parseAddress(config.nat)!.bytes)[0]},
    .inside_count = ${inside.length}, .inside = { ${inside.join(", ")} } } },`;
}

function prefix(text: string): string {
  const [address, length] = text.split("/");
  const { family, bytes: given } = parseAddress(address)!;
  const mask = given.map((_, i) =>
    (0xff00 >> Math.min(8, Math.max(0, Number(length) - 8 * i))) & 0xff
  );
  const masked = given.map((byte, i) => byte & mask[i]);
  return `{ .addr = { ${words(masked)} }, .mask = { ${words(mask)} }, .family = ${family} }`;
}

/** Words "as loaded" on a little-endian machine, which all kernels of the tests run on. */
function words(address: Uint8Array): string[] {
  const view = new DataView(address.slice().buffer);
  return Array.from(
    { length: address.length / 4 },
    (_, i) => `0x${view.getUint32(4 * i, true).toString(16)}u`,
  );
}

function bytes(frame: Uint8Array): string {
  return Array.from(frame, (byte) => `0x${byte.toString(16).padStart(2, "0")}`).join(", ");
}

if (import.meta.main) console.log(vectorsHeader());
