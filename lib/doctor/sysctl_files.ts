/**
 * Files that write settings at boot, and whenever somebody calls `sysctl --system` (packages and network
 * managers do): what they say against avail run undoes what it has set.
 */
import { type Outcome, warn } from "./finding.ts";
import { isRouter, type Setup, sharesFamily } from "./setup.ts";

export interface SysctlFile {
  readonly path: string;
  readonly text: string;
}

/** What avail run sets (lib/host/kernel_settings.ts), and how others may set it, too. */
interface Wanted {
  /** With slashes; `*` is any interface. */
  readonly pattern: RegExp;
  readonly suits: (value: string) => boolean;
}

const is = (wanted: string) => (value: string) => value === wanted;

function wantedOf(setup: Setup): Wanted[] {
  const shares = setup.config?.shares.map((share) => share.interface) ?? [];
  const names = ["all", ...shares].map((name) => name.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  const of = (family: 4 | 6, key: string) =>
    new RegExp(`^net/ipv${family}/conf/(${names.join("|")})/${key}$`);
  const router: Wanted[] = [
    { pattern: /^net\/ipv4\/(ip_forward|conf\/all\/forwarding)$/, suits: is("1") },
    { pattern: of(4, "forwarding"), suits: is("1") },
    { pattern: of(4, "send_redirects"), suits: is("0") },
    ...(sharesFamily(setup, 6) ? [{ pattern: of(6, "forwarding"), suits: is("1") }] : []),
  ];
  return [
    { pattern: /^net\/netfilter\/nf_conntrack_events$/, suits: is("1") },
    { pattern: /^net\/netfilter\/nf_conntrack_tcp_be_liberal$/, suits: is("1") },
    { pattern: of(4, "arp_ignore"), suits: (value) => Number(value) >= 1 },
    { pattern: of(4, "arp_announce"), suits: is("2") },
    ...(sharesFamily(setup, 6) ? [{ pattern: of(6, "disable_ipv6"), suits: is("0") }] : []),
    ...(isRouter(setup) ? router : []),
  ];
}

/** A line for each setting that is against us; of equal keys, the last file has the last word. */
export function againstUs(files: readonly SysctlFile[], setup: Setup): Outcome[] {
  if (setup.config === null) return [];
  const last = new Map<string, { readonly path: string; readonly value: string }>();
  for (const { path, text } of files) {
    for (const [key, value] of readLines(text)) last.set(key, { path, value });
  }
  const wanted = wantedOf(setup);
  return [...last].flatMap(([key, { path, value }]) => {
    const hit = wanted.find(({ pattern }) => pattern.test(key));
    if (hit === undefined || hit.suits(value)) return [];
    return [
      warn(`${path} sets ${key} to ${value}`, {
        why:
          "avail run needs it otherwise, and sets it at its start; whenever the files are read " +
          "again (sysctl --system, an upgrade of a package), this line undoes it",
        remedy: "take the line out",
        commands: [`grep -n '${key.slice(key.lastIndexOf("/") + 1)}' ${path}`],
      }),
    ];
  });
}

/** sysctl.d(5): `key = value`, with dots or slashes; a dash in front: failures do not matter. */
function readLines(text: string): [key: string, value: string][] {
  return text.split("\n").flatMap((line): [string, string][] => {
    const found = /^\s*-?\s*([^#;=\s]+)\s*=\s*(.*?)\s*$/.exec(line);
    if (found === null) return [];
    const [, name, value] = found;
    // The first separator tells which of both the key is written with.
    const hasSlashes = /^[^./]*\//.test(name);
    const key = hasSlashes ? name : name.replaceAll(/[./]/g, (c) => c === "." ? "/" : ".");
    return [[key, value]];
  });
}
