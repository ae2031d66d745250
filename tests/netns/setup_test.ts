/**
 * `avail init`, `avail token` and `avail join` on machines that are namespaces: from nothing but the
 * program to a cluster, and every way in which a join must not come about.
 */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "../assert.ts";
import type { Lab } from "../../cli/demo/lab.ts";
import { selfCommand } from "../../cli/demo/self.ts";
import type { JoinsStatus } from "../../lib/control_joins.ts";
import { readConfig } from "../../lib/config_file.ts";
import { parseKeyFile } from "../../lib/wire/keys.ts";
import { assertSchema } from "../schemas/schema.ts";
import { inLab, patienceMs, settled } from "./cluster.ts";

const ignore = Deno.uid() !== 0;

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The program on a node of the lab. */
async function avail(lab: Lab, node: string, ...args: string[]): Promise<Outcome> {
  return await availWith(lab, node, "", args);
}

async function availWith(
  lab: Lab,
  node: string,
  input: string,
  args: readonly string[],
): Promise<Outcome> {
  const { namespace } = lab.node(node);
  const child = new Deno.Command("ip", {
    args: ["netns", "exec", namespace, ...selfCommand(), ...args],
    env: { NO_COLOR: "1" },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(input)).catch(() => {});
  await writer.close().catch(() => {});
  const { code, stdout, stderr } = await child.output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: text(stdout), stderr: text(stderr) };
}

/** Where a node's files are, and what its namespace does not keep apart. */
function placeOf(lab: Lab, node: string): string[] {
  const { directory, configFile, socket } = lab.node(node);
  assert(configFile.startsWith(directory));
  return ["--config", configFile, "--set", `control.socket=${socket}`]
    .concat("--set", "metrics.listen=off", "--no-start");
}

const shares = ["--share", "inside=192.0.2.1/24,2001:db8:1::1/64"]
  .concat("--share", "outside=203.0.113.1/24,2001:db8:2::1/64");

async function withoutFiles(lab: Lab): Promise<void> {
  for (const { directory, configFile } of lab.nodes) {
    await Deno.remove(configFile);
    await Deno.remove(`${directory}/cluster.key`);
  }
}

/** Sets fw1 up, and starts it; the token. */
async function initialised(lab: Lab, ...more: string[]): Promise<string> {
  const words = ["init", "--cluster", "edge", "--node", "fw1", ...shares, "--link", "sync"];
  const outcome = await avail(lab, "fw1", ...words, ...placeOf(lab, "fw1"), "--json", ...more);
  assertEquals(outcome.code, 0, outcome.stderr);
  const told = JSON.parse(outcome.stdout);
  assertSchema("init", told);
  assertEquals([told.schema, told.cluster, told.node, told.started], [1, "edge", "fw1", false]);
  assertStringIncludes(told.startBy, "avail run --config ");
  await lab.node("fw1").start();
  await alone(lab);
  return told.token.text;
}

async function alone(lab: Lab): Promise<void> {
  await lab.waitUntil("fw1 has all buckets", async () => {
    const status = await lab.node("fw1").status().catch(() => null);
    if (status === null) return "it does not answer";
    const buckets = status.members.find(({ name }) => name === "fw1")?.buckets;
    return buckets === 256 ? null : `${status.state}, ${buckets}`;
  }, { timeoutMs: patienceMs });
}

/** The lab's firewall is closed; a cluster's joining port has to be opened as any other. */
async function openFirewall(lab: Lab): Promise<void> {
  for (const node of lab.nodes) {
    for (const [chain, way] of [["input", "iifname"], ["output", "oifname"]]) {
      const rule = [way, "sync", "tcp", "dport", "9479", "accept"];
      await node.exec(["nft", "insert", "rule", "inet", "firewall", chain, ...rule]);
    }
  }
}

async function join(lab: Lab, node: string, token: string, ...more: string[]): Promise<Outcome> {
  const name = more.includes("--node") ? [] : ["--node", node];
  return await avail(lab, node, "join", token, ...name, ...placeOf(lab, node), ...more);
}

