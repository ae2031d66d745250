/**
 * What a frame costs that another node handles, beside what others do to refuse it.
 *
 *     ./dev bench datapath           clusterdev, in a virtual machine that counts instructions
 *     ./dev bench datapath --xdp     the XDP programs, in CPU time of this machine
 *
 * Both take `--rounds N` (more rounds, narrower spread) and `--json`; the exit code is 1 if a target was
 * missed. docs/testing.md tells how to read the tables.
 */
import { measureGuest } from "./datapath/guest.ts";
import { measureHost } from "./datapath/host.ts";
import { print } from "./datapath/report.ts";

const wantsHost = Deno.args.includes("--xdp");
const at = Deno.args.indexOf("--rounds");
const rounds = at < 0 ? undefined : Number(Deno.args[at + 1]);
if (rounds !== undefined && !(rounds >= 1)) {
  throw new Error(`--rounds ${Deno.args[at + 1]}: not a number above 0`);
}
const report = await (wantsHost ? measureHost(rounds) : measureGuest(rounds));
print(report, Deno.args.includes("--json"));
if (report.targets.some(({ isMet }) => !isMet)) Deno.exit(1);
