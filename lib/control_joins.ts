/** The answer to `{"command":"joins"}` on the control socket: who may join by this node, and where. */
import type { TokenState } from "./joining/token_book.ts";

export interface JoinsStatus {
  readonly schema: 1;
  readonly node: string;
  /** `address:port`; empty where no token can be used. */
  readonly listening: readonly string[];
  /** Why it does not listen although a token can be used, or not everywhere. */
  readonly problem: string | null;
  readonly tokens: readonly TokenStatus[];
  /** Connections that came to nothing since the daemon's start, by reason. */
  readonly refused: Readonly<Record<string, number>>;
}

/** `avail token --list --json`, one of `tokens`. */
export interface TokenStatus {
  /** 16 hexadecimal digits; not secret. */
  readonly id: string;
  readonly state: TokenState;
  /** Milliseconds since 1970. */
  readonly madeAt: number;
  readonly expiresAt: number;
  readonly uses: number;
  readonly usedBy: readonly {
    readonly name: string;
    readonly address: string;
    readonly at: number;
    /** Whether it said that it has written everything. */
    readonly installed: boolean;
  }[];
}
