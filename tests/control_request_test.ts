import type { ControlRequest } from "../lib/control.ts";
import { parseControlRequest } from "../lib/control_request.ts";
import { AvailError } from "../lib/errors.ts";
import { assertEquals, assertStringIncludes, assertThrows } from "./assert.ts";

Deno.test("balance: buckets by node, each once", () => {
  const owners = { fw2: [0, 255], fw3: [] };
  const request: ControlRequest = { command: "balance", owners };
  const forwarded: ControlRequest = { command: "forward", node: "fw1", request };
  for (const each of [request, forwarded]) {
    assertEquals(parseControlRequest(JSON.stringify(each)), each);
  }

  const wrong: readonly (readonly [owners: unknown, says: string])[] = [
    [undefined, "owners undefined; give lists of buckets by node"],
    [[1], "owners [1]"],
    [{ fw2: 3 }, 'owners of "fw2"; give lists'],
    [{ fw2: [256] }, "bucket 256; give 0 to 255"],
    [{ fw2: [-1] }, "bucket -1"],
    [{ fw2: [1.5] }, "bucket 1.5"],
    [{ fw2: ["1"] }, 'bucket "1"'],
    [{ fw2: [1], fw3: [1] }, "bucket 1 twice; give each bucket once"],
  ];
  for (const [owners, says] of wrong) {
    const line = JSON.stringify({ command: "balance", owners });
    const error = assertThrows(() => parseControlRequest(line), AvailError);
    assertStringIncludes(error.message, says);
  }
});

Deno.test("planning is asked here, and not of another node", () => {
  assertEquals(parseControlRequest('{"command":"planning"}'), { command: "planning" });
  const forwarded = '{"command":"forward","node":"fw1","request":{"command":"planning"}}';
  const error = assertThrows(() => parseControlRequest(forwarded), AvailError);
  assertStringIncludes(error.message, "planning cannot be forwarded");
});
