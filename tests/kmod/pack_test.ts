/** The packer takes what it knows, and says what it does not. */
import { compile } from "../../kmod/bpf/build.ts";
import { pack, PackError } from "../../kmod/bpf/pack.ts";
import { assertEquals, assertThrows } from "../assert.ts";

const kernelHeader = new URL("../../kmod/bpf/kernel.h", import.meta.url).pathname;

/** Compiles a program and gives its object file. */
function objectOf(source: string): Uint8Array<ArrayBuffer> {
  const folder = Deno.makeTempDirSync();
  try {
    Deno.writeTextFileSync(`${folder}/x.bpf.c`, `#include "${kernelHeader}"\n${source}`);
    compile(`${folder}/x.bpf.c`, `${folder}/x.bpf.o`);
    return Deno.readFileSync(`${folder}/x.bpf.o`);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

const good = `
const volatile struct { u32 first, second; } constants SEC(".rodata") = {};
struct avail_map other SEC("maps") = { 2, 4, 8, 1, 0 };
volatile struct { u32 words[3]; } state SEC("shared") = {};
struct avail_map counts SEC("maps") = { 6, 4, 8, 3, 1024 };
SEC("xdp") int one(struct xdp_md *ctx) { (void)ctx; return constants.second + state.words[2]; }
SEC("tc/two") int two(struct __sk_buff *skb)
{
	u32 key = 0;
	(void)skb;
	return bpf_map_lookup_elem(&counts, &key) ? 1 : 2;
}`;

Deno.test("an object becomes maps, programs and relocations", () => {
  const { build: _, ...packed } = pack(objectOf(good));
  assertEquals(packed.rodataBytes, 8);
  assertEquals(packed.maps.toSorted((a, b) => a.type - b.type), [
    { name: "other", type: 2, keyBytes: 4, valueBytes: 8, entries: 1, flags: 0 },
    { name: "state", type: 2, keyBytes: 4, valueBytes: 12, entries: 1, flags: 1024 },
    { name: "counts", type: 6, keyBytes: 4, valueBytes: 8, entries: 3, flags: 1024 },
  ]);
  const [one, two] = packed.programs;
  assertEquals([one.name, one.type, two.name, two.type], ["one", "xdp", "two", "tc"]);
  assertEquals(one.relocations.map(({ map, offset }) => [map, offset]).sort().reverse(), [[
    "state",
    0,
  ], [".rodata", 0]]);
  assertEquals(two.relocations.map(({ map, offset }) => [map, offset]), [["counts", null]]);
  for (const { at } of two.relocations) {
    assertEquals(Uint8Array.fromBase64(two.instructions)[8 * at], 0x18); // ld_imm64
  }
});

Deno.test("the build's name changes with the code, and with nothing else", () => {
  assertEquals(pack(objectOf(good)).build, pack(objectOf(`/* a comment */${good}`)).build);
  const other = pack(objectOf(good.replace("? 1 : 2", "? 1 : 3")));
  assertEquals(other.build === pack(objectOf(good)).build, false);
});

Deno.test("what the loader could not carry out is refused", () => {
  const refused: [string, string][] = [
    ['int a; SEC("xdp") int p(struct xdp_md *c) { (void)c; return a; }', "a is neither a map"],
    [
      "__attribute__((noinline)) int f(void) { return 1; } " +
      'SEC("xdp") int p(struct xdp_md *c) { (void)c; return f(); }',
      "f: in section .text",
    ],
    ['SEC("kprobe") int p(void *c) { (void)c; return 0; }', "in section kprobe"],
    ["", "no program in it"],
  ];
  for (const [source, says] of refused) {
    assertThrows(() => pack(objectOf(source)), PackError, says);
  }
  assertThrows(() => pack(new Uint8Array(100)), PackError, "not a 64-bit little-endian ELF file");
});
