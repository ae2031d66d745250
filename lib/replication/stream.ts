/**
 * A sealed stream between two nodes: bytes in, plaintexts and bytes out. It opens nothing and draws
 * nothing: randomness is given to it.
 *
 * Both sides prove that they hold a key of the cluster, over a transcript that has both names, both
 * incarnations and fresh randomness of both; the keys of the two directions come from the same
 * transcript. So a recording opens no stream: a replayed HELLO gets a WELCOME with new randomness, to
 * which the recorded FINISH does not fit. Behind the handshake each frame is AES-256-GCM with the
 * frame's number as nonce: a frame that was changed, left out, repeated or moved cannot be opened.
 */
import { createCipheriv, createDecipheriv } from "node:crypto";
import { assert } from "../errors.ts";
import { type ClusterKey, derive, type KeyRing } from "../wire/keys.ts";
import {
  decodeHello,
  encodeFinish,
  encodeHello,
  endsWithMac,
  finishBytes,
  hasMagic,
  type Hello,
  helloBytesMax,
  helloKeyIdOffset,
  kindFinish,
  kindHello,
  kindWelcome,
  macBytes,
  macOf,
} from "./hello.ts";

/** Versions of what goes through a stream that this program speaks. */
export const versionMin = 1;
export const versionMax = 1;

/** Longest plaintext of one frame; what a receiver must be ready to hold. */
export const plaintextBytesMax = 32 * 1024;
const tagBytes = 16;
const lengthBytes = 2;

/** Why a stream was refused or ended. */
export type StreamFault =
  /** The first bytes are not ours. */
  | "magic"
  /** A length that no message of this protocol has. */
  | "length"
  /** A key id that is not in the key file. */
  | "keyId"
  /** Sealed with another key, or an answer to another greeting. */
  | "mac"
  /** The proof does not fit this handshake: a replay. */
  | "finish"
  | "cluster"
  | "version"
  /** Greeted by or as a node that this is not. */
  | "name"
  /** Another life of one of the two nodes. */
  | "incarnation"
  /** A frame that was changed, left out, repeated or moved. */
  | "seal";

export interface NodeIdentity {
  readonly name: string;
  /** 32 hexadecimal digits. */
  readonly incarnation: string;
}

export interface StreamSettings {
  readonly self: NodeIdentity;
  readonly clusterName: string;
  readonly keys: KeyRing;
}

type Phase = "awaitHello" | "awaitWelcome" | "awaitFinish" | "open" | "failed";

export class Stream {
  #phase: Phase;
  #fault: StreamFault | null = null;
  #peer: NodeIdentity | null;
  #version = 0;
  readonly #isConnecting: boolean;
  readonly #settings: StreamSettings;
  readonly #random: Uint8Array;
  readonly #incarnationOf: (name: string) => string | null;
  #ownHello: Uint8Array = new Uint8Array(0);
  #finishKey: Uint8Array = new Uint8Array(0);
  #transcript: Uint8Array = new Uint8Array(0);
  #sendKey: Uint8Array = new Uint8Array(0);
  #receiveKey: Uint8Array = new Uint8Array(0);
  #sendCount = 0;
  #receiveCount = 0;
  #pending: Uint8Array = new Uint8Array(0);
  #output: Uint8Array<ArrayBuffer>[] = [];

  private constructor(
    settings: StreamSettings,
    random: Uint8Array,
    peer: NodeIdentity | null,
    incarnationOf: (name: string) => string | null,
  ) {
    assert(random.length === 32, `a stream wants 32 random bytes: ${random.length}`);
    this.#settings = settings;
    this.#random = random;
    this.#peer = peer;
    this.#isConnecting = peer !== null;
    this.#incarnationOf = incarnationOf;
    this.#phase = peer === null ? "awaitHello" : "awaitWelcome";
  }

  /** The side that connects: greets `peer` with 32 fresh random bytes. */
  static connect(settings: StreamSettings, random: Uint8Array, peer: NodeIdentity): Stream {
    const stream = new Stream(settings, random, peer, () => peer.incarnation);
    const hello = stream.#hello(kindHello, versionMin, versionMax, settings.keys.keys[0].id, peer);
    stream.#ownHello = stream.#seal(hello, settings.keys.keys[0]);
    stream.#emit(stream.#ownHello);
    return stream;
  }

  /** The side that listens; `incarnationOf` names the life of a peer that is expected, else null. */
  static accept(
    settings: StreamSettings,
    random: Uint8Array,
    incarnationOf: (name: string) => string | null,
  ): Stream {
    return new Stream(settings, random, null, incarnationOf);
  }

  get isOpen(): boolean {
    return this.#phase === "open";
  }

