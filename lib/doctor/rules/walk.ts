/** Sends a packet through the chains of a hook, along all ways that it may take. */
import type { Chain, Packet, Ruleset } from "./model.ts";

/** `perhaps`: it depends on what cannot be known from outside. */
export type Fate = "accepted" | "dropped" | "perhaps";

export interface Walk {
  readonly fate: Fate;
  /** The rule or policy that drops it; null where nothing can. */
  readonly by: { readonly chain: Chain; readonly place: string } | null;
}

/** Where a chain may leave a packet. */
interface Ways {
  accept: boolean;
  /** It comes back from a chain that is no base chain. */
  back: boolean;
  drop: Walk["by"];
}

/** What becomes of the packet at a hook, through all tables that see it there. */
export function walkHook(ruleset: Ruleset, hook: string, packet: Packet): Walk {
  let result: Walk = { fate: "accepted", by: null };
  for (const chain of ruleset.chains) {
    const { base } = chain;
    if (base === null || base.hook !== hook || !seesFamily(chain, packet)) continue;
    const device = hook === "egress" ? packet.output : packet.input;
    const sees = base.devices === null || device === null ? null : base.devices.includes(device);
    if (hook === "ingress" || hook === "egress") {
      if (sees === false) continue;
    }
    const walk = walkBase(new Walker(ruleset, packet), chain);
    const isUncertain = (hook === "ingress" || hook === "egress") && sees === null;
    if (walk.fate === "dropped" && !isUncertain) return walk;
    if (walk.fate !== "accepted" && result.fate === "accepted") {
      result = { fate: "perhaps", by: walk.by };
    }
  }
  return result;
}

function seesFamily({ family }: Chain, packet: Packet): boolean {
  if (family === "inet" || family === "netdev" || packet.family === null) {
    return family !== "arp" && family !== "bridge";
  }
  return family === (packet.family === 4 ? "ip" : "ip6");
}

function walkBase(walker: Walker, chain: Chain): Walk {
  const ways = { ...walker.chain(chain) };
  // A base chain that is left at its end does as its policy says.
  if (ways.back) {
    if (chain.base!.policy === "drop") {
      ways.drop ??= { chain, place: `the policy of ${chain.name}` };
    } else ways.accept = true;
  }
  const fate = ways.drop === null ? "accepted" : ways.accept ? "perhaps" : "dropped";
  return { fate, by: ways.drop };
}

/** One packet on its ways; what a chain does with it is found out once. */
class Walker {
  readonly #ruleset: Ruleset;
  readonly #packet: Packet;
  readonly #known = new Map<Chain, Ways>();

  constructor(ruleset: Ruleset, packet: Packet) {
    this.#ruleset = ruleset;
    this.#packet = packet;
  }

  chain(chain: Chain): Ways {
    const known = this.#known.get(chain);
    if (known !== undefined) return known;
    // A loop of jumps is refused by the kernel; in what is no ruleset, it comes back at once.
    this.#known.set(chain, { accept: false, back: true, drop: null });
    const ways = this.#follow(chain);
    this.#known.set(chain, ways);
    return ways;
  }

  #follow(chain: Chain): Ways {
    const ways: Ways = { accept: false, back: false, drop: null };
    for (const rule of chain.rules) {
      let goesOn = false;
      for (const verdict of rule.judge(this.#packet)) {
        switch (verdict.kind) {
          case "next":
            goesOn = true;
            break;
          case "accept":
            ways.accept = true;
            break;
          case "drop":
            ways.drop ??= { chain, place: rule.place };
            break;
          case "return":
            ways.back = true;
            break;
          case "jump":
          case "goto": {
            const inner = this.#jump(chain, verdict.chain);
            ways.accept ||= inner.accept;
            ways.drop ??= inner.drop;
            if (inner.back && verdict.kind === "jump") goesOn = true;
            else if (inner.back) ways.back = true;
          }
        }
      }
      if (!goesOn) return ways;
    }
    ways.back = true;
    return ways;
  }

  /** A chain that is not there, such as a target of iptables that goes on, comes back at once. */
  #jump(from: Chain, to: string): Ways {
    const table = from.name.slice(0, from.name.lastIndexOf(" "));
    const chain = this.#ruleset.chains.find(({ name }) => name === `${table} ${to}`);
    return chain === undefined ? { accept: false, back: true, drop: null } : this.chain(chain);
  }
}
