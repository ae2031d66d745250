/**
 * The core's thread: heartbeats, lease and takeover, and nothing else. It is one blocking loop (wait
 * in poll(2), step the core, carry out the effects), without promises or timers of the runtime and
 * without any per-flow memory, so that nothing of this process but this loop decides when it runs.
 */
import { PollSet, receive } from "../../ffi/libc.ts";
import { RepeatLimiter } from "../log.ts";
import { Node } from "../node.ts";
import type { CoreEvent, Effect, Input } from "../node_types.ts";
import { BucketSet } from "../ownership/bucket_set.ts";
import type { Steering } from "../ports.ts";
import { formatAddress } from "../wire/address.ts";
import { clusterId, DatagramSeal, datagramTags, nonceBytes } from "../wire/seal.ts";
import { fromHex } from "../wire/cursor.ts";
import { AddressProbe } from "./address_probe.ts";
import { CarrierMonitor } from "./carrier_monitor.ts";
import { now, stepMs } from "./clock.ts";
import { openSteering } from "./datapath.ts";
import { HeartbeatLinks } from "./heartbeat_links.ts";
import { preferCore } from "./scheduling.ts";
import { commandFromJson, type ThreadReport, type ThreadStart, toJson } from "./thread_messages.ts";

/** How often datagrams that carry none of our tags are looked at. */
const strangersEveryMs = 500;
/** A wait never lasts longer, so that strangers and answers are seen. */
const waitMsMax = 500;
const commandBytesMax = 256 * 1024;

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
  readonly #links: HeartbeatLinks;
  readonly #carriers: CarrierMonitor;
  readonly #probe: AddressProbe;
  readonly #steering: Steering;
  readonly #core: Node;
  readonly #refused = new Map<string, number>();
  /** What others can make this node say is said once a minute. */
  readonly #saidOnce = new RepeatLimiter();
  readonly #command = new Uint8Array(commandBytesMax);
  readonly #nonce = new Uint8Array(nonceBytes);
  #strangersAt = 0;
  #stopped = false;

  constructor(start: ThreadStart) {
    this.#start = start;
    const { options, adopted, clusterName, keys, interfaces, steering } = start;
    this.#seal = new DatagramSeal(keys, clusterName, fromHex(options.incarnation));
    this.#links = new HeartbeatLinks(
      interfaces,
      clusterId(clusterName),
      datagramTags(keys, clusterName),
    );
    this.#carriers = new CarrierMonitor(interfaces.map(({ index }) => index));
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
    for (const change of this.#carriers.present()) this.#step({ kind: "carrier", ...change });
    const poll = new PollSet([
      this.#start.commandFd,
      this.#carriers.descriptor,
      ...this.#links.descriptors,
    ]);
    while (!this.#stopped) {
      const waitMs = this.#core.deadline - now();
      poll.wait(Math.max(0, Math.min(waitMsMax, Math.ceil(waitMs))));
      this.#steering.expire?.(now());
      for (let i = 0; i < this.#start.interfaces.length; i++) {
        if (poll.isReady(2 + i)) this.#takeDatagrams(i);
      }
      if (poll.isReady(1)) {
        for (const change of this.#carriers.changes()) this.#step({ kind: "carrier", ...change });
      }
      if (poll.isReady(0)) this.#takeCommands();
      if (now() >= this.#strangersAt) this.#lookAtStrangers();
      if (now() >= this.#core.deadline) this.#step({ kind: "tick" });
    }
    this.#links.close();
    this.#carriers.close();
    this.#probe.close();
  }

  #step(input: Input): void {
    for (const effect of this.#core.step(input, now())) this.#carryOut(effect);
  }

  #carryOut(effect: Effect): void {
    switch (effect.kind) {
      case "send":
        crypto.getRandomValues(this.#nonce);
        this.#links.broadcast(this.#seal.seal(effect.message, this.#nonce));
        return;
      case "responsibility":
        return this.#steering.setResponsibility(effect.buckets, effect.epoch);
      case "lease":
        return this.#steering.setLease(effect.until);
      case "orders":
        return self.postMessage({ kind: "orders", orders: toJson(effect.orders) });
      case "release":
        return self.postMessage({ kind: "release", order: toJson(effect.order) });
      case "event":
        if (oftenRepeated.includes(effect.event.name)) return this.#sayOnce(effect.event);
        return self.postMessage({ kind: "event", event: effect.event });
      case "probe":
        return this.#probe.ask();
      case "stopped":
        this.#stopped = true;
        return self.postMessage({ kind: "stopped" });
    }
  }

  #takeDatagrams(interfaceIndex: number): void {
    for (const datagram of this.#links.receive(interfaceIndex)) {
      const opened = this.#seal.open(datagram);
      if (!opened.ok) {
        this.#refuse(opened.refusal);
        continue;
      }
      const { incarnation, message } = opened;
      this.#step({ kind: "message", incarnation, interfaceIndex, message });
    }
  }

  /** Datagrams that name this cluster and cannot be opened, and answers for shared addresses. */
  #lookAtStrangers(): void {
    this.#strangersAt = now() + strangersEveryMs;
    for (const datagram of this.#links.receiveStrangers()) {
      const opened = this.#seal.open(datagram);
      const refusal = opened.ok ? "wrong tag" : opened.refusal;
      this.#refuse(refusal);
      this.#step({ kind: "stranger", reason: refusal });
    }
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
      else this.#tellSnapshot(command.id);
    }
  }

  #tellSnapshot(id: number): void {
    const snapshot = this.#core.snapshot(now());
    const refused = { ...snapshot.refused, ...Object.fromEntries(this.#refused) };
    self.postMessage({ kind: "snapshot", id, snapshot: { ...snapshot, refused } });
  }

  #refuse(reason: string): void {
    this.#refused.set(reason, (this.#refused.get(reason) ?? 0) + 1);
    const text = `a datagram was refused: ${reason}`;
    this.#sayOnce({ level: "warning", name: "refused", text, fields: { reason } });
  }

  #sayOnce(event: CoreEvent): void {
    if (this.#saidOnce.admit(event.text, now()) === null) return;
    self.postMessage({ kind: "event", event });
  }
}
