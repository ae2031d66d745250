/** A node of a sound cluster, for checks to find nothing wrong with. */
import { examineConfig } from "../../lib/config_file.ts";
import type { Config } from "../../lib/config.ts";
import type { Setup } from "../../lib/doctor/setup.ts";
import type { Vitals } from "../../lib/vitals.ts";
import { assertEquals } from "../assert.ts";
import { safeStatus } from "../cli/statuses.ts";

const text = `
[cluster]
name = "edge"
[node]
name = "fw1"
[[link]]
interface = "eth2"
address = "10.0.0.1"
[[share]]
interface = "eth0"
addresses = ["192.0.2.1/24", "2001:db8::1/64"]
[[share]]
interface = "eth1"
addresses = ["203.0.113.1/24"]
`;

/** The configuration of a text, which must be without faults; `change` replaces in the usual one. */
export function configOf(change: (text: string) => string = (same) => same): Config {
  const { config, faults } = examineConfig(change(text), { file: "avail.toml", hostName: "fw1" });
  assertEquals(faults, []);
  return config;
}

export const vitals: Vitals = {
  schema: 1,
  node: "fw1",
  version: "0.1.0",
  kernel: "6.12.0",
  timeMs: 1_000_000,
  pid: 4711,
  upMs: 7_200_000,
  scheduling: "real time",
  late: { count: 0, longestMs: 0, sinceMs: null },
  shares: [{ interface: "eth0", mtu: 1500 }, { interface: "eth1", mtu: 1500 }],
  links: [{ interface: "eth2", mtu: 9000 }],
  replication: { addresses: ["10.0.0.1"], port: 9478 },
};

function peer(name: string, last: number) {
  return {
    name,
    vitals: { ...vitals, node: name, replication: { addresses: [`10.0.0.${last}`], port: 9478 } },
    askedMs: 999_990,
    answeredMs: 1_000_010,
  };
}

/** Three nodes that agree, and this one is well. */
export const soundSetup: Setup = {
  config: configOf(),
  status: safeStatus,
  daemonProblem: null,
  vitals,
  peers: [peer("fw2", 2), peer("fw3", 3)],
  service: { start: "start it", restart: "restart it", log: "show its log" },
};

/** The machine before avail runs on it. */
export const stoppedSetup: Setup = { ...soundSetup, status: null, vitals: null, peers: [] };

/** And before it is configured. */
export const bareSetup: Setup = { ...stoppedSetup, config: null };
