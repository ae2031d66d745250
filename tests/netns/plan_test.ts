/** `avail plan` on three real daemons: what it shows comes true, and stays so. */
import { assert, assertEquals, assertGreater, assertRejects } from "../assert.ts";
import type { Planning, Status } from "../../lib/control.ts";
import { AvailError } from "../../lib/errors.ts";
import type { Lab } from "../../cli/demo/lab.ts";
import { avail } from "../cli/program.ts";
import { inLab, pause, settled, started, statusWhere } from "./cluster.ts";

const detectionMs = 300;

async function plan(lab: Lab, node: string, ...args: string[]) {
  const outcome = await avail("plan", "--socket", lab.node(node).socket, "--json", ...args);
  assertEquals(outcome.code, 0, outcome.stderr);
  return JSON.parse(outcome.stdout);
}

const moved = (before: Status, after: Status) =>
  before.owners.flatMap((owner, bucket) => owner === after.owners[bucket] ? [] : [bucket]);

Deno.test("plan: a drain, a weight and a balance are shown first, then come true as shown", async () => {
  await inLab({}, async (lab) => {
    await started(lab);
    const traffic = await lab.startTraffic({ connections: 40 });
    const before = await lab.node("fw1").status();

    const drain = await plan(lab, "fw1", "--without", "fw3");
    assertEquals(drain.unknown, []);
    assertEquals(drain.withoutBackup, 0);
    assertEquals(moved(before, await lab.node("fw1").status()), [], "nothing without --apply");
    await plan(lab, "fw1", "--without", "fw3", "--apply");
    const without = await settled(lab, ["fw1", "fw2"]).then(() => lab.node("fw1").status());
    assertEquals(
      moved(before, without),
      drain.moves.map(({ bucket }: { bucket: number }) => bucket),
    );
    await lab.node("fw3").undrain();
    await settled(lab);

    const heavier = await plan(lab, "fw2", "--weight", "fw3=2", "--apply");
    const after = await statusWhere(
      lab,
      "fw1",
      "fw3 has half",
      (status) => status.owners.filter((owner) => owner === "fw3").length === 128,
    );
    assertEquals(heavier.nodes.map((node: { bucketsThen: number }) => node.bucketsThen), [
      64,
      64,
      128,
    ]);
    assert(after.owners.every((owner) => owner !== null));

    const even = await plan(lab, "fw3", "--balance", "--apply");
    assertEquals(even.unknown, []);
    assertGreater(even.busiest, 0.99, "the traffic is counted");
    assert(even.busiestThen <= even.busiest);
    const balanced = await lab.node("fw1").status();
    assertEquals(
      moved(after, balanced),
      even.moves.map(({ bucket }: { bucket: number }) => bucket),
    );
    await pause(4 * detectionMs);
    assertEquals(moved(balanced, await lab.node("fw1").status()), [], "nothing moves back");
    const { alive, duplicates, started: opened, lost } = await traffic.finish();
    assertEquals([alive, duplicates], [opened, 0], JSON.stringify(lost));
  });
});

Deno.test("balance: what is exchanged stays exchanged, and only the planner is asked", async () => {
  await inLab({}, async (lab) => {
    await started(lab);
    const before = await lab.node("fw1").status();
    const first = (name: string) => before.owners.indexOf(name);
    const owners = { fw3: [first("fw2")], fw2: [first("fw3")] };
    const refused = await assertRejects(
      () => lab.node("fw2").request({ command: "balance", owners }),
      AvailError,
    );
    assertEquals(refused.message, "balance: fw2 does not plan; ask fw1, which plans");
    assertEquals(moved(before, await lab.node("fw1").status()), []);

    await lab.node("fw2").request({
      command: "forward",
      node: "fw1",
      request: { command: "balance", owners },
    });
    const wished = [first("fw2"), first("fw3")].toSorted((a, b) => a - b);
    const after = await statusWhere(
      lab,
      "fw3",
      "the two have changed places",
      (status) => moved(before, status).join() === wished.join() && status.safe,
    );
    assertEquals(after.owners[first("fw2")], "fw3");
    // Other plans follow: after a node has come and gone, and by another planner.
    await pause(4 * detectionMs);
    assertEquals(moved(before, await lab.node("fw1").status()), wished);
    const { planner, input } = await lab.node("fw1").request({ command: "planning" }) as Planning;
    assertEquals([planner, input.owners.length, input.backupCount], ["fw1", 256, 1]);
    await lab.node("fw1").drain();
    await settled(lab, ["fw2", "fw3"]);
    const drained = await lab.node("fw2").status();
    assertEquals([drained.owners[first("fw2")], drained.owners[first("fw3")]], ["fw3", "fw2"]);
  });
});
