/** How a measurement ends that has made something: by itself, by a failure, or by Ctrl-C. */

const exitCodes = { SIGINT: 130, SIGTERM: 143 } as const;

/**
 * Measures, removes what was made for it, and ends the program: with 0, 1 (a goal was missed, or an error, which
 * is told), or the signal's code. What fails because everything is being removed is not told.
 *
 * @param measure true: a goal was missed.
 */
export async function interruptible(
  measure: () => Promise<boolean>,
  remove: () => Promise<void>,
): Promise<never> {
  let removal: Promise<void> | null = null;
  const removeOnce = () => removal ??= remove();
  let isInterrupted = false;
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(signal, () => {
      isInterrupted = true;
      void removeOnce().then(() => Deno.exit(exitCodes[signal]));
    });
  }
  try {
    const isMissed = await measure();
    await removeOnce();
    Deno.exit(isMissed ? 1 : 0);
  } catch (error) {
    await removeOnce();
    if (!isInterrupted) throw error;
    return await new Promise<never>(() => {}); // the signal's listener ends the program
  }
}
