/** The demo's story: what befalls the nodes while the connections go on. */
import { bucketsOf, type ClusterLook, lookAt, type Settled, unsettled } from "./cluster_look.ts";
import { type DemoResult, type StepResult, stepResult } from "./demo_result.ts";
import type { Lab } from "./lab.ts";
import type { Screen } from "./screen.ts";
import type { Traffic } from "./traffic.ts";
import type { Pair, TrafficSample } from "./traffic_protocol.ts";
import { pause, unlessAborted } from "./wait.ts";

export interface StoryOptions {
  readonly connections: number;
  /** Shorter times between the steps. */
  readonly fast: boolean;
  readonly signal: AbortSignal;
}

const redrawMs = 200;
const startTimeoutMs = 60_000;
const stepTimeoutMs = 30_000;
/** Which `who` answers are asked to find pings for every node. */
const pingCandidates = 40;

export class Story {
  readonly #lab: Lab;
  readonly #screen: Screen;
  readonly #options: StoryOptions;
  readonly #steps: StepResult[] = [];
  #traffic: Traffic | null = null;
  #look: ClusterLook = [];
  #title = "";
  #waiting = "";
  #sampleBefore: { at: number; sample: TrafficSample } | null = null;
  #bytesPerSecond = 0;

  constructor(lab: Lab, screen: Screen, options: StoryOptions) {
    this.#lab = lab;
    this.#screen = screen;
    this.#options = options;
  }

