/**
 * Takes other machines into the cluster: while a join token of this node can be used, and only then,
 * it listens on the node's own addresses and answers who has it (joining/issuing.ts).
 *
 * A use is on disk before the keys leave, so no restart gives one twice.
 */
import type { Config } from "../config.ts";
import type { JoinsStatus } from "../control_joins.ts";
import { AvailError } from "../errors.ts";
import { freshKeyPair } from "../joining/channel.ts";
import type { Claim, GrantContent, Refusal } from "../joining/content.ts";
import { Issuing, type IssuingEffect } from "../joining/issuing.ts";
import { joinPort } from "../joining/make_token.ts";
import {
  refusalOf,
  remainingMs,
  type TokenRecord,
  tokenStatus,
  withInstalled,
  withUse,
} from "../joining/token_book.ts";
import { claimFault, templateOf } from "../joining/template.ts";
import type { Log } from "../log.ts";
import type { Millis } from "../ports.ts";
import { now } from "./clock.ts";
import { readInterfaceFacts } from "./interface_facts.ts";
import { joinableAddresses } from "../joining/addresses.ts";
import { JoinDoor } from "./join_door.ts";
import { loadKeyFile } from "./key_file.ts";
import { changeTokens, readTokens, tokenFileOf } from "./token_file.ts";

/**
 * A machine that was given the keys may take so long to write them, and ask again meanwhile; and so long
 * to be heard: nobody else is given its name.
 */
const pendingMs = 120_000;
/** Addresses come and go: what is listened on is looked at so often, and oftener while one is missing. */
const lookAgainMs = 60_000;
const lookAgainSoonMs = 5000;

interface Pending {
  readonly name: string;
  readonly until: Millis;
  /** Whether it said that it has written them. */
  readonly isInstalled: boolean;
}

export interface JoinServicePorts {
  /** The one in use now. */
  config(): Config;
  /** Names of the live nodes, this one among them. */
  members(): Promise<readonly string[]>;
  readonly log: Log;
}

