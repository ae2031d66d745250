/** What goes into a report: what the nodes say, the configuration, and the machine's own words. */
import { examineConfig } from "../lib/config_file.ts";
import type { Config } from "../lib/config.ts";
import type { Status } from "../lib/control.ts";
import { formatFault } from "../lib/errors.ts";
import type { Events } from "../lib/events/event.ts";
import { collect } from "../lib/host/report/collect.ts";
import { machineParts } from "../lib/host/report/machine_parts.ts";
import type { PartSource } from "../lib/host/report/part.ts";
import { secretsOf } from "../lib/host/report/secrets.ts";
import type { Part } from "../lib/report/pack.ts";
import { askNode, type ClientFlags } from "./client.ts";
import { selfCommand } from "./demo/self.ts";
import { statusScreen } from "./status_screen.ts";

export interface Gathered {
  /** This node's name, or the machine's. */
  readonly node: string;
  readonly parts: readonly Part[];
  readonly secrets: readonly Uint8Array[];
}

const defaultConfigFile = "/etc/avail/avail.toml";
const defaultKeyFile = "/etc/avail/cluster.key";
const replicationPort = 9478;

/** Gathers all parts; yields what it is about to do. */
export async function* gatherReport(flags: ClientFlags): AsyncGenerator<string, Gathered> {
  const file = flags.config ?? defaultConfigFile;
  const found = await readConfig(file);
  const config = found?.config;
  const secrets = await secretsOf(config?.cluster.keyFile ?? defaultKeyFile);
  const parts: Part[] = [];
  const sources = [
    ...ownWords(flags),
    ...configuration(file, found?.faults ?? []),
    ...machineParts({
      port: config?.replication.port ?? replicationPort,
      interfaces: config === undefined ? [] : interfacesOf(config),
    }),
  ];
  for (const source of sources) {
    yield `gathering ${source.name}`;
    parts.push(await collect(source));
  }
  yield "asking the other nodes";
  parts.push(...await otherNodes(flags, parts));
  return { node: config?.node.name ?? Deno.hostname(), parts, secrets };
}

interface FoundConfig {
  readonly config: Config;
  readonly faults: readonly string[];
}

/** null: there is none that can be read; the part about it says why. */
async function readConfig(file: string): Promise<FoundConfig | null> {
  try {
    const text = await Deno.readTextFile(file);
    const { config, faults } = examineConfig(text, { file, hostName: Deno.hostname() });
    return { config, faults: faults.map(formatFault) };
  } catch {
    return null;
  }
}

function interfacesOf({ shares, links }: Config): string[] {
  return [...new Set([...shares, ...links].map((each) => each.interface))];
}

/** What this node's daemon and this program say; `ask` and commands in processes of their own. */
function ownWords(flags: ClientFlags): PartSource[] {
  const client = Object.entries({ config: flags.config, socket: flags.socket })
    .flatMap(([name, value]) => value === undefined ? [] : [`--${name}`, value]);
  const own = (name: string, ...words: string[]): PartSource => ({
    name,
    argv: [...selfCommand(), ...words],
  });
  return [
    own("version.json", "version", "--json"),
    {
      name: "status.json",
      text: async () => JSON.stringify(await askNode<Status>(flags, { command: "status" })),
    },
    {
      name: "status.txt",
      text: async () =>
        statusScreen(await askNode<Status>(flags, { command: "status" }), {
          colour: false,
          unicode: true,
        }),
    },
    { name: "events.jsonl", text: () => allEvents(flags) },
    own("keys.txt", "key", "show", ...client),
    own("kmod.json", "kmod", "status", "--json"),
    own("doctor.txt", "doctor", "--all", ...client),
  ];
}

function configuration(file: string, faults: readonly string[]): PartSource[] {
  return [
    { name: "avail.toml", files: [file] },
    ...(faults.length === 0 ? [] : [
      { name: "avail.toml.faults.txt", text: () => Promise.resolve(`${faults.join("\n")}\n`) },
    ]),
  ];
}

/** Status and events of each node that this one hears, as that one tells them. */
async function otherNodes(flags: ClientFlags, parts: readonly Part[]): Promise<Part[]> {
  const own = parts.find(({ name, bytes }) => name === "status.json" && bytes.length > 0);
  if (own === undefined) return [];
  const { node, members }: Status = JSON.parse(new TextDecoder().decode(own.bytes));
  const others = members.filter(({ name, alive }) => alive && name !== node);
  return (await Promise.all(others.map(({ name }) => {
    const of = { ...flags, node: name };
    return Promise.all([
      collect({
        name: `nodes/${name}/status.json`,
        text: async () => JSON.stringify(await askNode<Status>(of, { command: "status" })),
      }),
      collect({ name: `nodes/${name}/events.jsonl`, text: () => allEvents(of) }),
    ]);
  }))).flat();
}

async function allEvents(flags: ClientFlags): Promise<string> {
  let text = "";
  for (let after = 0, run: string | undefined;;) {
    const query = { command: "events", after, ...(run === undefined ? {} : { run }) } as const;
    const answer = await askNode<Events>(flags, query);
    for (const event of answer.events) text += `${JSON.stringify(event)}\n`;
    ({ next: after, run } = answer);
    if (!answer.more) return text;
  }
}
