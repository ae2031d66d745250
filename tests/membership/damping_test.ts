import { Damping, flapHalfLifeMs } from "../../lib/membership/damping.ts";
import { assert, assertEquals } from "../assert.ts";

const halfLifeMs = 30_000;

/** One that saw a node fail at these times; the names of what it told. */
function seen(times: readonly number[], damping = new Damping(halfLifeMs)) {
  const news = times.flatMap((at) => damping.failed("fw2", at)).map(({ name }) => name);
  return { damping, news };
}

Deno.test("the third failure within a half-life damps, two do not", () => {
  assertEquals(seen([0, 1000]).news, []);
  assertEquals(seen([0, 1000, 2000]).news, ["flapping"]);
  assertEquals(seen([0, 60_000, 120_000, 180_000]).news, [], "failures far apart");
});

Deno.test("it ends by itself, is told once, and only its node is meant", () => {
  const { damping } = seen([0, 1000, 2000]);
  assert(damping.isDamped("fw2"));
  assert(!damping.isDamped("fw1"));
  const until = damping.nextAt;
  assert(until > 50_000 && until < 65_000, `${until}`);
  assertEquals(damping.leftMs("fw2", until - 10), 10);
  assertEquals(damping.look(until - 1), []);
  assertEquals(damping.look(until).map(({ name }) => name), ["steady"]);
  assertEquals([damping.isDamped("fw2"), damping.nextAt], [false, Infinity]);
  assertEquals(damping.leftMs("fw2", until), 0);
});

Deno.test("one that goes on failing stays damped, and never longer than three half-lives", () => {
  const times = Array.from({ length: 50 }, (_, i) => i * 1000);
  const { damping, news } = seen(times);
  assertEquals(news, ["flapping"]);
  assert(damping.nextAt <= 49_000 + 3 * halfLifeMs);
});

Deno.test("a single failure is forgotten without a word", () => {
  const { damping } = seen([0]);
  assertEquals(damping.leftMs("fw2", 1), 0);
  assertEquals(damping.look(damping.nextAt), []);
  assertEquals(damping.nextAt, Infinity);
});

Deno.test("control: switched off, nobody is damped", () => {
  const { damping, news } = seen([0, 1, 2, 3, 4], new Damping(0));
  assertEquals([news, damping.isDamped("fw2"), damping.nextAt], [[], false, Infinity]);
});

Deno.test("the half-life is 30 s, or ten slow detection times", () => {
  assertEquals([flapHalfLifeMs(300), flapHalfLifeMs(30_000)], [30_000, 300_000]);
});
