/** What clusterip.sh runs in the guest: the nodes' daemons, the clients, and what must be seen. TAP. */
import type { Status } from "../../../lib/control.ts";
import { controlRequest } from "../../../lib/host/control_socket.ts";
import { slotOfSource } from "../../../lib/ownership/clusterip_slots.ts";

const shared = "10.0.0.100", added = "10.0.0.101";
const totalNodes = 6;
const nodes = ["n1", "n2", "n3"] as const;
type Node = typeof nodes[number];
const clients = Array.from({ length: 12 }, (_, i) => `10.0.0.${200 + i}`);

// ---- results

let count = 0;
let failed = 0;

function is(what: string, got: unknown, wanted: unknown): void {
  const [found, right] = [JSON.stringify(got), JSON.stringify(wanted)];
  if (found !== right) {
    failed++;
    console.log(`# got ${found}, wanted ${right}`);
  }
  console.log(`${found === right ? "ok" : "not ok"} ${++count} - ${what}`);
}

const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** Whether the condition holds within the time. */
async function within(seconds: number, condition: () => Promise<boolean>): Promise<boolean> {
  const end = performance.now() + seconds * 1000;
  while (!await condition()) {
    if (performance.now() > end) return false;
    await sleep(200);
  }
  return true;
}

// ---- machines

async function run(...argv: string[]): Promise<string> {
  const { stdout } = await new Deno.Command(argv[0], { args: argv.slice(1), stderr: "null" })
    .output();
  return new TextDecoder().decode(stdout).trim();
}

const at = (name: string, ...argv: string[]) => run("ip", "netns", "exec", name, ...argv);

/** "1,4" */
const slots = (node: Node, address = shared) =>
  at(node, "cat", `/proc/net/ipt_CLUSTERIP/${address}`);

const allSlots = () => Promise.all(nodes.map((node) => slots(node)));

async function switchSlot(node: Node, change: string): Promise<void> {
  await at(node, "sh", "-c", `echo ${change} >/proc/net/ipt_CLUSTERIP/${shared}`);
}

const cable = (node: Node, state: "up" | "down") => run("ip", "link", "set", `${node}-eth0`, state);

// ---- daemons

const keyFile = "/root/key";
const directory = (node: Node) => `/root/${node}`;
const daemons = new Map<Node, Deno.ChildProcess>();

function configure(): void {
  const secret = btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(32))));
  Deno.writeTextFileSync(keyFile, secret, { mode: 0o600 });
  for (const node of nodes) {
    Deno.mkdirSync(directory(node), { recursive: true });
    Deno.writeTextFileSync(
      `${directory(node)}/avail.toml`,
      `[cluster]
name = "taken"
key_file = "${keyFile}"
[node]
name = "${node}"
[[share]]
interface = "eth0"
addresses = ["${shared}/24", "${added}/24"]
key = "source"
[detection]
interval = "1s"
multiplier = 5
[replication]
backups = "all"
[datapath]
backend = "clusterip"
[control]
socket = "${directory(node)}/control.sock"
[metrics]
listen = "off"
`,
    );
  }
}

function start(node: Node): void {
  const log = `${directory(node)}/log`;
  const daemon = "exec deno run -A --no-check /avail/cli/main.js run " +
    `--config ${directory(node)}/avail.toml >>${log} 2>&1`;
  daemons.set(
    node,
    new Deno.Command("ip", { args: ["netns", "exec", node, "sh", "-c", daemon] }).spawn(),
  );
}

async function end(node: Node, signal: "SIGTERM" | "SIGKILL"): Promise<number> {
  const daemon = daemons.get(node)!;
  daemon.kill(signal);
  return (await daemon.status).code;
}

async function status(node: Node): Promise<Status | null> {
  try {
    const socket = `${directory(node)}/control.sock`;
    return await controlRequest(socket, { command: "status" }, 5000) as Status;
  } catch {
    return null;
  }
}

const isInState = (node: Node, state: string) => async () => (await status(node))?.state === state;

function showLogs(): void {
  for (const node of nodes) {
    const text = Deno.readTextFileSync(`${directory(node)}/log`);
    console.log(
      `${node}:\n${text.trimEnd().split("\n").slice(-25).join("\n")}`.replace(/^/gm, "# "),
    );
  }
}

// ---- clients

/** Which clients get an answer from an address now. */
async function answered(address = shared): Promise<string[]> {
  const replies = await Promise.all(
    clients.map((client) => at("c", "ping", "-c", "1", "-W", "1", "-I", client, address)),
  );
  return clients.filter((_, i) => / 0% packet loss/.test(replies[i]));
}

/** Soon; a daemon that the emulator starved may have given its slots to others for a moment. */
const areAllAnswered = (address: string) =>
  within(60, async () => (await answered(address)).length === clients.length);

const hostOrder = (address: string) =>
  address.split(".").reduce((word, part) => word * 256 + Number(part), 0);

/** Clients of a slot, by our own arithmetic; the rule's --hash-init is the address's last number. */
const clientsOf = (slot: number, hashInit = 100) =>
  clients.filter((client) => slotOfSource(hostOrder(client), hashInit, totalNodes) === slot);

