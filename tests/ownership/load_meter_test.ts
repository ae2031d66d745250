import { LoadMeter } from "../../lib/ownership/load_meter.ts";
import { assert, assertEquals } from "../assert.ts";

/** Counters in which bucket 3 has taken so many packets. */
const counters = (packets: number) => ({
  packets: Array.from({ length: 256 }, (_, bucket) => bucket === 3 ? packets : 0),
  bytes: new Array<number>(256).fill(0),
});
const rateOf = (meter: LoadMeter, packets: number, now: number) =>
  meter.read(counters(packets), now)!.packetsPerSecond[3];

Deno.test("steady traffic is told right from the first interval on", () => {
  const meter = new LoadMeter();
  assertEquals(rateOf(meter, 5000, 0), 0, "one reading tells no rate");
  for (let second = 2; second < 60; second += 2) {
    assertEquals(rateOf(meter, 5000 + 100 * second, 1000 * second), 100);
  }
});

Deno.test("what ends is forgotten, and a bucket that moves counts once at both nodes", () => {
  const old = new LoadMeter(), heir = new LoadMeter();
  let oldPackets = 0, heirPackets = 0;
  for (let second = 0; second <= 120; second += 2) {
    if (second <= 60) oldPackets = 100 * second;
    else heirPackets = 100 * (second - 60);
    const before = rateOf(old, oldPackets, 1000 * second);
    const after = rateOf(heir, heirPackets, 1000 * second);
    if (second === 0) continue;
    assert(Math.abs(before + after - 100) < 1.5, `${second} s: ${before} and ${after}`);
    if (second === 70) assert(before > 20 && before < 50, `${before}`);
    if (second === 120) assert(before < 0.5, `${before}`);
  }
});

Deno.test("readings close to each other, and another datapath's counters, tell no rate", () => {
  const meter = new LoadMeter();
  rateOf(meter, 0, 0);
  assertEquals(rateOf(meter, 1000, 100), 0, "a tenth of a second");
  assertEquals(rateOf(meter, 1000, 1000), 1000, "since the reading that counted");
  assertEquals(rateOf(meter, 10, 2000), 1000, "it began anew");
  assert(rateOf(meter, 10, 12_000) < 500);
  assertEquals(meter.read(null, 13_000), null);
});
