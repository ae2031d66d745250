/** One cluster of both datapaths: devices of the kernel module on fw1 and fw3, XDP on fw2. */
import { assert, assertEquals, assertGreater } from "../../assert.ts";
import { everybody, inLab } from "../../netns/cluster.ts";
import { pingPairs } from "../../../cli/demo/traffic.ts";
import type { Pair } from "../../../cli/demo/traffic_protocol.ts";
import type { Who } from "../../../lib/control.ts";
import { pause } from "../../../cli/demo/wait.ts";
import { flows, pace, sharedBy, tellGaps, useBackend } from "./daemons_lab.ts";
import { runTests } from "./run_tests.ts";

const backends = { fw1: "clusterdev", fw2: "xdp", fw3: "auto" } as const;

function tests(): void {
  Deno.test("nodes with clusterdev and xdp share the buckets and die for each other", async () => {
    await inLab(pace, async (lab) => {
      for (const name of everybody) await useBackend(lab.node(name), backends[name]);
      await lab.startNodes();
      const look = await sharedBy(lab, everybody, true);
      const used = look.map(({ status }) => status?.datapath.backend);
      assertEquals(used, ["clusterdev", "xdp", "clusterdev"]);

      // A frame that two nodes put into different buckets would be answered twice, or not at all.
      const pings: Pair[] = pingPairs(24);
      // One after the other, and with patience: the daemon is emulated.
      const asked: Who[] = [];
      for (const { source, target: destination } of pings) {
        asked.push(
          await lab.node("fw2").request({ command: "who", source, destination }, 20_000) as Who,
        );
      }
      assertEquals(new Set(asked.map(({ owner }) => owner)), new Set<string | null>(everybody));
      const traffic = await lab.startTraffic({ ...flows, pings, pingPeriodMs: 500 });
      await traffic.mark("steady");
      // A busy host may cost an answer; what two nodes see differently has none at all, or two.
      let isWhole = false;
      for (let turn = 0; turn < 5 && !isWhole; turn++) {
        await pause(4000);
        const steady = await traffic.mark("steady");
        tellGaps(steady);
        isWhole = steady.ping.lost === 0 && steady.ping.longestMs < 2500;
      }
      assert(isWhole, "every ping is answered");
      for (const { name } of lab.nodes) {
        const { accepted, dropped } = (await lab.node(name).status(10_000)).datapath;
        assertGreater(accepted, 20, `${name} accepts`);
        assertGreater(dropped.notOwned, 20, `${name} refuses`);
      }

      await traffic.mark("killed daemon");
      await lab.node("fw2").kill();
      await sharedBy(lab, ["fw1", "fw3"], true);
      tellGaps(await traffic.mark("power loss"));
      await lab.node("fw3").powerOff();
      await sharedBy(lab, ["fw1"], false);
      tellGaps(await traffic.mark("end"));
      const report = await traffic.finish();
      const { started, alive, duplicates } = report;
      assertEquals([alive, duplicates], [started, 0], JSON.stringify(report));
    });
  });
}

if (!await runTests(() => Promise.resolve(tests()))) Deno.exit(1);
