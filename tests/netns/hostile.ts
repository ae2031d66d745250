/** The hostile process as a test sees it, and the frames that it is given to send. */
import { createCipheriv } from "node:crypto";
import type { Lab } from "../../cli/demo/lab.ts";
import { lineStream } from "../../cli/demo/line_stream.ts";
import { killGroup, record } from "../../cli/demo/processes.ts";
import { frameHeaderBytes, frameOf } from "../../lib/wire/frame.ts";
import { derive, type KeyRing, parseKeyFile } from "../../lib/wire/keys.ts";
import {
  clusterId,
  clusterIdOffset,
  DatagramSeal,
  datagramTags,
  envelopeMagic,
  nonceBytes,
  tagOffset,
} from "../../lib/wire/seal.ts";
import type { FloodResult, HostileOptions, HostileOrder } from "./hostile_process.ts";

export type Frame = Uint8Array<ArrayBuffer>;

/** Somebody in the clients' network. */
export class Hostile {
  readonly #child: Deno.ChildProcess;
  readonly #lines: AsyncGenerator<string>;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;

  private constructor(child: Deno.ChildProcess) {
    this.#child = child;
    this.#lines = lineStream(child.stdout);
    this.#writer = child.stdin.getWriter();
  }

  static async start(lab: Lab): Promise<Hostile> {
    const program = new URL("./hostile_process.ts", import.meta.url).pathname;
    const options: HostileOptions = { interface: "inside", clusterName: `lab-${lab.id}` };
    const child = new Deno.Command("ip", {
      args: ["netns", "exec", lab.names.namespace("clients"), Deno.execPath(), "run", "-qA"]
        .concat("--no-check", program, JSON.stringify(options)),
      stdin: "piped",
      stdout: "piped",
      detached: true,
    }).spawn();
    await record(lab.names.directory, "hostile", child.pid);
    const hostile = new Hostile(child);
    await hostile.#answer();
    return hostile;
  }

  /** Every datagram of the cluster that comes by in this time. */
  async record(ms: number): Promise<Frame[]> {
    const frames = await this.#perform({ do: "record", ms }) as string[];
    return frames.map((text) => Uint8Array.fromBase64(text));
  }

  /** Sends each frame once; how many left. */
  async send(frames: readonly Frame[], everyMs = 10): Promise<number> {
    return await this.#perform({ do: "send", frames: frames.map(toBase64), everyMs }) as number;
  }

  /** Sends the frames again and again, until the next order. */
  async repeat(frames: readonly Frame[], everyMs: number): Promise<void> {
    await this.#perform({ do: "repeat", frames: frames.map(toBase64), everyMs });
  }

  /**
   * Sends frames in turn, `count` in all, as fast as it can; with new random bytes from `randomFrom`
   * on each time, if it is given.
   */
  async flood(
    frames: readonly Frame[],
    count: number,
    randomFrom: number | null = null,
  ): Promise<FloodResult> {
    const order = { do: "flood", frames: frames.map(toBase64), count, randomFrom } as const;
    return await this.#perform(order) as FloodResult;
  }

  /** Sends each datagram of a node that comes by again, `copies` times at once, `count` in all. */
  async parrot(copies: number, count: number): Promise<FloodResult> {
    return await this.#perform({ do: "parrot", copies, count }) as FloodResult;
  }

  /** Ends what `repeat` began. */
  async stop(): Promise<void> {
    await this.#perform({ do: "stop" });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    killGroup(this.#child.pid);
    await this.#child.status;
    await this.#writer.abort().catch(() => {});
    await this.#lines.return(undefined);
  }

  async #perform(order: HostileOrder): Promise<unknown> {
    await this.#writer.write(new TextEncoder().encode(JSON.stringify(order) + "\n"));
    return await this.#answer();
  }

  async #answer(): Promise<unknown> {
    const line = await this.#lines.next();
    if (line.done) throw new Error("the hostile process ended");
    return JSON.parse(line.value).result;
  }
}

