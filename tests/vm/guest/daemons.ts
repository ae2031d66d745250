/**
 * The program itself on devices of the kernel module: three `avail run` as one router (cli/demo/
 * topology.ts draws them), and what must hold when one of them dies. Run by deno test in the guest.
 */
import { assertEquals } from "../../assert.ts";
import { inLab } from "../../netns/cluster.ts";
import { type ClusterLook, lookAt, unsettled } from "../../../cli/demo/cluster_look.ts";
import type { Lab } from "../../../cli/demo/lab.ts";
import { runTests } from "./run_tests.ts";

/** The emulator is slow and its host may be busy: what detection would be on old, loaded machines. */
const paceMs = { intervalMs: 500, multiplier: 4 };
const backend = (name: string) => `\n[datapath]\nbackend = "${name}"\n`;

const t0 = performance.now();
const say = (text: string) =>
  console.error(`# ${((performance.now() - t0) / 1000).toFixed(1)} s: ${text}`);

async function settled(
  lab: Lab,
  owners = ["fw1", "fw2", "fw3"],
  safe = true,
): Promise<ClusterLook> {
  let look: ClusterLook = [];
  let last = "";
  await lab.waitUntil(`${owners.join(", ")} share all buckets`, async () => {
    look = await lookAt(lab, 10_000);
    const why = unsettled(look, { owners, safe });
    if (why !== last) say(why ?? "all there");
    last = why ?? "";
    return why;
  }, { timeoutMs: 90_000, everyMs: 500 });
  return look;
}

const story = () =>
  Deno.test("daemons", async () => {
    say("begin");
    await inLab({ ...paceMs, rtoMinMs: null, extraConfig: backend("clusterdev") }, async (lab) => {
      say("lab is there");
      await lab.startNodes();
      await settled(lab);
      say("started");
      const traffic = await lab.startTraffic({
        connections: 20,
        pings: 4,
        udpFlows: 2,
        tcpPeriodMs: 200,
        udpPeriodMs: 100,
        pingPeriodMs: 100,
      });
      say("traffic");
      await new Promise((r) => setTimeout(r, 2000));
      await traffic.mark("killed");
      await lab.node("fw2").kill();
      say("killed");
      await settled(lab, ["fw1", "fw3"]);
      say("settled");
      const kill = await traffic.mark("back");
      say(JSON.stringify(kill));
      await lab.node("fw2").start();
      await settled(lab);
      say("back");
      const back = await traffic.mark("power");
      say(JSON.stringify(back));
      await lab.node("fw3").powerOff();
      await settled(lab, ["fw1", "fw2"]);
      say("power loss");
      const loss = await traffic.mark("end");
      say(JSON.stringify(loss));
      const report = await traffic.finish();
      say(JSON.stringify(report));
      assertEquals([report.alive, report.duplicates], [report.started, 0]);
      const free = new TextDecoder().decode(
        (await new Deno.Command("free", { args: ["-m"] }).output()).stdout,
      );
      say(free);
      say("stop " + await lab.node("fw2").stop());
      for (const node of lab.nodes) {
        console.error(`--- ${node.name}\n${(await node.log(60)).join("\n")}`);
      }
    });
    say("end");
  });
if (import.meta.main && !await runTests(() => Promise.resolve(story()))) Deno.exit(1);
