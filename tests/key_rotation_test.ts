/** A rotation over nodes in memory: every place where it can stop, and what a second run makes of it. */
import type { KeysRequest, KeysStatus } from "../lib/control_keys.ts";
import { AvailError } from "../lib/errors.ts";
import { nextKeyId } from "../lib/key_file.ts";
import { rotateKeys, type Rotation } from "../lib/key_rotation.ts";
import { assert, assertEquals, assertRejects } from "./assert.ts";

interface FakeNode {
  /** The first one sends. */
  keys: { id: number; check: string }[];
  away: string[];
}

/** Nodes that hear each other at once. */
class FakeCluster {
  readonly nodes = new Map<string, FakeNode>();
  readonly asked: string[] = [];
  /** This request, counted from 0, fails; before or after it has its effect. */
  failing: { at: number; isDone: boolean } | null = null;
  #made = 0;

  constructor(readonly names: readonly string[], ids: readonly number[] = [1]) {
    for (const name of names) {
      this.nodes.set(name, { keys: ids.map((id) => ({ id, check: `key ${id}` })), away: [] });
    }
  }

  rotate(self = this.names[0], force = false): Promise<Rotation> {
    return rotateKeys({
      ask: (node, request) => this.#ask(node, request),
      pause: () => Promise.resolve(),
      told: () => {},
    }, { self, force });
  }

  ids(name: string): number[] {
    return this.nodes.get(name)!.keys.map(({ id }) => id);
  }

  async #ask(node: string, request: KeysRequest): Promise<KeysStatus> {
    await Promise.resolve();
    const isFailing = request.do !== "show" && this.failing?.at === this.asked.length;
    if (request.do !== "show") this.asked.push(`${node} ${request.do}`);
    if (isFailing && !this.failing!.isDone) throw new AvailError(`${node} is gone`);
    const status = this.#perform(node, request);
    if (isFailing) throw new AvailError(`no answer from ${node}`);
    this.#assertAllHear();
    return status;
  }

  #perform(name: string, request: KeysRequest): KeysStatus {
    const node = this.nodes.get(name);
    if (node === undefined) throw new AvailError(`"${name}" is no live node`);
    let added: number | undefined;
    switch (request.do) {
      case "add":
        added = nextKeyId(node.keys.map(({ id }) => id))!;
        node.keys.push({ id: added, check: `made ${this.#made++}` });
        break;
      case "give": {
        const to = this.nodes.get(request.node)!;
        const key = node.keys.find(({ id }) => id === request.id)!;
        if (!to.keys.some(({ id }) => id === key.id)) to.keys.push(key);
        break;
      }
      case "use": {
        const key = node.keys.find(({ id }) => id === request.id);
        if (key === undefined) throw new AvailError(`${name} has no key ${request.id}`);
        node.keys = [key, ...node.keys.filter((each) => each !== key)];
        break;
      }
      case "drop": {
        const sent = [...this.nodes.values()].map(({ keys }) => keys[0].id);
        if (sent.includes(request.id)) throw new AvailError("still in use");
        node.keys = node.keys.filter(({ id }) => id !== request.id);
        break;
      }
    }
    const { keys, away } = node;
    const peers = this.names.filter((other) => other !== name)
      .map((other) => ({ name: other, keyId: this.nodes.get(other)!.keys[0].id }));
    const status = {
      schema: 1,
      node: name,
      file: "",
      sends: keys[0].id,
      keys,
      peers,
      away,
    } as const;
    return added === undefined ? status : { ...status, added };
  }

  /** The promise of every step: each node opens what each other one sends. */
  #assertAllHear(): void {
    for (const [name, { keys }] of this.nodes) {
      for (const [other, { keys: [sent] }] of this.nodes) {
        assert(keys.some(({ check }) => check === sent.check), `${name} does not hear ${other}`);
      }
    }
  }
}

const three = ["fw1", "fw2", "fw3"];

Deno.test("every node has the new key before any uses it, and the old one goes last", async () => {
  const cluster = new FakeCluster(three);
  const { key, dropped, nodes } = await cluster.rotate();
  assertEquals([key, dropped, nodes], [2, [1], three]);
  assertEquals(cluster.asked, [
    "fw1 add",
    "fw1 give",
    "fw1 give",
    "fw1 use",
    "fw2 use",
    "fw3 use",
    "fw1 drop",
    "fw2 drop",
    "fw3 drop",
  ]);
});

Deno.test("wherever it stops, nobody is cut off, and another run, from any node, finishes it", async () => {
  for (let at = 0; at < 9; at++) {
    for (const isDone of [false, true]) {
      for (const self of three) {
        const cluster = new FakeCluster(three);
        cluster.failing = { at, isDone };
        await assertRejects(() => cluster.rotate(), AvailError, "it stopped there");
        cluster.failing = null;
        await cluster.rotate(self);
        const where = `request ${at}, ${isDone ? "done" : "not done"}, then from ${self}`;
        const ids = three.map((name) => cluster.ids(name));
        // Where all was done already, the second run is a rotation of its own.
        const isWhole = at === 8 && isDone || at === 0 && !isDone;
        assertEquals(ids, Array(3).fill(isWhole && at === 8 ? [3] : [2]), where);
      }
    }
  }
});

Deno.test("a node that is away stops it before anything is done; --force leaves it behind", async () => {
  const cluster = new FakeCluster(three);
  cluster.nodes.get("fw3")!.away.push("fw4");
  await assertRejects(() => cluster.rotate(), AvailError, "fw4 is away");
  assertEquals(cluster.asked, []);
  assertEquals((await cluster.rotate("fw1", true)).away, ["fw4"]);
});

Deno.test("two nodes that made a key of the same id each are told apart", async () => {
  const cluster = new FakeCluster(three);
  cluster.nodes.get("fw1")!.keys.push({ id: 2, check: "of fw1" });
  cluster.nodes.get("fw2")!.keys.push({ id: 2, check: "of fw2" });
  await assertRejects(() => cluster.rotate(), AvailError, "fw2 has another key 2 than fw1");
  assertEquals(cluster.ids("fw1")[0], 1, "nobody uses it");
});

Deno.test("ids go round", async () => {
  const cluster = new FakeCluster(three, [255]);
  assertEquals((await cluster.rotate()).key, 0);
  assertEquals((await cluster.rotate()).key, 1);
});
