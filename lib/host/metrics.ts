/** A node's metrics: from what it knows of itself to the page that Prometheus reads. */
import type { Status } from "../control.ts";
import type { EventRing } from "../events/event_ring.ts";
import type { Log } from "../log.ts";
import { metricsPage } from "../metrics/metrics.ts";
import { version } from "../version.ts";
import { MetricsServer } from "./metrics_server.ts";
import { processFigures } from "./process_figures.ts";

export interface MetricsParts {
  readonly listen: string;
  readonly status: () => Promise<Status>;
  readonly events: EventRing;
  readonly log: Log;
}

/** The server of this node's page; `run` begins. */
export function serveMetrics({ listen, status, events, log }: MetricsParts): MetricsServer {
  return new MetricsServer({
    listen,
    page: async () =>
      metricsPage({
        status: await status(),
        events: events.counts,
        build: { version, runtime: `deno ${Deno.version.deno}` },
        process: processFigures(),
      }),
    listening: (address) =>
      log.info("metrics are served", { event: "metrics", listen: `http://${address}/metrics` }),
    failed: (problem) =>
      log.error(`${problem}; it is tried again every few seconds`, { event: "metrics-failed" }),
  });
}
