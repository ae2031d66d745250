/** This daemon's machine in a few words, for other nodes' `avail doctor`. */
import type { Config } from "../config.ts";
import { type InterfaceVitals, LateCounter, type Vitals } from "../vitals.ts";
import { version } from "../version.ts";
import { formatAddress } from "../wire/address.ts";
import { now } from "./clock.ts";
import { RouteSocket } from "./route_socket.ts";

/** Counts and keeps what `vitals` has to tell beside what it reads. */
export class VitalSigns {
  readonly late = new LateCounter();
  readonly #startedAt = now();
  readonly #addresses: readonly Uint8Array[];
  /** What the machine allowed the core; null before it runs. */
  scheduling: string | null = null;

  /** `addresses`: where the replication listens. */
  constructor(addresses: readonly Uint8Array[]) {
    this.#addresses = addresses;
  }

  noteLate(lateMs: unknown): void {
    if (typeof lateMs === "number") this.late.note(lateMs, now());
  }

  read(config: Config): Vitals {
    using route = new RouteSocket();
    const links = route.linkDetails();
    const vitalsOf = (entry: { readonly interface: string }): InterfaceVitals => ({
      interface: entry.interface,
      mtu: links.find(({ name }) => name === entry.interface)?.mtu ?? null,
    });
    return {
      schema: 1,
      node: config.node.name,
      version,
      kernel: Deno.osRelease(),
      timeMs: Date.now(),
      pid: Deno.pid,
      upMs: Math.round(now() - this.#startedAt),
      scheduling: this.scheduling,
      late: this.late.read(now()),
      shares: config.shares.map(vitalsOf),
      links: config.links.map(vitalsOf),
      replication: {
        addresses: this.#addresses.map(formatAddress),
        port: config.replication.port,
      },
    };
  }
}
