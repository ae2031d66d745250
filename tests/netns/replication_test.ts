/** Replication between two real kernels, with conntrack(8) as the independent witness. */
import { assert, assertEquals, assertLess, assertStringIncludes } from "../assert.ts";
import { AvailError } from "../../lib/errors.ts";
import { TcpListener } from "../../lib/host/links.ts";
import { BucketSet } from "../../lib/ownership/bucket_set.ts";
import { ReplicationLab, until } from "./replication_lab.ts";

const isRoot = Deno.uid() === 0;

function test(name: string, fn: (lab: ReplicationLab) => Promise<void>, enabled = true): void {
  Deno.test({
    name: isRoot ? `replication: ${name}` : `replication: ${name} (skipped: needs root)`,
    ignore: !isRoot,
    async fn() {
      const lab = await ReplicationLab.build(enabled);
      try {
        await fn(lab);
      } finally {
        await lab.remove();
      }
    },
  });
}

/** Waits until both kernels show the same; the table. */
async function equalTables(lab: ReplicationLab, atLeast: number): Promise<string[]> {
  let last: string[][] = [];
  try {
    return await until("both tables are equal", async () => {
      last = [await lab.table("owner"), await lab.table("backup")];
      const isEqual = last[0].join("\n") === last[1].join("\n");
      return isEqual && last[0].length >= atLeast ? last[0] : null;
    });
  } catch (error) {
    assertEquals(last[1], last[0], "the backup's table is the owner's");
    throw error;
  }
}

/** Real flows of all kinds: TCP over IPv4 and IPv6, both translations, UDP, ping. */
async function traffic(lab: ReplicationLab): Promise<void> {
  await lab.start("server", "listen", "8080");
  await lab.start("client", "hold", "8080", "10.2.0.2", "3");
  await lab.start("client", "hold", "8080", "10.2.0.5", "3");
  await lab.start("client", "hold", "8080", "fd02::2", "3");
  await lab.start("client", "hold", "2222", "10.1.0.100", "2");
  await lab.exec("client", "bash", "-c", "echo hello >/dev/udp/10.2.0.2/5353");
  await lab.exec("client", "ping", "-c1", "-W2", "10.2.0.2");
  await lab.exec("client", "ping", "-c1", "-W2", "10.2.0.5");
  await lab.exec("client", "ping", "-c1", "-W2", "fd02::2");
}

test("real flows are in the backup's kernel as they are in the owner's", async (lab) => {
  await traffic(lab);
  const table = await equalTables(lab, 15);
  const has = (...words: string[]) =>
    assert(table.some((line) => words.every((word) => line.includes(word))), words.join(" "));
  has("tcp", "ESTABLISHED", "src=10.1.0.2 dst=10.2.0.2", "[ASSURED]", "mark=7");
  has("tcp", "ESTABLISHED", "src=fd01::2 dst=fd02::2", "[ASSURED]");
  has("tcp", "src=10.1.0.3 dst=10.2.0.5", "src=10.2.0.5 dst=10.2.0.100", "[ASSURED]");
  has("tcp", "src=10.1.0.2 dst=10.1.0.100", "src=10.2.0.2 dst=10.1.0.2 sport=8080", "[ASSURED]");
  has("udp", "dport=5353", "[UNREPLIED]");
  has("icmp ", "src=10.1.0.3 dst=10.2.0.5", "src=10.2.0.5 dst=10.2.0.100");
  has("icmpv6", "src=fd01::2 dst=fd02::2", "type=129");

  await lab.exec("owner", "conntrack", "-D", "-p", "tcp");
  await lab.exec("owner", "conntrack", "-D", "-p", "udp");
  const left = await equalTables(lab, 3);
  assert(!left.some((line) => line.startsWith("udp")), "what ended at the owner ended there");
});

test("negative control: not enabled, nothing of it is there", async (lab) => {
  await traffic(lab);
  const owner = await lab.table("owner");
  assert(owner.length >= 15, `the owner has ${owner.length} flows`);
  assertEquals(await lab.table("backup"), []);
}, false);

/** Connections that run, plain and translated, 5 each: on how many a beat was answered, so far. */
async function running(lab: ReplicationLab): Promise<(readonly string[])[]> {
  await lab.start("server", "listen", "8080");
  const flows = [];
  for (const [port, host] of [["8080", "10.2.0.2"], ["8080", "10.2.0.5"], ["2222", "10.1.0.100"]]) {
    const beats = await lab.start("client", "hold", port, host, "5");
    assertEquals(beats[0], "5");
    flows.push(beats);
  }
  return flows;
}

test("connections live on when another kernel takes them over", async (lab) => {
  const flows = await running(lab);
  await equalTables(lab, 15);
  await lab.takeOver();
  const before = flows.map((beats) => beats.length);
  await until(
    "10 beats more",
    () => flows.every((beats, i) => beats.length > before[i] + 10) || null,
  );
  for (const beats of flows) assert(beats.every((answers) => answers === "5"), beats.join(" "));
});

