/** One stream of ICMP echo requests from a given address, sent by `ping`. */
import { lineStream } from "./line_stream.ts";
import { GapMeter, SequenceMeter } from "./meters.ts";
import type { Pair } from "./traffic_protocol.ts";

export class PingFlow {
  readonly gap = new GapMeter(performance.now());
  readonly sequence = new SequenceMeter(1, 16);
  readonly #child: Deno.ChildProcess;

  private constructor(readonly pair: Pair, child: Deno.ChildProcess) {
    this.#child = child;
  }

  /**
   * @param periodMs At least 10: below that, ping waits by spinning.
   * @param onEnd Told when ping ends by itself.
   */
  static start(pair: Pair, periodMs: number, onEnd: (reason: string) => void): PingFlow {
    const args = ["-n", "-D", "-i", String(periodMs / 1000), "-I", pair.source, pair.target];
    const child = new Deno.Command("ping", { args, stdout: "piped", stderr: "null" }).spawn();
    const flow = new PingFlow(pair, child);
    flow.#read(child.stdout).then(async () => {
      const { code } = await child.status;
      onEnd(`ping ${args.join(" ")}: ended with exit code ${code}`);
    });
    return flow;
  }

  stop(): void {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended already.
    }
  }

  async #read(output: ReadableStream<Uint8Array>): Promise<void> {
    for await (const line of lineStream(output)) {
      const reply = parsePingReply(line);
      if (reply === null) continue;
      this.gap.heard(steadyTime(reply.atMs));
      this.sequence.heard(reply.sequence);
    }
  }
}

/**
 * Ping's own time of day places an answer better than the time at which its line is read here, unless
 * the clock has been set since this process started.
 */
function steadyTime(unixMs: number): number {
  const now = performance.now();
  const at = unixMs - performance.timeOrigin;
  return at <= now && at > now - 1000 ? at : now;
}

/**
 * An answer in the output of `ping -D` (iputils), or null:
 * `[1720000000.123456] 64 bytes from 192.0.2.1: icmp_seq=7 ttl=64 time=0.05 ms (DUP!)`
 */
export function parsePingReply(line: string): { atMs: number; sequence: number } | null {
  const match = /^\[(\d+\.\d+)\] \d+ bytes from .*icmp_seq=(\d+) .*time=/.exec(line);
  return match && { atMs: Number(match[1]) * 1000, sequence: Number(match[2]) };
}
