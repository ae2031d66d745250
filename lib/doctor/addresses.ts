/** Whether each address is where it belongs, and nobody else answers for it. */
import type { Group } from "./check.ts";
import { fail, fine, note, type Outcome, warn } from "./finding.ts";
import type { Setup } from "./setup.ts";
import { list } from "./words.ts";

export interface AddressesFacts {
  /** All addresses of this network namespace, in canonical text. */
  readonly present: readonly { readonly address: string; readonly interface: string }[];
  /** IPv6 addresses of this node that the kernel found to be somebody else's, too (DAD). */
  readonly refused: readonly { readonly address: string; readonly interface: string }[];
  /** Who answered for what; null: nobody was asked. */
  readonly answers: readonly Answer[] | null;
  /** The cluster MAC by share interface, as `01:00:5e:…`; empty where the keys cannot be read. */
  readonly clusterMacs: ReadonlyMap<string, string>;
  /** Devices of the kernel module, in the order of the shares. */
  readonly clusterDevices: readonly string[];
}

/** Somebody else claims to have an address. */
export interface Answer {
  readonly interface: string;
  readonly address: string;
  /** Whose it should be: all nodes' together, or this node's alone. */
  readonly use: "shared" | "own";
  /** As `02:00:…`. */
  readonly mac: string;
}

export const addressesGroup: Group<"addresses", AddressesFacts> = {
  name: "addresses",
  title: "Addresses",
  checks: [
    { id: "duplicates", brief: "nobody else answers for an address of ours", examine: duplicates },
    { id: "shared-addresses", brief: "shared addresses are on their share", examine: shared },
    { id: "own-address", brief: "this node has an address of its own", examine: own },
  ],
};

function duplicates(
  { answers, clusterMacs, refused }: AddressesFacts,
  { config, status }: Setup,
): Outcome[] {
  // The MAC of CLUSTERIP's rules is the kernel's business.
  if (answers === null || config?.datapath.backend === "clusterip") return [];
  // The other nodes answer with the cluster MAC, whether this node runs or not.
  const strange = answers.filter(({ use, mac, interface: name }) =>
    use === "own" || mac !== clusterMacs.get(name)
  );
  const failed = refused.map(({ address, interface: name }) =>
    fail(`${address} on ${name} is another machine's, too`, {
      why: "the kernel asked before it used the address, and was answered: it does not use it",
      remedy: "find the other one, and give one of both another address; then have this one ask " +
        "again by removing and adding it",
      commands: [`ip -6 address show dev ${name} dadfailed`],
    })
  );
  if (strange.length === 0 && failed.length === 0) {
    return [fine("nobody else answers for this cluster's addresses")];
  }
  return failed.concat(strange.map(({ use, address, mac, interface: name }) => {
    const isGroup = (parseInt(mac.slice(0, 2), 16) & 1) === 1;
    if (use === "own") {
      return fail(`${mac} answers for this node's own ${address} on ${name}`, {
        why: "two machines have one address: replication, orders and ssh meet either of them",
        remedy: "find the other one by its MAC (a copied virtual machine?), and give it another " +
          "address",
        commands: [`ip neigh show dev ${name}`],
      });
    }
    return fail(`${mac} answers for the shared address ${address} on ${name}`, {
      why: isGroup
        ? "it is the MAC of another cluster: one with other keys, or with another mac in its " +
          "configuration, has the same address"
        : "clients that believe it send their packets there instead of to the cluster",
      remedy: isGroup
        ? "compare avail key show and the shares on both; one of them needs another address"
        : "find the machine by its MAC, and take the address from it",
      evidence: status === null ? undefined : `this node is ${status.state}`,
    });
  }));
}

function shared(facts: AddressesFacts, { config, status, service }: Setup): Outcome[] {
  // With CLUSTERIP the address may be there beforehand, and stays.
  if (config === null || config.datapath.backend === "clusterip") return [];
  const found: Outcome[] = [];
  config.shares.forEach((share, i) => {
    const isOnDevice = status?.datapath.backend === "clusterdev";
    const home = isOnDevice ? facts.clusterDevices[i] ?? share.interface : share.interface;
    for (const { address, prefixLength } of share.addresses) {
      const holders = facts.present.filter((each) => each.address === address)
        .map((each) => each.interface);
      if (status === null) {
        if (holders.length === 0) continue;
        found.push(warn(`${address} is on ${list(holders)}, and avail run does not run`, {
          why: "this node answers for it alone, beside the nodes that share it. After a crash it " +
            "is harmless (the datapath is mute), and the next avail run takes it over",
          remedy: "if avail run was not killed here, remove it",
          commands: holders.map((name) =>
            `ip address del ${address}/${address.includes(":") ? 128 : 32} dev ${name}`
          ),
        }));
      } else if (!holders.includes(home)) {
        found.push(fail(`the shared address ${address} is not on ${home}`, {
          why: "avail run added it; something has removed it since (a network manager?). " +
            "This node drops what it should serve",
          remedy: `restart avail run on this node, drained, and let nothing else manage ${home}`,
          commands: ["avail drain", service.restart],
          evidence: holders.length > 0 ? `it is on ${list(holders)}` : `network /${prefixLength}`,
        }));
      }
    }
  });
  if (found.length > 0) return found;
  return status === null ? [] : [fine("the shared addresses are where they belong")];
}

function own(facts: AddressesFacts, { config }: Setup): Outcome[] {
  if (config === null) return [];
  const shared = config.shares.flatMap(({ addresses }) => addresses.map(({ address }) => address));
  const without = config.shares.filter((share) =>
    share.addresses.some(({ family }) => family === 4) &&
    !facts.present.some((each) =>
      each.interface === share.interface && !each.address.includes(":") &&
      !shared.includes(each.address) && !each.address.startsWith("239.")
    )
  ).map((share) => share.interface);
  if (without.length === 0) return [fine("this node has addresses of its own on its shares")];
  return [
    note(`this node has no IPv4 address of its own on ${list(without)}`, {
      why: "it cannot be reached there by itself, and what it sends of its own accord goes out " +
        "from another interface's address",
      remedy: "give it one of the share's network, if there is one to spare",
    }),
  ];
}
