import { AddressList } from "../../lib/wire/address_list.ts";
import { assertEquals } from "../assert.ts";

Deno.test("an address is found at its place, whole and of its family", () => {
  const list = new AddressList([new Uint8Array([10, 0, 0, 1]), new Uint8Array(16).fill(0xfd)]);
  const bytes = new Uint8Array([0, 10, 0, 0, 1, 10, 0, 0, 2, ...new Array(16).fill(0xfd)]);
  assertEquals([1, 5, 0].map((at) => list.has(bytes, at, 4)), [true, false, false]);
  assertEquals([list.has(bytes, 9, 16), list.has(bytes, 9, 4)], [true, false]);
});
