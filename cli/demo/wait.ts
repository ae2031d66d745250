/** Waiting for conditions: each has a deadline, and says what it waits for when it gives up. */
import { AvailError } from "../../lib/errors.ts";

export interface WaitOptions {
  readonly timeoutMs: number;
  /** How often the condition is tried. */
  readonly everyMs?: number;
  /** Ends the wait early, with the signal's own reason. */
  readonly signal?: AbortSignal | undefined;
  /** Told at every try what is still missing and for how long. */
  readonly onTry?: ((missing: string, waitedMs: number) => void) | undefined;
}

/**
 * Tries `missing` until it returns null: what it returns before is what is still missing.
 *
 * @param what The condition, to complete "waited 20 s until …".
 * @returns How long it took, in milliseconds.
 * @throws AvailError at the deadline; the signal's reason when aborted; what `missing` throws.
 */
export async function waitUntil(
  what: string,
  missing: () => Promise<string | null> | string | null,
  options: WaitOptions,
): Promise<number> {
  const start = performance.now();
  for (;;) {
    options.signal?.throwIfAborted();
    const still = await missing();
    const waitedMs = performance.now() - start;
    if (still === null) return waitedMs;
    options.onTry?.(still, waitedMs);
    if (waitedMs > options.timeoutMs) {
      throw new AvailError(`waited ${Math.round(waitedMs / 1000)} s until ${what}: ${still}`);
    }
    await pause(options.everyMs ?? 50, options.signal);
  }
}

/** Sleeps; an abort ends it with the signal's reason. */
export async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  const onAbort = () => reject(signal?.reason);
  signal?.addEventListener("abort", onAbort, { once: true });
  try {
    await promise;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", onAbort);
  }
}

/** `work`, or the signal's reason as soon as it is aborted; `work` itself goes on unheard. */
export async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  const { promise, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  work.catch(() => {}); // Where the signal came first, nobody else hears of it.
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
