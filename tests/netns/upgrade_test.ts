/**
 * A rolling upgrade on the real kernel: three nodes run the last program that spoke version 1 of the
 * protocol, out of this repository's history, and become this one, one after another, under traffic.
 */
import { assertEquals } from "../assert.ts";
import { everybody, inLab, settled, statusWhere } from "./cluster.ts";

const root = new URL("../../", import.meta.url).pathname;
const lastOfVersion1 = "887a6bcf2084e0b6bffda782d013f3741c885e44";
const hasHistory = (await git("cat-file", "-e", `${lastOfVersion1}^{commit}`)).success;
if (!hasHistory) console.log(`skipped: ${lastOfVersion1} is not in the history of this checkout`);

Deno.test({
  name: "a rolling upgrade from version 1: nothing is lost, nothing answered twice",
  ignore: !hasHistory,
  async fn() {
    const directory = await Deno.makeTempDir({ prefix: "avail-version1-" });
    try {
      const old = await oldProgram(directory);
      // The earlier version does not know damping.
      await inLab({ damping: null }, async (lab) => {
        for (const { name } of lab.nodes) await lab.node(name).start(old);
        await settled(lab);
        const traffic = await lab.startTraffic({ connections: 60, pings: 24 });
        for (const name of everybody) {
          const others = everybody.filter((other) => other !== name);
          await traffic.mark(`${name} is drained`);
          await lab.node(name).drain();
          await settled(lab, others);
          assertEquals(await lab.node(name).stop(), 0);
          await lab.node(name).start();
          await settled(lab);
          const inUse = name === everybody.at(-1) ? 2 : 1;
          await statusWhere(
            lab,
            name,
            `version ${inUse} is in use`,
            ({ protocol }) => protocol?.inUse === inUse,
          );
        }
        const { started, alive, duplicates, lost, intervals } = await traffic.finish();
        for (const { name, ping, ownDelayMs } of intervals.slice(1)) {
          const late = `this machine was ${ownDelayMs.toFixed(0)} ms late`;
          console.log(`${name}: longest silence ping ${ping.longestMs.toFixed(0)} ms; ${late}`);
        }
        assertEquals([started, alive, duplicates], [60, 60, 0], JSON.stringify(lost));
      });
    } finally {
      await Deno.remove(directory, { recursive: true });
    }
  },
});

/** Takes the old program out of the history and builds what it needs; its argv. */
async function oldProgram(directory: string): Promise<string[]> {
  const archive = `${directory}/source.tar`;
  must(await git("archive", "--output", archive, lastOfVersion1));
  must(await run("tar", ["-xf", archive, "-C", directory]));
  must(await run(Deno.execPath(), ["run", "-A", "kmod/bpf/build.ts"], directory));
  return [Deno.execPath(), "run", "-A", `${directory}/cli/main.ts`];
}

function git(...args: string[]): Promise<Deno.CommandOutput> {
  return run("git", ["-C", root, ...args]);
}

async function run(program: string, args: readonly string[], cwd = root) {
  try {
    return await new Deno.Command(program, { args: [...args], cwd }).output();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    const none = new Uint8Array();
    return { success: false, code: 127, signal: null, stdout: none, stderr: none };
  }
}

function must({ success, stderr }: Deno.CommandOutput): void {
  if (!success) throw new Error(new TextDecoder().decode(stderr));
}
