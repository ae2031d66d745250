/** The port of the replication, at addresses that change. */
import { TcpListener } from "../../lib/host/links.ts";
import { assert, assertEquals, assertThrows } from "../assert.ts";

async function isOpen(hostname: string, port: number): Promise<boolean> {
  try {
    (await Deno.connect({ hostname, port })).close();
    return true;
  } catch {
    return false;
  }
}

Deno.test("it listens at new addresses and no more at old ones; one that it cannot have changes nothing", async () => {
  let taken = 0;
  const listener = new TcpListener(["127.0.0.1", "127.0.0.2"], 0, (link) => {
    taken++;
    link.close();
  });
  try {
    const { port } = listener;
    const open = async () => {
      const hosts = ["127.0.0.1", "127.0.0.2", "127.0.0.3"];
      const all = await Promise.all(hosts.map((host) => isOpen(host, port)));
      return all.map((each) => each ? "+" : "-").join("");
    };
    assertEquals(await open(), "++-");
    listener.use(["127.0.0.3", "127.0.0.2"]);
    assertEquals([await open(), listener.port], ["-++", port]);
    assertThrows(() => listener.use(["127.0.0.1", "192.0.2.1"]), Error, "no such address");
    assertEquals(await open(), "-++");
    listener.use(["127.0.0.1"]);
    assertEquals(await open(), "+--");
    const deadline = performance.now() + 10_000;
    while (taken < 7) {
      assert(performance.now() < deadline, `${taken} connections were taken`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  } finally {
    listener.close();
  }
});
