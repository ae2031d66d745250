/**
 * What the commands really print: the program in a process of its own, in front of a daemon that answers
 * as real ones do. Daemons themselves are asked in tests/netns/observe_test.ts.
 */
import type { ControlRequest, ForwardableRequest, Planning, Status } from "../../lib/control.ts";
import type { KeysStatus } from "../../lib/control_keys.ts";
import type { ClusterReport, ReloadReport } from "../../lib/control_reload.ts";
import { EventRing } from "../../lib/events/event_ring.ts";
import { assertStringIncludes } from "../assert.ts";
import { avail, withDaemon } from "../cli/program.ts";
import { safeStatus, unfitStatus, unsafeStatus } from "../cli/statuses.ts";
import { installInto } from "../host/install/fake_root.ts";
import { planned } from "../ownership/views.ts";

export interface Output {
  /** Of its schema. */
  readonly name: string;
  readonly value: unknown;
}

const input = planned([1, 1, 1]);
const names = input.candidates.map(({ name }) => name);
const rates = input.owners.map((owner) => owner === 0 ? 300 : 100);
const counts = { heartbeat: 7, plan: 2, request: 1, answer: 3 };

/** As a daemon of today answers; the fixtures of older ones leave some of it out. */
const fullStatus: Status = {
  ...safeStatus,
  owners: input.owners.map((owner) => names[owner]),
  replication: {
    ...safeStatus.replication,
    totals: { overruns: 1, overflows: 0, refused: 0, failed: 0, swept: 0, streamsEnded: 0 },
  },
  datapath: {
    ...safeStatus.datapath,
    load: { packets: rates, bytes: rates, packetsPerSecond: rates },
  },
  datagrams: { sent: counts, received: counts },
};

const planning: Planning = { planner: "fw1", input };

const reload: ReloadReport = {
  schema: 1,
  node: "fw1",
  file: "/etc/avail/avail.toml",
  outcome: "refused",
  changes: [
    { key: "node.weight", old: 1, new: 2, takes: "now" },
    { key: "share[0].addresses", old: null, new: ["192.0.2.1/24"], takes: "restart", why: "so" },
  ],
  faults: [{ file: "f", line: 1, where: "node.weight", problem: "p", remedy: "r" }],
  warnings: [],
  why: ["because"],
  restart: "systemctl restart avail",
};

const reloadCluster: ClusterReport = {
  schema: 1,
  outcome: "refused",
  epoch: null,
  why: [],
  nodes: [{
    ...{ node: "fw1", outcome: "refused", why: [], changes: reload.changes },
    ...{ faults: reload.faults, restart: null },
  }],
  away: ["fw4"],
};

class FakeDaemon {
  #status: Status = fullStatus;
  #keys = [{ id: 1, check: "01234567" }];
  readonly #events = new EventRing("fw1", "0123456789abcdef");

  constructor() {
    const time = "2026-01-31T12:00:00.000Z";
    const fields = { event: "peer-dead", node: "fw2", lastHeardMs: 301, safe: false, none: null };
    this.#events.take({ time, level: "warn", message: "fw2 is silent", fields });
  }

  readonly answer = (request: ControlRequest): unknown => {
    switch (request.command) {
      case "forward":
        return this.#answerNode(request.request, request.node);
      case "who":
        return { bucket: 17, owner: "fw2", backups: ["fw3"] };
      case "planning":
        return planning;
      case "reloadCluster":
        return reloadCluster;
      default:
        return this.#answerNode(request as ForwardableRequest, "fw1");
    }
  };

  #answerNode(request: ForwardableRequest, node: string): unknown {
    switch (request.command) {
      case "status":
        return { ...this.#status, node };
      case "events":
        return this.#events.answer(request);
      case "keys":
        return this.#answerKeys(request);
      case "drain":
        return this.#become("draining", 0);
      case "resume":
        return this.#become("ready", 86);
      case "reload":
        return reload;
      default:
        return {};
    }
  }

