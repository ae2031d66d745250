/**
 * The kernel's side of CLUSTERIP: its rules, read from the legacy iptables tables, and the slots of
 * each address, read and switched through /proc/net/ipt_CLUSTERIP/<address>.
 */
import { AF_INET, close, getSocketOption, SOCK_CLOEXEC, SOCK_RAW, socket } from "../../ffi/libc.ts";
import { SystemError } from "../../ffi/library.ts";
import { type ClusteripSetup, matchRules, whyAbsent } from "../clusterip/match.ts";
import {
  type ClusteripRule,
  clusteripRules,
  entriesRequest,
  rulesBytes,
  tableInfoRequest,
} from "../clusterip/rules.ts";
import type { Config } from "../config.ts";
import { AvailError, ConfigError, exitCodes } from "../errors.ts";
import { keyLines } from "../toml_lines.ts";

const directory = "/proc/net/ipt_CLUSTERIP";
const IPPROTO_RAW = 255;
const SOL_IP = 0;
const IPT_SO_GET_INFO = 64;
const IPT_SO_GET_ENTRIES = 65;
/** A table that is changed between the two questions is asked for again. */
const attempts = 5;

/** What this machine's rules say of the configuration's addresses; throws with all that is wrong. */
export function readClusterip(config: Config): ClusteripSetup {
  if (!isDirectory(directory)) {
    throw new AvailError(
      `${config.file}: datapath.backend: "clusterip": ${whyAbsent(Deno.osRelease())}`,
      { exitCode: exitCodes.usage },
    );
  }
  const rules = legacyTables().flatMap(readTable);
  const lines = keyLines(Deno.readTextFileSync(config.file));
  const { setup, faults } = matchRules(config, rules, lines);
  if (faults.length > 0) throw new ConfigError(faults);
  return setup;
}

function isDirectory(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch {
    return false;
  }
}

/** The tables that are there: to ask for another one would make the kernel load it. */
function legacyTables(): string[] {
  const names = Deno.readTextFileSync("/proc/net/ip_tables_names");
  return names.split("\n").filter((name) => name !== "");
}

function readTable(table: string): ClusteripRule[] {
  const fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
  try {
    for (let attempt = 1;; attempt++) {
      const info = tableInfoRequest(table);
      getSocketOption(fd, SOL_IP, IPT_SO_GET_INFO, info);
      const entries = entriesRequest(table, rulesBytes(info));
      try {
        getSocketOption(fd, SOL_IP, IPT_SO_GET_ENTRIES, entries);
        return clusteripRules(entries);
      } catch (error) {
        const isChanged = error instanceof SystemError && error.code === "EAGAIN";
        if (!isChanged || attempt === attempts) throw error;
      }
    }
  } catch (cause) {
    if (!(cause instanceof SystemError)) throw cause;
    throw new AvailError(`read iptables table ${table}: ${cause.message}`, { cause });
  } finally {
    close(fd);
  }
}

/** The slots that are on, by address. A slot is written alone, as the kernel takes it. */
export interface SlotFiles {
  /** Rising numbers; null while there is no rule for the address. */
  read(address: string): readonly number[] | null;
  /** Throws where the slot is on (off) already, or the address has no rule. */
  write(address: string, change: "+" | "-", slot: number): void;
}

export const slotFiles: SlotFiles = {
  read(address) {
    try {
      const text = Deno.readTextFileSync(`${directory}/${address}`).trim();
      return text === "" ? [] : text.split(",").map(Number);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return null;
      throw error;
    }
  },
  write(address, change, slot) {
    Deno.writeTextFileSync(`${directory}/${address}`, `${change}${slot}`, { create: false });
  },
};
