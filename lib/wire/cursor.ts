/** Reading and writing bytes in network order, with every length checked. */

/** Thrown by `Reader` where the bytes end early; decoders turn it into a counted reason. */
export class ShortMessage extends Error {
  override readonly name = "ShortMessage";
}

const decoder = new TextDecoder();
const encoder = new TextEncoder();

export class Reader {
  readonly #view: DataView;
  #at = 0;

  constructor(readonly bytes: Uint8Array) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** How many bytes have been read. */
  get at(): number {
    return this.#at;
  }

  get remaining(): number {
    return this.bytes.length - this.#at;
  }

  #take(length: number): number {
    if (length > this.remaining) {
      throw new ShortMessage(`wanted ${length} bytes at ${this.#at}, ${this.remaining} are left`);
    }
    const at = this.#at;
    this.#at += length;
    return at;
  }

  u8(): number {
    return this.#view.getUint8(this.#take(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#take(2));
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4));
  }

  /** As a number: values from 2^53 on are refused, which no counter of ours reaches. */
  u64(): number {
    const at = this.#take(8);
    const value = this.#view.getUint32(at) * 0x1_0000_0000 + this.#view.getUint32(at + 4);
    if (!Number.isSafeInteger(value)) throw new ShortMessage(`number at ${at} exceeds 2^53`);
    return value;
  }

  /** A copy. */
  raw(length: number): Uint8Array<ArrayBuffer> {
    const at = this.#take(length);
    return new Uint8Array(this.bytes.subarray(at, at + length));
  }

  /** `length` bytes as hexadecimal digits. */
  hex(length: number): string {
    const at = this.#take(length);
    return toHex(this.bytes.subarray(at, at + length));
  }

  /** A node's name (a DNS label) behind its length in one byte. */
  name(): string {
    const name = this.text();
    if (!/^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/.test(name)) {
      throw new ShortMessage("a name that is none");
    }
    return name;
  }

  /** Text behind its length in one byte. */
  text(): string {
    return decoder.decode(this.raw(this.u8()));
  }
}

export class Writer {
  readonly #bytes: Uint8Array<ArrayBuffer>;
  readonly #view: DataView;
  #at = 0;

  constructor(capacityBytes: number) {
    this.#bytes = new Uint8Array(capacityBytes);
    this.#view = new DataView(this.#bytes.buffer);
  }

  /** What has been written, without a copy. */
  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#at);
  }

  u8(value: number): this {
    this.#view.setUint8(this.#at, value);
    this.#at += 1;
    return this;
  }

  u16(value: number): this {
    this.#view.setUint16(this.#at, value);
    this.#at += 2;
    return this;
  }

  u32(value: number): this {
    this.#view.setUint32(this.#at, value);
    this.#at += 4;
    return this;
  }

  u64(value: number): this {
    this.#view.setUint32(this.#at, Math.floor(value / 0x1_0000_0000));
    this.#view.setUint32(this.#at + 4, value >>> 0);
    this.#at += 8;
    return this;
  }

  raw(bytes: Uint8Array): this {
    this.#bytes.set(bytes, this.#at);
    this.#at += bytes.length;
    return this;
  }

  /** Text behind its length in one byte. */
  text(value: string): this {
    const bytes = encoder.encode(value);
    return this.u8(bytes.length).raw(bytes);
  }
}

/** Hexadecimal digits of bytes: how incarnations and digests are named in maps, logs and JSON. */
export function toHex(bytes: Uint8Array): string {
  return bytes.toHex();
}

export function fromHex(hex: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.fromHex(hex);
}
