/**
 * The ruleset of nftables: what `nft -j list ruleset` prints (libnftables-json(5)). What it says in ways
 * that are not known here may or may not match.
 */
import {
  all,
  type Chain,
  type Flowtable,
  not,
  type Packet,
  type Rule,
  type Ruleset,
  type Translation,
  type Truth,
  type Verdict,
} from "./model.ts";
import { compare, type Json, type JsonObject, objectOf, type Sets } from "./nft_match.ts";

/** Tables of this name are the daemon's own. */
const ownTable = "avail";

/** null where the text is not of nft. */
export function readNft(text: string): Ruleset | null {
  let root: JsonObject | null;
  try {
    root = objectOf(JSON.parse(text));
  } catch {
    return null;
  }
  if (root === null || !Array.isArray(root.nftables)) return null;
  const items = objects(root.nftables);
  const of = (kind: string) => objects(items.map((item) => item[kind]));
  const dormant = of("table").filter((table) => asList(table.flags).includes("dormant"))
    .map((table) => `${table.family} ${table.name}`);
  const isSeen = (item: JsonObject) =>
    item.table !== ownTable && !dormant.includes(`${item.family} ${item.table}`);

  const sets: Sets = new Map(
    [...of("set"), ...of("map")].map((set) => [
      `${set.family} ${set.table} @${set.name}`,
      asList(set.flags).includes("dynamic") ? null : asList(set.elem),
    ]),
  );
  const rules = of("rule").filter(isSeen);
  return {
    chains: of("chain").filter(isSeen).map((chain) => readChain(chain, rules, sets)),
    flowtables: of("flowtable").filter(isSeen).map(readFlowtable),
    inputNames: [...new Set(rules.flatMap((rule) => inputNames(rule, sets)))],
  };
}

function readChain(chain: JsonObject, rules: readonly JsonObject[], sets: Sets): Chain {
  const { family, table, name, hook, type, policy } = chain;
  const devices = asList(chain.dev).filter((each) => typeof each === "string");
  return {
    name: `${family} ${table} ${name}`,
    tool: "nft",
    family: `${family}`,
    base: typeof hook !== "string" ? null : {
      hook,
      type: `${type}`,
      policy: policy === "drop" ? "drop" : "accept",
      devices: devices.length > 0 ? devices : null,
    },
    rules: rules.filter((rule) =>
      rule.family === family && rule.table === table && rule.chain === name
    ).map((rule) => readRule(rule, sets)),
  };
}

function readFlowtable(item: JsonObject): Flowtable {
  return {
    name: `${item.family} ${item.table} ${item.name}`,
    devices: asList(item.dev).map(String),
    isHardware: asList(item.flags).includes("offload"),
  };
}

function readRule(rule: JsonObject, sets: Sets): Rule {
  const statements = objects(asList(rule.expr));
  const table = `${rule.family} ${rule.table}`;
  const translations = statements.flatMap((statement) => translationOf(statement) ?? []);
  const flow = objects(statements.map((statement) => statement.flow))[0];
  return {
    place: `rule ${rule.handle} of ${table} ${rule.chain}`,
    judge: (packet) => judge(statements, packet, table, sets),
    matches: (packet) =>
      all(
        statements.flatMap(({ match }) =>
          match === undefined ? [] : [matches(objectOf(match), packet, table, sets)]
        ),
      ),
    translation: translations[0] ?? null,
    skipsTracking: statements.some((statement) => "notrack" in statement),
    flowtable: typeof flow?.flowtable === "string"
      ? `${table} ${flow.flowtable.replace(/^@/, "")}`
      : null,
  };
}

/** The statements in their order; the first that ends the rule decides. */
function judge(
  statements: readonly JsonObject[],
  packet: Packet,
  table: string,
  sets: Sets,
): Verdict[] {
  let isCertain = true;
  const found: Verdict[] = [];
  for (const statement of statements) {
    const [kind, value] = Object.entries(statement)[0] ?? ["", null];
    if (kind === "match") {
      const truth = matches(objectOf(value), packet, table, sets);
      if (truth === false) return [...found, { kind: "next" }];
      isCertain &&= truth === true;
    } else if (kind === "vmap") {
      const mapped = mapVerdicts(objectOf(value), packet, table, sets);
      found.push(...mapped.filter(({ kind }) => kind !== "next"));
      if (mapped.every(({ kind }) => kind !== "next")) {
        return isCertain ? found : [...found, { kind: "next" }];
      }
    } else if (
      kind === "limit" || kind === "quota" || kind === "connlimit" || kind === "ct count"
    ) {
      isCertain = false;
    } else if (kind === "xt") {
      const target = objectOf(value);
      if (target?.type === "match") isCertain = false;
      else if (target?.name === "REJECT") return finish({ kind: "drop" });
    } else {
      const verdict = verdictOf(kind, value);
      if (verdict !== null) return finish(verdict);
      if (kind === "queue") {
        // A program decides.
        return [...found, { kind: "accept" }, { kind: "drop" }, { kind: "next" }];
      }
    }
  }
  return [...found, { kind: "next" }];

  function finish(verdict: Verdict): Verdict[] {
    return isCertain ? [...found, verdict] : [...found, verdict, { kind: "next" }];
  }
}

