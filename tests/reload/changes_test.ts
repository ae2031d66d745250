/** What differs between two files, by key, and what each difference takes. */
import { type Change, changesBetween } from "../../lib/reload/changes.ts";
import { flatten } from "../../lib/reload/flatten.ts";
import { assert, assertEquals } from "../assert.ts";
import { changed, configOf, file, keysOf } from "./configs.ts";

/** `key old -> new (takes)` of every difference from the first file. */
function differences(text: string): string[] {
  const changes = changesBetween(
    { config: configOf(file), keys: keysOf([1]) },
    { config: configOf(text), keys: keysOf([1]) },
  );
  return changes.map(inWords);
}

function inWords({ key, old, new: value, takes }: Change): string {
  return `${key} ${JSON.stringify(old)} -> ${JSON.stringify(value)} (${takes})`;
}

const cases: readonly (readonly [from: string, to: string, differs: readonly string[]])[] = [
  ['name = "edge"', 'name = "core"', ['cluster.name "edge" -> "core" (restart)']],
  ['name = "edge"', 'name = "edge"\nruleset = true', ["cluster.ruleset false -> true (now)"]],
  ['name = "edge"', 'name = "edge"\nnodes = 3', ["cluster.nodes null -> 3 (restart)"]],
  ['name = "edge"', 'name = "edge"\nkey_file = "/k"', [
    'cluster.key_file "/etc/avail/cluster.key" -> "/k" (now)',
  ]],
  ['name = "fw1"', 'name = "fw2"', ['node.name "fw1" -> "fw2" (restart)']],
  ['name = "fw1"', 'name = "fw1"\nweight = 2.5', ["node.weight 1 -> 2.5 (now)"]],
  ['name = "fw1"', 'name = "fw1"\ndrain_timeout = "1.5s"', [
    'node.drain_timeout "0s" -> "1500ms" (now)',
  ]],
  ['address = "10.0.0.1"', "", ['link[eth2].address "10.0.0.1" -> null (now)']],
  ["[[share]]", '[[link]]\ninterface = "eth3"\n[[share]]', [
    'link ["eth2"] -> ["eth2","eth3"] (now)',
  ]],
  ['interface = "eth0"', 'interface = "eth0"\nnat = true', [
    "share[eth0].nat false -> true (restart)",
  ]],
  ['addresses = ["198.51.100.1/24"]', 'addresses = ["198.51.100.2/25"]', [
    'share[eth1].addresses ["198.51.100.1/24"] -> ["198.51.100.2/25"] (restart)',
  ]],
  [
    '[[share]]\ninterface = "eth1"\naddresses = ["198.51.100.1/24"]',
    "",
    [
      'share ["eth0","eth1"] -> ["eth0"] (restart)',
      'share[eth1] ["addresses 198.51.100.1/24","key pair","nat false","mac auto"] -> null (restart)',
    ],
  ],
  ['"http://127.0.0.1:80/alive"', '"http://127.0.0.1:80/alive"\nfall = 5', [
    "check[web].fall 3 -> 5 (now)",
  ]],
  ['http = "http://127.0.0.1:80/alive"', 'tcp = "[::1]:80"', [
    'check[web].tcp null -> "[::1]:80" (now)',
    'check[web].http "http://127.0.0.1:80/alive" -> null (now)',
    "check[web].status 200 -> null (now)",
  ]],
  [
    "[replication]",
    '[[check]]\nname = "db"\ncommand = ["/bin/a", "b"]\n[replication]',
    [
      'check[db] null -> ["command /bin/a b","interval 1s","timeout 500ms","rise 2","fall 3","weight 0"] (now)',
    ],
  ],
  ["backups = 1", 'backups = "all"', ['replication.backups 1 -> "all" (together)']],
  ["backups = 1", "backups = 1\nport = 1", ["replication.port 9478 -> 1 (restart)"]],
  ["backups = 1", "enabled = false", ["replication.enabled true -> false (restart)"]],
  ["[metrics]", '[detection]\ninterval = "1s"\nmultiplier = 4\n[metrics]', [
    'detection.interval "100ms" -> "1s" (restart)',
    "detection.multiplier 3 -> 4 (restart)",
    'detection.damping "30s" -> "40s" (now)',
  ]],
  ["[metrics]", '[detection]\ndamping = "off"\n[metrics]', [
    'detection.damping "30s" -> "off" (now)',
  ]],
  ["[metrics]", '[control]\nsocket = "/s"\n[metrics]', [
    'control.socket "/run/avail/control.sock" -> "/s" (restart)',
  ]],
  ["[metrics]", '[datapath]\nbackend = "xdp"\n[metrics]', [
    'datapath.backend "auto" -> "xdp" (restart)',
  ]],
  ["[metrics]", "[datapath]\nmark_mask = 0x1ff\n[metrics]", [
    'datapath.mark_mask "0x1ff00000" -> "0x1ff" (now)',
  ]],
  ['"off"', '"127.0.0.1:9999"', ['metrics.listen "off" -> "127.0.0.1:9999" (now)']],
];

