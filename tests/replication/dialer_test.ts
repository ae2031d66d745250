import { assertEquals } from "../assert.ts";
import { Dialer } from "../../lib/replication/dialer.ts";

Deno.test("addresses are tried in order, with pauses that double up to a second", () => {
  const dialer = new Dialer();
  const tried: [at: number, address: string][] = [];
  for (let now = 0; now < 5000; now++) {
    const address = dialer.take(["a", "b", "c"], now);
    if (address === null) continue;
    tried.push([now, address]);
    dialer.failed(now);
  }
  assertEquals(tried, [
    [0, "a"],
    [50, "b"],
    [150, "c"],
    [350, "a"],
    [750, "b"],
    [1550, "c"],
    [2550, "a"],
    [3550, "b"],
    [4550, "c"],
  ]);
});

Deno.test("one attempt at a time; after a success the pause is short again", () => {
  const dialer = new Dialer();
  assertEquals(dialer.take(["a"], 0), "a");
  assertEquals(dialer.take(["a"], 10_000), null, "the attempt still runs");
  for (let i = 0; i < 5; i++) dialer.failed(10_000);
  dialer.succeeded();
  dialer.failed(20_000);
  assertEquals(dialer.take(["a"], 20_049), null);
  assertEquals(dialer.take(["a"], 20_050), "a");
  assertEquals(new Dialer().take([], 0), null, "a peer without an address");
});