async function newToken(lab: Lab, ...flags: string[]) {
  const { configFile } = lab.node("fw1");
  const { code, stdout, stderr } = await avail(
    lab,
    "fw1",
    "token",
    "--config",
    configFile,
    "--json",
    ...flags,
  );
  assertEquals(code, 0, stderr);
  return JSON.parse(stdout) as { id: string; text: string; listening: string[] };
}

async function tokens(lab: Lab) {
  const { configFile } = lab.node("fw1");
  const { stdout } = await avail(lab, "fw1", "token", "--list", "--config", configFile, "--json");
  return JSON.parse(stdout) as JoinsStatus;
}

/** A join that must not come about: exit code 1, these words, and nothing written. */
async function assertRefused(
  lab: Lab,
  node: string,
  token: string,
  words: readonly string[],
  ...more: string[]
): Promise<void> {
  const { code, stdout, stderr } = await join(lab, node, token, ...more);
  assertEquals([code, stdout], [1, ""], stderr);
  for (const word of words) assertStringIncludes(stderr, word);
  assertEquals(await filesOf(lab, node), []);
}

async function filesOf(lab: Lab, node: string): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of Deno.readDir(lab.node(node).directory)) names.push(name);
  return names.filter((name) => !["bpf", "log"].includes(name));
}

