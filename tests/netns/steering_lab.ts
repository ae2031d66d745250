/**
 * The namespaces in which the datapath is tested:
 *
 *     client --- bridge --+-- node 1 --+-- bridge --- server
 *     10.1.0.11-.40       +-- node 2 --+              10.2.0.200-.229
 *                         +-- node 3 --+
 *     shared: 10.1.0.100, fd01::100      10.2.0.100, fd02::100
 *
 * The backend is that of AVAIL_TEST_BACKEND: "xdp" if there is none, or "clusterdev", which needs a
 * kernel with the module. Needed on the machine: ip, ping (iputils), and with xdp mount and umount.
 */
import type { BucketCounters, SteeringCounters } from "../../lib/ports.ts";
import { BucketSet } from "../../lib/ownership/bucket_set.ts";
import type { NodeHello, NodeOptions, NodeOrder } from "./node_process.ts";

export interface RunResult {
  readonly code: number;
  readonly out: string;
}

/** Runs a command to its end; its output and errors together. */
export async function run(...command: readonly string[]): Promise<RunResult> {
  const { code, stdout, stderr } = await new Deno.Command(command[0], {
    args: command.slice(1),
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  return { code, out: decoder.decode(stdout) + decoder.decode(stderr) };
}

/** Runs a command that must succeed. */
export async function must(...command: readonly string[]): Promise<string> {
  const { code, out } = await run(...command);
  if (code !== 0) throw new Error(`${command.join(" ")}: exit ${code}: ${out}`);
  return out;
}

/** A node's datapath process. */
export class NodeProcess {
  readonly #child: Deno.ChildProcess;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #lines: AsyncGenerator<string>;
  readonly hello: NodeHello;

  private constructor(
    child: Deno.ChildProcess,
    lines: AsyncGenerator<string>,
    hello: NodeHello,
  ) {
    this.#child = child;
    this.#lines = lines;
    this.#writer = child.stdin.getWriter();
    this.hello = hello;
  }

  /**
   * Starts it, by the command `wrapper` if there is one; rejects with the message of a failed
   * attachment.
   */
  static async start(
    namespace: string,
    options: NodeOptions,
    wrapper: readonly string[] = [],
  ): Promise<NodeProcess> {
    const program = new URL("./node_process.ts", import.meta.url).pathname;
    const child = new Deno.Command("ip", {
      args: ["netns", "exec", namespace, ...wrapper, Deno.execPath(), "run", "-qA", "--no-check"]
        .concat(program, JSON.stringify(options)),
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    const lines = linesOf(child.stdout);
    const first = await lines.next();
    const hello = JSON.parse(first.done ? '{"error":"ended at once"}' : first.value);
    if (hello.error !== undefined) {
      await child.stdin.close();
      await lines.return(undefined);
      await child.status;
      throw new Error(hello.error);
    }
    return new NodeProcess(child, lines, hello);
  }

  async order(order: NodeOrder): Promise<unknown> {
    await this.#writer.write(new TextEncoder().encode(JSON.stringify(order) + "\n"));
    const { value, done } = await this.#lines.next();
    if (done) throw new Error("the node's process has ended");
    const answer = JSON.parse(value);
    if (answer.error !== undefined) throw new Error(answer.error);
    return answer.result;
  }

  own(buckets: Iterable<number>, epoch = 1): Promise<unknown> {
    return this.order({ do: "own", buckets: BucketSet.of(buckets).toHex(), epoch });
  }

  lease(ms: number): Promise<unknown> {
    return this.order({ do: "lease", ms });
  }

  async counters(): Promise<SteeringCounters> {
    return await this.order({ do: "counters" }) as SteeringCounters;
  }

  async load(): Promise<BucketCounters> {
    return await this.order({ do: "load" }) as BucketCounters;
  }

  /** Ends the process without a word to it, as a crash does. */
  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#end();
  }

  /** Ends the process after `order`. */
  async end(order: "keep" | "detach"): Promise<void> {
    await this.order({ do: order });
    await this.#end();
  }

  async #end(): Promise<void> {
    await this.#writer.close().catch(() => {});
    await this.#lines.return(undefined);
    await this.#child.status;
  }
}

async function* linesOf(stream: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<string> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    yield* lines;
  }
}

/** Asks until it is so; throws after 20 seconds. */
export async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  for (const end = performance.now() + 20_000; !await isSo();) {
    if (performance.now() > end) throw new Error(`waited in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Numbers from `from` to `to`, without `to`. */
export function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}

const backend = Deno.env.get("AVAIL_TEST_BACKEND") ?? "xdp";
if (backend !== "xdp" && backend !== "clusterdev") {
  throw new Error(`AVAIL_TEST_BACKEND: "${backend}" is neither "xdp" nor "clusterdev"`);
}
/** Which backend the tests of this run are about. */
export const testBackend: "xdp" | "clusterdev" = backend;

const nodes = [1, 2, 3] as const;
export const sides = ["in", "out"] as const;
export type Side = typeof sides[number];
export const clusterMac = { in: "01005e010101", out: "01005e020202" } as const;
const group = { in: "239.129.1.1", out: "239.130.2.2" } as const;
const network = { in: 1, out: 2 } as const;

export class SteeringLab implements AsyncDisposable {
  readonly #prefix = `avs${Deno.pid}`;
  readonly directory: string;
  readonly processes = new Map<number, NodeProcess>();

  private constructor(directory: string) {
    this.directory = directory;
  }

  static async build(): Promise<SteeringLab> {
    const lab = new SteeringLab(Deno.makeTempDirSync({ prefix: "avail-steering-" }));
    try {
      await lab.#build();
      return lab;
    } catch (error) {
      await lab[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** A namespace's name: `sw`, `c`, `s`, `n1` to `n3`. */
  name(which: string): string {
    return `${this.#prefix}${which}`;
  }

  /** Runs a command in a namespace. */
  inside(which: string, ...command: readonly string[]): Promise<RunResult> {
    return run("ip", "netns", "exec", this.name(which), ...command);
  }

  /** Writes a file below /proc/sys/net of a namespace. */
  async set(which: string, setting: string, value: number): Promise<void> {
    const write = [
      "sh",
      "-c",
      'printf %s "$1" >"$2"',
      "sh",
      `${value}`,
      `/proc/sys/net/${setting}`,
    ];
    const { code, out } = await this.inside(which, ...write);
    if (code !== 0) throw new Error(`set ${setting} in ${which}: ${out}`);
  }

  runDir(node: number): string {
    return `${this.directory}/n${node}`;
  }

  async #build(): Promise<void> {
    for (const which of ["sw", "c", "s", "n1", "n2", "n3"]) {
      await must("ip", "netns", "add", this.name(which));
      await must("ip", "-n", this.name(which), "link", "set", "lo", "up");
    }
    await this.set("sw", "ipv6/conf/all/disable_ipv6", 1);
    const ports: string[] = [];
    await this.#ip("sw", sides.map((side) => `link add ${side} up type bridge`));
    for (const node of nodes) {
      Deno.mkdirSync(this.runDir(node));
      if (testBackend === "xdp") {
        // `ip netns exec` has mounts of its own, which would take the pins with them.
        Deno.mkdirSync(`${this.runDir(node)}/bpf`);
        await must("mount", "-t", "bpf", "bpf", `${this.runDir(node)}/bpf`);
      }
      await this.#connect(`n${node}`, sides, [node], ports);
    }
    await this.#connect("c", ["in"], range(11, 41), ports);
    await this.#connect("s", ["out"], range(200, 230), ports);
    await this.#ip("sw", ports);
    await this.#ip("c", ["route add default via 10.1.0.100", "route add default via fd01::100"]);
    await this.#ip("s", ["route add default via 10.2.0.100", "route add default via fd02::100"]);
    for (const which of ["c", "s", "n1", "n2", "n3"]) {
      const show = ["ip", "-n", this.name(which), "-6", "address", "show", "tentative"];
      await until("no address is tentative", async () => await must(...show) === "");
    }
  }

  /** Gives a host an interface on each of the sides, with addresses that end in the numbers. */
  async #connect(
    which: string,
    onSides: readonly Side[],
    numbers: readonly number[],
    ports: string[],
  ): Promise<void> {
    const switchName = this.name("sw");
    await this.#ip(
      which,
      onSides.flatMap((side) => [
        `link add ${side} type veth peer name ${which}${side} netns ${switchName}`,
        `link set ${side} up`,
        ...numbers.flatMap((number) => [
          `address add 10.${network[side]}.0.${number}/24 dev ${side}`,
          `address add fd0${network[side]}::${number}/64 dev ${side} nodad`,
        ]),
      ]),
    );
    ports.push(...onSides.map((side) => `link set ${which}${side} master ${side} up`));
  }

  /** Many commands of `ip` at once: to start it takes longest, above all in an emulator. */
  async #ip(which: string, commands: readonly string[]): Promise<void> {
    const file = `${this.directory}/commands`;
    Deno.writeTextFileSync(file, commands.join("\n") + "\n");
    await must("ip", "-n", this.name(which), "-batch", file);
  }

  options(node: number, change: Partial<NodeOptions> = {}): NodeOptions {
    const shares = sides.map((side) => ({
      interface: side,
      addresses: [
        { family: 4 as const, address: `10.${network[side]}.0.100`, prefixLength: 24 },
        { family: 6 as const, address: `fd0${network[side]}::100`, prefixLength: 64 },
      ],
      key: "pair" as const,
      side: null,
      nat: false,
      mac: clusterMac[side],
      group: group[side],
    }));
    const seed = [0x5eed0fc1, 0xd57e11ed] as const;
    const common = { backend: testBackend, mode: "auto", markMask: null } as const;
    return { runDir: this.runDir(node), shares, seed, ...common, ...change };
  }

  async start(node: number, change: Partial<NodeOptions> = {}): Promise<NodeProcess> {
    const started = await NodeProcess.start(this.name(`n${node}`), this.options(node, change));
    this.processes.set(node, started);
    return started;
  }

  /** Ends what runs, then removes the namespaces, mounts and files. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const process of this.processes.values()) await process.kill().catch(() => {});
    if (testBackend === "xdp") {
      for (const node of nodes) await run("umount", "-q", `${this.runDir(node)}/bpf`);
    }
    for (const which of ["sw", "c", "s", "n1", "n2", "n3"]) {
      await run("ip", "netns", "del", this.name(which));
    }
    Deno.removeSync(this.directory, { recursive: true });
  }
}
