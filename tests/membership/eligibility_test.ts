import { assertEquals } from "../assert.ts";
import { type Obstacle, obstacleOf } from "../../lib/membership/eligibility.ts";
import { StandingNews } from "../../lib/membership/standing_news.ts";
import type { Heartbeat } from "../../lib/wire/heartbeat.ts";
import { heartbeat, incarnation } from "../wire/examples.ts";

/**
 * Nodes with two shares. `deaf[i]`: bits of what node i does not hear; `mute[i]`: of what of it is not
 * heard.
 */
function view(count: number, faults: { deaf?: number[]; mute?: number[] } = {}) {
  const numbers = Array.from({ length: count }, (_, i) => i);
  return (changes: (i: number) => Partial<Heartbeat> = () => ({})) =>
    numbers.map((i) => ({
      incarnation: incarnation(i + 1),
      heartbeat: heartbeat({
        name: `fw${i + 1}`,
        peers: numbers.filter((j) => j !== i).map((j) => ({
          incarnation: incarnation(j + 1),
          sequence: 1,
          heardOn: 0b111 & ~(faults.deaf?.[i] ?? 0) & ~(faults.mute?.[j] ?? 0),
        })),
        ...changes(i),
      }),
    }));
}

function obstacles(nodes: ReturnType<ReturnType<typeof view>>): (Obstacle | null)[] {
  return nodes.map((node) => obstacleOf(node, nodes, 2));
}

Deno.test("with everything up, all may own buckets", () => {
  assertEquals(obstacles(view(3)()), [null, null, null]);
  assertEquals(obstacles(view(1)()), [null]);
});

Deno.test("failing checks and a share without carrier keep a node from buckets", () => {
  assertEquals(obstacles(view(2)((i) => ({ unfit: i === 1 }))), [null, { kind: "checks" }]);
  const carriers = (i: number) => ({ carriers: i === 0 ? 0b101 : 0b111 });
  assertEquals(obstacles(view(2)(carriers)), [{ kind: "no carrier", share: 1 }, null]);
  // The control: a link is no share.
  assertEquals(obstacles(view(2)(() => ({ carriers: 0b011 }))), [null, null]);
});

Deno.test("a share dead behind its first switch, in either direction, keeps a node from buckets", () => {
  const mute = view(3, { mute: [0, 0b10, 0] })();
  assertEquals(obstacles(mute), [null, { kind: "not heard", share: 1 }, null]);
  const deaf = view(3, { deaf: [0, 0b10, 0] })();
  assertEquals(obstacles(deaf), [null, { kind: "hears nobody", share: 1 }, null]);
});

Deno.test("where nobody hears anybody on a share, nobody can say whose it is", () => {
  assertEquals(obstacles(view(3, { mute: [1, 1, 1] })()), [null, null, null]);
  assertEquals(obstacles(view(2, { mute: [1, 0] })()), [null, null]);
});

Deno.test("changes are told once each, with the reason, and nothing where all is well", () => {
  const news = new StandingNews(2);
  const well = view(2)(), ill = view(2)((i) => ({ unfit: i === 1 }));
  assertEquals(news.take("a", well), []);
  assertEquals(news.take("b", ill).map(({ name, text }) => [name, text]), [
    ["not-eligible", "fw2 may own no buckets: its checks fail"],
  ]);
  assertEquals(news.take("b", ill), []);
  assertEquals(news.take("c", ill), []);
  assertEquals(news.take("a", well).map(({ name }) => name), ["eligible"]);
});
