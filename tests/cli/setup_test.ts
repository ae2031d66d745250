/** `avail init`, `join`, `token` and `config` as scripts see them: wrong words, files, exit codes. */
import { exitCodes } from "../../lib/errors.ts";
import { makeToken } from "../../lib/joining/make_token.ts";
import { assert, assertEquals, assertStringIncludes } from "../assert.ts";
import { sound } from "../config_cases.ts";
import { avail } from "./program.ts";

const { usage, failed, ok } = exitCodes;

/** A token of a node that is nowhere. */
const { text: token } = makeToken({
  secret: new Uint8Array(16).fill(1),
  issuer: "fw1",
  cluster: "edge",
  addresses: ["127.0.0.1"],
  port: 1,
  uses: 1,
  lifetimeMs: 3_600_000,
  now: Date.now(),
});

const share = ["--share", "eth0=192.0.2.1/24"];
const wrong: readonly (readonly [args: readonly string[], code: number, says: string])[] = [
  [["init", "--cluster", "edge"], usage, "--share: is missing; name an interface and its shared"],
  [["init", ...share], usage, "--cluster: is missing; name the cluster: --cluster edge"],
  [["init", "--share", "eth0"], usage, 'share: "eth0": write the interface, = and its shared addr'],
  [
    ["init", "--share", "eth0=1,x=2"],
    usage,
    'share: "eth0=1,x=2": x= is not known; known are key=',
  ],
  [["init", "--link", "="], usage, 'link: "=": write the interface, such as eth2'],
  [["init", "--set", "weight=2"], usage, 'set: "weight=2": write a table, a key and its value'],
  [["init", "--set", "share.key=pair"], usage, "there can be several [[share]]; use --share"],
  [["init", "--uses", "32"], usage, 'uses: "32": write how many nodes may join by it, 0 to 31'],
  [["init", "--expires", "8d"], usage, 'expires: "8d": write minutes, hours or days, such as 30m'],
  [["init", "--expires", "1"], usage, "write minutes, hours or days, such as 30m, 1h or 2d"],
  [["init", "--config", ""], usage, "write a path"],
  [["init", "--shares", "x"], usage, "unknown flag --shares; did you mean --share?"],
  [["init", "edge"], usage, '"edge" is one word too many; --help shows how'],
  [
    ["init", "--cluster", "edge", "--share", "nosuch0=192.0.2.1/24", "--dry-run"],
    usage,
    '--share nosuch0: "nosuch0": there is no such interface; ',
  ],
  [
    ["init", "--cluster", "edge", "--share", "lo=192.0.2.1/24", "--dry-run"],
    usage,
    '--share lo: "lo" is no Ethernet interface; ',
  ],
  [["join"], usage, "join: TOKEN is missing; on a node of the cluster, `avail token` prints the"],
  [["join", "edge"], usage, "join: the token: it does not begin with avail1.; paste what"],
  [["join", token.slice(0, 30)], usage, "damaged or cut off (30 characters came); copy it again"],
  [["join", token.replace("avail1", "avail3")], usage, "it is of format 3, and this avail knows"],
  [
    ["join", `${token.slice(0, 20)}!${token.slice(21)}`],
    usage,
    "character 21 cannot be in a token",
  ],
  [["join", "-"], usage, "join: the token: it is empty; paste what `avail token` printed"],
  [["join", "--token-file", "/nowhere/t"], usage, "--token-file /nowhere/t: there is no such file"],
  [
    ["join", token, "--token-file", "/x"],
    usage,
    "TOKEN and --token-file are two of them; give one",
  ],
  [["join", token, "--interface", "eth0"], usage, 'interface: "eth0": write the other node\'s int'],
  [["join", token, "--dry-run"], failed, "127.0.0.1:1: connection refused"],
  [["token", "--config", "/nowhere/x.toml"], usage, "/nowhere/x.toml: there is no such file"],
  [["token", "--list", "--revoke", "all"], usage, "token: --list and --revoke are two things"],
  [["token", "--revoke", "xyz"], usage, 'revoke: "xyz": write an id as `avail token --list` shows'],
  [["token", "--uses", "many"], usage, 'uses: "many": write how many nodes may join by it'],
  [["config"], usage, "check"],
  [["config", "chekc"], usage, 'unknown command "chekc"; did you mean `check`?'],
  [["config", "check", "/nowhere/x.toml"], usage, "/nowhere/x.toml: there is no such file"],
  [["config", "check", "/"], usage, "/: "],
  [["config", "show", "--config", "/nowhere/x.toml"], usage, "there is no such file; write one"],
];

