/** Rulesets as `nft -j list ruleset` prints them, from a few words for each rule. */

type Expression = Readonly<Record<string, unknown>>;

export interface ChainWords {
  readonly family?: string;
  readonly table?: string;
  readonly name?: string;
  /** Left out: a chain that is jumped to. */
  readonly hook?: string;
  readonly type?: string;
  readonly policy?: string;
  readonly dev?: string | readonly string[];
  readonly rules: readonly (readonly Expression[])[];
}

export const accept = { accept: null };
export const drop = { drop: null };
export const counter = { counter: { packets: 3, bytes: 180 } };

export function match(left: unknown, right: unknown, op = "=="): Expression {
  return { match: { op, left, right } };
}

export const meta = (key: string) => ({ meta: { key } });
export const ct = (key: string) => ({ ct: { key } });
export const payload = (protocol: string, field: string) => ({ payload: { protocol, field } });
export const dport = (right: unknown, op = "==") => match(payload("tcp", "dport"), right, op);
export const jump = (target: string) => ({ jump: { target } });

/** The text of a ruleset of these chains, and of other objects (sets, flow tables). */
export function nftText(
  chains: readonly ChainWords[],
  others: readonly Expression[] = [],
): string {
  const items: Expression[] = [{ metainfo: { version: "1.0.6", json_schema_version: 1 } }];
  chains.forEach((chain, i) => {
    const { family = "inet", table = "filter", name = chain.hook ?? `c${i}`, rules } = chain;
    const { hook, type = "filter", policy = "accept", dev } = chain;
    const base = hook === undefined ? {} : { type, hook, prio: 0, policy };
    items.push({ chain: { family, table, name, ...base, ...(dev === undefined ? {} : { dev }) } });
    rules.forEach((expr, n) => {
      items.push({ rule: { family, table, chain: name, handle: 10 * i + n + 1, expr } });
    });
  });
  return JSON.stringify({ nftables: [...items, ...others] });
}
