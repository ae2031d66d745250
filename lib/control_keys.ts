/** Requests and answers about keys on the control socket. No key is ever in one, but sealed. */
import { AvailError, exitCodes } from "./errors.ts";

/** What a node does about its own keys; each can be repeated without harm, but `add`. */
export type KeysRequest =
  & { readonly command: "keys" }
  & (
    | { readonly do: "show" }
    /** Reads the key file again. */
    | { readonly do: "reload" }
    /** Makes a key; `added` of the answer is its id. */
    | { readonly do: "add" }
    /** Seals with it from now on. */
    | { readonly do: "use"; readonly id: number }
    | { readonly do: "drop"; readonly id: number }
    /** Gives this key to another node. */
    | { readonly do: "give"; readonly id: number; readonly node: string }
    /** The answer is a `KeyOffer`, for `take`. */
    | { readonly do: "offer" }
    /** Takes a key that was sealed for an offer (wire/key_wrap.ts). */
    | {
      readonly do: "take";
      readonly id: number;
      readonly offer: string;
      readonly offered: string;
      readonly sealed: string;
    }
  );

export interface KeyOffer {
  readonly offered: string;
}

/** The answer to all others, and `avail key show --json`. */
export interface KeysStatus {
  readonly schema: 1;
  readonly node: string;
  readonly file: string;
  /** The id of the key that seals what this node sends. */
  readonly sends: number;
  /** All that it opens with, in the file's order; equal keys have equal checks. */
  readonly keys: readonly { readonly id: number; readonly check: string }[];
  /** The live nodes, and the key of what each sent last; null: not known yet. */
  readonly peers: readonly { readonly name: string; readonly keyId: number | null }[];
  /** Nodes that were live since this daemon started, and are not now. */
  readonly away: readonly string[];
  /** Of `add`. */
  readonly added?: number;
}

/** Reads a `keys` request; throws `AvailError` that says which field is wrong. */
export function parseKeysRequest(value: Readonly<Record<string, unknown>>): KeysRequest {
  const command = "keys";
  switch (value.do) {
    case undefined:
      return { command, do: "show" };
    case "show":
    case "reload":
    case "add":
    case "offer":
      return { command, do: value.do };
    case "use":
    case "drop":
      return { command, do: value.do, id: id(value) };
    case "give":
      return { command, do: "give", id: id(value), node: text(value, "node", /^[\w-]{1,63}$/) };
    case "take":
      return {
        command,
        do: "take",
        id: id(value),
        offer: text(value, "offer", /^[\w-]{43}$/),
        offered: text(value, "offered", /^[\w-]{43}$/),
        sealed: text(value, "sealed", /^[0-9a-f]{96}$/),
      };
    default:
      throw refuse(`do ${short(value.do)}`, "use show, reload, add, use, drop or give");
  }
}

function id(value: Readonly<Record<string, unknown>>): number {
  const found = value.id;
  if (typeof found === "number" && Number.isInteger(found) && found >= 0 && found <= 255) {
    return found;
  }
  throw refuse(`id ${short(found)}`, "give a key's id, 0 to 255");
}

function text(value: Readonly<Record<string, unknown>>, key: string, shape: RegExp): string {
  const found = value[key];
  if (typeof found === "string" && shape.test(found)) return found;
  // Whatever it is, it may have been meant as a secret.
  throw refuse(`${key} is missing or not of its shape`, "`avail key` knows how to ask");
}

function short(found: unknown): string {
  return (JSON.stringify(found) ?? "undefined").slice(0, 20);
}

function refuse(found: string, remedy: string): AvailError {
  return new AvailError(`control request: keys: ${found}; ${remedy}`, {
    exitCode: exitCodes.usage,
  });
}
