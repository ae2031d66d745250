/** What must hold between the tables of a configuration, when each of them is right for itself. */
import type { Config, ShareConfig } from "./config.ts";
import type { Findings } from "./config_table.ts";
import { isLinkLocal } from "./config_values.ts";

/** Notes every contradiction in `findings`. */
export function checkAcross(config: Config, findings: Findings): void {
  checkInterfaces(config, findings);
  checkAddresses(config, findings);
  checkKeys(config.shares, findings);
  config.shares.forEach((share, i) => checkNat(share, `share[${i}]`, findings));
  if (config.datapath.backend === "clusterip") checkClusterip(config, findings);
}

function checkInterfaces({ shares, links }: Config, findings: Findings): void {
  const takenShares = new Map<string, string>();
  shares.forEach((share, i) => {
    const where = `share[${i}].interface`;
    const first = takenShares.get(share.interface);
    if (first) {
      findings.fault(
        where,
        `"${share.interface}" is also ${at(first, findings)}`,
        "one share holds all addresses of an interface: put them together",
      );
    } else if (share.interface !== "") takenShares.set(share.interface, where);
  });
  const takenLinks = new Map<string, string>();
  links.forEach((link, i) => {
    const where = `link[${i}].interface`;
    const first = takenLinks.get(link.interface);
    const share = takenShares.get(link.interface);
    if (first) {
      findings.fault(
        where,
        `"${link.interface}" is also ${at(first, findings)}`,
        "give each link an interface of its own, or remove this one",
      );
    } else if (link.interface !== "") takenLinks.set(link.interface, where);
    if (share) {
      findings.warn(
        where,
        `"${link.interface}" is also ${at(share, findings)}`,
        "heartbeats go over every share by themselves; a link should be a path of its own",
      );
    }
  });
}

function checkAddresses({ shares, links }: Config, findings: Findings): void {
  const taken = new Map<string, string>();
  shares.forEach((share, i) => {
    share.addresses.forEach((prefix) => {
      const { address } = prefix;
      // A link-local address may stand on several links: it means another thing on each.
      const identity = isLinkLocal(address) ? `${i} ${address}` : address;
      const where = findings.whereOf(prefix);
      const first = taken.get(identity);
      if (first) {
        findings.fault(where, `${address} is also ${at(first, findings)}`, "write it once");
      } else taken.set(identity, where);
    });
  });
  const ofLinks = new Map<string, string>();
  links.forEach(({ address }, i) => {
    if (address === null) return;
    const where = `link[${i}].address`;
    const share = taken.get(address);
    if (share) {
      findings.fault(
        where,
        `${address} is also ${at(share, findings)}`,
        "all nodes have a share's address; write one that is this node's alone",
      );
    }
    const first = ofLinks.get(address);
    if (first) findings.fault(where, `${address} is also ${at(first, findings)}`, "write it once");
    else ofLinks.set(address, where);
  });
}

/** Two directions of a flow meet one owner only if every router share asks the same question. */
function checkKeys(shares: readonly ShareConfig[], findings: Findings): void {
  const routers = shares.flatMap((share, i) => share.key === "source" ? [] : [{ share, i }]);
  for (const { share, i } of routers) {
    const first = routers[0];
    if (share.key !== first.share.key) {
      findings.fault(
        `share[${i}].key`,
        `"${share.key}" differs from "${first.share.key}" of ${
          at(`share[${first.i}].key`, findings)
        }`,
        `write "${first.share.key}": both directions of a flow must have one owner`,
      );
    }
  }
  shares.forEach((share, i) => {
    if (share.key === "inside" && share.side === null) {
      findings.fault(
        `share[${i}].side`,
        'is missing beside key = "inside"',
        'add side = "inside" where the inner hosts are, else side = "outside"',
      );
    }
    if (share.key !== "inside" && share.side !== null) {
      findings.fault(
        `share[${i}].side`,
        `"${share.side}" stands beside key = "${share.key}"`,
        'remove it, or write key = "inside"',
      );
    }
  });
}

function checkNat(share: ShareConfig, where: string, findings: Findings): void {
  if (!share.nat) return;
  if (!share.addresses.some(({ family }) => family === 4)) {
    findings.fault(
      `${where}.nat`,
      "true on a share without an IPv4 address",
      "add the IPv4 address that shall be the NAT address, or write nat = false",
    );
  }
  if (share.side === "inside") {
    findings.fault(
      `${where}.nat`,
      'true on side = "inside"',
      "the NAT address belongs to the outside share: move it there",
    );
  }
}

/** CLUSTERIP hashes the source address of IPv4 packets for the node itself, and nothing else. */
function checkClusterip({ shares, replication }: Config, findings: Findings): void {
  const beside = 'beside backend = "clusterip"';
  shares.forEach((share, i) => {
    if (share.key !== "source") {
      findings.fault(`share[${i}].key`, `"${share.key}" ${beside}`, 'write key = "source"');
    }
    for (const prefix of share.addresses.filter(({ family }) => family === 6)) {
      findings.fault(
        findings.whereOf(prefix),
        `${prefix.address} ${beside}`,
        "it steers IPv4 only: remove this address, or use another backend",
      );
    }
    if (share.nat) {
      findings.fault(
        `share[${i}].nat`,
        `true ${beside}`,
        "it serves, and does not route: remove it",
      );
    }
    if (share.mac === "unicast") {
      findings.fault(
        `share[${i}].mac`,
        `"unicast" ${beside}`,
        'the rule has a group MAC: write "auto"',
      );
    }
  });
  if (replication.backups !== "all") {
    findings.fault(
      "replication.backups",
      `${replication.backups} ${beside}`,
      'whole slots have heirs among all nodes: write backups = "all" into [replication]',
    );
  }
}

/** `share[0].interface (line 12)` */
function at(where: string, findings: Findings): string {
  const line = findings.lineOf(where);
  return line > 0 ? `${where} (line ${line})` : where;
}
