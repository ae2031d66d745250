/** Reports of `avail doctor`, for its screens. */
import { examineConfig } from "../../lib/config_file.ts";
import { type ConntrackFacts } from "../../lib/doctor/conntrack.ts";
import { readNft } from "../../lib/doctor/rules/nft.ts";
import { type DoctorReport, examine, type FixResult, reportOf } from "../../lib/doctor/report.ts";
import { nftText } from "../doctor/rules/nft_rules.ts";
import { bareSetup, soundSetup, stoppedSetup } from "../doctor/setups.ts";

const conntrack: ConntrackFacts = {
  max: 65_536,
  count: 60_000,
  buckets: 65_536,
  canSetSize: true,
  stats: { drop: 0 },
  settings: { events: 1, tcp_be_liberal: 0, tcp_loose: 1, acct: 1, timestamp: 0 },
};
const clocks = {
  discipline: { isSynchronised: false, errorMsMax: 0, frequencyPpm: 3 },
  source: "tsc",
  suspendedMs: 0,
};
const firewall = {
  ruleset: readNft(nftText([{ hook: "input", policy: "drop", rules: [] }]))!,
  problem: null,
  listens: [{ interface: "eth2", address: "10.0.0.1", prefixLength: 24 }],
  clusterDevices: [],
};
const { faults } = examineConfig('[cluster]\nname = "e dge"\n[node]\nwieght = 2\n', {
  file: "/etc/avail/avail.toml",
  hostName: "fw1",
});
const service = {
  configFile: { path: "/etc/avail/avail.toml", exists: true, faults, warnings: [] },
  keyFile: null,
  unit: null,
  space: [],
  rivals: ["keepalived"],
};

/** A node on which much is wrong. */
export const sickReport: DoctorReport = reportOf(
  examine({ conntrack, clocks, firewall }, { neighbours: "dump: operation not permitted" }, {
    ...soundSetup,
    status: {
      ...soundSetup.status!,
      replication: { ...soundSetup.status!.replication, peers: [] },
    },
  }, []),
  [],
  "fw1",
);

/** A configuration with faults, on a machine that runs no daemon. */
export const faultyReport: DoctorReport = reportOf(
  examine({ service }, {}, { ...stoppedSetup, config: null }, []),
  [],
  null,
);

/** Nothing to say. */
export const soundReport: DoctorReport = reportOf(
  examine({ clocks: { ...clocks, discipline: null } }, {}, bareSetup, []),
  [],
  "fw1",
);

const fixes: readonly FixResult[] = [
  {
    change: "set net.netfilter.nf_conntrack_tcp_be_liberal from 0 to 1",
    done: true,
    error: null,
    persisted: "/etc/sysctl.d/90-avail-doctor.conf",
  },
  {
    change: "set net.netfilter.nf_conntrack_max from 65536 to 131072",
    done: false,
    error: "Read-only file system (os error 30)",
    persisted: null,
  },
];
/** After --fix, of which one part failed. */
export const mendedReport: DoctorReport = { ...soundReport, fixes };

/** What --fix --dry-run says. */
export const dryReport: DoctorReport = {
  ...sickReport,
  fixes: fixes.map((fix) => ({ ...fix, done: false, error: null })),
};
