/** The page of a node: as docs/metrics.md says, and as Prometheus reads it. */
import type { Status } from "../../lib/control.ts";
import { exposition } from "../../lib/metrics/exposition.ts";
import { metrics, metricsPage, type MetricsSource } from "../../lib/metrics/metrics.ts";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "../assert.ts";
import { safeStatus, unfitStatus, unsafeStatus } from "../cli/statuses.ts";
import { promtool } from "./promtool.ts";

const zeros = new Array<number>(256).fill(0);
const counts = { heartbeat: 7, plan: 2, request: 1, answer: 3 };

const fullStatus: Status = {
  ...safeStatus,
  replication: {
    ...safeStatus.replication,
    totals: { overruns: 1, overflows: 2, refused: 3, failed: 4, swept: 5, streamsEnded: 6 },
  },
  datapath: {
    ...safeStatus.datapath,
    load: {
      packets: zeros.with(3, 10).with(4, 5),
      bytes: zeros.with(3, 1000).with(4, 500),
      packetsPerSecond: zeros.with(3, 2.5).with(4, 1.5),
    },
  },
  datagrams: { sent: counts, received: counts },
  refused: { "wrong tag": 4 },
  checks: [
    { name: "web", ok: true, sinceMs: 1, weight: 0 },
    { name: "db", ok: false, sinceMs: 1, weight: 0 },
    { name: "new", ok: null, sinceMs: 1, weight: 0 },
  ],
  health: { ok: false, factor: 0.5, failing: ["db"] },
  protocol: { version: 2, oldest: 1, inUse: 2 },
};

function sourceOf(status: Status): MetricsSource {
  return {
    status,
    events: [{ event: "peer-dead", level: "warn", count: 2 }],
    build: { version: "0.1.0", runtime: "deno 2.9.6" },
    process: { startTime: 1.8e9, residentBytes: 1e8, cpuSeconds: 1.25 },
  };
}

const page = metricsPage(sourceOf(fullStatus));
const samples = page.split("\n").filter((line) => line !== "" && !line.startsWith("#"));

Deno.test("promtool finds nothing to complain of, whatever the status", async () => {
  for (const status of [fullStatus, safeStatus, unsafeStatus, unfitStatus]) {
    assertEquals(await promtool(["check", "metrics"], metricsPage(sourceOf(status))), "");
  }
});

Deno.test("promtool does complain of what is wrong", async () => {
  const wrong: readonly (readonly [from: string, to: string, says: string])[] = [
    ["avail_epoch 12", "avail_epoch twelve", "error while linting"],
    ["# HELP avail_safe", "# HELP avail_sfae", "avail_safe no help text"],
    ["avail_epoch", "availEpoch", "should be written in 'snake_case'"],
    ["avail_frames_accepted_total", "avail_frames_accepted", 'should have "_total" suffix'],
  ];
  for (const [from, to, says] of wrong) {
    assert(page.includes(from), from);
    assertStringIncludes(await promtool(["check", "metrics"], page.replaceAll(from, to)), says);
  }
});

