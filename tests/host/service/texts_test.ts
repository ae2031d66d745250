/** The unit and the scripts, in the eyes of the programs that read them. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "../../assert.ts";
import { openrcScript } from "../../../lib/host/service/openrc_script.ts";
import { systemdUnit } from "../../../lib/host/service/systemd_unit.ts";
import { sysvScript } from "../../../lib/host/service/sysv_script.ts";

interface Outcome {
  readonly code: number;
  readonly said: string;
}

async function run(program: string, ...args: string[]): Promise<Outcome> {
  const { code, stdout, stderr } = await new Deno.Command(program, { args, stdin: "null" })
    .output();
  const decoder = new TextDecoder();
  return { code, said: decoder.decode(stdout) + decoder.decode(stderr) };
}

/** A folder with a unit whose program can be run. */
async function withUnit(
  change: (unit: string) => string,
  body: (file: string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/program`, "#!/bin/sh\n", { mode: 0o755 });
    const file = `${folder}/avail.service`;
    await Deno.writeTextFile(file, change(systemdUnit(`${folder}/program`)));
    await body(file);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("unit: systemd understands every line, and says so of one that it does not", async () => {
  await withUnit((unit) => unit, async (file) => {
    const { code, said } = await run("systemd-analyze", "verify", "--man=no", file);
    assertEquals([code, said], [0, ""]);
  });
  await withUnit((unit) => unit.replace("ProtectHome=yes", "ProtectHome=perhaps"), async (file) => {
    assertMatch((await run("systemd-analyze", "verify", "--man=no", file)).said, /perhaps/);
  });
});

/** systemd's own measure, from 0 (closed) to 10 (open); it counts being root, and the network itself. */
const exposureMax = 4.0;

Deno.test("unit: little is exposed", async () => {
  const exposure = async (file: string) => {
    const { said } = await run("systemd-analyze", "security", "--offline=yes", "--no-pager", file);
    return Number(/exposure level for \S+: ([\d.]+)/.exec(said)?.[1]);
  };
  await withUnit((unit) => unit, async (file) => {
    const level = await exposure(file);
    assert(level > 0 && level <= exposureMax, `${level}`);
  });
  const open = (unit: string) => unit.replace(/^(Capab|Protect|SystemCall|Restrict\w+=).*$/gm, "");
  await withUnit(open, async (file) => assert(await exposure(file) > exposureMax));
});

Deno.test("scripts: every shell that they may meet can read them", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const shells = [["dash", "-n"], ["bash", "--posix", "-n"], ["busybox", "ash", "-n"]];
    const scripts = {
      sysv: sysvScript("/usr/local/sbin/avail"),
      openrc: openrcScript("/opt/bin/avail"),
    };
    for (const [name, text] of Object.entries(scripts)) {
      const file = `${folder}/${name}`;
      await Deno.writeTextFile(file, text);
      for (const [shell, ...flags] of shells) {
        assertEquals(await run(shell, ...flags, file), { code: 0, said: "" }, `${shell} ${name}`);
      }
      await Deno.writeTextFile(file, text.replace(/\n\}\n/, "\n"));
      assert((await run("dash", "-n", file)).code !== 0, "a fault is found");
    }
    assertStringIncludes(scripts.sysv, "PROGRAM=/usr/local/sbin/avail\n");
    assertStringIncludes(scripts.openrc, 'command="/opt/bin/avail"\n');
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
