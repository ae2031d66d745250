/** The program as scripts see it: its exit codes, and what is on which stream. */
import type { ControlRequest, Status } from "../../lib/control.ts";
import { exitCodes } from "../../lib/errors.ts";
import { assert, assertEquals, assertStringIncludes } from "../assert.ts";
import { avail, withDaemon } from "./program.ts";
import { safeStatus, unsafeStatus } from "./statuses.ts";

Deno.test("status: 0 where it is safe, 4 where it is not", async () => {
  let status: Status = safeStatus;
  await withDaemon(() => status, async (socket) => {
    const safe = await avail("--socket", socket, "--json");
    assertEquals(safe.code, exitCodes.ok);
    assertEquals(JSON.parse(safe.stdout), safeStatus);
    assertEquals(safe.stdout.split("\n").length, 2, "one line");

    status = unsafeStatus;
    const unsafe = await avail("status", "--socket", socket);
    assertEquals(unsafe.code, exitCodes.notSafe);
    assertStringIncludes(unsafe.stdout, "not safe");
    assertEquals(unsafe.stderr, "");
  });
});

Deno.test("who: words and JSON, and the request that the daemon gets", async () => {
  const asked: ControlRequest[] = [];
  const answer = { bucket: 17, owner: "fw2", backups: ["fw3"] };
  const handle = (request: ControlRequest) => (asked.push(request), answer);
  await withDaemon(handle, async (socket) => {
    const flags = ["--proto", "tcp", "--sport", "1", "--dport", "443", "--share", "eth0"];
    const json = await avail("who", "::1", "2001:db8::2", ...flags, "--socket", socket, "--json");
    assertEquals(json.stdout, '{"bucket":17,"owner":"fw2","backups":["fw3"]}\n');
    const text = await avail("who", "10.0.0.1", "10.0.0.2", "--socket", socket);
    assertEquals(text.stdout, "fw2  bucket 17, backups: fw3\n");
    assertEquals(asked, [
      {
        command: "who",
        source: "::1",
        destination: "2001:db8::2",
        protocol: 6,
        sourcePort: 1,
        destinationPort: 443,
        share: "eth0",
      },
      { command: "who", source: "10.0.0.1", destination: "10.0.0.2" },
    ]);
  });
});

Deno.test("drain waits until the buckets are gone; resume until the node is ready", async () => {
  let asked = 0;
  let status: Status = safeStatus;
  const handle = ({ command }: ControlRequest) => {
    if (command === "resume") status = safeStatus;
    if (command !== "status" || ++asked < 3) return status;
    const members = safeStatus.members.map((m) => m.name === "fw1" ? { ...m, buckets: 0 } : m);
    return status = { ...safeStatus, state: "draining", members };
  };
  await withDaemon(handle, async (socket) => {
    const drained = await avail("drain", "--socket", socket, "--json");
    assertEquals(drained.stdout, '{"schema":1,"node":"fw1","state":"draining","buckets":0}\n');
    assertEquals(drained.code, exitCodes.ok);
    asked = 0;
    const resumed = await avail("resume", "--socket", socket);
    assertEquals(resumed.stdout, "fw1: ready for buckets\n");

    asked = -1000;
    const late = await avail("drain", "--socket", socket, "--timeout", "0.2");
    assertEquals(late.code, exitCodes.failed);
    assertStringIncludes(late.stderr, "fw1 is still ready with 86 buckets after 200 ms");
  });
});

Deno.test("flows: of a node that is none", async () => {
  await withDaemon(() => safeStatus, async (socket) => {
    const { code, stderr } = await avail("flows", "--owner", "fw9", "--socket", socket);
    assertEquals(code, exitCodes.usage);
    const names = safeStatus.members.map(({ name }) => name).join(", ");
    const said = `avail: flows: --owner fw9: no member has that name; there are ${names}\n`;
    assertEquals(stderr, said);
  });
});

