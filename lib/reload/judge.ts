/** Whether what all nodes have staged goes together: nobody is alone with what must agree or with a key. */
import type { KeyChecks, StagedReport } from "../control_reload.ts";
import { differences } from "../membership/agreement.ts";
import { wordsOf } from "./changes.ts";

/** Why each node cannot follow, a sentence each, by its name; nodes that can are not in it. */
export function objections(
  reports: readonly StagedReport[],
): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  const object = (node: string, why: readonly string[]) => {
    if (why.length > 0) found.set(node, [...found.get(node) ?? [], ...why]);
  };
  for (const report of reports) {
    const faults = report.faults.length > 0 ? ["its file has faults"] : [];
    object(report.node, [...faults, ...report.why]);
  }
  // Who cannot read its file says what runs there: that it differs is no news.
  const sound = reports.filter(({ outcome }) => outcome !== "refused");
  for (const { node } of sound) object(node, whyDifferent(node, sound));
  for (const { node } of sound) object(node, whyDeaf(node, sound));
  return found;
}

/** The reports that agree with most others; among equals, with the first one. */
function meant(reports: readonly StagedReport[]): readonly StagedReport[] {
  const groups = reports.map((one) =>
    reports.filter((other) => differences(one.agreed, other.agreed).length === 0)
  );
  return groups.reduce((best, group) => group.length > best.length ? group : best);
}

function whyDifferent(node: string, reports: readonly StagedReport[]): string[] {
  const own = reports.find((report) => report.node === node)!;
  const others = meant(reports);
  if (others.includes(own)) return [];
  const topics = differences(own.agreed, others[0].agreed).join(", ");
  const names = others.map((report) => report.node).join(", ");
  const isIn = (key: string, value: unknown) =>
    own.changes.some((change) =>
      change.key === key && JSON.stringify(change.new) === JSON.stringify(value)
    );
  const lacking = others[0].changes
    .filter((change) => change.takes === "together" && !isIn(change.key, change.new))
    .map((change) => `; there ${change.key} becomes ${wordsOf(change.new)}`);
  return [`its file differs from that of ${names} in ${topics}${lacking.join("")}`];
}

/**
 * Nodes change their keys one after the other, within a second or so: until then, and afterwards, each
 * must open what every other one seals.
 */
function whyDeaf(node: string, reports: readonly StagedReport[]): string[] {
  const own = reports.find((report) => report.node === node)!.keys;
  return reports.flatMap(({ node: other, keys }) => {
    if (other === node) return [];
    const [key] = [...sealedWith(keys)].filter((check) => !opens(own, check));
    return key === undefined ? [] : [
      `it has not, before and after, the key with check ${key} that ${other} sends with; ` +
      "for another key use: avail key rotate",
    ];
  });
}

function sealedWith({ now, then }: KeyChecks): Set<string> {
  return new Set([now[0], then[0]]);
}

function opens({ now, then }: KeyChecks, check: string): boolean {
  return now.includes(check) && then.includes(check);
}
