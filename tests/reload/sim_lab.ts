/**
 * A simulated cluster whose nodes have configuration files: the cores are real, the network between them
 * is the simulator's, and so is the time. Requests between daemons arrive, or fail, as the network is.
 */
import type { Config } from "../../lib/config.ts";
import { configDigest, configTopics } from "../../lib/config_digest.ts";
import { readConfig } from "../../lib/config_file.ts";
import {
  type ClusterReport,
  parseReloadRequest,
  type ReloadReport,
  type ReloadRequest,
} from "../../lib/control_reload.ts";
import { AvailError } from "../../lib/errors.ts";
import { type ClusterReloadPorts, reloadCluster } from "../../lib/reload/cluster_reload.ts";
import { NodeReload } from "../../lib/reload/node_reload.ts";
import type { KeyRing } from "../../lib/wire/keys.ts";
import { Cluster } from "../sim/cluster.ts";
import { file, keysOf } from "./configs.ts";

/** What befalls one request between two daemons. */
export type Mishap = "request lost" | "answer lost" | null;

interface SimNode {
  reload: NodeReload;
  /** Incarnation of the core that it belongs to. */
  readonly start: string;
  config: Config;
  keys: KeyRing;
}

const askMs = 5000;

export class ReloadLab {
  readonly cluster: Cluster;
  /** What each node's file says. */
  readonly files = new Map<string, string>();
  readonly keyFiles = new Map<string, KeyRing>();
  readonly log: string[] = [];
  /** Called before each request of the one that reloads; requests are counted from 0. */
  before: (count: number, node: string, request: ReloadRequest) => Mishap = () => null;
  asked = 0;
  readonly #nodes = new Map<string, SimNode>();
  #reloads = 0;

  constructor(
    readonly names: readonly string[],
    seed: number,
    options: Partial<ConstructorParameters<typeof Cluster>[0]> = {},
  ) {
    for (const name of names) {
      this.files.set(name, file.replace('name = "fw1"', `name = "${name}"`));
      this.keyFiles.set(name, keysOf([1]));
    }
    this.cluster = new Cluster({
      seed,
      names,
      ...options,
      configure: (name) => {
        const config = this.#read(name);
        const keys = this.keyFiles.get(name)!;
        return {
          weight: config.node.weight,
          backups: config.replication.backups,
          configDigest: configDigest(config, keys),
          topics: configTopics(config, keys),
        };
      },
      configured: (name, effect) => this.#nodes.get(name)!.reload.configured(effect),
    });
    for (const name of names) this.start(name);
  }

