/**
 * Looking at real daemons: every JSON output against its schema, metrics as Prometheus reads them, and events
 * that are followed through a restart.
 */
import { selfCommand } from "../../cli/demo/self.ts";
import type { Lab } from "../../cli/demo/lab.ts";
import type { NodeEvent } from "../../lib/events/event.ts";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "../assert.ts";
import { fed, type Outcome } from "../cli/program.ts";
import { promtool } from "../metrics/promtool.ts";
import { assertSchema, notMissed, readSchema } from "../schemas/schema.ts";
import { inLab, ownedBy, patienceMs, pause, settled, started } from "./cluster.ts";

const ignore = Deno.uid() !== 0;

/** The program on a node, as its administrator runs it. */
async function avail(
  lab: Lab,
  node: string,
  words: readonly string[],
  input = "",
): Promise<Outcome> {
  const { configFile, namespace } = lab.node(node);
  const command = [...selfCommand(), ...words, "--config", configFile];
  return await fed(input, ["ip", "netns", "exec", namespace, ...command]);
}

async function jsonLines(lab: Lab, words: readonly string[], input = ""): Promise<unknown[]> {
  const { stdout, stderr } = await avail(lab, "fw1", [...words, "--json"], input);
  assert(stdout.endsWith("\n"), `${words.join(" ")}: ${stderr}`);
  return stdout.trimEnd().split("\n").map((line) => JSON.parse(line));
}

async function serveMetrics(lab: Lab): Promise<void> {
  for (const { configFile } of lab.nodes) {
    const text = await Deno.readTextFile(configFile);
    const changed = text.replace('listen = "off"', 'listen = "127.0.0.1:9477"');
    assert(changed !== text);
    await Deno.writeTextFile(configFile, changed);
  }
}

/** What a node serves, asked for on that node. */
async function page(lab: Lab, node: string, path = "/metrics"): Promise<string> {
  const script = `using c = await Deno.connect({ hostname: "127.0.0.1", port: 9477 });
    await c.write(new TextEncoder().encode("GET ${path} HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n"));
    for await (const chunk of c.readable) await Deno.stdout.write(chunk);`;
  return await lab.exec(node, [Deno.execPath(), "eval", script]);
}

function valueOf(text: string, sample: string): number {
  const line = text.split("\n").find((line) => line.startsWith(`${sample} `));
  assert(line !== undefined, `${sample} is not in ${text}`);
  return Number(line.slice(sample.length + 1));
}

Deno.test({
  name: "real daemons: what they say is as the schemas say, the metrics are the status's numbers",
  ignore,
  fn: () =>
    inLab({ intervalMs: 200 }, async (lab) => {
      await serveMetrics(lab);
      await started(lab);
      const traffic = await lab.startTraffic({ connections: 20, pings: 2, udpFlows: 2 });
      await pause(1500);

      const flows = await jsonLines(lab, ["flows"]) as { readonly text: string }[];
      assert(flows.length > 10);
      const lines = `${flows.map(({ text }) => text).join("\n")}\nno flow\n`;
      const commands: readonly (readonly [schema: string, words: string[], input?: string])[] = [
        ["status", ["status"]],
        ["status", ["status", "--node", "fw2"]],
        ["events", ["events"]],
        ["events", ["events", "--node", "fw3"]],
        ["flows", ["flows"]],
        ["who", ["who", "192.0.2.10", "203.0.113.5"]],
        ["who", ["who", "192.0.2.10:1 > 203.0.113.5:2"]],
        ["who_lines", ["who"], lines],
        ["weight", ["weight"]],
        ["weight", ["weight", "1", "--no-wait"]],
        ["plan", ["plan", "--balance"]],
        ["plan", ["plan", "--without", "fw2"]],
        ["drain", ["drain"]],
        ["resume", ["resume"]],
        ["key_show", ["key", "show"]],
        ["key_rotate", ["key", "rotate"]],
        ["doctor", ["doctor"]],
        ["reload", ["reload"]],
        ["reload_cluster", ["reload", "--cluster"]],
        ["report", ["report", "-o", `${lab.node("fw1").directory}/report.tar.gz`]],
      ];
      for (const [name, words, input] of commands) {
        const values = await jsonLines(lab, words, input);
        for (const value of values.slice(0, 40)) {
          assertSchema(name, value);
          assertEquals(notMissed(readSchema(name), value), [], name);
        }
      }
      // What conntrack(8) prints has the buckets that the kernel's own entries have.
      const told = await jsonLines(lab, ["who"], lines) as { readonly bucket: number | null }[];
      const buckets = flows.map((flow) => (flow as { readonly bucket?: number }).bucket);
      assertEquals(told.map(({ bucket }) => bucket), [...buckets as number[], null]);

      await settled(lab);
      const text = await page(lab, "fw1");
      const body = text.slice(text.indexOf("\r\n\r\n") + 4);
      assertMatch(text, /^HTTP\/1\.1 200 OK\r\n/);
      assertEquals(await promtool(["check", "metrics"], body), "");
      const status = await lab.node("fw1").status();
      assertEquals(valueOf(body, "avail_safe"), 1);
      assertEquals(valueOf(body, "avail_epoch"), status.epoch);
      assertEquals(valueOf(body, "avail_buckets_owned"), ownedBy(status, "fw1"));
      assertEquals(valueOf(body, 'avail_members{state="ready"}'), 3);
      assert(valueOf(body, "avail_lease_seconds_remaining") > 0);
      assert(valueOf(body, 'avail_datagrams_sent_total{kind="heartbeat"}') > 10);
      assert(valueOf(body, 'avail_datagrams_received_total{kind="heartbeat"}') > 10);
      assert(valueOf(body, "avail_buckets_packets_total") > 0);
      assert(valueOf(body, 'avail_flows{role="owner"}') > 0);
      assert(valueOf(body, "process_cpu_seconds_total") > 0);
      assertMatch(await page(lab, "fw1", "/"), /^HTTP\/1\.1 404 /);
      // A death is seen.
      await lab.node("fw3").powerOff();
      await settled(lab, ["fw1", "fw2"]);
      await pause(1100); // a page is made once a second
      const after = await page(lab, "fw1");
      assertEquals(valueOf(after, 'avail_members{state="ready"}'), 2);
      assertEquals(valueOf(after, "avail_buckets_owned"), 128);
      assert(valueOf(after, 'avail_events_total{event="peer-dead",level="warn"}') >= 1);
      await traffic.stop();
    }),
});