Deno.test({
  name: "init, token, join: two machines halve the buckets, and no use is given twice",
  ignore,
  fn: (t) =>
    inLab({ nodes: 3 }, async (lab) => {
      await withoutFiles(lab);
      const token = await initialised(lab);
      const { directory, configFile } = lab.node("fw1");

      await t.step("what init wrote is for root alone, and without faults", async () => {
        for (const name of ["cluster.key", "join-tokens.json"]) {
          assertEquals((await Deno.stat(`${directory}/${name}`)).mode! & 0o777, 0o600, name);
        }
        const checked = await avail(lab, "fw1", "config", "check", configFile);
        assertEquals([checked.code, checked.stderr], [0, ""]);
        const again = await avail(
          lab,
          "fw1",
          "init",
          "--cluster",
          "edge",
          ...shares,
          ...placeOf(lab, "fw1"),
        );
        assertEquals(again.code, 1);
        assertStringIncludes(again.stderr, "this node is set up already");
        const forced = await avail(
          lab,
          "fw1",
          "init",
          "--cluster",
          "edge",
          ...shares,
          ...placeOf(lab, "fw1"),
          "--force",
        );
        assertEquals(forced.code, 1);
        assertStringIncludes(forced.stderr, "avail runs here by");
      });

      await t.step("a closed firewall: what was tried, and what to open", async () => {
        const words = ["fw1 could not be asked", "198.51.100.11:9479: no answer", "TCP port 9479"];
        await assertRefused(lab, "fw2", token, words);
        await openFirewall(lab);
      });

      await t.step("a name that is taken, before and after the asking", async () => {
        await assertRefused(lab, "fw2", token, ["is called FW1 already"], "--node", "FW1");
        const [open] = (await tokens(lab)).tokens;
        assertEquals([open.state, open.usedBy], ["open", []]);
      });

      await t.step("a dry run uses nothing", async () => {
        const { code, stdout } = await join(lab, "fw2", token, "--dry-run");
        assertEquals(code, 0);
        const { config } = readConfig(stdout, { file: configFile, hostName: "x" });
        assertEquals(config.node.name, "fw2");
        assertEquals(await filesOf(lab, "fw2"), []);
        assertEquals((await tokens(lab)).tokens[0].state, "open");
      });

      await t.step("fw2 joins", async () => {
        const broken = `avail join ${token.slice(0, 20)}\n  ${token.slice(20)}\n`;
        const words = ["join", "-", "--node", "fw2", ...placeOf(lab, "fw2"), "--json"];
        const joined = await availWith(lab, "fw2", broken, words);
        assertEquals(joined.code, 0, joined.stderr);
        const told = JSON.parse(joined.stdout);
        assertSchema("join", told);
        assertEquals([told.cluster, told.node, told.issuer], ["edge", "fw2", "fw1"]);
        assertEquals(
          told.interfaces.map((each: Record<string, unknown>) => [each.there, each.here, each.by]),
          ["inside", "outside", "sync"].map((name) => [name, name, "network"]),
        );
        assertEquals((await configOf(lab, "fw2")).shares, (await configOf(lab, "fw1")).shares);
        assertEquals(await keysOf(lab, "fw2"), await keysOf(lab, "fw1"));
        await lab.node("fw2").start();
        await settled(lab, ["fw1", "fw2"]);
        const { configFile } = lab.node("fw1");
        const listed = await avail(lab, "fw1", "token", "--list", "--config", configFile);
        assertMatch(listed.stdout, /used +1 of 1 .* fw2 \(198\.51\.100\.12\)\n/);
        assertStringIncludes(listed.stdout, "waits for nobody");
      });

      await t.step("the token is used, also after a restart of the daemon", async () => {
        await assertRefused(lab, "fw3", token, ["9479: connection refused", "avail token"]);
        const other = await newToken(lab);
        assertEquals(other.listening[0], "198.51.100.11:9479");
        await assertRefused(lab, "fw3", token, [
          "it was used by fw2 (198.51.100.12); make another",
        ]);
        await lab.node("fw1").stop();
        await lab.node("fw1").start();
        await settled(lab, ["fw1", "fw2"]);
        await assertRefused(lab, "fw3", token, ["it was used by fw2"]);
        // The control: what was not used is still good.
        assertEquals((await join(lab, "fw3", other.text, "--dry-run")).code, 0);
        const revoked = await avail(
          lab,
          "fw1",
          "token",
          "--revoke",
          other.id.slice(0, 8),
          "--config",
          configFile,
        );
        assertEquals(revoked.code, 0, revoked.stderr);
        await assertRefused(lab, "fw3", other.text, ["connection refused"]);
      });

      await t.step("two at once: one use and one name are given once", async () => {
        const both = async (uses: string, names: readonly string[]) => {
          const { text } = await newToken(lab, "--uses", uses);
          const base = `${lab.node("fw3").directory}/race`;
          const outcomes = await Promise.all(names.map((name, i) => {
            const place = ["--config", `${base}/${i}/avail.toml`, "--no-start"];
            return avail(lab, "fw3", "join", text, "--node", name, ...place);
          }));
          const keys = names.map((_, i) => existsSync(`${base}/${i}/cluster.key`));
          await Deno.remove(base, { recursive: true });
          const won = outcomes.findIndex(({ code }) => code === 0);
          assertEquals(outcomes.map(({ code }) => code).toSorted(), [0, 1], outcomes[0].stderr);
          assertEquals(keys, names.map((_, i) => i === won), "only who won has the keys");
          return outcomes[1 - won].stderr;
        };
        assertMatch(
          await both("1", ["fw4", "fw5"]),
          /(used by fw[45]|connection (refused|reset)|it hung up)/,
        );
        assertMatch(
          await both("2", ["fw6", "FW6"]),
          /a machine that has just joined is called fw6/i,
        );
      });

      await t.step("an expired token, a revoked one, and one that nobody knows", async () => {
        const [expired, revoked] = [await newToken(lab), await newToken(lab)];
        const open = await newToken(lab);
        const file = `${directory}/join-tokens.json`;
        const book = JSON.parse(await Deno.readTextFile(file));
        for (const record of book.tokens) {
          if (record.id === expired.id) record.expiresAt = record.madeAt = Date.now() - 290_000;
          if (record.id === revoked.id) record.isRevoked = true;
        }
        await Deno.writeTextFile(file, JSON.stringify(book));
        await assertRefused(lab, "fw3", expired.text, ["it expired 5 min ago; make another"]);
        await assertRefused(lab, "fw3", revoked.text, ["it was revoked; make another"]);
        book.tokens = book.tokens.filter(({ id }: { id: string }) => id !== expired.id);
        await Deno.writeTextFile(file, JSON.stringify(book));
        await assertRefused(lab, "fw3", expired.text, ["does not know this token"]);
        const { code, stderr } = await join(lab, "fw3", open.text, "--json");
        assertEquals(code, 0, stderr);
        await lab.node("fw3").start();
        await settled(lab);
      });

      await t.step("no log has a secret", () => assertNothingSecretSaid(lab, token));
    }),
});

