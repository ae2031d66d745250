/** Requests about reloading: what is understood, and what is refused with which words. */
import { parseControlRequest } from "../lib/control_request.ts";
import { assertEquals, assertThrows } from "./assert.ts";

const id = "0123456789abcdef";

Deno.test("every request is read as it is written", () => {
  const requests = [
    { command: "reload", do: "check" },
    { command: "reload", do: "apply" },
    { command: "reload", do: "stage", id, withinMs: 1 },
    { command: "reload", do: "commit", id, epoch: 7, withinMs: 3_600_000 },
    { command: "reload", do: "commit", id, epoch: null, withinMs: 5 },
    { command: "reload", do: "cancel", id },
    { command: "reload", do: "outcome", id },
    { command: "reload", do: "plan", epoch: 7, withinMs: 5 },
    { command: "reloadCluster", dryRun: true },
    { command: "forward", node: "fw2", request: { command: "reload", do: "apply" } },
  ];
  for (const request of requests) {
    assertEquals(parseControlRequest(JSON.stringify(request)), request as never);
  }
  assertEquals(parseControlRequest('{"command":"reloadCluster"}'), {
    command: "reloadCluster",
    dryRun: false,
  });
});

Deno.test("what is wrong is told with what would be right", () => {
  const cases: readonly (readonly [request: string, says: string])[] = [
    ['{"command":"reload"}', "reload: do undefined; use check or apply"],
    ['{"command":"reload","do":"aply"}', 'reload: do "aply"'],
    ['{"command":"reload","do":"stage","id":"x","withinMs":1}', 'id "x"; give 16 hexadecimal'],
    [`{"command":"reload","do":"stage","id":"${id}"}`, "withinMs undefined; give a whole number"],
    [`{"command":"reload","do":"stage","id":"${id}","withinMs":3600001}`, "from 1 to 3600000"],
    [`{"command":"reload","do":"commit","id":"${id}","withinMs":1}`, "epoch undefined"],
    [`{"command":"reload","do":"commit","id":"${id}","epoch":1.5,"withinMs":1}`, "epoch 1.5"],
    ['{"command":"reload","do":"plan","epoch":0,"withinMs":1}', "epoch 0"],
    ['{"command":"reloadCluster","dryRun":"yes"}', 'dryRun "yes"; give true or false'],
    [
      '{"command":"forward","node":"fw2","request":{"command":"reloadCluster"}}',
      "reloadCluster cannot be forwarded",
    ],
  ];
  for (const [request, says] of cases) {
    assertThrows(() => parseControlRequest(request), Error, says);
  }
});
