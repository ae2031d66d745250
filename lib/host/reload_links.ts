/** Links that come and go while a node runs: their sockets, and where its replication is reached. */
import type { Config } from "../config.ts";
import { AvailError } from "../errors.ts";
import type { Change } from "../reload/changes.ts";
import { formatAddress } from "../wire/address.ts";
import type { InterfaceSlots } from "./heartbeat_links.ts";
import { nextSlots } from "./link_slots.ts";
import { type Machine, readMachine } from "./machine.ts";

export interface LinkPorts {
  readonly core: { useInterfaces(interfaces: InterfaceSlots): void };
  readonly replication: { useAddresses(addresses: readonly string[]): void };
}

export class ReloadLinks {
  readonly #ports: LinkPorts;
  #interfaces: InterfaceSlots;
  #addresses: readonly string[];

  /** `machine`: with which the daemon was started. */
  constructor(machine: Machine, ports: LinkPorts) {
    this.#ports = ports;
    this.#interfaces = machine.interfaces;
    this.#addresses = machine.replicationAddresses.map(formatAddress);
  }

  /** Where the replication is reached with these links; null: where it is now. Throws `AvailError`. */
  addresses(config: Config, changes: readonly Change[]): readonly Uint8Array[] | null {
    return changesLinks(changes) ? readMachine(config).replicationAddresses : null;
  }

  /** Interfaces and addresses must be there, and the port free; a sentence each. */
  obstacles(config: Config, changes: readonly Change[]): string[] {
    if (!changesLinks(changes)) return [];
    const { port } = config.replication;
    try {
      return readMachine(config).replicationAddresses.map(formatAddress)
        .filter((address) => !this.#addresses.includes(address))
        .flatMap((hostname) => whyNotListen("link", { hostname, port }));
    } catch (error) {
      if (!(error instanceof AvailError)) throw error;
      return [error.message];
    }
  }

  /**
   * A peer that dials a new address too soon tries again; streams that stand are left alone. Throws
   * `AvailError` where something is gone since it was looked at.
   */
  use(config: Config, changes: readonly Change[]): void {
    if (!changesLinks(changes)) return;
    const { interfaces, replicationAddresses } = readMachine(config);
    this.#interfaces = nextSlots(this.#interfaces, interfaces, config.shares.length);
    this.#ports.core.useInterfaces(this.#interfaces);
    const addresses = replicationAddresses.map(formatAddress);
    this.#ports.replication.useAddresses(addresses);
    this.#addresses = addresses;
  }
}

/** Why nobody can listen there; empty: it was tried, and can. `what`: the key that says so. */
export function whyNotListen(
  what: string,
  where: { readonly hostname: string; readonly port: number },
): string[] {
  try {
    Deno.listen({ transport: "tcp", ...where }).close();
    return [];
  } catch (error) {
    const why = error instanceof Error ? error.message : error;
    return [`${what}: ${where.hostname}, port ${where.port} cannot be had: ${why}`];
  }
}

function changesLinks(changes: readonly Change[]): boolean {
  return changes.some(({ key }) => key.startsWith("link"));
}
