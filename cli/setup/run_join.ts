/**
 * What `avail join` does, in its order: ask what the cluster is like, find this machine's place in it,
 * judge everything, and only then ask for the keys, write, and start.
 */
import type { Config } from "../../lib/config.ts";
import { readConfig } from "../../lib/config_file.ts";
import { isName } from "../../lib/config_values.ts";
import { AvailError, ConfigError, exitCodes, type Fault } from "../../lib/errors.ts";
import { folderOf } from "../../lib/folder_of.ts";
import { examineFit } from "../../lib/host/fit.ts";
import { readInterfaceFacts } from "../../lib/host/interface_facts.ts";
import { JoinClient } from "../../lib/host/join_client.ts";
import { checkFolders, lookForFiles, together, writeNodeFiles } from "../../lib/host/set_up.ts";
import type { Template } from "../../lib/joining/content.ts";
import { ownProtocol } from "../../lib/joining/template.ts";
import { type JoinToken, parseToken, TokenError } from "../../lib/joining/token.ts";
import { joinedDraft, slotsOf } from "../../lib/setup/joined_config.ts";
import {
  type Match,
  matchInterfaces,
  type Slot,
  slotText,
} from "../../lib/setup/match_interfaces.ts";
import { version } from "../../lib/version.ts";
import { describeVersions, understandEachOther } from "../../lib/wire/protocol_version.ts";
import type { Context } from "../context.ts";
import type { JoinFlags } from "../join.ts";
import { Progress } from "../progress.ts";
import { jsonLine } from "../render.ts";
import { canAsk, Questions } from "./ask.ts";
import { askForInterfaces } from "./join_questions.ts";
import { joinScreen } from "./join_screen.ts";
import { fileText, requireRoom, requireRoot } from "./run_init.ts";
import { startNode } from "./start.ts";
import { readTokenWords } from "./token_words.ts";

/** Clocks that differ by more make logs hard to read side by side. */
const clockDifferenceMsMax = 5000;

export async function runJoin(
  context: Context,
  flags: JoinFlags,
  words: readonly string[],
): Promise<void> {
  const token = tokenOf(await readTokenWords(context, words, flags.tokenFile));
  if (!flags.dryRun) {
    await requireRoom("join", flags.config, flags.force ?? false);
    await requireKeyRoom(flags);
    requireRoot("join", flags.start);
  }
  const client = new JoinClient(token);
  const template = await watched(context, token, () => client.template());
  requireUnderstanding(template);
  const theirs = templateConfig(template);
  const name = nodeName(flags.node, template);
  const slots = slotsOf(theirs, template);
  const matches = findInterfaces(context, flags, slots, template);
  const { config, warnings } = await judge(flags, theirs, name, slots, matches, template);
  const text = fileText(config, `made by \`avail join\` from ${template.issuer}'s`);
  if (flags.dryRun) return context.process.stdout.write(text);
  const { keyFile } = config.cluster;
  await checkFolders([config.file, keyFile]);
  let written: string[] = [];
  const claimant = crypto.getRandomValues(new Uint8Array(16)).toHex();
  await client.join({ name, version, protocol: ownProtocol, claimant }, async (keys) => {
    const force = flags.force ?? false;
    written = await writeNodeFiles({ file: config.file, text, keyFile, keys, force });
  });
  const start = await startNode(context, {
    config,
    start: flags.start,
    bucketsMin: 1,
    hasOthers: true,
  });
  const told = { config, issuer: template.issuer, slots, matches, written, start, warnings };
  if (!flags.json) return context.process.stdout.write(joinScreen(told, context.style));
  context.process.stdout.write(jsonLine({
    schema: 1,
    cluster: config.cluster.name,
    node: name,
    issuer: template.issuer,
    config: config.file,
    keyFile,
    written,
    interfaces: slots.map((slot, i) => ({
      kind: slot.kind,
      number: slot.number,
      there: slot.interface,
      here: matches[i]?.interface ?? null,
      by: matches[i]?.by ?? "flag",
    })),
    started: start.kind === "ready",
    ...(start.kind === "ready" ? { buckets: start.buckets } : { startBy: start.command }),
    warnings: warnings.map(({ file, where, problem, remedy }) => ({
      file,
      where,
      problem,
      remedy,
    })),
  }));
}

function tokenOf(text: string): JoinToken {
  try {
    return parseToken(text);
  } catch (error) {
    if (!(error instanceof TokenError)) throw error;
    throw new AvailError(`join: the token: ${error.message}`, { exitCode: exitCodes.usage });
  }
}

/** With a line that says who is asked. */
async function watched<T>(
  context: Context,
  { issuer, cluster }: JoinToken,
  work: () => Promise<T>,
): Promise<T> {
  using progress = new Progress(context);
  progress.show(`asking ${issuer} of cluster ${cluster}`);
  return await work();
}

async function requireKeyRoom({ config, force }: JoinFlags): Promise<void> {
  const keyFile = `${folderOf(config)}/cluster.key`;
  const { key } = await lookForFiles("", keyFile);
  if (!key || force) return;
  throw new AvailError(
    `join: ${keyFile} is there already, and may be another cluster's; replace it with --force, ` +
      "which keeps it as cluster.key.old",
  );
}

