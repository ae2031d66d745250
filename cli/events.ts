/** `avail events`: what has happened at a node of late, and what happens now. */
import { buildCommand } from "@stricli/core";
import type { LogLevel } from "../lib/log.ts";
import { clientFlags, jsonFlag, nodeFlag, type NodeFlags } from "./client.ts";
import type { Context } from "./context.ts";
import { eventLine, sourceChange } from "./event_text.ts";
import { readLevel, readSince } from "./event_inputs.ts";
import { readWhole } from "./inputs.ts";
import { jsonLine } from "./render.ts";

interface Flags extends NodeFlags {
  readonly follow?: boolean;
  readonly since?: Date;
  readonly level?: LogLevel;
  readonly lines?: number;
  readonly json?: boolean;
}

/** So many of the newest, where neither --lines nor --since says otherwise. */
const linesDefault = 50;

export const eventsCommand = buildCommand<Flags, [], Context>({
  docs: {
    brief: "Show what has happened at a node, and follow what happens",
    fullDescription:
      "Shows the newest events of this node, or of --node: deaths, plans, moves, checks, leases.\n" +
      "The daemon keeps the last 1000 since its start; older ones are in the system's log\n" +
      "(journalctl -u avail, or journalctl AVAIL_EVENT=peer-dead).\n" +
      "With --follow it goes on until Ctrl-C, also when the daemon is restarted.",
  },
  parameters: {
    flags: {
      ...clientFlags,
      node: nodeFlag,
      follow: {
        kind: "boolean",
        optional: true,
        withNegated: false,
        brief: "Go on with what happens from now on",
      },
      since: {
        kind: "parsed",
        parse: readSince,
        optional: true,
        brief: "Only from then on: 10m, 2h, 14:30, or 2026-01-31 14:30",
        placeholder: "TIME",
      },
      level: {
        kind: "parsed",
        parse: readLevel,
        optional: true,
        brief: "Only this level and more serious ones: info, warn or error",
        placeholder: "LEVEL",
      },
      lines: {
        kind: "parsed",
        parse: (text: string) => readWhole(text, 1000, "a number of lines"),
        optional: true,
        brief: "Only so many, the newest [50, or all with --since]",
        placeholder: "N",
      },
      json: { ...jsonFlag, brief: "Print one JSON object a line for scripts" },
    },
    aliases: { f: "follow", n: "lines" },
  },
  async func(flags) {
    const { followEvents } = await import("./event_stream.ts");
    const { since, level, follow = false, json } = flags;
    const last = flags.lines ?? (since === undefined ? linesDefault : undefined);
    const write = (text: string) => this.process.stdout.write(text);
    await followEvents(flags, {
      query: {
        ...(since === undefined ? {} : { since: since.toISOString() }),
        ...(level === undefined ? {} : { level }),
        ...(last === undefined ? {} : { last }),
      },
      follow,
      event: (event, { node, run }) => {
        if (json) write(jsonLine({ schema: 1, node, run, ...event }));
        else write(`${eventLine(event, this.style)}\n`);
      },
      change: (change) => {
        if (!json) this.process.stderr.write(`${sourceChange(change, this.style)}\n`);
      },
    });
  },
});
