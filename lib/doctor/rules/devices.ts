/** The devices of chains at the hooks ingress and egress, which nft before 1.0.9 leaves out of its JSON. */
import type { Chain, Ruleset } from "./model.ts";

/** Names of the chains whose devices are not told, as `nft list chain` takes them. */
export function chainsWithoutDevices({ chains }: Ruleset): string[] {
  return chains.filter(({ base }) =>
    base !== null && base.devices === null && ["ingress", "egress"].includes(base.hook)
  ).map(({ name }) => name);
}

/** `text`: what `nft list chain NAME` prints, which does tell them. */
export function withDevices(ruleset: Ruleset, name: string, text: string): Ruleset {
  // hook ingress device "eth0" priority …   or   hook ingress devices = { "eth0", "eth1" } …
  const told = /\bhook (?:ingress|egress) devices?(?: =)? (\{[^}]*\}|\S+)/.exec(text)?.[1];
  const devices = [...(told ?? "").matchAll(/[^\s{},"]+/g)].map(([device]) => device);
  if (devices.length === 0) return ruleset;
  const filled = (chain: Chain): Chain =>
    chain.name !== name || chain.base === null ? chain : {
      ...chain,
      base: { ...chain.base, devices },
    };
  return { ...ruleset, chains: ruleset.chains.map(filled) };
}
