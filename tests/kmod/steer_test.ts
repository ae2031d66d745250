/** The datapath's programs on built frames, by BPF_PROG_TEST_RUN: nothing is attached. */
import { CLOCK_BOOTTIME, clockMs } from "../../ffi/libc.ts";
import type { AddressPrefix } from "../../lib/config.ts";
import type { ShareConstants } from "../../lib/host/share_rodata.ts";
import { bucketOfFrame, type FrameKey } from "../../lib/ownership/bucket_of_frame.ts";
import { BucketHash } from "../../lib/ownership/bucket.ts";
import { parseFrame } from "../../lib/ownership/packet.ts";
import { BucketSet } from "../../lib/ownership/bucket_set.ts";
import { parseAddress } from "../../lib/wire/address.ts";
import { assert, assertEquals, assertGreater } from "../assert.ts";
import { BrokenFrames, Random } from "../fuzz/broken_frames.ts";
import { ethernet, ipv4, ipv6, ports } from "../vectors/frames.ts";
import { bucketVectors } from "../vectors/read.ts";
import {
  clientMac,
  clusterMac,
  nodeMac,
  plainShare,
  type ProgramName,
  SteerPrograms,
  TCX_DROP,
  TCX_NEXT,
  XDP_DROP,
  XDP_PASS,
} from "./steer_programs.ts";

function bpfTest(name: string, fn: () => void): void {
  const ignore = Deno.uid() !== 0;
  Deno.test({ name: ignore ? `${name} (skipped: needs root for bpf(2))` : name, ignore, fn });
}

const prefixes: readonly AddressPrefix[] = [
  { family: 4, address: "10.0.0.0", prefixLength: 8 },
  { family: 6, address: "2001:db8::", prefixLength: 32 },
];

