/** Which of two claims on a bucket counts, wherever both are looked at. */
export interface Claim {
  /** Size of the mutually hearing group whose claim it is. */
  readonly claimGroup: number;
  readonly planEpoch: number;
  /** The claiming node's. */
  readonly name: string;
}

/** The one of the larger group, then of the later epoch, then of the smaller name. */
export function prevails(one: Claim, other: Claim): boolean {
  if (one.claimGroup !== other.claimGroup) return one.claimGroup > other.claimGroup;
  if (one.planEpoch !== other.planEpoch) return one.planEpoch > other.planEpoch;
  return one.name < other.name;
}

/** Those that prevail first. */
export function strongestFirst<T extends Claim>(claims: readonly T[]): T[] {
  return claims.toSorted((a, b) => prevails(a, b) ? -1 : 1);
}
