/** Asks the machine for what the checks of a group look at. */
import type { FactsByGroup, GroupName } from "../../doctor/catalogue.ts";
import type { Problems } from "../../doctor/report.ts";
import { addressesFacts } from "./addresses.ts";
import { clocksFacts } from "./clocks.ts";
import { clusterFacts } from "./cluster.ts";
import { conntrackFacts } from "./conntrack.ts";
import { firewallFacts } from "./firewall.ts";
import { interfacesFacts } from "./interfaces.ts";
import { kernelFacts } from "./kernel.ts";
import { neighboursFacts } from "./neighbours.ts";
import { serviceFacts } from "./service.ts";
import { settingsFacts } from "./settings.ts";
import type { Gathered } from "./setup.ts";
import { timingFacts } from "./timing.ts";

type Gatherers = {
  readonly [Name in GroupName]: (
    setup: Gathered,
  ) => FactsByGroup[Name] | Promise<FactsByGroup[Name]>;
};

const gatherers: Gatherers = {
  kernel: kernelFacts,
  service: serviceFacts,
  cluster: clusterFacts,
  interfaces: interfacesFacts,
  addresses: addressesFacts,
  settings: settingsFacts,
  conntrack: conntrackFacts,
  neighbours: neighboursFacts,
  firewall: firewallFacts,
  clocks: clocksFacts,
  // Last: it watches this thread, which must have nothing else to do.
  timing: timingFacts,
};

/** The facts of these groups, and of which not and why not. */
export async function gatherGroups(
  names: readonly GroupName[],
  setup: Gathered,
  progress: (name: GroupName) => void = () => {},
): Promise<{ facts: Partial<FactsByGroup>; problems: Problems }> {
  const facts: Partial<{ -readonly [Name in GroupName]: FactsByGroup[Name] }> = {};
  const problems: Partial<Record<GroupName, string>> = {};
  for (const name of groupNames.filter((each) => names.includes(each))) {
    progress(name);
    try {
      await put(facts, name, setup);
    } catch (error) {
      // One thing that cannot be asked must not hide all others.
      problems[name] = error instanceof Error ? error.message : String(error);
    }
  }
  return { facts, problems };
}

const groupNames = Object.keys(gatherers) as GroupName[];

async function put<Name extends GroupName>(
  facts: { [N in Name]?: FactsByGroup[N] },
  name: Name,
  setup: Gathered,
): Promise<void> {
  facts[name] = await gatherers[name](setup);
}
