/**
 * Which version of the protocol is spoken. A node says the version that it speaks and the oldest one
 * that it understands; what a cluster uses is the least of what its live members speak.
 */

/** What this program speaks. */
export const protocolVersion = 2;
/** The oldest that it understands: nodes of one version less may be in the same cluster. */
export const protocolOldest = 1;

export interface Speaker {
  readonly version: number;
  readonly oldest: number;
}

/** Whether each of two nodes understands what the other speaks. */
export function understandEachOther(a: Speaker, b: Speaker): boolean {
  return a.version >= b.oldest && b.version >= a.oldest;
}

/** The least that anybody speaks. */
export function versionInUse(own: number, others: readonly Speaker[]): number {
  return others.reduce((least, { version }) => Math.min(least, version), own);
}

/** `version 2`, `versions 1 to 2` */
export function describeVersions({ version, oldest }: Speaker): string {
  return oldest === version ? `version ${version}` : `versions ${oldest} to ${version}`;
}
