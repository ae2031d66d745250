/** Why a join did not come about, in words for whoever typed it: what was tried, and what to do. */
import type { Refusal } from "./content.ts";
import type { AskingEffect } from "./asking.ts";
import type { JoinToken } from "./token.ts";

/** One address of the issuer, and why it came to nothing. */
export interface Attempt {
  readonly place: string;
  readonly kind: "refused" | "silent" | "unreachable" | "stranger" | "broken";
  readonly problem: string;
}

/** Nobody answered, or nobody who has the token's secret. `now`: this machine's clock. */
export function unreachedText(
  { issuer, port, expiresAt }: JoinToken,
  attempts: readonly Attempt[],
  now: number,
): string {
  const has = (kind: Attempt["kind"]) => attempts.some((attempt) => attempt.kind === kind);
  const lateMin = Math.ceil((now - expiresAt) / 60_000);
  return [
    `join: ${issuer} could not be asked:`,
    ...attempts.map(({ place, problem }) => `  ${place}: ${problem}`),
    ...has("refused") || has("broken")
      ? [
        `avail does not run on ${issuer}, or none of its join tokens can be used any more (used,`,
        `expired, revoked). On ${issuer}: \`avail status\`, and \`avail token\` for another token.`,
      ]
      : [],
    ...has("silent")
      ? [
        `Is this machine in that network? Does a firewall on ${issuer} let TCP port ${port} in?`,
        `(nft add rule … tcp dport ${port} accept; it is needed only while nodes join)`,
      ]
      : [],
    ...has("unreachable")
      ? ["This machine needs an own address in the network of a link or a share: `ip address`."]
      : [],
    ...has("stranger")
      ? [`What answers there has not the token's secret: it is another cluster, or not ${issuer}.`]
      : [],
    ...lateMin > 0 ? [`By this machine's clock the token expired ${lateMin} min ago.`] : [],
  ].join("\n");
}

/** The issuer, proven, said no. */
export function refusedText(issuer: string, { reason, detail }: Refusal): string {
  const remedies: Readonly<Record<Refusal["reason"], string>> = {
    expired: `make another one on ${issuer}: avail token`,
    used: `make another one on ${issuer}: avail token`,
    revoked: `make another one on ${issuer}: avail token`,
    "name taken": "give this node another name: --node NAME",
    "too many members": "a cluster cannot have more",
    protocol: "install the same version of avail on both",
    failed: `look there: avail status, journalctl -u avail`,
  };
  const attempt = reason === "expired" || reason === "used" || reason === "revoked"
    ? `${issuer} does not take this token`
    : `${issuer} does not take this machine in`;
  return `join: ${attempt}: ${detail}; ${remedies[reason]}`;
}

/** Somebody there said no without having proved who it is. */
export function turnedAwayText(
  { issuer, cluster }: JoinToken,
  place: string,
  { reason, versionMin, versionMax }: Extract<AskingEffect, { kind: "turned away" }>,
): string {
  switch (reason) {
    case "unknown token":
      return `join: ${place} does not know this token: ${issuer} has forgotten it, or the cluster ` +
        `${cluster} was set up anew; make another one on ${issuer}: avail token`;
    case "version":
      return `join: ${place} speaks versions ${versionMin} to ${versionMax} of joining, and this ` +
        "avail does not; install the same version of avail on both";
    case "busy":
      return `join: ${place} was asked too often; wait ten seconds, and try again`;
  }
}
