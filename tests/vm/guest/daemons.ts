/**
 * The program itself on devices of the kernel module: three `avail run` as one router between clients
 * and servers (cli/demo/topology.ts draws them), and what must hold when they die or end.
 */
import { assert, assertEquals, assertMatch } from "../../assert.ts";
import { everybody, inLab } from "../../netns/cluster.ts";
import { misinform, setRight } from "../../netns/neighbours.ts";
import {
  clusterDevices,
  flows,
  machineOf,
  pace,
  sharedBy,
  tellGaps,
  useBackend,
} from "./daemons_lab.ts";
import { runTests } from "./run_tests.ts";

function tests(): void {
  Deno.test("a killed daemon and a power loss cost no connection; SIGTERM leaves nothing", async () => {
    await inLab(pace, async (lab) => {
      const [fw1, fw2, fw3] = lab.nodes;
      await useBackend(fw1, "clusterdev");
      await useBackend(fw2, "clusterdev");
      await useBackend(fw3, "auto");
      const before = await machineOf(fw2);
      await misinform(lab);
      await lab.startNodes();
      const look = await sharedBy(lab, everybody, true);
      await setRight(lab);
      assertEquals(look.map(({ status }) => status?.datapath.backend), Array(3).fill("clusterdev"));
      assertMatch((await fw3.log(50)).join("\n"), /the kernel has the module clusterdev/);
      const traffic = await lab.startTraffic(flows);

      await traffic.mark("killed daemon");
      const devices = await clusterDevices(fw2);
      await fw2.kill();
      await sharedBy(lab, ["fw1", "fw3"], false);
      assertEquals(await clusterDevices(fw2), devices);
      tellGaps(await traffic.mark("daemon returns"));
      await fw2.start();
      await sharedBy(lab, everybody, true);
      assertMatch((await fw2.log(50)).join("\n"), /adopted a datapath/);
      assertEquals(await clusterDevices(fw2), devices, "adopted, not made anew");

      tellGaps(await traffic.mark("power loss"));
      await fw3.powerOff();
      await sharedBy(lab, ["fw1", "fw2"], false);
      tellGaps(await traffic.mark("end"));
      const { started, alive, lost, duplicates, duplicated } = await traffic.finish();
      assertEquals([alive, duplicates], [started, 0], JSON.stringify({ lost, duplicated }));

      const status = JSON.parse(await fw1.exec(availStatus(fw1.socket)));
      assertEquals([status.node, status.datapath.backend], ["fw1", "clusterdev"]);
      const during = await machineOf(fw2);
      for (const name of Object.keys(before)) {
        assert(during[name] !== before[name], `${name}: nothing to take back`);
      }
      assertEquals(await fw2.stop(90_000), 0);
      assertEquals(await machineOf(fw2), before);
    });
  });

  Deno.test("without replication the connections of a dead node die", async () => {
    await inLab({ ...pace, nodes: 2, replication: false }, async (lab) => {
      for (const node of lab.nodes) await useBackend(node, "clusterdev");
      await lab.startNodes();
      await sharedBy(lab, ["fw1", "fw2"], false);
      const traffic = await lab.startTraffic({ ...flows, pings: 2, lastEchoTimeoutMs: 5000 });
      await lab.node("fw2").powerOff();
      await sharedBy(lab, ["fw1"], false);
      const { started, alive } = await traffic.finish();
      console.log(`# ${alive} of ${started} connections are alive`);
      assert(alive < started);
    });
  });
}

/** `avail status --json`, as an administrator has it; it says more by its exit code, which is let go. */
function availStatus(socket: string): string[] {
  const avail = [Deno.execPath(), "run", "-A", "/avail/cli/main.js"];
  return ["sh", "-c", '"$@" || [ $? = 4 ]', "sh", ...avail, "status", "--json", "--socket", socket];
}

if (!await runTests(() => Promise.resolve(tests()))) Deno.exit(1);
