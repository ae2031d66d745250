import { loadLayout, sumLoads } from "../../lib/host/bucket_load.ts";
import { assertEquals } from "../assert.ts";

Deno.test("the CPUs' counters are added, beyond 32 bits, too", () => {
  const bytes = new Uint8Array(2 * loadLayout.size);
  const view = new DataView(bytes.buffer);
  const set = (cpu: number, bucket: number, packets: bigint, octets: bigint) => {
    const at = cpu * loadLayout.size + bucket * loadLayout.bucket;
    view.setBigUint64(at + loadLayout.packets, packets, true);
    view.setBigUint64(at + loadLayout.bytes, octets, true);
  };
  set(0, 0, 1n, 60n);
  set(1, 0, 2n, 120n);
  set(1, 255, 2n ** 40n + 1n, 2n ** 50n + 3n);
  const { packets, bytes: octets } = sumLoads(bytes);
  assertEquals([packets[0], octets[0]], [3, 180]);
  assertEquals([packets[255], octets[255]], [2 ** 40 + 1, 2 ** 50 + 3]);
  assertEquals(packets.slice(1, 255), new Array(254).fill(0));
});
