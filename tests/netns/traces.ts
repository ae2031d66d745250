/** Everything of a node's machine that `avail run` may change, in words, to compare before and after. */
import type { LabNode } from "../../cli/demo/lab_node.ts";

export type Traces = Readonly<Record<string, string>>;

export async function tracesOf(node: LabNode): Promise<Traces> {
  const show = (...argv: string[]) => node.exec(argv);
  const settings = await show(
    "sysctl",
    "-a",
    "--pattern",
    "^net\\.(ipv4\\.(conf|ip_forward)|ipv6\\.conf|netfilter)",
  );
  const isSetting = (line: string) => !/nf_conntrack_count|\.stable_secret/.test(line);
  return {
    addresses: await show("ip", "-o", "address", "show"),
    routes: await show("ip", "-o", "route", "show", "table", "all") +
      await show("ip", "-o", "-6", "route", "show", "table", "all"),
    groups: (await show("ip", "-o", "maddress", "show")).replaceAll(/users \d+/g, ""),
    programs: (await show("bpftool", "net", "show")).replaceAll(/id \d+/g, ""),
    ruleset: (await show("nft", "list", "ruleset")).replaceAll(/packets \d+ bytes \d+/g, ""),
    settings: settings.split("\n").filter(isSetting).join("\n"),
    // Pins, sockets and the list of changes are in here, too.
    files: await show("find", node.directory, "!", "-path", node.logFile, "-printf", "%p %y %m\n"),
    listeners: await show("ss", "-Hltn"),
  };
}
