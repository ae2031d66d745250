/** What one stream sends: a hand-over counts only where this stream has carried the flows. */
import { BucketSet } from "../../lib/ownership/bucket_set.ts";
import { Sender } from "../../lib/replication/sender.ts";
import { assertEquals } from "../assert.ts";

const settings = { enabled: true, lagMsMax: 250, queueBytesMax: 100_000 };

/** One that has been asked to carry buckets 1 and 2, and has sent the bulk of them. */
function bulking(enabled = true): { sender: Sender; position: number } {
  const sender = new Sender({ ...settings, enabled });
  const wanted = BucketSet.of([1, 2]);
  sender.setWanted(wanted, wanted);
  sender.beginBulk(wanted, 0);
  sender.endBulk(0);
  const position = sender.outbox.lastPosition;
  sender.outbox.handOver(() => {});
  return { sender, position };
}

Deno.test("a hand-over waits for the peer's acknowledgement of the bulk in this stream", () => {
  const { sender, position } = bulking();
  assertEquals(sender.release(BucketSet.of([1]), 7, 1), false, "nothing is acknowledged");
  assertEquals(sender.acknowledge(position, 0, 2), true);
  assertEquals(sender.release(BucketSet.of([1, 3]), 7, 3), false, "3 was never carried");
  assertEquals(sender.release(BucketSet.of([1]), 7, 3), true);
});

Deno.test("where the peer had no room for some flows, nothing is handed over", () => {
  const { sender, position } = bulking();
  assertEquals(sender.acknowledge(position, 4, 2), true);
  assertEquals(sender.release(BucketSet.of([1]), 7, 3), false);
});

Deno.test("a queue that ran over starts anew, and so does the right to hand over", () => {
  const { sender, position } = bulking();
  assertEquals(sender.acknowledge(position, 0, 2), true);
  sender.restart();
  assertEquals(sender.release(BucketSet.of([1]), 7, 3), false);
});

Deno.test("where no flows are carried at all, none has to be", () => {
  assertEquals(bulking(false).sender.release(BucketSet.of([1]), 7, 1), true);
});
