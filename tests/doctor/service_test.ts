import { type ServiceFacts, serviceGroup, type UnitFacts } from "../../lib/doctor/service.ts";
import { testGroup } from "./group_cases.ts";
import { configOf, stoppedSetup } from "./setups.ts";

const configFile = { path: "/etc/avail/avail.toml", exists: true, faults: [], warnings: [] };
const keyFile = {
  path: "/etc/avail/cluster.key",
  problem: null,
  remedy: null,
  mode: null,
  writableFolders: [],
};
const unit: UnitFacts = {
  isInstalled: true,
  isEnabled: true,
  state: "active",
  restarts: 0,
  stopMsMax: 90_000,
  enableCommand: "systemctl enable avail",
  startCommand: "systemctl start avail",
  logCommand: "journalctl -u avail -n 30",
};
const sound: ServiceFacts = {
  configFile,
  keyFile,
  unit,
  space: [{ path: "/run/avail", freeKb: 100_000 }],
  rivals: [],
};
const fault = {
  file: "/etc/avail/avail.toml",
  line: 7,
  where: "node.wieght",
  problem: "unknown",
  remedy: 'did you mean "weight"?',
};

testGroup(serviceGroup, sound, [
  {
    facts: { configFile: { ...configFile, exists: false } },
    setup: { ...stoppedSetup, config: null },
    finds: ["config", "info", /there is no \/etc\/avail\/avail\.toml/],
  },
  {
    facts: { configFile: { ...configFile, exists: false } },
    finds: ["config", "warning", /there is no/],
  },
  {
    facts: { configFile: { ...configFile, faults: [fault, fault] } },
    finds: ["config", "error", /has 2 faults/],
  },
  {
    facts: { configFile: { ...configFile, warnings: [fault] } },
    finds: ["config", "info", /node\.wieght: unknown/],
  },
  {
    facts: { keyFile: { ...keyFile, problem: "has mode 0644", mode: 0o644 } },
    finds: ["key-file", "error", /can be read by others \(has mode 0644\)/],
    fix: "mode /etc/avail/cluster.key",
  },
  {
    facts: { keyFile: { ...keyFile, problem: "there is no such file", remedy: "copy it" } },
    finds: ["key-file", "error", /cluster\.key: there is no such file/],
  },
  {
    facts: { keyFile: { ...keyFile, writableFolders: ["/etc/avail"] } },
    finds: ["key-file", "warning", /others may write to \/etc\/avail/],
  },
  {
    facts: { unit: { ...unit, isInstalled: false } },
    finds: ["unit", "info", /no service for avail/],
    also: ["stop-time"],
  },
  { facts: { unit: { ...unit, state: "failed" } }, finds: ["unit", "error", /has failed/] },
  {
    facts: { unit: { ...unit, isEnabled: false } },
    finds: ["unit", "warning", /does not start with the machine/],
  },
  {
    facts: { unit: { ...unit, state: "inactive" } },
    finds: ["unit", "info", /not started by the service/],
  },
  { facts: { unit: { ...unit, restarts: 3 } }, finds: ["unit", "warning", /restarted 3 times/] },
  {
    facts: { unit: { ...unit, stopMsMax: 10_000 } },
    finds: ["stop-time", "warning", /killed before it has handed/],
  },
  {
    setup: {
      config: configOf((text) => text.replace("[[link]]", 'drain_timeout = "120s"\n[[link]]')),
    },
    finds: ["stop-time", "warning", /killed before it has handed/],
  },
  { facts: { unit: { ...unit, stopMsMax: null } }, finds: ["stop-time", "ok", /take the time/] },
  {
    facts: { space: [{ path: "/run/avail", freeKb: 12 }] },
    finds: ["disk-space", "warning", /\/run\/avail is full/],
  },
  { facts: { rivals: ["keepalived"] }, finds: ["rivals", "warning", /keepalived is running/] },
]);
