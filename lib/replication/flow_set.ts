/**
 * A set of flows by a 64-bit hash of what names them (original tuple, protocol, zone), in one typed
 * array: nothing per flow for the collector to walk. Two flows with one hash count as one, which
 * leaves a stale entry standing until its timeout; at a million flows that is one case in 10^7.
 */
import { type FlowRecord } from "../netlink/flow_record.ts";

const entriesMin = 256;

export class FlowSet {
  /** Pairs of words; (0, 0) is a free place. Its length is a power of two. */
  #words = new Uint32Array(2 * entriesMin);
  #size = 0;
  #low = 0;
  #high = 0;

  get size(): number {
    return this.#size;
  }

  add(flow: FlowRecord): void {
    this.#hash(flow);
    if (this.#size * 4 >= this.#words.length) this.#grow();
    this.#insert(this.#low, this.#high);
  }

  has(flow: FlowRecord): boolean {
    this.#hash(flow);
    return this.#words[this.#place(this.#low, this.#high)] !== 0;
  }

  #insert(low: number, high: number): void {
    const at = this.#place(low, high);
    if (this.#words[at] === 0) this.#size++;
    this.#words[at] = low;
    this.#words[at + 1] = high;
  }

  /** Where the pair is, or would be. */
  #place(low: number, high: number): number {
    const words = this.#words;
    const mask = words.length - 1;
    let at = low << 1 & mask;
    while (words[at] !== 0 && (words[at] !== low || words[at + 1] !== high)) at = at + 2 & mask;
    return at;
  }

  #grow(): void {
    const old = this.#words;
    this.#words = new Uint32Array(2 * old.length);
    this.#size = 0;
    for (let i = 0; i < old.length; i += 2) {
      if (old[i] !== 0) this.#insert(old[i], old[i + 1]);
    }
  }

  /** Two rounds of 32-bit mixing (the finalizer of MurmurHash3) with different starts. */
  #hash(flow: FlowRecord): void {
    let low = 0x9e3779b9 ^ flow.protocol;
    let high = 0x85ebca6b ^ flow.family;
    const { addresses } = flow;
    for (let i = 0; i < 32; i += 4) {
      const word = addresses[i] << 24 | addresses[i + 1] << 16 | addresses[i + 2] << 8 |
        addresses[i + 3];
      low = mix(low ^ word);
      high = mix(high + word | 0);
    }
    const ports = flow.sourcePort << 16 | flow.destinationPort;
    low = mix(low ^ ports ^ flow.zone);
    high = mix(high + ports + (flow.zoneDirection << 16 | flow.zone) | 0);
    this.#low = low >>> 0 || 1;
    this.#high = high >>> 0;
  }
}

function mix(x: number): number {
  x = Math.imul(x ^ x >>> 16, 0x85ebca6b);
  x = Math.imul(x ^ x >>> 13, 0xc2b2ae35);
  return x ^ x >>> 16;
}