function matches(
  match: JsonObject | null,
  packet: Packet,
  table: string,
  sets: Sets,
): Truth {
  if (match === null) return null;
  const truth = compare(match.left, match.right, `${match.op}`, packet, table, sets);
  return match.op === "!=" ? not(truth) : truth;
}

/** A verdict map: `ct state vmap { invalid : drop }`. */
function mapVerdicts(
  vmap: JsonObject | null,
  packet: Packet,
  table: string,
  sets: Sets,
): Verdict[] {
  const data = vmap?.data;
  const elements = typeof data === "string"
    ? sets.get(`${table} ${data}`) ?? null
    : asList(objectOf(data)?.set);
  if (vmap === null || elements === null) return [{ kind: "next" }];
  const found: Verdict[] = [];
  for (const element of elements) {
    if (!Array.isArray(element)) continue;
    const [key, value] = element;
    const truth = compare(vmap.key, key, "==", packet, table, sets);
    if (truth === false) continue;
    const [kind, target] = Object.entries(objectOf(value) ?? {})[0] ?? ["", null];
    const verdict = verdictOf(kind, target);
    if (verdict !== null) found.push(verdict);
    if (truth === true) return found;
  }
  return [...found, { kind: "next" }];
}

function verdictOf(kind: string, value: Json | undefined): Verdict | null {
  switch (kind) {
    case "accept":
    case "drop":
    case "return":
      return { kind };
    case "reject":
      return { kind: "drop" };
    case "continue":
      return { kind: "next" };
    case "snat":
    case "dnat":
    case "masquerade":
    case "redirect":
      return { kind: "accept" };
    case "jump":
    case "goto":
      return { kind, chain: `${objectOf(value)?.target}` };
    default:
      return null;
  }
}

const xtTranslations: Readonly<Record<string, Translation["kind"]>> = {
  MASQUERADE: "masquerade",
  SNAT: "snat",
  DNAT: "dnat",
  REDIRECT: "redirect",
  NETMAP: "dnat",
};

function translationOf(statement: JsonObject): Translation | null {
  const [kind, value] = Object.entries(statement)[0] ?? ["", null];
  const inner = objectOf(value);
  if (kind === "xt") {
    const known = xtTranslations[`${inner?.name}`];
    return known === undefined ? null : { kind: known, to: null };
  }
  if (kind !== "snat" && kind !== "dnat" && kind !== "masquerade" && kind !== "redirect") {
    return null;
  }
  const to = inner?.addr;
  return { kind, to: typeof to === "string" ? to : null };
}

/** The names after `iifname` and `iif`, sets included. */
function inputNames(rule: JsonObject, sets: Sets): string[] {
  const found: string[] = [];
  const take = (value: Json | undefined): void => {
    if (typeof value !== "string") {
      for (const each of asList(objectOf(value)?.set)) take(Array.isArray(each) ? each[0] : each);
    } else if (value.startsWith("@")) {
      sets.get(`${rule.family} ${rule.table} ${value}`)?.forEach((each) =>
        take(Array.isArray(each) ? each[0] : each)
      );
    } else found.push(value);
  };
  for (const statement of asList(rule.expr)) {
    const { match, vmap } = objectOf(statement) ?? {};
    const [key, names] = match === undefined
      ? [objectOf(vmap)?.key, objectOf(vmap)?.data]
      : [objectOf(match)?.left, objectOf(match)?.right];
    const meta = objectOf(objectOf(key)?.meta)?.key;
    if (meta === "iifname" || meta === "iif") take(names);
  }
  return found;
}

function objects(values: readonly (Json | undefined)[]): JsonObject[] {
  return values.map(objectOf).filter((each) => each !== null);
}

function asList(value: Json | undefined): readonly Json[] {
  if (value === undefined || value === null) return [];
  return Array.isArray(value) ? value : [value];
}