Deno.test("nobody there: 3; wrong words: 2; each with one line on standard error", async () => {
  const cases: readonly (readonly [args: readonly string[], code: number, says: string])[] = [
    [["--socket", "/nowhere/x.sock"], exitCodes.notRunning, "nobody listens on /nowhere/x.sock"],
    [["stauts"], exitCodes.usage, 'unknown command "stauts"; did you mean `status`?'],
    [["status", "--jsn"], exitCodes.usage, "unknown flag --jsn; did you mean --json?"],
    [["who", "10.0.0.1"], exitCodes.usage, "DST is missing"],
    [
      ["weight", "0"],
      exitCodes.usage,
      'N: "0": a weight is a number from 0.001 to 1000 with three',
    ],
    [["weight", "abc"], exitCodes.usage, 'N: "abc": a weight is a number from'],
    [["weight", "1000.5"], exitCodes.usage, 'N: "1000.5": a weight is'],
    [["weight", "1.2345"], exitCodes.usage, "with three decimals at most"],
    [["drain", "--node", "fw_2"], exitCodes.usage, 'node: "fw_2": this is no node\'s name'],
    [["who", "10.0.0.1", "fw2"], exitCodes.usage, 'DST: "fw2": this is no IPv4 or IPv6 address'],
    [["status", "--config", "/nowhere/x.toml"], exitCodes.usage, "there is no such file"],
    [["run", "--config", "/nowhere/x.toml"], exitCodes.usage, "there is no such file"],
  ];
  for (const [args, code, says] of cases) {
    const outcome = await avail(...args);
    assertEquals(outcome.code, code, args.join(" "));
    assertStringIncludes(outcome.stderr, says);
    assertEquals(outcome.stderr.trimEnd().split("\n").length, 1, outcome.stderr);
    assertEquals(outcome.stdout, "");
  }
});

Deno.test("run: all faults of the configuration, its key file and its interfaces", async () => {
  const directory = await Deno.makeTempDir();
  const config = `${directory}/avail.toml`;
  const key = `${directory}/cluster.key`;
  const secret = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";
  const write = (share: string) =>
    Deno.writeTextFileSync(
      config,
      `[cluster]\nname = "edge"\nkey_file = "${key}"\n[[share]]\n${share}\n`,
    );
  const sound = 'interface = "lo"\naddresses = ["192.0.2.1/24"]';
  const faults = async () => {
    const { code, stderr } = await avail("run", "--config", config);
    assertEquals(code, exitCodes.usage, stderr);
    assert(!stderr.includes(secret.slice(0, 8)), "a message never shows a secret");
    return stderr.trimEnd().split("\n").map((line) => line.replaceAll(directory, "D"));
  };
  try {
    write('interface = "lo"\naddresses = ["192.0.2.1"]\nside = "in"');
    assertEquals(await faults(), [
      'avail: D/avail.toml:6: share[0].addresses[0]: "192.0.2.1" has no prefix length; ' +
      'write "192.0.2.1/24", with the length of its network',
      'avail: D/avail.toml:7: share[0].side: "in" is none of the choices; write "inside" or "outside"',
      "avail: D/avail.toml:3: cluster.key_file: D/cluster.key: there is no such file; " +
      "make one, or copy the cluster's from another node",
    ]);

    write(sound);
    const place = "avail: D/avail.toml:3: cluster.key_file: D/cluster.key:";
    Deno.writeTextFileSync(key, `seed ${secret}\nkey 0 ${secret}\n`, { mode: 0o644 });
    assertEquals(await faults(), [`${place} has mode 0644; run: chmod 0600 ${"D/cluster.key"}`]);

    Deno.chmodSync(key, 0o600);
    Deno.writeTextFileSync(key, `seed ${secret}\nkey 0 MDEyMzQ1\n`);
    assertEquals(await faults(), [`${place} line 2: 6 bytes; a secret has 32`]);
    Deno.writeTextFileSync(key, `seed ${secret}\nkye 0 ${secret}\n`);
    assertEquals(await faults(), [
      `${place} line 2: neither "seed BASE64" nor "key ID BASE64"; ` +
      "copy the cluster's key file from another node",
    ]);
    Deno.writeTextFileSync(key, "");
    assertEquals(await faults(), [`${place} no seed; add a line: seed BASE64`]);

    Deno.writeTextFileSync(key, secret + "\n");
    write(sound.replace('"lo"', '"l0"'));
    const [missing] = await faults();
    assertStringIncludes(
      missing,
      'D/avail.toml:5: share[0].interface: "l0": there is no such interface',
    );
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("version is that of deno.json", async () => {
  const { stdout, code } = await avail("version", "--json");
  const file = new URL("../../deno.json", import.meta.url);
  assertEquals(code, exitCodes.ok);
  assertEquals(JSON.parse(stdout).version, JSON.parse(Deno.readTextFileSync(file)).version);
});