  /** Tells it from the start of the daemons to the last echo. */
  async tell(): Promise<DemoResult> {
    const painter = setInterval(() => this.#paint(), redrawMs);
    try {
      await this.#begin();
      await this.#powerLoss(this.#name(1));
      // Without replication one power loss says it all, and planned moves would wait for ever.
      if (this.#lab.options.replication) {
        await this.#powerBack(this.#name(1));
        await this.#hang(this.#name(2));
        await this.#drain(this.#name(0));
      }
      return await this.#end();
    } finally {
      clearInterval(painter);
    }
  }

  // ---- the steps

  async #begin(): Promise<void> {
    const { nodes, options } = this.#lab;
    this.#chapter(`Starting ${nodes.length} nodes; each learns of the others by itself.`);
    await this.#lab.startNodes();
    await this.#settle(this.#everybody(), startTimeoutMs);
    const sizes = Object.values(bucketsOf(this.#look)).join("/");
    this.#screen.line(`   All ready; 256 buckets: ${sizes}${options.replication ? ", safe" : ""}.`);

    const { connections } = this.#options;
    this.#chapter(`Opening ${connections} TCP connections through the cluster, IPv4 and IPv6.`);
    this.#wait("the connections are open");
    const pings = await this.#choosePings(12);
    const lastEchoTimeoutMs = this.#options.fast ? 5000 : 10_000;
    this.#traffic = await unlessAborted(
      this.#lab.startTraffic({ connections, pings, lastEchoTimeoutMs }),
      this.#options.signal,
    );
    await this.#settle(this.#everybody());
    await this.#linger(1500); // The measuring processes are not warm yet, and late.
    await this.#step("steady", () => this.#linger(3000));
  }

  async #powerLoss(name: string): Promise<void> {
    this.#chapter(
      `${name} loses power: kill -9, its datapath and its cables with it. The others ` +
        (this.#lab.options.replication
          ? "have its flows and switch its buckets on."
          : "switch its buckets on, and know none of its flows."),
    );
    await this.#step(`${name} loses power`, async () => {
      await this.#lab.node(name).powerOff();
      await this.#settle(this.#without(name));
      await this.#linger(1500);
    });
  }

  async #powerBack(name: string): Promise<void> {
    this.#chapter(`${name} boots again with nothing in its kernel, is filled, and gets a share.`);
    await this.#step(`${name} comes back`, async () => {
      await this.#lab.node(name).powerOn();
      await this.#lab.node(name).start();
      await this.#settle(this.#everybody(), startTimeoutMs);
      await this.#linger(1000);
    });
  }

  async #hang(name: string): Promise<void> {
    this.#chapter(
      `The daemon of ${name} hangs (SIGSTOP). Its kernel would go on, but its lease runs out ` +
        "before the others take over: nobody answers twice.",
    );
    await this.#step(`${name} hangs`, async () => {
      this.#lab.node(name).pause();
      await this.#settle(this.#without(name));
      await this.#linger(1500);
    });
    this.#chapter(`The daemon of ${name} goes on (SIGCONT), notices, and joins again.`);
    await this.#step(`${name} goes on`, async () => {
      this.#lab.node(name).resume();
      await this.#settle(this.#everybody(), startTimeoutMs);
      await this.#linger(1000);
    });
  }

  async #drain(name: string): Promise<void> {
    this.#chapter(`avail drain on ${name}: it hands its buckets over, one by one, without a gap.`);
    await this.#step(`${name} is drained`, async () => {
      await this.#lab.node(name).drain();
      await this.#settle(this.#without(name));
      await this.#linger(1000);
    });
    this.#chapter(`avail resume on ${name}: it takes its share again.`);
    await this.#step(`${name} is resumed`, async () => {
      await this.#lab.node(name).undrain();
      await this.#settle(this.#everybody());
      await this.#linger(1000);
    });
  }

  async #end(): Promise<DemoResult> {
    this.#chapter("Every connection has to echo once more.");
    this.#wait("every connection has echoed once more");
    const report = await unlessAborted(this.#traffic!.finish(), this.#options.signal);
    const { options } = this.#lab;
    return {
      schema: 1,
      lab: this.#lab.id,
      replication: options.replication,
      intervalMs: options.intervalMs,
      multiplier: options.multiplier,
      started: report.started,
      alive: report.alive,
      duplicates: report.duplicates,
      lost: report.lost,
      duplicated: report.duplicated,
      steps: this.#steps,
    };
  }

  // ---- what they are made of

  /** Measures what `work` does to the traffic. */
  async #step(name: string, work: () => Promise<void>): Promise<void> {
    const before = bucketsOf(this.#look);
    await this.#traffic!.mark(name);
    await work();
    const interval = await this.#traffic!.mark("between steps");
    const result = stepResult(name, interval, before, bucketsOf(this.#look));
    this.#steps.push(result);
    const { tcp, ping } = result.longestMs;
    this.#screen.line(
      `   ${result.alive} alive, longest gap TCP ${tcp} ms (${result.stalled} connections felt it), ` +
        `ping ${ping} ms, ${result.duplicates} duplicates; ` +
        `buckets ${Object.values(result.after).join("/")}.`,
    );
  }

  #chapter(title: string): void {
    this.#title = title;
    this.#waiting = "";
    this.#screen.line(`-- ${title}`);
  }

  #wait(what: string): void {
    this.#waiting = `waiting until ${what}`;
  }

  async #settle(wanted: Settled, timeoutMs = stepTimeoutMs): Promise<void> {
    const what = `${wanted.owners.join(", ")} share all buckets${wanted.safe ? ", safe" : ""}`;
    this.#wait(what);
    await this.#lab.waitUntil(what, async () => {
      this.#look = await lookAt(this.#lab);
      return unsettled(this.#look, wanted);
    }, {
      timeoutMs,
      everyMs: 100,
      signal: this.#options.signal,
      onTry: (missing, waitedMs) =>
        this.#waiting = `waiting until ${what}: ${missing} (${Math.round(waitedMs / 1000)} s)`,
    });
    this.#waiting = "";
  }

  async #linger(ms: number): Promise<void> {
    this.#waiting = "watching the traffic";
    await pause(this.#options.fast ? ms / 3 : ms, this.#options.signal);
    this.#waiting = "";
  }

  /** Pings whose first owners are all nodes in turn, so that each fault is felt by some. */
  async #choosePings(count: number): Promise<Pair[]> {
    const { pingPairs } = await import("./traffic.ts");
    const [first] = this.#lab.nodes;
    const byOwner = new Map<string, Pair[]>();
    for (const pair of pingPairs(pingCandidates)) {
      const { owner } = await first.who(pair.source, pair.target);
      const family = pair.source.includes(":") ? 6 : 4;
      const key = `${owner} ${family}`;
      byOwner.set(key, [...byOwner.get(key) ?? [], pair]);
    }
    const chosen: Pair[] = [];
    for (let round = 0; chosen.length < count && round < pingCandidates; round++) {
      chosen.push(...[...byOwner.values()].flatMap((pairs) => pairs.slice(round, round + 1)));
    }
    return chosen.slice(0, count);
  }

  #paint(): void {
    const sample = this.#traffic?.latest ?? null;
    const now = performance.now();
    if (sample !== null) {
      const before = this.#sampleBefore;
      if (before === null) this.#sampleBefore = { at: now, sample };
      else if (now - before.at >= 1000) {
        this.#bytesPerSecond = (sample.bytes - before.sample.bytes) / (now - before.at) * 1000;
        this.#sampleBefore = { at: now, sample };
      }
    }
    // Power states are shown as they are now, statuses as they were at the last look.
    const look = this.#lab.nodes.map(({ name, power }) => {
      const seen = this.#look.find((node) => node.name === name)?.status ?? null;
      return { name, power, status: power === "running" ? seen : null };
    });
    this.#screen.picture({
      title: this.#title,
      look,
      traffic: sample,
      bytesPerSecond: this.#bytesPerSecond,
      waiting: this.#waiting,
    });
  }

  #name(index: number): string {
    return this.#lab.nodes[index % this.#lab.nodes.length].name;
  }

  #everybody(): Settled {
    return this.#without("");
  }

  #without(name: string): Settled {
    const owners = this.#lab.nodes.map((node) => node.name).filter((each) => each !== name);
    return { owners, safe: this.#lab.options.replication };
  }
}