function requireUnderstanding({ protocol, version: theirs, issuer }: Template): void {
  if (understandEachOther(protocol, ownProtocol)) return;
  throw new AvailError(
    `join: ${issuer} runs avail ${theirs} (protocol ${describeVersions(protocol)}), this machine ` +
      `${version} (${describeVersions(ownProtocol)}); install the same version on both`,
  );
}

function templateConfig({ config, issuer, version: theirs }: Template): Config {
  try {
    return readConfig(config, { file: `${issuer}'s configuration`, hostName: issuer }).config;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new AvailError(
      `join: this avail ${version} does not understand the configuration of ${issuer} ` +
        `(avail ${theirs}): ${error.message}; install the same version on both`,
      { cause: error },
    );
  }
}

/** This node's name, which nobody else has. */
function nodeName(wished: string | undefined, { members, issuer }: Template): string {
  const name = wished ?? Deno.hostname().split(".")[0];
  if (!isName(name)) {
    const problem = wished === undefined ? `the host name "${name}"` : `"${name}"`;
    throw new AvailError(
      `join: ${problem} cannot be a node's name; write letters, digits and inner hyphens: --node fw2`,
      { exitCode: exitCodes.usage },
    );
  }
  const taken = [...new Set([issuer, ...members])];
  if (taken.every((other) => other.toLowerCase() !== name.toLowerCase())) return name;
  throw new AvailError(
    `join: a node of the cluster is called ${name} already (there are ${taken.join(", ")}); ` +
      "give this one another name: --node NAME",
  );
}

/** Where each share and link is on this machine; throws `AvailError` with all that is open. */
function findInterfaces(
  context: Context,
  flags: JoinFlags,
  slots: readonly Slot[],
  { issuer }: Template,
): readonly Match[] {
  const facts = readInterfaceFacts();
  const { matches, open, faults } = matchInterfaces(slots, facts, flags.interface ?? []);
  if (faults.length > 0) {
    const text = faults.map((fault) => `--interface: ${fault}`).join("\navail: ");
    throw new AvailError(text, { exitCode: exitCodes.usage });
  }
  if (open.length === 0) return matches.map((match) => match ?? null);
  if (canAsk() && !flags.json) {
    return askForInterfaces(
      new Questions(context),
      { slots, matches, open, facts, issuer },
      { style: context.style, start: flags.start },
    );
  }
  const lines = open.map(({ slot, why, candidates }) => {
    const found = why === "ambiguous"
      ? `could be ${candidates.join(" or ")}, which have addresses in its network`
      : candidates.length === 0
      ? "no interface of this machine is left for it"
      : `no interface here has an address in its network, nor its name; there are ${
        candidates.join(", ")
      }`;
    const example = `--interface ${slot.interface}=${candidates[0] ?? "NAME"}`;
    const without = slot.kind === "link"
      ? `, or do without: --interface ${slot.interface}=none`
      : "";
    return `join: ${slotText(slot)} of ${issuer}: ${found}; say which: ${example}${without}`;
  });
  throw new AvailError(lines.join("\navail: "), { exitCode: exitCodes.usage });
}

/** The configuration, when nothing is wrong with it on this machine; throws `ConfigError`. */
async function judge(
  flags: JoinFlags,
  theirs: Config,
  name: string,
  slots: readonly Slot[],
  matches: readonly Match[],
  template: Template,
): Promise<{ readonly config: Config; readonly warnings: readonly Fault[] }> {
  const draft = joinedDraft(theirs, {
    file: flags.config,
    keyFile: `${folderOf(flags.config)}/cluster.key`,
    name,
    interfaces: matches.map((match) => match?.interface ?? null),
    slots,
    facts: readInterfaceFacts(),
    settings: flags.set ?? [],
  });
  const fit = await examineFit(draft.config, "this machine");
  const placed = (fault: Fault) => draft.placed(fault);
  const faults = together(draft.faults, fit.faults.map(placed));
  if (faults.length > 0) throw new ConfigError(faults);
  const warnings = together(draft.warnings, fit.warnings.map(placed));
  return { config: draft.config, warnings: [...warnings, ...clusterWarnings(theirs, template)] };
}

function clusterWarnings({ cluster }: Config, template: Template): Fault[] {
  const { issuer, members, now } = template;
  const warnings: Fault[] = [];
  const warn = (file: string, problem: string, remedy: string) =>
    warnings.push({ file, line: 0, where: "", problem, remedy });
  const differenceMs = Date.now() - now;
  if (Math.abs(differenceMs) > clockDifferenceMsMax) {
    const seconds = Math.round(Math.abs(differenceMs) / 1000);
    const how = differenceMs > 0 ? "ahead of" : "behind";
    warn(
      "clock",
      `it is ${seconds} s ${how} ${issuer}'s`,
      "the cluster does not mind, logs do: use NTP",
    );
  }
  const nodes = new Set([issuer, ...members]).size + 1;
  if (cluster.nodes !== null && nodes > cluster.nodes) {
    warn(
      "cluster.nodes",
      `it is ${cluster.nodes}, and this is node ${nodes}`,
      `set nodes = ${nodes} on all nodes, or a majority is counted wrong`,
    );
  }
  return warnings;
}
