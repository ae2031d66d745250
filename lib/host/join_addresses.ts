/** Where a node can be asked to take another one in: its own addresses on its links and shares. */
import type { Config } from "../config.ts";
import { joinableAddresses } from "../joining/addresses.ts";
import { readInterfaceFacts } from "./interface_facts.ts";

/** Canonical text, the best first; none where no link and no share has an own address. */
export function readJoinAddresses(config: Config): string[] {
  return joinableAddresses(config, readInterfaceFacts());
}