  #become(state: "draining" | "ready", buckets: number): unknown {
    const members = fullStatus.members.map((member) =>
      member.name === "fw1" ? { ...member, state, buckets } : member
    );
    this.#status = { ...fullStatus, state, members };
    return {};
  }

  #answerKeys(request: Extract<ForwardableRequest, { command: "keys" }>): unknown {
    const added = { id: 2, check: "0badcafe" };
    if (request.do === "add") this.#keys = [...this.#keys, added];
    if (request.do === "use") this.#keys = [...this.#keys].reverse();
    if (request.do === "drop") this.#keys = this.#keys.filter(({ id }) => id !== request.id);
    return {
      ...{ schema: 1, node: "fw1", file: "/etc/avail/cluster.key", sends: this.#keys[0].id },
      ...{ keys: this.#keys, peers: [{ name: "fw2", keyId: this.#keys[0].id }], away: [] },
      ...(request.do === "add" ? { added: 2 } : {}),
    } satisfies KeysStatus;
  }
}

/** Each command's output, one after the other. */
export async function* outputs(): AsyncGenerator<Output> {
  yield* [safeStatus, unsafeStatus, unfitStatus].map((value) => ({ name: "status", value }));
  const found: Output[] = [];
  await withDaemon(new FakeDaemon().answer, async (socket, directory) => {
    const run = async (name: string, ...words: string[]) => {
      const { stdout, stderr, code } = await avail(...words, "--json");
      assertStringIncludes(stdout, "\n", `${words.join(" ")}: code ${code}, ${stderr}`);
      for (const line of stdout.trimEnd().split("\n")) {
        found.push({ name, value: JSON.parse(line) });
      }
    };
    for (const [name, ...words] of asking) await run(name, ...words, "--socket", socket);
    const files = await writeFiles(directory);
    for (const [name, ...words] of alone(files)) await run(name, ...words);
    // The command itself needs the one file; this is what it prints.
    found.push({ name: "install", value: await installInto(`${directory}/root`, "one") });
  });
  yield* found;
}

type Row = readonly [schema: string, ...words: string[]];

/** Commands that ask the daemon. */
const asking: readonly Row[] = [
  ["status", "status"],
  ["events", "events"],
  ["who", "who", "10.0.0.1", "192.0.2.1"],
  ["weight", "weight"],
  ["weight", "weight", "1", "--no-wait"],
  ["plan", "plan", "--balance"],
  ["plan", "plan", "--without", "fw2"],
  ["plan", "plan", "--weight", "fw1=2"],
  ["drain", "drain"],
  ["resume", "resume"],
  ["key_show", "key", "show"],
  ["key_add", "key", "add"],
  ["key_use", "key", "use", "2"],
  ["key_drop", "key", "drop", "1"],
  ["key_reload", "key", "reload"],
  ["reload", "reload"],
  ["reload_cluster", "reload", "--cluster"],
];

interface Files {
  readonly directory: string;
  readonly config: string;
}

/** Commands that look at this machine or at files. */
function alone({ directory, config }: Files): Row[] {
  const of = ["--config", config, "--socket", `${directory}/none.sock`];
  return [
    ["version", "version"],
    ["kmod_status", "kmod", "status"],
    ["doctor", "doctor", ...of],
    ["doctor_list", "doctor", "--list"],
    ["report", "report", "-o", `${directory}/report.tar.gz`, ...of],
    ["config_show", "config", "show", "--config", config],
    ["config_check", "config", "check", config],
    ["config_check", "config", "check", "--file-only", config],
    ["token", "token", "--config", config],
    ["token_list", "token", "--list", "--config", config],
    ["token_revoke", "token", "--revoke", "all", "--config", config],
    ["uninstall", "uninstall", "--root", `${directory}/root`, "--dry-run"],
  ];
}

async function writeFiles(directory: string): Promise<Files> {
  const key = `${directory}/cluster.key`, config = `${directory}/avail.toml`;
  await Deno.writeTextFile(key, `seed ${btoa("s".repeat(32))}\nkey 1 ${btoa("k".repeat(32))}\n`, {
    mode: 0o600,
  });
  await Deno.mkdir(`${directory}/root`);
  await Deno.writeTextFile(
    config,
    `[cluster]
name = "edge"
key_file = "${key}"
[node]
name = "fw1"
[[link]]
interface = "lo"
[[share]]
interface = "eth9"
addresses = ["192.0.2.1/24"]
[[check]]
name = "a"
tcp = "127.0.0.1:1"
[[check]]
name = "b"
http = "http://127.0.0.1:1/"
[[check]]
name = "c"
command = ["/bin/true"]
[control]
socket = "${directory}/none.sock"
`,
  );
  return { directory, config };
}
