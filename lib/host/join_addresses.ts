/** Where a node can be asked to take another one in: its own addresses on its links and shares. */
import type { Config } from "../config.ts";
import { firstAddresses } from "../joining/addresses.ts";
import { readInterfaceFacts } from "./interface_facts.ts";

/** Canonical text, one of each interface, the best first; none where none has an own address. */
export function readJoinAddresses(config: Config): string[] {
  return firstAddresses(config, readInterfaceFacts());
}
