/**
 * A service on the nodes themselves: its sockets stay when their buckets move, so a drain waits for
 * open connections and moves all that is idle meanwhile. Beside it, what happens without waiting.
 */
import type { Lab } from "../../cli/demo/lab.ts";
import { lineStream } from "../../cli/demo/line_stream.ts";
import { sharedAddress } from "../../cli/demo/topology.ts";
import { assert, assertEquals, assertMatch } from "../assert.ts";
import { inLab, ownedBy, pause, settled, started, statusWhere } from "./cluster.ts";

const port = 7777;
const program = new URL("./flow_process.ts", import.meta.url).pathname;

Deno.test("a drain moves what is idle at once, and waits for an open connection's end", async () => {
  await inLab({ nodes: 2 }, async (lab) => {
    await using service = await Service.start(lab, "30s");
    const { owner, other } = service;
    await lab.node(owner).drain();
    const waiting = await statusWhere(
      lab,
      owner,
      "one bucket is left",
      (status) => ownedBy(status, owner) === 1 && status.state === "draining",
    );
    assertMatch(waiting.reason ?? "", /^on request; 1 bucket waits for open connections to end/);
    await pause(2000);
    assertEquals(ownedBy(await lab.node(other).status(), owner), 1);
    assertEquals(await service.answered(), 1, "the connection lives");
    service.hangUp();
    await statusWhere(lab, owner, "it is drained", (status) => ownedBy(status, owner) === 0);
    await settled(lab, [other], false);
  });
});

Deno.test("a drain that does not wait ends the connection", async () => {
  await inLab({ nodes: 2 }, async (lab) => {
    await using service = await Service.start(lab, "0s");
    await lab.node(service.owner).drain();
    await settled(lab, [service.other], false);
    const until = performance.now() + 20_000;
    while (await service.answered() > 0) assert(performance.now() < until, "it lives");
  });
});

/** A service on both nodes of a lab, and one connection to it. */
class Service {
  private constructor(
    readonly owner: string,
    readonly other: string,
    readonly servers: readonly Deno.ChildProcess[],
    readonly client: Deno.ChildProcess,
    readonly lines: AsyncIterator<string>,
  ) {}

  static async start(lab: Lab, drainTimeout: string): Promise<Service> {
    const servers: Deno.ChildProcess[] = [];
    for (const node of lab.nodes) {
      const config = (await Deno.readTextFile(node.configFile))
        .replaceAll('key = "pair"', 'key = "source"')
        .replace("[node]\n", `[node]\ndrain_timeout = "${drainTimeout}"\n`);
      await Deno.writeTextFile(node.configFile, config);
      const accept = `insert rule inet firewall input tcp dport ${port} accept`;
      await node.exec(["nft", ...accept.split(" ")]);
      const server = run(node.namespace, "listen", String(port));
      servers.push(server);
      await linesOf(server).next();
    }
    await started(lab);
    const address = sharedAddress("inside", 4);
    const client = run(lab.names.namespace("clients"), "hold", String(port), address, "1");
    const lines = linesOf(client);
    assertEquals((await lines.next()).value, "1");
    const [route] = JSON.parse(await lab.exec("clients", ["ip", "-j", "route", "get", address]));
    const [first, second] = lab.nodes.map(({ name }) => name);
    const { owner } = await lab.node(first).who(route.prefsrc, address);
    return new Service(owner!, owner === first ? second : first, servers, client, lines);
  }

  /** On how many connections a byte came back, at the next try. */
  async answered(): Promise<number> {
    return Number((await this.lines.next()).value);
  }

  /** Ends the connection as the kernel does for a process that ends. */
  hangUp(): void {
    kill(this.client);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const all = [...this.servers, this.client];
    for (const process of all) kill(process);
    await Promise.all(all.map((process) => process.status));
  }
}

function run(namespace: string, ...args: string[]): Deno.ChildProcess {
  return new Deno.Command("ip", {
    args: [
      "netns",
      "exec",
      namespace,
      Deno.execPath(),
      "run",
      "-A",
      "--no-check",
      program,
      ...args,
    ],
    stdin: "null",
    stdout: "piped",
  }).spawn();
}

function linesOf(process: Deno.ChildProcess): AsyncIterator<string> {
  return lineStream(process.stdout)[Symbol.asyncIterator]();
}

function kill(process: Deno.ChildProcess): void {
  try {
    process.kill("SIGKILL");
  } catch {
    // It has ended.
  }
}
