/**
 * From the text of a configuration file to a complete configuration, or to all of its faults at
 * once. Nothing is opened here: what the machine says of it (interfaces, the key file) comes later.
 */
import { parse, TomlError } from "smol-toml";
import { checkAcross } from "./config_across.ts";
import type { Config, LinkConfig, ShareConfig } from "./config.ts";
import { readCheck } from "./config_checks.ts";
import { Findings, type Found, isTable, kindOf, show, Table, type Values } from "./config_table.ts";
import {
  isInterfaceName,
  isName,
  readAddressPrefix,
  readDuration,
  readListen,
  readMac,
  unusableAddress,
  unusableMac,
} from "./config_values.ts";
import { ConfigError, type Fault } from "./errors.ts";
import * as limits from "./limits.ts";
import { flapHalfLifeMs } from "./membership/damping.ts";
import { keyLines } from "./toml_lines.ts";
import { formatAddress, parseAddress } from "./wire/address.ts";

export interface ConfigSource {
  /** The file's name, as messages shall give it. */
  readonly file: string;
  /** The machine's name: its first label is the node's name where the file gives none. */
  readonly hostName: string;
}

export interface ReadConfig {
  readonly config: Config;
  /** What is allowed and probably not meant. */
  readonly warnings: readonly Fault[];
}

/** Where each key of a table belongs; the same tables as in docs/operating.md. */
const homes: ReadonlyMap<string, string> = new Map(
  Object.entries({
    "[cluster]": ["key_file", "partition", "nodes", "ruleset"],
    "[node]": ["weight", "drain_timeout"],
    "[[share]]": ["addresses", "key", "side", "nat", "mac"],
    "[[link]]": ["address"],
    "[detection]": ["interval", "multiplier", "damping"],
    "[replication]": ["backups", "port", "enabled"],
    "[datapath]": ["backend", "mark_mask"],
    "[control]": ["socket"],
    "[metrics]": ["listen"],
    "[[check]]": ["tcp", "http", "command", "status", "timeout", "rise", "fall"],
  }).flatMap(([table, keys]) => keys.map((key) => [key, table] as const)),
);

/** Reads a configuration; throws `ConfigError` with every fault, in the order of their lines. */
export function readConfig(text: string, source: ConfigSource): ReadConfig {
  const { config, faults, warnings } = examineConfig(text, source);
  if (faults.length > 0) throw new ConfigError(faults);
  return { config, warnings };
}

/**
 * As `readConfig`, with the faults as a result, so that others can be told beside them; where there
 * are any, the configuration holds stand-ins. Text that is no TOML is thrown as `ConfigError`.
 */
export function examineConfig(
  text: string,
  source: ConfigSource,
): ReadConfig & { readonly faults: readonly Fault[] } {
  const values = parseToml(text, source.file);
  const findings = new Findings(source.file, keyLines(text));
  const config = readRoot(values, source, findings);
  checkAcross(config, findings);
  return { config, faults: byLine(findings.faults), warnings: byLine(findings.warnings) };
}

function byLine(faults: readonly Fault[]): Fault[] {
  return faults.toSorted((a, b) => a.line - b.line);
}

function parseToml(text: string, file: string): Values {
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const reason = error.message.split("\n")[0].replace("Invalid TOML document: ", "");
    const found = text.split("\n")[error.line - 1]?.trim().slice(0, 80) ?? "";
    throw new ConfigError([{
      file,
      line: error.line,
      where: `column ${error.column}`,
      problem: `${reason}: ${found}`,
      remedy: reason.includes("redefine")
        ? "keep one of the two"
        : 'write [table] or key = value, with text and durations in quotes ("100ms")',
    }]);
  }
}

