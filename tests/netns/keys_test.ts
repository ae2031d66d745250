/**
 * Keys of a running cluster: a rotation under traffic, one that stops half-way and is run again, a node
 * that is away, and no key in any word that the program says.
 */
import { assert, assertEquals, assertGreater, assertStringIncludes } from "../assert.ts";
import { selfCommand } from "../../cli/demo/self.ts";
import type { Lab } from "../../cli/demo/lab.ts";
import type { KeysStatus } from "../../lib/control_keys.ts";
import { parseKeyFile } from "../../lib/wire/keys.ts";
import { everybody, inLab, pause, settled, started, statusWhere } from "./cluster.ts";

const ignore = Deno.uid() !== 0;

interface Outcome {
  readonly code: number;
  readonly text: string;
}

/** Everything that a lab's commands said, for the search for secrets. */
const said: string[] = [];

async function avail(lab: Lab, node: string, ...args: string[]): Promise<Outcome> {
  const [program, ...before] = selfCommand();
  const { code, stdout, stderr } = await new Deno.Command(program, {
    args: [...before, ...args, "--socket", lab.node(node).socket],
    env: { NO_COLOR: "1" },
  }).output();
  const text = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  said.push(text);
  return { code, text };
}

async function keysOf(lab: Lab, node: string): Promise<KeysStatus> {
  const { code, text } = await avail(lab, node, "key", "show", "--json");
  assertEquals(code, 0, text);
  return JSON.parse(text);
}

const keyFileOf = (lab: Lab, node: string) => `${lab.node(node).directory}/cluster.key`;

async function ringOf(lab: Lab, node: string) {
  return parseKeyFile(await Deno.readTextFile(keyFileOf(lab, node)));
}

/** No word of any log or command has a key or the seed in it, in any spelling. */
async function assertNothingSecretSaid(lab: Lab, secrets: readonly Uint8Array[]): Promise<void> {
  const logs = await Promise.all(lab.nodes.map(({ logFile }) => Deno.readTextFile(logFile)));
  const words = [...said, ...logs].join("\n");
  assertGreater(words.length, 1000);
  for (const secret of secrets) {
    const spellings = [secret.toBase64(), secret.toHex(), [...secret].join(",")];
    for (const spelling of spellings) assertEquals(words.includes(spelling.slice(0, 16)), false);
  }
}

Deno.test({
  name: "a rotation under traffic: no connection, no lease and no bucket notices",
  ignore,
  fn: () =>
    inLab({ intervalMs: 200 }, async (lab) => {
      await started(lab);
      const old = await ringOf(lab, "fw1");
      const before = await Promise.all(lab.nodes.map((node) => node.status()));
      const traffic = await lab.startTraffic({ connections: 20, pings: 4, udpFlows: 2 });
      await pause(1000);
      const shown = await keysOf(lab, "fw1");
      assertEquals([shown.sends, shown.peers.map(({ keyId }) => keyId)], [1, [1, 1]]);
      const { code, text } = await avail(lab, "fw2", "key", "rotate");
      assertEquals(code, 0, text);
      for (const node of everybody) {
        const { sends, keys, peers } = await keysOf(lab, node);
        assertEquals([sends, keys.map(({ id }) => id)], [2, [2]], node);
        assertEquals(peers.map(({ keyId }) => keyId), [2, 2], node);
        assertEquals(((await Deno.stat(keyFileOf(lab, node))).mode ?? 0) & 0o777, 0o600);
        const ring = await ringOf(lab, node);
        assertEquals(ring.seed, old.seed);
        assertEquals(ring.keys, (await ringOf(lab, "fw1")).keys);
      }
      await settled(lab);
      // New streams stand on the new key: the control is a node that has only that one.
      await lab.node("fw3").stop();
      await lab.node("fw3").start();
      await settled(lab);
      const after = await Promise.all(lab.nodes.map((node) => node.status()));
      assertEquals(
        after[0].members.filter(({ name }) => name !== "fw3").map(({ incarnation }) => incarnation),
        before[0].members.filter(({ name }) => name !== "fw3").map(({ incarnation }) =>
          incarnation
        ),
      );
      for (const node of lab.nodes) {
        const events = (await node.log(5000)).map((line) => /"event":"([a-z-]+)"/.exec(line)?.[1]);
        for (const bad of ["lease-lost", "forfeited", "peer-dead"]) {
          assertEquals(events.includes(bad), false, `${node.name}: ${bad}`);
        }
      }
      const { alive, duplicates } = await traffic.finish();
      assertEquals([alive, duplicates], [20, 0]);
      const fresh = await ringOf(lab, "fw1");
      await assertNothingSecretSaid(lab, [old.seed, old.keys[0].bytes, fresh.keys[0].bytes]);
    }),
});

