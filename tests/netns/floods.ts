/** What the flood test and `bench/hostile.ts` send: every kind of datagram that is of no use. */
import { frameHeaderBytes } from "../../lib/wire/frame.ts";
import { encodeHeartbeat } from "../../lib/wire/heartbeat.ts";
import { heartbeat } from "../wire/examples.ts";
import type { FloodResult } from "./hostile_process.ts";
import { type Forger, type Hostile, randomBytes } from "./hostile.ts";

export interface Flood {
  readonly name: string;
  /** Whether the sender has the key, or only listens. */
  readonly hasKey: boolean;
  /** Sends `count` datagrams as fast as it can. */
  send(hostile: Hostile, forger: Forger, count: number): Promise<FloodResult>;
}

const behindTag = frameHeaderBytes + 16;
/** Different frames of one kind; more would only make the order to the process longer. */
const different = 500;
/** Copies of one heartbeat: so many fit between two of a node at full speed. */
const copies = 1000;

export const floods: readonly Flood[] = [
  {
    name: "wrong tag",
    hasKey: false,
    send: (hostile, forger, count) =>
      hostile.flood([forger.garbage(200, { tag: randomBytes(4) })], count, behindTag),
  },
  {
    name: "right tag, random behind it",
    hasKey: false,
    send: (hostile, forger, count) => hostile.flood([forger.garbage(200)], count, behindTag),
  },
  {
    name: "right tag and start, wrong seal",
    hasKey: false,
    send: async (hostile, _, count) => {
      const recorded = await hostile.record(500);
      return hostile.flood(recorded, count, behindTag + 16 + 12);
    },
  },
  {
    name: "recordings",
    hasKey: false,
    send: async (hostile, _, count) => hostile.flood(await hostile.record(2000), count),
  },
  {
    name: "copies of what is said now",
    hasKey: false,
    send: (hostile, _, count) => hostile.parrot(copies, count),
  },
  {
    name: "right seal, malformed inside",
    hasKey: true,
    send: (hostile, forger, count) =>
      hostile.flood(
        Array.from({ length: different }, (_, i) => {
          const message = encodeHeartbeat(heartbeat()).subarray(0, 1 + i % 150);
          return forger.sealed(message, randomBytes(16));
        }),
        count,
      ),
  },
];
