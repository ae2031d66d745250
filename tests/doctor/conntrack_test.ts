import type { Status } from "../../lib/control.ts";
import {
  type ConntrackFacts,
  conntrackGroup,
  expectedAfterDeath,
} from "../../lib/doctor/conntrack.ts";
import { assertEquals } from "../assert.ts";
import { safeStatus } from "../cli/statuses.ts";
import { testGroup } from "./group_cases.ts";
import { configOf, soundSetup, stoppedSetup } from "./setups.ts";

const settings = { events: 1, tcp_be_liberal: 1, tcp_loose: 1, acct: 0, timestamp: 0 };
const sound: ConntrackFacts = {
  max: 262_144,
  count: 4000,
  buckets: 65_536,
  canSetSize: true,
  stats: { drop: 0, early_drop: 0, insert_failed: 0 },
  settings,
};
const flows = (own: number, foreign: number): Status => ({
  ...safeStatus,
  replication: { ...safeStatus.replication, flows: own, foreign },
});

testGroup(conntrackGroup, sound, [
  {
    facts: { count: 220_000 },
    finds: ["conntrack-use", "warning", /nearly full/],
    fix: "net/netfilter/nf_conntrack_max=524288",
    also: ["conntrack-failover"],
  },
  {
    facts: { count: 220_000, canSetSize: false },
    finds: ["conntrack-use", "warning", /nearly full/],
    also: ["conntrack-failover"],
  },
  {
    facts: { count: 262_000 },
    finds: ["conntrack-use", "error", /is full/],
    fix: "net/netfilter/nf_conntrack_max=524288",
    also: ["conntrack-failover"],
  },
  {
    facts: { count: 160_000 },
    setup: { status: flows(80_000, 80_000) },
    finds: ["conntrack-failover", "warning", /too small when a node dies/],
    fix: "net/netfilter/nf_conntrack_max=524288",
  },
  {
    facts: { count: 100_000 },
    setup: { status: flows(50_000, 50_000) },
    finds: ["conntrack-failover", "ok", /also has room/],
  },
  { facts: { stats: { drop: 7 } }, finds: ["conntrack-losses", "info", /turned away/] },
  {
    facts: { stats: { early_drop: 7 }, count: 215_000 },
    finds: ["conntrack-losses", "warning", /turned away/],
    also: ["conntrack-use", "conntrack-failover"],
  },
  {
    facts: { buckets: 16_384 },
    finds: ["conntrack-buckets", "warning", /few hash buckets/],
    fix: "net/netfilter/nf_conntrack_buckets=131072",
  },
  {
    facts: { buckets: 16_384, canSetSize: false },
    finds: ["conntrack-buckets", "warning", /few hash buckets/],
  },
  {
    facts: { settings: { ...settings, events: 0 } },
    finds: ["conntrack-settings", "error", /no events/],
    fix: "net/netfilter/nf_conntrack_events=1",
  },
  {
    facts: { settings: { ...settings, events: 2 } },
    finds: ["conntrack-settings", "warning", /older connections/],
    fix: "net/netfilter/nf_conntrack_events=1",
  },
  // avail run sets it at its start: before, it is nobody's fault.
  {
    facts: { settings: { ...settings, events: 2, tcp_be_liberal: 0 } },
    setup: stoppedSetup,
    finds: ["conntrack-settings", "ok", /as they should be/],
  },
  {
    facts: { settings: { ...settings, tcp_be_liberal: 0 } },
    finds: ["conntrack-settings", "warning", /TCP windows are checked/],
    fix: "net/netfilter/nf_conntrack_tcp_be_liberal=1",
  },
  {
    facts: { settings: { ...settings, tcp_loose: 0 } },
    setup: { config: configOf((text) => `${text}[replication]\nenabled = false\n`) },
    finds: ["conntrack-settings", "info", /not picked up in their middle/],
  },
  {
    facts: { settings: { ...settings, acct: 1 } },
    finds: ["conntrack-settings", "info", /are counted/],
  },
  {
    facts: { settings: { ...settings, timestamp: 1 } },
    finds: ["conntrack-settings", "info", /time stamps/],
  },
]);

Deno.test("doctor: what a death costs, by the number of nodes and of backups", () => {
  const of = (own: number, foreign: number, count: number, backups?: string) => {
    const config = backups === undefined
      ? configOf()
      : configOf((text) => `${text}[replication]\nbackups = ${backups}\n`);
    return expectedAfterDeath({ ...soundSetup, config, status: flows(own, foreign) }, count);
  };
  // Three nodes with 1000 flows each, two copies of each flow, on two nodes then: all of them.
  assertEquals(of(1000, 1000, 2000), 3000);
  assertEquals(of(1000, 2000, 3000, '"all"'), 3000);
  // And 50 that are no flows of the cluster.
  assertEquals(of(1000, 1000, 2050), 3050);
  assertEquals(expectedAfterDeath(stoppedSetup, 1000), null);
  const alone = { ...safeStatus, members: safeStatus.members.slice(0, 1) };
  assertEquals(expectedAfterDeath({ ...soundSetup, status: alone }, 1000), null);
});
