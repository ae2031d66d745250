/** The joiner's connections: one for the cluster's template, a second one for its keys. */
import { AvailError } from "../errors.ts";
import { Asking, type AskingEffect } from "../joining/asking.ts";
import { freshKeyPair } from "../joining/channel.ts";
import type { Claim, Template } from "../joining/content.ts";
import type { JoinToken } from "../joining/token.ts";
import { type Attempt, refusedText, turnedAwayText, unreachedText } from "../joining/words.ts";
import { hostAndPort } from "./join_door.ts";

const connectMsMax = 2000;
const answerMsMax = 10_000;
const claimTries = 3;

export class JoinClient {
  /** The address that answered last comes first. */
  #addresses: readonly string[];

  constructor(readonly token: JoinToken) {
    this.#addresses = token.addresses;
  }

  /** What the cluster is like; uses nothing of the token. Throws `AvailError`. */
  async template(): Promise<Template> {
    using reached = await this.#reach();
    return reached.template;
  }

  /**
   * Asks for the keys, lets `write` put them (the text of the key file) where they belong, and says that
   * it is done. Throws `AvailError`, and what `write` throws.
   */
  async join(claim: Claim, write: (keys: string) => Promise<void>): Promise<void> {
    for (let tries = 1;; tries++) {
      using reached = await this.#reach();
      const effect = await reached.exchange(reached.asking.claim(claim));
      if (effect.kind === "granted") {
        await write(effect.keys);
        // The node is set up whatever becomes of this word.
        return await reached.send(reached.asking.done()).catch(() => {});
      }
      // Whether the use was counted is not known here: the same claim is answered again.
      if (effect.kind !== "broken" || tries >= claimTries) {
        throw this.#failure(effect, reached.place);
      }
    }
  }

  /** The first address where somebody answers who has the token's secret. */
  async #reach(): Promise<Reached> {
    const attempts: Attempt[] = [];
    let unproven: AvailError | null = null;
    for (const address of this.#addresses) {
      const place = hostAndPort(address, this.token.port);
      const call = await Call.open(address, this.token.port);
      if (!(call instanceof Call)) {
        attempts.push({ place, ...call });
        continue;
      }
      const asking = new Asking(this.token.secret, freshKeyPair());
      const effect = await call.exchange(asking, asking.hello);
      if (effect.kind === "template") {
        this.#addresses = [address, ...this.#addresses.filter((other) => other !== address)];
        return new Reached(call, asking, place, effect.template);
      }
      call.close();
      if (effect.kind === "refused") throw this.#failure(effect, place);
      if (effect.kind === "turned away") unproven ??= this.#failure(effect, place);
      attempts.push(attemptOf(place, effect));
    }
    throw unproven ?? new AvailError(unreachedText(this.token, attempts, Date.now()));
  }

  #failure(effect: AskingEffect | Broken, place: string): AvailError {
    switch (effect.kind) {
      case "refused":
        return new AvailError(refusedText(this.token.issuer, effect.refusal));
      case "turned away":
        return new AvailError(turnedAwayText(this.token, place, effect));
      default:
        return new AvailError(unreachedText(this.token, [attemptOf(place, effect)], Date.now()));
    }
  }
}

/** The connection ended, or nobody said anything. */
interface Broken {
  readonly kind: "broken";
  readonly problem: string;
}

function attemptOf(place: string, effect: AskingEffect | Broken): Attempt {
  if (effect.kind === "broken") return { place, kind: "broken", problem: effect.problem };
  if (effect.kind !== "failed") return { place, kind: "broken", problem: "an answer out of turn" };
  return effect.refusal === "not authentic"
    ? { place, kind: "stranger", problem: "its answer was not sealed for this token" }
    : { place, kind: "stranger", problem: `what answers is no avail (${effect.refusal})` };
}

/** A connection on which the issuer has proved itself. */
class Reached implements Disposable {
  constructor(
    readonly call: Call,
    readonly asking: Asking,
    readonly place: string,
    readonly template: Template,
  ) {}

  exchange(bytes: Uint8Array): Promise<AskingEffect | Broken> {
    return this.call.exchange(this.asking, bytes);
  }

  async send(bytes: Uint8Array): Promise<void> {
    await this.call.send(bytes);
    await this.call.ended();
  }

  [Symbol.dispose](): void {
    this.call.close();
  }
}

class Call {
  #isClosed = false;

  private constructor(readonly connection: Deno.TcpConn) {}

  static async open(hostname: string, port: number): Promise<Call | Omit<Attempt, "place">> {
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), connectMsMax);
    try {
      return new Call(await Deno.connect({ hostname, port, signal: abort.signal }));
    } catch (error) {
      if (abort.signal.aborted) {
        return { kind: "silent", problem: `no answer within ${connectMsMax / 1000} s` };
      }
      if (error instanceof Deno.errors.ConnectionRefused) {
        return { kind: "refused", problem: "connection refused" };
      }
      // It closed its door while this one stood before it.
      if (error instanceof Deno.errors.ConnectionReset) {
        return { kind: "refused", problem: "connection reset" };
      }
      const problem = error instanceof Error ? error.message : String(error);
      return { kind: "unreachable", problem };
    } finally {
      clearTimeout(timer);
    }
  }

  async send(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) at += await this.connection.write(bytes.subarray(at));
  }

  /** Sends, and waits for what comes of it. */
  async exchange(asking: Asking, bytes: Uint8Array): Promise<AskingEffect | Broken> {
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      this.close();
    }, answerMsMax);
    try {
      await this.send(bytes);
      const buffer = new Uint8Array(16_384);
      for (let n; (n = await this.connection.read(buffer)) !== null;) {
        const [effect] = asking.receive(buffer.subarray(0, n));
        if (effect !== undefined) return effect;
      }
      return { kind: "broken", problem: "it hung up without an answer" };
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      return {
        kind: "broken",
        problem: isLate ? `no answer within ${answerMsMax / 1000} s` : why,
      };
    } finally {
      clearTimeout(timer);
    }
  }

  /** Waits until the other end has taken everything and hung up. */
  async ended(): Promise<void> {
    const timer = setTimeout(() => this.close(), connectMsMax);
    const buffer = new Uint8Array(256);
    try {
      await this.connection.closeWrite();
      while (await this.connection.read(buffer) !== null);
    } finally {
      clearTimeout(timer);
    }
  }

  close(): void {
    if (!this.#isClosed) this.connection.close();
    this.#isClosed = true;
  }
}