  /** Why it failed; null while it has not. */
  get fault(): StreamFault | null {
    return this.#fault;
  }

  /** The other side, known from the greeting on; authenticated once `isOpen`. */
  get peer(): NodeIdentity | null {
    return this.#peer;
  }

  /** The version that both speak; 0 before the greeting. */
  get version(): number {
    return this.#version;
  }

  /** Takes bytes from the other side; then call `next` until it gives null. */
  push(bytes: Uint8Array): void {
    if (this.#pending.length === 0) {
      this.#pending = bytes;
    } else {
      const joined = new Uint8Array(this.#pending.length + bytes.length);
      joined.set(this.#pending);
      joined.set(bytes, this.#pending.length);
      this.#pending = joined;
    }
  }

  /** The next plaintext; null when more bytes are needed, or the stream has failed. */
  next(): Uint8Array | null {
    while (this.#phase !== "failed" && this.#pending.length >= lengthBytes) {
      const length = this.#pending[0] << 8 | this.#pending[1];
      const longest = this.#phase === "open"
        ? plaintextBytesMax + tagBytes
        : this.#phase === "awaitFinish"
        ? finishBytes
        : helloBytesMax;
      if (length > longest || length < tagBytes) {
        this.#fail("length");
        return null;
      }
      if (this.#pending.length < lengthBytes + length) return null;
      const frame = this.#pending.subarray(lengthBytes, lengthBytes + length);
      const header = this.#pending.subarray(0, lengthBytes);
      this.#pending = this.#pending.subarray(lengthBytes + length);
      if (this.#phase === "open") return this.#open(header, frame);
      this.#greet(frame);
    }
    return null;
  }

  /** Seals a plaintext into one frame; only while open. */
  seal(plaintext: Uint8Array): Uint8Array<ArrayBuffer> {
    assert(this.#phase === "open", `seal on a stream that is ${this.#phase}`);
    assert(plaintext.length <= plaintextBytesMax, `a frame of ${plaintext.length} bytes`);
    const frame = new Uint8Array(lengthBytes + plaintext.length + tagBytes);
    const length = plaintext.length + tagBytes;
    frame[0] = length >> 8;
    frame[1] = length;
    const cipher = createCipheriv("aes-256-gcm", this.#sendKey, nonceOf(this.#sendCount++));
    cipher.setAAD(frame.subarray(0, lengthBytes));
    frame.set(cipher.update(plaintext), lengthBytes);
    cipher.final();
    frame.set(cipher.getAuthTag(), lengthBytes + plaintext.length);
    return frame;
  }

  /** What the handshake has to send; null when nothing. */
  takeOutput(): Uint8Array<ArrayBuffer> | null {
    return this.#output.shift() ?? null;
  }

  #open(header: Uint8Array, frame: Uint8Array): Uint8Array | null {
    const nonce = nonceOf(this.#receiveCount++);
    const decipher = createDecipheriv("aes-256-gcm", this.#receiveKey, nonce, {
      authTagLength: tagBytes,
    });
    decipher.setAAD(header);
    decipher.setAuthTag(frame.subarray(frame.length - tagBytes));
    try {
      const plaintext = decipher.update(frame.subarray(0, frame.length - tagBytes));
      decipher.final();
      // Not node's Buffer, whose `slice` does not copy.
      return new Uint8Array(plaintext.buffer, plaintext.byteOffset, plaintext.byteLength);
    } catch {
      this.#fail("seal");
      return null;
    }
  }

  // ---- handshake

  #greet(message: Uint8Array): void {
    const fault = this.#phase === "awaitHello"
      ? this.#takeHello(message)
      : this.#phase === "awaitWelcome"
      ? this.#takeWelcome(message)
      : this.#takeFinish(message);
    if (fault !== null) this.#fail(fault);
  }

  #takeHello(message: Uint8Array): StreamFault | null {
    const hello = decodeHello(message);
    if (typeof hello === "string") return hello;
    const key = this.#keyOf(hello.keyId);
    if (key === undefined) return "keyId";
    if (!endsWithMac(message, macOf(greetingKey(key), withoutMac(message)))) return "mac";
    const fault = this.#checkNames(hello, kindHello);
    if (fault !== null) return fault;
    const version = Math.min(versionMax, hello.versionMax);
    if (version < versionMin || version < hello.versionMin) return "version";
    const incarnation = this.#incarnationOf(hello.sender);
    if (incarnation === null) return "name";
    if (incarnation !== hello.senderIncarnation) return "incarnation";
    this.#peer = { name: hello.sender, incarnation };
    this.#version = version;
    const answer = this.#hello(kindWelcome, version, version, key.id, this.#peer);
    this.#ownHello = this.#seal(answer, key, message);
    this.#emit(this.#ownHello);
    this.#deriveKeys(key, message, this.#ownHello);
    this.#phase = "awaitFinish";
    return null;
  }

  #takeWelcome(message: Uint8Array): StreamFault | null {
    const welcome = decodeHello(message);
    if (typeof welcome === "string") return welcome;
    const key = this.#keyOf(welcome.keyId);
    if (key === undefined || key.id !== this.#ownHello[helloKeyIdOffset]) return "keyId";
    const mac = macOf(greetingKey(key), this.#ownHello, withoutMac(message));
    if (!endsWithMac(message, mac)) return "mac";
    const fault = this.#checkNames(welcome, kindWelcome);
    if (fault !== null) return fault;
    if (welcome.sender !== this.#peer!.name) return "name";
    if (welcome.senderIncarnation !== this.#peer!.incarnation) return "incarnation";
    if (welcome.versionMin !== welcome.versionMax) return "version";
    if (welcome.versionMax < versionMin || welcome.versionMax > versionMax) return "version";
    this.#version = welcome.versionMax;
    this.#deriveKeys(key, this.#ownHello, message);
    const finish = encodeFinish();
    this.#emit(join(finish, macOf(this.#finishKey, this.#transcript, finish)));
    this.#phase = "open";
    return null;
  }

  #takeFinish(message: Uint8Array): StreamFault | null {
    if (message.length !== finishBytes) return "length";
    if (!hasMagic(message) || message[4] !== kindFinish) return "magic";
    const mac = macOf(this.#finishKey, this.#transcript, withoutMac(message));
    if (!endsWithMac(message, mac)) return "finish";
    this.#phase = "open";
    return null;
  }

  #checkNames(hello: Hello, kind: number): StreamFault | null {
    const { self, clusterName } = this.#settings;
    if (hello.kind !== kind) return "magic";
    if (hello.cluster !== clusterName) return "cluster";
    if (hello.receiver !== self.name || hello.sender === self.name) return "name";
    if (hello.receiverIncarnation !== self.incarnation) return "incarnation";
    return null;
  }

  #hello(kind: number, min: number, max: number, keyId: number, peer: NodeIdentity): Uint8Array {
    const { self, clusterName } = this.#settings;
    return encodeHello({
      kind,
      versionMin: min,
      versionMax: max,
      keyId,
      senderIncarnation: self.incarnation,
      receiverIncarnation: peer.incarnation,
      random: this.#random,
      cluster: clusterName,
      sender: self.name,
      receiver: peer.name,
    });
  }

  #seal(greeting: Uint8Array, key: ClusterKey, before: Uint8Array = new Uint8Array(0)): Uint8Array {
    return join(greeting, macOf(greetingKey(key), before, greeting));
  }

  /** Keys of both directions and of the proof: HKDF over the transcript of both greetings. */
  #deriveKeys(key: ClusterKey, hello: Uint8Array, welcome: Uint8Array): void {
    this.#transcript = join(hello, welcome);
    const connecting = derive(key.bytes, "stream from connecting", this.#transcript);
    const listening = derive(key.bytes, "stream from listening", this.#transcript);
    this.#sendKey = this.#isConnecting ? connecting : listening;
    this.#receiveKey = this.#isConnecting ? listening : connecting;
    this.#finishKey = derive(key.bytes, "stream finish", this.#transcript);
  }

  #keyOf(id: number): ClusterKey | undefined {
    return this.#settings.keys.keys.find((key) => key.id === id);
  }

  #emit(message: Uint8Array): void {
    this.#output.push(join(new Uint8Array([message.length >> 8, message.length]), message));
  }

  #fail(fault: StreamFault): void {
    this.#phase = "failed";
    this.#fault = fault;
    this.#pending = new Uint8Array(0);
  }
}

function greetingKey(key: ClusterKey): Uint8Array {
  return derive(key.bytes, "stream greeting");
}

function withoutMac(message: Uint8Array): Uint8Array {
  return message.subarray(0, message.length - macBytes);
}

/** 96 bits: the frame's number in the last 64. Keys live for one stream, so no nonce comes twice. */
function nonceOf(count: number): Uint8Array {
  const nonce = new Uint8Array(12);
  const view = new DataView(nonce.buffer);
  view.setUint32(4, Math.floor(count / 2 ** 32));
  view.setUint32(8, count >>> 0);
  return nonce;
}

function join(a: Uint8Array, b: Uint8Array): Uint8Array<ArrayBuffer> {
  const joined = new Uint8Array(a.length + b.length);
  joined.set(a);
  joined.set(b, a.length);
  return joined;
}
