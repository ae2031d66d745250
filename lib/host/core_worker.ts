/**
 * The core's thread: heartbeats, lease and takeover, and nothing else. It is one blocking loop (wait
 * in poll(2), step the core, carry out the effects), without promises or timers of the runtime and
 * without any per-flow memory, so that nothing of this process but this loop decides when it runs.
 */
import { PollSet, receive } from "../../ffi/libc.ts";
import { SystemError } from "../../ffi/library.ts";
import { RepeatLimiter } from "../log.ts";
import { Node } from "../node.ts";
import type { CoreEvent, Effect, Input } from "../node_types.ts";
import { BucketSet } from "../ownership/bucket_set.ts";
import type { Steering } from "../ports.ts";
import { formatAddress } from "../wire/address.ts";
import { DatagramMeter } from "../wire/datagram_meter.ts";
import { parseKeyFile } from "../wire/keys.ts";
import { DatagramSeal } from "../wire/seal.ts";
import { fromHex } from "../wire/cursor.ts";
import { Nonces } from "../wire/tokens.ts";
import { openAead } from "./aead.ts";
import { AddressProbe } from "./address_probe.ts";
import { type CarrierChange, CarrierMonitor } from "./carrier_monitor.ts";
import { now, stepMs } from "./clock.ts";
import { openSteering } from "./datapath.ts";
import { HeartbeatIntake, type Taken } from "./heartbeat_intake.ts";
import { preferCore } from "./scheduling.ts";
import {
  commandFromJson,
  type ThreadCommand,
  type ThreadReport,
  type ThreadStart,
  toJson,
} from "./thread_messages.ts";

/** How often datagrams that carry none of our tags are looked at. */
const strangersEveryMs = 500;
/** A wait never lasts longer, so that strangers and answers are seen. */
const waitMsMax = 500;
const commandBytesMax = 256 * 1024;
/** While nothing goes on, datagrams that are due are gathered for this part of an interval, ... */
const gatheredIntervals = 0.5;
/** ... and for so long at most: that is how much later this node may learn of news. */
const gatheredMsMax = 50;

/** Events that others can cause at will: each text is told once a minute. */
const oftenRepeated: readonly string[] = ["conflict", "refused"];

declare const self: {
  onmessage: ((event: { data: ThreadStart }) => void) | null;
  postMessage(report: ThreadReport): void;
  close(): void;
};

self.onmessage = ({ data }) => {
  self.onmessage = null;
  try {
    new CoreLoop(data).run();
  } catch (error) {
    const text = error instanceof Error ? error.stack ?? error.message : String(error);
    self.postMessage({ kind: "failed", error: text });
  }
  self.close();
};

class CoreLoop {
  readonly #start: ThreadStart;
  readonly #seal: DatagramSeal;
  readonly #nonces: Nonces;
  readonly #intake: HeartbeatIntake;
  readonly #carriers: CarrierMonitor;
  readonly #probe: AddressProbe;
  readonly #steering: Steering;
  readonly #core: Node;
  readonly #refused = new Map<string, number>();
  /** Interfaces without a carrier. */
  readonly #down = new Set<number>();
  readonly #sent = new DatagramMeter();
  readonly #received = new DatagramMeter();
  /** What others can make this node say is said once a minute. */
  readonly #saidOnce = new RepeatLimiter();
  readonly #command = new Uint8Array(commandBytesMax);
  #strangersAt = 0;
  #stopped = false;
  #hasReadAt = -Infinity;
  #steppedAt = -Infinity;
  /** What came until then is taken as of when it came; -Infinity: nothing is. */
  #arrivalsCountUntil = -Infinity;
  /** null: the descriptors have changed. */
  #poll: PollSet | null = null;