function readRoot(values: Values, source: ConfigSource, findings: Findings): Config {
  const root = new Table("", values, findings, homes);
  const checkNames = new Map<string, string>();
  const cluster = readCluster(section(root, "cluster"));
  const node = section(root, "node");
  const links = tables(root, "link", limits.linksMax).map(readLink);
  const shareConfigs = tables(root, "share", limits.sharesMax).map(readShare);
  // Sockets stay where they are when their bucket moves; what is only routed has none here.
  const hasServices = shareConfigs.some(({ key }) => key === "source");
  const config: Config = {
    file: source.file,
    cluster,
    node: readNode(node, source.hostName, hasServices),
    links,
    shares: shareConfigs,
    detection: readDetection(section(root, "detection")),
    replication: readReplication(section(root, "replication")),
    datapath: readDatapath(section(root, "datapath")),
    control: readControl(section(root, "control")),
    metrics: readMetrics(section(root, "metrics")),
    checks: tables(root, "check", limits.checksMax).map((table) => readCheck(table, checkNames)),
  };
  root.end();
  const shares = values.share;
  if (shares === undefined || (Array.isArray(shares) && shares.length === 0)) {
    const problem = shares === undefined ? "is missing" : "is an empty list";
    findings.fault("share", problem, "add a [[share]] with its interface and addresses");
  }
  return config;
}

/** `[name]`; an empty one where the file has none. */
function section(root: Table, name: string): Table {
  const found = root.take(name);
  if (found && !isTable(found.value)) {
    const what = Array.isArray(found.value) ? "a list of tables" : kindOf(found.value);
    root.findings.fault(found.where, `is ${what}`, `write [${name}] once, and its keys below it`);
  }
  return new Table(name, found && isTable(found.value) ? found.value : {}, root.findings, homes);
}

/** `[[name]]`, any number of times up to `max`. */
function tables(root: Table, name: string, max: number): Table[] {
  const found = root.take(name);
  if (!found) return [];
  if (!Array.isArray(found.value) || !found.value.every(isTable)) {
    root.findings.fault(
      found.where,
      `is ${kindOf(found.value)}`,
      `write [[${name}]] with two brackets before each of them`,
    );
    return [];
  }
  const all: readonly Values[] = found.value;
  if (all.length > max) {
    root.findings.fault(`${name}[${max}]`, `is number ${max + 1}`, `keep ${max} at most`);
  }
  return all.map((values, i) => new Table(`${name}[${i}]`, values, root.findings, homes));
}

function readCluster(table: Table): Config["cluster"] {
  const partition = table.choice("partition", ["serve", "majority"], "serve");
  const isTold = Object.hasOwn(table.values, "nodes");
  if (partition === "majority" && !isTold) {
    table.findings.fault(
      table.where("partition"),
      '"majority" needs to know of how many nodes',
      "add nodes = 3, or as many as there are, to [cluster]",
    );
  }
  const cluster = {
    name: table.text("name", { example: "edge", check: checkName }),
    keyFile: table.text("key_file", {
      default: "/etc/avail/cluster.key",
      example: "/etc/avail/cluster.key",
      check: checkAbsolute,
    }),
    partition,
    nodes: isTold ? table.number("nodes", { default: 1, min: 1, max: limits.membersMax }) : null,
    ruleset: table.boolean("ruleset", false),
  };
  table.end();
  return cluster;
}

function readNode(table: Table, hostName: string, hasServices: boolean): Config["node"] {
  const byDefault = hostName.split(".")[0];
  if (!Object.hasOwn(table.values, "name") && !isName(byDefault)) {
    table.findings.fault(
      table.where("name"),
      `the host name ${show(byDefault)} cannot be a node's name`,
      'add name = "fw1" to [node]',
    );
  }
  const node = {
    name: table.text("name", { default: byDefault, example: "fw1", check: checkName }),
    weight: table.number("weight", {
      default: 1,
      min: limits.weightMin,
      max: limits.weightMax,
      isFraction: true,
    }),
    drainTimeoutMs: readDrainTimeout(table, hasServices),
  };
  table.end();
  return node;
}

