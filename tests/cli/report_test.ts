/** `avail report` as a whole: what is in the file, and what is not. */
import type { ControlRequest } from "../../lib/control.ts";
import {
  assert,
  assertEquals,
  assertGreater,
  assertMatch,
  assertStringIncludes,
} from "../assert.ts";
import { leakOf, spellings } from "../report/spellings.ts";
import { avail, withDaemon } from "./program.ts";
import { safeStatus } from "./statuses.ts";

const seed = crypto.getRandomValues(new Uint8Array(32));
const key = crypto.getRandomValues(new Uint8Array(32));
const secrets = { seed, key };

/** Every spelling of both secrets that text can carry, as somebody may have put it into a log. */
const carelessWords = Object.values(secrets).flatMap((secret) =>
  Object.entries(spellings).filter(([name]) => !name.startsWith("raw"))
    .map(([name, spell]) => `${name}: ${spell(secret)}`)
);

function answer(request: ControlRequest): unknown {
  const asked = request.command === "forward" ? request.request : request;
  switch (asked.command) {
    case "status":
      return { ...safeStatus, reason: carelessWords.join("; ") };
    case "events": {
      const events = carelessWords.map((message, i) => ({
        id: i + 1,
        time: "2026-01-31T12:00:00.000Z",
        level: "info",
        event: "log",
        message,
        fields: { careless: message },
      }));
      return { schema: 1, node: "fw1", run: "0".repeat(16), events, next: 9, more: false, lost: 0 };
    }
    default:
      throw new Error(`not known here: ${asked.command}`);
  }
}

/** A node's files with its secrets where they belong, and where they do not. */
async function writeFiles(directory: string, socket: string): Promise<string> {
  const keyFile = `${directory}/cluster.key`;
  const text = `seed ${seed.toBase64()}\nkey 1 ${key.toBase64()}\n`;
  await Deno.writeTextFile(keyFile, text, { mode: 0o600 });
  const file = `${directory}/avail.toml`;
  const comments = carelessWords.flatMap((words) => words.split("\n")).map((line) =>
    // deno-lint-ignore no-control-regex
    `# ${line.replace(/[\x00-\x1f\x7f-\x9f]/g, "?")}`
  );
  await Deno.writeTextFile(
    file,
    `${comments.join("\n")}
[cluster]
name = "edge"
key_file = "${keyFile}"
[node]
name = "fw1"
[[share]]
interface = "lo"
addresses = ["192.0.2.1/24"]
[control]
socket = "${socket}"
`,
  );
  return file;
}

async function unpack(archive: string, into: string): Promise<string[]> {
  const { code } = await new Deno.Command("tar", { args: ["-xzf", archive, "-C", into] }).output();
  assertEquals(code, 0);
  const names: string[] = [];
  const walk = async (folder: string) => {
    for await (const { name, isDirectory } of Deno.readDir(folder)) {
      if (isDirectory) await walk(`${folder}/${name}`);
      else names.push(`${folder}/${name}`);
    }
  };
  await walk(into);
  return names;
}