  /** Starts a node with what its file says now. */
  start(name: string): void {
    const reload = this.#reloadOf(name);
    const [config, keys] = [this.#read(name), this.keyFiles.get(name)!];
    this.#nodes.set(name, { reload, start: "", config, keys });
    this.cluster.start(name);
    const start = this.cluster.machine(name).incarnation;
    this.#nodes.set(name, { reload, start, config, keys });
  }

  write(name: string, ...replacements: readonly (readonly [from: string, to: string])[]): void {
    const text = this.files.get(name)!;
    this.files.set(name, replacements.reduce((all, [from, to]) => all.replace(from, to), text));
  }

  /** With what a node runs; null where it does not. */
  configOf(name: string): Config | null {
    return this.#isUp(name) ? this.#nodes.get(name)!.config : null;
  }

  incarnation(name: string): string {
    return this.cluster.machine(name).incarnation;
  }

  /** `avail reload` on a node. */
  async reload(name: string, dryRun = false): Promise<ReloadReport> {
    const request = { command: "reload", do: dryRun ? "check" : "apply" } as const;
    return await this.#nodes.get(name)!.reload.answer(request) as ReloadReport;
  }

  /** `avail reload --cluster` on a node. */
  async reloadCluster(self: string, dryRun = false): Promise<ClusterReport> {
    const id = (++this.#reloads).toString(16).padStart(16, "0");
    const { detectionMs } = this.cluster;
    return await reloadCluster(this.#ports(self), { id, detectionMs, dryRun });
  }

  /** Runs until every node that is up has its part, all agree, and everything is safe. */
  settle(withinMs = 30_000): void {
    const isWhole = () => {
      const up = this.names.filter((name) => this.#isUp(name));
      return up.every((name) => {
        const { safe, members } = this.cluster.snapshot(name);
        return members.length === up.length && (safe || up.length === 1) &&
          members.every(({ standing }) => standing.differs.length === 0);
      }) && this.cluster.loads().filter((load) => load > 0).length === up.length;
    };
    if (!this.cluster.runUntil(isWhole, withinMs, 20)) {
      const { members, epoch } = this.cluster.snapshot(this.names[0]);
      const those = members.map(({ name, standing }) => `${name} ${standing.differs}`).join(", ");
      throw new Error(`not whole: loads ${this.cluster.loads()}, epoch ${epoch}, ${those}`);
    }
  }

  #ports(self: string): ClusterReloadPorts {
    const { cluster } = this;
    return {
      look: () => {
        const { name, members, epoch, planning } = cluster.snapshot(self);
        return Promise.resolve({ self: name, members, epoch, planner: planning.planner });
      },
      ask: (node, request) => this.#ask(self, node, request),
      pause: (ms) => {
        cluster.run(ms);
        return Promise.resolve();
      },
      now: () => cluster.now,
    };
  }

  async #ask(self: string, node: string, request: ReloadRequest): Promise<unknown> {
    const mishap = this.before(this.asked++, node, request);
    const { cluster } = this;
    const [from, to] = [cluster.machine(self).index, cluster.machine(node).index];
    const gone = (ms: number) => {
      cluster.run(ms);
      return new AvailError(`${node} is gone (dead, left or restarted)`);
    };
    cluster.run(cluster.random.next() * 3);
    const { network } = cluster;
    const isCut = (a: number, b: number) => a !== b && network.reachesSince(a, b) === Infinity;
    if (mishap === "request lost" || !this.#isUp(node) || isCut(from, to)) throw gone(askMs);
    const { reload, start } = this.#nodes.get(node)!;
    const text = JSON.stringify(request); // as it would travel
    const answer = await reload.answer(parseReloadRequest(JSON.parse(text)));
    cluster.run(cluster.random.next() * 3);
    const isLost = mishap === "answer lost" || isCut(to, from);
    if (isLost || this.incarnation(node) !== start) throw gone(askMs);
    return JSON.parse(JSON.stringify(answer));
  }

  #isUp(name: string): boolean {
    const { core, paused, frozen, stopped } = this.cluster.machine(name);
    return core !== null && !paused && !frozen && !stopped;
  }

  #read(name: string): Config {
    return readConfig(this.files.get(name)!, { file: "avail.toml", hostName: name }).config;
  }

  #reloadOf(name: string): NodeReload {
    const node = () => this.#nodes.get(name)!;
    const reload: NodeReload = new NodeReload(name, {
      read: () => {
        try {
          const config = this.#read(name);
          return Promise.resolve({ config, keys: this.keyFiles.get(name)!, warnings: [] });
        } catch (error) {
          return Promise.reject(error);
        }
      },
      present: () => node(),
      obstacles: () => Promise.resolve([]),
      addresses: () => null,
      agreed: ({ config, keys }) => ({
        configDigest: configDigest(config, keys),
        topics: configTopics(config, keys),
      }),
      core: (input) => this.cluster.settings(name, input),
      others: () => {
        const { members } = this.cluster.snapshot(name);
        const others = members.filter((one) => one.name !== name && one.state === "ready");
        return Promise.resolve(others.map(({ name, agreed }) => ({ name, ...agreed })));
      },
      away: () => Promise.resolve([]),
      use: ({ config, keys }) => {
        if (node().reload === reload) Object.assign(node(), { config, keys });
        return Promise.resolve([]);
      },
      restart: () => "restart it",
      log: (level, message) => void this.log.push(`${name} ${level} ${message}`),
      now: () => this.cluster.now,
      after: (ms, run) => this.cluster.later(ms, run),
    });
    return reload;
  }
}
