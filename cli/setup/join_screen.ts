/** What `avail join` did, on one screen. Nothing here prints. */
import type { Match, MatchedBy, Slot } from "../../lib/setup/match_interfaces.ts";
import { prefixText } from "../../lib/setup/facts.ts";
import type { Style } from "../context.ts";
import { paint, plain, table } from "../render.ts";
import { doneLines, type InitTold, startLines, warningLines } from "./screens.ts";

export interface JoinTold extends Omit<InitTold, "token"> {
  readonly issuer: string;
  readonly slots: readonly Slot[];
  readonly matches: readonly Match[];
}

const reasons: Readonly<Record<MatchedBy, string>> = {
  flag: "by --interface",
  network: "by the network of its address",
  name: "by its name",
  answer: "by your answer",
};

export function joinScreen(told: JoinTold, style: Style): string {
  const { config, issuer, slots, matches, start } = told;
  const rows = slots.map((slot, i) => [
    `${slot.kind} ${slot.number}`,
    plain(slot.interface),
    paint(matches[i]?.interface ?? "none", "bold", style),
    matches[i] == null ? "left out" : reasons[matches[i].by],
    slot.networks.slice(0, 1).map(prefixText).join(""),
  ]);
  const columns = ["", `ON ${plain(issuer)}`, "HERE", "FOUND", "NETWORK"];
  return [
    ...doneLines(told, style),
    "",
    ...table(columns.map((title) => ({ title })), rows, style).map((line) => ` ${line}`),
    "",
    ...startLines(plain(config.node.name), start, style),
    ...warningLines(told.warnings, style),
    ...(start.kind === "ready" || told.warnings.length > 0 ? [""] : []),
    ` Then: avail status   who has what, and is it safe to pull a plug?`,
    `       avail doctor   what of this machine could be better`,
    "",
  ].join("\n");
}