Deno.test("the numbers are those of the status", () => {
  for (
    const sample of [
      'avail_build_info{version="0.1.0",runtime="deno 2.9.6",protocol="2"} 1',
      'avail_node_info{cluster="edge",node="fw1",backend="xdp"} 1',
      'avail_state{state="ready"} 1',
      'avail_state{state="left"} 0',
      "avail_safe 1",
      "avail_epoch 12",
      'avail_members{state="ready"} 3',
      'avail_member_buckets{member="fw2"} 85',
      'avail_member_last_heard_seconds{member="fw2"} 0.042',
      "avail_buckets_owned 86",
      "avail_buckets_unowned 0",
      "avail_buckets_without_backup 0",
      "avail_lease_seconds_remaining 0.24",
      "avail_replication_lag_seconds 0.003",
      'avail_flows{role="backup"} 2400',
      'avail_replication_peer_safe{peer="fw3"} 1',
      "avail_replication_overruns_total 1",
      "avail_replication_streams_ended_total 6",
      "avail_frames_accepted_total 12345678",
      'avail_frames_dropped_total{reason="not_owned"} 24690123',
      "avail_buckets_packets_total 15",
      "avail_buckets_bytes_total 1500",
      "avail_buckets_packets_per_second 4",
      "avail_hottest_bucket_packets_per_second 2.5",
      'avail_datagrams_sent_total{kind="heartbeat"} 7',
      'avail_datagrams_refused_total{reason="wrong tag"} 4',
      'avail_check_up{check="web"} 1',
      'avail_check_up{check="db"} 0',
      "avail_health_factor 0.5",
      'avail_events_total{event="peer-dead",level="warn"} 2',
      "process_cpu_seconds_total 1.25",
    ]
  ) assert(samples.includes(sample), sample);
  assert(!page.includes('check="new"'), "a check without a verdict");
  const unsafe = metricsPage(sourceOf(unsafeStatus));
  assertMatch(unsafe, /^avail_safe 0$/m);
  assertMatch(unsafe, /^avail_lease_seconds_remaining 0$/m);
  assert(!unsafe.includes('avail_member_buckets{member="fw2"}'), "a member that is not heard");
});

Deno.test("every metric is told of a node that can tell it, and each sample once", () => {
  for (const { name, labels } of metrics) {
    const own = samples.filter((line) =>
      line.startsWith(`${name} `) || line.startsWith(`${name}{`)
    );
    assert(own.length > 0, name);
    for (const line of own) {
      assertEquals([...line.matchAll(/(\w+)="/g)].map((match) => match[1]), [...labels], line);
    }
  }
  const keys = samples.map((line) => line.slice(0, line.lastIndexOf(" ")));
  assertEquals(keys.length, new Set(keys).size);
});

Deno.test("docs/metrics.md has every metric, as it is", () => {
  const file = new URL("../../docs/metrics.md", import.meta.url);
  const rows = Deno.readTextFileSync(file).split("\n").filter((line) => line.startsWith("| `"));
  const wanted = metrics.map(({ name, type, labels, help }) => {
    const names = labels.map((label) => `\`${label}\``).join(", ") || "–";
    return `| \`${name}\` | ${type} | ${names} | ${help.replaceAll("|", "\\|")} |`;
  });
  assertEquals(rows, wanted);
});

Deno.test("the rules that docs/metrics.md gives are rules, of metrics that there are", async () => {
  const text = Deno.readTextFileSync(new URL("../../docs/metrics.md", import.meta.url));
  const rules = /```yaml\n(groups:[\s\S]*?)```/.exec(text)![1];
  const file = await Deno.makeTempFile({ suffix: ".yaml" });
  try {
    await Deno.writeTextFile(file, rules);
    assertStringIncludes(await promtool(["check", "rules", file], ""), "SUCCESS: 6 rules found");
    await Deno.writeTextFile(file, rules.replace("== 0", "=! 0"));
    assertStringIncludes(await promtool(["check", "rules", file], ""), "FAILED");
  } finally {
    await Deno.remove(file);
  }
  const known = new Set(metrics.map(({ name }) => name));
  for (const [name] of rules.matchAll(/\bavail_\w+/g)) assert(known.has(name), name);
});

Deno.test("labels of strangers cannot break a line", () => {
  const metric = { name: "m", type: "gauge", help: "a\nb\\", labels: ["l"] } as const;
  assertEquals(
    exposition([[metric, [[1, 'x"\n\\y'], [Number.NaN, ""], [Infinity, "ü"]]]]),
    "# HELP m a\\nb\\\\\n# TYPE m gauge\n" +
      'm{l="x\\"\\n\\\\y"} 1\nm{l=""} NaN\nm{l="ü"} +Inf\n',
  );
});
