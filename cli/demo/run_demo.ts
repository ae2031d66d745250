/** `avail demo`: builds a lab, tells the story in it, and takes it away whatever happens. */
import { AvailError } from "../../lib/errors.ts";
import { type DemoResult, resultTable, verdict } from "./demo_result.ts";
import { Lab } from "./lab.ts";
import { type Output, Screen } from "./screen.ts";
import { Story } from "./story.ts";

export interface DemoOptions {
  readonly nodes: number;
  readonly connections: number;
  readonly intervalMs: number;
  readonly multiplier: number;
  readonly replication: boolean;
  /** Leaves the lab up. */
  readonly keep: boolean;
  readonly fast: boolean;
  /** The result as JSON on standard output; all else on standard error. */
  readonly json: boolean;
  /** What the terminal can show: false is nothing beyond ASCII. */
  readonly unicode: boolean;
}

const logLines = 15;

/**
 * @throws AvailError where a connection was lost, an answer came twice, a step did not reach its
 * condition, or this machine cannot build the lab.
 */
export async function runDemo(options: DemoOptions): Promise<DemoResult> {
  const stream = options.json ? Deno.stderr : Deno.stdout;
  const screen = new Screen(output(stream, options.unicode));
  using interruption = catchSignals();
  const { nodes, replication, intervalMs, multiplier } = options;
  const lab = await Lab.create({ nodes, replication, intervalMs, multiplier });
  let keep = false;
  try {
    screen.line(
      `Lab ${lab.id}: clients -- ${nodes} nodes as one router -- servers; ` +
        `detection ${intervalMs} ms x ${multiplier}, replication ${replication ? "on" : "off"}.`,
    );
    const { connections, fast } = options;
    const { signal } = interruption;
    const result = await new Story(lab, screen, { connections, fast, signal }).tell();
    for (const line of ["", ...resultTable(result), "", ...verdict(result)]) screen.line(line);
    if (options.json) console.log(JSON.stringify(result));
    keep = options.keep;
    // Where connections should die, the nodes' logs explain nothing.
    if (replication && !isGood(result)) await showLogs(lab, screen);
    return judged(result);
  } catch (error) {
    if (!interruption.signal.aborted && !(error instanceof BadResult)) {
      keep = options.keep;
      await showLogs(lab, screen);
    }
    throw error;
  } finally {
    if (keep) { for (const line of keptLab(lab)) screen.line(line); }
    else await lab.remove();
  }
}

/** `avail demo --remove ID` */
export async function removeDemo(id: string): Promise<void> {
  await Lab.removeById(id);
  console.log(`lab ${id}: removed`);
}

/** The story came to its end, and the end was not good. */
class BadResult extends AvailError {}

function isGood(result: DemoResult): boolean {
  return result.alive === result.started && result.duplicates === 0;
}

function judged(result: DemoResult): DemoResult {
  if (isGood(result)) return result;
  const lost = result.started - result.alive;
  throw new BadResult(
    lost > 0
      ? `${lost} of ${result.started} connections were lost`
      : `${result.duplicates} answers came twice: two nodes held one bucket`,
  );
}

async function showLogs(lab: Lab, screen: Screen): Promise<void> {
  for (const node of lab.nodes) {
    const lines = await node.log(logLines);
    if (lines.length === 0) continue;
    screen.line(`-- last lines of ${node.name}:`);
    for (const line of lines) screen.line(`   ${line}`);
  }
}

/** How to look around in a lab that stays. */
function keptLab(lab: Lab): string[] {
  const [node] = lab.nodes;
  const clients = lab.names.namespace("clients");
  return [
    "",
    `Lab ${lab.id} stays up. Look around:`,
    `  avail status --socket ${node.socket}`,
    `  ip netns exec ${node.namespace} conntrack -L     (or ip, nft, tcpdump -i inside, …)`,
    `  ip netns exec ${clients} ping 203.0.113.100`,
    `  less ${node.logFile}; cat ${node.configFile}`,
    `  avail demo --remove ${lab.id}     takes it away`,
  ];
}

/** An abort at Ctrl-C and its like; a second one is ignored, as removing the lab is under way. */
function catchSignals(): { readonly signal: AbortSignal } & Disposable {
  const controller = new AbortController();
  const names = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  const listener = () => controller.abort(new AvailError("the demo was interrupted"));
  for (const name of names) Deno.addSignalListener(name, listener);
  return {
    signal: controller.signal,
    [Symbol.dispose]() {
      for (const name of names) Deno.removeSignalListener(name, listener);
    },
  };
}

function output(stream: typeof Deno.stdout | typeof Deno.stderr, unicode: boolean): Output {
  const encoder = new TextEncoder();
  return {
    isTerminal: stream.isTerminal(),
    unicode,
    columns: () => {
      try {
        return Deno.consoleSize().columns;
      } catch {
        return 80;
      }
    },
    write: (text) => {
      const bytes = encoder.encode(text);
      for (let at = 0; at < bytes.length;) at += stream.writeSync(bytes.subarray(at));
    },
  };
}
