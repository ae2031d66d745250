/**
 * The keys of a running node: what its file says is what it opens with, and the first key there is what
 * it seals with. Changes go into the file first and are used then, one after the other.
 */
import type { KeyOffer, KeysRequest, KeysStatus } from "../control_keys.ts";
import { AvailError, exitCodes } from "../errors.ts";
import { nextKeyId, withKeyAdded, withKeyFirst, withoutKey } from "../key_file.ts";
import type { ReplicationOrders } from "../ports.ts";
import {
  checkOf,
  type ClusterKey,
  formatKeyFile,
  type KeyRing,
  secretBytes,
} from "../wire/keys.ts";
import { type Offer, offerKey, unwrapKey, wrapKey, type WrappedKey } from "../wire/key_wrap.ts";
import { loadKeyFile, replaceKeyFile } from "./key_file.ts";

/** Offers that wait for a key; whoever made more has forgotten the first. */
const offersMax = 4;

export interface NodeKeysPorts {
  /** Opens with all of these keys and seals with the first from now on. */
  apply(ring: KeyRing): Promise<void>;
  /** The key of what each start of a node sent last, by incarnation. */
  heardKeyIds(): Promise<Readonly<Record<string, number>>>;
  /** Has another node answer. */
  ask(node: string, request: KeysRequest): Promise<unknown>;
  /** Something changed, in words without any secret. */
  log(message: string, fields: Readonly<Record<string, string | number>>): void;
}

export class NodeKeys {
  #ring: KeyRing;
  #path: string;
  /** Names of live nodes and their starts. */
  #live = new Map<string, string>();
  readonly #everLive = new Set<string>();
  readonly #offers: Offer[] = [];
  /** Changes wait for each other. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(
    readonly node: string,
    path: string,
    ring: KeyRing,
    readonly ports: NodeKeysPorts,
  ) {
    this.#path = path;
    this.#ring = ring;
  }

  /** What is in use. */
  get ring(): KeyRing {
    return this.#ring;
  }

  /** The keys are in this file from now on; it has yet to be read (`reload`). */
  useFile(path: string): void {
    this.#path = path;
  }

  /** Learns from the core's orders who is live. */
  noteOrders({ peers }: Pick<ReplicationOrders, "peers">): void {
    this.#live = new Map(peers.map(({ name, incarnation }) => [name, incarnation]));
    for (const { name } of peers) this.#everLive.add(name);
  }

