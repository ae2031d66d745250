/**
 * Examines the machine that it runs on, once for each line on standard input:
 * `{"config":"avail.toml","checks":["mtu"],"fix":null}` -> the report, or `{"error":"…"}`.
 */
import { type DoctorOptions, runDoctor } from "../../lib/host/doctor/doctor.ts";
import { linesOf } from "../lines.ts";

for await (const line of linesOf(Deno.stdin.readable)) {
  const options: DoctorOptions = JSON.parse(line);
  const said = await runDoctor(options).catch((error: Error) => ({ error: error.message }));
  await Deno.stdout.write(new TextEncoder().encode(JSON.stringify(said) + "\n"));
}
