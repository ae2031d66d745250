import { Progress } from "../../cli/progress.ts";
import type { Context } from "../../cli/context.ts";
import { assertEquals } from "../assert.ts";

function shown(isTerminal: boolean): string {
  let text = "";
  const process = { stdout: { write() {} }, stderr: { write: (t: string) => void (text += t) } };
  const context: Context = { process, style: { colour: false, unicode: true } };
  {
    using progress = new Progress(context, isTerminal);
    progress.show("3 left");
    progress.show("3 left");
    progress.show("x".repeat(200));
  }
  return text;
}

Deno.test("progress: one line that changes and goes, on terminals only", () => {
  assertEquals(shown(true), `\r\x1b[K3 left\r\x1b[K${"x".repeat(79)}\r\x1b[K`);
  assertEquals(shown(false), "");
});
