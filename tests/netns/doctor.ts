/** `avail doctor` on a node of a lab, asked again and again without starting it anew. */
import type { LabNode } from "../../cli/demo/lab_node.ts";
import type { Severity } from "../../lib/doctor/finding.ts";
import type { DoctorReport, GroupedFinding } from "../../lib/doctor/report.ts";
import type { FixOptions } from "../../lib/host/doctor/fix.ts";
import { assert } from "../assert.ts";
import { linesOf } from "../lines.ts";

const program = new URL("./doctor_process.ts", import.meta.url).pathname;

export class Doctor implements AsyncDisposable {
  readonly #node: LabNode;
  readonly #child: Deno.ChildProcess;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #lines: AsyncIterator<string>;

  constructor(node: LabNode) {
    this.#node = node;
    this.#child = new Deno.Command("ip", {
      args: ["netns", "exec", node.namespace, Deno.execPath(), "run", "-qA", "--no-check", program],
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    this.#writer = this.#child.stdin.getWriter();
    this.#lines = linesOf(this.#child.stdout)[Symbol.asyncIterator]();
  }

  async report(checks: readonly string[], fix: FixOptions | null = null): Promise<DoctorReport> {
    const order = JSON.stringify({ config: this.#node.configFile, checks, fix });
    await this.#writer.write(new TextEncoder().encode(order + "\n"));
    const { value, done } = await this.#lines.next();
    assert(!done, "the examination ended by itself");
    const report = JSON.parse(value);
    assert(report.error === undefined, report.error);
    return report;
  }

  /** The worst finding of a check; null: it has nothing to say. */
  async worst(check: string): Promise<GroupedFinding | null> {
    return (await this.report([check])).findings[0] ?? null;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writer.close().catch(() => {});
    await this.#lines.return?.();
    await this.#child.status;
  }
}

/** `warning: the MTU differs`, for messages of failed tests. */
export function inWords(finding: { severity: Severity; title: string } | null): string {
  return finding === null ? "nothing" : `${finding.severity}: ${finding.title}`;
}
