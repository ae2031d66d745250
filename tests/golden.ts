/**
 * Output compared with a file of tests/golden/. With AVAIL_UPDATE_GOLDEN=1 in the environment the
 * files are written instead: then read the difference before it is committed.
 */
import { assertEquals } from "./assert.ts";

export function assertGolden(name: string, actual: string): void {
  const file = new URL(`golden/${name}`, import.meta.url);
  if (Deno.env.get("AVAIL_UPDATE_GOLDEN") === "1") Deno.writeTextFileSync(file, actual);
  assertEquals(actual, Deno.readTextFileSync(file), `${name} differs from tests/golden/${name}`);
}
