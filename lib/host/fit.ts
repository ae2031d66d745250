/** What of a configuration does not fit this machine: interfaces, addresses, the programs of checks. */
import type { Config } from "../config.ts";
import type { Fault } from "../errors.ts";
import { examineMachine, type MachineFault, type MachineOptions } from "../setup/machine_faults.ts";
import { programFaults } from "./check_programs.ts";
import { readInterfaceFacts } from "./interface_facts.ts";

export interface Fit {
  readonly faults: readonly Fault[];
  readonly warnings: readonly Fault[];
}

/** `file` and `lineOf`: how its faults name their place. */
export async function examineFit(
  config: Config,
  file: string,
  lineOf: (where: string) => number = () => 0,
  options: MachineOptions = {},
): Promise<Fit> {
  const { faults, warnings } = examineMachine(config, readInterfaceFacts(), options);
  const placed = (fault: MachineFault): Fault => ({ file, line: lineOf(fault.where), ...fault });
  return {
    faults: [...faults, ...await programFaults(config)].map(placed),
    warnings: warnings.map(placed),
  };
}