  constructor(start: ThreadStart) {
    this.#start = start;
    const { options, adopted, clusterName, keys, interfaces, steering } = start;
    const incarnation = fromHex(options.incarnation);
    this.#seal = new DatagramSeal(keys, clusterName, incarnation, { aead: openAead() });
    this.#nonces = new Nonces(keys.keys[0].bytes, incarnation);
    this.#intake = new HeartbeatIntake(
      { keys, clusterName, seal: this.#seal, interfaces, now },
      {
        take: (taken) => this.#take(taken),
        refuse: (reason) => this.#refuse(reason),
      },
    );
    this.#carriers = new CarrierMonitor(indicesOf(interfaces));
    this.#probe = new AddressProbe(start.probes);
    this.#steering = openSteering(steering);
    const held = adopted && {
      responsibility: BucketSet.fromHex(adopted.responsibility),
      leaseUntil: adopted.leaseUntil,
    };
    this.#core = new Node(
      { ...options, adopted: held, clockStepMs: stepMs() },
      now(),
    );
  }

  run(): void {
    self.postMessage({ kind: "started", scheduling: preferCore() });
    this.#takeCarriers(this.#carriers.present());
    while (!this.#stopped) {
      const poll = this.#poll ??= this.#pollSet();
      const { count } = this.#intake.links;
      const readAt = this.#readAt();
      const isDueWatched = now() >= readAt;
      for (let i = 0; i < count; i++) {
        poll.watch(2 + i, isDueWatched);
        poll.watch(2 + count + i, this.#intake.mayReadUndue(i));
      }
      const until = isDueWatched ? this.#core.deadline : Math.min(this.#core.deadline, readAt);
      poll.wait(Math.max(0, Math.min(waitMsMax, Math.ceil(until - now()))));
      const woken = now();
      this.#steering.expire?.(woken);
      // Whatever woke it: what has come is known before anything is decided.
      this.#arrivalsCountUntil = this.#core.isLate(woken) ? -Infinity : woken;
      this.#intake.takeDue();
      this.#hasReadAt = woken;
      for (let i = 0; i < count; i++) {
        if (poll.isReady(2 + count + i)) this.#intake.takeUndue(i);
      }
      if (poll.isReady(1)) this.#takeCarriers(this.#carriers.changes());
      if (poll.isReady(0)) this.#takeCommands();
      if (now() >= this.#strangersAt) this.#lookAtStrangers();
      if (now() >= this.#core.deadline) this.#step({ kind: "tick" });
    }
    this.#intake.close();
    this.#carriers.close();
    this.#probe.close();
  }

  #pollSet(): PollSet {
    const { descriptors } = this.#intake.links;
    return new PollSet([this.#start.commandFd, this.#carriers.descriptor, ...descriptors]);
  }

  /** When what is due is read again: while nothing goes on, one waking may do for many datagrams. */
  #readAt(): number {
    if (!this.#core.isCalm || !this.#intake.mayWait(this.#hasReadAt)) return -Infinity;
    const { intervalMs } = this.#start.options;
    return this.#hasReadAt + Math.min(gatheredMsMax, intervalMs * gatheredIntervals);
  }

  #takeCarriers(changes: readonly CarrierChange[]): void {
    for (const change of changes) {
      const { interfaceIndex, up } = change;
      this.#step({ kind: "carrier", ...change });
      if (!up) this.#down.add(interfaceIndex);
      else if (this.#down.delete(interfaceIndex)) {
        self.postMessage({ kind: "carrier", interfaceIndex });
      }
    }
  }

  #take({ at, ...message }: Taken): boolean {
    const isOfUse = this.#step({ kind: "message", ...message }, at);
    if (isOfUse) this.#received.count(message.message);
    return isOfUse;
  }

  /**
   * `at`: when it came, where that was before now. The core takes it as of then, which it could have
   * been given then; but not when this thread was not run for so long that the core has to know of it.
   *
   * @returns false: the core refused what it was given.
   */
  #step(input: Input, at = Infinity): boolean {
    let isRefused = false;
    this.#steppedAt = Math.max(this.#steppedAt, at <= this.#arrivalsCountUntil ? at : now());
    for (const effect of this.#core.step(input, this.#steppedAt)) {
      isRefused ||= effect.kind === "event" && effect.event.name === "refused";
      this.#carryOut(effect);
    }
    return !isRefused;
  }

  #carryOut(effect: Effect): void {
    switch (effect.kind) {
      case "send":
        this.#sent.count(effect.message);
        this.#intake.links.broadcast(this.#seal.seal(effect.message, this.#nonces.next()));
        return;
      case "responsibility":
        return this.#steering.setResponsibility(effect.buckets, effect.epoch);
      case "lease":
        return this.#steering.setLease(effect.until);
      case "orders":
        return self.postMessage({ kind: "orders", orders: toJson(effect.orders) });
      case "release":
        return self.postMessage({
          kind: "release",
          order: toJson(effect.order),
          offAt: now(),
        });
      case "event":
        if (oftenRepeated.includes(effect.event.name)) return this.#sayOnce(effect.event);
        return self.postMessage({ kind: "event", event: effect.event });
      case "execute":
      case "forwarded":
      case "configured":
        return self.postMessage(effect);
      case "probe":
        return this.#probe.ask();
      case "stopped":
        this.#stopped = true;
        return self.postMessage({ kind: "stopped" });
    }
  }

  /** Datagrams that name this cluster and cannot be opened, and answers for shared addresses. */
  #lookAtStrangers(): void {
    this.#strangersAt = now() + strangersEveryMs;
    this.#intake.takeStrangers((reason) => this.#step({ kind: "stranger", reason }));
    for (const address of this.#probe.answers()) {
      this.#step({ kind: "answered", address: formatAddress(address) });
    }
  }

  #takeCommands(): void {
    for (;;) {
      const length = receive(this.#start.commandFd, this.#command);
      if (length === null || length === 0) return;
      const text = new TextDecoder().decode(this.#command.subarray(0, length));
      const command = commandFromJson(text);
      if (command.kind === "input") this.#step(command.input);
      else if (command.kind === "snapshot") this.#tellSnapshot(command.id);
      else if (command.kind === "interfaces") this.#useInterfaces(command.interfaces);
      else this.#useKeys(command);
    }
  }

  /** Links that come and go; what stays goes on as it is. */
  #useInterfaces(interfaces: ThreadStart["interfaces"]): void {
    this.#poll = null;
    try {
      this.#intake.useInterfaces(interfaces);
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
      const text = `a link cannot be used: ${error.message}`;
      const event = { level: "error", name: "link-failed", text, fields: {} } as const;
      self.postMessage({ kind: "event", event });
    }
    this.#carriers.use(indicesOf(interfaces));
    this.#takeCarriers(this.#carriers.present());
  }

  #useKeys({ id, keys }: Extract<ThreadCommand, { kind: "keys" }>): void {
    if (keys !== null) {
      const ring = parseKeyFile(keys);
      this.#seal.useRing(ring);
      this.#nonces.useKey(ring.keys[0].bytes);
      this.#intake.useKeys(ring);
    }
    self.postMessage({ kind: "keys", id, heard: this.#intake.keyIds });
  }

  #tellSnapshot(id: number): void {
    const snapshot = this.#core.snapshot(now());
    const refused = { ...snapshot.refused, ...Object.fromEntries(this.#refused) };
    const datagrams = { sent: this.#sent.counts, received: this.#received.counts };
    self.postMessage({ kind: "snapshot", id, snapshot: { ...snapshot, refused }, datagrams });
  }

  #refuse(reason: string): void {
    this.#refused.set(reason, (this.#refused.get(reason) ?? 0) + 1);
    const text = `a datagram was refused: ${reason}`;
    this.#sayOnce({ level: "warning", name: "refused", text, fields: { reason } });
  }

  #sayOnce(event: CoreEvent): void {
    const fields = this.#saidOnce.fieldsOf(event.text, event.fields, now());
    if (fields !== null) self.postMessage({ kind: "event", event: { ...event, fields } });
  }
}

/** The kernel's numbers of the interfaces; -1 where a place has none. */
function indicesOf(interfaces: ThreadStart["interfaces"]): number[] {
  return interfaces.map((one) => one?.index ?? -1);
}
