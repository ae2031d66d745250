/**
 * A cluster, its clients and its servers in network namespaces of this machine (topology.ts draws
 * them). The machine's own namespace is not touched. The demo tells its story with it, and the
 * namespace tests drive it.
 */
import { AvailError } from "../../lib/errors.ts";
import { LabNode } from "./lab_node.ts";
import { nodeConfig } from "./lab_config.ts";
import { leftovers, removeLab } from "./remove.ts";
import { requireTools, tool } from "./tool.ts";
import { clientAddressesMax, LabNames, nodesMax } from "./topology.ts";
import { Traffic, type TrafficOptions } from "./traffic.ts";
import { waitUntil } from "./wait.ts";
import { buildClients, buildServers, buildSwitch } from "./wiring.ts";

export interface LabOptions {
  /** 2 to 9. */
  readonly nodes: number;
  /** false: the nodes do not replicate flows. */
  readonly replication: boolean;
  readonly intervalMs: number;
  readonly multiplier: number;
  /**
   * The hosts' TCP retransmission time-out, at the same pace for the first six attempts (route
   * option `rto_min`, `tcp_thin_linear_timeouts`); null: the kernel's own 200 ms, doubled at each
   * attempt. With those, a host that hears nothing for 300 ms stays silent until 600 ms have passed,
   * and one would measure the host's patience. The default shows the cluster.
   */
  readonly rtoMinMs: number | null;
  /** `cluster.partition`; a majority is of `nodes`. */
  readonly partition: "serve" | "majority";
  /** `detection.damping`; null: the key is left out. Nodes fail here as often as one likes. */
  readonly damping: string | null;
  /** Appended to every node's configuration. */
  readonly extraConfig: string;
}

const defaults: LabOptions = {
  nodes: 3,
  replication: true,
  intervalMs: 100,
  multiplier: 3,
  partition: "serve",
  damping: "off",
  rtoMinMs: 40,
  extraConfig: "",
};

const tools = ["ip", "nft", "ping", "sysctl", "mount", "umount"];

export class Lab {
  readonly nodes: readonly LabNode[];
  readonly #traffic: Promise<Traffic>[] = [];
  readonly #closing = new AbortController();

  private constructor(readonly names: LabNames, readonly options: LabOptions) {
    this.nodes = Array.from(
      { length: options.nodes },
      (_, i) => new LabNode(names, `fw${i + 1}`, i + 1),
    );
  }

  /**
   * Builds everything up to machines that wait for `avail run`. Removes what it made if it fails.
   *
   * @throws AvailError that says which command failed and how, or what this machine lacks.
   */
  static async create(options: Partial<LabOptions> = {}): Promise<Lab> {
    const all = { ...defaults, ...options };
    if (!(Number.isInteger(all.nodes) && all.nodes >= 2 && all.nodes <= nodesMax)) {
      throw new AvailError(`nodes: ${all.nodes}; a lab has 2 to ${nodesMax}`, { exitCode: 2 });
    }
    await requireTools(tools);
    const lab = new Lab(new LabNames(await freeId()), all);
    try {
      await lab.#build();
    } catch (error) {
      await lab.remove().catch((second: Error) => {
        throw new AvailError(`${(error as Error).message}; then ${second.message}`);
      });
      throw error;
    }
    return lab;
  }

  /**
   * Removes a lab that another process left up.
   *
   * @throws AvailError where there is no such lab, or it cannot be removed wholly.
   */
  static async removeById(id: string): Promise<void> {
    if (!/^[0-9a-z]{1,8}$/.test(id)) throw new AvailError(`lab ${id}: not the id of a lab`);
    const names = new LabNames(id);
    if ((await leftovers(names)).length === 0) {
      throw new AvailError(`lab ${id}: there is none; running labs are in /run/avail-demo-*`);
    }
    await removeLab(names);
  }

  get id(): string {
    return this.names.id;
  }

