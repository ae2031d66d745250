import { type ClocksFacts, clocksGroup } from "../../lib/doctor/clocks.ts";
import { testGroup } from "./group_cases.ts";
import { configOf, soundSetup, vitals } from "./setups.ts";

const discipline = { isSynchronised: true, errorMsMax: 4, frequencyPpm: -12 };
const sound: ClocksFacts = { discipline, source: "tsc", suspendedMs: 0 };

/** The second node's clock is off by so much, and its answer took so long. */
function peers(offMs: number, tookMs = 20) {
  const [first, second] = soundSetup.peers;
  const askedMs = first.askedMs;
  const timeMs = askedMs + tookMs / 2 + offMs;
  return [
    { ...first, askedMs, answeredMs: askedMs + tookMs, vitals: { ...vitals, timeMs } },
    second,
  ];
}

testGroup(clocksGroup, sound, [
  {
    facts: { discipline: { ...discipline, isSynchronised: false } },
    finds: ["clock-sync", "warning", /not synchronised/],
  },
  { setup: { peers: peers(4000) }, finds: ["clock-difference", "warning", /fw2 is 4 s ahead of/] },
  { setup: { peers: peers(-90_000) }, finds: ["clock-difference", "warning", /90 s behind/] },
  { setup: { peers: peers(900) }, finds: ["clock-difference", "ok", /agree/] },
  // It may have read its clock at any time of those 3 s.
  { setup: { peers: peers(1400, 3000) }, finds: ["clock-difference", "ok", /agree/] },
  {
    facts: { discipline: { ...discipline, frequencyPpm: 500 } },
    finds: ["clock-drift", "warning", /cannot correct the clock any further/],
  },
  {
    facts: { discipline: { ...discipline, isSynchronised: false } },
    setup: {
      config: configOf((text) => `${text}[detection]\ninterval = "2s"\nmultiplier = 10\n`),
    },
    finds: ["clock-drift", "warning", /so long that drifting clocks matter/],
  },
  {
    setup: {
      config: configOf((text) => `${text}[detection]\ninterval = "2s"\nmultiplier = 10\n`),
    },
    finds: ["clock-drift", "ok", /too little/],
  },
  { facts: { source: "hpet" }, finds: ["clock-source", "warning", /is hpet/] },
  { facts: { source: "jiffies" }, finds: ["clock-source", "error", /is jiffies/] },
  { facts: { suspendedMs: 7_500_000 }, finds: ["suspend", "info", /stood still for 2 h/] },
]);
