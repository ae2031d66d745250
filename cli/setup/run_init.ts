/** What `avail init` does, in its order: ask, judge everything, write, start, and tell how to go on. */
import type { Config } from "../../lib/config.ts";
import { readConfig } from "../../lib/config_file.ts";
import { formatConfig } from "../../lib/config_text.ts";
import { assert, AvailError, ConfigError, exitCodes, type Fault } from "../../lib/errors.ts";
import { folderOf } from "../../lib/folder_of.ts";
import { examineFit } from "../../lib/host/fit.ts";
import { readInterfaceFacts } from "../../lib/host/interface_facts.ts";
import {
  checkFolders,
  freshKeys,
  lookForFiles,
  requireUsableKey,
  together,
  writeNodeFiles,
} from "../../lib/host/set_up.ts";
import { draftOf, type DraftSource, type SetupWords } from "../../lib/setup/draft.ts";
import { faultsByFlag } from "../../lib/setup/flag_faults.ts";
import type { Context } from "../context.ts";
import type { InitFlags } from "../init.ts";
import { jsonLine } from "../render.ts";
import { canAsk } from "./ask.ts";
import { askForInit } from "./init_questions.ts";
import { type IssuedToken, issueToken } from "./issue_token.ts";
import { initScreen, interfaceTable } from "./screens.ts";
import { startNode } from "./start.ts";

export async function runInit(context: Context, flags: InitFlags): Promise<void> {
  const source: DraftSource = {
    file: flags.config,
    keyFile: `${folderOf(flags.config)}/cluster.key`,
    hostName: Deno.hostname(),
  };
  if (!flags.dryRun) await requireRoom("init", flags.config, flags.force ?? false);
  const words = completed(context, flags, source);
  const { config, warnings } = await judge(words, source);
  const text = fileText(config, "made by `avail init`");
  if (flags.dryRun) return context.process.stdout.write(text);
  requireRoot("init", flags.start);
  const keys = await keysToWrite(flags, config.cluster.keyFile);
  await checkFolders([flags.config, config.cluster.keyFile]);
  const written = await writeNodeFiles({
    file: flags.config,
    text,
    keyFile: config.cluster.keyFile,
    keys,
    force: flags.force ?? false,
  });
  // A start that fails is told behind what was done before it.
  const start = await startNode(context, {
    config,
    start: flags.start,
    bucketsMin: 256,
    hasOthers: false,
  });
  const token = await tokenOf(config, flags);
  const told = { config, written, start, token, warnings };
  if (flags.json) context.process.stdout.write(jsonLine(initJson(told)));
  else context.process.stdout.write(initScreen(told, context.style));
}

/** What the flags say, and at a terminal what they do not say. */
function completed(context: Context, flags: InitFlags, source: DraftSource): SetupWords {
  const { cluster, node, partition, nodes, interval, backups, backend } = flags;
  const words: SetupWords = {
    ...Object.fromEntries(
      Object.entries({ cluster, node, partition, nodes, interval, backups, backend })
        .filter(([, value]) => value !== undefined),
    ),
    shares: flags.share ?? [],
    links: flags.link ?? [],
    settings: flags.set ?? [],
  };
  const isComplete = cluster !== undefined && words.shares.length > 0;
  if (isComplete) return words;
  if (canAsk() && !flags.json) {
    const { start } = flags;
    return askForInit(context, words, readInterfaceFacts(), { ...source, start });
  }
  if (words.shares.length === 0 && !flags.json) {
    const { style, process } = context;
    process.stderr.write(interfaceTable(readInterfaceFacts(), style).join("\n") + "\n");
  }
  return words;
}

/** The configuration, when nothing is wrong with it, here on this machine; throws `ConfigError`. */
async function judge(words: SetupWords, source: DraftSource) {
  const draft = draftOf(words, source);
  const fit = await examineFit(draft.config, source.file);
  const names = { shares: words.shares, links: words.links };
  const faults = together(draft.faults, faultsByFlag(fit.faults, names).filter(isTold));
  if (faults.length > 0) throw new ConfigError(faults);
  const warnings = together(draft.warnings, faultsByFlag(fit.warnings, names));
  return { config: draft.config, warnings };
}