function readDrainTimeout(table: Table, hasServices: boolean): number {
  const byDefaultMs = hasServices ? limits.serviceDrainTimeoutMs : 0;
  const text = table.text("drain_timeout", {
    default: `${byDefaultMs}ms`,
    example: "30s",
    check: (text) => {
      const ms = readDuration(text);
      if (ms === null) return ["is no duration", 'write a number with its unit, such as "30s"'];
      return ms <= limits.drainTimeoutMsMax
        ? null
        : ["is out of range", `write "0s" to "${limits.drainTimeoutMsMax / 1000}s"`];
    },
  });
  return readDuration(text) ?? byDefaultMs;
}

function readLink(table: Table): LinkConfig {
  const name = table.text("interface", { example: "eth2", check: checkInterface });
  const written = Object.hasOwn(table.values, "address");
  const address = table.text("address", {
    default: "",
    example: "10.0.0.1",
    check: (text) =>
      parseAddress(text)
        ? null
        : readAddressPrefix(text)
        ? ["has a prefix length", `write ${show(text.split("/")[0])}`]
        : ["is no address", 'write the node\'s own address, such as "10.0.0.1"'],
  });
  table.end();
  const parsed = written ? parseAddress(address) : null;
  return { interface: name, address: parsed && formatAddress(parsed.bytes) };
}

function readShare(table: Table): ShareConfig {
  const share: ShareConfig = {
    interface: table.text("interface", { example: "eth0", check: checkInterface }),
    addresses: readAddresses(table),
    key: table.choice("key", ["source", "pair", "flow", "inside"], "pair"),
    side: table.choice("side", ["inside", "outside"], null),
    nat: table.boolean("nat", false),
    mac: table.text("mac", { default: "auto", example: "auto", check: checkMac }).toLowerCase(),
  };
  table.end();
  return share;
}

function readAddresses(table: Table): ShareConfig["addresses"] {
  const { findings } = table;
  const example = "192.0.2.1/24";
  const found = table.take("addresses");
  if (!found) {
    findings.fault(table.where("addresses"), "is missing", `add addresses = ["${example}"]`);
    return [];
  }
  if (!Array.isArray(found.value) || found.value.length === 0) {
    const what = Array.isArray(found.value) ? "an empty list" : kindOf(found.value);
    findings.fault(found.where, `is ${what}`, `write a list, such as ["${example}"]`);
    return [];
  }
  const all: readonly unknown[] = found.value;
  if (all.length > limits.shareAddressesMax) {
    findings.fault(
      `${found.where}[${limits.shareAddressesMax}]`,
      `${show(all[limits.shareAddressesMax])} is number ${limits.shareAddressesMax + 1}`,
      `keep ${limits.shareAddressesMax} addresses at most in one share`,
    );
  }
  return all.flatMap((value, i) =>
    readAddress({ where: `${found.where}[${i}]`, value }, findings) ?? []
  );
}

function readAddress({ where, value }: Found, findings: Findings) {
  const prefix = typeof value === "string" ? readAddressPrefix(value) : null;
  if (!prefix) {
    const bare = typeof value === "string" && parseAddress(value);
    findings.fault(
      where,
      bare ? `${show(value)} has no prefix length` : `${show(value)} is no address with prefix`,
      bare
        ? `write "${value}/${bare.family === 4 ? 24 : 64}", with the length of its network`
        : 'write an address and its prefix length, such as "192.0.2.1/24" or "2001:db8::1/64"',
    );
    return null;
  }
  const unusable = unusableAddress(prefix);
  if (unusable) {
    findings.fault(where, `${show(value)} ${unusable}`, "write an address that a host can have");
    return null;
  }
  return findings.remember(prefix, where);
}

function readDetection(table: Table): Config["detection"] {
  const { intervalMsMin, intervalMsMax } = limits;
  const text = table.text("interval", {
    default: "100ms",
    example: "100ms",
    check: (text) => {
      const ms = readDuration(text);
      if (ms === null) return ["is no duration", 'write a number with its unit, such as "100ms"'];
      return ms >= intervalMsMin && ms <= intervalMsMax
        ? null
        : ["is out of range", `write "${intervalMsMin}ms" to "${intervalMsMax / 1000}s"`];
    },
  });
  const intervalMs = readDuration(text) ?? 100;
  const multiplier = table.number("multiplier", {
    default: 3,
    min: limits.multiplierMin,
    max: limits.multiplierMax,
  });
  const byDefault = flapHalfLifeMs(intervalMs * multiplier);
  const detection = { intervalMs, multiplier, flapHalfLifeMs: readDamping(table, byDefault) };
  table.end();
  return detection;
}

