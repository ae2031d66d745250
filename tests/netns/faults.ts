/**
 * What can befall a node or the wires between nodes of a lab, each as a pair: it happens, and it is
 * mended. Filters sit in the switch, at or between ports: the nodes' own kernels are left alone.
 */
import type { Lab } from "../../cli/demo/lab.ts";
import { type NodeInterface, nodeInterfaces } from "../../cli/demo/topology.ts";

export interface Fault {
  /** To complete "fw2: …". */
  readonly name: string;
  /**
   * The node hears none of the others, so it serves beside them (`partition = "serve"`), until it hears
   * them again: up to an interval after the fault is mended.
   */
  readonly isolates?: true;
  happen(lab: Lab, node: string): Promise<void>;
  mend(lab: Lab, node: string): Promise<void>;
}

/** SIGSTOP and SIGCONT. */
export const hang: Fault = {
  name: "it hangs",
  happen: (lab, node) => Promise.resolve(lab.node(node).pause()),
  mend: (lab, node) => Promise.resolve(lab.node(node).resume()),
};

/** Its data path works on, so only its own lease keeps two from answering. */
export const mute: Fault = {
  name: "its heartbeats do not get out",
  happen: (lab, node) => filter(lab, node, "ingress", nodeInterfaces, heartbeats),
  mend: (lab, node) => unfilter(lab, node),
};

/** It sends all the same, but receives nothing, clients' frames no more than heartbeats. */
export const deaf: Fault = {
  isolates: true,
  name: "it hears nothing",
  happen: (lab, node) => filter(lab, node, "egress", nodeInterfaces, "drop"),
  mend: (lab, node) => unfilter(lab, node),
};

/** Heartbeats get out on one interface alone. */
export const nearlyMute: Fault = {
  name: "its heartbeats get out only on sync",
  happen: (lab, node) => filter(lab, node, "ingress", ["inside", "outside"], heartbeats),
  mend: (lab, node) => unfilter(lab, node),
};

export function unplugged(on: NodeInterface): Fault {
  return {
    name: `no carrier on ${on}`,
    happen: (lab, node) => lab.node(node).unplug(on),
    mend: (lab, node) => lab.node(node).plug(on),
  };
}

/** The daemon is gone and comes back; its data path stays until the lease ends. */
export const crash: Fault = {
  name: "the daemon is killed",
  happen: (lab, node) => lab.node(node).kill(),
  mend: (lab, node) => lab.node(node).start(),
};

export const powerLoss: Fault = {
  name: "power loss",
  happen: (lab, node) => lab.node(node).powerOff(),
  mend: async (lab, node) => {
    await lab.node(node).powerOn();
    await lab.node(node).start();
  },
};

export const drained: Fault = {
  name: "it is drained",
  happen: (lab, node) => lab.node(node).drain(),
  mend: (lab, node) => lab.node(node).undrain(),
};

/** Streams of replication and hand-overs stand still, heartbeats do not. */
export const streamsCut: Fault = {
  name: "its streams are cut",
  happen: (lab, node) =>
    cut(
      lab,
      "streams",
      ["iifname", "oifname"].flatMap((side) =>
        ["sport", "dport"].map((port) => `${side} "${node}-*" tcp ${port} 9478 drop`)
      ),
    ),
  mend: (lab) => uncut(lab, "streams"),
};

/** The next node does not hear it; the third one does, and it hears both. */
export const unheardByOne: Fault = {
  name: "one of the others does not hear it",
  happen: (lab, node) => {
    const names = lab.nodes.map(({ name }) => name);
    const next = names[(names.indexOf(node) + 1) % names.length];
    return cut(lab, "unheard", [`iifname "${node}-*" oifname "${next}-*" ${heartbeats}`]);
  },
  mend: (lab) => uncut(lab, "unheard"),
};

/** Nothing passes between this node and the other ones; clients and servers reach both halves. */
export const halved: Fault = {
  isolates: true,
  name: "it is cut off from the others",
  happen: (lab, node) => {
    const others = lab.nodes.filter(({ name }) => name !== node)
      .map(({ name }) => name);
    return cut(
      lab,
      "halves",
      others.flatMap((other) => [
        `iifname "${node}-*" oifname "${other}-*" drop`,
        `iifname "${other}-*" oifname "${node}-*" drop`,
      ]),
    );
  },
  mend: (lab) => uncut(lab, "halves"),
};

const heartbeats = "ip daddr 224.0.0.213 udp dport 9478 drop";

/** @param hook `ingress`: what the node sends; `egress`: what it would receive. */
async function filter(
  lab: Lab,
  node: string,
  hook: "ingress" | "egress",
  interfaces: readonly NodeInterface[],
  rule: string,
): Promise<void> {
  const chains = interfaces.map((on) => `
    chain ${on} {
      type filter hook ${hook} device "${node}-${on}" priority 0; policy accept;
      ${rule}
    }`);
  await lab.exec("switch", ["nft", "-f", "-"], `table netdev ${node} {${chains.join("\n")}\n}\n`);
}

async function unfilter(lab: Lab, node: string): Promise<void> {
  await lab.exec("switch", ["nft", "delete", "table", "netdev", node]);
}

/** Rules for what the switch's bridges carry from port to port. */
async function cut(lab: Lab, table: string, rules: readonly string[]): Promise<void> {
  const hook = "type filter hook forward priority 0; policy accept;";
  const lines = [`table bridge ${table} {`, "chain cut {", hook, ...rules, "}", "}", ""];
  await lab.exec("switch", ["nft", "-f", "-"], lines.join("\n"));
}

async function uncut(lab: Lab, table: string): Promise<void> {
  await lab.exec("switch", ["nft", "delete", "table", "bridge", table]);
}