Deno.test("wrong words of set-up: exit code and message, nothing on standard output", async () => {
  for (const [args, code, says] of wrong) {
    const outcome = await avail(...args);
    const all = outcome.stdout + outcome.stderr;
    assertStringIncludes(all, says, `${args.join(" ")}: ${all}`);
    if (args.length > 1) assertEquals([outcome.code, outcome.stdout], [code, ""], args.join(" "));
    assert(!all.includes("unexpected"), all);
    assert(!all.includes(token.slice(20, 40)), "no message repeats a token");
  }
});

async function inFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await body(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("config check: every fault with file and line, exit code 2; the control is sound", async () => {
  await inFolder(async (folder) => {
    const file = `${folder}/avail.toml`;
    await Deno.writeTextFile(file, sound);
    const fine = await avail("config", "check", "--file-only", file);
    assertEquals(
      [fine.code, fine.stdout, fine.stderr],
      [ok, `${file}: fine; cluster edge, node fw1, 2 shares, 1 link, 0 checks\n`, ""],
    );

    const faulty = sound.replace('"pair"', '"par"').replace("10.0.0.1", "10.0.0.1/8");
    await Deno.writeTextFile(file, faulty + "\n[detection]\nmultiplier = 99\n");
    const found = await avail("config", "check", "--file-only", file);
    assertEquals([found.code, found.stdout], [usage, ""]);
    assertEquals(found.stderr.trimEnd().split("\n").map((line) => line.replace(folder, "D")), [
      'avail: D/avail.toml:10: link[0].address: "10.0.0.1/8" has a prefix length; write "10.0.0.1"',
      'avail: D/avail.toml:15: share[0].key: "par" is none of the choices; did you mean "pair"?',
      "avail: D/avail.toml:26: detection.multiplier: 99 is out of range; " +
      "write a whole number from 2 to 20",
    ]);
    const json = await avail("config", "check", "--file-only", file, "--json");
    assertEquals([json.code, json.stderr], [usage, ""]);
    const told = JSON.parse(json.stdout);
    assertEquals([told.schema, told.ok, told.file, told.warnings], [1, false, file, []]);
    assertEquals(told.faults.map(({ line }: { line: number }) => line), [10, 15, 26]);
    assertEquals(Object.keys(told.faults[0]), ["file", "line", "where", "problem", "remedy"]);

    await Deno.writeTextFile(file, "[cluster\n");
    const broken = await avail("config", "check", file);
    assertEquals([broken.code, broken.stdout], [usage, ""]);
    assertStringIncludes(broken.stderr, `${file}:1: column `);
  });
});

Deno.test("config check looks at the machine, too: key file, interfaces, checks' programs", async () => {
  await inFolder(async (folder) => {
    const file = `${folder}/avail.toml`;
    const text = sound.replaceAll(/"eth/g, '"nosuch').replace("/etc/avail", folder) +
      `\n[control]\nsocket = "${folder}/sock"\n[[check]]\nname = "x"\ncommand = ["/no/program"]\n`;
    await Deno.writeTextFile(file, text);
    const { code, stderr } = await avail("config", "check", file);
    assertEquals(code, usage);
    const places = stderr.trimEnd().split("\n").map((line) => line.split(": ").slice(1, 4));
    assertEquals(places.map(([place, where]) => [place.replace(folder, "D"), where]), [
      ["D/avail.toml:3", "cluster.key_file"],
      ["D/avail.toml:9", "link[0].interface"],
      ["D/avail.toml:13", "share[0].interface"],
      ["D/avail.toml:18", "share[1].interface"],
      ["D/avail.toml:29", "check[0].command[0]"],
    ]);
  });
});

Deno.test("config show: everything with its value, and what it prints can be used again", async () => {
  await inFolder(async (folder) => {
    const file = `${folder}/avail.toml`;
    await Deno.writeTextFile(file, sound);
    await Deno.writeTextFile(`${folder}/cluster.key`, "secret-of-the-cluster\n");
    const first = await avail("config", "show", "--config", file);
    assertEquals([first.code, first.stderr], [ok, ""]);
    assertStringIncludes(first.stdout, '\ninterval = "100ms"\nmultiplier = 3\n');
    assert(!first.stdout.includes("secret-of-the-cluster"));
    await Deno.writeTextFile(file, first.stdout);
    const second = await avail("config", "show", "--config", file);
    assertEquals(second.stdout, first.stdout);
    const json = JSON.parse((await avail("config", "show", "--config", file, "--json")).stdout);
    assertEquals([json.schema, json.detection.intervalMs, json.shares.length], [1, 100, 2]);
    await Deno.writeTextFile(file, sound.replace('"edge"', '"e d"'));
    assertEquals((await avail("config", "show", "--config", file)).code, usage);
  });
});