Deno.test("every key that differs is told, as the file spells it, with what it takes", () => {
  for (const [from, to, differs] of cases) {
    assertEquals(differences(changed([from, to])), [...differs]);
  }
});

Deno.test("the same configuration in other words is no difference", () => {
  assertEquals(differences(file), []);
  const [checks, rest] = [
    /\[\[check\]\][^[]*/.exec(file)![0],
    file.replace(/\[\[check\]\][^[]*/, ""),
  ];
  assertEquals(differences(`${rest}${checks}`), []);
  assertEquals(differences(changed(['"2001:db8::1/64"', '"2001:DB8:0::1/64"'])), []);
});

Deno.test("where there is NAT, its mask needs a restart", () => {
  const nat = (mask: string) =>
    configOf(changed(
      ['interface = "eth0"', 'interface = "eth0"\nnat = true'],
      ["[metrics]", `[datapath]\nmark_mask = ${mask}\n[metrics]`],
    ));
  const keys = keysOf([1]);
  const changes = changesBetween({ config: nat("0x1ff00000"), keys }, {
    config: nat("0x1ff"),
    keys,
  });
  assertEquals(changes.map(inWords), ['datapath.mark_mask "0x1ff00000" -> "0x1ff" (restart)']);
});

Deno.test("keys are told by id and check, never as they are; another seed needs a restart", () => {
  const config = configOf(file);
  const between = (old: number[], then: number[], seed = "s") =>
    changesBetween({ config, keys: keysOf(old) }, { config, keys: keysOf(then, seed) });
  assertEquals(between([1], [1]), []);
  const [{ key, new: value, takes }] = between([1], [2, 1]);
  assertEquals([key, takes], ["keys", "now"]);
  const text = String(value);
  assert(/^2 \(check [0-9a-f]{8}, sends\),1 \(check [0-9a-f]{8}\)$/.test(text), text);
  const other = between([1], [1], "t");
  assertEquals(other.map((change) => [change.key, change.takes]), [["seed", "restart"]]);
  for (const ring of [keysOf([1]), keysOf([2]), keysOf([1], "t")]) {
    const said = JSON.stringify([between([1], [2, 1]), other]);
    for (const secret of [ring.seed, ring.keys[0].bytes]) {
      assert(!said.includes(secret.toBase64().slice(0, 12)) && !said.includes(secret.toHex()));
    }
  }
});

Deno.test("no key of the configuration is left out", () => {
  // Whatever a table of the configuration holds appears by itself; this counts what there is now.
  const keys = [...flatten(configOf(file)).keys()];
  const { file: _, checks, links, shares, ...sections } = configOf(file);
  const inSections = Object.values(sections).flatMap((section) => Object.keys(section)).length;
  const inShares = shares.flatMap((share) => Object.keys(share)).length - shares.length;
  const inLinks = links.flatMap((link) => Object.keys(link)).length - links.length;
  const inChecks = checks.flatMap((check) => Object.keys(check)).length; // status in place of the name
  assertEquals(keys.length, inSections + inShares + inLinks + inChecks + 2);
  // One that nobody has thought of needs a restart.
  const odd = { ...configOf(file), something: { newMs: 5 } };
  const ring = keysOf([1]);
  const changes = changesBetween({ config: configOf(file), keys: ring }, {
    config: odd,
    keys: ring,
  });
  assertEquals(changes.map(inWords), ['something.new null -> "5ms" (restart)']);
});