Deno.test({
  name: "a rotation that stopped half-way goes on; what would cut a node off is refused",
  ignore,
  fn: () =>
    inLab({ intervalMs: 200 }, async (lab) => {
      await started(lab);
      // Half-way: made at fw1, in use nowhere.
      assertEquals((await avail(lab, "fw1", "key", "add")).code, 0);
      assertEquals((await keysOf(lab, "fw1")).keys.map(({ id }) => id), [1, 2]);
      const inUse = await avail(lab, "fw1", "key", "drop", "1");
      assertEquals(inUse.code, 1);
      assertStringIncludes(inUse.text, "key 1 is in use at fw1");
      assertStringIncludes((await avail(lab, "fw1", "key", "use", "9")).text, "no key 9");

      // What the tag lets in decides: without the key, what fw1 sends with it is a stranger's.
      await avail(lab, "fw1", "key", "use", "2");
      await statusWhere(
        lab,
        "fw2",
        "fw1 is not heard",
        ({ members }) => !members.some(({ name }) => name === "fw1"),
      );
      await avail(lab, "fw1", "key", "use", "1");
      await settled(lab);

      const rotated = await avail(lab, "fw3", "key", "rotate");
      assertEquals(rotated.code, 0, rotated.text);
      assertStringIncludes(rotated.text, "goes on with key 2");
      for (const node of everybody) {
        assertEquals((await keysOf(lab, node)).keys.map(({ id }) => id), [2], node);
      }

      // A peer that still sends with it keeps a key.
      await avail(lab, "fw1", "key", "add");
      await Deno.copyFile(keyFileOf(lab, "fw1"), keyFileOf(lab, "fw2"));
      Deno.kill(lab.node("fw2").pid!, "SIGHUP");
      await lab.waitUntil("fw2 has read its key file", async () => {
        return (await keysOf(lab, "fw2")).keys.length === 2 ? null : "one key";
      }, { timeoutMs: 10_000 });
      await avail(lab, "fw2", "key", "use", "3");
      const stillSent = await avail(lab, "fw2", "key", "drop", "2");
      assertEquals(stillSent.code, 1);
      assertStringIncludes(stillSent.text, "fw1, fw3 still sends with key 2");

      // Another seed is refused, and changes nothing.
      const good = await Deno.readTextFile(keyFileOf(lab, "fw1"));
      const other = new Uint8Array(32).fill(7).toBase64();
      await Deno.writeTextFile(keyFileOf(lab, "fw1"), good.replace(/seed .*/, `seed ${other}`));
      const reload = await avail(lab, "fw1", "key", "reload");
      assert(reload.code !== 0);
      assertStringIncludes(reload.text, "the seed is not the one");
      await Deno.writeTextFile(keyFileOf(lab, "fw1"), good);
    }),
});

Deno.test({
  name: "a rotation refuses to leave a node behind, or says which it left",
  ignore,
  fn: () =>
    inLab({ intervalMs: 200 }, async (lab) => {
      await started(lab);
      await lab.node("fw3").stop();
      await settled(lab, ["fw1", "fw2"]);
      const refused = await avail(lab, "fw1", "key", "rotate");
      assertEquals(refused.code, 1);
      assertStringIncludes(refused.text, "fw3 is away");
      assertEquals((await keysOf(lab, "fw1")).keys.map(({ id }) => id), [1], "nothing was begun");
      const forced = await avail(lab, "fw1", "key", "rotate", "--force");
      assertEquals(forced.code, 0, forced.text);
      assertStringIncludes(forced.text, "fw3 was away: copy the key file to it");
      // It is left behind indeed, and comes back with the file.
      await lab.node("fw3").start();
      await statusWhere(lab, "fw3", "stays alone", ({ reason }) => /conflict/.test(reason ?? ""));
      await lab.node("fw3").stop();
      await Deno.copyFile(keyFileOf(lab, "fw1"), keyFileOf(lab, "fw3"));
      await lab.node("fw3").start();
      await settled(lab);
    }),
});
