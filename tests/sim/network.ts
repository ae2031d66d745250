/**
 * The simulated network: every node sees every other by one or more interfaces, and each direction of
 * each of these can be cut, lose, repeat and delay datagrams by itself.
 */
import type { Random } from "./random.ts";

export interface NetworkOptions {
  readonly nodes: number;
  readonly interfaces: number;
  /** Probability that a datagram is lost on one interface. */
  readonly loss: number;
  /** Probability that it comes twice. */
  readonly repeat: number;
  /** The longest time that it takes, in ms; the shortest is 0.05. */
  readonly delayMsMax: number;
}

export class Network {
  /** Bits of interfaces that are cut, by `from * nodes + to`. */
  readonly #cuts: Uint32Array;
  /** When the direction became passable again, after no interface of it was. */
  readonly #openSince: Float64Array;
  /** More delay of a direction, in ms. */
  readonly #slowMs: Float64Array;
  readonly #all: number;

  constructor(readonly options: NetworkOptions) {
    this.#cuts = new Uint32Array(options.nodes ** 2);
    this.#slowMs = new Float64Array(options.nodes ** 2);
    this.#openSince = new Float64Array(options.nodes ** 2).fill(-Infinity);
    this.#all = (1 << options.interfaces) - 1;
  }

  /** `interfaces` as bits; all by default. */
  cut(from: number, to: number, interfaces = this.#all): void {
    this.#cuts[this.#at(from, to)] |= interfaces;
  }

  heal(now: number): void {
    this.#cuts.forEach((cut, at) => {
      if (cut === this.#all) this.#openSince[at] = now;
    });
    this.#cuts.fill(0);
    this.#slowMs.fill(0);
  }

  slow(from: number, to: number, ms: number): void {
    this.#slowMs[this.#at(from, to)] = ms;
  }

  passes(from: number, to: number, interfaceIndex: number): boolean {
    return (this.#cuts[this.#at(from, to)] >> interfaceIndex & 1) === 0;
  }

  /** By any interface. */
  reaches(from: number, to: number): boolean {
    return this.#cuts[this.#at(from, to)] !== this.#all;
  }

  /** Since when it has been so; Infinity: it is not. */
  reachesSince(from: number, to: number): number {
    return this.reaches(from, to) ? this.#openSince[this.#at(from, to)] : Infinity;
  }

  /** When copies of a datagram that is sent now arrive, in ms from now. */
  arrivals(from: number, to: number, interfaceIndex: number, random: Random): number[] {
    if (!this.passes(from, to, interfaceIndex)) return [];
    const { loss, repeat, delayMsMax } = this.options;
    if (loss > 0 && random.chance(loss)) return [];
    const delay = () => 0.05 + random.next() * delayMsMax + this.#slowMs[this.#at(from, to)];
    return repeat > 0 && random.chance(repeat) ? [delay(), delay()] : [delay()];
  }

  #at(from: number, to: number): number {
    return from * this.options.nodes + to;
  }
}
