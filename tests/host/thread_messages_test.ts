/** What the core's thread reads is what the daemon has written. */
import { commandFromJson, type ThreadCommand, toJson } from "../../lib/host/thread_messages.ts";
import { BucketSet } from "../../lib/ownership/bucket_set.ts";
import { assertEquals } from "../assert.ts";

Deno.test("commands with bytes and sets of buckets come back as they were", () => {
  const commands: readonly ThreadCommand[] = [
    { kind: "snapshot", id: 7 },
    {
      kind: "interfaces",
      interfaces: [{ name: "eth0", index: 3, mac: new Uint8Array([2, 0, 0, 0, 0, 255]) }, null],
    },
    {
      kind: "input",
      input: {
        kind: "configure",
        id: "a",
        settings: {
          weight: 0.5,
          drainTimeoutMs: 0,
          backups: "all",
          configDigest: "0123456789abcdef",
          topics: ["00000000"],
          addresses: [new Uint8Array([10, 0, 0, 1]), new Uint8Array(16)],
        },
      },
    },
    {
      kind: "input",
      input: { kind: "replication", report: { kind: "busy", buckets: BucketSet.of([1, 255]) } },
    },
  ];
  for (const command of commands) assertEquals(commandFromJson(toJson(command)), command);
});
