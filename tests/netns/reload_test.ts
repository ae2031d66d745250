/**
 * Reloading on the real kernel, under traffic: weights, checks and backups change, alone and on all nodes
 * at once, and no connection notices. What needs a restart is refused, whole, and so is what only one
 * node has.
 */
import type { Lab } from "../../cli/demo/lab.ts";
import { selfCommand } from "../../cli/demo/self.ts";
import type { ClusterReport, ReloadReport } from "../../lib/control_reload.ts";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "../assert.ts";
import { everybody, inLab, ownedBy, settled, started, statusWhere } from "./cluster.ts";

async function avail(lab: Lab, node: string, ...args: string[]) {
  const [program, ...before] = selfCommand();
  const { code, stdout, stderr } = await new Deno.Command(program, {
    args: [...before, ...args, "--socket", lab.node(node).socket],
    env: { NO_COLOR: "1" },
  }).output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

/** `avail reload` with these words, and what it reports. */
async function reload(lab: Lab, node: string, ...words: string[]) {
  const { code, stdout, stderr } = await avail(lab, node, "reload", ...words, "--json");
  assert(stdout !== "", stderr);
  const report: ReloadReport = JSON.parse(stdout);
  return { code, report };
}

async function reloadCluster(lab: Lab, node: string, ...words: string[]) {
  const { code, stdout, stderr } = await avail(
    lab,
    node,
    "reload",
    "--cluster",
    ...words,
    "--json",
  );
  assert(stdout !== "", stderr);
  const report: ClusterReport = JSON.parse(stdout);
  return { code, report };
}

/** Writes a node's configuration anew, from what it was at first. */
class Files {
  readonly #first = new Map<string, string>();

  constructor(readonly lab: Lab) {
    for (const { name, configFile } of lab.nodes) {
      this.#first.set(name, Deno.readTextFileSync(configFile));
    }
  }

  write(name: string, change: (text: string) => string): void {
    Deno.writeTextFileSync(this.lab.node(name).configFile, change(this.#first.get(name)!));
  }
}

const weight = (value: number) => (text: string) =>
  text.replace("[node]\n", `[node]\nweight = ${value}\n`);
const backups = (value: string) => (text: string) =>
  text.replace("[replication]\n", `[replication]\nbackups = ${value}\n`);
const interval = (value: string) => (text: string) =>
  text.replace(/interval = "\d+ms"/, `interval = "${value}"`);
const check = (name: string, file: string) => (text: string) =>
  `${text}\n[[check]]\nname = "${name}"\ncommand = ["/usr/bin/test", "-e", "${file}"]\n` +
  `interval = "200ms"\n`;
const all = (...changes: readonly ((text: string) => string)[]) => (text: string) =>
  changes.reduce((changed, change) => change(changed), text);

const ranksOf = (lab: Lab, node: string) =>
  lab.node(node).status().then(({ backups }) => Math.min(...backups.map((list) => list.length)));

Deno.test("under traffic: weight, checks and backups change, and no connection notices", async () => {
  await inLab({}, async (lab) => {
    const files = new Files(lab);
    await started(lab);
    const traffic = await lab.startTraffic({ connections: 40, pings: 12 });

    const dry = (files.write("fw1", weight(2)), await reload(lab, "fw1", "--dry-run"));
    assertEquals([dry.code, dry.report.outcome], [0, "possible"]);
    assertEquals(ownedBy(await lab.node("fw1").status(), "fw1") < 90, true, "nothing was done");
    const heavy = await reload(lab, "fw1");
    assertEquals([heavy.code, heavy.report.outcome], [0, "applied"]);
    assertEquals(heavy.report.changes, [{ key: "node.weight", old: 1, new: 2, takes: "now" }]);
    await statusWhere(lab, "fw2", "fw1 has half", (status) => ownedBy(status, "fw1") === 128);
    assertEquals((await reload(lab, "fw1")).report.outcome, "unchanged");

    // By the signal, with a check that fails: its buckets go, and come back when the check goes.
    files.write("fw1", check("sign", `${lab.node("fw1").directory}/none`));
    Deno.kill(lab.node("fw1").pid!, "SIGHUP");
    await settled(lab, ["fw2", "fw3"], false);
    files.write("fw1", (text) => text);
    Deno.kill(lab.node("fw1").pid!, "SIGHUP");
    await settled(lab);

    assertEquals(await ranksOf(lab, "fw1"), 1);
    for (const name of everybody) files.write(name, backups('"all"'));
    const both = await reloadCluster(lab, "fw2");
    assertEquals([both.code, both.report.outcome], [0, "applied"], JSON.stringify(both.report));
    await settled(lab);
    assertEquals(await ranksOf(lab, "fw3"), 2);
    for (const name of everybody) {
      const { epoch, members } = await lab.node(name).status();
      assert(epoch >= both.report.epoch!, `${name} is at epoch ${epoch}`);
      assert(members.every(({ differs }) => differs === undefined), name);
      const log = (await lab.node(name).log(300)).join("\n");
      assertMatch(log, new RegExp(`"epoch":${both.report.epoch}.*replication.backups is all now`));
      for (const bad of ["lease-lost", "forfeited", "peer-dead", "config-differs"]) {
        assertEquals(log.includes(`"event":"${bad}"`), false, `${name}: ${bad}`);
      }
    }
    const { started: opened, alive, duplicates, lost } = await traffic.finish();
    assertEquals([opened, alive, duplicates], [40, 40, 0], JSON.stringify(lost));
  });
});

Deno.test("what cannot be done is refused whole, and told of each node", async () => {
  await inLab({}, async (lab) => {
    const files = new Files(lab);
    await started(lab);

    // The control: with an interval, which needs a restart, the weight beside it stays, too.
    files.write("fw1", all(weight(2), interval("200ms")));
    const refused = await reload(lab, "fw1");
    assertEquals([refused.code, refused.report.outcome], [1, "refused"]);
    const takes = refused.report.changes.map(({ key, old, new: value, takes }) =>
      [key, old, value, takes].join(" ")
    );
    assertEquals(takes, ["node.weight 1 2 now", "detection.interval 100ms 200ms restart"]);

    files.write("fw1", (text) => text.replace("[node]", "[nod]"));
    const faulty = await avail(lab, "fw1", "reload");
    assertEquals(faulty.code, 2);
    assertStringIncludes(faulty.stderr, 'avail.toml:5: nod: unknown key; did you mean "node"?');
    assertStringIncludes(faulty.stdout, "fw1: nothing was changed");

    // Equal on all nodes, or on none.
    files.write("fw1", backups("2"));
    const alone = await reload(lab, "fw1");
    assertEquals(alone.report.outcome, "refused");
    assertStringIncludes(alone.report.why.join(), "avail reload --cluster");
    const different = await reloadCluster(lab, "fw1");
    assertEquals([different.code, different.report.outcome], [1, "refused"]);
    const outcomes = different.report.nodes.map(({ node, outcome }) => `${node} ${outcome}`);
    assertEquals(outcomes, ["fw1 refused", "fw2 kept", "fw3 kept"]);

    files.write("fw2", backups("2"));
    files.write("fw3", all(backups("2"), interval("200ms")));
    const one = await reloadCluster(lab, "fw1");
    assertEquals(one.report.nodes.map(({ outcome }) => outcome), ["kept", "kept", "refused"]);
    assertStringIncludes(one.report.nodes[2].why.join(), "detection.interval needs a restart");

    // A node that has just begun to hang counts as live and cannot answer, so nobody changes.
    files.write("fw3", backups("2"));
    lab.node("fw3").pause();
    const request = { command: "reloadCluster", dryRun: false } as const;
    const hanging = await lab.node("fw1").request(request, 30_000) as ClusterReport;
    assertEquals(hanging.outcome, "refused");
    assertStringIncludes(hanging.nodes[2].why.join(), "fw3 is gone");
    lab.node("fw3").resume();
    await settled(lab);

    // Nothing of all this has changed anything.
    for (const name of everybody) {
      const { epoch, members } = await lab.node(name).status();
      assert(epoch < 20, `${name} is at epoch ${epoch}`);
      assertEquals(members.map(({ weight }) => weight), [1, 1, 1]);
      assertEquals(await ranksOf(lab, name), 1);
    }

    // A node that is away reads its file when it starts; until it has the new one, the gate holds it.
    files.write("fw3", (text) => text);
    await lab.node("fw3").stop();
    await settled(lab, ["fw1", "fw2"]);
    const two = await reloadCluster(lab, "fw1");
    assertEquals([two.report.outcome, two.report.away], ["applied", ["fw3"]]);
    await lab.node("fw3").start();
    await statusWhere(
      lab,
      "fw1",
      "fw3 differs",
      ({ members }) => members.find(({ name }) => name === "fw3")?.differs?.join() === "settings",
    );
    assertEquals(ownedBy(await lab.node("fw1").status(), "fw3"), 0);
    files.write("fw3", backups("2"));
    const late = await reload(lab, "fw3");
    assertEquals([late.code, late.report.outcome], [0, "applied"], "it becomes equal by that");
    await settled(lab);
  });
});

Deno.test("the key file, the port for metrics and the signal: what is in the way changes nothing", async () => {
  await inLab({ nodes: 2 }, async (lab) => {
    const files = new Files(lab);
    await started(lab);
    const { directory, namespace, logFile } = lab.node("fw1");
    const metrics = (port: number) => (text: string) =>
      text.replace('listen = "off"', `listen = "127.0.0.1:${port}"`);
    const page = (port: number) =>
      new Deno.Command("ip", {
        args: ["netns", "exec", namespace, "bash", "-c", httpGet, "bash", `${port}`],
      }).output().then(({ stdout }) => new TextDecoder().decode(stdout));

    files.write("fw1", metrics(9911));
    assertEquals((await reload(lab, "fw1")).report.outcome, "applied");
    await lab.waitUntil("metrics are served", async () => {
      const text = await page(9911);
      return /^avail_/m.test(text) ? null : `it says ${text.slice(0, 80)}`;
    }, { timeoutMs: 20_000 });
    // The control: 198.51.100.1 is not an address of this node.
    files.write("fw1", (text) => text.replace('listen = "off"', 'listen = "198.51.100.1:9911"'));
    const taken = await reload(lab, "fw1");
    assertEquals([taken.code, taken.report.outcome], [1, "refused"]);
    assertStringIncludes(
      taken.report.why.join(),
      "metrics.listen: 198.51.100.1, port 9911 cannot be had",
    );
    files.write("fw1", metrics(9911));

    // fw2 sends with key 1, which another file lacks; with both keys in it, it is taken.
    const keyFile = `${directory}/cluster.key`;
    const keys = await Deno.readTextFile(keyFile);
    const fresh = `key 2 ${crypto.getRandomValues(new Uint8Array(32)).toBase64()}\n`;
    await Deno.writeTextFile(keyFile, keys.replace(/key 1 .*\n/, fresh));
    const deaf = await reload(lab, "fw1");
    assertStringIncludes(deaf.report.why.join(), "the key file lacks key 1, which fw2 sends with");
    await Deno.writeTextFile(keyFile, keys.replace("key 1", `${fresh}key 1`));
    const mute = await reload(lab, "fw1");
    assertMatch(mute.report.why.join(), /^fw2 has not the key with check [0-9a-f]{8}, which this/);
    await Deno.writeTextFile(keyFile, keys + fresh);
    const both = await reload(lab, "fw1");
    assertEquals(both.report.outcome, "applied", JSON.stringify(both.report));
    assertEquals(both.report.changes.map(({ key }) => key), ["keys"]);

    files.write("fw1", (text) => text.replace("[node]\n", "[node]\nwieght = 2\n"));
    Deno.kill(lab.node("fw1").pid!, "SIGHUP");
    await lab.waitUntil("the signal's outcome is in the log", async () => {
      const log = await Deno.readTextFile(logFile);
      const line = log.split("\n").findLast((line) => line.includes('"event":"reload-refused"'));
      return line?.includes('node.wieght: unknown key; did you mean \\"weight\\"?')
        ? null
        : `${line}`;
    }, { timeoutMs: 20_000 });
    await settled(lab, ["fw1", "fw2"]);
  });
});

Deno.test("a link goes and comes back under traffic; with it, a node without shares is still heard", async () => {
  await inLab({}, async (lab) => {
    const files = new Files(lab);
    const noLink = (text: string) => text.replace(/\[\[link\]\]\n.*\n.*\n/, "");
    const shares = ["inside", "outside"] as const;
    const sockets = async (name: string) => {
      const node = lab.node(name);
      const index = (await node.exec(["cat", "/sys/class/net/sync/ifindex"])).trim();
      const packet = await node.exec(["cat", "/proc/net/packet"]);
      return packet.split("\n").filter((line) => line.trim().split(/\s+/)[4] === index).length;
    };
    const reloadAll = async (change: (text: string) => string) => {
      for (const name of everybody) {
        files.write(name, change);
        const { code, report } = await reload(lab, name);
        assertEquals([code, report.changes[0]?.key], [0, "link"], JSON.stringify(report));
      }
    };
    await started(lab);
    assertEquals(await sockets("fw1"), 3);
    const traffic = await lab.startTraffic({ connections: 40, pings: 12 });
    await reloadAll(noLink);
    await settled(lab);
    assertEquals(await sockets("fw1"), 0);
    await reloadAll((text) => text);
    await settled(lab);
    assertEquals(await sockets("fw1"), 3);
    const { started: opened, alive, duplicates, lost } = await traffic.finish();
    assertEquals([opened, alive, duplicates], [40, 40, 0], JSON.stringify(lost));
    for (const { name } of lab.nodes) {
      const log = (await lab.node(name).log(300)).join("\n");
      for (const bad of ["lease-lost", "forfeited", "peer-dead", "link-failed"]) {
        assertEquals(log.includes(`"event":"${bad}"`), false, `${name}: ${bad}`);
      }
    }

    await lab.node("fw3").unplug(...shares);
    const heard = await statusWhere(
      lab,
      "fw1",
      "fw3 may own nothing",
      ({ members }) => members.find(({ name }) => name === "fw3")?.eligible === false,
    );
    assertEquals(heard.members.length, 3);
    await lab.node("fw3").plug(...shares);
    await settled(lab);
    // The control: without the link nobody hears it.
    await reloadAll(noLink);
    await lab.node("fw3").unplug(...shares);
    await statusWhere(lab, "fw1", "fw3 is not heard", ({ members }) => members.length === 2);
    await lab.node("fw3").plug(...shares);
    // Streams that ended find no way over the shares, whose firewall lets none in; the link is one.
    await reloadAll((text) => text);
    await settled(lab);
  });
});

/** Asks for the page by bash alone, which every machine has. */
const httpGet = "exec 3<>/dev/tcp/127.0.0.1/$1 && " +
  "printf 'GET /metrics HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n' >&3 && cat <&3";
