/**
 * Which datagrams are due next, so that a flood cannot crowd them out.
 *
 * Each start of a node that has sealed a datagram is known by the number in its nonce (tokens.ts). Per
 * interface, because the same datagram comes by each of them once, a window of numbers that were taken
 * moves with the highest; the numbers above it are expected. The kernel's filter is given their tokens,
 * and what it lets in goes before everything else. The rest (starts that are not known yet, older
 * versions, floods) is read as far as its allowance goes.
 */
import { membersMax } from "../limits.ts";
import { type ClusterKey, type KeyRing } from "./keys.ts";
import { incarnationOffset, nonceOffset } from "./seal.ts";
import { toHex } from "./cursor.ts";
import { tokenOf, Tokens } from "./tokens.ts";

/** Numbers below the highest one that may still come; as for IPsec (RFC 4303, 3.4.3). */
const lateMax = 64;
/** Datagrams of one node that may be lost in a row before it has to be found again. */
const aheadMax = 32;
const aheadMin = 4;
/**
 * Tokens in one filter. Its program counts against the socket's option memory (20 KiB before Linux
 * 6.7), twice while it is replaced.
 */
const tokensMax = 360;
/** Keys of which tokens are expected: two during a rotation. */
const keysMax = 2;

/** What one interface expects of one start of a node. */
export interface ExpectedNode {
  readonly incarnation: Uint8Array;
  readonly tokens: readonly number[];
}

export type Standing =
  /** Due: its token is right, and its number has not come by this interface. */
  | "due"
  /** Its token is right, and it has come before, or is too old to tell. */
  | "repeated"
  /** Of nobody who is known, or of an older version. */
  | "unknown";

export class Expected {
  /** By incarnation, the one that was heard longest ago first. */
  readonly #nodes = new Map<string, KnownNode>();
  #keys: readonly ClusterKey[];

  constructor(ring: KeyRing) {
    this.#keys = ring.keys;
  }

  useRing(ring: KeyRing): void {
    this.#keys = ring.keys;
    for (const node of this.#nodes.values()) node.tokens.clear();
  }

  /** How a datagram stands that was not opened yet, at the cost of a comparison. */
  standing(datagram: Uint8Array, interfaceIndex: number): Standing {
    if (datagram.length < nonceOffset + 12) return "unknown";
    const found = tokenOf(datagram);
    const node = this.#nodes.get(toHex(datagram.subarray(incarnationOffset, nonceOffset)));
    if (found === null || node === undefined) return "unknown";
    // Far numbers are not worth the making of their tokens: nobody is so far ahead or behind.
    if (Math.abs(found.number - node.highest) > reckonedMax) return "unknown";
    const tokens = this.#tokensOf(node, datagram[3]);
    if (tokens === null || tokens.at(found.number) !== found.token) return "unknown";
    return node.window(interfaceIndex).isTaken(found.number) ? "repeated" : "due";
  }

  /** An authentic datagram has come; true where the interface now expects what it did not before. */
  take(datagram: Uint8Array, interfaceIndex: number): boolean {
    const found = tokenOf(datagram);
    if (found === null) return false;
    const incarnation = datagram.slice(incarnationOffset, nonceOffset);
    const name = toHex(incarnation);
    const known = this.#nodes.get(name);
    const node = known ?? new KnownNode(incarnation);
    const tokens = this.#tokensOf(node, datagram[3]);
    if (tokens === null || tokens.at(found.number) !== found.token) return false;
    this.#nodes.delete(name);
    this.#nodes.set(name, node);
    if (this.#nodes.size > membersMax) this.#nodes.delete(this.#nodes.keys().next().value!);
    node.highest = Math.max(node.highest, found.number);
    node.window(interfaceIndex).take(found.number);
    return known === undefined || node.isSpent(interfaceIndex);
  }

  /** What the filter of an interface is to let in from now on; remembers that it was asked. */
  next(interfaceIndex: number): ExpectedNode[] {
    const keys = this.#keys.slice(0, keysMax);
    const share = Math.floor(tokensMax / Math.max(1, this.#nodes.size * keys.length));
    const ahead = Math.max(aheadMin, Math.min(aheadMax, share));
    return [...this.#nodes.values()].map((node) => {
      const numbers = node.open(interfaceIndex, ahead);
      const tokens = keys.flatMap(({ id }) =>
        numbers.map((number) => this.#tokensOf(node, id)!.at(number))
      );
      return { incarnation: node.incarnation, tokens };
    });
  }

  #tokensOf(node: KnownNode, keyId: number): Tokens | null {
    const known = node.tokens.get(keyId);
    if (known !== undefined) return known;
    const key = this.#keys.find((candidate) => candidate.id === keyId);
    if (key === undefined) return null;
    const tokens = new Tokens(key.bytes, node.incarnation);
    node.tokens.set(keyId, tokens);
    return tokens;
  }
}

/** Beyond this distance from the newest number a token is not looked up. */
const reckonedMax = 4096;

class KnownNode {
  highest = -1;
  readonly tokens = new Map<number, Tokens>();
  /** Of each interface, made when it is first asked for: interfaces may come later. */
  readonly #windows: Window[] = [];
  /** The numbers that each interface's filter lets in end before this one, and half of them before. */
  readonly #opened: { half: number; end: number }[] = [];

  constructor(readonly incarnation: Uint8Array) {}

  window(interfaceIndex: number): Window {
    return this.#windows[interfaceIndex] ??= new Window();
  }

  /** Numbers to let in: a few that may be late on this interface, and `ahead` beyond the newest. */
  open(interfaceIndex: number, ahead: number): number[] {
    const window = this.window(interfaceIndex);
    const end = this.highest + 1 + ahead;
    this.#opened[interfaceIndex] = { half: this.highest + Math.ceil(ahead / 2), end };
    const numbers: number[] = [];
    for (let number = Math.max(0, this.highest + 1 - aheadMin); number < end; number++) {
      if (!window.isTaken(number)) numbers.push(number);
    }
    return numbers;
  }

  isSpent(interfaceIndex: number): boolean {
    return this.highest >= (this.#opened[interfaceIndex]?.half ?? 0);
  }
}

/** Numbers that have come: the highest, and which of those below it (RFC 6479). */
class Window {
  #highest = -1;
  readonly #taken = new Uint8Array(lateMax);

  isTaken(number: number): boolean {
    if (number > this.#highest) return false;
    return number <= this.#highest - lateMax || this.#taken[number % lateMax] === 1;
  }

  take(number: number): void {
    if (number > this.#highest) {
      const from = Math.max(this.#highest + 1, number - lateMax + 1);
      for (let skipped = from; skipped < number; skipped++) this.#taken[skipped % lateMax] = 0;
      this.#highest = number;
    }
    if (number > this.#highest - lateMax) this.#taken[number % lateMax] = 1;
  }
}
