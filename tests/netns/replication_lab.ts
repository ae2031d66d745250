/**
 * The namespaces in which replication is tested on real kernels:
 *
 *     client --- (10.1.0.0/24, fd01::/64) --- owner --- (10.2.0.0/24, fd02::/64) --- server
 *                                               |
 *                                       sync (10.9.0.0/24)
 *                                               |
 *                                             backup
 *
 * All traffic passes the owner, which has stateful rules and translates some of it with its shared
 * addresses 10.1.0.100 and 10.2.0.100; the backup sees nothing but what it is told.
 */
import { BucketSet } from "../../lib/ownership/bucket_set.ts";
import { linesOf } from "../lines.ts";
import type { CommandLine, NodeArguments } from "./replication_node.ts";
import { must, run } from "./steering_lab.ts";

const nodeProgram = new URL("./replication_node.ts", import.meta.url).pathname;
const flowProgram = new URL("./flow_process.ts", import.meta.url).pathname;
const replicationPort = 7790;

const ruleset = `
table inet filter {
  chain forward { type filter hook forward priority 0; ct state invalid drop; ct mark set 7; }
}
table ip nat {
  chain pre { type nat hook prerouting priority -100;
    ip daddr 10.1.0.100 tcp dport 2222 dnat to 10.2.0.2:8080;
  }
  chain post { type nat hook postrouting priority 100;
    ip saddr 10.1.0.3 snat to 10.2.0.100;
  }
}
`;

/** A line of a node's process. */
export interface NodeLine {
  readonly report?: {
    readonly kind: string;
    readonly peer: string;
    readonly proven?: string;
    readonly acknowledged?: boolean;
  };
  readonly status?: {
    readonly flows: number;
    readonly foreign: number;
    readonly peers: readonly { name: string; connected: boolean; safe: boolean }[];
  };
  readonly counters?: Readonly<Record<string, number>>;
  readonly ready?: boolean;
  readonly at?: number;
  readonly releasing?: number;
}

/** A node's replication in a process of its own. */
export class ReplicationNode {
  readonly lines: NodeLine[] = [];
  readonly #child: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #reading: Promise<void>;

  constructor(readonly options: NodeArguments, namespace: string) {
    this.#child = new Deno.Command("ip", {
      args: [
        ...["netns", "exec", namespace, Deno.execPath()],
        ...["run", "-A", "--quiet", "--no-check", nodeProgram, JSON.stringify(options)],
      ],
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    this.#input = this.#child.stdin.getWriter();
    this.#reading = this.#read();
  }

  async #read(): Promise<void> {
    for await (const line of linesOf(this.#child.stdout)) this.lines.push(JSON.parse(line));
  }

  async tell(command: CommandLine): Promise<void> {
    await this.#input.write(new TextEncoder().encode(JSON.stringify(command) + "\n"));
  }

  /** The newest line that is so, once there is one. */
  async line(what: string, isSo: (line: NodeLine) => boolean): Promise<NodeLine> {
    return await until(
      `${this.options.name}: ${what}`,
      () => this.lines.findLast(isSo) ?? null,
    );
  }

  /** How many buckets the newest report calls proven. */
  get provenSize(): number {
    const line = this.lines.findLast(({ report }) => report?.kind === "proven");
    return line === undefined ? 0 : BucketSet.fromHex(line.report!.proven!).size;
  }

  async close(): Promise<void> {
    await this.#input.close().catch(() => {});
    await this.#reading;
    await this.#child.status;
  }
}

export class ReplicationLab {
  readonly #prefix = `avr${Deno.pid}`;
  readonly #namespaces: string[] = [];
  readonly #children: Deno.ChildProcess[] = [];
  nodes: ReplicationNode[] = [];

  private constructor() {}

  static async build(enabled = true): Promise<ReplicationLab> {
    const lab = new ReplicationLab();
    try {
      await lab.#build();
      await lab.#start(enabled);
      return lab;
    } catch (error) {
      await lab.remove();
      throw error;
    }
  }