function existsSync(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}

async function configOf(lab: Lab, node: string) {
  const file = lab.node(node).configFile;
  return readConfig(await Deno.readTextFile(file), { file, hostName: "x" }).config;
}

async function keysOf(lab: Lab, node: string) {
  return parseKeyFile(await Deno.readTextFile(`${lab.node(node).directory}/cluster.key`));
}

/** No log has the token, or a key. */
async function assertNothingSecretSaid(lab: Lab, token: string): Promise<void> {
  const { seed, keys } = await keysOf(lab, "fw1");
  for (const node of lab.nodes) {
    const log = await Deno.readTextFile(node.logFile);
    assert(log.length > 100);
    for (const secret of [token, seed.toBase64(), keys[0].bytes.toBase64()]) {
      assert(!log.includes(secret.slice(0, 40)), `${node.name} says a secret`);
    }
  }
}

/** On a terminal of its own (script(1)), with these lines typed; what the screen shows. */
async function typed(
  lab: Lab,
  node: string,
  answers: readonly string[],
  ...args: string[]
): Promise<{ readonly code: number; readonly screen: string }> {
  const quoted = [...selfCommand(), ...args].map((word) => `'${word}'`).join(" ");
  const child = new Deno.Command("ip", {
    args: ["netns", "exec", lab.node(node).namespace]
      .concat("script", "--quiet", "--return", "--command", quoted, "/dev/null"),
    env: { NO_COLOR: "1", SHELL: "/bin/sh" },
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(answers.map((line) => `${line}\n`).join("")));
  // The end of input would be typed as Ctrl-D at once: it stays open until the program has ended.
  const { code, stdout } = await child.output();
  await writer.close().catch(() => {});
  return { code, screen: new TextDecoder().decode(stdout).replaceAll("\r", "") };
}

Deno.test({
  name: "at a terminal everything is asked, wrong answers again, and the flags are shown",
  ignore,
  fn: () =>
    inLab({ nodes: 2 }, async (lab) => {
      await withoutFiles(lab);
      const answers = ["a b", "edge", "fw1", "inside nosuch", "inside outside", "", "192.0.2.11"]
        .concat("192.0.2.1 2001:db8:1::1", "192.0.2.1/24", "203.0.113.1/24")
        .concat("nosuch", "sync", "maybe");
      const place = placeOf(lab, "fw1");
      const no = await typed(lab, "fw1", [...answers, "n"], "init", ...place);
      assertEquals(no.code, 1, no.screen);
      assertStringIncludes(no.screen, "init: nothing was changed");
      assertEquals(await filesOf(lab, "fw1"), []);

      const yes = [...answers, "y"];
      const { code, screen } = await typed(lab, "fw1", yes, "init", ...place);
      assertEquals(code, 0, screen);
      for (
        const words of [
          " sync       veth  up     198.51.100.11/24",
          "a name has letters, digits and inner hyphens",
          "nosuch is none of them; there are ",
          "192.0.2.11 is this node's own address now; nodes share another one",
          "192.0.2.1 is shared on inside already",
          "answer y or n",
          "avail init --cluster edge --node fw1 --share inside=192.0.2.1/24,2001:db8:1::1/64,key=pair " +
          "--share outside=203.0.113.1/24,key=pair --link sync --set control.socket=",
          "fw1 is not started: the service uses /etc/avail/avail.toml",
        ]
      ) assertStringIncludes(screen, words);
      const { shares, links } = await configOf(lab, "fw1");
      assertEquals(shares.map(({ addresses }) => addresses.length), [2, 1]);
      assertEquals(links.map((link) => link.interface), ["sync"]);
      assertMatch(screen, /\navail join avail1\.[\w-]+\n/);
    }),
});
