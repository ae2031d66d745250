/**
 * A cluster of up to 100 nodes and nothing else: each is a namespace with two interfaces, and the
 * switch is one more, with a bridge for each of the two networks.
 *
 *     fw1 .. fwN --- share --- bridge        192.0.2.0/24, shared address 192.0.2.1
 *                --- sync ---- bridge        198.51.100.0/24
 */
import { type Detached, startDetached } from "../../cli/demo/processes.ts";
import { removeLab } from "../../cli/demo/remove.ts";
import { selfCommand } from "../../cli/demo/self.ts";
import { ipBatch, requireTools, tool } from "../../cli/demo/tool.ts";
import { LabNames } from "../../cli/demo/topology.ts";
import { waitUntil } from "../../cli/demo/wait.ts";
import type { Status } from "../../lib/control.ts";
import { controlRequest } from "../../lib/host/control_socket.ts";

const networks = ["share", "sync"] as const;
const nodesMax = 100;

export interface WideNode {
  readonly name: string;
  readonly pid: number;
  readonly logFile: string;
  readonly namespace: string;
  status(): Promise<Status>;
}

export class WideLab {
  readonly names: LabNames;
  readonly nodes: readonly WideNode[];

  private constructor(names: LabNames, nodes: readonly WideNode[]) {
    this.names = names;
    this.nodes = nodes;
  }

  /**
   * Builds it, starts a daemon on every node, and waits until they share all buckets.
   *
   * @throws AvailError with what failed; what was made is removed then.
   */
  static async start(
    nodes: number,
    detection: { readonly intervalMs: number; readonly multiplier: number },
  ): Promise<WideLab> {
    if (nodes < 2 || nodes > nodesMax) throw new Error(`${nodes} nodes: it takes 2 to ${nodesMax}`);
    await requireTools(["ip", "sysctl", "mount", "umount"]);
    const names = ownNames();
    try {
      await Deno.mkdir(names.directory, { mode: 0o700 });
      await buildSwitch(names);
      const secrets = `seed ${secret()}\nkey 1 ${secret()}\n`;
      const started: WideNode[] = [];
      for (let number = 1; number <= nodes; number++) {
        const node = await startNode(names, number, secrets, detection);
        started.push(node);
        // One after the other: programs that start together take the processors from those that serve.
        await waitUntil(`${node.name} answers`, async () => {
          const status = await node.status().catch(() => null);
          return status === null ? "it does not" : null;
        }, { timeoutMs: 30_000 });
      }
      const lab = new WideLab(names, started);
      await lab.#settled();
      return lab;
    } catch (error) {
      await removeLab(names);
      throw error;
    }
  }

  /** Whatever this process has built, also where it is not complete. */
  static async removeAll(): Promise<void> {
    await removeLab(ownNames());
  }

  async remove(): Promise<void> {
    await removeLab(this.names);
  }

  async #settled(): Promise<void> {
    await waitUntil(`${this.nodes.length} nodes share all buckets`, async () => {
      for (const node of this.nodes) {
        const status = await node.status().catch(() => null);
        if (status === null) return `${node.name} does not answer`;
        const owners = new Set(status.owners);
        if (owners.has(null) || owners.size < this.nodes.length) {
          return `${node.name} sees ${owners.size} owners`;
        }
        if (!status.safe) return `${node.name} is not safe: ${status.unsafeBecause}`;
      }
      return null;
    }, { timeoutMs: 300_000, everyMs: 500 });
  }
}

/** One at a time in a process. */
function ownNames(): LabNames {
  return new LabNames(`w${Deno.pid.toString(36)}`);
}

async function buildSwitch(names: LabNames): Promise<void> {
  const namespace = names.namespace("switch");
  await ipBatch(null, [`netns add ${namespace}`]);
  await quietIpv6(namespace);
  await ipBatch(
    namespace,
    networks.flatMap((bridge) => [
      `link add ${bridge} type bridge mcast_snooping 0`,
      `link set ${bridge} up`,
    ]),
  );
}

async function startNode(
  names: LabNames,
  number: number,
  secrets: string,
  { intervalMs, multiplier }: { readonly intervalMs: number; readonly multiplier: number },
): Promise<WideNode> {
  const name = `fw${number}`;
  const namespace = names.namespace(name);
  await ipBatch(null, [`netns add ${namespace}`]);
  await quietIpv6(namespace);
  await ipBatch(namespace, [
    "link set lo up",
    ...networks.map((on) =>
      `link add ${on} type veth peer name ${name}-${on} netns ${names.namespace("switch")}`
    ),
    `address add 192.0.2.${100 + number}/24 dev share`,
    `address add 198.51.100.${100 + number}/24 dev sync`,
    ...networks.map((on) => `link set ${on} up`),
  ]);
  await ipBatch(
    names.namespace("switch"),
    networks.map((on) => `link set ${name}-${on} master ${on} up`),
  );
  const directory = `${names.directory}/${name}`;
  await Deno.mkdir(`${directory}/bpf`, { recursive: true });
  await tool(["mount", "-t", "bpf", "bpf", `${directory}/bpf`]);
  await Deno.writeTextFile(`${directory}/cluster.key`, secrets, { mode: 0o600 });
  await Deno.writeTextFile(
    `${directory}/avail.toml`,
    `\
[cluster]
name = "wide-${names.id}"
key_file = "${directory}/cluster.key"
[node]
name = "${name}"
[[link]]
interface = "sync"
[[share]]
interface = "share"
addresses = ["192.0.2.1/24"]
key = "source"
[detection]
interval = "${intervalMs}ms"
multiplier = ${multiplier}
[control]
socket = "${directory}/control.sock"
[metrics]
listen = "off"
`,
  );
  const logFile = `${directory}/log`;
  const daemon: Detached = await startDetached(
    names.directory,
    name,
    [
      "ip",
      "netns",
      "exec",
      namespace,
      ...selfCommand(),
      "run",
      "--config",
      `${directory}/avail.toml`,
    ],
    logFile,
  );
  return {
    name,
    pid: daemon.pid,
    logFile,
    namespace,
    status: async () =>
      await controlRequest(`${directory}/control.sock`, { command: "status" }, 10_000) as Status,
  };
}

/** Nothing but heartbeats is to be heard. */
async function quietIpv6(namespace: string): Promise<void> {
  const setting = "net.ipv6.conf.all.disable_ipv6=1";
  await tool(["ip", "netns", "exec", namespace, "sysctl", "-q", "-w", setting]);
}

/** 32 random bytes in base64. */
function secret(): string {
  return btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(32))));
}
