/** How the tests of the datapath start their nodes, and the traffic that they send through them. */
import { must, range, SteeringLab, testBackend } from "./steering_lab.ts";

const isRoot = Deno.uid() === 0;
export const thirds = { 1: range(0, 85), 2: range(85, 170), 3: range(170, 256) } as const;
export const nodes = [1, 2, 3] as const;
export const aDayMs = 86_400_000;

/** How frames come in: native XDP, the classifier at tc ingress, or a device of the kernel module. */
export type Variant = "auto" | "tc" | "clusterdev";
/** Those of the backend of this run. */
export const variants: readonly Variant[] = testBackend === "xdp" ? ["auto", "tc"] : ["clusterdev"];

const modesOf = {
  auto: ["native", "native"],
  tc: ["tc", "tc"],
  clusterdev: ["cluster0", "cluster1"],
} as const;

/** What a node says of its two shares. */
export function expectedModes(variant: Variant): [string, string][] {
  return [["in", modesOf[variant][0]], ["out", modesOf[variant][1]]];
}

/** A test in a lab of its own; for root, and for the backend `of` if it is about one. */
export function netnsTest(
  name: string,
  body: (lab: SteeringLab) => Promise<void>,
  of: typeof testBackend = testBackend,
): void {
  const skipped = !isRoot
    ? " (skipped: needs root for network namespaces)"
    : of !== testBackend
    ? ` (skipped: needs AVAIL_TEST_BACKEND=${of})`
    : "";
  Deno.test({
    name: name + skipped,
    ignore: skipped !== "",
    fn: async () => {
      await using lab = await SteeringLab.build();
      await body(lab);
    },
  });
}

/** Starts the three nodes, a third of the buckets each. */
export async function startThirds(lab: SteeringLab, variant = variants[0]): Promise<void> {
  await Promise.all(nodes.map(async (node) => {
    const process = await lab.start(node, { mode: variant === "tc" ? "tc" : "auto" });
    await process.own(thirds[node]);
    await process.lease(aDayMs);
  }));
}

export interface Pinged {
  readonly received: number;
  readonly duplicates: number;
}

/**
 * Once it has had answers, ping waits for the last one no longer than an interval, or two round trips:
 * in an emulated machine, which runs clusterdev, that is to be enough for one that is late.
 */
const pingIntervalS = testBackend === "clusterdev" ? 0.5 : 0.1;

/** Three echo requests from each of the client's addresses. */
export async function pingFromAll(lab: SteeringLab, family: 4 | 6, to: string): Promise<Pinged> {
  const results = await Promise.all(
    range(11, 41).map((host) => {
      const from = family === 4 ? `10.1.0.${host}` : `fd01::${host}`;
      return lab.inside("c", "ping", "-c3", `-i${pingIntervalS}`, "-W2", "-I", from, to);
    }),
  );
  const count = (pattern: RegExp) =>
    results.reduce((sum, { out }) => sum + (out.match(pattern)?.length ?? 0), 0);
  return { received: count(/bytes from.*ms$/gm), duplicates: count(/DUP!/g) };
}

/** How many of 30 servers sent 50 kB back whole. */
export async function tcpToAll(lab: SteeringLab, family: 4 | 6): Promise<number> {
  const program = new URL("./tcp_process.ts", import.meta.url).pathname;
  const deno = (
    which: string,
  ) => ["netns", "exec", lab.name(which), Deno.execPath(), "run", "-qA", "--no-check", program];
  const server = new Deno.Command("ip", {
    args: [...deno("s"), "listen", "7000"],
    stdout: "piped",
  }).spawn();
  const reader = server.stdout.getReader();
  try {
    await reader.read(); // "listening"
    const hosts = range(200, 230).map((n) => family === 4 ? `10.2.0.${n}` : `fd02::${n}`);
    const out = await must("ip", ...deno("c"), "connect", "7000", "50000", ...hosts);
    return Number(out);
  } finally {
    server.kill("SIGKILL");
    await reader.cancel();
    await server.status;
  }
}
