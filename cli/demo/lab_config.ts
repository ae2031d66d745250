/** The configuration files of a lab's nodes. */
import type { LabNode } from "./lab_node.ts";
import type { LabOptions } from "./lab.ts";
import { families, nodeAddress, prefixLength, sharedAddress } from "./topology.ts";

/** The text of a node's `avail.toml`. */
export function nodeConfig(
  labId: string,
  node: LabNode,
  keyFile: string,
  options: LabOptions,
): string {
  return `\
[cluster]
name = "lab-${labId}"
key_file = "${keyFile}"
${options.partition === "serve" ? "" : `partition = "majority"\nnodes = ${options.nodes}\n`}
[node]
name = "${node.name}"

[[link]]
interface = "sync"
address = "${nodeAddress("sync", node.number, 4)}"
${(["inside", "outside"] as const).map(shareConfig).join("")}
[detection]
interval = "${options.intervalMs}ms"
multiplier = ${options.multiplier}
${options.damping === null ? "" : `damping = "${options.damping}"\n`}
[replication]
enabled = ${options.replication}

[control]
socket = "${node.socket}"

[metrics]
listen = "off"
${options.extraConfig}`;
}

function shareConfig(side: "inside" | "outside"): string {
  const addresses = families.map((family) =>
    `"${sharedAddress(side, family)}/${prefixLength(family)}"`
  );
  return `
[[share]]
interface = "${side}"
addresses = [${addresses.join(", ")}]
key = "pair"
`;
}