test("negative control: not enabled, connections die with their kernel", async (lab) => {
  const flows = await running(lab);
  await lab.takeOver();
  await until("all are dead", () => flows.every((beats) => beats.at(-1) === "0") || null);
}, false);

/** What conntrack(8) inserts and changes at the owner; the last words are optional changes. */
const insertions: readonly { readonly entry: string; readonly change?: string }[] = [
  {
    entry: "-p tcp -s 10.1.0.9 -d 192.0.2.1 --sport 1 --dport 2 --state SYN_SENT -t 100",
    change:
      "-p tcp -s 10.1.0.9 -d 192.0.2.1 --sport 1 --dport 2 --state ESTABLISHED -u SEEN_REPLY,ASSURED",
  },
  {
    entry: "-p tcp -s 10.1.0.9 -d 192.0.2.1 --sport 3 --dport 2 --state ESTABLISHED -t 100 " +
      "-u SEEN_REPLY,ASSURED --src-nat 203.0.113.1:999",
    change: "-p tcp -s 10.1.0.9 -d 192.0.2.1 --sport 3 --dport 2 --state FIN_WAIT -m 77",
  },
  {
    entry: "-p udp -s 10.1.0.9 -d 192.0.2.1 --sport 3 --dport 2 -t 100 --dst-nat 203.0.113.7:8",
    change: "-p udp -s 10.1.0.9 -d 192.0.2.1 --sport 3 --dport 2 -m 4",
  },
  {
    entry: "-p tcp -s fd01::9 -d fd02::9 --sport 3 --dport 2 --state ESTABLISHED -t 100 " +
      "--src-nat fd02::77",
  },
  { entry: "-p gre -s 10.1.0.9 -d 192.0.2.1 --srckey 5 --dstkey 6 -t 100" },
  { entry: "-p 89 -s 10.1.0.9 -d 192.0.2.1 -t 100" },
  { entry: "-p icmp -s 10.1.0.9 -d 192.0.2.1 --icmp-type 13 --icmp-code 0 --icmp-id 7 -t 100" },
  { entry: "-p udp -s 10.1.0.9 -d 192.0.2.1 --sport 3 --dport 2 -t 100 -w 9" },
  { entry: "-p udp -s 10.1.0.9 -d 192.0.2.1 --sport 3 --dport 3 -t 100 --orig-zone 9" },
];

test("every kind of entry is carried, created, changed and deleted", async (lab) => {
  let made = 0;
  for (const { entry } of insertions) {
    await lab.exec("owner", "conntrack", "-I", ...entry.split(" "));
    made++;
  }
  await equalTables(lab, made);
  for (const { change } of insertions) {
    if (change !== undefined) await lab.exec("owner", "conntrack", "-U", ...change.split(" "));
  }
  const changed = await equalTables(lab, made);
  assert(changed.some((line) => line.includes("FIN_WAIT") && line.includes("mark=77")), "changed");
  for (const protocol of ["tcp", "udp", "gre", "icmp", "89"]) {
    await lab.exec("owner", "conntrack", "-D", "-p", protocol);
  }
  assertEquals(await equalTables(lab, 0), []);
});

test("an older flow of the same name gives way, whatever it was", async (lab) => {
  const name = ["-p", "tcp", "-s", "10.1.0.9", "-d", "192.0.2.1", "--sport", "1", "--dport", "2"];
  const assured = ["--state", "ESTABLISHED", "-t", "100", "-u", "SEEN_REPLY,ASSURED"];
  const insert = (node: string, ...words: string[]) =>
    lab.exec(node, "conntrack", "-I", ...name, ...words);
  await insert("backup", ...assured, "--src-nat", "203.0.113.1:999");
  await insert("owner", "--state", "SYN_SENT", "-t", "100", "--src-nat", "203.0.113.2:888");
  const [line] = await equalTables(lab, 1);
  assertStringIncludes(line, "dst=203.0.113.2");

  // Bits of the status cannot be cleared; all the rest is set nevertheless.
  const other = name.map((word) => word === "1" ? "5" : word);
  await lab.exec("owner", "conntrack", "-I", ...other, "--state", "SYN_SENT", "-t", "100");
  await equalTables(lab, 2);
  await lab.exec("backup", "conntrack", "-U", ...other, "-u", "SEEN_REPLY,ASSURED");
  await lab.exec("owner", "conntrack", "-U", ...other, "--state", "SYN_RECV", "-m", "9");
  await until("state and mark are there", async () => {
    const table = await lab.table("backup");
    return table.some((line) => line.includes("SYN_RECV") && line.includes("mark=9")) || null;
  });
});

