/**
 * A node's datapath in a process of its own, so that it can live in a network namespace: the test
 * starts it there, and speaks to it in lines of JSON (see steering_lab.ts).
 */
import { attachDatapath } from "../../lib/host/attach_datapath.ts";
import { type DatapathShare, openSteering } from "../../lib/host/datapath.ts";
import { BucketSet } from "../../lib/ownership/bucket_set.ts";
import { findPinDirectory } from "../../lib/host/bpf_fs.ts";
import { CLOCK_BOOTTIME, clockMs } from "../../ffi/libc.ts";

export interface NodeOptions {
  readonly backend: "auto" | "clusterdev" | "xdp";
  readonly runDir: string;
  readonly shares: readonly (Omit<DatapathShare, "mac"> & { readonly mac: string })[];
  readonly mode: "auto" | "tc";
  readonly markMask: number | null;
  readonly seed: readonly [number, number];
}

/** The first line of a node's process: what `attachDatapath` gave. */
export interface NodeHello {
  readonly adopted: {
    readonly responsibility: string;
    readonly leaseUntil: number;
    readonly epoch: number;
  } | null;
  readonly backend: string;
  readonly modes: readonly (readonly [interfaceName: string, mode: string])[];
  readonly why: string;
}

export type NodeOrder =
  | { readonly do: "own"; readonly buckets: string; readonly epoch: number }
  /** From now on, in milliseconds. */
  | { readonly do: "lease"; readonly ms: number }
  | { readonly do: "counters" }
  /** The counters by bucket. */
  | { readonly do: "load" }
  | { readonly do: "current" }
  /** Where the pins are, or null. */
  | { readonly do: "pins" }
  | { readonly do: "keep" }
  | { readonly do: "detach" };

if (import.meta.main) await main(JSON.parse(Deno.args[0]));

async function main(options: NodeOptions) {
  const say = (answer: unknown) => console.log(JSON.stringify(answer));
  try {
    const shares = options.shares.map((share) => ({
      ...share,
      mac: Uint8Array.fromHex(share.mac),
    }));
    const attachment = attachDatapath(options.backend, { ...options, shares });
    const steering = openSteering(attachment.steering);
    const { adopted, backend, modes, why } = attachment;
    say(
      {
        adopted: adopted && { ...adopted, responsibility: adopted.responsibility.toHex() },
        backend,
        modes: [...modes],
        why,
      } satisfies NodeHello,
    );
    const perform = (order: NodeOrder): unknown => {
      switch (order.do) {
        case "own":
          return steering.setResponsibility(BucketSet.fromHex(order.buckets), order.epoch);
        case "lease":
          return steering.setLease(clockMs(CLOCK_BOOTTIME) + order.ms);
        case "counters":
          return attachment.counters();
        case "load":
          return attachment.bucketCounters();
        case "current":
          return steering.current().responsibility.toHex();
        case "pins":
          return findPinDirectory(options.runDir);
        case "keep":
          return attachment.keep();
        case "detach":
          return attachment.detach();
      }
    };
    let rest = "";
    for await (const text of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split("\n");
      rest = lines.pop()!;
      for (const line of lines) say({ result: perform(JSON.parse(line)) ?? null });
    }
  } catch (error) {
    say({ error: error instanceof Error ? `${error.name}: ${error.message}` : String(error) });
  }
}
