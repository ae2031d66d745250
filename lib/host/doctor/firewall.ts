/** This machine's firewall: nftables, and the tables of the old iptables beside it. */
import type { FirewallFacts, Listener } from "../../doctor/firewall.ts";
import { chainsWithoutDevices, withDevices } from "../../doctor/rules/devices.ts";
import { readIptables } from "../../doctor/rules/iptables.ts";
import { joined, type Ruleset } from "../../doctor/rules/model.ts";
import { readNft } from "../../doctor/rules/nft.ts";
import { formatAddress } from "../../wire/address.ts";
import { AvailError } from "../../errors.ts";
import { findTool, toolFolders } from "../kernel_module/tools.ts";
import { readMachine } from "../machine.ts";
import { RouteSocket } from "../route_socket.ts";
import { clusterDeviceNames } from "./devices.ts";
import { readText } from "./read.ts";
import { runBriefly } from "./run.ts";
import type { Gathered } from "./setup.ts";

export async function firewallFacts(setup: Gathered): Promise<FirewallFacts> {
  const nft = await nftRules();
  const legacy = await legacyRules();
  const rules = [nft, ...legacy].flatMap((each) => "rules" in each ? [each.rules] : []);
  const problems = [nft, ...legacy].flatMap((each) => "problem" in each ? [each.problem] : []);
  return {
    ruleset: "rules" in nft || rules.length > 0 ? joined(rules) : null,
    problem: problems[0] ?? null,
    listens: listens(setup),
    clusterDevices: clusterDeviceNames(setup),
  };
}

type Found = { readonly rules: Ruleset } | { readonly problem: string };

async function nftRules(): Promise<Found> {
  const program = findTool(toolFolders(), "nft");
  if (program === null) return { problem: "nft is not installed" };
  const said = await runBriefly([program, "-j", "list", "ruleset"]);
  if ("problem" in said) return said;
  let rules = readNft(said.text);
  if (rules === null) return { problem: "nft -j list ruleset: no JSON of nft" };
  for (const name of chainsWithoutDevices(rules)) {
    const told = await runBriefly([program, "list", "chain", ...name.split(" ")]);
    if ("text" in told) rules = withDevices(rules, name, told.text);
  }
  return { rules };
}

/** Nothing where the kernel has no such tables: to ask for them would make it load them. */
async function legacyRules(): Promise<Found[]> {
  const found: Found[] = [];
  for (const [family, tables, name] of families) {
    if ((readText(tables) ?? "") === "") continue;
    const program = findTool(toolFolders(), `${name}-legacy-save`);
    if (program === null) {
      found.push({
        problem: `there are old ${name} tables, and no ${name}-legacy-save to read them`,
      });
      continue;
    }
    const said = await runBriefly([program]);
    found.push("problem" in said ? said : { rules: readIptables(said.text, family) });
  }
  return found;
}

const families = [
  [4, "/proc/net/ip_tables_names", "iptables"],
  [6, "/proc/net/ip6_tables_names", "ip6tables"],
] as const;

/** Where the daemon listens, or would. */
function listens({ config }: Gathered): Listener[] {
  if (config === null) return [];
  let addresses: readonly Uint8Array[];
  try {
    addresses = readMachine(config).replicationAddresses;
  } catch (error) {
    if (error instanceof AvailError) return []; // an interface or address is missing: told elsewhere
    throw error;
  }
  using route = new RouteSocket();
  const links = route.links();
  const present = route.addresses();
  return addresses.flatMap((bytes) => {
    const own = present.find((each) => formatAddress(each.bytes) === formatAddress(bytes));
    const link = links.find(({ index }) => index === own?.index);
    if (own === undefined || link === undefined) return [];
    const { prefixLength } = own;
    return [{ interface: link.name, address: formatAddress(bytes), prefixLength }];
  });
}
