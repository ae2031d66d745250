/**
 * `avail flows` over a real connection table, beside conntrack(8) as the oracle: in a namespace of
 * its own, with a daemon that only answers `status`.
 */
import { exitCodes } from "../../lib/errors.ts";
import { serveControl } from "../../lib/host/control_socket.ts";
import { FlowBuckets } from "../../lib/ownership/flow_bucket.ts";
import { bucketSeed, parseKeyFile } from "../../lib/wire/keys.ts";
import { assert, assertEquals } from "../assert.ts";
import { safeStatus } from "../cli/statuses.ts";

const secret = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";
const config = (directory: string) =>
  `[cluster]
name = "edge"
key_file = "${directory}/cluster.key"
[node]
name = "fw1"
[[share]]
interface = "eth0"
addresses = ["192.0.2.1/24", "2001:db8::1/64"]
`;

/** Entries as conntrack(8) is told to insert them. */
const entries = [
  "-s 192.0.2.10 -d 198.51.100.1 -p tcp --sport 40000 --dport 443 --state ESTABLISHED",
  "-s 192.0.2.11 -d 198.51.100.1 -p tcp --sport 40000 --dport 443 --state ESTABLISHED",
  "-s 192.0.2.12 -d 198.51.100.1 -p udp --sport 5353 --dport 53",
  "-s 192.0.2.12 -d 198.51.100.1 -p icmp --icmp-type 8 --icmp-code 0 --icmp-id 7",
  "-s 2001:db8::10 -d 2001:db8:1::1 -p tcp --sport 1 --dport 22 --state ESTABLISHED",
  "-s 2001:db8::11 -d 2001:db8:1::1 -p udp --sport 65535 --dport 1",
];

async function command(name: string, ...args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(name, { args }).output();
  const decoder = new TextDecoder();
  assert(success, `${name} ${args.join(" ")}: ${decoder.decode(stderr)}`);
  return decoder.decode(stdout);
}

interface Listed {
  readonly bucket: number;
  readonly owner: string;
  readonly own: boolean;
  readonly source: string;
  readonly destination: string;
  readonly protocol: number;
  readonly sourcePort: number;
  readonly text: string;
}

Deno.test({
  name: "flows: every entry of the table with its bucket and owner",
  ignore: Deno.uid() !== 0,
  async fn() {
    const namespace = `avail-flows-${Deno.pid}`;
    const directory = await Deno.makeTempDir();
    const stop = new AbortController();
    const path = `${directory}/control.sock`;
    Deno.writeTextFileSync(`${directory}/avail.toml`, config(directory));
    Deno.writeTextFileSync(`${directory}/cluster.key`, secret, { mode: 0o600 });
    const service = await serveControl({ path, handle: () => safeStatus, signal: stop.signal });
    const main = new URL("../../cli/main.ts", import.meta.url).pathname;
    const inside = (...args: string[]) => command("ip", "netns", "exec", namespace, ...args);
    const flows = async (...flags: string[]) => {
      const text = await inside(
        Deno.execPath(),
        ...["run", "-A", "--quiet", "--no-check", main, "flows"],
        ...["--socket", path, "--config", `${directory}/avail.toml`],
        ...flags,
      );
      return text.split("\n").slice(0, -1);
    };
    const listed = async (...flags: string[]) =>
      (await flows("--json", ...flags)).map((line): Listed => JSON.parse(line));
    try {
      await command("ip", "netns", "add", namespace);
      assertEquals(await listed(), [], "an empty table is an empty list");
      for (const entry of entries) {
        await inside("conntrack", "-I", ...entry.split(" "), "--timeout", "600");
      }
      const all = await listed();
      assertEquals(all.length, entries.length);

      // The text is conntrack(8)'s own, but for the seconds that have passed and its protocol column.
      const oracle =
        (await inside("conntrack", "-L") + await inside("conntrack", "-L", "-f", "ipv6"))
          .split("\n").map(withoutTime);
      for (const { text } of all) {
        const [, ...words] = text.split(/\s+/); // "ipv4 2 tcp …": layer 3 comes first
        assert(oracle.includes(withoutTime(words.slice(1).join(" "))), text);
      }

      const { shares } = (await import("../../lib/config_file.ts")).readConfig(config(directory), {
        file: "avail.toml",
        hostName: "fw1",
      }).config;
      const buckets = new FlowBuckets({ seed: bucketSeed(parseKeyFile(secret)), shares });
      for (const flow of all) {
        assertEquals(flow.bucket, buckets.bucketOf(flow), flow.text);
        assertEquals(flow.owner, safeStatus.owners[flow.bucket]);
        assertEquals(flow.own, flow.owner === "fw1");
      }
      assertEquals(
        all.map(({ source, protocol, sourcePort }) => `${source} ${protocol} ${sourcePort}`).sort(),
        [
          "192.0.2.10 6 40000",
          "192.0.2.11 6 40000",
          "192.0.2.12 1 0",
          "192.0.2.12 17 5353",
          "2001:db8::10 6 1",
          "2001:db8::11 17 65535",
        ],
      );

      const [{ bucket, owner }] = all;
      const count = (isWanted: (flow: Listed) => boolean) => all.filter(isWanted).length;
      assertEquals((await listed("--own")).length, count((flow) => flow.own));
      assertEquals((await listed("--foreign")).length, count((flow) => !flow.own));
      assertEquals((await listed("--owner", owner)).length, count((f) => f.owner === owner));
      assertEquals(
        (await listed("--bucket", String(bucket))).length,
        count((f) => f.bucket === bucket),
      );
      assertEquals((await listed("--owner", "nobody")).length, 0);
      const lines = await flows();
      assertEquals(lines.length, 1 + entries.length);
      assertEquals(lines[0].trim().split(/\s+/), ["BUCKET", "OWNER", "FLOW"]);
    } finally {
      stop.abort();
      await service.ended;
      await new Deno.Command("ip", { args: ["netns", "del", namespace] }).output();
      await Deno.remove(directory, { recursive: true });
    }
  },
});

Deno.test("flows without a daemon is exit code 3", async () => {
  const main = new URL("../../cli/main.ts", import.meta.url).pathname;
  const { code } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", "--no-check", main, "flows", "--socket", "/nowhere/x.sock"],
    stderr: "null",
  }).output();
  assertEquals(code, exitCodes.notRunning);
});

function withoutTime(line: string): string {
  return line.trim().replace(/^(\S+\s+\d+)\s+\d+/, "$1").replace(/\s+/g, " ");
}
