/** Reloading on a running daemon: its parts in the terms of lib/reload/, and what the signal does. */
import type { ClusteripSetup } from "../clusterip/match.ts";
import type { Config } from "../config.ts";
import { configDigest, configTopics } from "../config_digest.ts";
import type { KeysRequest } from "../control_keys.ts";
import type {
  ClusterReport,
  ReloadClusterRequest,
  ReloadReport,
  ReloadRequest,
} from "../control_reload.ts";
import { AvailError, ConfigError } from "../errors.ts";
import type { Log } from "../log.ts";
import type { Input, Snapshot } from "../node_types.ts";
import type { Change } from "../reload/changes.ts";
import { reloadCluster } from "../reload/cluster_reload.ts";
import { type Loaded, NodeReload, type OtherAgreed } from "../reload/node_reload.ts";
import type { SettingsEffect } from "../reload/settings.ts";
import { now } from "./clock.ts";
import { checkConfig } from "./config_check.ts";
import type { HealthWatch } from "./health_watch.ts";
import { loadKeyFile } from "./key_file.ts";
import type { Machine } from "./machine.ts";
import { addressOf, type MetricsServer } from "./metrics_server.ts";
import type { NodeKeys } from "./node_keys.ts";
import { whileReloading } from "./notify.ts";
import { keyObstacles } from "./reload_keys.ts";
import { type LinkPorts, ReloadLinks, whyNotListen } from "./reload_links.ts";
import { findServiceManager } from "./service_manager.ts";

/** What of the daemon a reload changes or asks. */
export interface DaemonParts {
  readonly clusterip: ClusteripSetup | null;
  readonly core: LinkPorts["core"] & {
    input(input: Input): void;
    snapshot(): Promise<Snapshot>;
  };
  readonly replication: LinkPorts["replication"];
  /** With which the daemon was started. */
  readonly machine: Machine;
  readonly keys: NodeKeys;
  readonly health: HealthWatch;
  readonly metrics: MetricsServer;
  readonly log: Log;
  /** Has another node, or this one, answer. */
  forward(node: string, request: ReloadRequest | KeysRequest): Promise<unknown>;
  /** This configuration is in use. */
  used(config: Config): void;
}

export class DaemonReload {
  readonly #parts: DaemonParts;
  readonly #reload: NodeReload;
  #config: Config;
  readonly #links: ReloadLinks;

  /** `config`: with which the daemon was started. */
  constructor(config: Config, parts: DaemonParts) {
    this.#config = config;
    this.#parts = parts;
    const { clusterip, core, log, machine } = parts;
    this.#links = new ReloadLinks(machine, parts);
    this.#reload = new NodeReload(config.node.name, {
      read: () => readAll(config.file),
      present: () => ({ config: this.#config, keys: parts.keys.ring }),
      obstacles: (next, changes) => this.#obstacles(next, changes),
      addresses: ({ config }, changes) => this.#links.addresses(config, changes),
      agreed: ({ config, keys }) => ({
        configDigest: configDigest(config, keys, clusterip),
        topics: configTopics(config, keys, clusterip),
      }),
      core: (input) => core.input(input),
      others: () => this.#others(),
      away: () => Promise.resolve(parts.keys.away),
      use: (next, changes) => this.#use(next, changes),
      restart: restartCommand,
      log: (level, message, fields) => log.write(level, message, fields),
      now,
      after: (ms, run) => void setTimeout(run, ms),
    });
  }

  /** The core uses what was staged. */
  configured(effect: SettingsEffect): void {
    this.#reload.configured(effect);
  }

  async answer(request: ReloadRequest): Promise<unknown> {
    if (request.do !== "apply") return await this.#reload.answer(request);
    return await whileReloading(
      async () => await this.#reload.answer(request) as ReloadReport,
      ({ outcome }) => outcome === "refused" ? "the reload was refused" : "the reload is done",
    );
  }

  /** SIGHUP: what came of it is in the log. */
  async onSignal(): Promise<void> {
    try {
      await this.answer({ command: "reload", do: "apply" });
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      this.#parts.log.error(`nothing was reloaded: ${why}`, { event: "reload-refused" });
    }
  }

  /** Has all live nodes reload. */
  async cluster({ dryRun }: ReloadClusterRequest): Promise<ClusterReport> {
    const { core, forward, log } = this.#parts;
    const { intervalMs, multiplier } = this.#config.detection;
    const report = await reloadCluster({
      look: async () => {
        const { name: self, members, epoch, planning } = await core.snapshot();
        return { self, members, epoch, planner: planning.planner };
      },
      ask: (node, request) => forward(node, request),
      pause: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
      now,
    }, {
      id: crypto.getRandomValues(new Uint8Array(8)).toHex(),
      detectionMs: intervalMs * multiplier,
      dryRun,
    });
    const { outcome, epoch } = report;
    if (!dryRun) {
      const level = outcome === "refused" || outcome === "partly" ? "warn" : "info";
      const nodes = report.nodes.map((node) => `${node.node} ${node.outcome}`).join(", ");
      const fields = { event: "cluster-reload", outcome, epoch, nodes };
      log.write(level, `a reload of all nodes: ${outcome}`, fields);
    }
    return report;
  }

  async #others(): Promise<OtherAgreed[]> {
    const { name: self, members } = await this.#parts.core.snapshot();
    return members.filter(({ name, state }) => name !== self && state === "ready")
      .map(({ name, agreed }) => ({ name, ...agreed }));
  }

  async #obstacles({ config, keys }: Loaded, changes: readonly Change[]): Promise<string[]> {
    const has = (wanted: string) => changes.some(({ key }) => key === wanted);
    const { listen } = config.metrics;
    return [
      ...(has("keys") ? await keyObstacles(keys, this.#parts.keys, this.#parts.forward) : []),
      ...(has("metrics.listen") && listen !== "off"
        ? whyNotListen("metrics.listen", addressOf(listen))
        : []),
      ...this.#links.obstacles(config, changes),
    ];
  }

  async #use({ config }: Loaded, changes: readonly Change[]): Promise<string[]> {
    const { keys, health, metrics, used } = this.#parts;
    this.#config = config;
    used(config);
    if (changes.some(({ key }) => key.startsWith("check[") || key === "cluster.ruleset")) {
      health.use(config);
    }
    metrics.use(config.metrics.listen);
    keys.useFile(config.cluster.keyFile);
    const problems: string[] = [];
    try {
      this.#links.use(config, changes);
    } catch (error) {
      if (!(error instanceof AvailError)) throw error;
      problems.push(`the links are not as they should be: ${error.message}`);
    }
    // The file itself counts, as it is now: a key may have been added since it was looked at.
    if (!changes.some(({ key }) => key === "keys" || key === "cluster.key_file")) return problems;
    try {
      await keys.answer({ command: "keys", do: "reload" });
    } catch (error) {
      if (!(error instanceof AvailError)) throw error;
      problems.push(`the keys are as they were: ${error.message}`);
    }
    return problems;
  }
}

/** As `avail config check` reads it. */
async function readAll(file: string): Promise<Loaded> {
  const { config, faults, warnings } = await checkConfig(file, {
    fileOnly: false,
    isRunning: true,
  });
  if (config === null || faults.length > 0) throw new ConfigError(faults);
  const { ring } = await loadKeyFile(config.cluster.keyFile);
  return { config, keys: ring, warnings };
}

/** null where no service manager runs the daemon. */
function restartCommand(): string | null {
  const manager = findServiceManager();
  return manager.isInstalled() ? manager.commandFor("restart") : null;
}
