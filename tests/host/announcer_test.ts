/** What goes wrong while a node announces ends nothing; what is sent: tests/netns/announcing_test.ts. */
import { Announcer } from "../../lib/host/announcer.ts";
import { assertEquals } from "../assert.ts";

const share = {
  interface: "nosuch0",
  device: "nosuch0",
  addresses: [],
  mac: new Uint8Array(6),
  group: null,
};

/** What is logged of a carrier that is back. */
async function logged(owners: () => Promise<{ name: string; owners: string[] }>) {
  const lines: string[] = [];
  const asked = Promise.withResolvers<void>();
  const announcer = new Announcer({
    shares: [share],
    seed: [1, 2],
    owners: () => {
      asked.resolve();
      return owners();
    },
    log: {
      info: (message) => lines.push(`info ${message}`),
      warn: (message) => lines.push(`warn ${message}`),
    },
  });
  announcer.carrier(0);
  await asked.promise;
  await new Promise((resolve) => setTimeout(resolve, 0));
  announcer.close();
  return lines;
}

Deno.test("that the owners cannot be had is a warning", async () => {
  assertEquals(await logged(() => Promise.reject(new Error("the core has left"))), [
    "warn the shares could not be announced: the core has left",
  ]);
});

Deno.test("nothing is announced, and nothing said, of an interface that is not there", async () => {
  assertEquals(await logged(() => Promise.resolve({ name: "fw1", owners: [] })), []);
});
