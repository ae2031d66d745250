/** Figures of a list of measurements. */

/** The value that `part` of all are at most: 0.5 is the median, 1 the greatest; NaN of none. */
export function quantile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted.length === 0 ? NaN : sorted[Math.max(0, Math.ceil(part * sorted.length) - 1)];
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}
