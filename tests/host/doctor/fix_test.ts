/** What --fix does, beneath a folder in the place of /etc. */
import type { Finding, Fix } from "../../../lib/doctor/finding.ts";
import { applyFixes } from "../../../lib/host/doctor/fix.ts";
import { assert, assertEquals, assertMatch } from "../../assert.ts";

function finding(fix: Fix | null): Finding {
  const nothing = { why: null, remedy: null, commands: [], evidence: null };
  return { id: "x", severity: "warning", title: "t", ...nothing, fix };
}

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await work(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("doctor --fix: a mode is changed once, whoever asks for it, and not by a dry run", () =>
  inFolder(async (folder) => {
    const path = `${folder}/key`;
    await Deno.writeTextFile(path, "", { mode: 0o600 });
    await Deno.chmod(path, 0o644);
    const mode = () => (Deno.statSync(path).mode ?? 0) & 0o777;
    const wanted = finding({ kind: "mode", path, mode: 0o600 });
    const options = { persist: true, dryRun: true, etc: folder };
    const [dry] = await applyFixes([wanted, finding(null)], options);
    assertEquals([dry.done, dry.error, mode()], [false, null, 0o644]);
    const results = await applyFixes([wanted, wanted], { ...options, dryRun: false });
    assertEquals([results.length, results[0].done, mode()], [1, true, 0o600]);
    assertMatch(results[0].change, /^change the mode of .*key from 0644 to 0600$/);
    assertEquals([...Deno.readDirSync(folder)].map(({ name }) => name), ["key"]);
  }));

Deno.test("doctor --fix: what cannot be done is told, the rest is done, nothing is kept of it", () =>
  inFolder(async (folder) => {
    const path = `${folder}/key`;
    await Deno.writeTextFile(path, "", { mode: 0o644 });
    const [missing, done] = await applyFixes([
      finding({ kind: "sysctl", path: "net/no_such_setting", value: "1" }),
      finding({ kind: "mode", path, mode: 0o600 }),
    ], { persist: true, dryRun: false, etc: folder });
    assert(missing.error !== null && !missing.done && missing.persisted === null);
    assert(done.done);
    assertEquals([...Deno.readDirSync(folder)].map(({ name }) => name), ["key"]);
  }));

Deno.test({
  name: "doctor --fix --persist: a setting is written, and kept for the next boot",
  ignore: Deno.uid() !== 0,
}, () =>
  inFolder(async (folder) => {
    // To what it is already: the machine stays as it was.
    const path = "net/ipv4/ip_default_ttl";
    const value = Deno.readTextFileSync(`/proc/sys/${path}`).trim();
    const wanted = finding({ kind: "sysctl", path, value });
    const file = `${folder}/sysctl.d/90-avail-doctor.conf`;
    for (let times = 0; times < 2; times++) {
      const [result] = await applyFixes([wanted], { persist: true, dryRun: false, etc: folder });
      assertEquals([result.done, result.persisted], [true, file]);
    }
    const lines = Deno.readTextFileSync(file).split("\n");
    assertEquals(lines.slice(1), [`net.ipv4.ip_default_ttl = ${value}`, ""]);
    assertEquals([...Deno.readDirSync(`${folder}/sysctl.d`)].length, 1);
  }));
