/** `avail demo`: a whole cluster on this machine, broken on purpose while connections go on. */
import { buildCommand } from "@stricli/core";
import { readDuration } from "../lib/config_values.ts";
import { exitCodes } from "../lib/errors.ts";
import { intervalMsMax, intervalMsMin, multiplierMax, multiplierMin } from "../lib/limits.ts";
import type { Context } from "./context.ts";

interface Flags {
  readonly replication: boolean;
  readonly keep: boolean;
  readonly remove?: string;
  readonly interval: number;
  readonly multiplier: number;
  readonly connections: number;
  readonly nodes: number;
  readonly fast: boolean;
  readonly json: boolean;
  readonly traffic?: string;
}

export const demoCommand = buildCommand<Flags, [], Context>({
  docs: {
    brief: "Build a cluster on this machine, break it, and watch no connection die",
    fullDescription:
      "Builds clients, a cluster of nodes as one router, and servers in network namespaces of\n" +
      "this machine, opens TCP connections through it, and takes nodes away: power loss, a daemon\n" +
      "that hangs, a drain. Ends with a table of what the connections felt; exit code 1 if one was\n" +
      "lost. Nothing outside its namespaces is touched, and all of it is removed at the end.",
  },
  parameters: {
    flags: {
      replication: {
        kind: "boolean",
        default: true,
        brief: "Replicate flows; without, connections die: the negative control",
      },
      keep: { kind: "boolean", default: false, brief: "Leave the lab up, and say how to use it" },
      remove: {
        kind: "parsed",
        parse: String,
        optional: true,
        brief: "Take away a lab that was left up",
        placeholder: "ID",
      },
      interval: {
        kind: "parsed",
        parse: readInterval,
        default: "100ms",
        brief: "Time between heartbeats",
        placeholder: "TIME",
      },
      multiplier: {
        kind: "parsed",
        parse: wholeNumber("a multiplier", multiplierMin, multiplierMax),
        default: "3",
        brief: "Heartbeats that may be missed",
        placeholder: "N",
      },
      connections: {
        kind: "parsed",
        parse: wholeNumber("a number of connections", 1, 2000),
        default: "200",
        brief: "TCP connections through the cluster",
        placeholder: "N",
      },
      nodes: {
        kind: "parsed",
        parse: wholeNumber("a number of nodes", 3, 9),
        default: "3",
        brief: "Nodes of the cluster",
        placeholder: "N",
      },
      fast: { kind: "boolean", default: false, brief: "Shorter pauses between the steps" },
      json: { kind: "boolean", default: false, brief: "Print the result as JSON" },
      traffic: {
        kind: "parsed",
        parse: String,
        optional: true,
        hidden: true,
        brief: "Be one end of a lab's traffic (the demo starts this itself)",
        placeholder: "ROLE",
      },
    },
  },
  async func({ remove, traffic, interval, ...rest }) {
    if (traffic !== undefined) {
      const { runTraffic } = await import("./demo/traffic_process.ts");
      return await runTraffic(traffic);
    }
    const { removeDemo, runDemo } = await import("./demo/run_demo.ts");
    if (remove !== undefined) return await removeDemo(remove);
    const { unicode } = this.style;
    await runDemo({ ...rest, intervalMs: interval, unicode });
    this.process.exitCode = exitCodes.ok;
  },
});

function readInterval(text: string): number {
  const ms = readDuration(text);
  if (ms === null || ms < intervalMsMin || ms > intervalMsMax) {
    throw new Error(`write ${intervalMsMin}ms to ${intervalMsMax / 1000}s`);
  }
  return ms;
}

function wholeNumber(what: string, min: number, max: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,6}$/.test(text) ? Number(text) : NaN;
    if (!(value >= min && value <= max)) {
      throw new Error(`${what} is a whole number from ${min} to ${max}`);
    }
    return value;
  };
}
