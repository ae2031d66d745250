/** Any configuration, written and read again, is the same: with comments, and with every key. */
import fc from "fast-check";
import type { CheckConfig, Config, ShareConfig } from "../lib/config.ts";
import { readConfig } from "../lib/config_file.ts";
import { formatConfig } from "../lib/config_text.ts";
import { Sheet, tomlValue } from "../lib/config_sheet.ts";
import { sound } from "./config_cases.ts";
import { assert, assertEquals, assertStringIncludes } from "./assert.ts";

const file = "/etc/avail/avail.toml";
const read = (text: string) => readConfig(text, { file, hostName: "host" }).config;

const seed = Number(
  Deno.env.get("AVAIL_FUZZ_SEED") ?? crypto.getRandomValues(new Int32Array(1))[0],
);

const name = fc.stringMatching(/^[A-Za-z0-9]([A-Za-z0-9-]{0,8}[A-Za-z0-9])?$/);
/** What a quoted text can have in it: quotes, escapes, controls, everything but zero and half pairs. */
const path = fc.string({ unit: "grapheme", maxLength: 12 })
  .filter((text) => !text.includes("\0")).map((text) => `/${text}`);
const milliseconds = (min: number, max: number) => fc.integer({ min, max });

const probe: fc.Arbitrary<CheckConfig["probe"]> = fc.oneof(
  fc.record({
    kind: fc.constant("tcp" as const),
    host: fc.constantFrom("127.0.0.1", "::1", "a.example"),
    port: fc.integer({ min: 1, max: 65535 }),
  }),
  fc.record({
    kind: fc.constant("http" as const),
    host: fc.constantFrom("127.0.0.1", "::1", "a.example"),
    port: fc.integer({ min: 1, max: 65535 }),
    path: fc.constantFrom("/", "/alive?x=1", "/%20"),
    status: fc.integer({ min: 100, max: 599 }),
  }),
  fc.record({
    kind: fc.constant("command" as const),
    argv: fc.tuple(path, path).map((words) => [...words]),
  }),
);

const share = (i: number): fc.Arbitrary<ShareConfig> =>
  fc.record({
    interface: fc.constant(`eth${i}`),
    addresses: fc.constantFrom(
      [{ family: 4 as const, address: `192.0.2.${i + 1}`, prefixLength: 24 }],
      [
        { family: 4 as const, address: `198.51.100.${i + 1}`, prefixLength: 31 },
        { family: 6 as const, address: `2001:db8::${i + 1}`, prefixLength: 64 },
      ],
    ),
    key: fc.constantFrom("pair" as const, "source" as const),
    side: fc.constant(null),
    nat: fc.boolean(),
    mac: fc.constantFrom("auto", "unicast", "03:00:5e:00:00:01"),
  });

const config: fc.Arbitrary<Config> = fc.record({
  file: fc.constant(file),
  cluster: fc.record({
    name,
    keyFile: path,
    partition: fc.constantFrom("serve" as const, "majority" as const),
    nodes: fc.integer({ min: 1, max: 32 }),
    ruleset: fc.boolean(),
  }),
  node: fc.record({
    name,
    weight: fc.constantFrom(0.01, 1, 2.5, 1000),
    drainTimeoutMs: fc.oneof(fc.constantFrom(0, 30_000), milliseconds(0, 3_600_000)),
  }),
  links: fc.constantFrom(
    [],
    [{ interface: "eth8", address: null }, { interface: "eth9", address: "10.0.0.1" }],
  ),
  shares: fc.oneof(fc.tuple(share(0)), fc.tuple(share(0), share(1))),
  detection: fc.record({
    intervalMs: milliseconds(10, 10_000),
    multiplier: fc.integer({ min: 2, max: 20 }),
    flapHalfLifeMs: fc.oneof(fc.constantFrom(0, 30_000), milliseconds(1000, 3_600_000)),
  }),
  replication: fc.record({
    backups: fc.oneof(fc.constant("all" as const), fc.integer({ min: 1, max: 31 })),
    port: fc.integer({ min: 1, max: 65535 }),
    enabled: fc.boolean(),
  }),
  datapath: fc.record({
    backend: fc.constantFrom("auto" as const, "clusterdev" as const, "xdp" as const),
    markMask: fc.constantFrom(0x1ff00000, 0x1ff, 0xff800000),
  }),
  control: fc.record({ socket: path }),
  metrics: fc.record({ listen: fc.constantFrom("off", "127.0.0.1:9477", "[::1]:1") }),
  checks: fc.uniqueArray(
    fc.record({
      name,
      probe,
      intervalMs: milliseconds(500, 3_600_000),
      timeoutMs: milliseconds(1, 500),
      rise: fc.integer({ min: 1, max: 9 }),
      fall: fc.integer({ min: 1, max: 9 }),
      weight: fc.constantFrom(0, 0.5, 1),
    }),
    { maxLength: 3, selector: (check) => check.name },
  ),
});

for (const comments of [true, false]) {
  Deno.test(`what is written reads back, comments ${comments} (seed ${seed})`, () => {
    fc.assert(
      fc.property(config, (wanted) => {
        assertEquals(read(formatConfig(wanted, { comments })), structuredClone(wanted));
      }),
      { seed, numRuns: 300 },
    );
  });
}

Deno.test("a file of the documentation: comments stand in one column, lines stay readable", () => {
  const text = formatConfig(read(sound), { comments: true, heading: ["made by a test"] });
  assertEquals(read(text), read(sound));
  assert(text.startsWith("# made by a test\n\n[cluster]"));
  for (const line of text.split("\n")) assert(line.length <= 100, line);
  assertStringIncludes(text, "\n# weight = 1                     # its part of the buckets");
  // Without comments nothing is left to guess.
  const bare = formatConfig(read(sound), { comments: false });
  assert(!bare.includes("#"));
  assertStringIncludes(bare, "\nweight = 1\n");
});

Deno.test("a text with everything in it that could end a string early", () => {
  const strange = '"\\\b\f\n\r\t\x7f\u0001é😀#=[]';
  assertEquals(
    read(sound.replace('"/etc/avail/cluster.key"', tomlValue(`/${strange}`))).cluster.keyFile,
    `/${strange}`,
  );
  const sheet = new Sheet(true);
  sheet.table("[a]");
  sheet.keyOrDefault("x", 0x1ff, 1, { isMask: true });
  sheet.example("y", ["a", "b"]);
  assertEquals(sheet.text, '[a]\nx = 0x1ff\n# y = ["a", "b"]\n');
});
