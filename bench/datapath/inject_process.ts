/**
 * Sends frames through the pairs of host_lab.ts, in turns, and measures the CPU time: a program of its
 * own, since it lives in the lab's namespace and on one CPU. Takes an `InjectOrder` as JSON, prints an
 * `InjectResult`.
 */
import {
  BPF_PROG_TYPE_XDP,
  BPF_XDP,
  createLink,
  injectFrames,
  loadProgram,
  XDP_FLAGS_DRV_MODE,
} from "../../ffi/bpf.ts";
import { CLOCK_THREAD_CPUTIME_ID, clockMs, interfaceIndex } from "../../ffi/libc.ts";
import { compile } from "../../kmod/bpf/build.ts";
import { pack } from "../../kmod/bpf/pack.ts";
import type { KeyKind } from "../../lib/config.ts";
import { createRodata, loadPacked } from "../../lib/host/bpf_load.ts";
import type { PackedObject } from "../../lib/host/bpf_object.ts";
import { BucketSet } from "../../lib/ownership/bucket_set.ts";
import { plainShare, SteerPrograms } from "../../tests/kmod/steer_programs.ts";
import { be16, type Bytes, ethernet, ipv4, ipv6, zeros } from "../../tests/vectors/frames.ts";
import { sharedAddress } from "./host_lab.ts";
import type { Family } from "./report.ts";

export interface Lane {
  readonly sender: string;
  readonly receiver: string;
  readonly family: Family;
  /** What the injector attaches to the receiver: our program for that key, one that drops, nothing. */
  readonly program: KeyKind | "drop" | null;
  /** Whether the frames are for some other host. */
  readonly toForeignMac: boolean;
}

export interface InjectOrder {
  readonly cpu: number;
  readonly rounds: number;
  /** Frames of one lane in one round. */
  readonly frames: number;
  readonly lanes: readonly Lane[];
}

export interface InjectResult {
  /** CPU time of a frame in nanoseconds: for each lane, each round. */
  readonly nanoseconds: readonly (readonly number[])[];
  /** Frames that our program refused as another node's; null for other lanes. */
  readonly refused: readonly (number | null)[];
  /** Frames that were sent through each lane. */
  readonly sent: number;
}

/** r0 = XDP_DROP; exit */
const dropEverything = Uint8Array.fromHex("b7000000010000009500000000000000");
const notOwned = 1; // AVAIL_COUNT_NOT_OWNED
/** As many as a driver's poll takes at once. */
const batch = 64;

const order: InjectOrder = JSON.parse(Deno.args[0]);
const senderPrograms = compileSender();
const softirqClock = cpuClockOf(softirqThread(order.cpu));
const lanes = order.lanes.map(prepare);
for (const lane of lanes) send(lane); // caches, page pools, neighbours
const nanoseconds: number[][] = lanes.map(() => []);
for (let round = 0; round < order.rounds; round++) {
  // Another one begins each time: what a lane leaves behind in the caches is not always the same.
  for (let i = 0; i < lanes.length; i++) {
    const at = (i + round) % lanes.length;
    nanoseconds[at].push(send(lanes[at]));
  }
}
const result: InjectResult = {
  nanoseconds,
  refused: lanes.map(({ steering }) => steering === null ? null : steering.counts()[notOwned]),
  sent: order.frames * (order.rounds + 1),
};
console.log(JSON.stringify(result));

interface PreparedLane {
  readonly program: number;
  readonly frame: Uint8Array<ArrayBuffer>;
  readonly steering: SteerPrograms | null;
}

function prepare({ sender, receiver, family, program, toForeignMac }: Lane): PreparedLane {
  const index = new Uint8Array(Uint32Array.of(interfaceIndex(sender)!).buffer);
  const name = family === 4 ? "send_ip4" : "send_ip6";
  let steering: SteerPrograms | null = null;
  if (program !== null) {
    let fd: number;
    if (program === "drop") {
      fd = loadProgram({ name: program, type: BPF_PROG_TYPE_XDP, instructions: dropEverything });
    } else {
      steering = new SteerPrograms({ ...plainShare, key: program });
      steering.steering.setLease(Number.MAX_SAFE_INTEGER);
      steering.steering.setResponsibility(BucketSet.empty(), 0);
      fd = steering.load("steer_xdp");
    }
    createLink(fd, interfaceIndex(receiver)!, BPF_XDP, XDP_FLAGS_DRV_MODE); // as long as we live
  }
  return {
    program: loadPacked(senderPrograms, name, new Map(), createRodata(index)),
    frame: frameOf(family, toForeignMac),
    steering,
  };
}

/** Sends a round's frames; CPU time of one of them in nanoseconds. */
function send({ program, frame }: PreparedLane): number {
  const clocks = () => clockMs(CLOCK_THREAD_CPUTIME_ID) + clockMs(softirqClock);
  const start = clocks();
  injectFrames(program, frame, order.frames, batch);
  return (clocks() - start) * 1e6 / order.frames;
}

/** UDP without a checksum, to the shared address; the sender's program puts in its source. */
function frameOf(family: Family, toForeignMac: boolean): Uint8Array<ArrayBuffer> {
  const udp = [...be16(1000), ...be16(53), ...be16(26), 0, 0, ...zeros(18)];
  const bytes = family === 4
    ? ethernet(0x0800, withChecksum(ipv4("10.0.0.0", sharedAddress[4], 17, udp)))
    : ethernet(0x86dd, ipv6("2001:db8::", sharedAddress[6], 17, udp));
  const frame = Uint8Array.from(bytes);
  if (toForeignMac) frame.set([2, 0, 0, 0, 0, 0x77]);
  return frame;
}

/** The header's checksum as it is once the sender has put in a number and its complement (inject.bpf.c). */
function withChecksum(packet: Bytes): Bytes {
  const filled = packet.with(4, 0xff).with(5, 0xff).with(14, 0).with(15, 0);
  let sum = 0;
  for (let i = 0; i < 20; i += 2) sum += filled[i] << 8 | filled[i + 1];
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  const [high, low] = be16(~sum & 0xffff);
  return filled.with(10, high).with(11, low);
}

function compileSender(): PackedObject {
  const object = Deno.makeTempFileSync({ suffix: ".bpf.o" });
  try {
    compile(new URL("./inject.bpf.c", import.meta.url).pathname, object);
    return pack(Deno.readFileSync(object));
  } finally {
    Deno.removeSync(object);
  }
}

/** The kernel's thread that goes on with packets when a sender has held the CPU for too long. */
function softirqThread(cpu: number): number {
  for (const { name } of Deno.readDirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      if (Deno.readTextFileSync(`/proc/${name}/comm`).trim() === `ksoftirqd/${cpu}`) {
        return Number(name);
      }
    } catch {
      // It has ended meanwhile.
    }
  }
  throw new Error(`find the thread ksoftirqd/${cpu}: not there`);
}

/** clock_getcpuclockid(3): CPUCLOCK_SCHED of a process, linux/posix-timers_types.h. */
function cpuClockOf(pid: number): number {
  return ~pid << 3 | 2;
}
