/** The `[[check]]` tables of a configuration: what a node looks after before it may own buckets. */
import type { CheckConfig } from "./config.ts";
import { kindOf, show, type Table } from "./config_table.ts";
import { isName, isPort, readDuration } from "./config_values.ts";
import * as limits from "./limits.ts";
import { parseAddress } from "./wire/address.ts";

const kinds = ["tcp", "http", "command"] as const;

/** One check; names that are taken are a fault. Faults leave a stand-in. */
export function readCheck(table: Table, taken: Map<string, string>): CheckConfig {
  const name = readName(table, taken);
  const probe = readProbe(table);
  const intervalMs = readTime(table, "interval", 1000, limits.checkIntervalMsMin);
  const timeoutMs = readTime(table, "timeout", Math.min(500, intervalMs), 1);
  if (timeoutMs > intervalMs) {
    table.findings.fault(
      table.where("timeout"),
      `${duration(timeoutMs)} is longer than the interval of ${duration(intervalMs)}`,
      `write "${duration(intervalMs)}" at most, or a longer interval`,
    );
  }
  const check = {
    name,
    probe,
    intervalMs,
    timeoutMs,
    rise: table.number("rise", { default: 2, min: 1, max: limits.checkStreakMax }),
    fall: table.number("fall", { default: 3, min: 1, max: limits.checkStreakMax }),
    weight: table.number("weight", { default: 0, min: 0, max: 1, isFraction: true }),
  };
  if (check.weight === 1) {
    table.findings.warn(
      table.where("weight"),
      "1 changes nothing while the check fails",
      "write a factor below 1, or 0 for a node that may own no buckets then",
    );
  }
  table.end();
  return check;
}

function readName(table: Table, taken: Map<string, string>): string {
  const name = table.text("name", {
    example: "web",
    check: (text) =>
      isName(text)
        ? null
        : ["is no name", `write letters, digits and inner hyphens, ${limits.nameBytesMax} at most`],
  });
  const where = table.where("name");
  const first = taken.get(name);
  if (first !== undefined) {
    const line = table.findings.lineOf(first);
    table.findings.fault(
      where,
      `"${name}" is also ${first} (line ${line})`,
      "give each check a name of its own",
    );
  } else if (name !== "") taken.set(name, where);
  return name;
}

function readProbe(table: Table): CheckConfig["probe"] {
  const written = kinds.filter((kind) => Object.hasOwn(table.values, kind));
  if (written.length === 0) {
    table.findings.fault(
      table.path,
      "has neither tcp nor http nor command",
      'add what is to be checked, such as tcp = "127.0.0.1:80"',
    );
  }
  for (const extra of written.slice(1)) {
    table.findings.fault(
      table.where(extra),
      `stands beside ${written[0]}`,
      "a check has one of tcp, http, command: write a [[check]] for each",
    );
  }
  const tcp = table.text("tcp", {
    default: "127.0.0.1:1",
    example: "127.0.0.1:80",
    check: checkTcp,
  });
  const http = table.text("http", {
    default: "http://127.0.0.1/",
    example: "http://127.0.0.1:80/",
    check: checkHttp,
  });
  const status = table.number("status", { default: 200, min: 100, max: 599 });
  if (Object.hasOwn(table.values, "status") && !written.includes("http")) {
    table.findings.fault(
      table.where("status"),
      `${show(table.values.status)} stands without http`,
      "remove it, or check with http",
    );
  }
  const argv = readCommand(table);
  switch (written[0]) {
    case "http":
      return { kind: "http", ...(readHttp(http) ?? readHttp("http://127.0.0.1/")!), status };
    case "command":
      return { kind: "command", argv };
    default:
      return { kind: "tcp", ...(readHostPort(tcp) ?? { host: "127.0.0.1", port: 1 }) };
  }
}

function checkTcp(text: string): readonly [string, string] | null {
  return readHostPort(text)
    ? null
    : ["is no host with port", 'write "127.0.0.1:80", "[::1]:80" or "www.example.net:80"'];
}

function checkHttp(text: string): readonly [string, string] | null {
  if (readHttp(text)) return null;
  return text.startsWith("https:")
    ? ["is HTTPS, which checks do not speak", "write http://, or a command that does"]
    : ["is no HTTP address", 'write "http://host:port/path"'];
}

function readCommand(table: Table): readonly string[] {
  const found = table.take("command");
  if (!found) return [];
  const example = 'write the program and its arguments, such as ["/usr/bin/pgrep", "-x", "nginx"]';
  if (!Array.isArray(found.value) || found.value.length === 0) {
    const what = Array.isArray(found.value) ? "is an empty list" : `is ${kindOf(found.value)}`;
    table.findings.fault(found.where, what, `${example}; no shell reads it`);
    return [];
  }
  const words: readonly unknown[] = found.value;
  words.forEach((word, i) => {
    const where = `${found.where}[${i}]`;
    if (typeof word !== "string") {
      table.findings.fault(where, `${show(word)} is ${kindOf(word)}`, "write each word in quotes");
    } else if (word.includes("\0")) {
      table.findings.fault(where, `${show(word)} contains a zero byte`, "write it without");
    } else if (i === 0 && !word.startsWith("/")) {
      table.findings.fault(where, `${show(word)} is no absolute path`, "begin it with /");
    }
  });
  return words.filter((word) => typeof word === "string");
}

function readTime(table: Table, key: string, byDefault: number, min: number): number {
  const max = limits.checkIntervalMsMax;
  const text = table.text(key, {
    default: duration(byDefault),
    example: duration(byDefault),
    check: (text) => {
      const ms = readDuration(text);
      if (ms === null) return ["is no duration", 'write a number with its unit, such as "500ms"'];
      return ms >= min && ms <= max
        ? null
        : ["is out of range", `write "${duration(min)}" to "${duration(max)}"`];
    },
  });
  const ms = readDuration(text);
  return ms !== null && ms >= min && ms <= max ? ms : byDefault;
}

function duration(ms: number): string {
  return ms >= 1000 && ms % 1000 === 0 ? `${ms / 1000}s` : `${ms}ms`;
}

interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** `127.0.0.1:80`, `[::1]:80`, `www.example.net:80`; null where it is none of them. */
function readHostPort(text: string): HostPort | null {
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9.-]+)):(\d{1,5})$/.exec(text);
  if (!match || !isPort(Number(match[3]))) return null;
  if (match[1] !== undefined && parseAddress(match[1])?.family !== 6) return null;
  return { host: match[1] ?? match[2], port: Number(match[3]) };
}

/** `http://host:port/path`; port 80 and path / where they are left out. */
function readHttp(text: string): (HostPort & { readonly path: string }) | null {
  const match = /^http:\/\/(\[[^\]]*\]|[^/:?#@]+)(:\d{1,5})?([/?][\x21-\x7e]*)?$/.exec(text);
  const end = match && readHostPort(`${match[1]}${match[2] ?? ":80"}`);
  if (!match || !end || match[3]?.includes("#")) return null;
  const path = match[3] ?? "/";
  return { ...end, path: path.startsWith("/") ? path : `/${path}` };
}
