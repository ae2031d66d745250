import { assertEquals } from "../assert.ts";

/** Where a dump lands in the folder of the process that died, as the kernel is set here. */
const isDumpedHere = /^[\w.%-]+\s*$/.test(await Deno.readTextFile("/proc/sys/kernel/core_pattern"));

/** The dumps that a process leaves which is killed by SIGABRT. */
async function dumpsOf(isProtected: boolean): Promise<number> {
  const module = new URL("../../lib/host/secrecy.ts", import.meta.url).href;
  const directory = await Deno.makeTempDir();
  try {
    const program = `
      const { keepKeysOutOfDumps } = await import(${JSON.stringify(module)});
      if (${isProtected} && !keepKeysOutOfDumps()) Deno.exit(1);
      Deno.kill(Deno.pid, "SIGABRT");
      await new Promise((resolve) => setTimeout(resolve, 10_000));
    `;
    const { signal } = await new Deno.Command("sh", {
      args: ["-c", 'ulimit -c unlimited; exec "$0" "$@"', Deno.execPath(), "eval", program],
      cwd: directory,
      stderr: "null",
    }).output();
    assertEquals(signal, "SIGABRT");
    return [...Deno.readDirSync(directory)].length;
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test({
  name: "a daemon that dies leaves no core dump with its keys; without the protection it would",
  ignore: !isDumpedHere || Deno.uid() !== 0,
  fn: async () => {
    assertEquals(await dumpsOf(false), 1);
    assertEquals(await dumpsOf(true), 0);
  },
});