Deno.test({
  name: "events are followed through a restart of the daemon, from this node and from another",
  ignore,
  fn: () =>
    inLab({ nodes: 2, intervalMs: 200 }, async (lab) => {
      await started(lab);
      const fw1 = new Follower(lab, ["events", "--follow", "--json"]);
      const fw2 = new Follower(lab, ["events", "--follow", "--json", "--node", "fw2"]);
      try {
        await fw1.saw(({ event }) => event === "started");
        await fw2.saw(({ event }) => event === "started");
        await lab.node("fw2").powerOff();
        await fw1.saw(({ event, fields }) => event === "peer-dead" && fields.node === "fw2");
        await lab.node("fw2").powerOn();
        await lab.node("fw2").start();
        await settled(lab, ["fw1", "fw2"]);
        await fw2.saw(({ event }, runs) => event === "started" && runs === 2);
        await lab.node("fw1").kill();
        await lab.node("fw1").start();
        await fw1.saw(({ event }, runs) => event === "started" && runs === 2);
        await settled(lab, ["fw1", "fw2"]);
        // Back within its lease it has kept its buckets, and activates none.
        await fw1.saw(({ event }, runs) => event === "plan" && runs === 2);
        const text = await avail(lab, "fw1", ["events", "--level", "info", "-n", "5"]);
        assertEquals(text.stdout.trimEnd().split("\n").length, 5, text.stderr);
        assertStringIncludes(text.stdout, " info ");
      } finally {
        await fw1.end();
        await fw2.end();
      }
    }),
});

/** `--follow` on fw1, and all that it has told. */
class Follower {
  readonly #lab: Lab;
  readonly #child: Deno.ChildProcess;
  readonly #events: (NodeEvent & { readonly run: string })[] = [];
  readonly #reading: Promise<void>;

  constructor(lab: Lab, words: readonly string[]) {
    this.#lab = lab;
    const [program, ...before] = selfCommand();
    this.#child = new Deno.Command(program, {
      args: [...before, ...words, "--socket", lab.node("fw1").socket],
      stdin: "null",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    this.#reading = this.#read();
  }

  async #read(): Promise<void> {
    let rest = "";
    for await (const text of this.#child.stdout.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split("\n");
      rest = lines.pop()!;
      for (const line of lines) this.#events.push(JSON.parse(line));
    }
  }

  /** Waits for an event; `runs`: of which daemon's life it is, from 1. */
  async saw(isIt: (event: NodeEvent, runs: number) => boolean): Promise<void> {
    const look = () => {
      const runs: string[] = [];
      return this.#events.some((event) => {
        if (!runs.includes(event.run)) runs.push(event.run);
        return isIt(event, runs.length);
      });
    };
    await this.#lab.waitUntil(
      "the event",
      () => Promise.resolve(look() ? null : JSON.stringify(this.#events.slice(-5))),
      { timeoutMs: patienceMs, everyMs: 50 },
    );
  }

  async end(): Promise<void> {
    this.#child.kill("SIGTERM");
    await this.#reading;
    await this.#child.status;
  }
}
