/** One examination from beginning to end: ask, judge, mend where that is wanted, and judge again. */
import { type FactsByGroup, type GroupName, selectedGroups } from "../../doctor/catalogue.ts";
import { type DoctorReport, examine, reportOf } from "../../doctor/report.ts";
import { applyFixes, type FixOptions } from "./fix.ts";
import { gatherGroups } from "./gather.ts";
import { gatherSetup } from "./setup.ts";

export interface DoctorOptions {
  readonly config?: string;
  readonly socket?: string;
  /** Names of checks and groups; none: all. */
  readonly checks: readonly string[];
  /** null: nothing is changed. */
  readonly fix: FixOptions | null;
}

/** `progress` hears what is looked at now. Throws `AvailError` where a named file cannot be read. */
export async function runDoctor(
  { config, socket, checks, fix }: DoctorOptions,
  progress: (what: string) => void = () => {},
): Promise<DoctorReport> {
  progress("asking the daemon");
  const setup = await gatherSetup({
    ...(config === undefined ? {} : { config }),
    ...(socket === undefined ? {} : { socket }),
  });
  const groups = selectedGroups(checks);
  const gather = (names: readonly GroupName[]) =>
    gatherGroups(names, setup, (name) => {
      progress(`looking at: ${groups.find((group) => group.name === name)!.title}`);
    });
  const first = await gather(groups.map(({ name }) => name));
  const found = examine(first.facts, first.problems, setup, checks);
  const node = setup.status?.node ?? setup.config?.node.name ?? null;
  if (fix === null) return reportOf(found, [], node);

  progress("mending");
  const fixes = await applyFixes(found, fix);
  if (!fixes.some(({ done }) => done)) return reportOf(found, fixes, node);
  // What was mended may have been the cause of more.
  const touched = [...new Set(found.filter((each) => each.fix !== null).map(({ group }) => group))];
  const second = await gather(touched);
  const facts: Partial<FactsByGroup> = { ...first.facts, ...second.facts };
  return reportOf(
    examine(facts, { ...first.problems, ...second.problems }, setup, checks),
    fixes,
    node,
  );
}