test("a release takes a few milliseconds, behind everything before it", async (lab) => {
  await lab.exec(
    "owner",
    ...["conntrack", "-I", "-p", "udp", "-s", "10.1.0.9", "-d", "192.0.2.1"],
    ...["--sport", "3", "--dport", "2", "-t", "100"],
  );
  const took: number[] = [];
  for (let epoch = 1; epoch <= 5; epoch++) {
    await lab.owner.tell({
      release: { to: "backup", buckets: BucketSet.of([epoch]).toHex(), epoch },
    });
    const isDone = () =>
      lab.owner.lines.filter(({ report }) => report?.kind === "releaseDone").length === epoch;
    await until("the release is acknowledged", () => isDone() || null);
    const start = lab.owner.lines.find(({ releasing }) => releasing === epoch)!.at!;
    const done = lab.owner.lines.findLast(({ report }) => report?.kind === "releaseDone")!;
    assertEquals(done.report!.acknowledged, true);
    took.push(done.at! - start);
  }
  await equalTables(lab, 1);
  took.sort((a, b) => a - b);
  assert(took[0] >= 2, `packets in flight are waited for: ${took[0]} ms`);
  // A machine that tests share can be slow once; the fastest shows what the code costs.
  assertLess(took[0], 10);
});

test("a large table that is being read keeps no hand-over waiting, and is read again", async (lab) => {
  const flows = 20_000;
  await lab.owner.tell({ fill: flows });
  await lab.owner.line("filled", ({ filled }) => filled === flows);
  const counter = async () => {
    const before = lab.owner.lines.length;
    await lab.owner.tell({ ask: "counters" });
    return await until(
      "counters",
      () =>
        lab.owner.lines.slice(before).find(({ counters }) => counters !== undefined)?.counters ??
          null,
    );
  };
  const done = (epoch: number) =>
    lab.owner.lines.filter(({ report }) => report?.kind === "releaseDone").length >= epoch;
  // The counts that the status asks for are read when they are a second old.
  for (let epoch = 1; (await counter()).abandoned === 0; epoch++) {
    assertLess(epoch, 100, "no reading was given up");
    await lab.owner.tell({ ask: "status" });
    const release = { to: "backup", buckets: BucketSet.of([epoch]).toHex(), epoch };
    await lab.owner.tell({ release });
    await until("the release is acknowledged", () => done(epoch) || null);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  await until("all are counted", async () => {
    await lab.owner.tell({ ask: "status" });
    return lab.owner.lines.findLast(({ status }) => status !== undefined)?.status?.flows ===
        flows ||
      null;
  });
  await equalTables(lab, flows);
});

test("a cut stream is told at once, and heals with what happened meanwhile", async (lab) => {
  await lab.ip("backup", "link", "set", "owner", "down");
  const entry = ["-p", "udp", "-s", "10.1.0.9", "-d", "192.0.2.1", "--sport", "3", "--dport", "2"];
  await lab.exec("owner", "conntrack", "-I", ...entry, "-t", "100");
  await until("nothing is proven", () => lab.owner.provenSize === 0 || null);
  await lab.owner.tell({ ask: "status" });
  const { status } = await lab.owner.line("status", ({ status }) => status !== undefined);
  assertEquals(status!.peers[0].safe, false);
  await until("the stream is given up", async () => {
    await lab.owner.tell({ ask: "status" });
    const last = lab.owner.lines.findLast(({ status }) => status !== undefined);
    return last?.status?.peers[0].connected === false || null;
  });
  assertEquals(await lab.table("backup"), []);
  await lab.ip("backup", "link", "set", "owner", "up");
  await until("everything is proven", () => lab.owner.provenSize === 256 || null);
  await equalTables(lab, 1);
});

test("counts of own and held flows", async (lab) => {
  for (let port = 1; port <= 5; port++) {
    await lab.exec(
      "owner",
      ...["conntrack", "-I", "-p", "udp", "-s", "10.1.0.9", "-d", "192.0.2.1"],
      ...["--sport", String(port), "--dport", "2", "-t", "100"],
    );
  }
  await equalTables(lab, 5);
  for (const [i, expected] of ["5 0", "0 5"].entries()) {
    const node = lab.nodes[i];
    await until(`${node.options.name} counts ${expected}`, async () => {
      await node.tell({ ask: "status" });
      const { status } = await node.line("status", ({ status }) => status !== undefined);
      return `${status!.flows} ${status!.foreign}` === expected || null;
    });
  }
});

Deno.test("replication: a port in use is one clear message", () => {
  const first = new TcpListener(["127.0.0.1"], 0, () => {});
  try {
    let message = "";
    try {
      new TcpListener(["127.0.0.1"], first.port, () => {}).close();
    } catch (error) {
      assert(error instanceof AvailError, "an AvailError");
      message = error.message;
    }
    assertStringIncludes(message, `127.0.0.1:${first.port}: the port is in use`);
  } finally {
    first.close();
  }
});
