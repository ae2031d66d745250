/**
 * The rules of the old iptables, which nft does not show: what `iptables-legacy-save` prints
 * (iptables-save(8)). Options that are not known here may or may not match.
 */
import { parseAddress } from "../../wire/address.ts";
import {
  all,
  any,
  type Chain,
  inNetwork,
  isInterface,
  not,
  type Packet,
  type Rule,
  type Ruleset,
  type Translation,
  type Truth,
  type Verdict,
} from "./model.ts";

/** Chains of the kernel, and what nft calls their hooks. */
const hooks: Readonly<Record<string, string>> = {
  PREROUTING: "prerouting",
  INPUT: "input",
  FORWARD: "forward",
  OUTPUT: "output",
  POSTROUTING: "postrouting",
};

/** `family`: of iptables, or of ip6tables. */
export function readIptables(text: string, family: 4 | 6): Ruleset {
  const chains: (Chain & { readonly rules: Rule[] })[] = [];
  const inputNames = new Set<string>();
  const word = family === 4 ? "ip" : "ip6";
  let table = "";
  for (const line of text.split("\n")) {
    if (line.startsWith("*")) table = line.slice(1).trim();
    const declared = /^:(\S+) (\S+)/.exec(line);
    if (declared !== null) {
      const [, name, policy] = declared;
      chains.push({
        name: `${word} ${table} ${name}`,
        tool: "iptables",
        family: word,
        base: hooks[name] === undefined || policy === "-" ? null : {
          hook: hooks[name],
          type: table === "nat" ? "nat" : "filter",
          policy: policy === "DROP" ? "drop" : "accept",
          devices: null,
        },
        rules: [],
      });
    }
    if (!line.startsWith("-A ")) continue;
    const words = wordsOf(line);
    const chain = chains.find(({ name }) => name === `${word} ${table} ${words[1]}`);
    chain?.rules.push(
      readRule(words.slice(2), `${family === 4 ? "iptables" : "ip6tables"} ${line}`),
    );
    words.forEach((each, i) => {
      if (each === "-i" && words[i - 1] !== "!") inputNames.add(words[i + 1]);
    });
  }
  return { chains, flowtables: [], inputNames: [...inputNames] };
}

/** Words of a line; double quotes hold comments together. */
function wordsOf(line: string): string[] {
  return [...line.matchAll(/"((?:[^"\\]|\\.)*)"|(\S+)/g)].map(([, quoted, plain]) =>
    quoted ?? plain
  );
}

function readRule(words: readonly string[], place: string): Rule {
  const conditions: ((packet: Packet) => Truth)[] = [];
  let target: Verdict = { kind: "next" };
  let translation: Translation | null = null;
  let skipsTracking = false;
  for (let i = 0; i < words.length; i++) {
    const isNegated = words[i] === "!";
    const option = words[isNegated ? ++i : i];
    // Modules and comments say nothing by themselves.
    if (option === "-m" || option === "--comment") i++;
    else if (option === "-j" || option === "-g") {
      const name = words[++i];
      target = verdictOf(option, name);
      const to = valueOf(words, "--to-source") ?? valueOf(words, "--to-destination");
      translation = translationOf(name, to);
      skipsTracking = name === "NOTRACK" || (name === "CT" && words.includes("--notrack"));
      break; // what follows belongs to the target
    } else {
      const condition = conditionOf(option, words[i + 1]);
      if (takesValue(words[i + 1])) i++;
      conditions.push(isNegated ? (packet) => not(condition(packet)) : condition);
    }
  }
  const matches = (packet: Packet) => all(conditions.map((condition) => condition(packet)));
  return {
    place,
    matches,
    judge: (packet) => {
      const truth = matches(packet);
      if (truth === false || target.kind === "next") return [{ kind: "next" }];
      return truth === null ? [target, { kind: "next" }] : [target];
    },
    translation,
    skipsTracking,
    flowtable: null,
  };
}

function takesValue(word: string | undefined): boolean {
  return word !== undefined && !word.startsWith("-") && word !== "!";
}

function valueOf(words: readonly string[], option: string): string | null {
  const at = words.indexOf(option);
  return at < 0 ? null : words[at + 1] ?? null;
}

function verdictOf(option: string, name: string): Verdict {
  switch (name) {
    case "ACCEPT":
      return { kind: "accept" };
    case "DROP":
    case "REJECT":
      return { kind: "drop" };
    case "RETURN":
      return { kind: "return" };
    case "SNAT":
    case "DNAT":
    case "MASQUERADE":
    case "REDIRECT":
      return { kind: "accept" };
  }
  // A target such as LOG or MARK is no chain, and so a jump that comes back at once (walk.ts).
  return { kind: option === "-g" ? "goto" : "jump", chain: name };
}

function translationOf(name: string, to: string | null): Translation | null {
  const address = to === null
    ? null
    : /^\[?([0-9a-fA-F.:]+?)\]?(:\d.*|-.*)?$/.exec(to)?.[1] ?? null;
  switch (name) {
    case "SNAT":
      return { kind: "snat", to: address };
    case "MASQUERADE":
      return { kind: "masquerade", to: null };
    case "DNAT":
    case "NETMAP":
      return { kind: "dnat", to: address };
    case "REDIRECT":
      return { kind: "redirect", to: null };
    default:
      return null;
  }
}

function conditionOf(option: string, value: string | undefined): (packet: Packet) => Truth {
  switch (option) {
    case "-i":
      return (packet) => isInterface(packet.input, value ?? "");
    case "-o":
      return (packet) => isInterface(packet.output, value ?? "");
    case "-s":
      return (packet) => isAddress(packet, "source", value);
    case "-d":
      return (packet) => isAddress(packet, "destination", value);
    case "-p":
      return ({ protocol }) => protocol === null ? null : protocol === value;
    case "--dport":
    case "--dports":
    case "--sport":
    case "--sports":
      return (packet) => isPort(packet, option.startsWith("--d"), value);
    case "--ctstate":
    case "--state":
      return ({ state }) => state === null ? null : (value ?? "").split(",").includes("NEW");
    case "--syn":
      return ({ protocol, state }) => protocol === "tcp" && state === "new" ? true : null;
    default:
      return () => null;
  }
}

function isAddress(packet: Packet, end: "source" | "destination", value = ""): Truth {
  const [text, length] = value.split("/");
  const parsed = parseAddress(text);
  if (parsed === null) return null;
  const prefixLength = length === undefined ? 8 * parsed.bytes.length : Number(length);
  return inNetwork(packet[end], { bytes: parsed.bytes, prefixLength });
}

/** `22`, `1024:65535`, `22,80:90` */
function isPort(packet: Packet, isDestination: boolean, value = ""): Truth {
  const port = isDestination ? packet.destinationPort : packet.sourcePort;
  if (packet.protocol === null || port === null) return null;
  return any(
    value.split(",").map((part) => {
      const [from, to = from] = part.split(":").map(Number);
      return port >= from && port <= to;
    }),
  );
}