  node(name: string): LabNode {
    const node = this.nodes.find((each) => each.name === name);
    if (node === undefined) throw new AvailError(`lab ${this.id}: no node ${name}`);
    return node;
  }

  /** Runs a command in the namespace of `clients`, `servers`, `switch` or a node. */
  async exec(host: string, argv: readonly string[], input?: string): Promise<string> {
    return await tool(["ip", "netns", "exec", this.names.namespace(host), ...argv], input);
  }

  /** Starts `avail run` on every node; `ready` of the cluster is for the caller to wait for. */
  async startNodes(): Promise<void> {
    await allOf(this.nodes.map((node) => node.start()));
  }

  /** Opens connections from the clients to the servers; see `TrafficOptions`. */
  async startTraffic(options: Partial<TrafficOptions> = {}): Promise<Traffic> {
    const traffic = Traffic.start(this.names, options, this.#closing.signal);
    this.#traffic.push(traffic);
    return await traffic;
  }

  /** Waits until `missing` returns null; fails at once where a daemon ended by itself. */
  async waitUntil(
    what: string,
    missing: () => Promise<string | null>,
    options: {
      timeoutMs: number;
      everyMs?: number;
      signal?: AbortSignal | undefined;
      onTry?: ((missing: string, waitedMs: number) => void) | undefined;
    },
  ): Promise<number> {
    const running = this.nodes.filter((node) => node.pid !== null);
    return await waitUntil(what, () => {
      const dead = running.find((node) => node.power === "idle");
      if (dead !== undefined) {
        throw new AvailError(`${dead.name}: avail run ended by itself (${dead.ended})`);
      }
      return missing();
    }, options);
  }

  /** Ends every process of the lab and removes all it made, from whatever state. */
  async remove(): Promise<void> {
    // Traffic that is still being started gives up first, so that it starts nothing afterwards.
    this.#closing.abort(new AvailError(`lab ${this.id}: it is being removed`));
    await Promise.allSettled(this.#traffic.map(async (traffic) => (await traffic).stop()));
    await removeLab(this.names);
  }

  async #build(): Promise<void> {
    await Deno.mkdir(this.names.directory, { mode: 0o700 });
    await buildSwitch(this.names);
    await allOf([
      buildClients(this.names, this.options.rtoMinMs),
      buildServers(this.names, this.options.rtoMinMs),
      ...this.nodes.map((node) => node.powerOn()),
    ]);
    const secrets = `seed ${secret()}\nkey 1 ${secret()}\n`;
    for (const node of this.nodes) await this.#equip(node, secrets);
  }

  /** Writes a node's files. The pins' file system is mounted here, outside the namespaces, because
   * `ip netns exec` gives each process mounts of its own, which end with it. */
  async #equip(node: LabNode, secrets: string): Promise<void> {
    await Deno.mkdir(`${node.directory}/bpf`, { recursive: true });
    await tool(["mount", "-t", "bpf", "bpf", `${node.directory}/bpf`]);
    const keyFile = `${node.directory}/cluster.key`;
    await Deno.writeTextFile(keyFile, secrets, { mode: 0o600 });
    await Deno.writeTextFile(node.configFile, nodeConfig(this.id, node, keyFile, this.options));
  }
}

/** The most connections whose client addresses all differ. */
export const differentClientsMax = 2 * clientAddressesMax;

async function freeId(): Promise<string> {
  for (;;) {
    const bytes = crypto.getRandomValues(new Uint8Array(2));
    const id = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
    if ((await leftovers(new LabNames(id))).length === 0) return id;
  }
}

/** As `Promise.all`, but a failure waits for the others: nothing is built any more when it is told. */
async function allOf(work: readonly Promise<void>[]): Promise<void> {
  const failed = (await Promise.allSettled(work)).find((each) => each.status === "rejected");
  if (failed !== undefined) throw failed.reason;
}

/** 32 random bytes in base64. */
function secret(): string {
  return btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(32))));
}
