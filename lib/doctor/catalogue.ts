/** All checks, by what they look at: the table that `avail doctor --list` shows. */
import { type AddressesFacts, addressesGroup } from "./addresses.ts";
import type { Group } from "./check.ts";
import { type ClocksFacts, clocksGroup } from "./clocks.ts";
import { type ClusterFacts, clusterGroup } from "./cluster.ts";
import { type ConntrackFacts, conntrackGroup } from "./conntrack.ts";
import type { Finding } from "./finding.ts";
import { type FirewallFacts, firewallGroup } from "./firewall.ts";
import { type InterfacesFacts, interfacesGroup } from "./interfaces.ts";
import { type KernelFacts, kernelGroup } from "./kernel.ts";
import { type NeighboursFacts, neighboursGroup } from "./neighbours.ts";
import { type ServiceFacts, serviceGroup } from "./service.ts";
import { type SettingsFacts, settingsGroup } from "./settings.ts";
import type { Setup } from "./setup.ts";
import { type TimingFacts, timingGroup } from "./timing.ts";

/** What the machine was asked for, by group. */
export interface FactsByGroup {
  readonly kernel: KernelFacts;
  readonly service: ServiceFacts;
  readonly cluster: ClusterFacts;
  readonly interfaces: InterfacesFacts;
  readonly addresses: AddressesFacts;
  readonly settings: SettingsFacts;
  readonly conntrack: ConntrackFacts;
  readonly neighbours: NeighboursFacts;
  readonly firewall: FirewallFacts;
  readonly clocks: ClocksFacts;
  readonly timing: TimingFacts;
}

export type GroupName = keyof FactsByGroup;

/** A group that keeps to itself what its facts are. */
export interface ListedGroup {
  readonly name: GroupName;
  readonly title: string;
  readonly checks: readonly { readonly id: string; readonly brief: string }[];
  /** The findings of those of its checks that are wanted; none where its facts are missing. */
  readonly examine: (
    facts: Partial<FactsByGroup>,
    setup: Setup,
    isWanted: (id: string) => boolean,
  ) => Finding[];
}

/** In the order of the screen. */
export const catalogue: readonly ListedGroup[] = [
  listed(clusterGroup),
  listed(serviceGroup),
  listed(kernelGroup),
  listed(interfacesGroup),
  listed(addressesGroup),
  listed(firewallGroup),
  listed(settingsGroup),
  listed(conntrackGroup),
  listed(neighboursGroup),
  listed(clocksGroup),
  listed(timingGroup),
];

function listed<Name extends GroupName>(group: Group<Name, FactsByGroup[Name]>): ListedGroup {
  const { name, title, checks } = group;
  return {
    name,
    title,
    checks,
    examine: (facts, setup, isWanted) => {
      const own = facts[name];
      if (own === undefined) return [];
      return checks.filter(({ id }) => isWanted(id)).flatMap(({ id, examine }) =>
        examine(own, setup).map((outcome) => ({ id, ...outcome }))
      );
    },
  };
}

/** Every word that names a check or a group. */
export const checkWords: readonly string[] = catalogue.flatMap(({ name, checks }) => [
  name,
  ...checks.map(({ id }) => id),
]);

/** Whether a check is meant by some of those words; by none: all are. */
export function isSelected(words: readonly string[], group: GroupName, id: string): boolean {
  return words.length === 0 || words.includes(group) || words.includes(id);
}

/** The groups of which a check is meant. */
export function selectedGroups(words: readonly string[]): ListedGroup[] {
  return catalogue.filter(({ name, checks }) =>
    checks.some(({ id }) => isSelected(words, name, id))
  );
}
