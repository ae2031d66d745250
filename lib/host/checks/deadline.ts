/**
 * A signal that comes after a time in which this process could have worked. Where it was itself not
 * run (another task held its thread), the other side had no chance to be heard: it gets another term.
 */

/** A timer that comes later than this was held up by this process. */
const lateMsMax = 50;
/** A process that is always late must come to a verdict, too. */
const termsMax = 3;

/** `parent` ends it at once; dispose it when it is not needed any more. */
export function deadline(timeoutMs: number, parent: AbortSignal): Disposable & {
  readonly signal: AbortSignal;
} {
  const controller = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let terms = 0;
  const begin = () => {
    terms++;
    const due = performance.now() + timeoutMs;
    timer = setTimeout(() => {
      if (performance.now() - due > lateMsMax && terms < termsMax) return begin();
      controller.abort(`no answer within ${timeoutMs} ms`);
    }, timeoutMs);
  };
  const end = () => controller.abort("ended");
  parent.addEventListener("abort", end, { once: true });
  begin();
  if (parent.aborted) end();
  return {
    signal: controller.signal,
    [Symbol.dispose]() {
      clearTimeout(timer);
      parent.removeEventListener("abort", end);
    },
  };
}
