/**
 * Prometheus' text format, version 0.0.4 (prometheus.io/docs/instrumenting/exposition_formats): for
 * each metric a line of help, one of its type, and a line for each sample.
 */

export interface Metric {
  /** `avail_` and lower-case words, the unit last; counters end with `_total`. */
  readonly name: string;
  readonly type: "gauge" | "counter";
  readonly help: string;
  /** Names of its labels, in their order. */
  readonly labels: readonly string[];
}

/** A value, and one value for each label. */
export type Sample = readonly [value: number, ...labels: string[]];

export const contentType = "text/plain; version=0.0.4; charset=utf-8";

/** The page of these metrics; one without samples keeps its help and type. */
export function exposition(metrics: Iterable<readonly [Metric, readonly Sample[]]>): string {
  let page = "";
  for (const [metric, samples] of metrics) {
    const { name, type, help } = metric;
    page += `# HELP ${name} ${escaped(help)}\n# TYPE ${name} ${type}\n`;
    for (const sample of samples) {
      page += `${name}${labelsOf(metric, sample)} ${numberOf(sample)}\n`;
    }
  }
  return page;
}

function labelsOf({ labels }: Metric, [, ...values]: Sample): string {
  if (labels.length === 0) return "";
  const pairs = labels.map((label, i) => `${label}="${escaped(values[i]).replaceAll('"', '\\"')}"`);
  return `{${pairs.join(",")}}`;
}

function numberOf([value]: Sample): string {
  return value === Infinity ? "+Inf" : value === -Infinity ? "-Inf" : String(value);
}

function escaped(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
}
