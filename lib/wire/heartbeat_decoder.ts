/**
 * Decodes the heartbeats of one start of a node. All but few of them say what the one before said, but
 * for their numbers in sequence: those cost a comparison instead of a reading, and whoever hears them
 * need not look at the world anew.
 */
import {
  counterAt,
  decodeHeartbeat,
  type Heartbeat,
  type HeartbeatLayout,
  peerBytes,
} from "./heartbeat.ts";

export interface Decoded {
  readonly heartbeat: Heartbeat;
  /** It says something else than the one before. */
  readonly isNews: boolean;
}

const sequenceBytes = 8;

export class HeartbeatDecoder {
  #message = new Uint8Array(0);
  #heartbeat: Heartbeat | null = null;
  readonly #layout: HeartbeatLayout = { sequenceAt: 0, peersAt: 0 };

  /** The message is copied where it is kept. */
  decode(message: Uint8Array): Decoded | { readonly refusal: string } {
    const known = this.#heartbeat;
    if (known !== null && this.#saysTheSame(message, known.peers.length)) {
      const sequence = counterAt(message, this.#layout.sequenceAt);
      const peers = known.peers.map((peer, i) => ({
        incarnation: peer.incarnation,
        sequence: counterAt(message, this.#sequenceOfPeerAt(i)),
        heardOn: peer.heardOn,
      }));
      // Numbers that are none are refused by the decoder proper.
      if (sequence >= 0 && peers.every((peer) => peer.sequence >= 0)) {
        return { heartbeat: { ...known, sequence, peers }, isNews: false };
      }
    }
    const layout = { sequenceAt: 0, peersAt: 0 };
    const heartbeat = decodeHeartbeat(message, layout);
    if ("refusal" in heartbeat) return heartbeat;
    this.#message = message.slice();
    this.#heartbeat = heartbeat;
    Object.assign(this.#layout, layout);
    return { heartbeat, isNews: true };
  }

  #sequenceOfPeerAt(index: number): number {
    return this.#layout.peersAt + (index + 1) * peerBytes - 4 - sequenceBytes;
  }

  /** Equal but for the sequence numbers. What is equal before a number puts it at the same place. */
  #saysTheSame(message: Uint8Array, peers: number): boolean {
    if (message.length !== this.#message.length) return false;
    let at = 0;
    for (let number = -1; number <= peers; number++) {
      const end = number < 0
        ? this.#layout.sequenceAt
        : number < peers
        ? this.#sequenceOfPeerAt(number)
        : message.length;
      for (; at < end; at++) if (message[at] !== this.#message[at]) return false;
      at += sequenceBytes;
    }
    return true;
  }
}
