/** Words and numbers in findings. */

/** `a`, `a and b`, `a, b and c` */
export function list(words: readonly string[]): string {
  return words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;
}

/** `12 345 678` */
export function grouped(n: number): string {
  return String(Math.round(n)).replace(/\B(?=(\d{3})+$)/g, " ");
}

/** `1 frame`, `2 frames` */
export function counted(n: number, noun: string): string {
  return `${grouped(n)} ${noun}${n === 1 ? "" : "s"}`;
}

/** `0.03 ms`, `1.2 ms`, `12 ms`, `1.5 s`, `3 min` */
export function duration(ms: number): string {
  const size = Math.abs(ms);
  if (size < 1) return `${Math.round(ms * 100) / 100} ms`;
  if (size < 10) return `${Math.round(ms * 10) / 10} ms`;
  if (size < 1000) return `${Math.round(ms)} ms`;
  if (size < 120_000) return `${Math.round(ms / 100) / 10} s`;
  if (size < 7_200_000) return `${Math.round(ms / 60_000)} min`;
  return `${Math.round(ms / 3_600_000)} h`;
}

export function percent(part: number, whole: number): string {
  return `${whole > 0 ? Math.round(100 * part / whole) : 0} %`;
}