  async #build(): Promise<void> {
    for (const name of ["client", "owner", "backup", "server"]) {
      const namespace = `${this.#prefix}${name}`;
      await must("ip", "netns", "add", namespace);
      this.#namespaces.push(namespace);
      await this.ip(name, "link", "set", "lo", "up");
    }
    await this.#wire("client", ["10.1.0.2/24", "10.1.0.3/24", "fd01::2/64"], "owner", [
      "10.1.0.1/24",
      "10.1.0.100/24",
      "fd01::1/64",
    ]);
    await this.#wire("server", ["10.2.0.2/24", "10.2.0.5/24", "fd02::2/64"], "owner", [
      "10.2.0.1/24",
      "10.2.0.100/24",
      "fd02::1/64",
    ]);
    await this.#wire("backup", ["10.9.0.2/24"], "owner", ["10.9.0.1/24"]);
    for (
      const [name, via4, via6] of [["client", "10.1.0.1", "fd01::1"], [
        "server",
        "10.2.0.1",
        "fd02::1",
      ]]
    ) {
      await this.ip(name, "route", "add", "default", "via", via4);
      await this.ip(name, "-6", "route", "add", "default", "via", via6);
    }
    // Flows to the server's second address come from the client's second, which is translated.
    await this.ip("client", "route", "add", "10.2.0.5", "via", "10.1.0.1", "src", "10.1.0.3");
    for (const name of ["owner", "backup"]) {
      await this.exec(name, "sysctl", "-qw", "net.netfilter.nf_conntrack_events=1");
    }
    for (const key of ["ipv4.ip_forward", "ipv6.conf.all.forwarding"]) {
      await this.exec("owner", "sysctl", "-qw", `net.${key}=1`);
    }
    const rules = await Deno.makeTempFile();
    await Deno.writeTextFile(rules, ruleset);
    await this.exec("owner", "nft", "-f", rules).finally(() => Deno.remove(rules));
  }

  /** A cable between two namespaces; its ends are named after the other side. */
  async #wire(
    a: string,
    aAddresses: readonly string[],
    b: string,
    bAddresses: readonly string[],
  ): Promise<void> {
    const [left, right] = [this.namespace(a), this.namespace(b)];
    const end = ["link", "add", b, "netns", left, "type", "veth", "peer", "name", a];
    await must("ip", ...end, "netns", right);
    for (const [name, device, addresses] of [[a, b, aAddresses], [b, a, bAddresses]] as const) {
      for (const address of addresses) {
        const nodad = address.includes(":") ? ["nodad"] : [];
        await this.ip(name, "addr", "add", address, "dev", device, ...nodad);
      }
      await this.ip(name, "link", "set", device, "up");
    }
  }

  async #start(enabled: boolean): Promise<void> {
    const all = BucketSet.all().toHex();
    const none = BucketSet.empty().toHex();
    const names = ["owner", "backup"] as const;
    const identity = (name: string) => ({
      name,
      incarnation: (name === "owner" ? "a1" : "b2").repeat(16),
    });
    const address = (name: string) => name === "owner" ? "10.9.0.1" : "10.9.0.2";
    this.nodes = names.map((name) =>
      new ReplicationNode({
        ...identity(name),
        port: replicationPort,
        listen: [address(name)],
        enabled,
        local: name === "owner"
          ? ["10.9.0.1", "10.1.0.1", "10.2.0.1", "fd01::1", "fd02::1"]
          : ["10.9.0.2"],
      }, this.namespace(name))
    );
    await this.backup.tell({
      order: {
        epoch: 1,
        claims: none,
        keeps: all,
        peers: [{ ...identity("owner"), addresses: [address("owner")], holds: none }],
      },
    });
    await this.owner.tell({
      order: {
        epoch: 1,
        claims: all,
        keeps: none,
        peers: [{ ...identity("backup"), addresses: [address("backup")], holds: all }],
      },
    });
    await until("everything is proven", () => this.owner.provenSize === 256 || null);
  }

  get owner(): ReplicationNode {
    return this.nodes[0];
  }

  get backup(): ReplicationNode {
    return this.nodes[1];
  }

  namespace(name: string): string {
    return `${this.#prefix}${name}`;
  }

  async ip(name: string, ...args: readonly string[]): Promise<string> {
    return await must("ip", "-n", this.namespace(name), ...args);
  }

  async exec(name: string, ...command: readonly string[]): Promise<string> {
    return await must("ip", "netns", "exec", this.namespace(name), ...command);
  }

  /** Starts a process of `flow_process.ts`; its first line says that it is ready. */
  async start(name: string, ...args: readonly string[]): Promise<void> {
    const child = new Deno.Command("ip", {
      args: [
        ...["netns", "exec", this.namespace(name), Deno.execPath()],
        ...["run", "-A", "--quiet", "--no-check", flowProgram, ...args],
      ],
      stdout: "piped",
    }).spawn();
    this.#children.push(child);
    const reader = child.stdout.getReader();
    const { done } = await reader.read();
    reader.releaseLock();
    if (done) throw new Error(`${name}: ${args.join(" ")}: ended at once`);
  }

  /**
   * The table as conntrack(8) shows it, one sorted line an entry: without timeouts and reference
   * counts, which are each kernel's own, and without the owner's sync link.
   */
  async table(name: string): Promise<string[]> {
    const families = ["ipv4", "ipv6"].map((family) =>
      this.exec(name, "conntrack", "-L", "-f", family, "-o", "labels")
    );
    return (await Promise.all(families)).join("\n").split("\n")
      .filter((line) => line.includes("src=") && !line.includes("src=10.9.0."))
      .map((line) => line.replace(/^(\S+\s+\d+) \d+/, "$1").replace(/ use=\d+/, ""))
      .map((line) => line.trim())
      .sort();
  }

  async remove(): Promise<void> {
    for (const child of this.#children) {
      child.kill("SIGKILL");
      await child.stdout.cancel();
      await child.status;
    }
    for (const node of this.nodes) await node.close();
    for (const namespace of this.#namespaces) await run("ip", "netns", "del", namespace);
  }
}

/** Waits until there is a result that is not null; throws after 20 seconds. */
export async function until<T>(
  what: string,
  look: () => T | null | Promise<T | null>,
): Promise<T> {
  for (const end = performance.now() + 20_000; performance.now() < end;) {
    const result = await look();
    if (result !== null) return result;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`not within 20 s: ${what}`);
}
