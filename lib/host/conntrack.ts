/**
 * The kernel's connection tracking table over netlink: one socket hears events, one writes to the table,
 * and each reading has its own (table_dump.ts). What is written by the second, the first does not hear: the
 * kernel names the causing port in nlmsg_pid of each event, and a filter on it drops ours before they are
 * queued.
 */
import {
  attachSocketFilter,
  ENOBUFS,
  PollSet,
  ReceiveSlots,
  setSocketOption,
  SO_RCVBUFFORCE,
  SOL_NETLINK,
  SOL_SOCKET,
} from "../../ffi/libc.ts";
import { SystemError } from "../../ffi/library.ts";
import { NETLINK_NETFILTER, NetlinkSocket } from "../../ffi/libmnl.ts";
import { AvailError } from "../errors.ts";
import { type EventKind, eventKind, parseEntry } from "../netlink/ctnetlink.ts";
import { conntrackGroups, ctNew } from "../netlink/ctnetlink_numbers.ts";
import {
  entryMessageBytesMax,
  writeChange,
  writeDelete,
  writeDumpRequest,
  writePut,
  writeTimeout,
} from "../netlink/ctnetlink_write.ts";
import { FlowRecord } from "../netlink/flow_record.ts";
import { align4, headerBytes, MessageWriter, NLMSG_DONE, NLMSG_ERROR } from "../netlink/message.ts";
import { defaultTimeouts, normalTimeoutS } from "../netlink/timeouts.ts";
import {
  type Batch,
  batchMax,
  type Conntrack,
  type DumpProgress,
  type InjectResult,
  type Operation,
} from "../replication/conntrack.ts";
import { TableDump } from "./table_dump.ts";

/** Some 60,000 events: what a busy node makes while a large table is read. */
const eventBufferBytes = 64 * 1024 * 1024;
/** Room for the answers to a batch that fails as a whole. */
const answerBufferBytes = 4 * 1024 * 1024;
const NETLINK_CAP_ACK = 10;

/** Events per system call; each has its slot. An event is at most about 700 bytes long. */
const slotCount = 256;
const slotBytes = 2048;

const sysctlFolder = "/proc/sys/net/netfilter/nf_conntrack_";

const ENOENT = 2;
const ENOMEM = 12;
const EBUSY = 16;
const EEXIST = 17;
const EOPNOTSUPP = 95;
const ETOOMANYREFS = 109;

/** One way to write an operation; where the kernel refuses one, another may follow. */
type Form =
  | Operation
  /** Away with what is there, then create. */
  | "recreate"
  /** `put` and `change` without the status, whose bits cannot be cleared. */
  | "putPlain"
  | "changePlain"
  /** Change where it exists; create where not. */
  | "changeFirst";

const roundsMax = 4;

export class LinuxConntrack implements Conntrack {
  readonly #events: NetlinkSocket;
  #dump: TableDump | null = null;
  readonly #writer: NetlinkSocket;
  readonly #poll: PollSet;
  readonly #slots = new ReceiveSlots(slotCount, slotBytes);
  readonly #slotView = new DataView(this.#slots.bytes.buffer);
  readonly #flow = new FlowRecord();
  /** Each operation may be written as two messages. */
  readonly #messages = new MessageWriter(2 * batchMax * entryMessageBytesMax);
  readonly #answer = new Uint8Array(8192);
  readonly #answerView = new DataView(this.#answer.buffer);
  readonly #timeouts: Readonly<Record<string, number>>;
  /** Which operation of the batch a message of this round belongs to; -1: its error is no matter. */
  readonly #owners = new Int32Array(2 * batchMax);
  readonly #errors = new Int32Array(batchMax);
  readonly #forms: Form[] = [];
  #sequence = 1;
  #eventCount = 0;
  #malformed = 0;

