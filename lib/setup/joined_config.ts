/** The configuration of a node that joins: the other node's, with this machine's interfaces and name. */
import type { AddressPrefix, Config } from "../config.ts";
import { examineConfig } from "../config_file.ts";
import { formatConfig } from "../config_text.ts";
import { readAddressPrefix, readListen } from "../config_values.ts";
import type { Fault } from "../errors.ts";
import type { Template } from "../joining/content.ts";
import { type Draft, withSettings } from "./draft.ts";
import { type InterfaceFacts, isInNetwork, routableAddresses } from "./facts.ts";
import { faultsByFlag } from "./flag_faults.ts";
import type { SettingWords } from "./flag_words.ts";
import { type Slot, slotText } from "./match_interfaces.ts";

/** The shares, then the links, of the node that is asked. */
export function slotsOf({ shares, links }: Config, template: Template): Slot[] {
  const networks = (lists: readonly (readonly string[])[], i: number): AddressPrefix[] =>
    (lists[i] ?? []).flatMap((text) => readAddressPrefix(text) ?? []);
  return [
    ...shares.map((share, i): Slot => ({
      kind: "share",
      number: i + 1,
      interface: share.interface,
      networks: [...share.addresses, ...networks(template.shareNetworks, i)],
    })),
    ...links.map((link, i): Slot => ({
      kind: "link",
      number: i + 1,
      interface: link.interface,
      networks: networks(template.linkNetworks, i),
    })),
  ];
}

export interface JoinedSource {
  readonly file: string;
  readonly keyFile: string;
  readonly name: string;
  /** By slot; null: a link that is left out. */
  readonly interfaces: readonly (string | null)[];
  readonly slots: readonly Slot[];
  readonly facts: readonly InterfaceFacts[];
  readonly settings: readonly SettingWords[];
}

export interface JoinedDraft extends Draft {
  /** A fault of the configuration, told at its share or link. */
  placed(fault: Fault): Fault;
}

export function joinedDraft(theirs: Config, source: JoinedSource): JoinedDraft {
  const { file, keyFile, name, interfaces, slots, settings } = source;
  const linkSlots = slots.map((slot, i) => ({ slot, name: interfaces[i] }))
    .filter(({ slot, name }) => slot.kind === "link" && name !== null);
  const links = linkSlots.map(({ slot, name }) => ({
    interface: name!,
    address: ownAddressOn(name!, slot, source.facts),
  }));
  const config: Config = {
    ...theirs,
    file,
    cluster: { ...theirs.cluster, keyFile },
    node: { ...theirs.node, name, weight: 1 },
    shares: theirs.shares.map((share, i) => ({ ...share, interface: interfaces[i]! })),
    links,
    metrics: { listen: listenHere(theirs.metrics.listen, slots, source.facts) },
  };
  const text = withSettings(formatConfig(config, { comments: false }), settings);
  const examined = examineConfig(text, { file, hostName: name });
  const kept = [...slots.filter(({ kind }) => kind === "share"), ...linkSlots.map((l) => l.slot)];
  const placed = (fault: Fault) => placedFault(fault, kept, config);
  return {
    config: examined.config,
    faults: examined.faults.map(placed),
    warnings: examined.warnings.map(placed),
    placed,
  };
}

/** null where the interface's first address will do: it is in the link's network. */
function ownAddressOn(
  name: string,
  { networks }: Slot,
  facts: readonly InterfaceFacts[],
): string | null {
  const facing = facts.find((each) => each.name === name);
  const own = facing === undefined ? [] : routableAddresses(facing);
  const first = own.find(({ family }) => family === 4) ?? own[0];
  const fits = (address: AddressPrefix) => networks.some((n) => isInNetwork(address, n));
  if (first === undefined || fits(first)) return null;
  return own.find(fits)?.address ?? null;
}

const everywhere = ["0.0.0.0", "::"];

/**
 * Where the other node listens on an address of its own, this one does on its own in the same network,
 * or else on the loopback.
 */
function listenHere(
  listen: string,
  slots: readonly Slot[],
  facts: readonly InterfaceFacts[],
): string {
  const read = readListen(listen);
  if (read === null || everywhere.includes(read.address)) return listen;
  const own = facts.flatMap((each) => each.addresses);
  if (own.some(({ address }) => address === read.address)) return listen; // the loopback, too
  const network = slots.flatMap(({ networks }) => networks)
    .find(({ address }) => address === read.address);
  const here = network && own.find((address) => isInNetwork(address, network));
  const address = here?.address ?? "127.0.0.1";
  return address.includes(":") ? `[${address}]:${read.port}` : `${address}:${read.port}`;
}

/** `share[0].interface` is `share 1 (eth0: 192.0.2.1/24)`. */
function placedFault(fault: Fault, slots: readonly Slot[], config: Config): Fault {
  const match = /^(share|link)\[(\d+)\]/.exec(fault.where);
  const slot = match &&
    slots.find(({ kind, number }, i) =>
      kind === match[1] &&
      (kind === "share" ? number === Number(match[2]) + 1 : i - config.shares.length ===
        Number(match[2]))
    );
  if (slot) return { ...fault, file: slotText(slot), line: 0, where: "" };
  const [told] = faultsByFlag([fault], { shares: config.shares, links: config.links });
  return told;
}
