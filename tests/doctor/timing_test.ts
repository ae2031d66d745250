import { type TimingFacts, timingGroup } from "../../lib/doctor/timing.ts";
import { testGroup } from "./group_cases.ts";
import { configOf, stoppedSetup, vitals } from "./setups.ts";

const lateness = {
  samples: 190,
  medianMs: 0.1,
  longestMs: 3,
  scheduling: "real time",
} as const;
const daemon = { swappedKb: 0, memlockMax: null, lockedKb: 90_000, mayLock: true };
const sound: TimingFacts = {
  lateness,
  processors: 4,
  virtualisation: null,
  stolen: 0,
  pressure: 0.01,
  daemon,
};
const fast = {
  config: configOf((text) => `${text}[detection]\ninterval = "10ms"\nmultiplier = 3\n`),
};
const late = (sinceMs: number) => ({
  vitals: { ...vitals, late: { count: 3, longestMs: 410, sinceMs } },
});

testGroup(timingGroup, sound, [
  {
    facts: { lateness: { ...lateness, longestMs: 120 } },
    finds: ["latency", "warning", /hardly quick enough/],
  },
  {
    facts: { lateness: { ...lateness, longestMs: 250 } },
    finds: ["latency", "error", /too slow/],
  },
  // What is fine at 100 ms x 3 is not at 10 ms x 3.
  {
    facts: { lateness: { ...lateness, longestMs: 19 } },
    finds: ["latency", "ok", /quick enough/],
  },
  {
    facts: { lateness: { ...lateness, longestMs: 19 } },
    setup: fast,
    finds: ["latency", "error", /too slow/],
  },
  { setup: late(60_000), finds: ["lateness", "warning", /not run in time/] },
  { setup: late(7_200_000), finds: ["lateness", "info", /not run in time/] },
  {
    setup: { vitals: { ...vitals, scheduling: "nice" } },
    finds: ["priority", "warning", /daemon's core may not run in real time/],
  },
  {
    facts: { lateness: { ...lateness, scheduling: "normal" } },
    setup: stoppedSetup,
    finds: ["priority", "warning", /a program like this may not/],
  },
  {
    facts: { daemon: { ...daemon, swappedKb: 512 } },
    finds: ["memory-lock", "warning", /in the swap/],
  },
  {
    facts: { daemon: { ...daemon, mayLock: false, memlockMax: 8 << 20 } },
    finds: ["memory-lock", "warning", /may not keep its code/],
  },
  {
    facts: { daemon: { ...daemon, memlockMax: 8 << 20 } },
    finds: ["memory-lock", "ok", /stays in memory/],
  },
  { facts: { processors: 1 }, finds: ["processors", "warning", /one processor only/] },
  { facts: { stolen: 0.1 }, finds: ["stolen-time", "warning", /takes processor time away/] },
  { facts: { pressure: 0.6 }, finds: ["stolen-time", "info", /wait for processors/] },
]);
