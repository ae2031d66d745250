/** Reads what a guest test prints: the Test Anything Protocol, version 13, without YAML. */

export interface TapResult {
  readonly ok: boolean;
  readonly number: number;
  readonly description: string;
  /** Why it was not run, from `# SKIP`; null if it was. */
  readonly skipped: string | null;
}

/** Takes lines as they come. */
export class TapReader {
  readonly results: TapResult[] = [];
  #planned: number | null = null;
  #bailedOut: string | null = null;
  #outOfOrder: string | null = null;

  /** The result in a line; null for a line that is none. */
  read(line: string): TapResult | null {
    const bail = /^Bail out!\s*(.*)/.exec(line);
    if (bail) this.#bailedOut = bail[1] || "no reason given";
    const plan = /^1\.\.(\d+)\b/.exec(line);
    if (plan) this.#planned = Number(plan[1]);
    const match = /^(not )?ok\b\s*(\d+)?\s*(?:- )?(.*)$/.exec(line);
    if (!match) return null;
    const [description, directive] = match[3].split(/\s+#\s*(?=skip\b)/i);
    const expected = this.results.length + 1;
    const result = {
      ok: match[1] === undefined,
      number: match[2] === undefined ? expected : Number(match[2]),
      description: description.trim(),
      skipped: directive === undefined ? null : directive.replace(/^skip\S*\s*/i, ""),
    };
    if (result.number !== expected) {
      this.#outOfOrder ??= `${result.number} came instead of ${expected}`;
    }
    this.results.push(result);
    return result;
  }

  /** What is wrong with the whole; null if all that was planned came, and passed. */
  problem(): string | null {
    const failed = this.results.filter((result) => !result.ok).length;
    if (this.#bailedOut !== null) return `bailed out: ${this.#bailedOut}`;
    if (failed > 0) return `${failed} of ${this.results.length} failed`;
    if (this.#planned === null) return `no plan after ${this.results.length} results: it broke off`;
    if (this.#planned !== this.results.length) {
      return `${this.results.length} results, but ${this.#planned} were planned`;
    }
    if (this.#planned === 0) return "no results";
    return this.#outOfOrder === null ? null : `out of order: ${this.#outOfOrder}`;
  }
}
