import { assertEquals } from "../assert.ts";
import { differences, referenceOf } from "../../lib/membership/agreement.ts";
import { planningNodes } from "../../lib/membership/view.ts";
import { standingsOf } from "../../lib/membership/standing.ts";
import { BucketSet } from "../../lib/ownership/bucket_set.ts";
import type { Heartbeat } from "../../lib/wire/heartbeat.ts";
import { heartbeat, incarnation } from "../wire/examples.ts";

const ours = heartbeat().topics;
const withShares = ["aaaaaaaa", ...ours.slice(1)];
const withRuleset = [...ours.slice(0, 5), "bbbbbbbb"];
const other = "ffffffffffffffff";

function nodes(...changes: Partial<Heartbeat>[]) {
  return changes.map((change, i) => ({
    incarnation: incarnation(i + 1),
    heartbeat: heartbeat({
      name: `fw${i + 1}`,
      held: BucketSet.empty(),
      claims: BucketSet.empty(),
      peers: changes.map((_, j) => ({ incarnation: incarnation(j + 1), sequence: 1, heardOn: 7 })),
      ...change,
    }),
  }));
}

Deno.test("what differs is told by topic, and nothing where nothing does", () => {
  assertEquals(differences(heartbeat(), heartbeat()), []);
  const shares = heartbeat({ configDigest: other, topics: withShares });
  assertEquals(differences(heartbeat(), shares), ["shares"]);
  assertEquals(differences(heartbeat(), heartbeat({ topics: withRuleset })), ["ruleset"]);
});

Deno.test("what a node does not tell is not compared, but a different configuration is known", () => {
  const silent = [...ours.slice(0, 5), "00000000"];
  assertEquals(differences(heartbeat(), heartbeat({ topics: silent })), []);
  assertEquals(differences(heartbeat(), heartbeat({ topics: [] })), []);
  const first = heartbeat({ topics: [], configDigest: other });
  assertEquals(differences(heartbeat(), first), ["configuration"]);
  assertEquals(differences(heartbeat(), heartbeat({ configDigest: other, topics: withRuleset })), [
    "configuration",
    "ruleset",
  ]);
});

Deno.test("what most nodes say is meant, whoever plans; among two, it is who has the buckets", () => {
  const odd = { configDigest: other, topics: withShares };
  assertEquals(referenceOf(nodes(odd, {}, {}))?.heartbeat.name, "fw2");
  assertEquals(referenceOf(nodes({}, odd, {}))?.heartbeat.name, "fw1");
  assertEquals(referenceOf(nodes(odd, {}))?.heartbeat.name, "fw1");
  assertEquals(referenceOf(nodes(odd, { claims: BucketSet.of([1]) }))?.heartbeat.name, "fw2");
  assertEquals(referenceOf([]), null);
});

Deno.test("a node that differs is given nothing, keeps what it has, and everybody can say why", () => {
  const view = nodes({ configDigest: other, topics: withShares }, {}, {});
  assertEquals(
    planningNodes(view, { shares: 2, partition: "serve" }).map(({ canGain }) => canGain),
    [
      false,
      true,
      true,
    ],
  );
  const standings = standingsOf(view, 2);
  assertEquals(standings.get(incarnation(1)), {
    eligible: true,
    obstacle: null,
    differs: ["shares"],
    differsFrom: ["fw2", "fw3"],
  });
  assertEquals(standings.get(incarnation(2))?.differs, []);
});

Deno.test("one that joins does not decide what is meant", () => {
  const odd = { configDigest: other, topics: withShares, state: "joining" } as const;
  const view = nodes(odd, odd, {});
  assertEquals(standingsOf(view, 2).get(incarnation(1))?.differs, ["shares"]);
  assertEquals(standingsOf(view, 2).get(incarnation(3))?.differs, []);
});
