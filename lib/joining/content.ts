/**
 * What the two ends of a join tell each other inside their seals, as JSON. It comes from somebody who
 * has the token; that is no reason to trust a shape or a length.
 */
import { isName } from "../config_values.ts";
import { membersMax, nameBytesMax } from "../limits.ts";
import type { Speaker } from "../wire/protocol_version.ts";

/** What a cluster is like, without any secret. */
export interface Template {
  /** The node that tells it. */
  readonly issuer: string;
  /** Its version of avail. */
  readonly version: string;
  readonly protocol: Speaker;
  /** Its configuration in use, as the text of a file. */
  readonly config: string;
  /** Of each share and of each link: this node's own addresses there, with their prefixes. */
  readonly shareNetworks: readonly (readonly string[])[];
  readonly linkNetworks: readonly (readonly string[])[];
  /** The names of the live nodes. */
  readonly members: readonly string[];
  /** Its clock, milliseconds since 1970. */
  readonly now: number;
}

/** Who wants to join. */
export interface Claim {
  readonly name: string;
  readonly version: string;
  readonly protocol: Speaker;
  /** 32 hexadecimal digits, drawn by each `avail join`: asking again is the same use of the token. */
  readonly claimant: string;
}

export const refusalReasons = [
  "expired",
  "used",
  "revoked",
  "name taken",
  "too many members",
  "protocol",
  "failed",
] as const;

/** Why an issuer does not take a machine in. */
export interface Refusal {
  readonly reason: typeof refusalReasons[number];
  /** A sentence for the user. */
  readonly detail: string;
}

export type WelcomeContent = { readonly template: Template } | { readonly refusal: Refusal };
/** `keys`: the text of the key file. */
export type GrantContent = { readonly keys: string } | { readonly refusal: Refusal };

const textMax = 200;
const keysTextMax = 32_768;
const configTextMax = 49_152;

export function encodeContent(content: WelcomeContent | GrantContent | Claim): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(content));
}

/** Null where it is none. */
export function decodeWelcomeContent(bytes: Uint8Array): WelcomeContent | null {
  const value = objectOf(bytes);
  if (value === null) return null;
  if (value.refusal !== undefined) return refusalContent(value.refusal);
  const template = readTemplate(value.template);
  return template && { template };
}

/** Null where it is none. */
export function decodeGrantContent(bytes: Uint8Array): GrantContent | null {
  const value = objectOf(bytes);
  if (value === null) return null;
  if (value.refusal !== undefined) return refusalContent(value.refusal);
  const keys = text(value.keys, keysTextMax);
  return keys === null ? null : { keys };
}

/** Null where it is none. */
export function decodeClaim(bytes: Uint8Array): Claim | null {
  const value = objectOf(bytes);
  if (value === null) return null;
  const name = nameOf(value.name);
  const version = text(value.version, textMax);
  const protocol = speaker(value.protocol);
  const claimant = text(value.claimant, 32);
  if (name === null || version === null || protocol === null) return null;
  if (claimant === null || !/^[0-9a-f]{32}$/.test(claimant)) return null;
  return { name, version, protocol, claimant };
}

function refusalContent(value: unknown): { readonly refusal: Refusal } | null {
  if (!isObject(value)) return null;
  const reason = refusalReasons.find((known) => known === value.reason);
  const detail = text(value.detail, 4 * textMax);
  return reason === undefined || detail === null ? null : { refusal: { reason, detail } };
}

function readTemplate(value: unknown): Template | null {
  if (!isObject(value)) return null;
  const issuer = nameOf(value.issuer);
  const version = text(value.version, textMax);
  const protocol = speaker(value.protocol);
  const config = text(value.config, configTextMax);
  const shareNetworks = lists(value.shareNetworks);
  const linkNetworks = lists(value.linkNetworks);
  const members = texts(value.members, membersMax);
  if (issuer === null || version === null || protocol === null || config === null) return null;
  if (shareNetworks === null || linkNetworks === null || members === null) return null;
  if (typeof value.now !== "number" || !Number.isSafeInteger(value.now)) return null;
  const { now } = value;
  return { issuer, version, protocol, config, shareNetworks, linkNetworks, members, now };
}

function objectOf(bytes: Uint8Array): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}

function text(value: unknown, max: number): string | null {
  return typeof value === "string" && value.length <= max ? value : null;
}

function nameOf(value: unknown): string | null {
  const name = text(value, nameBytesMax);
  return name !== null && isName(name) ? name : null;
}

/** A list of short texts. */
function texts(value: unknown, max: number): string[] | null {
  if (!Array.isArray(value) || value.length > max) return null;
  const all: readonly unknown[] = value;
  const found = all.flatMap((each) => text(each, textMax) ?? []);
  return found.length === all.length ? found : null;
}

function lists(value: unknown): string[][] | null {
  if (!Array.isArray(value) || value.length > 64) return null;
  const all: readonly unknown[] = value;
  const found = all.flatMap((each) => {
    const list = texts(each, 64);
    return list === null ? [] : [list];
  });
  return found.length === all.length ? found : null;
}

function speaker(value: unknown): Speaker | null {
  if (!isObject(value)) return null;
  const { version, oldest } = value;
  const isVersion = (n: unknown): n is number =>
    typeof n === "number" && Number.isInteger(n) && n >= 1 && n <= 255;
  return isVersion(version) && isVersion(oldest) ? { version, oldest } : null;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