/** Of what is missing altogether only that is told. */
function isTold({ problem }: Fault): boolean {
  return !problem.startsWith('""');
}

/** The file of a configuration; it reads back to the same. */
export function fileText(config: Config, origin: string): string {
  const heading = [
    `avail on ${config.node.name}, ${origin}. What stands behind a # is as by default.`,
    "`avail config check` looks for faults, `avail reload` has the daemon use what was changed.",
  ];
  const text = formatConfig(config, { comments: true, heading });
  const source = { file: config.file, hostName: config.node.name };
  const again = readConfig(text, source).config;
  assert(
    JSON.stringify(again) === JSON.stringify(config),
    "the file that was written says something else",
  );
  return text;
}

async function keysToWrite(
  { force, newKey }: InitFlags,
  keyFile: string,
): Promise<string | null> {
  if (newKey && !force) {
    throw new AvailError("init: --new-key replaces the cluster's key: it goes with --force", {
      exitCode: exitCodes.usage,
    });
  }
  const { key } = await lookForFiles("", keyFile);
  if (!key || newKey) return freshKeys();
  if (!force) {
    throw new AvailError(
      `init: ${keyFile} is there already, and may be a cluster's; keep it with --force, ` +
        "or replace it with --force --new-key",
    );
  }
  await requireUsableKey(keyFile);
  return null;
}

async function tokenOf(config: Config, { uses, expires }: InitFlags): Promise<IssuedToken | null> {
  return uses === 0 ? null : await issueToken(config, { uses, lifetimeMs: expires });
}

function initJson({ config, written, start, token, warnings }: {
  readonly config: Config;
  readonly written: readonly string[];
  readonly start: Awaited<ReturnType<typeof startNode>>;
  readonly token: IssuedToken | null;
  readonly warnings: readonly Fault[];
}) {
  return {
    schema: 1,
    cluster: config.cluster.name,
    node: config.node.name,
    config: config.file,
    keyFile: config.cluster.keyFile,
    written,
    started: start.kind === "ready",
    ...(start.kind === "ready" ? { buckets: start.buckets } : { startBy: start.command }),
    token: token === null ? null : {
      id: token.id,
      text: token.text,
      command: `avail join ${token.text}`,
      expiresAt: token.expiresAt,
      uses: token.uses,
      problem: token.problem,
    },
    warnings: warnings.map(({ file, where, problem, remedy }) => ({
      file,
      where,
      problem,
      remedy,
    })),
  };
}

/** Refuses before anybody answers questions in vain. */
export async function requireRoom(verb: string, file: string, force: boolean): Promise<void> {
  const { loadSocketPath } = await import("../../lib/host/config_loader.ts");
  const { config } = await lookForFiles(file, "");
  if (!config) return;
  if (!force) {
    throw new AvailError(
      `${verb}: this node is set up already, by ${file}; look at it with \`avail config show\`, ` +
        "or replace it with --force",
    );
  }
  const { controlRequest } = await import("../../lib/host/control_socket.ts");
  const socket = await loadSocketPath(file).catch(() => null);
  if (socket === null) return; // It cannot be read; so nothing runs by it.
  try {
    await controlRequest(socket, { command: "status" });
  } catch (error) {
    if (error instanceof AvailError && error.exitCode === exitCodes.notRunning) return;
    throw error;
  }
  const { findServiceManager } = await import("../../lib/host/service_manager.ts");
  const stop = findServiceManager().commandFor("stop") ?? "end `avail run`";
  throw new AvailError(`${verb}: avail runs here by ${file}; stop it first: ${stop}`);
}

export function requireRoot(verb: string, start: boolean): void {
  if (Deno.uid() === 0 || !start) return;
  throw new AvailError(`${verb}: user ${Deno.uid()} may not start the daemon; run this as root`);
}
