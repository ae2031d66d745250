/** The door for joiners: its bounds, on real sockets of the loopback. */
import { decodeRefused, openFrame } from "../../lib/joining/frames.ts";
import { JoinDoor, type JoinSession } from "../../lib/host/join_door.ts";
import { assert, assertEquals, assertMatch } from "../assert.ts";

/** Answers each chunk with itself, and ends at an exclamation mark. */
const echo: JoinSession = {
  receive: (bytes) => Promise.resolve({ answers: [bytes], isEnded: bytes.includes(33) }),
};

async function withDoor(
  body: (door: JoinDoor, port: number, refused: string[]) => Promise<void>,
): Promise<void> {
  const refused: string[] = [];
  const door = new JoinDoor({
    session: () => Promise.resolve(echo),
    refused: (reason, address) => refused.push(`${reason} ${address}`),
  });
  // A port that was free a moment ago.
  const probe = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = probe.addr as Deno.NetAddr;
  probe.close();
  try {
    await body(door, port, refused);
  } finally {
    door.close();
  }
}

/** What comes back, until the end. */
async function say(port: number, text: string): Promise<Uint8Array> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  await connection.write(new TextEncoder().encode(text));
  const buffer = new Uint8Array(4096);
  let length = 0;
  for (let n; (n = await connection.read(buffer.subarray(length))) !== null;) length += n;
  return buffer.slice(0, length);
}

Deno.test("it listens where it is told, no more and no longer", async () => {
  await withDoor(async (door, port) => {
    assertEquals(door.open(["127.0.0.1", "127.0.0.2"], port), null);
    assertEquals(door.listening, [`127.0.0.1:${port}`, `127.0.0.2:${port}`]);
    assertEquals(new TextDecoder().decode(await say(port, "hello!")), "hello!");
    assertEquals(door.open(["127.0.0.1"], port), null, "the same again changes nothing");
    assertEquals(door.listening, [`127.0.0.1:${port}`]);
    assertEquals(new TextDecoder().decode(await say(port, "again!")), "again!");
    door.close();
    assertEquals(door.listening, []);
    // The kernel may take one more into its queue while the listener goes.
    const refused = async () => {
      try {
        (await Deno.connect({ hostname: "127.0.0.1", port })).close();
        return false;
      } catch (error) {
        return error instanceof Deno.errors.ConnectionRefused;
      }
    };
    for (let tries = 0; !await refused(); tries++) {
      assert(tries < 100, "it still listens");
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  });
});

Deno.test("a port in use, or an address that is not there, is told; the others are opened", async () => {
  await withDoor((door, port) => {
    using _holder = Deno.listen({ hostname: "127.0.0.1", port });
    const problem = door.open(["127.0.0.1", "192.0.2.254", "127.0.0.2"], port) ?? "";
    assertMatch(problem, new RegExp(`^listen on 127\\.0\\.0\\.1:${port}: the port is in use; `));
    assertMatch(problem, /; listen on 192\.0\.2\.254:\d+: the address is not there yet$/);
    assertEquals(door.listening, [`127.0.0.2:${port}`]);
    return Promise.resolve();
  });
});

Deno.test("one address is turned away when it knocks too often", async () => {
  await withDoor(async (door, port, refused) => {
    door.open(["127.0.0.1"], port);
    const answers: string[] = [];
    for (let i = 0; i < 20; i++) {
      const bytes = await say(port, "x!").catch(() => new Uint8Array(0));
      if (bytes.length <= 2) answers.push("served");
      else {
        const frame = openFrame(bytes.subarray(2));
        const told = frame === "magic" ? frame : decodeRefused(frame.body);
        answers.push(typeof told === "string" ? told : told.reason);
      }
    }
    assertEquals(answers.slice(0, 10), new Array(10).fill("served"));
    assert(refused.length >= 5, refused.join());
    assertEquals(new Set(refused), new Set(["too many 127.0.0.1"]));
    assert(answers.slice(10).every((answer) => answer === "busy" || answer === "served"));
  });
});

Deno.test("no more connections at a time than its bound", async () => {
  await withDoor(async (door, port, refused) => {
    door.open(["127.0.0.1"], port);
    const open = await Promise.all(
      Array.from({ length: 9 }, () => Deno.connect({ hostname: "127.0.0.1", port })),
    );
    try {
      const buffer = new Uint8Array(64);
      // The one too many is told so at once; which one that is, nobody knows.
      const first = await Promise.race(open.map((connection) => connection.read(buffer)));
      assertEquals(first, 10, "length, magic, kind, reason and versions");
      assertEquals(refused.length, 1);
    } finally {
      for (const connection of open) connection.close();
    }
  });
});