/** Pings from every client until `stop`, which tells what was lost, and what came twice. */
function pingAll(): { stop(): Promise<{ lost: number; twice: number }> } {
  const pings = clients.map((client) =>
    new Deno.Command("ip", {
      args: ["netns", "exec", "c", "ping", "-i", "1", "-W", "2", "-I", client, shared],
      stdout: "piped",
    }).spawn()
  );
  const outputs = pings.map((ping) => ping.output());
  return {
    async stop() {
      for (const ping of pings) ping.kill("SIGINT");
      const texts = (await Promise.all(outputs)).map(({ stdout }) =>
        new TextDecoder().decode(stdout)
      );
      const sums = texts.map((text) => {
        const [, sent, received] = /(\d+) packets transmitted, (\d+) /.exec(text) ?? [0, 1e6, 0];
        return {
          lost: Math.max(0, Number(sent) - Number(received) - 1), // the last is still on its way
          twice: (text.match(/DUP!/g) ?? []).length,
        };
      });
      return {
        lost: sums.reduce((sum, { lost }) => sum + lost, 0),
        twice: sums.reduce((sum, { twice }) => sum + twice, 0),
      };
    },
  };
}

// ---- the story

configure();
is("before avail, every client is answered", await answered(), clients);
await cable("n3", "down");
is(
  "control: without avail, the clients of a node that is cut off are answered by nobody",
  await answered(),
  clients.filter((client) => ![3, 6].some((slot) => clientsOf(slot).includes(client))),
);
await cable("n3", "up");

for (const node of nodes) {
  for (const slot of (await slots(node)).split(",")) await switchSlot(node, `-${slot}`);
}
let isSame = true, isSameOtherwise = true;
for (let slot = 1; slot <= totalNodes; slot++) {
  await switchSlot("n1", `+${slot}`);
  const got = (await answered()).join();
  isSame &&= got === clientsOf(slot).join();
  isSameOtherwise &&= got === clientsOf(slot, 99).join();
  await switchSlot("n1", `-${slot}`);
}
is("the kernel hashes clients to slots as we do", isSame, true);
is("control: with another --hash-init it would not", isSameOtherwise, false);
for (const [i, node] of nodes.entries()) {
  for (const slot of [i + 1, i + 4]) await switchSlot(node, `+${slot}`);
}

const takeover = pingAll();
start("n1");
is("the first daemon waits", await within(90, isInState("n1", "joining")), true);
await sleep(16_000); // three detection times, in which an ordinary start listens
const waiting = await status("n1");
is("it goes on waiting", waiting?.state, "joining");
is("it says for what", /slots 2, 3, 5, 6;/.test(waiting?.reason ?? ""), true);
is("and has changed no slot", await allSlots(), ["1,4", "2,5", "3,6"]);
start("n2");
start("n3");
const areReady = await within(
  120,
  async () => (await Promise.all(nodes.map((node) => isInState(node, "ready")()))).every(Boolean),
);
is("with all daemons there, they are ready", areReady, true);
await sleep(4000);
is("nobody's slots were moved without need", await allSlots(), ["1,4", "2,5", "3,6"]);
is("the takeover lost no packet, and none was answered twice", await takeover.stop(), {
  lost: 0,
  twice: 0,
});
is("the address that was missing is there now", await areAllAnswered(added), true);
const after = await status("n1");
is("status: the backend", after?.datapath.backend, "clusterip");
is("status: what is weaker", /no lease/.test(after?.datapath.weaker?.[0] ?? ""), true);
is("status: safe", await within(30, async () => (await status("n1"))?.safe === true), true);

await cable("n3", "down");
await end("n3", "SIGKILL");
const isTaken = await within(60, async () => {
  const [one, two] = await allSlots();
  return `${one},${two}`.split(",").toSorted().join() === "1,2,3,4,5,6";
});
is("n3 dies: the others take its slots", isTaken, true);
is("one each", (await allSlots()).slice(0, 2).map((text) => text.split(",").length), [3, 3]);
is("every client is answered again", await areAllAnswered(shared), true);
is("also at the other address", await areAllAnswered(added), true);

const leaving = pingAll();
is("n2 is stopped in order", await end("n2", "SIGTERM"), 0);
is("n1 has all slots", await slots("n1"), "1,2,3,4,5,6");
is("n2 has none", await slots("n2"), "");
const left = await at("n2", "ip", "-4", "-o", "addr", "show", "dev", "eth0");
is("n2 keeps the address that it had before", left.includes(`${shared}/24`), true);
is("and not the one that it was given", left.includes(`${added}/`), false);
await sleep(1000);
const { twice } = await leaving.stop();
is("nothing was answered twice", twice, 0);
is("every client is answered by n1", await areAllAnswered(shared), true);

await end("n1", "SIGKILL");
is("control: a daemon that is killed leaves its slots on", await slots("n1"), "1,2,3,4,5,6");
start("n1");
is(
  "its next start switches them off at once",
  await within(90, async () => await slots("n1") === ""),
  true,
);
is(
  "and takes them when it has listened",
  await within(60, async () => await slots("n1") === "1,2,3,4,5,6"),
  true,
);
await end("n1", "SIGTERM");
is("the last one to be stopped leaves none on", await slots("n1"), "");

if (failed > 0) showLogs();
console.log(`1..${count}`);
Deno.exit(failed === 0 ? 0 : 1);
