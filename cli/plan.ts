/** `avail plan`: what a change would move and what that does to the load, before it is made. */
import { buildCommand } from "@stricli/core";
import type { Planning, Status } from "../lib/control.ts";
import { AvailError, exitCodes } from "../lib/errors.ts";
import type { PlanChange, PlanEffect } from "../lib/ownership/what_if.ts";
import { ask, askNode, askStatus, clientFlags, jsonFlag } from "./client.ts";
import type { Context } from "./context.ts";
import { readNodeName, readWeight } from "./inputs.ts";
import type { PlanReport } from "./plan_screen.ts";
import { counted, jsonLine } from "./render.ts";
import { type WaitFlags, waitFlags, waitUntil } from "./wait.ts";

interface Flags extends WaitFlags {
  readonly without?: string;
  readonly weight?: { readonly node: string; readonly weight: number };
  readonly balance?: boolean;
  readonly apply?: boolean;
  readonly json?: boolean;
}

export const planCommand = buildCommand<Flags, [], Context>({
  docs: {
    brief: "Show what a change would move, and its effect, before it is made",
    fullDescription: "Shows what one change would move, and how that changes each node's load:\n" +
      "a node that is drained, another weight, or buckets with much traffic exchanged for\n" +
      "such with little, so that the load is even. Nothing is done without --apply.",
  },
  parameters: {
    flags: {
      without: {
        kind: "parsed",
        parse: readNodeName,
        optional: true,
        brief: "A node is drained",
        placeholder: "NAME",
      },
      weight: {
        kind: "parsed",
        parse: readNodeWeight,
        optional: true,
        brief: "A node gets another weight",
        placeholder: "NAME=N",
      },
      balance: {
        kind: "boolean",
        optional: true,
        withNegated: false,
        brief: "Make the load even, by exchanging buckets",
      },
      apply: {
        kind: "boolean",
        optional: true,
        withNegated: false,
        brief: "Do it, as avail drain and avail weight would",
      },
      ...clientFlags,
      ...waitFlags,
      json: jsonFlag,
    },
  },
  async func(flags) {
    const change = changeOf(flags);
    const planning = await ask<Planning>(flags, { command: "planning" });
    const { planner, input } = planning;
    if (planner === null) {
      throw new AvailError("plan: no node is ready, so nothing is planned; see `avail status`");
    }
    const { load, unknown } = await clusterLoad(flags, planning);
    const { effectOf } = await import("../lib/ownership/what_if.ts");
    let effect: PlanEffect;
    try {
      effect = effectOf(input, change, load);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      const why = unknown.map(({ node, why }) => `; ${node}: ${why}`).join("");
      throw new AvailError(`plan: ${error.message}${why}`);
    }
    const applied = flags.apply === true;
    if (applied) await apply(this, flags, change, effect, planner);
    const report: PlanReport = { change, effect, unknown, applied, waited: flags.wait };
    if (flags.json) {
      this.process.stdout.write(jsonLine(jsonOf(report)));
      return;
    }
    const { planScreen } = await import("./plan_screen.ts");
    this.process.stdout.write(planScreen(report, this.style));
  },
});

/** `fw1=2` */
function readNodeWeight(text: string): { node: string; weight: number } {
  const [node, weight, ...rest] = text.split("=");
  if (weight === undefined || rest.length > 0) throw new Error("write it as fw1=2");
  return { node: readNodeName(node), weight: readWeight(weight) };
}

function changeOf({ without, weight, balance }: Flags): PlanChange {
  const changes: PlanChange[] = [
    ...(without === undefined ? [] : [{ kind: "without", node: without } as const]),
    ...(weight === undefined ? [] : [{ kind: "weight", ...weight } as const]),
    ...(balance === true ? [{ kind: "balance" } as const] : []),
  ];
  if (changes.length === 1) return changes[0];
  const found = changes.length === 0 ? "no change is named" : `${changes.length} changes at once`;
  throw new AvailError(
    `plan: ${found}; write one of --without NAME, --weight NAME=N, --balance`,
    { exitCode: exitCodes.usage },
  );
}

interface ClusterLoad {
  /** Frames a second by bucket; null where its owner does not tell. */
  readonly load: (number | null)[];
  /** Nodes whose load is not known, and why. */
  readonly unknown: PlanReport["unknown"];
}

/**
 * Each node counts what it takes. What one has counted of a bucket that has moved since still belongs
 * to that bucket.
 */
async function clusterLoad(flags: Flags, { input }: Planning): Promise<ClusterLoad> {
  const own = await askStatus(flags);
  const known = new Map<string, readonly number[]>();
  const unknown: { node: string; why: string }[] = [];
  const take = (node: string, status: Status) => {
    const load = status.datapath.load ?? null;
    if (load === null) unknown.push({ node, why: `${status.datapath.backend} does not count it` });
    else known.set(node, load.packetsPerSecond);
  };
  take(own.node, own);
  const others = own.members.filter(({ name, alive }) => alive && name !== own.node);
  await Promise.all(others.map(async ({ name: node }) => {
    try {
      take(node, await askNode<Status>({ ...flags, node }, { command: "status" }));
    } catch (error) {
      if (!(error instanceof AvailError)) throw error;
      unknown.push({ node, why: error.message });
    }
  }));
  const load = input.owners.map((owner, bucket) => {
    const name = input.candidates[owner]?.name;
    if (name !== undefined && !known.has(name)) return null;
    return known.values().reduce((sum, rates) => sum + rates[bucket], 0);
  });
  return { load, unknown: unknown.sort((a, b) => a.node < b.node ? -1 : 1) };
}

/** Does what was shown, and waits until it is so. */
async function apply(
  context: Context,
  flags: Flags,
  change: PlanChange,
  effect: PlanEffect,
  planner: string,
): Promise<void> {
  switch (change.kind) {
    case "without":
      await askNode({ ...flags, node: change.node }, { command: "drain" });
      break;
    case "weight": {
      const { node, weight } = change;
      await askNode({ ...flags, node }, { command: "weight", weight });
      break;
    }
    case "balance": {
      if (effect.moves.length === 0) return;
      const moves = Object.groupBy(effect.moves, ({ to }) => to);
      const owners = Object.fromEntries(
        Object.entries(moves).map(([to, all]) => [to, all!.map(({ bucket }) => bucket)]),
      );
      await askNode({ ...flags, node: planner }, { command: "balance", owners });
    }
  }
  await waitUntil(context, flags, ({ owners }) => {
    const missing = effect.owners.filter((owner, bucket) => owners[bucket] !== owner).length;
    return missing === 0 ? null : `${counted(missing, "bucket")} not yet where they belong`;
  });
}

function jsonOf({ change, effect, unknown, applied }: PlanReport) {
  const { nodes, moves, copies, withoutBackup, busiest, busiestThen } = effect;
  return {
    ...{ schema: 1, change, applied, nodes, moves, copies, withoutBackup, busiest, busiestThen },
    unknown,
  };
}
