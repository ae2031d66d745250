/** What the clients of a lab believe of where an address is. */
import type { Lab } from "../../cli/demo/lab.ts";
import { families, sharedAddress } from "../../cli/demo/topology.ts";
import { patienceMs } from "./cluster.ts";

const shared = families.map((family) => sharedAddress("inside", family));
/** Nobody has these. */
const foreign = ["192.0.2.99", "2001:db8:1::99"];
const wrongMac = "02:00:00:00:66:99";

/** As hosts are where another machine had the addresses until now. */
export async function misinform(lab: Lab): Promise<void> {
  for (const address of [...shared, ...foreign]) {
    const entry = ["replace", address, "lladdr", wrongMac, "dev", "inside", "nud", "stale"];
    await lab.exec("clients", ["ip", "neighbour", ...entry]);
  }
}

/** Until the clients know the cluster's MAC for the shared addresses; for others nothing is new. */
export async function setRight(lab: Lab): Promise<void> {
  for (const address of shared) {
    await lab.waitUntil(`the clients know where ${address} is`, async () => {
      const mac = await knownMac(lab, address);
      return mac.startsWith("01:00:5e") ? null : `they know ${mac}`;
    }, { timeoutMs: patienceMs });
  }
  for (const address of foreign) {
    const mac = await knownMac(lab, address);
    if (mac !== wrongMac) throw new Error(`${address}: the clients know ${mac}`);
  }
}

async function knownMac(lab: Lab, address: string): Promise<string> {
  const shown = ["-j", "neighbour", "show", "to", address, "dev", "inside"];
  const [entry] = JSON.parse(await lab.exec("clients", ["ip", ...shown])) as { lladdr?: string }[];
  return entry?.lladdr ?? "nothing";
}
