/** The questions of `avail init` at a terminal: what the flags did not say, with proposals. */
import { AvailError } from "../../lib/errors.ts";
import { isName, readAddressPrefix } from "../../lib/config_values.ts";
import { parseAddress } from "../../lib/wire/address.ts";
import { draftOf, type DraftSource, type SetupWords } from "../../lib/setup/draft.ts";
import {
  type InterfaceFacts,
  isUsable,
  prefixText,
  routableAddresses,
} from "../../lib/setup/facts.ts";
import type { LinkWords, ShareWords } from "../../lib/setup/flag_words.ts";
import { propose } from "../../lib/setup/propose.ts";
import type { Context } from "../context.ts";
import { Questions } from "./ask.ts";
import { interfaceTable } from "./screens.ts";

/** The words, completed; throws `AvailError` where the user would rather not. */
export function askForInit(
  context: Context,
  words: SetupWords,
  facts: readonly InterfaceFacts[],
  source: DraftSource & { readonly start: boolean },
): SetupWords {
  const questions = new Questions(context);
  const proposal = propose(facts);
  questions.say("\n The interfaces of this machine:\n");
  questions.say(interfaceTable(facts, context.style).join("\n"));
  questions.say("\n Enter takes what stands in brackets; Ctrl-C ends, and nothing is changed.\n");
  const cluster = words.cluster ?? questions.ask("Name of the cluster", "edge", name);
  const byDefault = source.hostName.split(".")[0];
  const node = words.node ??
    questions.ask("Name of this node", isName(byDefault) ? byDefault : "fw1", name);
  const shares = words.shares.length > 0
    ? words.shares
    : askForShares(questions, facts, proposal.shares);
  const links = words.links.length > 0
    ? words.links
    : askForLinks(questions, facts, proposal.links, shares);
  const complete: SetupWords = { ...words, cluster, node, shares, links };
  questions.say(`\n The same without questions:\n\n${commandOf(complete)}\n`);
  const { faults } = draftOf(complete, source);
  if (faults.length > 0) return complete; // They are told instead.
  const what = source.start ? "Write the configuration, and start the node?" : "Write it?";
  if (!questions.confirm(what)) {
    throw new AvailError("init: nothing was changed");
  }
  return complete;
}

function name(answer: string): string {
  if (isName(answer)) return answer;
  throw new Error("a name has letters, digits and inner hyphens");
}

function askForShares(
  questions: Questions,
  facts: readonly InterfaceFacts[],
  proposed: readonly string[],
): ShareWords[] {
  questions.say();
  const names = questions.ask(
    "Interfaces with shared addresses",
    proposed.join(" "),
    (answer) => interfaces(answer, facts, 1),
  );
  const key = names.length === 1
    ? questions.ask("Do these nodes route, or serve on that address (route/serve)", "serve", role)
    : questions.ask(
      "Do these nodes route, or serve on these addresses (route/serve)",
      "route",
      role,
    );
  const holders = new Map<string, string>();
  return names.map((each) => {
    const facing = facts.find(({ name }) => name === each)!;
    const own = routableAddresses(facing).map(prefixText).join(", ") || "none";
    const addresses = questions.ask(
      `Shared addresses of ${each} (its own: ${own})`,
      "",
      (answer) => sharedAddresses(answer, facing, holders),
    );
    for (const address of addresses) holders.set(addressOf(address), each);
    return { interface: each, addresses, key, nat: false };
  });
}

function askForLinks(
  questions: Questions,
  facts: readonly InterfaceFacts[],
  proposed: readonly string[],
  shares: readonly ShareWords[],
): LinkWords[] {
  const free = proposed.filter((each) => shares.every((share) => share.interface !== each));
  const names = questions.ask(
    "Interfaces for heartbeats and replication alone (or none)",
    free.join(" ") || "none",
    (answer) => {
      const names = answer === "none" ? [] : interfaces(answer, facts, 0);
      const bare = facts.find((each) =>
        names.includes(each.name) && routableAddresses(each).length === 0
      );
      if (bare === undefined) return names;
      throw new Error(
        `${bare.name} has no address; give it one first: ip address add ADDRESS/LENGTH dev ${bare.name}`,
      );
    },
  );
  return names.map((each) => ({ interface: each }));
}

function role(answer: string): "pair" | "source" {
  if (/^r(oute)?$/i.test(answer)) return "pair";
  if (/^s(erve)?$/i.test(answer)) return "source";
  throw new Error("answer route or serve");
}

function interfaces(answer: string, facts: readonly InterfaceFacts[], min: number): string[] {
  const names = [...new Set(answer.split(/[\s,]+/).filter((word) => word !== ""))];
  const known = facts.filter(isUsable).map((each) => each.name);
  const strange = names.find((each) => !known.includes(each));
  if (strange !== undefined) {
    throw new Error(`${strange} is none of them; there are ${known.join(", ")}`);
  }
  if (names.length < min) throw new Error(`name ${min === 1 ? "one" : min} at least`);
  return names;
}

const addressOf = (word: string) => word.split("/")[0];

/**
 * With the prefix length of the interface's own network, where none is written. `holders`: who shares
 * what, of the interfaces before.
 */
function sharedAddresses(
  answer: string,
  facing: InterfaceFacts,
  holders: ReadonlyMap<string, string>,
): string[] {
  const words = answer.split(/[\s,]+/).filter((word) => word !== "");
  if (words.length === 0) {
    throw new Error("write an address that all nodes shall have, such as 192.0.2.1/24");
  }
  return words.map((word) => {
    const bare = parseAddress(word);
    if (bare === null && readAddressPrefix(word) === null) {
      throw new Error(`${word} is no address with prefix length, such as 192.0.2.1/24`);
    }
    const address = addressOf(word);
    if (facing.addresses.some((own) => own.address === address)) {
      throw new Error(`${address} is this node's own address now; nodes share another one`);
    }
    const holder = holders.get(address);
    if (holder !== undefined) throw new Error(`${address} is shared on ${holder} already`);
    if (bare === null) return word;
    const like = routableAddresses(facing).find(({ family }) => family === bare.family);
    return `${word}/${like?.prefixLength ?? (bare.family === 4 ? 24 : 64)}`;
  });
}

/** The command line that says the same. */
export function commandOf(words: SetupWords): string {
  const parts = ["avail init"];
  for (
    const key of [
      "cluster",
      "node",
      "partition",
      "nodes",
      "interval",
      "backups",
      "backend",
    ] as const
  ) {
    const value = words[key];
    if (value !== undefined) parts.push(`--${key} ${value}`);
  }
  for (const share of words.shares) {
    const options = [
      ...share.addresses,
      ...(share.key === undefined ? [] : [`key=${share.key}`]),
      ...(share.side === undefined ? [] : [`side=${share.side}`]),
      ...(share.nat ? ["nat"] : []),
      ...(share.mac === undefined ? [] : [`mac=${share.mac}`]),
    ];
    parts.push(`--share ${share.interface}=${options.join(",")}`);
  }
  for (const link of words.links) {
    parts.push(`--link ${link.interface}${link.address === undefined ? "" : `=${link.address}`}`);
  }
  for (const { table, key, value } of words.settings) parts.push(`--set ${table}.${key}=${value}`);
  return parts.join(" ");
}
