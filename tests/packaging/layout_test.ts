import { assertEquals, assertThrows } from "../assert.ts";
import {
  decodeIndex,
  decodeTrailer,
  encodeIndex,
  encodeTrailer,
  packageEntriesMax,
  packageRecordBytes,
} from "../../lib/package_layout.ts";

const sum = Uint8Array.from({ length: 32 }, (_, i) => i);

Deno.test("index and trailer come back as they were", () => {
  const entries = [
    { name: "bin/avail", bytes: 95_600_728, sha256: sum },
    { name: "program/chunk-1.js", bytes: 0, sha256: new Uint8Array(32) },
    { name: "a".repeat(87), bytes: 2 ** 40, sha256: sum },
  ];
  const index = encodeIndex(entries);
  assertEquals(index.length, 3 * packageRecordBytes);
  assertEquals(decodeIndex(index), entries);
  const trailer = {
    sha256: sum,
    payloadOffset: 980_000,
    payloadBytes: 33_000_000,
    unpackedBytes: 97_000_000,
    entries: 3,
    version: "0.1.0",
  };
  assertEquals(decodeTrailer(encodeTrailer(trailer)), trailer);
});

Deno.test("what has no room, or is none, is refused", () => {
  const entry = (name: string) => ({ name, bytes: 1, sha256: sum });
  assertThrows(() => encodeIndex([entry("a".repeat(88))]), Error, "longer than 87");
  assertThrows(() => encodeIndex(Array(packageEntriesMax + 1).fill(entry("a"))), Error, "513");
  for (const name of ["", "/a", "a/", "a//b", "../a", "a/../b", ".a", "a b", "ä"]) {
    assertThrows(() => decodeIndex(encodeIndex([entry(name)])), Error, "not a name", name);
  }
  const trailer = encodeTrailer({
    sha256: sum,
    payloadOffset: 0,
    payloadBytes: 0,
    unpackedBytes: 0,
    entries: 0,
    version: "",
  });
  assertEquals(decodeTrailer(trailer.subarray(1)), null);
  trailer[127] ^= 1;
  assertEquals(decodeTrailer(trailer), null);
});

Deno.test("the launcher has room for as many files", () => {
  const header = new URL("../../packaging/launcher/package.h", import.meta.url);
  const room = /PACKAGE_ENTRIES_MAX (\d+)/.exec(Deno.readTextFileSync(header))?.[1];
  assertEquals(Number(room), packageEntriesMax);
});
