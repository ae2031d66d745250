/** `avail who`: packets in words, and lines of conntrack on standard input. */
import type { ControlRequest } from "../../lib/control.ts";
import { FlowBuckets } from "../../lib/ownership/flow_bucket.ts";
import { bucketSeed, parseKeyFile } from "../../lib/wire/keys.ts";
import { assertEquals, assertStringIncludes } from "../assert.ts";
import { avail, availReading, withDaemon } from "./program.ts";
import { safeStatus } from "./statuses.ts";

const keyFileText = `seed ${btoa("s".repeat(32))}\nkey 1 ${btoa("k".repeat(32))}\n`;

Deno.test("a packet in one word or several is asked for as it is meant", async () => {
  const asked: ControlRequest[] = [];
  const handle = (request: ControlRequest) => {
    asked.push(request);
    return { bucket: 17, owner: "fw2", backups: ["fw3"] };
  };
  const cases: readonly (readonly [words: readonly string[], request: object])[] = [
    [["10.0.0.1:1 > 192.0.2.7:443"], {
      ...{ source: "10.0.0.1", destination: "192.0.2.7" },
      ...{ protocol: 6, sourcePort: 1, destinationPort: 443 },
    }],
    [["udp", "[2001:db8::1]:1", ">", "[2001:db8::2]:53"], {
      ...{ source: "2001:db8::1", destination: "2001:db8::2" },
      ...{ protocol: 17, sourcePort: 1, destinationPort: 53 },
    }],
    [["10.0.0.1:1", "192.0.2.7:443"], {
      ...{ source: "10.0.0.1", destination: "192.0.2.7" },
      ...{ protocol: 6, sourcePort: 1, destinationPort: 443 },
    }],
    [["10.0.0.1 > 192.0.2.7"], { source: "10.0.0.1", destination: "192.0.2.7" }],
    [["10.0.0.1:1 > 192.0.2.7:443", "--proto", "udp", "--share", "eth0"], {
      ...{ source: "10.0.0.1", destination: "192.0.2.7" },
      ...{ protocol: 17, sourcePort: 1, destinationPort: 443, share: "eth0" },
    }],
  ];
  await withDaemon(handle, async (socket) => {
    for (const [words, request] of cases) {
      const { code, stdout, stderr } = await avail("who", ...words, "--socket", socket);
      assertEquals([code, stderr], [0, ""]);
      assertEquals(stdout, "fw2  bucket 17, backups: fw3\n");
      assertEquals(asked.pop(), { command: "who", ...request } as ControlRequest);
    }
  });
});

Deno.test("wrong packets, and where the shell has taken the >", async () => {
  const cases: readonly (readonly [words: readonly string[], says: string])[] = [
    [["10.0.0.1:443"], "DST is missing; write it in quotes: avail who '10.0.0.1:443 > DST:PORT'"],
    [["10.0.0.1"], "DST is missing; --help shows how"],
    [["10.0.0.1:1", "10.0.0.2"], "DST has no port and SRC has one; give both, or none"],
    [["a", "b", "c"], '"a b c": write SRC:PORT > DST:PORT'],
    [["10.0.0.1:1 > 10.0.0.2:http"], '"http" is no port; write its number'],
    [["--proto", "tcp"], "--proto without a packet; write its addresses, too"],
    [["-", "--share", "eth0"], "--share without a packet"],
  ];
  for (const [words, says] of cases) {
    const { code, stderr } = await availReading("", "who", ...words);
    assertEquals(code, 2, stderr);
    assertStringIncludes(stderr, says);
  }
});

const flow = "src=10.0.0.1 dst=192.0.2.7 sport=40000 dport=443";
const reply = "src=192.0.2.7 dst=10.0.0.1 sport=443 dport=40000 [ASSURED] mark=0 use=1";
const tcpLine = `tcp      6 431999 ESTABLISHED ${flow} ${reply}`;
const udpLine = "udp      17 29 src=2001:db8::9 dst=2001:db8::7 sport=5 dport=53 [UNREPLIED]";
const noFlow = "conntrack v1.4.7: 2 flow entries have been shown.";

Deno.test("each line of conntrack gets its bucket and its owner", async () => {
  const share = 'interface = "lo"\naddresses = ["192.0.2.7/24", "2001:db8::7/64"]\nkey = "flow"';
  const shares = [{
    interface: "lo",
    addresses: [],
    key: "flow",
    side: null,
    nat: false,
    mac: "auto",
  }] as const;
  const buckets = new FlowBuckets({ seed: bucketSeed(parseKeyFile(keyFileText)), shares });
  const tcp = buckets.bucketOf({
    ...{ source: "10.0.0.1", destination: "192.0.2.7" },
    ...{ protocol: 6, sourcePort: 40000, destinationPort: 443 },
  })!;
  const udp = buckets.bucketOf({
    ...{ source: "2001:db8::9", destination: "2001:db8::7" },
    ...{ protocol: 17, sourcePort: 5, destinationPort: 53 },
  })!;
  const owners = safeStatus.owners.with(tcp, "fw1").with(udp, "fw3");
  await withDaemon(() => ({ ...safeStatus, owners }), async (socket, directory) => {
    const key = `${directory}/cluster.key`, config = `${directory}/avail.toml`;
    await Deno.writeTextFile(key, keyFileText, { mode: 0o600 });
    await Deno.writeTextFile(
      config,
      `[cluster]\nname = "edge"\nkey_file = "${key}"\n[[share]]\n${share}\n`,
    );
    const where = ["--config", config, "--socket", socket];
    // The last line has no end; a line that steers the terminal is shown, not obeyed.
    const input = `${tcpLine}\n${udpLine}\n\x1b[2J${noFlow}`;
    const text = await availReading(input, "who", ...where);
    assertEquals([text.code, text.stderr], [0, ""]);
    const row = (bucket: number | string, owner: string, whose: string, line: string) =>
      `${String(bucket).padStart(6)}  ${owner.padEnd(12)}  ${whose.padEnd(7)}  ${line}`;
    assertEquals(text.stdout.split("\n"), [
      row("BUCKET", "OWNER", "", "FLOW"),
      row(tcp, "fw1", "own", tcpLine),
      row(udp, "fw3", "foreign", udpLine),
      row("-", "-", "", `?[2J${noFlow}`),
      "",
    ]);
    const json = await availReading(`${tcpLine}\n${noFlow}\n`, "who", "-", "--json", ...where);
    assertEquals(json.stdout.trimEnd().split("\n").map((line) => JSON.parse(line)), [
      {
        ...{ schema: 1, bucket: tcp, owner: "fw1", own: true, backups: ["fw2"] },
        ...{ source: "10.0.0.1", destination: "192.0.2.7", protocol: 6 },
        ...{ sourcePort: 40000, destinationPort: 443, line: tcpLine },
      },
      { schema: 1, bucket: null, owner: null, own: false, backups: [], line: noFlow },
    ]);
    const many = await availReading(`${tcpLine}\n`.repeat(20_000), "who", ...where);
    assertEquals(many.stdout.split("\n").length, 20_002);
  });
});
