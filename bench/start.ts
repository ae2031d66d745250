/**
 * How long dist/avail takes to start, against the runtime alone: `avail version` beside `deno run` on an
 * empty script, in turn, so that whatever else the machine does slows both. Then the first start,
 * which unpacks. `deno run -A bench/start.ts [--rounds N] [--firsts N] [--json]`.
 *
 * Goals: a start at most 1.5 times that of the empty script; a first start in less than a second.
 */
import { hasFlag, numberOption } from "./options.ts";
import { median, quantile } from "./statistics.ts";
import { OneFile } from "../tests/packaging/built/one_file.ts";

const ratioMax = 1.5;
const firstMsMax = 1000;

const rounds = numberOption("rounds", 60);
const firsts = numberOption("firsts", 5);

await using file = await OneFile.build();
const script = `${file.folder}/empty.js`;
await Deno.writeTextFile(script, "");
const runtime = `${file.folder}/runtime`;

/** Milliseconds from the start of a program to its end. */
function time(program: string, ...args: readonly string[]): number {
  const command = new Deno.Command(program, {
    args: [...args],
    env: { AVAIL_RUNTIME_DIR: runtime },
    stdin: "null",
    stdout: "null",
    stderr: "inherit",
  });
  const began = performance.now();
  const { code } = command.outputSync();
  const ms = performance.now() - began;
  if (code !== 0) throw new Error(`${program} ${args.join(" ")}: exit code ${code}`);
  return ms;
}

const firstMs: number[] = [];
for (let i = 0; i < firsts; i++) {
  await Deno.remove(runtime, { recursive: true }).catch(() => {});
  firstMs.push(time(file.path, "version"));
}

const emptyMs: number[] = [];
const availMs: number[] = [];
const ratios: number[] = [];
for (let i = 0; i < rounds; i++) {
  const empty = time(Deno.execPath(), "run", script);
  const avail = time(file.path, "version");
  emptyMs.push(empty);
  availMs.push(avail);
  ratios.push(avail / empty);
}

const figures = {
  emptyMs: { p10: quantile(emptyMs, 0.1), p50: median(emptyMs) },
  availMs: { p10: quantile(availMs, 0.1), p50: median(availMs) },
  // Of the medians: a round in which one of the two was disturbed says nothing about the other.
  ratio: median(availMs) / median(emptyMs),
  ratioPerRound: median(ratios),
  firstMs: { p50: median(firstMs), max: quantile(firstMs, 1) },
};
const isFast = figures.ratio <= ratioMax && figures.firstMs.p50 < firstMsMax;
if (hasFlag("json")) {
  console.log(JSON.stringify({ ...figures, met: isFast }));
} else {
  const ms = (value: number) => value.toFixed(1).padStart(7);
  console.log(
    `deno run, empty script   p10${ms(figures.emptyMs.p10)}  p50${ms(figures.emptyMs.p50)} ms`,
  );
  console.log(
    `avail version            p10${ms(figures.availMs.p10)}  p50${ms(figures.availMs.p50)} ms`,
  );
  const ratio = `${figures.ratio.toFixed(2)} (by rounds ${figures.ratioPerRound.toFixed(2)})`;
  console.log(`ratio ${ratio}, goal ${ratioMax}: ${figures.ratio <= ratioMax ? "PASS" : "MISS"}`);
  const first = `${figures.firstMs.p50.toFixed(0)} ms, at most ${
    figures.firstMs.max.toFixed(0)
  } ms`;
  const verdict = figures.firstMs.p50 < firstMsMax ? "PASS" : "MISS";
  console.log(`first start ${first}, goal ${firstMsMax} ms: ${verdict}`);
}
Deno.exitCode = isFast ? 0 : 1;
