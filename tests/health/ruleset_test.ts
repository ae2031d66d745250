import { assert, assertEquals, assertNotEquals } from "../assert.ts";
import { normaliseRuleset } from "../../lib/health/ruleset.ts";

/** As nft 1.0.6 prints it. */
const rules = {
  nftables: [
    { metainfo: { version: "1.0.6", json_schema_version: 1 } },
    { table: { family: "inet", name: "f", handle: 1 } },
    { counter: { family: "inet", name: "c", table: "f", handle: 2, packets: 3, bytes: 5 } },
    {
      quota: { family: "inet", name: "q", table: "f", handle: 3, bytes: 5242880, used: 3072 },
    },
    {
      set: {
        ...{ family: "inet", name: "dyn", table: "f", type: "ipv4_addr", handle: 4, size: 65535 },
        elem: ["192.0.2.1"],
      },
    },
    {
      set: {
        ...{ family: "inet", name: "timed", table: "f", type: "ipv4_addr", flags: ["timeout"] },
        elem: [{ elem: { val: "192.0.2.4", timeout: 3600, expires: 3599 } }],
      },
    },
    {
      set: {
        ...{ family: "inet", name: "fixed", table: "f", type: "ipv4_addr", handle: 5 },
        elem: ["192.0.2.2", { elem: { val: "192.0.2.3", counter: { packets: 1, bytes: 60 } } }],
      },
    },
    {
      rule: {
        ...{ family: "inet", table: "f", chain: "a", handle: 8, comment: "x" },
        expr: [
          {
            match: { op: "==", left: { payload: { protocol: "ip", field: "saddr" } }, right: "@s" },
          },
          { counter: { packets: 4, bytes: 7 } },
          {
            set: { op: "add", elem: { payload: { protocol: "ip", field: "saddr" } }, set: "@dyn" },
          },
          { drop: null },
        ],
      },
    },
    { table: { family: "ip", name: "avail", handle: 9 } },
    { rule: { family: "ip", table: "avail", chain: "nat", handle: 10, expr: [{ accept: null }] } },
  ],
};
const text = JSON.stringify(rules);
const changed = (from: string, to: string) => {
  assert(text.includes(from), from);
  return normaliseRuleset(text.replace(from, to));
};

Deno.test("what changes by itself does not count", () => {
  const same = normaliseRuleset(text);
  for (
    const [from, to] of [
      ['"handle":8', '"handle":88'],
      ['"packets":4,"bytes":7', '"packets":5,"bytes":99'],
      ['"packets":3,"bytes":5', '"packets":0,"bytes":0'],
      ['"used":3072', '"used":1'],
      ['"packets":1,"bytes":60', '"packets":0,"bytes":0'],
      ['["192.0.2.1"]', "[]"],
      ['"expires":3599', '"expires":7'],
      ['"chain":"nat"', '"chain":"other"'],
      ['"version":"1.0.6"', '"version":"1.1.0"'],
    ]
  ) assertEquals(changed(from, to), same, from);
});

Deno.test("the control: what somebody wrote does", () => {
  const same = normaliseRuleset(text);
  for (
    const [from, to] of [
      ['{"drop":null}', '{"accept":null}'],
      ['"192.0.2.2"', '"192.0.2.9"'],
      ['"bytes":5242880', '"bytes":1'],
      ['"comment":"x"', '"comment":"y"'],
      ['"@s"', '"@t"'],
      ['"name":"c"', '"name":"d"'],
    ]
  ) assertNotEquals(changed(from, to), same, from);
});

Deno.test("the order of a set's elements is the kernel's", () => {
  const sets = (elem: unknown[]) =>
    normaliseRuleset(JSON.stringify({ nftables: [{ set: { name: "s", table: "t", elem } }] }));
  assertEquals(sets(["a", "b"]), sets(["b", "a"]));
});

Deno.test("what is not of nft is nothing", () => {
  for (const other of ["", "{", "[]", "{}", '{"nftables":1}', "null"]) {
    assertEquals(normaliseRuleset(other), null, other);
  }
});