  private constructor() {
    this.#timeouts = readTimeouts();
    this.#events = new NetlinkSocket(NETLINK_NETFILTER, conntrackGroups);
    this.#writer = new NetlinkSocket(NETLINK_NETFILTER);
    setSocketOption(this.#events.fd, SOL_SOCKET, SO_RCVBUFFORCE, eventBufferBytes);
    setSocketOption(this.#writer.fd, SOL_SOCKET, SO_RCVBUFFORCE, answerBufferBytes);
    setSocketOption(this.#writer.fd, SOL_NETLINK, NETLINK_CAP_ACK, 1);
    dropEventsOf(this.#events.fd, this.#writer.portId);
    this.#poll = new PollSet([this.#events.fd]);
  }

  /**
   * Opens the table of this network namespace. `nf_conntrack_events` should be 1 by then: with its
   * default of 2, flows that are older than the listener never tell of themselves.
   */
  static open(): LinuxConntrack {
    try {
      Deno.readTextFileSync(`${sysctlFolder}events`);
      return new LinuxConntrack();
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new AvailError(
        `listen to connection events: ${why}; the kernel needs nf_conntrack with ` +
          "CONFIG_NF_CONNTRACK_EVENTS and CONFIG_NF_CT_NETLINK, and avail has to be root",
        { cause },
      );
    }
  }

  /** Events that were read. */
  get eventCount(): number {
    return this.#eventCount;
  }

  /** Messages of the kernel that could not be read. */
  get malformed(): number {
    return this.#malformed;
  }

  /** Waits, beside everything else, until an event is there or the time is up. */
  async waitForEvents(timeoutMs: number): Promise<boolean> {
    return await this.#poll.waitAsync(timeoutMs) > 0;
  }

  drain(
    take: (kind: EventKind, flow: FlowRecord) => void,
    budgetMs: number,
  ): "empty" | "more" | "overrun" {
    const until = performance.now() + budgetMs;
    do {
      let got: number | null;
      try {
        got = this.#slots.receive(this.#events.fd);
      } catch (error) {
        if (error instanceof SystemError && error.errno === ENOBUFS) return "overrun";
        throw error;
      }
      if (got === null) return "empty";
      for (let i = 0; i < got; i++) this.#takeEvent(i, take);
      this.#eventCount += got;
      if (got < slotCount) return "empty";
    } while (performance.now() < until);
    return "more";
  }

  #takeEvent(slot: number, take: (kind: EventKind, flow: FlowRecord) => void): void {
    const view = this.#slotView;
    const at = slot * slotBytes;
    const length = this.#slots.lengthOf(slot);
    const messageBytes = length < headerBytes ? 0 : view.getUint32(at, true);
    if (messageBytes < headerBytes || messageBytes > Math.min(length, slotBytes)) {
      this.#malformed++;
      return;
    }
    const kind = eventKind(view.getUint16(at + 4, true), view.getUint16(at + 6, true));
    if (kind === null) return;
    if (parseEntry(view, at + headerBytes, at + messageBytes, this.#flow) === null) {
      take(kind, this.#flow);
    } else {
      this.#malformed++;
    }
  }

  beginDump(more: () => void): void {
    this.#messages.reset();
    writeDumpRequest(this.#messages, this.#sequence++);
    this.#dump = new TableDump(this.#messages.bytes, more);
  }

  continueDump(take: (flow: FlowRecord) => void, budgetMs: number): DumpProgress {
    const until = performance.now() + budgetMs;
    do {
      const piece = this.#dump!.take();
      if (piece === null) return "waiting";
      if (this.#takePiece(piece, take)) {
        this.abandonDump();
        return "done";
      }
    } while (performance.now() < until);
    return "more";
  }

  /** true: it was the last one. */
  #takePiece(piece: Uint8Array<ArrayBuffer>, take: (flow: FlowRecord) => void): boolean {
    const view = new DataView(piece.buffer);
    for (let at = 0; at + headerBytes <= piece.length;) {
      const messageBytes = view.getUint32(at, true);
      if (messageBytes < headerBytes || at + messageBytes > piece.length) break;
      const type = view.getUint16(at + 4, true);
      if (type === NLMSG_DONE) return true;
      if (type === NLMSG_ERROR) {
        throw new SystemError("read the conntrack table", -view.getInt32(at + 16, true));
      }
      if (type === ctNew) {
        const fault = parseEntry(view, at + headerBytes, at + messageBytes, this.#flow);
        if (fault === null) take(this.#flow);
        else this.#malformed++;
      }
      at += align4(messageBytes);
    }
    return false;
  }

  abandonDump(): void {
    this.#dump?.close();
    this.#dump = null;
  }

  inject(batch: Batch): InjectResult {
    let pending: number[] = [];
    for (let i = 0; i < batch.length; i++) {
      this.#forms[i] = firstForm(batch.operation(i), batch.flow(i));
      pending.push(i);
    }
    let refused = 0;
    let failed = 0;
    for (let round = 0; pending.length > 0; round++) {
      this.#writeRound(batch, pending);
      const again: number[] = [];
      for (const i of pending) {
        const errno = this.#errors[i];
        if (errno === 0) continue;
        const isFull = errno === ENOMEM || errno === ETOOMANYREFS;
        // The kernel allocates without waiting here: the next attempt may find memory.
        const next = isFull ? this.#forms[i] : nextForm(this.#forms[i], errno);
        if (next === "done") continue;
        if (next === "refused" || isFull && round + 1 === roundsMax) refused++;
        else if (next === "failed" || round + 1 === roundsMax) failed++;
        else {
          this.#forms[i] = next;
          again.push(i);
        }
      }
      pending = again;
    }
    return { refused, failed };
  }

  /** Writes the pending operations and notes the kernel's errors. */
  #writeRound(batch: Batch, pending: readonly number[]): void {
    const messages = this.#messages;
    const first = this.#sequence;
    messages.reset();
    pending.forEach((i, n) => {
      this.#errors[i] = 0;
      const flow = batch.flow(i);
      if (this.#forms[i] === "recreate") {
        this.#owners[this.#sequence - first] = -1;
        writeDelete(messages, this.#sequence++, flow);
      }
      this.#owners[this.#sequence - first] = i;
      const isLast = n === pending.length - 1;
      writeForm(messages, this.#sequence++, this.#forms[i], flow, isLast);
    });
    this.#writer.send(messages.bytes);
    this.#readErrors(first);
    if (this.#sequence > 0x7fffffff) this.#sequence = 1;
  }

  /** The kernel has worked on all messages when `send` returns; its answers wait. */
  #readErrors(first: number): void {
    const view = this.#answerView;
    for (let length; (length = this.#writer.receive(this.#answer)) !== null;) {
      for (let at = 0; at + headerBytes + 4 <= length;) {
        const messageBytes = view.getUint32(at, true);
        if (messageBytes < headerBytes + 4 || at + messageBytes > length) break;
        const owner = this.#owners[view.getUint32(at + 8, true) - first] ?? -1;
        if (view.getUint16(at + 4, true) === NLMSG_ERROR && owner >= 0) {
          this.#errors[owner] = -view.getInt32(at + headerBytes, true);
        }
        at += align4(messageBytes);
      }
    }
  }

  occupancy(): { readonly count: number; readonly max: number } {
    return { count: readSysctl("count"), max: readSysctl("max") };
  }

  normalTimeoutS(flow: FlowRecord): number {
    return normalTimeoutS(flow, this.#timeouts);
  }

  /** Closes the sockets; nothing may wait for events any more. */
  close(): void {
    this.#events.close();
    this.abandonDump();
    this.#writer.close();
  }
}

function firstForm(operation: Operation, flow: FlowRecord): Form {
  const isTranslated = flow.hasSourceNat || flow.hasDestinationNat;
  return operation === "update" ? (isTranslated ? "changeFirst" : "put") : operation;
}

/** What follows when the kernel answers a form with this error. */
function nextForm(form: Form, errno: number): Form | "done" | "refused" | "failed" {
  switch (form) {
    case "create":
      return errno === EEXIST || errno === EOPNOTSUPP ? "recreate" : "failed";
    case "put":
      return errno === EOPNOTSUPP ? "recreate" : errno === EBUSY ? "putPlain" : "failed";
    case "changeFirst":
      return errno === ENOENT ? "create" : errno === EBUSY ? "changePlain" : "failed";
    case "change":
      return errno === ENOENT ? "refused" : errno === EBUSY ? "changePlain" : "failed";
    case "changePlain":
      return errno === ENOENT ? "done" : "failed";
    case "add":
      return errno === EEXIST ? "done" : "failed";
    case "timeout":
    case "delete":
      return errno === ENOENT ? "done" : "failed";
    default:
      return "failed";
  }
}

function writeForm(
  messages: MessageWriter,
  sequence: number,
  form: Form,
  flow: FlowRecord,
  ack: boolean,
): void {
  switch (form) {
    case "create":
    case "recreate":
    case "add":
      return writePut(messages, sequence, flow, { exclusive: true, nat: true, ack });
    case "put":
      return writePut(messages, sequence, flow, { nat: true, ack });
    case "putPlain":
      return writePut(messages, sequence, flow, { status: false, ack });
    case "change":
    case "changeFirst":
      return writeChange(messages, sequence, flow, { ack });
    case "changePlain":
      return writeChange(messages, sequence, flow, { status: false, ack });
    case "timeout":
      return writeTimeout(messages, sequence, flow, ack);
    case "delete":
      return writeDelete(messages, sequence, flow, ack);
  }
}

/**
 * Drops events whose nlmsg_pid is `portId`. Classic BPF loads words in network order, nlmsg_pid is in
 * the machine's.
 */
function dropEventsOf(fd: number, portId: number): void {
  const view = new DataView(new ArrayBuffer(4));
  view.setUint32(0, portId, true);
  attachSocketFilter(fd, [
    [0x20, 0, 0, 12], // ldw [12]
    [0x15, 0, 1, view.getUint32(0)], // jeq portId
    [0x06, 0, 0, 0], // ret 0: dropped
    [0x06, 0, 0, 0xffffffff], // ret all
  ]);
}

function readSysctl(name: string): number {
  return Number(Deno.readTextFileSync(sysctlFolder + name));
}

function readTimeouts(): Readonly<Record<string, number>> {
  const timeouts: Record<string, number> = {};
  for (const [name, seconds] of Object.entries(defaultTimeouts)) {
    try {
      timeouts[name] = readSysctl(name);
    } catch {
      timeouts[name] = seconds;
    }
  }
  return timeouts;
}
