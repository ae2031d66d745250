/**
 * What a core remembers has a bound: hundreds of nodes come, say all that they can, and go without a word, for as
 * long as it runs. (The stories are too short for that.)
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { assert, assertEquals, assertGreater } from "../assert.ts";
import { membersMax } from "../../lib/limits.ts";
import { Node } from "../../lib/node.ts";
import type { Effect, Input } from "../../lib/node_types.ts";
import { bucketCount } from "../../lib/ownership/bucket_set.ts";
import { sealPlan } from "../../lib/ownership/plan.ts";
import { encodeForwardRequest } from "../../lib/wire/forward.ts";
import { decodeHeartbeat, encodeHeartbeat, heartbeatType } from "../../lib/wire/heartbeat.ts";
import { encodePlanParts } from "../../lib/wire/plan_parts.ts";

const intervalMs = 100, detectionMs = 300;
const self = "0".repeat(31) + "1";
/** Until everything that has a bound is full, and old penalties are over. */
const roundsBefore = 60;
const rounds = 120;
/** What each start may leave behind beyond that, in bytes: less than any record of it would. */
const bytesMax = 64;

setFlagsFromString("--expose-gc");
const collectGarbage: () => void = runInNewContext("gc");

function heapBytes(): number {
  collectGarbage();
  collectGarbage();
  return Deno.memoryUsage().heapUsed;
}

Deno.test("what comes and goes leaves nothing behind", () => {
  const world = new World();
  for (let round = 0; round < roundsBefore; round++) world.visit();
  const before = heapBytes();
  for (let round = 0; round < rounds; round++) world.visit();
  const grown = heapBytes() - before;
  const { visitors, met, served, dead } = world;
  assertEquals([met, served, dead], [visitors, visitors, visitors], "they counted");
  const late = rounds * (membersMax - 1);
  assert(grown < late * bytesMax, `${late} nodes came and went: ${grown} bytes`);
});

/** One core, and nodes that come and go. */
class World {
  visitors = 0;
  /** Visitors that the core has met, has done something for, and has seen die. */
  met = 0;
  served = 0;
  dead = 0;
  readonly #core: Node;
  #now = 1000;
  #heartbeat: Uint8Array = new Uint8Array();

  constructor() {
    this.#core = new Node({
      name: "fw1",
      incarnation: self,
      weight: 1,
      intervalMs,
      multiplier: detectionMs / intervalMs,
      partition: "majority", // which remembers most
      nodes: membersMax,
      backups: 1,
      configDigest: "0123456789abcdef",
      shares: 1,
      links: 0,
      addresses: [],
      clockStepMs: 0.001,
      listenMs: 0,
      flapHalfLifeMs: 1000,
      adopted: null,
    }, this.#now);
    this.#run(detectionMs);
  }

  /** As many as there is room for, each a new start of a new node. */
  visit(): void {
    const starts = Array.from({ length: membersMax - 1 }, () => {
      const number = (++this.visitors + 1).toString(16);
      return { name: `v${number}`, incarnation: number.padStart(32, "0") };
    });
    for (let sequence = 1; sequence <= 3; sequence++) {
      const heard = starts.map((start) =>
        [start.incarnation, this.#speak(start, sequence)] as const
      );
      for (const [incarnation, message] of heard) this.#say(incarnation, message);
      this.#run(intervalMs / 2);
    }
    const { sequence } = this.#own();
    for (const start of starts) {
      this.#say(start.incarnation, firstPartOfPlan(start));
      const request = { to: self, id: 1, echo: sequence, text: `{"command":"status"}` };
      this.#say(start.incarnation, encodeForwardRequest(request));
    }
    this.#run(4 * detectionMs);
  }

  /** What a start says, as this node would. */
  #speak({ name }: { name: string }, sequence: number): Uint8Array {
    const own = this.#own();
    const peers = [{ incarnation: self, sequence: own.sequence, heardOn: 1 }];
    const serves = { state: "ready", leaseHeld: true, forfeited: false } as const;
    return encodeHeartbeat({ ...own, ...serves, name, sequence, peers });
  }

  #own() {
    const own = decodeHeartbeat(this.#heartbeat);
    assert(!("refusal" in own));
    return own;
  }

  #say(incarnation: string, message: Uint8Array): void {
    this.#input({ kind: "message", incarnation, interfaceIndex: 0, message });
  }

  #run(durationMs: number): void {
    const end = this.#now + durationMs;
    while (this.#core.deadline <= end) {
      this.#now = Math.max(this.#now, this.#core.deadline);
      this.#input({ kind: "tick" });
    }
    this.#now = end;
  }

  #input(input: Input): void {
    for (const effect of this.#core.step(input, this.#now)) this.#carryOut(effect);
  }

  #carryOut(effect: Effect): void {
    if (effect.kind === "send" && effect.message[0] === heartbeatType) {
      this.#heartbeat = effect.message;
    } else if (effect.kind === "execute") {
      const { incarnation, id } = effect;
      this.#input({ kind: "executed", incarnation, id, answer: `{"ok":true}` });
      this.served++;
    } else if (effect.kind === "event") {
      if (effect.event.name === "peer-heard") this.met++;
      if (effect.event.name === "peer-dead") this.dead++;
    }
  }
}

/** A plan that is never whole. */
function firstPartOfPlan(planner: { name: string; incarnation: string }): Uint8Array {
  const ranks = Array.from({ length: bucketCount }, () => Array(6).fill(0));
  const members = [planner];
  const parts = encodePlanParts(
    sealPlan({ epoch: 1e6, planner: planner.name, group: 2, members, ranks }),
  );
  assertGreater(parts.length, 1);
  return parts[0];
}
