/** How full the neighbour tables are. */
import type { NeighboursFacts, NeighbourTable } from "../../doctor/neighbours.ts";
import { RouteSocket } from "../route_socket.ts";
import { readSetting, readText, sumsOf } from "./read.ts";

export function neighboursFacts(): NeighboursFacts {
  using route = new RouteSocket();
  const families = route.neighbours();
  const table = (family: 4 | 6, statistics: string): NeighbourTable => ({
    entries: families.filter((each) => each === family).length,
    max: readSetting(`net/ipv${family}/neigh/default/gc_thresh3`),
    overflows: sumsOf(readText(`/proc/net/stat/${statistics}`))?.table_fulls ?? null,
  });
  return { 4: table(4, "arp_cache"), 6: table(6, "ndisc_cache") };
}
