/** `avail init` under a real systemd: the service is started, and takes a node in from its sandbox. */
import { assert, assertEquals, assertStringIncludes } from "../assert.ts";
import { assertSchema } from "../schemas/schema.ts";
import { hasSystemd, isRoot, onMachine, order } from "./service_lab.ts";

Deno.test({
  name: "systemd: init starts the service, waits for its buckets, and the service takes a node in",
  ignore: !isRoot || !hasSystemd,
  fn: () =>
    onMachine("systemd", async (machine) => {
      const avail = (...words: string[]) => machine.run("env", "NO_COLOR=1", "avail", ...words);
      const share = ["--cluster", "edge", "--share", "eth0=192.0.2.1/24"];

      // Not installed: it is set up all the same, and told what is missing.
      const early = await machine.deno("cli/main.ts", "init", ...share, "--node", "fw1", "--json");
      assertEquals(early.code, 0, early.stderr);
      const { started, startBy } = JSON.parse(early.stdout);
      assertEquals([started, startBy], [false, "avail install && systemctl start avail"]);
      await machine.must("rm", "-r", "/etc/avail");

      await order(machine, "install");
      const init = await avail("init", ...share, "--node", "fw1", "--json");
      assertEquals(init.code, 0, init.stderr);
      const told = JSON.parse(init.stdout);
      assertSchema("init", told);
      assertEquals([told.started, told.buckets, told.token.problem], [true, 256, null]);
      assertEquals(told.written, ["/etc/avail/cluster.key", "/etc/avail/avail.toml"]);

      const again = await avail("init", ...share, "--force");
      assertEquals(again.code, 1);
      assertStringIncludes(again.stderr, "stop it first: systemctl stop avail");

      // A second machine, as far as its network goes.
      await machine.must("ip", "netns", "add", "fw2");
      await machine.must("ip", "link", "set", "sw0", "netns", "fw2");
      await machine.must("ip", "-n", "fw2", "link", "set", "sw0", "up");
      await machine.must("ip", "-n", "fw2", "address", "add", "192.0.2.12/24", "dev", "sw0");
      const elsewhere = [
        "--config",
        "/srv/fw2/avail.toml",
        "--node",
        "fw2",
        "--no-start",
        "--json",
      ];
      const join = await machine.run(
        ...["ip", "netns", "exec", "fw2", "avail", "join", told.token.text],
        ...elsewhere,
      );
      assertEquals(join.code, 0, join.stderr);
      const joined = JSON.parse(join.stdout);
      assertEquals([joined.issuer, joined.node, joined.interfaces[0].here], ["fw1", "fw2", "sw0"]);
      await machine.must("cmp", "/etc/avail/cluster.key", "/srv/fw2/cluster.key");
      const { tokens, listening } = JSON.parse((await avail("token", "--list", "--json")).stdout);
      assertEquals(tokens.map((t: { state: string }) => t.state), ["used"]);
      assertEquals([tokens[0].usedBy[0].name, tokens[0].usedBy[0].installed], ["fw2", true]);
      assertEquals(listening, []);
      const log = await machine.must("journalctl", "--unit", "avail", "--output", "cat");
      assertStringIncludes(log, "fw2 has joined");
      assert(!log.includes(told.token.text.slice(20, 40)));

      // A configuration that the daemon will not have: the start fails, and says why.
      await machine.must("systemctl", "stop", "avail");
      const taken = ["ip", "address", "add", "192.0.2.9/24", "dev", "eth0"];
      await machine.must(...taken);
      const fault = await avail(
        "init",
        "--cluster",
        "edge",
        "--share",
        "eth0=192.0.2.9/24",
        "--force",
      );
      assertEquals(fault.code, 2);
      assertStringIncludes(fault.stderr, "--share eth0: 192.0.2.9 is eth0's own address now");
      const port = 'Deno.listen({hostname:"192.0.2.11",port:9478});setTimeout(()=>{},1e6)';
      await machine.must("systemd-run", "--unit=holder", "/srv/deno/deno", "eval", port);
      await machine.waitUntil(
        "the port is held",
        async () =>
          (await machine.run("systemctl", "is-active", "--quiet", "holder")).code === 0 &&
          (await machine.run("ss", "-ltn", "sport = 9478")).stdout.includes("9478"),
      );
      const refused = await avail("init", ...share, "--node", "fw1", "--force");
      assertEquals(refused.code, 1, refused.stdout);
      assertStringIncludes(
        refused.stderr,
        "start the service avail: systemctl start avail.service",
      );
      assertStringIncludes(refused.stderr, "journalctl -u avail");
    }),
});
