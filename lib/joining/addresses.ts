/** What of a machine's addresses a join goes by. */
import type { AddressPrefix, Config } from "../config.ts";
import { type InterfaceFacts, prefixText, routableAddresses } from "../setup/facts.ts";

/** This node's own addresses on its links, then on its shares; IPv4 first on each. */
export function joinableAddresses(config: Config, facts: readonly InterfaceFacts[]): string[] {
  const ofLinks = config.links.flatMap(({ interface: name, address }) => {
    const own = ownAddresses(config, name, facts).map((each) => each.address);
    return address !== null && own.includes(address) ? [address] : own;
  });
  const ofShares = config.shares.flatMap((share) =>
    ownAddresses(config, share.interface, facts).map(({ address }) => address)
  );
  return [...new Set([...ofLinks, ...ofShares])];
}

/** The first of each link, then of each share: what fits into a token. */
export function firstAddresses(config: Config, facts: readonly InterfaceFacts[]): string[] {
  const all = joinableAddresses(config, facts);
  const interfaces = [...config.links, ...config.shares].map((entry) => entry.interface);
  const firsts = interfaces.flatMap((name) => {
    const own = ownAddresses(config, name, facts).map(({ address }) => address);
    return all.find((address) => own.includes(address)) ?? [];
  });
  return [...new Set(firsts)];
}

/** Of each share and of each link, this node's own addresses there, with their prefixes. */
export function ownNetworks(config: Config, facts: readonly InterfaceFacts[]): {
  readonly shareNetworks: string[][];
  readonly linkNetworks: string[][];
} {
  const of = ({ interface: name }: { readonly interface: string }) =>
    ownAddresses(config, name, facts).map(prefixText);
  return { shareNetworks: config.shares.map(of), linkNetworks: config.links.map(of) };
}

function ownAddresses(
  { shares }: Config,
  name: string,
  facts: readonly InterfaceFacts[],
): AddressPrefix[] {
  const facing = facts.find((each) => each.name === name);
  if (facing === undefined) return [];
  const shared = new Set(shares.flatMap(({ addresses }) => addresses.map((a) => a.address)));
  const own = routableAddresses(facing).filter(({ address }) => !shared.has(address));
  return own.toSorted((a, b) => a.family - b.family);
}
