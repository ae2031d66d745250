/**
 * The lab's traffic, one process for all clients and one for all servers, each in its namespace
 * (traffic_protocol.ts is how it is talked to).
 */
import { ClientTraffic } from "./client_traffic.ts";
import { serveEchoes } from "./echo_server.ts";
import { lineStream } from "./line_stream.ts";
import type { TrafficMessage, TrafficOrder, TrafficPlan } from "./traffic_protocol.ts";

/** Ends when standard input ends. @param role `clients` or `servers`. */
export async function runTraffic(role: string): Promise<void> {
  const lines = lineStream(Deno.stdin.readable);
  try {
    if (role === "servers") await serve(lines);
    else if (role === "clients") await connect(lines);
    else tell({ kind: "failed", reason: `role ${role}; use clients or servers` });
  } catch (error) {
    tell({ kind: "failed", reason: (error as Error).message });
  }
}

async function serve(lines: AsyncGenerator<string>): Promise<void> {
  await serveEchoes();
  tell({ kind: "ready" });
  for await (const _ of lines); // Until the demo is gone.
}

async function connect(lines: AsyncGenerator<string>): Promise<void> {
  const first = await lines.next();
  if (first.done) return;
  const plan: TrafficPlan = JSON.parse(first.value);
  const traffic = await ClientTraffic.open(plan, (reason) => tell({ kind: "failed", reason }));
  const sampler = setInterval(() => tell({ kind: "sample", ...traffic.sample() }), 100);
  try {
    tell({ kind: "ready" });
    for await (const line of lines) {
      const order: TrafficOrder = JSON.parse(line);
      if (order.order === "mark") {
        tell({ kind: "interval", interval: traffic.mark(order.name) });
      } else {
        const report = await traffic.finish();
        clearInterval(sampler);
        tell({ kind: "report", report });
      }
    }
  } finally {
    clearInterval(sampler);
    traffic.stop();
  }
}

function tell(message: TrafficMessage): void {
  console.log(JSON.stringify(message));
}

if (import.meta.main) {
  await runTraffic(Deno.args[0] ?? "");
  Deno.exit();
}
