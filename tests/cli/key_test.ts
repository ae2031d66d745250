/** `avail key`, as people and scripts see it. */
import type { ControlRequest } from "../../lib/control.ts";
import type { KeysStatus } from "../../lib/control_keys.ts";
import { AvailError, exitCodes } from "../../lib/errors.ts";
import { assert, assertEquals, assertStringIncludes } from "../assert.ts";
import { assertGolden } from "../golden.ts";
import { avail, withDaemon } from "./program.ts";

const status: KeysStatus = {
  schema: 1,
  node: "fw1",
  file: "/etc/avail/cluster.key",
  sends: 2,
  keys: [{ id: 2, check: "0badcafe" }, { id: 1, check: "01234567" }],
  peers: [{ name: "fw2", keyId: 1 }, { name: "fw3", keyId: null }],
  away: ["fw4"],
};

Deno.test("key show: the screen, the JSON, and what the daemon is asked", async () => {
  const asked: ControlRequest[] = [];
  await withDaemon((request) => (asked.push(request), status), async (socket) => {
    const screen = await avail("key", "show", "--socket", socket);
    assertGolden("key_show.txt", screen.stdout);
    const json = await avail("key", "show", "--node", "fw2", "--socket", socket, "--json");
    assertEquals(JSON.parse(json.stdout), status);
    const show = { command: "keys", do: "show" };
    assertEquals(asked, [show, { command: "forward", node: "fw2", request: show }] as never);
  });
});

Deno.test("key use and drop name a key; refusals are told as they are", async () => {
  const asked: ControlRequest[] = [];
  const handle = (request: ControlRequest) => {
    asked.push(request);
    throw new AvailError("key drop: key 1 is in use at fw1");
  };
  await withDaemon(handle, async (socket) => {
    const refused = await avail("key", "drop", "1", "--socket", socket);
    assertEquals(refused.code, exitCodes.failed);
    assertStringIncludes(refused.stderr, "avail: key drop: key 1 is in use at fw1");
    assertEquals(asked, [{ command: "keys", do: "drop", id: 1 }]);
    const wrong = await avail("key", "use", "256", "--socket", socket);
    assertEquals(wrong.code, exitCodes.usage);
    assertStringIncludes(wrong.stderr, 'ID: "256": a key\'s id is a whole number from 0 to 255');
  });
});

Deno.test("key rotate of one node: its steps, and as JSON only its result", async () => {
  const daemon = () => {
    let keys = [{ id: 1, check: "01234567" }];
    return (request: ControlRequest) => {
      const keysRequest = request.command === "forward" ? request.request : request;
      assert(keysRequest.command === "keys");
      const added = { id: 2, check: "0badcafe" };
      if (keysRequest.do === "add") keys = [...keys, added];
      if (keysRequest.do === "use") keys = [...keys].reverse();
      if (keysRequest.do === "drop") keys = keys.filter(({ id }) => id !== keysRequest.id);
      const more = keysRequest.do === "add" ? { added: 2 } : {};
      return { ...status, keys, sends: keys[0].id, peers: [], away: [], ...more };
    };
  };
  await withDaemon(daemon(), async (socket) => {
    const { code, stdout } = await avail("key", "rotate", "--socket", socket);
    assertEquals(code, exitCodes.ok);
    assertEquals(stdout.split("\n"), [
      "fw1 made key 2",
      "all use key 2",
      "dropped key 1 everywhere",
      "key 2 is the only one on fw1",
      "",
    ]);
  });
  await withDaemon(daemon(), async (socket) => {
    const { stdout } = await avail("key", "rotate", "--socket", socket, "--json");
    assertEquals(JSON.parse(stdout), { schema: 1, key: 2, dropped: [1], nodes: ["fw1"], away: [] });
  });
});
