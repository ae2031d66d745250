/** What of a configuration does not fit the machine that it is for, all of it at once. */
import type { AddressPrefix, Config, LinkConfig, ShareConfig } from "../config.ts";
import { nearestWord } from "../nearest.ts";
import { type InterfaceFacts, isInNetwork, isUsable, routableAddresses } from "./facts.ts";

/** A fault without its file and line, which the caller knows. */
export interface MachineFault {
  /** The key's path, such as `share[0].interface`. */
  readonly where: string;
  readonly problem: string;
  readonly remedy: string;
}

export interface MachineFindings {
  readonly faults: readonly MachineFault[];
  readonly warnings: readonly MachineFault[];
}

export interface MachineOptions {
  /** A running daemon has put the shared addresses there itself. */
  readonly isRunning?: boolean;
}

/** `facts`: all interfaces of the machine. */
export function examineMachine(
  config: Config,
  facts: readonly InterfaceFacts[],
  options: MachineOptions = {},
): MachineFindings {
  const faults: MachineFault[] = [];
  const warnings: MachineFault[] = [];
  const found = (where: string, name: string) => {
    const fault = interfaceFault(where, name, facts);
    if (fault === null) return facts.find((each) => each.name === name)!;
    faults.push(fault);
    return null;
  };
  let replicates = config.links.length > 0;
  config.shares.forEach((share, i) => {
    const facing = found(`share[${i}].interface`, share.interface);
    if (facing === null) return;
    const own = routableAddresses(facing).filter((address) => !isShared(config, address));
    replicates ||= own.length > 0;
    faults.push(...shareFaults(share, i, facing));
    if (!options.isRunning) faults.push(...addressFaults(share, i, facts));
    warnings.push(...shareWarnings(share, i, facing, own));
  });
  config.links.forEach((link, i) => {
    const facing = found(`link[${i}].interface`, link.interface);
    if (facing === null) return;
    const own = routableAddresses(facing).filter((address) => !isShared(config, address));
    faults.push(...linkFaults(link, i, facing, own, facts));
    if (facing.isUp && !facing.hasCarrier) warnings.push(noCarrier(`link[${i}].interface`, facing));
  });
  const isComplete = faults.every(({ where }) => !where.endsWith(".interface"));
  if (!replicates && config.shares.length > 0 && isComplete) {
    faults.push({
      where: "link",
      problem: "is missing, and no share's interface has an address of this node's own",
      remedy:
        "the nodes could not replicate: add a link, or give a share's interface an own address",
    });
  }
  return { faults, warnings };
}

function interfaceFault(
  where: string,
  name: string,
  facts: readonly InterfaceFacts[],
): MachineFault | null {
  const usable = facts.filter(isUsable).map((each) => each.name);
  const facing = facts.find((each) => each.name === name);
  const others = usable.length === 0 ? "this machine has none" : `there are ${usable.join(", ")}`;
  if (facing === undefined) {
    const near = nearestWord(name, usable);
    const remedy = near ? `did you mean "${near}"?` : others;
    return { where, problem: `"${name}": there is no such interface`, remedy };
  }
  if (!facing.isEthernet || name === "lo") {
    return { where, problem: `"${name}" is no Ethernet interface`, remedy: others };
  }
  if (facing.master !== null) {
    return {
      where,
      problem: `"${name}" is a port of ${facing.master}`,
      remedy: `write "${facing.master}", which has its frames`,
    };
  }
  if (facing.kind === "clusterdev") {
    return {
      where,
      problem: `"${name}" is a device that avail made`,
      remedy: "write the interface below it",
    };
  }
  return null;
}

function shareFaults(share: ShareConfig, i: number, facing: InterfaceFacts): MachineFault[] {
  const { name } = facing;
  const faults: MachineFault[] = [];
  if (!facing.isUp) {
    faults.push({
      where: `share[${i}].interface`,
      problem: `"${name}" is down`,
      remedy: `set it up: ip link set ${name} up`,
    });
  }
  if (facing.isIpv6Off) {
    share.addresses.forEach(({ family, address }, j) => {
      if (family !== 6) return;
      const setting = `net.ipv6.conf.${name.replaceAll(".", "/")}.disable_ipv6`;
      faults.push({
        where: `share[${i}].addresses[${j}]`,
        problem: `${address}: IPv6 is off on ${name}`,
        remedy: `turn it on: sysctl -w ${setting}=0, or leave the address out`,
      });
    });
  }
  return faults;
}

/** A shared address must be nobody's own: the daemon adds it itself. */
function addressFaults(
  share: ShareConfig,
  i: number,
  facts: readonly InterfaceFacts[],
): MachineFault[] {
  return share.addresses.flatMap((shared, j) => {
    const isLocal = /^fe[89ab]/i.test(shared.address);
    const holder = facts.find(({ name, kind, addresses }) =>
      kind !== "clusterdev" && (!isLocal || name === share.interface) &&
      addresses.some(({ address }) => address === shared.address)
    );
    if (holder === undefined) return [];
    const held = holder.addresses.find(({ address }) => address === shared.address)!;
    return [{
      where: `share[${i}].addresses[${j}]`,
      problem: `${shared.address} is ${holder.name}'s own address now`,
      remedy: "avail adds shared addresses itself: give the node another one, and take this away " +
        `(ip address del ${held.address}/${held.prefixLength} dev ${holder.name})`,
    }];
  });
}

function shareWarnings(
  share: ShareConfig,
  i: number,
  facing: InterfaceFacts,
  own: readonly AddressPrefix[],
): MachineFault[] {
  const where = `share[${i}].interface`;
  const warnings: MachineFault[] = [];
  if (facing.isUp && !facing.hasCarrier) warnings.push(noCarrier(where, facing));
  const missing = share.addresses.find((shared) =>
    shared.family === 4 && shared.prefixLength < 31 &&
    !own.some((address) => isInNetwork(address, shared))
  );
  if (missing !== undefined) {
    warnings.push({
      where,
      problem: `"${facing.name}" has no own address in the network of ${missing.address}`,
      remedy:
        "that works, but this node alone cannot be reached there, and its own traffic is not " +
        "told apart from the cluster's",
    });
  }
  return warnings;
}

function linkFaults(
  link: LinkConfig,
  i: number,
  facing: InterfaceFacts,
  own: readonly AddressPrefix[],
  facts: readonly InterfaceFacts[],
): MachineFault[] {
  const { name } = facing;
  const where = `link[${i}].interface`;
  if (!facing.isUp) {
    const remedy = `set it up: ip link set ${name} up`;
    return [{ where, problem: `"${name}" is down`, remedy }];
  }
  if (link.address === null) {
    return own.length > 0 ? [] : [{
      where,
      problem: `"${name}" has no address`,
      remedy: `give it one: ip address add ADDRESS/LENGTH dev ${name}`,
    }];
  }
  const isThere = facts.some(({ addresses }) =>
    addresses.some(({ address }) => address === link.address)
  );
  return isThere ? [] : [{
    where: `link[${i}].address`,
    problem: `this machine does not have ${link.address}`,
    remedy: own.length > 0
      ? `${name} has ${own.map(({ address }) => address).join(", ")}`
      : `give it: ip address add ${link.address}/LENGTH dev ${name}`,
  }];
}

function noCarrier(where: string, { name }: InterfaceFacts): MachineFault {
  return {
    where,
    problem: `"${name}" has no carrier`,
    remedy: "plug it in, or look at the switch: without it this node owns no buckets",
  };
}

function isShared({ shares }: Config, { address }: AddressPrefix): boolean {
  return shares.some(({ addresses }) => addresses.some((shared) => shared.address === address));
}
