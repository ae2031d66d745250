/**
 * When to try which address of a peer: its addresses in order, the next on each failure, with a pause
 * that doubles from `pauseMsMin` to `pauseMsMax`, for as long as the peer is wanted.
 */
export const pauseMsMin = 50;
export const pauseMsMax = 1000;

export class Dialer {
  #next = 0;
  #pauseMs = pauseMsMin;
  #dueAt = 0;
  #isDialing = false;

  /** The address to try now; null when it is not time. */
  take(addresses: readonly string[], now: number): string | null {
    if (this.#isDialing || addresses.length === 0 || now < this.#dueAt) return null;
    this.#isDialing = true;
    return addresses[this.#next % addresses.length];
  }

  /** When the next attempt is due; `Infinity` while one runs, or its stream stands. */
  get dueAt(): number {
    return this.#isDialing ? Infinity : this.#dueAt;
  }

  /** The attempt failed, or the stream that it gave has ended. */
  failed(now: number): void {
    this.#isDialing = false;
    this.#next++;
    this.#dueAt = now + this.#pauseMs;
    this.#pauseMs = Math.min(pauseMsMax, 2 * this.#pauseMs);
  }

  /** The handshake is done; the next failure begins with a short pause again. */
  succeeded(): void {
    this.#pauseMs = pauseMsMin;
  }
}
