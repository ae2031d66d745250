/** Measures of one flow. Pure: `now` is an argument, in milliseconds of any steady clock. */

/** The longest silence within an interval, also one that lasts. */
export class GapMeter {
  #heardAt: number;
  #longest = 0;

  constructor(now: number) {
    this.#heardAt = now;
  }

  heard(now: number): void {
    this.#longest = Math.max(this.#longest, now - this.#heardAt);
    this.#heardAt = now;
  }

  /** How long it has been silent. */
  silence(now: number): number {
    return Math.max(0, now - this.#heardAt);
  }

  longest(now: number): number {
    return Math.max(this.#longest, this.silence(now));
  }

  /**
   * The longest silence of the interval that ends now. A silence that goes on counts here and,
   * from its beginning, in the next interval.
   */
  endInterval(now: number): number {
    const longest = this.longest(now);
    this.#longest = 0;
    return longest;
  }
}

/** Counts answers that are missing or came twice, by their sequence numbers. */
export class SequenceMeter {
  #next: number;
  #lost = 0;
  #duplicates = 0;
  readonly #repeated: number[] = [];
  readonly #missing = new Set<number>();
  readonly #modulus: number;

  /** @param first The first number that is sent. @param bits Width of the numbers: they wrap. */
  constructor(first: number, bits: 16 | 32) {
    this.#next = first;
    this.#modulus = 2 ** bits;
  }

  heard(wrapped: number): void {
    const sequence = this.#unwrap(wrapped, this.#next);
    if (sequence >= this.#next) {
      this.#miss(this.#next, sequence);
      this.#next = sequence + 1;
    } else if (this.#missing.delete(sequence)) {
      this.#lost--;
    } else {
      this.#duplicates++;
      if (this.#repeated.length < repeatedMax) this.#repeated.push(wrapped);
    }
  }

  /** The first numbers that came twice since the last call. */
  takeRepeated(): number[] {
    return this.#repeated.splice(0);
  }

  get duplicates(): number {
    return this.#duplicates;
  }

  get lost(): number {
    return this.#lost;
  }

  #miss(from: number, to: number): void {
    this.#lost += to - from;
    // Remembered as far back as an answer can be late; the oldest come first out of a set.
    for (let i = Math.max(from, to - lateMax); i < to; i++) this.#missing.add(i);
    for (const old of this.#missing) {
      if (this.#missing.size <= lateMax) break;
      this.#missing.delete(old);
    }
  }

  /** The number nearest to `near` that wraps to `wrapped`. */
  #unwrap(wrapped: number, near: number): number {
    const half = this.#modulus / 2;
    const ahead = ((wrapped - near) % this.#modulus + this.#modulus + half) % this.#modulus - half;
    return near + ahead;
  }
}

const lateMax = 1024;
const repeatedMax = 10;
