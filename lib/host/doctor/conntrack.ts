/** The connection table's size, use and settings. */
import type { ConntrackFacts } from "../../doctor/conntrack.ts";
import { readSetting, readText, sumsOf } from "./read.ts";

const names = ["events", "tcp_be_liberal", "tcp_loose", "acct", "timestamp"] as const;

export function conntrackFacts(): ConntrackFacts {
  const setting = (name: string) => readSetting(`net/netfilter/nf_conntrack_${name}`);
  return {
    max: setting("max"),
    count: setting("count"),
    buckets: setting("buckets"),
    canSetSize: isWritable("/proc/sys/net/netfilter/nf_conntrack_max"),
    stats: sumsOf(readText("/proc/net/stat/nf_conntrack")),
    settings: Object.fromEntries(names.map((name) => [name, setting(name)])),
  };
}

/** Namespaces other than the first have the file without the owner's right to write. */
function isWritable(path: string): boolean {
  try {
    return ((Deno.statSync(path).mode ?? 0) & 0o200) !== 0;
  } catch {
    return false;
  }
}
