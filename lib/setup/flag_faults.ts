/** Faults of a configuration that was made of flags: told at the flag, in the words of flags. */
import type { Fault } from "../errors.ts";

/** The interfaces of the shares and links, in their order. */
export interface FlagNames {
  readonly shares: readonly { readonly interface: string }[];
  readonly links: readonly { readonly interface: string }[];
}

/** Keys that have a flag of their own. */
const flags: Readonly<Record<string, string>> = {
  "cluster.name": "--cluster",
  "cluster.partition": "--partition",
  "cluster.nodes": "--nodes",
  "node.name": "--node",
  "detection.interval": "--interval",
  "replication.backups": "--backups",
  "datapath.backend": "--backend",
};

/** Remedies that name tables of the file where a flag is meant. */
const remedies: Readonly<Record<string, string>> = {
  "cluster.name is missing": "name the cluster: --cluster edge",
  "share is missing": "name an interface and its shared addresses: --share eth0=192.0.2.1/24",
};

/** The same faults, each with its flag in the place of file and line. */
export function faultsByFlag(faults: readonly Fault[], names: FlagNames): Fault[] {
  return faults.map(({ where, problem, remedy }) => {
    const known = remedies[`${where} ${problem}`];
    return {
      file: flagOf(where, names),
      line: 0,
      where: whereIn(where),
      problem: inFlags(problem, names),
      remedy: known ?? inFlags(remedy, names),
    };
  });
}

/** `share[0].addresses[1]` is `--share eth0`, `detection.interval` is `--interval`. */
export function flagOf(where: string, { shares, links }: FlagNames): string {
  const match = /^(share|link)(?:\[(\d+)\])?/.exec(where);
  if (match) {
    const [, kind, index] = match;
    const entry = (kind === "share" ? shares : links)[Number(index ?? -1)];
    return entry === undefined ? `--${kind}` : `--${kind} ${entry.interface}`;
  }
  return flags[where] ?? (where === "" ? "--set" : `--set ${where}`);
}

/** Which word of a `--share` it is; the values that are told say it of interfaces and addresses. */
function whereIn(where: string): string {
  const key = /^(?:share|link)\[\d+\]\.(\w+)/.exec(where)?.[1];
  return key === undefined || ["interface", "addresses", "address"].includes(key) ? "" : key;
}

/** The text without lines, tables and quotes of a file: `share[0].key (line 7)`, `key = "pair"`. */
function inFlags(text: string, names: FlagNames): string {
  return text
    .replace(
      /\b((?:share|link)\[\d+\])[\w.[\]]*(?: \(line \d+\))?/g,
      (_, entry: string) => flagOf(entry, names),
    )
    .replace(/,? (?:in)?to \[\w+\]/g, "")
    .replace(/\b(\w+) = "?([\w.:/-]+)"?/g, (_, key: string, value: string) => {
      const flag = Object.entries(flags).find(([path]) => path.endsWith(`.${key}`))?.[1];
      return flag === undefined || key === "name" ? `${key}=${value}` : `${flag} ${value}`;
    });
}
