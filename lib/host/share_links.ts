/** The shares of the configuration on the interfaces of this machine. */
import type { AddressPrefix } from "../config.ts";
import { AvailError } from "../errors.ts";
import type { Link } from "../netlink/rtnetlink.ts";
import type { DatapathShare } from "./datapath.ts";
import { insidePrefixesMax } from "./share_rodata.ts";

/** A share and its interface. */
export interface LinkedShare extends DatapathShare {
  readonly link: Link;
}

/** Finds each share's interface; throws `AvailError` where one is missing or cannot be a share. */
export function findLinks(
  shares: readonly DatapathShare[],
  links: readonly Link[],
): LinkedShare[] {
  return shares.map((share) => ({ ...share, link: linkOf(share.interface, links) }));
}

function linkOf(name: string, links: readonly Link[]): Link {
  const link = links.find((candidate) => candidate.name === name);
  const attempt = `use ${name} as a share`;
  if (link === undefined) {
    const names = links.map((candidate) => candidate.name).join(", ");
    throw new AvailError(`${attempt}: no such interface; there are ${names}`);
  }
  if (!link.isEthernet) throw new AvailError(`${attempt}: it is no Ethernet interface`);
  if (!link.isUp) {
    throw new AvailError(`${attempt}: it is down; set it up: ip link set ${name} up`);
  }
  return link;
}

/** The networks of all inside shares; throws `AvailError` where the datapath cannot hold them. */
export function insideNetworks(shares: readonly DatapathShare[]): AddressPrefix[] {
  const inside = shares.filter((share) => share.side === "inside")
    .flatMap((share) => share.addresses);
  if (inside.length > insidePrefixesMax) {
    throw new AvailError(
      `attach the datapath: ${inside.length} inside networks; ` +
        `at most ${insidePrefixesMax} are possible`,
    );
  }
  return inside;
}

/** The share's NAT address, or null. */
export function natAddress({ nat, addresses }: DatapathShare): string | null {
  return nat ? addresses.find(({ family }) => family === 4)?.address ?? null : null;
}
