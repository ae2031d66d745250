/**
 * The namespaces in which replication is tested on real kernels:
 *
 *            +-- (10.1.0.0/24, fd01::/64) --- owner --- (10.2.0.0/24, fd02::/64) --+
 *     client +                                  | sync (10.9.0.0/24)                 + server
 *            +-- (10.1.1.0/24) ------------- backup --- (10.2.1.0/24) --------------+
 *
 * All traffic passes the owner, which has stateful rules and translates some of it with its shared
 * addresses 10.1.0.100 and 10.2.0.100; the backup sees nothing but what it is told, until
 * `takeOver` turns the routes.
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
  chain forward {
    type filter hook forward priority 0; policy drop;
    ct state invalid drop
    ct mark set 7
    ct state established,related accept
    meta l4proto tcp tcp flags & (fin|syn|rst|ack) == syn accept
    meta l4proto != tcp accept
  }
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

const sysctls = [
  "net.ipv4.ip_forward=1",
  "net.ipv4.conf.all.rp_filter=0",
  "net.ipv4.conf.default.rp_filter=0",
  "net.ipv6.conf.all.forwarding=1",
  "net.netfilter.nf_conntrack_events=1",
  "net.netfilter.nf_conntrack_tcp_loose=0",
  "net.netfilter.nf_conntrack_tcp_be_liberal=0",
];

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
  readonly filled?: number;
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
  readonly #readers: Promise<void>[] = [];
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
    await this.#wire("client", ["10.1.1.2/24"], "backup", ["10.1.1.1/24"]);
    await this.#wire("server", ["10.2.1.2/24"], "backup", ["10.2.1.1/24"]);
    for (const [name, net] of [["client", 1], ["server", 2]] as const) {
      await this.ip(name, "route", "add", "default", "via", `10.${net}.0.1`);
      await this.ip(name, "-6", "route", "add", "default", "via", `fd0${net}::1`);
    }
    // Flows to the server's second address come from the client's second, which is translated.
    await this.ip("client", "route", "add", "10.2.0.5", "via", "10.1.0.1", "src", "10.1.0.3");
    const rules = await Deno.makeTempFile();
    await Deno.writeTextFile(rules, ruleset);
    try {
      for (const name of ["owner", "backup"]) {
        await this.exec(name, "nft", "-f", rules);
        // What the kernel does not know from the entry itself, it must not guess.
        for (const key of sysctls) await this.exec(name, "sysctl", "-qw", key);
      }
    } finally {
      await Deno.remove(rules);
    }
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

  /**
   * The owner falls silent, and IPv4 packets of both sides pass the backup from now on. Never one side
   * alone: windows are checked here, and who sees half of a connection refuses it.
   */
  async takeOver(): Promise<void> {
    for (const device of ["client", "server"]) {
      await this.ip("owner", "link", "set", device, "down");
    }
    await this.ip("backup", "route", "add", "10.1.0.0/24", "via", "10.1.1.2");
    await this.ip("backup", "route", "add", "10.2.0.0/24", "via", "10.2.1.2");
    for (const to of ["10.1.0.2", "10.2.0.100"]) {
      await this.ip("server", "route", "replace", to, "via", "10.2.1.1");
    }
    await this.ip("client", "route", "replace", "10.2.0.2", "via", "10.1.1.1", "src", "10.1.0.2");
    await this.ip("client", "route", "replace", "10.2.0.5", "via", "10.1.1.1", "src", "10.1.0.3");
    await this.ip("client", "route", "replace", "10.1.0.100", "via", "10.1.1.1", "src", "10.1.0.2");
  }

  /** Starts a process of `flow_process.ts` that has said its first line; gives all that it says. */
  async start(name: string, ...args: readonly string[]): Promise<readonly string[]> {
    const child = new Deno.Command("ip", {
      args: [
        ...["netns", "exec", this.namespace(name), Deno.execPath()],
        ...["run", "-A", "--quiet", "--no-check", flowProgram, ...args],
      ],
      stdout: "piped",
    }).spawn();
    this.#children.push(child);
    const lines: string[] = [];
    this.#readers.push(collect(child.stdout, lines));
    await until(`${name}: ${args.join(" ")}`, () => lines.length > 0 || null);
    return lines;
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
      await child.status;
    }
    await Promise.all(this.#readers);
    for (const node of this.nodes) await node.close();
    for (const namespace of this.#namespaces) await run("ip", "netns", "del", namespace);
  }
}

async function collect(bytes: ReadableStream<Uint8Array>, lines: string[]): Promise<void> {
  for await (const line of linesOf(bytes)) lines.push(line);
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
