/** A damaged file is told in one sentence, starts nothing and leaves nothing behind. */
import { assert, assertEquals, assertNotEquals } from "../../assert.ts";
import { decodeTrailer, packageRecordBytes } from "../../../lib/package_layout.ts";
import { filesBelow, smallPackages, start } from "./small_package.ts";

const seed = Number(Deno.env.get("AVAIL_FUZZ_SEED") ?? 20070415);

Deno.test("a damaged file says so and starts nothing", async (t) => {
  const [one] = await smallPackages(["one"]);
  const path = `${one.folder}/damaged`;
  const place = `${one.folder}/place`;
  const { length } = one.bytes;
  const trailer = decodeTrailer(one.bytes.slice(-packageRecordBytes))!;
  const { payloadOffset, payloadBytes } = trailer;
  const trailerAt = length - packageRecordBytes;
  const startWith = async (bytes: Uint8Array, AVAIL_RUNTIME_DIR = place) => {
    await Deno.writeFile(path, bytes, { mode: 0o755 });
    return await start([path], { AVAIL_RUNTIME_DIR });
  };
  const sentence =
    `avail: ${path} is damaged or cut short: it is not what its SHA-256 says; copy it here again\n`;
  const refused = async (bytes: Uint8Array, what: string) => {
    for (const runtime of [place, "memory"]) {
      const told = await startWith(bytes, runtime);
      assertEquals([told.code, told.exe, told.stderr], [1, null, sentence], `${what}, ${runtime}`);
      assertEquals(filesBelow(place).filter((name) => name !== ".lock"), [], what);
    }
  };
  const changed = (at: number, to: number) => {
    const bytes = one.bytes.slice();
    bytes[at] = to;
    return bytes;
  };
  try {
    await t.step("the control: undamaged, it starts", async () => {
      assertEquals((await startWith(one.bytes)).code, 0);
      await Deno.remove(place, { recursive: true });
    });

    await t.step("a changed byte, anywhere behind the launcher", async () => {
      const index = payloadOffset + payloadBytes;
      const places = [payloadOffset, payloadOffset + 4, index - 1, index, index + 88, index + 96];
      places.push(trailerAt, trailerAt + 32, trailerAt + 48, trailerAt + 56, length - 1);
      let random = seed;
      for (let i = 0; i < 15; i++) {
        random = (Math.imul(random, 1664525) + 1013904223) >>> 0;
        places.push(payloadOffset + random % (payloadBytes + 256));
      }
      for (const at of places) {
        await refused(changed(at, one.bytes[at] ^ 0x10), `byte ${at} (AVAIL_FUZZ_SEED=${seed})`);
      }
    });

    await t.step("a changed byte in the launcher that does not matter to it", async () => {
      // The ELF header's machine-dependent flags; the kernel does not look at them.
      await refused(changed(48, 1), "e_flags");
    });

    await t.step("cut short, or longer", async () => {
      for (
        const bytes of [length - 1, trailerAt, trailerAt - 1, payloadOffset + 1, payloadOffset]
      ) {
        await refused(one.bytes.subarray(0, bytes), `${bytes} of ${length} bytes`);
      }
      const longer = new Uint8Array(length + 1);
      longer.set(one.bytes);
      await refused(longer, "one byte more");
    });

    await t.step("names that would lead elsewhere", async () => {
      const index = payloadOffset + payloadBytes;
      const record = packageRecordBytes;
      for (const name of ["/etc/evil", "../evil/x.js", "program/../..", ".hidden", "a//b", "a/"]) {
        const bytes = one.bytes.slice();
        const field = new Uint8Array(88);
        new TextEncoder().encodeInto(name, field);
        bytes.set(field, index + record);
        await refused(bytes, name);
      }
    });

    await t.step("what is unpacked already still runs; only its file is damaged", async () => {
      assertEquals((await startWith(one.bytes)).code, 0);
      const damaged = changed(payloadOffset + 5, one.bytes[payloadOffset + 5] ^ 1);
      assertEquals((await startWith(damaged)).code, 0);
    });
  } finally {
    await Deno.remove(one.folder, { recursive: true });
  }
});

Deno.test("the same files make the same package; any other file makes another", async () => {
  const [a, b, c] = await smallPackages(["one", "one", "two"]);
  try {
    assertEquals(a.id, b.id);
    assert(a.bytes.every((byte, i) => byte === b.bytes[i]));
    assertNotEquals(a.id, c.id);
  } finally {
    await Deno.remove(a.folder, { recursive: true });
  }
});