/** The twin in TypeScript of what a share's constants say. */
function frameKeyOf(share: ShareConstants): FrameKey {
  return {
    hash: new BucketHash(share.seed),
    key: share.key,
    side: share.side,
    natAddress: share.nat4 === null ? null : parseAddress(share.nat4)!.bytes,
    insidePrefixes: share.inside.map(({ address, prefixLength }) => ({
      bytes: parseAddress(address)!.bytes,
      prefixLength,
    })),
  };
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

/** What must become of a frame, by the TypeScript twin. */
function expectedOf(
  frame: Uint8Array,
  key: FrameKey,
  owned: BucketSet,
): "leave" | "take" | "refuse" {
  if (!equal(frame.subarray(0, 6), clusterMac)) return "leave";
  const bucket = bucketOfFrame(frame, key);
  const packet = parseFrame(frame);
  if (typeof packet !== "string" && typeof bucket === "number") {
    const isToGroup = packet.family === 4 && frame[packet.destination] >> 4 === 14;
    if (isToGroup) return "leave";
  }
  if (typeof bucket === "number") return owned.has(bucket) ? "take" : "refuse";
  return bucket === "arp" || bucket === "ndp" ? "take" : "refuse";
}

/** Bits outside of the mask 0x1ff00000: they are somebody else's. */
const markBefore = 0x8000_1234;

/** Runs a classifier on a packet with a mark; its verdict, and the mark after it. */
function runAtTc(
  programs: SteerPrograms,
  name: ProgramName,
  frame: Uint8Array<ArrayBuffer>,
): { result: number; mark: number } {
  const context = new Uint8Array(192); // struct __sk_buff; mark at 8
  const view = new DataView(context.buffer);
  view.setUint32(8, markBefore, true);
  const { result } = programs.run(name, frame, 1, context);
  return { result, mark: view.getUint32(8, true) };
}

const framesPerShare = 4000;

bpfTest("on broken frames the programs agree with their twin in TypeScript", () => {
  const seed = crypto.getRandomValues(new Uint32Array(1))[0];
  console.log(`      seed ${seed}`);
  const random = new Random(seed);
  const frames = new BrokenFrames(bucketVectors, random);
  const keys: Partial<ShareConstants>[] = [
    { key: "source" },
    { key: "pair" },
    { key: "flow", nat4: "192.0.2.1" },
    { key: "inside", side: "inside", inside: prefixes },
    { key: "inside", side: "outside", inside: prefixes, nat4: "192.0.2.1" },
  ];
  const seen = { leave: 0, take: 0, refuse: 0 };
  for (const key of keys) {
    const share = { ...plainShare, ...key, markMask: 0x1ff00000 };
    using programs = new SteerPrograms(share);
    const owned = BucketSet.of(Array.from({ length: 128 }, () => random.below(256)));
    programs.steering.setResponsibility(owned, 1);
    programs.steering.setLease(Number.MAX_SAFE_INTEGER);
    const twin = frameKeyOf(share);
    for (let i = 0; i < framesPerShare; i++) {
      const frame = frames.next();
      if (frame.length < 14) continue; // the kernel's test run wants an Ethernet header
      const expected = expectedOf(frame, twin, owned);
      const told = () => `${JSON.stringify(key)} ${frame.toHex()}`;
      seen[expected]++;

      const xdp = programs.run("steer_xdp", frame);
      assertEquals(xdp.result, expected === "refuse" ? XDP_DROP : XDP_PASS, told());
      const mac = expected === "take" ? nodeMac : frame.subarray(0, 6);
      assert(equal(xdp.frame, Uint8Array.of(...mac, ...frame.subarray(6))), told());

      if (frame.length < 54) continue; // and at tc an IP header
      const tc = runAtTc(programs, "steer_ingress", frame);
      assertEquals(tc.result, expected === "refuse" ? TCX_DROP : TCX_NEXT, told());
      const bucket = expected === "take" ? bucketOfFrame(frame, twin) : "other";
      const field = typeof bucket === "number" ? (0x100 | bucket) << 20 : 0;
      assertEquals(tc.mark, (markBefore | field) >>> 0, told());
      // Behind XDP the same mark is found again from the frame that XDP has rewritten.
      assertEquals(runAtTc(programs, "steer_behind_xdp", xdp.frame).mark, tc.mark, told());
    }
  }
  for (const [what, count] of Object.entries(seen)) assertGreater(count, 100, what);
});

const clientFrame = Uint8Array.from(
  ethernet(0x0800, ipv4("10.0.0.9", "198.51.100.1", 17, ports(1000, 53))),
);

bpfTest("ownership is asked first, then the lease; each refusal is counted by its reason", () => {
  using programs = new SteerPrograms(plainShare);
  const { steering } = programs;
  const bucket = bucketOfFrame(clientFrame, frameKeyOf(plainShare)) as number;
  const now = clockMs(CLOCK_BOOTTIME);
  const run = () => programs.run("steer_xdp", clientFrame).result;

  assertEquals(run(), XDP_DROP); // owns nothing, has no lease
  assertEquals(programs.counts(), [0, 1, 0, 0, 0, 0]);
  steering.setResponsibility(BucketSet.of([bucket]), 1);
  steering.setLease(now - 1);
  assertEquals(run(), XDP_DROP);
  assertEquals(programs.counts(), [0, 1, 1, 0, 0, 0]);
  steering.setLease(now + 60_000);
  assertEquals(run(), XDP_PASS);
  assertEquals(programs.counts(), [1, 1, 1, 0, 0, 0]);
  steering.setResponsibility(BucketSet.all().difference(BucketSet.of([bucket])), 1);
  assertEquals(run(), XDP_DROP);
  assertEquals(programs.counts(), [1, 2, 1, 0, 0, 0]);
  assertEquals(programs.run("steer_xdp", clientFrame.slice(0, 30)).result, XDP_DROP);
  assertEquals(programs.counts(), [1, 2, 1, 1, 0, 0]);
  assertEquals(steering.current().responsibility.size, 255);
  assertEquals(Math.round(steering.current().leaseUntil), Math.round(now + 60_000));
});

bpfTest("what is taken is counted by bucket, and nothing else is", () => {
  for (const program of ["steer_xdp", "steer_ingress"] as const) {
    using programs = new SteerPrograms(plainShare);
    const key = frameKeyOf(plainShare);
    const expected = { packets: new Array(256).fill(0), bytes: new Array(256).fill(0) };
    programs.steering.setLease(Number.MAX_SAFE_INTEGER);
    const owned = BucketSet.of(Array.from({ length: 128 }, (_, i) => 2 * i));
    programs.steering.setResponsibility(owned, 1);
    for (let host = 1; host < 200; host++) {
      const payload = [...ports(1000, 53), ...new Uint8Array(host)];
      const packet = ipv4(`10.0.0.${host}`, "198.51.100.1", 17, payload);
      const frame = Uint8Array.from(ethernet(0x0800, packet));
      const bucket = bucketOfFrame(frame, key) as number;
      for (let time = 0; time < 3; time++) programs.run(program, frame);
      if (!owned.has(bucket)) continue;
      expected.packets[bucket] += 3;
      expected.bytes[bucket] += 3 * frame.length;
    }
    assertGreater(expected.packets.filter((packets) => packets > 0).length, 50);
    assertEquals(programs.bucketCounters(), expected, program);

    // The controls: without the lease, of others, and what has no bucket.
    programs.steering.setLease(1);
    programs.run(program, clientFrame);
    programs.steering.setLease(Number.MAX_SAFE_INTEGER);
    programs.steering.setResponsibility(BucketSet.empty(), 1);
    programs.run(program, clientFrame);
    programs.steering.setResponsibility(BucketSet.all(), 1);
    const question = arp(1, "198.51.100.9", clientMac, shared4);
    programs.run(program, frameTo(clusterMac, clientMac, 0x0806, question));
    assertEquals(programs.bucketCounters(), expected, program);
  }
});

// ---- ARP and NDP

const broadcast = Uint8Array.fromHex("ffffffffffff");
const toAllNodes = Uint8Array.fromHex("333300000001");
const strangerMac = Uint8Array.fromHex("020000000bad");
const shared4 = "198.51.100.1", shared6 = "2001:db8:100::1";

function frameTo(to: Uint8Array, from: Uint8Array, type: number, payload: readonly number[]) {
  return Uint8Array.of(...to, ...from, type >> 8, type & 0xff, ...payload);
}

function arp(operation: 1 | 2, sender: string, senderMac: Uint8Array, target: string): number[] {
  const bytes = (text: string) => parseAddress(text)!.bytes;
  const fixed = [0, 1, 8, 0, 6, 4, 0, operation];
  return [...fixed, ...senderMac, ...bytes(sender), ...new Uint8Array(6), ...bytes(target)];
}

/** An NDP message with one option after `before`; the checksum is right where it is asked for. */
function ndp(
  type: 133 | 134 | 135 | 136,
  from: string,
  to: string,
  target: string | null,
  mac: Uint8Array | null,
  before: readonly number[] = [],
): number[] {
  const head = type === 134 ? 16 : 8;
  const message = [type, 0, 0, 0, ...new Uint8Array(head - 4)];
  if (target !== null) message.push(...parseAddress(target)!.bytes);
  message.push(...before);
  if (mac !== null) message.push(type === 136 ? 2 : 1, 1, ...mac);
  const packet = ipv6(from, to, 58, message).slice();
  const sum = ~checksum(packet) & 0xffff;
  return packet.with(42, sum >> 8).with(43, sum & 0xff);
}

/** The sum over ICMPv6's pseudo header and message: 0xffff if the checksum in it is right. */
function checksum(packet: ArrayLike<number>): number {
  const bytes = [...Array.from(packet).slice(8), 0];
  let sum = (packet.length - 40) + 58;
  for (let i = 0; i + 1 < bytes.length; i += 2) sum += bytes[i] << 8 | bytes[i + 1];
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return sum;
}

bpfTest("received: peers' words in the shared name are dropped, all others are heard", () => {
  using programs = new SteerPrograms(plainShare);
  const client = "198.51.100.9", client6 = "2001:db8:100::9", fe80 = "fe80::9";
  const all6 = "ff02::1", solicited = "ff02::1:ff00:1";
  const [arpType, ip6Type] = [0x0806, 0x86dd];
  const table: [string, Uint8Array, "heard" | "taken" | "dropped"][] = [
    [
      "a client asks",
      frameTo(broadcast, clientMac, arpType, arp(1, client, clientMac, shared4)),
      "heard",
    ],
    [
      "a client asks the cluster MAC",
      frameTo(clusterMac, clientMac, arpType, arp(1, client, clientMac, shared4)),
      "taken",
    ],
    [
      "a client answers the cluster",
      frameTo(clusterMac, clientMac, arpType, arp(2, client, clientMac, shared4)),
      "taken",
    ],
    [
      "a peer asks a client",
      frameTo(broadcast, clientMac, arpType, arp(1, shared4, clusterMac, client)),
      "dropped",
    ],
    [
      "a peer announces",
      frameTo(broadcast, clientMac, arpType, arp(1, shared4, clusterMac, shared4)),
      "dropped",
    ],
    [
      "a stranger announces",
      frameTo(broadcast, strangerMac, arpType, arp(1, shared4, strangerMac, shared4)),
      "heard",
    ],
    [
      "a probe",
      frameTo(broadcast, clientMac, arpType, arp(1, "0.0.0.0", clientMac, shared4)),
      "dropped",
    ],
    [
      "a probe for another address",
      frameTo(broadcast, clientMac, arpType, arp(1, "0.0.0.0", clientMac, client)),
      "heard",
    ],
    [
      "an answer to the node itself",
      frameTo(nodeMac, strangerMac, arpType, arp(2, shared4, strangerMac, client)),
      "heard",
    ],
    [
      "a client solicits",
      frameTo(toAllNodes, clientMac, ip6Type, ndp(135, client6, solicited, shared6, clientMac)),
      "heard",
    ],
    [
      "a client solicits the cluster MAC",
      frameTo(clusterMac, clientMac, ip6Type, ndp(135, client6, shared6, shared6, clientMac)),
      "taken",
    ],
    [
      "a client advertises to the cluster",
      frameTo(clusterMac, clientMac, ip6Type, ndp(136, client6, shared6, client6, clientMac)),
      "taken",
    ],
    [
      "a peer advertises",
      frameTo(toAllNodes, clientMac, ip6Type, ndp(136, fe80, all6, shared6, clusterMac)),
      "dropped",
    ],
    [
      "a stranger advertises",
      frameTo(toAllNodes, strangerMac, ip6Type, ndp(136, fe80, all6, shared6, strangerMac)),
      "heard",
    ],
    [
      "a peer solicits a client",
      frameTo(toAllNodes, clientMac, ip6Type, ndp(135, shared6, solicited, client6, clusterMac)),
      "dropped",
    ],
    [
      "a probe",
      frameTo(toAllNodes, clientMac, ip6Type, ndp(135, "::", solicited, shared6, null)),
      "dropped",
    ],
    [
      "a probe for another address",
      frameTo(toAllNodes, clientMac, ip6Type, ndp(135, "::", solicited, client6, null)),
      "heard",
    ],
  ];
  for (const [what, frame, expected] of table) {
    const bytes = Uint8Array.from(frame);
    const { result, frame: after } = programs.run("steer_xdp", bytes);
    assertEquals(result, expected === "dropped" ? XDP_DROP : XDP_PASS, what);
    if (expected !== "dropped") {
      assertEquals(after.subarray(0, 6), expected === "taken" ? nodeMac : bytes.slice(0, 6), what);
    }
    assertEquals(
      programs.run("steer_ingress", bytes).result,
      expected === "dropped" ? TCX_DROP : TCX_NEXT,
      `${what}, at tc`,
    );
  }
  assertEquals(programs.counts()[4], 2 * table.filter(([, , kind]) => kind === "dropped").length);
});

bpfTest("sent: the shared name goes out with the cluster MAC, by one node, under a lease", () => {
  using programs = new SteerPrograms(plainShare);
  const client = "198.51.100.9",
    client6 = "2001:db8:100::9",
    own4 = "198.51.100.2",
    own6 = "fe80::2";
  const hash = new BucketHash(plainShare.seed);
  const requester = (text: string) => {
    const { bytes } = parseAddress(text)!;
    return hash.ofSource(bytes, 0, bytes.length);
  };
  const isAnswer = true;
  const [arpType, ip6Type] = [0x0806, 0x86dd];
  const mtu = [5, 1, 0, 0, 0, 0, 5, 0xdc];
  const send = (type: number, payload: readonly number[]) =>
    frameTo(clientMac, nodeMac, type, payload);
  /** Name, frame, whether it is an answer, and where the cluster MAC must be found (0: untouched). */
  const table: [string, Uint8Array, boolean, number][] = [
    ["ARP reply", send(arpType, arp(2, shared4, nodeMac, client)), isAnswer, 22],
    ["ARP request", send(arpType, arp(1, shared4, nodeMac, client)), !isAnswer, 22],
    ["ARP announcement", send(arpType, arp(2, shared4, nodeMac, shared4)), !isAnswer, 22],
    [
      "solicited advertisement",
      send(ip6Type, ndp(136, shared6, client6, shared6, nodeMac)),
      isAnswer,
      80,
    ],
    [
      "unsolicited advertisement",
      send(ip6Type, ndp(136, own6, "ff02::1", shared6, nodeMac)),
      !isAnswer,
      80,
    ],
    [
      "solicitation",
      send(ip6Type, ndp(135, shared6, "ff02::1:ff00:9", client6, nodeMac)),
      !isAnswer,
      80,
    ],
    [
      "router solicitation",
      send(ip6Type, ndp(133, shared6, "ff02::2", null, nodeMac)),
      !isAnswer,
      64,
    ],
    [
      "router advertisement",
      send(ip6Type, ndp(134, shared6, "ff02::1", null, nodeMac, mtu)),
      !isAnswer,
      80,
    ],
  ];
  const view = (frame: Uint8Array, at: number) => frame.subarray(at, at + 6).toHex();
  const run = (frame: Uint8Array) => programs.run("steer_egress", Uint8Array.from(frame));
  for (const [what, frame, answers, macAt] of table) {
    const bucket = requester(what.startsWith("ARP") ? client : client6);
    const others = BucketSet.all().difference(BucketSet.of([bucket]));

    programs.steering.setLease(Number.MAX_SAFE_INTEGER);
    programs.steering.setResponsibility(BucketSet.of([bucket]), 1);
    const sent = run(frame);
    assertEquals(sent.result, TCX_NEXT, what);
    assertEquals(view(sent.frame, macAt), clusterMac.toHex(), what);
    assertEquals(sent.frame.subarray(6, 12), nodeMac, what);
    if (!what.startsWith("ARP")) assertEquals(checksum(sent.frame.subarray(14)), 0xffff, what);

    programs.steering.setResponsibility(others, 1);
    assertEquals(
      run(frame).result,
      answers ? TCX_DROP : TCX_NEXT,
      `${what}, of another's requester`,
    );

    programs.steering.setResponsibility(BucketSet.all(), 1);
    programs.steering.setLease(0);
    assertEquals(run(frame).result, TCX_DROP, `${what}, without a lease`);
  }
  // The node's own words stay as they are, and need no lease.
  for (
    const [what, frame] of [
      ["own ARP", send(arpType, arp(2, own4, nodeMac, client))],
      ["own advertisement", send(ip6Type, ndp(136, own6, client6, own6, nodeMac))],
      ["own packet", send(0x0800, ipv4(own4, client, 17, ports(1, 2)))],
      ["membership report", send(0x0800, ipv4(shared4, "224.0.0.22", 2, ports(0x2200, 0)))],
    ] as const
  ) {
    const { result, frame: after } = run(frame);
    assertEquals([result, after.toHex()], [TCX_NEXT, frame.toHex()], what);
  }
  // Without a lease, what carries the shared address as its source stays here.
  const fenced = [
    send(0x0800, ipv4(shared4, client, 17, ports(1, 2))),
    send(ip6Type, ipv6(shared6, client6, 17, ports(1, 2))),
  ];
  for (const frame of fenced) assertEquals(run(frame).result, TCX_DROP);
  programs.steering.setLease(Number.MAX_SAFE_INTEGER);
  for (const frame of fenced) assertEquals(run(frame).result, TCX_NEXT);
});
