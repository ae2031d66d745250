/**
 * Checks and the configuration gate on the real kernel: a node whose check fails hands its buckets
 * over without losing a connection, and gets them back; without the check nothing moves.
 */
import { assert, assertEquals, assertMatch } from "../assert.ts";
import type { Lab } from "../../cli/demo/lab.ts";
import { everybody, inLab, ownedBy, pause, settled, started, statusWhere } from "./cluster.ts";

/** Changes a node's configuration before its daemon is started. */
async function configure(lab: Lab, name: string, change: (text: string) => string): Promise<void> {
  const { configFile } = lab.node(name);
  await Deno.writeTextFile(configFile, change(await Deno.readTextFile(configFile)));
}

/** What stands for the service that a node has to offer. */
const sign = (lab: Lab, name: string) => `${lab.node(name).directory}/works`;

async function addCheck(lab: Lab, name: string): Promise<void> {
  await Deno.writeTextFile(sign(lab, name), "");
  await configure(lab, name, (text) =>
    `${text}
[[check]]
name = "service"
command = ["/usr/bin/test", "-e", "${sign(lab, name)}"]
interval = "200ms"
`);
}

Deno.test("a node whose check fails hands its buckets over, and takes them again when it passes", async () => {
  await inLab({}, async (lab) => {
    for (const name of everybody) await addCheck(lab, name);
    await started(lab);
    const traffic = await lab.startTraffic({ connections: 40 });
    await Deno.remove(sign(lab, "fw2"));
    await settled(lab, ["fw1", "fw3"], false);
    const failed = await lab.node("fw2").status();
    assertEquals(failed.state, "ready");
    assertEquals(failed.health, { ok: false, factor: 0, failing: ["service"] });
    const [check] = failed.checks ?? [];
    assertEquals([check.name, check.ok, check.lastError], ["service", false, "exit code 1"]);
    const seen = (await lab.node("fw1").status()).members.find(({ name }) => name === "fw2");
    assertEquals([seen?.healthy, seen?.eligible, seen?.notEligibleBecause], [
      false,
      false,
      "its checks fail",
    ]);
    await Deno.writeTextFile(sign(lab, "fw2"), "");
    await settled(lab);
    const passed = await lab.node("fw2").status();
    assertEquals(passed.health, { ok: true, factor: 1, failing: [] });
    assertEquals(passed.protocol, { version: 2, oldest: 1, inUse: 2 });
    const { started: opened, alive, duplicates, lost } = await traffic.finish();
    assertEquals([opened, alive, duplicates], [40, 40, 0], JSON.stringify(lost));
    const log = (await lab.node("fw2").log(200)).join("\n");
    assertMatch(log, /check service fails: exit code 1/);
    assertMatch(log, /check service passes/);
  });
});

Deno.test("without the check they stay; a firewall that differs is named, and moves nothing", async () => {
  await inLab({}, async (lab) => {
    await Deno.writeTextFile(sign(lab, "fw2"), "");
    for (const name of everybody) {
      await configure(
        lab,
        name,
        (text) => text.replace("[cluster]\n", "[cluster]\nruleset = true\n"),
      );
    }
    await started(lab);
    const before = await lab.node("fw1").status();
    await Deno.remove(sign(lab, "fw2"));
    await lab.exec("fw3", ["nft", "add", "table", "inet", "mine"]);
    const differing = await statusWhere(lab, "fw1", "fw3 differs in its rules", ({ members }) => {
      const fw3 = members.find(({ name }) => name === "fw3");
      return fw3?.differs?.join() === "ruleset" && fw3.differsFrom?.join() === "fw1,fw2";
    });
    assertEquals(differing.owners, before.owners);
    // Its own status says the same of it, though it is the one that differs.
    const own = (await lab.node("fw3").status()).members.map(({ differs }) => differs ?? []);
    assertEquals(own, [[], [], ["ruleset"]]);
    await pause(1000);
    assert(ownedBy(await lab.node("fw1").status(), "fw2") > 0);
    await lab.exec("fw3", ["nft", "delete", "table", "inet", "mine"]);
    await statusWhere(
      lab,
      "fw1",
      "nobody differs",
      ({ members }) => members.every(({ differs }) => differs === undefined),
    );
  });
});
