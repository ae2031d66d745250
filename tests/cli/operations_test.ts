/** `avail weight`, and `--node` of the commands that have it, against a daemon of the test's own. */
import type { ControlRequest, MemberStatus, Status } from "../../lib/control.ts";
import { AvailError, exitCodes } from "../../lib/errors.ts";
import { assert, assertEquals, assertStringIncludes } from "../assert.ts";
import { avail, withDaemon } from "./program.ts";
import { safeStatus } from "./statuses.ts";

function changed(name: string, changes: Partial<MemberStatus>): Status {
  const members = safeStatus.members.map((m) => m.name === name ? { ...m, ...changes } : m);
  return { ...safeStatus, members };
}

Deno.test("weight: shows the weights, in words and as JSON", async () => {
  await withDaemon(() => changed("fw2", { weight: 2 }), async (socket) => {
    const { stdout, code } = await avail("weight", "--socket", socket);
    assertEquals(code, exitCodes.ok);
    assertEquals(stdout.split("\n"), [
      "NODE  STATE  WEIGHT   SHARE  BUCKETS",
      "fw1   ready       1  25.0 %       86",
      "fw2   ready       2  50.0 %       85",
      "fw3   ready       1  25.0 %       85",
      "",
    ]);
    const json = await avail("weight", "--socket", socket, "--node", "fw2", "--json");
    assertEquals(
      json.stdout,
      '{"schema":1,"members":[{"name":"fw2","state":"ready","weight":2,"share":0.5,"buckets":85}]}\n',
    );
    const unknown = await avail("weight", "--socket", socket, "--node", "fw9");
    assertEquals(unknown.code, exitCodes.failed);
    assertStringIncludes(unknown.stderr, "fw9 is not heard");
  });
});

Deno.test("weight N: waits until the buckets have moved, and shows what it did", async () => {
  const asked: ControlRequest[] = [];
  let looks = 0;
  const moved = (counts: readonly number[]): Status => ({
    ...safeStatus,
    members: safeStatus.members.map((member, i) => ({
      ...member,
      weight: i === 1 ? 2 : 1,
      buckets: counts[i],
    })),
  });
  const handle = (request: ControlRequest) => {
    if (request.command !== "status") asked.push(request);
    if (asked.length === 0) return safeStatus;
    return moved(++looks < 4 ? [80, 96, 80] : [64, 128, 64]);
  };
  await withDaemon(handle, async (socket) => {
    const { stdout, code } = await avail("weight", "2", "--node", "fw2", "--socket", socket);
    assertEquals(code, exitCodes.ok);
    assertEquals(stdout.split("\n"), [
      "fw2: weight 2, was 1; until its `avail run` ends, then [node] weight",
      "of its configuration counts again.",
      "NODE  STATE  WEIGHT   SHARE   BUCKETS",
      "fw1   ready       1  25.0 %   86 → 64",
      "fw2   ready       2  50.0 %  85 → 128",
      "fw3   ready       1  25.0 %   85 → 64",
      "",
    ]);
    assertEquals(asked, [
      { command: "forward", node: "fw2", request: { command: "weight", weight: 2 } },
    ]);
    const json = await avail("weight", "1", "--socket", socket, "--json");
    const { node, weight, members } = JSON.parse(json.stdout);
    assertEquals([node, weight, members.length], ["fw1", 1, 3]);
    assertEquals(asked.at(-1), { command: "weight", weight: 1 });
  });
});

Deno.test("weight N: what has not moved in time is a failure that says so", async () => {
  await withDaemon(() => changed("fw2", { weight: 2 }), async (socket) => {
    const words = ["weight", "2", "--node", "fw2", "--socket", socket, "--timeout", "0.3"];
    const { code, stderr } = await avail(...words);
    assertEquals(code, exitCodes.failed);
    assertStringIncludes(stderr, "the buckets are still on their way (fw1 86, fw2 85, fw3 85)");
    const hasty = await avail(...words, "--no-wait");
    assertEquals(hasty.code, exitCodes.ok);
  });
});

Deno.test("drain and status of another node; its errors are told", async () => {
  const asked: ControlRequest[] = [];
  let status = safeStatus;
  const handle = (request: ControlRequest) => {
    if (request.command === "status") return status;
    asked.push(request);
    if (request.command !== "forward") throw new Error("not expected");
    if (request.node === "fw9") {
      throw new AvailError('"fw9" is no live node; live are fw2, fw3 and this one, fw1');
    }
    if (request.request.command === "status") return { ...safeStatus, node: request.node };
    return status = changed(request.node, { state: "draining", buckets: 0 });
  };
  await withDaemon(handle, async (socket) => {
    const drained = await avail("drain", "--node", "fw3", "--socket", socket, "--json");
    assertEquals(drained.stdout, '{"schema":1,"node":"fw3","state":"draining","buckets":0}\n');
    const other = await avail("status", "--node", "fw2", "--socket", socket, "--json");
    assertEquals(JSON.parse(other.stdout).node, "fw2");
    const unknown = await avail("drain", "--node", "fw9", "--socket", socket);
    assertEquals(unknown.code, exitCodes.failed);
    assertEquals(
      unknown.stderr,
      'avail: "fw9" is no live node; live are fw2, fw3 and this one, fw1\n',
    );
    assertEquals(asked.length, 3);
  });
});

Deno.test("a node that dies while it is drained is told, at once", async () => {
  let looks = 0;
  const handle = () => ++looks < 4 ? safeStatus : changed("fw3", { alive: false });
  await withDaemon(handle, async (socket) => {
    const { code, stderr } = await avail("drain", "--node", "fw3", "--socket", socket);
    assertEquals(code, exitCodes.failed);
    assertStringIncludes(stderr, "fw3 is not heard any more");
    assert(looks < 10);
  });
});
