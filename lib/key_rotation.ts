/**
 * A rotation of the whole cluster's key, in steps of which each can be repeated: one new key for all
 * live nodes, look that all have it, use it everywhere, look that all hear it, drop the others.
 *
 * Intuition: at any moment every node opens with every key that any node seals with, so nothing is
 * lost wherever the rotation stops. Where it stopped is seen from the keys that the nodes have; so a
 * second run goes on instead of beginning another one.
 */
import type { KeysRequest, KeysStatus } from "./control_keys.ts";
import { AvailError } from "./errors.ts";
import { newestKeyId } from "./key_file.ts";

export interface RotationPorts {
  /** Has a node, by its name, do something; throws `AvailError` with its words. */
  ask(node: string, request: KeysRequest): Promise<KeysStatus>;
  /** Waits a little before the nodes are looked at again. */
  pause(): Promise<void>;
  /** A step is done. */
  told(step: string): void;
}

export interface RotationOptions {
  /** The node whose daemon is spoken to. */
  readonly self: string;
  /** Also where nodes are away: they will have to be given the key by hand. */
  readonly force: boolean;
}

export interface Rotation {
  readonly key: number;
  readonly dropped: readonly number[];
  readonly nodes: readonly string[];
  /** Nodes that were left with the old key. */
  readonly away: readonly string[];
}

/** How often the nodes are looked at until all have heard all others under the new key. */
const looksMax = 50;

/** Rotates, or finishes what was begun; throws `AvailError` with the first failure and what it means. */
export async function rotateKeys(
  ports: RotationPorts,
  options: RotationOptions,
): Promise<Rotation> {
  const rotation = new Rotating(ports);
  const before = await rotation.look(options.self);
  const away = awayOf(before);
  if (away.length > 0 && !options.force) {
    throw new AvailError(
      `key rotate: ${names(away)} ${away.length > 1 ? "are" : "is"} away and would keep the old ` +
        "key; start it first, or leave it behind with --force and copy the key file to it afterwards",
    );
  }
  requireMutual(before);
  const nodes = before.map(({ node }) => node);
  try {
    const key = await rotation.spread(before, options.self);
    await rotation.use(nodes, key);
    const dropped = await rotation.dropOthers(nodes, key);
    return { key, dropped, nodes, away };
  } catch (error) {
    if (!(error instanceof AvailError)) throw error;
    throw new AvailError(
      `key rotate: ${error.message}; it stopped there, no node lacks a key that is in use: run it again`,
      { cause: error },
    );
  }
}

class Rotating {
  constructor(readonly ports: RotationPorts) {}

  /** The keys of all live nodes. */
  async look(self: string): Promise<KeysStatus[]> {
    const own = await this.#show(self);
    const others = own.peers.map(({ name }) => this.#show(name));
    return [own, ...await Promise.all(others)];
  }

  /** Lets every node have the newest key, a fresh one unless a rotation was begun; its id. */
  async spread(before: readonly KeysStatus[], self: string): Promise<number> {
    let holder = self;
    let key = newestKeyId(before.flatMap(({ keys }) => keys.map(({ id }) => id)));
    let states = before;
    if (isSettled(before)) {
      const made = await this.ports.ask(self, { command: "keys", do: "add" });
      key = made.added!;
      states = before.map((state) => state.node === self ? made : state);
      this.ports.told(`${self} made key ${key}`);
    } else {
      holder = before.find((state) => has(state, key))!.node;
      this.ports.told(`goes on with key ${key}`);
    }
    for (const { node } of states.filter((state) => !has(state, key))) {
      await this.ports.ask(holder, { command: "keys", do: "give", id: key, node });
      this.ports.told(`${node} has key ${key}`);
    }
    const nodes = before.map(({ node }) => node);
    const after = await Promise.all(nodes.map((node) => this.#show(node)));
    const checks = after.map((state) => state.keys.find(({ id }) => id === key)?.check);
    const different = nodes.filter((_, i) => checks[i] !== checks[0]);
    if (different.length > 0) {
      throw new AvailError(
        `${names(different)} has another key ${key} than ${nodes[0]}; ` +
          `drop it there: avail key drop ${key} --node ${different[0]}`,
      );
    }
    return key;
  }

  /** Has every node seal with the key, and waits until every other one has heard it. */
  async use(nodes: readonly string[], key: number): Promise<void> {
    for (const node of nodes) await this.ports.ask(node, { command: "keys", do: "use", id: key });
    this.ports.told(`all use key ${key}`);
    let late = "";
    for (let looks = 0; looks < looksMax; looks++) {
      const states = await Promise.all(nodes.map((node) => this.#show(node)));
      late = states.map((state) => unheard(state, nodes, key)).find((text) => text !== null) ?? "";
      if (late === "") return;
      await this.ports.pause();
    }
    throw new AvailError(late);
  }

  async dropOthers(nodes: readonly string[], key: number): Promise<number[]> {
    const dropped = new Set<number>();
    for (const node of nodes) {
      const { keys } = await this.#show(node);
      for (const { id } of keys.filter(({ id }) => id !== key)) {
        await this.ports.ask(node, { command: "keys", do: "drop", id });
        dropped.add(id);
      }
    }
    const left = (await Promise.all(nodes.map((node) => this.#show(node))))
      .filter(({ keys }) => keys.length !== 1).map(({ node }) => node);
    if (left.length > 0) throw new AvailError(`${names(left)} still has older keys`);
    if (dropped.size > 0) this.ports.told(`dropped key ${[...dropped].join(", ")} everywhere`);
    return [...dropped].sort((a, b) => a - b);
  }

  #show(node: string): Promise<KeysStatus> {
    return this.ports.ask(node, { command: "keys", do: "show" });
  }
}

/** No rotation is under way: every node has the same single key. */
function isSettled(states: readonly KeysStatus[]): boolean {
  return states.every(({ keys }) => keys.length === 1 && keys[0].check === states[0].keys[0].check);
}

function has({ keys }: KeysStatus, key: number): boolean {
  return keys.some(({ id }) => id === key);
}

function awayOf(states: readonly KeysStatus[]): string[] {
  const live = new Set(states.map(({ node }) => node));
  const away = states.flatMap((state) => state.away).filter((name) => !live.has(name));
  return [...new Set(away)].sort();
}

/** All live nodes must be live for each other: one that only some hear would be left behind. */
function requireMutual(states: readonly KeysStatus[]): void {
  const all = states.map(({ node }) => node);
  for (const { node, peers } of states) {
    const seen = [node, ...peers.map(({ name }) => name)];
    const missing = all.filter((name) => !seen.includes(name));
    if (missing.length > 0) {
      throw new AvailError(
        `key rotate: ${node} does not hear ${
          names(missing)
        }; wait until all hear each other: avail status`,
      );
    }
    const more = seen.filter((name) => !all.includes(name));
    if (more.length > 0) {
      throw new AvailError(
        `key rotate: ${node} hears ${names(more)}, which ${all[0]} does not; ` +
          "wait until all hear each other: avail status",
      );
    }
  }
}

/** What a node has not heard yet under the key; null: nothing is missing. */
function unheard(state: KeysStatus, nodes: readonly string[], key: number): string | null {
  if (state.sends !== key) return `${state.node} still sends with key ${state.sends}`;
  const missing = nodes.filter((name) =>
    name !== state.node && state.peers.find((peer) => peer.name === name)?.keyId !== key
  );
  return missing.length === 0
    ? null
    : `${state.node} has not heard ${names(missing)} with key ${key}`;
}

function names(list: readonly string[]): string {
  return list.join(", ");
}
