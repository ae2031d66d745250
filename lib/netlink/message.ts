/**
 * Netlink messages (linux/netlink.h): a header of 16 bytes, a family header, then attributes of
 * (u16 length, u16 type, payload), each padded to 4 bytes. Header fields are in the machine's order,
 * which is little-endian here; what is in network order is said where it is written.
 */

export const NLM_F_REQUEST = 0x1;
export const NLM_F_ACK = 0x4;
export const NLM_F_DUMP = 0x300;
export const NLM_F_REPLACE = 0x100;
export const NLM_F_EXCL = 0x200;
export const NLM_F_CREATE = 0x400;
const NLM_F_CAPPED = 0x100; // of an NLMSG_ERROR: the request is not repeated whole
const NLM_F_ACK_TLVS = 0x200; // of an NLMSG_ERROR: attributes follow
const NLMSGERR_ATTR_MSG = 1;
export const NLMSG_ERROR = 2;
export const NLMSG_DONE = 3;
/** Length of struct nlmsghdr. */
export const headerBytes = 16;
const NLA_F_NESTED = 0x8000;
const NLA_TYPE_MASK = 0x3fff;

/** Rounds up to the alignment of messages and attributes. */
export function align4(n: number): number {
  return (n + 3) & ~3;
}

/** Writes messages one behind the other into one array. */
export class MessageWriter {
  readonly #bytes: Uint8Array<ArrayBuffer>;
  readonly #view: DataView;
  #end = 0;
  #start = 0;

  constructor(capacityBytes: number) {
    this.#bytes = new Uint8Array(capacityBytes);
    this.#view = new DataView(this.#bytes.buffer);
  }

  /** Bytes written so far. */
  get length(): number {
    return this.#end;
  }

  /** What has been written; valid until the next `reset`. */
  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#end);
  }

  reset(): void {
    this.#end = 0;
  }

  /** Opens a message; `family` is its family header, in the bytes that the kernel expects. */
  begin(type: number, flags: number, sequence: number, family: ArrayLike<number>): void {
    this.#start = this.#end;
    this.#bytes.fill(0, this.#end, this.#end + headerBytes);
    this.#view.setUint16(this.#end + 4, type, true);
    this.#view.setUint16(this.#end + 6, flags, true);
    this.#view.setUint32(this.#end + 8, sequence, true);
    this.#end += headerBytes;
    this.#bytes.set(family, this.#end);
    this.#end += align4(family.length);
  }

  /** Closes the message that `begin` opened. */
  end(): void {
    this.#view.setUint32(this.#start, this.#end - this.#start, true);
  }

  #attribute(type: number, payloadBytes: number): number {
    const at = this.#end;
    this.#view.setUint16(at, 4 + payloadBytes, true);
    this.#view.setUint16(at + 2, type, true);
    this.#end = at + align4(4 + payloadBytes);
    this.#bytes.fill(0, at + 4, this.#end);
    return at + 4;
  }

  u8(type: number, value: number): void {
    this.#bytes[this.#attribute(type, 1)] = value;
  }

  u16(type: number, value: number): void {
    this.#view.setUint16(this.#attribute(type, 2), value, true);
  }

  u32(type: number, value: number): void {
    this.#view.setUint32(this.#attribute(type, 4), value, true);
  }

  u64(type: number, value: bigint): void {
    this.#view.setBigUint64(this.#attribute(type, 8), value, true);
  }

  /** Network order. */
  u16be(type: number, value: number): void {
    this.#view.setUint16(this.#attribute(type, 2), value);
  }

  /** Network order. */
  u32be(type: number, value: number): void {
    this.#view.setUint32(this.#attribute(type, 4), value);
  }

  raw(type: number, payload: Uint8Array): void {
    this.#bytes.set(payload, this.#attribute(type, payload.length));
  }

  /** With its terminating zero, as rtnetlink wants names. */
  string(type: number, text: string): void {
    this.raw(type, new TextEncoder().encode(text + "\0"));
  }

  /** Opens a nested attribute; give the result to `closeNested`. */
  openNested(type: number): number {
    const at = this.#end;
    this.#view.setUint16(at + 2, type | NLA_F_NESTED, true);
    this.#end += 4;
    return at;
  }

  closeNested(opened: number): void {
    this.#view.setUint16(opened, this.#end - opened, true);
  }
}

/** One message of a received buffer. */
export interface Message {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  readonly portId: number;
  /** Where its family header starts, and where it ends, in the buffer. */
  readonly start: number;
  readonly end: number;
}

/** The whole messages in `view[0 .. length)`; stops at the first whose length cannot be right. */
export function* messages(view: DataView, length: number): Generator<Message> {
  for (let at = 0; at + headerBytes <= length;) {
    const messageBytes = view.getUint32(at, true);
    if (messageBytes < headerBytes || at + messageBytes > length) return;
    yield {
      type: view.getUint16(at + 4, true),
      flags: view.getUint16(at + 6, true),
      sequence: view.getUint32(at + 8, true),
      portId: view.getUint32(at + 12, true),
      start: at + headerBytes,
      end: at + messageBytes,
    };
    at += align4(messageBytes);
  }
}

/** One attribute: type without flags, and where its payload lies. */
export interface Attribute {
  readonly type: number;
  readonly start: number;
  readonly end: number;
}

/** The attributes in `view[start .. end)`; stops at the first whose length cannot be right. */
export function* attributes(view: DataView, start: number, end: number): Generator<Attribute> {
  for (let at = start; at + 4 <= end;) {
    const attributeBytes = view.getUint16(at, true);
    if (attributeBytes < 4 || at + attributeBytes > end) return;
    yield {
      type: view.getUint16(at + 2, true) & NLA_TYPE_MASK,
      start: at + 4,
      end: at + attributeBytes,
    };
    at += align4(attributeBytes);
  }
}

const EPROTO = 71;

/**
 * The error of an NLMSG_ERROR message as a positive errno, EPROTO where it is cut short; 0 is an
 * acknowledgement.
 */
export function errorOf(view: DataView, message: Message): number {
  return message.start + 4 > message.end ? EPROTO : -view.getInt32(message.start, true);
}

/**
 * The kernel's own words in an NLMSG_ERROR message, or null where it has none. A socket gets them only
 * with NETLINK_EXT_ACK.
 */
export function errorTextOf(view: DataView, message: Message): string | null {
  const request = message.start + 4;
  if ((message.flags & NLM_F_ACK_TLVS) === 0 || request + headerBytes > message.end) return null;
  const isCapped = (message.flags & NLM_F_CAPPED) !== 0;
  const repeated = isCapped ? headerBytes : view.getUint32(request, true);
  if (request + repeated > message.end) return null;
  for (const attribute of attributes(view, request + align4(repeated), message.end)) {
    if (attribute.type === NLMSGERR_ATTR_MSG) return textOf(view, attribute);
  }
  return null;
}

/** An attribute's payload. */
export function bytesOf(view: DataView, { start, end }: Attribute): Uint8Array<ArrayBuffer> {
  return new Uint8Array(view.buffer, view.byteOffset + start, end - start).slice();
}

/** An attribute's payload as text, to its terminating zero. */
export function textOf(view: DataView, attribute: Attribute): string {
  return new TextDecoder().decode(bytesOf(view, attribute)).replace(/\0.*$/, "");
}