export class JoinService {
  readonly #ports: JoinServicePorts;
  readonly #door: JoinDoor;
  #book: readonly TokenRecord[] = [];
  /** Until when each token is good by a clock that nobody sets. */
  readonly #goodUntil = new Map<string, Millis>();
  /** Who was given the keys a short while ago, by claimant. */
  readonly #pending = new Map<string, Pending>();
  readonly #refused = new Map<string, number>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #problem: string | null = null;
  #isClosed = false;
  /** Claims wait for each other: two must not be given one use or one name. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(ports: JoinServicePorts) {
    this.#ports = ports;
    this.#door = new JoinDoor({
      session: async (address) => await this.#session(address),
      refused: (reason, address) => this.#noteRefused(reason, address),
    });
  }

  /** Reads the tokens again, and listens or not as they are. Its problems are told, not thrown. */
  async look(): Promise<void> {
    try {
      await this.#read();
      this.#arrange();
    } catch (error) {
      // A node that can take nobody in serves all the same.
      this.#problem = error instanceof Error ? error.message : String(error);
      this.#ports.log.repeated("error", `no node can join by this one: ${this.#problem}`, {
        event: "join-failed",
      });
    }
  }

  async status(): Promise<JoinsStatus> {
    await this.look();
    return {
      schema: 1,
      node: this.#ports.config().node.name,
      listening: this.#door.listening,
      problem: this.#problem,
      tokens: this.#book.map((token) => tokenStatus(token, Date.now())),
      refused: Object.fromEntries(this.#refused),
    };
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#door.close();
  }

  get #file(): string {
    return tokenFileOf(this.#ports.config().cluster.keyFile);
  }

  async #read(): Promise<void> {
    try {
      this.#take(await readTokens(this.#file));
      this.#problem = null;
    } catch (error) {
      if (!(error instanceof AvailError)) throw error;
      this.#take([]);
      this.#problem = error.message;
      this.#ports.log.repeated("warn", `no node can join by this one: ${error.message}`, {
        event: "join-failed",
      });
    }
  }

  #take(book: readonly TokenRecord[]): void {
    this.#book = book;
    for (const token of book) {
      if (!this.#goodUntil.has(token.id)) {
        this.#goodUntil.set(token.id, now() + remainingMs(token, Date.now()));
      }
    }
  }

  #refusal(token: TokenRecord, claimant: string | null = null): Refusal | null {
    const refusal = refusalOf(token, Date.now(), claimant);
    if (refusal !== null) return refusal;
    const isLate = now() >= (this.#goodUntil.get(token.id) ?? 0);
    return isLate ? { reason: "expired", detail: "its time is over" } : null;
  }

  /** Listens while a token can be used, or somebody has yet to say that it has written the keys. */
  #arrange(): void {
    clearTimeout(this.#timer);
    if (this.#isClosed) return;
    for (const [claimant, { until }] of this.#pending) {
      if (now() >= until) this.#pending.delete(claimant);
    }
    const open = this.#book.filter((token) => this.#refusal(token) === null);
    const ends = [
      ...open.map(({ id }) => this.#goodUntil.get(id)!),
      ...[...this.#pending.values()].filter((each) => !each.isInstalled).map(({ until }) => until),
    ];
    if (ends.length === 0) return this.#door.close();
    const config = this.#ports.config();
    const addresses = joinableAddresses(config, readInterfaceFacts());
    const problem = addresses.length === 0
      ? "no link and no share of this node has an own address"
      : this.#door.open(addresses, joinPort(config.replication.port));
    if (problem !== null && problem !== this.#problem) {
      this.#ports.log.warn(`a join token can be used, but not everywhere: ${problem}`, {
        event: "join-failed",
      });
    }
    this.#problem = problem;
    const againMs = problem === null ? lookAgainMs : lookAgainSoonMs;
    const waitMs = Math.min(againMs, Math.max(100, Math.min(...ends) - now()));
    this.#timer = setTimeout(() => void this.look(), waitMs);
    Deno.unrefTimer(this.#timer);
  }

  /** A connection is there: its end of the exchange. */
  async #session(address: string) {
    await this.#read();
    const issuing = new Issuing((id) => {
      const token = this.#book.find((each) => each.id === id);
      return token === undefined ? null : Uint8Array.fromBase64(token.key);
    }, freshKeyPair());
    return {
      receive: async (bytes: Uint8Array) => {
        const answers: Uint8Array<ArrayBuffer>[] = [];
        for (const effect of issuing.receive(bytes)) {
          answers.push(...await this.#carryOut(issuing, effect, address));
        }
        return { answers, isEnded: issuing.isEnded };
      },
    };
  }

  async #carryOut(
    issuing: Issuing,
    effect: IssuingEffect,
    address: string,
  ): Promise<Uint8Array<ArrayBuffer>[]> {
    switch (effect.kind) {
      case "send":
        return [effect.bytes];
      case "greeted": {
        const refusal = this.#refusal(this.#token(effect.token));
        // Whoever has claimed a use and asks again is let in as well; its claim decides.
        const isAwaited = [...this.#pending.values()].some((each) => !each.isInstalled);
        const mayReturn = refusal?.reason === "used" && isAwaited;
        if (refusal !== null && !mayReturn) {
          this.#noteRefused(refusal.reason, address);
          return [issuing.welcome({ refusal })];
        }
        const template = templateOf(this.#ports.config(), readInterfaceFacts(), {
          members: await this.#ports.members(),
          now: Date.now(),
        });
        return [issuing.welcome({ template })];
      }
      case "claimed":
        return [issuing.grant(await this.#inTurn(() => this.#grant(effect, address)))];
      case "installed":
        await this.#installed(effect.token, effect.claim, address);
        return [];
      case "failed":
        this.#noteRefused(effect.refusal, address);
        return [];
    }
  }

  async #grant(
    { token: id, claim }: { readonly token: string; readonly claim: Claim },
    address: string,
  ): Promise<GrantContent> {
    const config = this.#ports.config();
    const { name, claimant } = claim;
    try {
      const joining = [...this.#pending]
        .filter(([other, { until }]) => other !== claimant && now() < until)
        .map(([, { name }]) => name);
      const fault = claimFault(claim, { live: await this.#ports.members(), joining }, config);
      if (fault !== null) return this.#turnAway(fault, claim, address);
      const { text } = await loadKeyFile(config.cluster.keyFile);
      let refusal: Refusal | null = null;
      const use = { name, address, at: Date.now(), claimant, installed: false };
      const book = await changeTokens(this.#file, (book) => {
        const token = book.find((each) => each.id === id);
        refusal = token === undefined
          ? { reason: "revoked", detail: "it was removed" }
          : this.#refusal(token, claimant);
        return refusal === null ? withUse(book, id, use) : book;
      });
      this.#take(book);
      if (refusal !== null) return this.#turnAway(refusal, claim, address);
      this.#pending.set(claimant, { name, until: now() + pendingMs, isInstalled: false });
      this.#ports.log.info(`${name} was given the cluster's keys`, {
        event: "join-granted",
        node: name,
        address,
        token: id,
      });
      this.#arrange();
      return { keys: text };
    } catch (error) {
      if (!(error instanceof AvailError)) throw error;
      this.#ports.log.warn(`${name} could not be taken in: ${error.message}`, {
        event: "join-failed",
        address,
      });
      return { refusal: { reason: "failed", detail: "it cannot, and its log says why" } };
    }
  }

  #turnAway(refusal: Refusal, { name }: Claim, address: string): GrantContent {
    this.#noteRefused(refusal.reason, address, name);
    return { refusal };
  }

  async #installed(id: string, { name, claimant }: Claim, address: string): Promise<void> {
    this.#pending.set(claimant, { name, until: now() + pendingMs, isInstalled: true });
    this.#ports.log.info(`${name} has joined`, {
      event: "joined",
      node: name,
      address,
      token: id,
    });
    this.#take(await changeTokens(this.#file, (book) => withInstalled(book, id, claimant)));
    this.#arrange();
  }

  #token(id: string): TokenRecord {
    return this.#book.find((token) => token.id === id)!;
  }

  #noteRefused(reason: string, address: string, name?: string): void {
    this.#refused.set(reason, (this.#refused.get(reason) ?? 0) + 1);
    const who = name === undefined ? "a machine" : name;
    this.#ports.log.repeated("warn", `${who} was not taken in: ${reason}`, {
      event: "join-refused",
      address,
    });
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work);
    this.#last = turn.catch(() => {});
    return turn;
  }
}