/** The half-life in ms; 0: "off". */
function readDamping(table: Table, byDefaultMs: number): number {
  const { dampingMsMin, dampingMsMax } = limits;
  const text = table.text("damping", {
    default: `${byDefaultMs}ms`,
    example: "30s",
    check: (text) => {
      if (text === "off") return null;
      const ms = readDuration(text);
      if (ms === null) return ["is no duration", 'write a time such as "30s", or "off"'];
      return ms >= dampingMsMin && ms <= dampingMsMax ? null : [
        "is out of range",
        `write "${dampingMsMin / 1000}s" to "${dampingMsMax / 1000}s", or "off"`,
      ];
    },
  });
  return text === "off" ? 0 : readDuration(text) ?? byDefaultMs;
}

function readReplication(table: Table): Config["replication"] {
  const replication = {
    backups: table.numberOr("backups", "all", { default: 1, min: 1, max: limits.membersMax - 1 }),
    port: table.number("port", { default: 9478, min: 1, max: 65535 }),
    enabled: table.boolean("enabled", true),
  };
  table.end();
  return replication;
}

function readDatapath(table: Table): Config["datapath"] {
  const datapath = {
    backend: table.choice("backend", ["auto", "clusterdev", "xdp", "clusterip"], "auto"),
    markMask: table.number("mark_mask", { default: 0x1ff00000, min: 0, max: 0xffffffff }),
  };
  if (!isNineBits(datapath.markMask)) {
    table.findings.fault(
      table.where("mark_mask"),
      `0x${datapath.markMask.toString(16)} is not nine neighbouring bits`,
      "write nine bits in a row that nothing else uses, such as 0x1ff00000",
    );
  }
  table.end();
  return datapath;
}

function isNineBits(mask: number): boolean {
  return mask > 0 && mask / (mask & -mask) === 0x1ff;
}

function readControl(table: Table): Config["control"] {
  const control = {
    socket: table.text("socket", {
      default: "/run/avail/control.sock",
      example: "/run/avail/control.sock",
      check: (text) =>
        new TextEncoder().encode(text).length > limits.socketPathBytesMax
          ? ["is too long for a socket", `keep ${limits.socketPathBytesMax} bytes at most`]
          : checkAbsolute(text),
    }),
  };
  table.end();
  return control;
}

function readMetrics(table: Table): Config["metrics"] {
  const example = "127.0.0.1:9477";
  const metrics = {
    listen: table.text("listen", {
      default: example,
      example,
      check: (text) =>
        text === "off" || readListen(text)
          ? null
          : ["is no address with port", `write "${example}", "[::1]:9477" or "off"`],
    }),
  };
  table.end();
  return metrics;
}

type Complaint = readonly [problem: string, remedy: string] | null;

function checkName(text: string): Complaint {
  return isName(text)
    ? null
    : ["is no name", `write letters, digits and inner hyphens, ${limits.nameBytesMax} at most`];
}

function checkInterface(text: string): Complaint {
  return isInterfaceName(text)
    ? null
    : ["is no interface name", "write a name as `ip link` shows it, 15 characters at most"];
}

function checkAbsolute(text: string): Complaint {
  if (text.includes("\0")) return ["contains a zero byte", "write a path without it"];
  return text.startsWith("/") ? null : ["is no absolute path", "begin it with /"];
}

function checkMac(text: string): Complaint {
  if (text === "auto" || text === "unicast") return null;
  const mac = readMac(text);
  if (!mac) return ["is no MAC", 'write "auto", "unicast" or a MAC such as "03:00:5e:00:00:01"'];
  const unusable = unusableMac(mac);
  return unusable ? [unusable, 'write another one, or "auto"'] : null;
}
