/**
 * docs/getting_started.md, as it stands there: two fresh machines, one file copied to each, `install`,
 * `init`, `join`; both own half of the buckets, and connections pass and survive. The page's commands
 * are read from the page.
 */
import type { Status } from "../../lib/control.ts";
import { assert, assertEquals, assertStringIncludes } from "../assert.ts";
import { inLab, patienceMs } from "../netns/cluster.ts";
import { OneFile } from "../packaging/built/one_file.ts";
import { Machine } from "./machine.ts";
import { freshTree } from "./tree.ts";

const ignore = Deno.uid() !== 0;
const page = new URL("../../docs/getting_started.md", import.meta.url);

/** The commands of a machine on the page: what follows its prompt. */
async function commandsOf(prompt: string): Promise<string[]> {
  const text = await Deno.readTextFile(page);
  return text.split("\n").filter((line) => line.startsWith(`${prompt}# `))
    .map((line) => line.slice(prompt.length + 2));
}

async function statusOf(machine: Machine): Promise<Status | null> {
  const { code, stdout } = await machine.run("avail status --json");
  return code === 0 || code === 4 ? JSON.parse(stdout) : null;
}

/** All files of a machine that have the name in theirs. */
async function namedAvail(machine: Machine): Promise<string[]> {
  const words = "find / '(' -path /proc -o -path /sys ')' -prune -o -name '*avail*' -print";
  return (await machine.must(words)).trimEnd().split("\n").toSorted();
}

Deno.test({
  name: "from one copied file to a cluster of two that passes traffic",
  ignore,
  fn: async (t) => {
    const tree = await freshTree();
    await using file = await OneFile.build();
    await inLab({ nodes: 2 }, async (lab) => {
      const boot = (name: string) =>
        Machine.boot({
          name,
          namespace: lab.node(name).namespace,
          tree,
          folder: `${lab.names.directory}/machine-${name}`,
        });
      await using fw1 = await boot("fw1");
      const before = await namedAvail(fw1);
      await using fw2 = await boot("fw2");
      // The lab's firewalls are closed but for the replication.
      for (const node of lab.nodes) {
        for (const [chain, way] of [["input", "iifname"], ["output", "oifname"]]) {
          const rule = [way, "sync", "tcp", "dport", "9479", "accept"];
          await node.exec(["nft", "insert", "rule", "inet", "firewall", chain, ...rule]);
        }
      }
      const startedAt = performance.now();
      for (const machine of [fw1, fw2]) {
        await Deno.copyFile(file.path, `${machine.root}/root/avail`);
      }

      const down = async (line: string) => {
        const { code, stderr } = await fw1.run(line);
        assertEquals(code, 3, stderr);
        return stderr;
      };
      assertStringIncludes(await down("./avail"), "this node is not set up, /etc/avail/avail.toml");

      let joinLine = "";
      await t.step("install and init on the first machine", async () => {
        const said: string[] = [];
        for (const line of await commandsOf("fw1")) said.push(await fw1.must(line));
        joinLine = /^avail join avail1\..*$/m.exec(said.join("\n"))?.[0] ?? "";
        assert(joinLine !== "", said.join("\n"));
        assertStringIncludes(said.join("\n"), "fw1 is ready with 256 buckets");
      });

      await t.step("install and join on the second one", async () => {
        const said: string[] = [];
        for (const line of await commandsOf("fw2")) {
          // Whether it is safe already when it is first asked is a matter of seconds.
          if (line === "avail status") said.push((await fw2.run(line)).stdout);
          else said.push(await fw2.must(line.startsWith("avail join ") ? joinLine : line));
        }
        assertStringIncludes(said.join("\n"), "fw2 is ready with ");
      });

      await t.step("both own 128 buckets, and it is safe to pull a plug", async () => {
        let status: Status | null = null;
        await lab.waitUntil("the buckets are halved, and safe", async () => {
          status = await statusOf(fw1);
          const counts = status?.members.map(({ name, buckets }) => `${name} ${buckets}`).join();
          return status?.safe && counts === "fw1 128,fw2 128" ? null : `${counts}`;
        }, { timeoutMs: patienceMs });
        const seconds = Math.round((performance.now() - startedAt) / 100) / 10;
        console.log(`from copying to owning buckets: ${seconds} s`);
      });

      await t.step("connections pass, and survive the end of a node", async () => {
        const traffic = await lab.startTraffic({ connections: 20, pings: 4, udpFlows: 2 });
        await new Promise((resolve) => setTimeout(resolve, 1000));
        await fw1.must("/etc/init.d/avail stop");
        assertStringIncludes(await down("avail"), "start it with `/etc/init.d/avail start`");
        await lab.waitUntil("fw2 has all buckets", async () => {
          const status = await statusOf(fw2);
          const buckets = status?.members.find(({ name }) => name === "fw2")?.buckets;
          return buckets === 256 ? null : `it has ${buckets}`;
        }, { timeoutMs: patienceMs });
        const { alive, duplicates } = await traffic.finish();
        assertEquals([alive, duplicates], [20, 0]);
      });

      await t.step("uninstall leaves nothing of avail behind", async () => {
        for (const machine of [fw1, fw2]) {
          await machine.must("/etc/init.d/avail stop; avail uninstall");
          assertEquals(await namedAvail(machine), [...before, "/root/avail"].toSorted());
        }
      });
    });
  },
});
