import { assertEquals } from "../assert.ts";
import { CheckState } from "../../lib/health/check_state.ts";
import { verdictOf } from "../../lib/health/verdict.ts";

/** The verdict after each of these results: `+` success, `-` failure. */
function verdicts(results: string, limits = { rise: 2, fall: 3 }): string {
  const state = new CheckState(limits, 0);
  return [...results].map((result, i) => {
    state.take(result === "+" ? null : "refused", i + 1);
    return state.ok === null ? "?" : state.ok ? "+" : "-";
  }).join("");
}

Deno.test("it takes rise successes to be good, and fall failures in a row to be bad", () => {
  assertEquals(verdicts("++++"), "?+++");
  assertEquals(verdicts("++--+---"), "?++++++-");
  assertEquals(verdicts("++---+-++"), "?+++----+");
  // The control: without patience each result is a verdict.
  assertEquals(verdicts("+-+-", { rise: 1, fall: 1 }), "+-+-");
});

Deno.test("before any verdict one failure is one, and success has to be earned", () => {
  assertEquals(verdicts("-"), "-");
  assertEquals(verdicts("+-++"), "?--+");
});

Deno.test("it knows since when, and what went wrong last", () => {
  const state = new CheckState({ rise: 1, fall: 2 }, 5);
  assertEquals([state.ok, state.since, state.lastError], [null, 5, null]);
  assertEquals(state.take(null, 10), true);
  assertEquals(state.take("refused", 11), false);
  assertEquals([state.ok, state.since, state.lastError], [true, 10, "refused"]);
  assertEquals(state.take("no answer", 12), true);
  assertEquals([state.ok, state.since, state.lastError], [false, 12, "no answer"]);
});

Deno.test("the worst of the checks decides; one without a verdict counts as failed", () => {
  const check = (name: string, ok: boolean | null, weight = 0) => ({ name, ok, weight });
  assertEquals(verdictOf([]), { pending: false, factor: 1, failing: [] });
  assertEquals(verdictOf([check("a", true), check("b", true)]).factor, 1);
  assertEquals(verdictOf([check("a", false, 0.5), check("b", false, 0.2), check("c", true)]), {
    pending: false,
    factor: 0.2,
    failing: ["a", "b"],
  });
  assertEquals(verdictOf([check("a", null), check("b", true)]), {
    pending: true,
    factor: 0,
    failing: [],
  });
});

Deno.test("a check whose configuration changed keeps its verdict until it has found another", () => {
  const former = new CheckState({ rise: 1, fall: 1 }, 0);
  former.take("refused", 5);
  const state = new CheckState({ rise: 2, fall: 3 }, 10, former);
  assertEquals([state.ok, state.since, state.lastError], [false, 5, "refused"]);
  assertEquals([state.take(null, 11), state.take(null, 12)], [false, true]);
  assertEquals([state.ok, state.since], [true, 12]);
  // The control: a new one has none.
  assertEquals(new CheckState({ rise: 2, fall: 3 }, 10).ok, null);
});