  async answer(request: KeysRequest): Promise<KeysStatus | KeyOffer> {
    switch (request.do) {
      case "show":
        return await this.#status();
      case "offer":
        return this.#offer();
      case "give":
        return await this.#give(request.id, request.node);
      case "add":
        return await this.#inTurn(async () => {
          const added = await this.#add();
          return { ...await this.#status(), added };
        });
      default:
        return await this.#inTurn(async () => {
          await this.#change(request);
          return await this.#status();
        });
    }
  }

  async #change(request: Extract<KeysRequest, { do: "reload" | "use" | "drop" | "take" }>) {
    switch (request.do) {
      case "reload":
        return await this.#apply((await this.#read()).ring, "read the key file again");
      case "use":
        return await this.#use(request.id);
      case "drop":
        return await this.#drop(request.id);
      case "take":
        return await this.#take(request.id, request.offer, request);
    }
  }

  async #add(): Promise<number> {
    const { text, ring } = await this.#read();
    const id = nextKeyId(ring.keys.map((key) => key.id));
    if (id === null) throw new AvailError("key add: all 256 ids are taken; drop keys first");
    const bytes = crypto.getRandomValues(new Uint8Array(secretBytes));
    await this.#write(withKeyAdded(text, { id, bytes }), `added key ${id}`);
    return id;
  }

  async #use(id: number): Promise<void> {
    const { text, ring } = await this.#read();
    if (!ring.keys.some((key) => key.id === id)) {
      throw new AvailError(`key use: ${this.node} has no key ${id}; it has ${idsOf(ring)}`);
    }
    const isFirst = ring.keys[0].id === id;
    if (isFirst) return await this.#apply(ring, `uses key ${id}`);
    await this.#write(withKeyFirst(text, id), `uses key ${id}`);
  }

  async #drop(id: number): Promise<void> {
    const { text, ring } = await this.#read();
    if ([ring.keys[0].id, this.#ring.keys[0].id].includes(id)) {
      throw new AvailError(
        `key drop: key ${id} is in use at ${this.node}; use another one first: avail key use ID`,
      );
    }
    const users = (await this.peers()).filter(({ keyId }) => keyId === id);
    if (users.length > 0) {
      throw new AvailError(
        `key drop: ${users.map(({ name }) => name).join(", ")} still sends with key ${id}; ` +
          "let it use another one first: avail key use ID --node NODE",
      );
    }
    if (!ring.keys.some((key) => key.id === id)) return await this.#apply(ring, "keys read");
    await this.#write(withoutKey(text, id), `dropped key ${id}`);
  }

  #offer(): KeyOffer {
    const offer = offerKey();
    this.#offers.push(offer);
    if (this.#offers.length > offersMax) this.#offers.shift();
    return { offered: offer.offered };
  }

  async #give(id: number, node: string): Promise<KeysStatus> {
    const key = this.#ring.keys.find((candidate) => candidate.id === id);
    if (key === undefined) {
      throw new AvailError(`key: ${this.node} has no key ${id} to give; it has ${this.#ids}`);
    }
    const { offered: offer } = await this.ports.ask(node, {
      command: "keys",
      do: "offer",
    }) as KeyOffer;
    const wrapped = sealFor(node, key, offer);
    const request = { command: "keys", do: "take", id, offer, ...wrapped } as const;
    return await this.ports.ask(node, request) as KeysStatus;
  }

  async #take(id: number, offered: string, wrapped: WrappedKey): Promise<void> {
    const at = this.#offers.findIndex((offer) => offer.offered === offered);
    const [offer] = at < 0 ? [] : this.#offers.splice(at, 1);
    const bytes = offer === undefined ? null : unwrapKey(offer, wrapped);
    if (bytes === null) {
      throw new AvailError(`key: what came was not sealed for ${this.node}; give it again`);
    }
    const { text, ring } = await this.#read();
    const known = ring.keys.find((key) => key.id === id);
    if (known === undefined) {
      return await this.#write(withKeyAdded(text, { id, bytes }), `was given key ${id}`);
    }
    if (checkOf(known) !== checkOf({ id, bytes })) {
      throw new AvailError(
        `key: ${this.node} has another key ${id}; drop the one that is not in use: avail key drop ${id}`,
      );
    }
    await this.#apply(ring, `was given key ${id}`);
  }

  // ---- file and use

  /** What the file says now; it must have the seed that was used from the start. */
  async #read() {
    const file = await loadKeyFile(this.#path);
    if (formatKeyFile({ ...file.ring, keys: [] }) !== formatKeyFile({ ...this.#ring, keys: [] })) {
      throw new AvailError(
        `${this.#path}: the seed is not the one that ${this.node} was started with; ` +
          "it decides where packets go: put the cluster's seed back",
        { exitCode: exitCodes.usage },
      );
    }
    return file;
  }

  async #write(text: string, what: string): Promise<void> {
    await replaceKeyFile(this.#path, text);
    await this.#apply((await this.#read()).ring, what);
  }

  async #apply(ring: KeyRing, what: string): Promise<void> {
    const isChanged = formatKeyFile(ring) !== formatKeyFile(this.#ring);
    this.#ring = ring;
    await this.ports.apply(ring);
    if (!isChanged) return;
    this.ports.log(`keys: ${what}`, { sends: ring.keys[0].id, accepts: idsOf(ring) });
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work);
    this.#last = turn.catch(() => {});
    return turn;
  }

  async #status(): Promise<KeysStatus> {
    return {
      schema: 1,
      node: this.node,
      file: this.#path,
      sends: this.#ring.keys[0].id,
      keys: this.#ring.keys.map((key) => ({ id: key.id, check: checkOf(key) })),
      peers: await this.peers(),
      away: this.away,
    };
  }

  /** Nodes that were live since this one's start, and are not. */
  get away(): string[] {
    return [...this.#everLive].filter((name) => !this.#live.has(name)).sort();
  }

  /** The live nodes, and the key of what each sent last; null: nothing was heard yet. */
  async peers(): Promise<{ name: string; keyId: number | null }[]> {
    const heard = await this.ports.heardKeyIds();
    return [...this.#live].map(([name, start]) => ({ name, keyId: heard[start] ?? null }))
      .sort((a, b) => a.name < b.name ? -1 : 1);
  }

  get #ids(): string {
    return idsOf(this.#ring);
  }
}

function sealFor(node: string, key: ClusterKey, offer: string): WrappedKey {
  try {
    return wrapKey(key.bytes, offer);
  } catch {
    throw new AvailError(`key: what ${node} offers is no public key`);
  }
}

function idsOf({ keys }: { readonly keys: readonly Pick<ClusterKey, "id">[] }): string {
  return keys.map(({ id }) => id).join(", ");
}