/** Makes frames as a member of the cluster could, and broken ones. */
export class Forger {
  readonly clusterName: string;
  readonly clusterId: Uint8Array;
  readonly #mac = new Uint8Array([0x02, 0, 0, 0, 0x66, 0x66]);

  private constructor(lab: Lab, readonly ring: KeyRing) {
    this.clusterName = `lab-${lab.id}`;
    this.clusterId = clusterId(this.clusterName);
  }

  /** With the lab's own keys. */
  static async of(lab: Lab): Promise<Forger> {
    const text = await Deno.readTextFile(`${lab.node("fw1").directory}/cluster.key`);
    return new Forger(lab, parseKeyFile(text));
  }

  /** What the kernel's filter lets through. */
  get tag(): Uint8Array {
    return datagramTags(this.ring, this.clusterName)[0];
  }

  frame(datagram: Uint8Array): Frame {
    return frameOf(datagram, this.#mac);
  }

  /** The first 16 bytes of an envelope, with this cluster's own values where none is given. */
  header(
    own: { version?: number; keyId?: number; clusterId?: Uint8Array; tag?: Uint8Array } = {},
  ): Uint8Array<ArrayBuffer> {
    const header = new Uint8Array(16);
    header.set([envelopeMagic >> 8, envelopeMagic & 0xff, own.version ?? 1]);
    header[3] = own.keyId ?? this.ring.keys[0].id;
    header.set(own.clusterId ?? this.clusterId, clusterIdOffset);
    header.set(own.tag ?? this.tag, tagOffset);
    return header;
  }

  /** That header and random bytes behind it. */
  garbage(length: number, own: Parameters<Forger["header"]>[0] = {}): Frame {
    const datagram = randomBytes(length);
    datagram.set(this.header(own).subarray(0, length));
    return this.frame(datagram);
  }

  /** A message that opens, of the given start of a node. */
  sealed(message: Uint8Array<ArrayBuffer>, incarnation: Uint8Array, ring = this.ring): Frame {
    const seal = new DatagramSeal(ring, this.clusterName, incarnation);
    return this.frame(seal.seal(message, randomBytes(nonceBytes)));
  }

  /** As `sealed`, under another tag, which is bound, too: only who has the key can make it. */
  sealedUnderTag(tag: Uint8Array, message: Uint8Array, incarnation: Uint8Array): Frame {
    const nonce = randomBytes(nonceBytes);
    const bound = new Uint8Array([...this.header({ tag }), ...incarnation, ...nonce]);
    const key = derive(this.ring.keys[0].bytes, "datagram", incarnation);
    const cipher = createCipheriv("aes-256-gcm", key, nonce).setAAD(bound);
    const text = [...cipher.update(message), ...cipher.final()];
    return this.frame(new Uint8Array([...bound, ...text, ...cipher.getAuthTag()]));
  }

  /** The message of a frame, and which start of a node it is of. */
  open(frame: Frame): { readonly incarnation: string; readonly message: Frame } {
    const seal = new DatagramSeal(this.ring, this.clusterName, randomBytes(16));
    const opened = seal.open(frame.subarray(frameHeaderBytes));
    if (!opened.ok) throw new Error(`a recorded frame is ${opened.refusal}`);
    return opened;
  }
}

/** The frame with another TTL, or cut at `length`; its IPv4 header is right for that. */
export function withHeader(
  frame: Frame,
  { ttl = 255, length = frame.length }: { ttl?: number; length?: number },
): Frame {
  const changed = frame.slice(0, length);
  const view = new DataView(changed.buffer);
  changed[22] = ttl;
  view.setUint16(16, length - 14);
  view.setUint16(24, 0);
  let sum = 0;
  for (let at = 14; at < 34; at += 2) sum += view.getUint16(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  view.setUint16(24, ~sum & 0xffff);
  return changed;
}

export function randomBytes(length: number): Frame {
  return crypto.getRandomValues(new Uint8Array(length));
}

function toBase64(frame: Frame): string {
  return frame.toBase64();
}