Deno.test("everything is in it, but no byte of a key in any spelling", async () => {
  await withDaemon(answer, async (socket, directory) => {
    const config = await writeFiles(directory, socket);
    const file = `${directory}/report.tar.gz`;
    const { code, stdout, stderr } = await avail("report", "--config", config, "-o", file);
    assertEquals([code, stderr], [0, ""]);
    assertStringIncludes(stdout, "report.tar.gz: ");
    assertMatch(stdout, /Secrets were taken out at \d+ places/);
    assertEquals(((await Deno.stat(file)).mode ?? 0) & 0o777, 0o600);

    const folder = await Deno.makeTempDir({ dir: directory });
    const names = await unpack(file, folder);
    const parts = new Map<string, Uint8Array>();
    for (const name of names) {
      parts.set(name.slice(folder.length).replace(/^\/[^/]*\//, ""), await Deno.readFile(name));
    }
    const wanted = ["CONTENTS.txt", "version.json", "status.json", "status.txt", "events.jsonl"]
      .concat(["avail.toml", "kmod.json", "nodes/fw2/status.json", "nodes/fw3/events.jsonl"])
      .concat(["system/kernel.txt", "network/addresses.txt", "network/links.txt", "sysctls.txt"])
      .concat(["firewall/nft.txt", "network/lo/offloads.txt", "sysctls_of_avail.txt"]);
    for (const name of wanted) assert(parts.has(name), `${name} of ${[...parts.keys()]}`);
    for (const [name, bytes] of parts) {
      for (const [which, secret] of Object.entries(secrets)) {
        assertEquals(leakOf(bytes, secret), null, `${which} in ${name}`);
      }
    }
    // The control: the words around the secrets are there, so they would have been, too.
    const text = (name: string) => new TextDecoder().decode(parts.get(name));
    for (const name of ["status.json", "events.jsonl", "avail.toml", "nodes/fw2/status.json"]) {
      for (const spelling of ["hex dump", "base64url", "decimals of an object"]) {
        assertStringIncludes(text(name), `${spelling}: `, name);
      }
      assertStringIncludes(text(name), "[removed: key]");
    }
    assertStringIncludes(text("avail.toml"), 'addresses = ["192.0.2.1/24"]');
    assertMatch(text("CONTENTS.txt"), /^ +\d+ {2}status\.json$/m);
  });
});

Deno.test("without a daemon and a configuration there is still much to tell", async () => {
  const directory = await Deno.makeTempDir();
  try {
    const file = `${directory}/r.tar.gz`;
    const nowhere = ["--config", `${directory}/none.toml`, "--socket", `${directory}/none.sock`];
    const { code, stdout } = await avail("report", ...nowhere, "--output", file, "--json");
    assertEquals(code, 0);
    const report = JSON.parse(stdout);
    assertEquals([report.schema, report.file, report.removed], [1, file, 0]);
    assertEquals(report.bytes, (await Deno.stat(file)).size);
    const of = (name: string) =>
      report.parts.find((part: { readonly name: string }) => part.name === name);
    assertStringIncludes(of("status.json").problem, "avail is not running");
    assertStringIncludes(of("avail.toml").problem, "none.toml: there is no such file");
    assertGreater(of("network/addresses.txt").bytes, 100);
    assertEquals([...Deno.readDirSync(directory)].map(({ name }) => name), ["r.tar.gz"]);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("wrong places are told before the work, and nothing is left there", async () => {
  const directory = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${directory}/there`, "mine");
    const cases: readonly (readonly [args: readonly string[], code: number, says: string])[] = [
      [["-o", `${directory}/there`], 2, "there: is there already; name another file"],
      [["-o", directory], 2, "is a folder; name another file"],
      [["-o", `${directory}/there/x`], 2, "there/x: "],
      [["-o", `${directory}/no/x.tgz`, "--socket", "/nowhere"], 2, "there is no such folder"],
      [["-o", ""], 2, "write a file's name"],
      [["-o", "-", "--json"], 2, "cannot both go to standard output"],
      [["extra"], 2, "one word too many"],
    ];
    for (const [args, code, says] of cases) {
      const outcome = await avail("report", ...args);
      assertEquals(outcome.code, code, outcome.stderr);
      assertStringIncludes(outcome.stderr, says);
    }
    assertEquals([...Deno.readDirSync(directory)].map(({ name }) => name), ["there"]);
    assertEquals(await Deno.readTextFile(`${directory}/there`), "mine");
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("over a pipe it is the archive alone", async () => {
  const directory = await Deno.makeTempDir();
  try {
    const main = new URL("../../cli/main.ts", import.meta.url).pathname;
    const { stdout, stderr, code } = await new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "-A",
        "--quiet",
        "--no-check",
        main,
        "report",
        "-o",
        "-",
        "--socket",
        "/nowhere",
      ],
    }).output();
    assertEquals(code, 0);
    assertEquals([...stdout.subarray(0, 2)], [0x1f, 0x8b]);
    assertStringIncludes(new TextDecoder().decode(stderr), "standard output: ");
    await Deno.writeFile(`${directory}/r.tgz`, stdout);
    assertGreater((await unpack(`${directory}/r.tgz`, directory)).length, 10);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
