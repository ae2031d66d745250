/** The page that the daemon and the datapath share, on a file in the place of the kernel's memory. */
import { close, openForWriting } from "../../ffi/libc.ts";
import { openStatePage, stateLayout } from "../../lib/host/state_page.ts";
import { BucketSet } from "../../lib/ownership/bucket_set.ts";
import type { Steering } from "../../lib/ports.ts";
import { assert, assertEquals } from "../assert.ts";

function onPage(work: (steering: Steering, bytes: () => DataView) => void): void {
  const path = Deno.makeTempFileSync({ prefix: "avail-page-" });
  try {
    Deno.writeFileSync(path, new Uint8Array(4096));
    const fd = openForWriting(path);
    work(openStatePage(fd), () => new DataView(Deno.readFileSync(path).buffer));
    close(fd);
  } finally {
    Deno.removeSync(path);
  }
}

const words = (view: DataView, generation: number) =>
  Array.from({ length: 8 }, (_, i) => view.getUint32(16 + 32 * generation + 4 * i, true));

Deno.test("a switch writes the generation that does not count, and leaves the other", () =>
  onPage((steering, bytes) => {
    steering.setResponsibility(BucketSet.of([0, 33, 255]), 7);
    assertEquals(bytes().getBigUint64(stateLayout.active, true), 1n);
    assertEquals(bytes().getBigUint64(stateLayout.epoch, true), 7n);
    assertEquals(words(bytes(), 1), [1, 2, 0, 0, 0, 0, 0, 0x80000000]);
    assertEquals(words(bytes(), 0), Array(8).fill(0));

    steering.setResponsibility(BucketSet.of([31]), 2 ** 40);
    assertEquals(bytes().getBigUint64(stateLayout.active, true), 0n);
    assertEquals(bytes().getBigUint64(stateLayout.epoch, true), 1n << 40n);
    assertEquals(words(bytes(), 0), [0x80000000, 0, 0, 0, 0, 0, 0, 0]);
    assertEquals(words(bytes(), 1), [1, 2, 0, 0, 0, 0, 0, 0x80000000]);
  }));

Deno.test("what was written is what is read; a lease is in nanoseconds", () =>
  onPage((steering, bytes) => {
    assertEquals([steering.current().leaseUntil, steering.current().epoch], [0, 0]);
    assert(steering.current().responsibility.isEmpty);
    const buckets = BucketSet.of([1, 128, 200]);
    steering.setResponsibility(buckets, 12);
    steering.setLease(1500.5);
    assertEquals(bytes().getBigUint64(stateLayout.lease, true), 1_500_500_000n);
    const { responsibility, leaseUntil, epoch } = steering.current();
    assert(responsibility.equals(buckets));
    assertEquals([leaseUntil, epoch], [1500.5, 12]);
    steering.setLease(-1);
    assertEquals(steering.current().leaseUntil, 0);
  }));
