/**
 * Datagrams of others on their way from the sockets to the core: opened, counted, and read in an order
 * and an amount that no flood decides.
 *
 * A datagram that is due (lib/wire/expected.ts) is always read. All others share an allowance for each
 * interface, which is spent by what cannot be opened, was seen before, or is refused by the core. When
 * it is spent, the rest stays in the kernel, which drops what its queue cannot hold.
 */
import { Expected } from "../wire/expected.ts";
import type { KeyRing } from "../wire/keys.ts";
import { clusterId, DatagramSeal, datagramTags } from "../wire/seal.ts";
import { membersMax } from "../limits.ts";
import { type Arrival, HeartbeatLinks, type InterfaceSlots } from "./heartbeat_links.ts";

/** Repetitions of what was due, after which the filter moves on at once. */
const repetitionsMax = 8;
/** The filter of an interface does not move on more often than this for their sake. */
const refilterMsMin = 5;
/** After a repetition nothing is left waiting for so long: whoever floods must not fill the queue. */
const alertMs = 1000;

export interface Taken {
  readonly incarnation: string;
  readonly interfaceIndex: number;
  readonly message: Uint8Array;
  /** When it came. */
  readonly at: number;
}

export interface IntakeHandler {
  /** false: the core had no use for it. */
  take(taken: Taken): boolean;
  /** It was counted by that reason and changes nothing. */
  refuse(reason: string): void;
}

export class HeartbeatIntake {
  readonly links: HeartbeatLinks;
  readonly #seal: DatagramSeal;
  readonly #clusterName: string;
  readonly #expected: Expected;
  readonly #handler: IntakeHandler;
  readonly #now: () => number;
  /** By incarnation, the one that was heard longest ago first: the key of its newest datagram. */
  readonly #keyIds = new Map<string, number>();
  #repetitions: number[] = [];
  #refilteredAt: number[] = [];
  #alertUntil = -Infinity;

  constructor(
    options: {
      readonly keys: KeyRing;
      readonly clusterName: string;
      readonly seal: DatagramSeal;
      readonly interfaces: InterfaceSlots;
      readonly now: () => number;
    },
    handler: IntakeHandler,
  ) {
    const { keys, clusterName, seal, interfaces } = options;
    this.#seal = seal;
    this.#clusterName = clusterName;
    this.#handler = handler;
    this.#now = options.now;
    this.#expected = new Expected(keys);
    const tags = datagramTags(keys, clusterName);
    this.links = new HeartbeatLinks(interfaces, clusterId(clusterName), tags);
    this.#repetitions = interfaces.map(() => 0);
    this.#refilteredAt = interfaces.map(() => -Infinity);
  }

  /** The keys by which each start of a node was heard last, by incarnation. */
  get keyIds(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#keyIds);
  }

  /** Datagrams sealed with any of these keys are let in from now on. */
  useKeys(keys: KeyRing): void {
    this.#expected.useRing(keys);
    this.links.useTags(datagramTags(keys, this.#clusterName));
    for (let i = 0; i < this.links.count; i++) this.#refilter(i);
  }

  /** As `HeartbeatLinks.useInterfaces`. */
  useInterfaces(interfaces: InterfaceSlots): void {
    this.#repetitions = interfaces.map((_, i) => this.#repetitions[i] ?? 0);
    this.#refilteredAt = interfaces.map((_, i) => this.#refilteredAt[i] ?? -Infinity);
    try {
      this.links.useInterfaces(interfaces);
    } finally {
      for (let i = 0; i < this.links.count; i++) this.#refilter(i);
    }
  }

  /** Whether what is not due may be read on an interface now. */
  mayReadUndue(interfaceIndex: number): boolean {
    return this.links.maySpend(interfaceIndex, this.#now());
  }

  /** Whether what is due may be left in the queues for a while. */
  mayWait(now: number): boolean {
    return now >= this.#alertUntil && !this.links.isMoreDue;
  }

  takeDue(): void {
    for (const arrival of this.links.receiveDue()) {
      const { datagram, interfaceIndex } = arrival;
      if (this.#expected.standing(datagram, interfaceIndex) !== "repeated") {
        this.#open(arrival);
      } else {
        this.#handler.refuse("replayed");
        this.#repetitions[interfaceIndex]++;
        this.#alertUntil = this.#now() + alertMs;
      }
    }
    for (let i = 0; i < this.links.count; i++) {
      const isFlooded = this.#repetitions[i] > repetitionsMax &&
        this.#now() - this.#refilteredAt[i] > refilterMsMin;
      if (isFlooded) this.#refilter(i);
    }
  }

  /** Reads what is not due, as far as its allowance goes. */
  takeUndue(interfaceIndex: number): void {
    for (const datagram of this.links.receiveUndue(interfaceIndex, this.#now)) {
      const isRepeated = this.#expected.standing(datagram, interfaceIndex) === "repeated";
      if (isRepeated) this.#handler.refuse("replayed");
      const arrival = { datagram, interfaceIndex, at: this.#now() };
      if (isRepeated || !this.#open(arrival)) this.links.spend(interfaceIndex);
    }
  }

  /** Datagrams without a tag of ours are counted; `tell` is given each one's reason. */
  takeStrangers(tell: (reason: string) => void): void {
    for (const datagram of this.links.receiveStrangers()) {
      const opened = this.#seal.open(datagram);
      const reason = opened.ok ? "wrong tag" : opened.refusal;
      this.#handler.refuse(reason);
      tell(reason);
    }
  }

  /** Whether the datagram was of use. */
  #open({ datagram, interfaceIndex, at }: Arrival): boolean {
    const opened = this.#seal.open(datagram);
    if (!opened.ok) {
      this.#handler.refuse(opened.refusal);
      return false;
    }
    const { incarnation, message, keyId } = opened;
    if (!this.#handler.take({ incarnation, interfaceIndex, message, at })) return false;
    this.#noteKey(incarnation, keyId);
    if (this.#expected.take(datagram, interfaceIndex)) this.#refilter(interfaceIndex);
    return true;
  }

  #noteKey(incarnation: string, keyId: number): void {
    this.#keyIds.delete(incarnation);
    this.#keyIds.set(incarnation, keyId);
    if (this.#keyIds.size > membersMax) this.#keyIds.delete(this.#keyIds.keys().next().value!);
  }

  #refilter(interfaceIndex: number): void {
    this.#repetitions[interfaceIndex] = 0;
    this.#refilteredAt[interfaceIndex] = this.#now();
    this.links.expect(interfaceIndex, this.#expected.next(interfaceIndex));
  }

  close(): void {
    this.links.close();
  }
}
