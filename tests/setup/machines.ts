/** Machines for the tests of set-up: interfaces in short words. */
import { readAddressPrefix } from "../../lib/config_values.ts";
import type { InterfaceFacts } from "../../lib/setup/facts.ts";

/** An interface that is up, with these addresses. */
export function facing(
  name: string,
  addresses: readonly string[] = [],
  more: Partial<InterfaceFacts> = {},
): InterfaceFacts {
  return {
    name,
    isEthernet: true,
    kind: null,
    master: null,
    isUp: true,
    hasCarrier: true,
    addresses: addresses.map((text) => readAddressPrefix(text)!),
    isIpv6Off: false,
    hasDefaultRoute: false,
    ...more,
  };
}

export const loopback = facing("lo", ["127.0.0.1/8", "::1/128"], { isEthernet: false });
