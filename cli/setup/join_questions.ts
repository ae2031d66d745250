/** The questions of `avail join` at a terminal: which interface is which, where addresses do not tell. */
import { AvailError } from "../../lib/errors.ts";
import { type InterfaceFacts, isUsable } from "../../lib/setup/facts.ts";
import {
  type Match,
  type OpenSlot,
  type Slot,
  slotText,
} from "../../lib/setup/match_interfaces.ts";
import type { Style } from "../context.ts";
import type { Questions } from "./ask.ts";
import { interfaceTable } from "./screens.ts";

export interface OpenQuestions {
  readonly slots: readonly Slot[];
  readonly matches: readonly (Match | undefined)[];
  readonly open: readonly OpenSlot[];
  readonly facts: readonly InterfaceFacts[];
  /** The node that was asked. */
  readonly issuer: string;
}

/** By slot, everything decided; throws `AvailError` where the user would rather not. */
export function askForInterfaces(
  questions: Questions,
  { slots, matches, open, facts, issuer }: OpenQuestions,
  { style, start }: { readonly style: Style; readonly start: boolean },
): readonly Match[] {
  questions.say("\n The interfaces of this machine:\n");
  questions.say(interfaceTable(facts, style).join("\n"));
  questions.say();
  const answers = new Map<Slot, Match>();
  for (const { slot, candidates } of open) {
    const taken = [...matches, ...answers.values()].map((match) => match?.interface);
    const usable = facts.filter(isUsable).map(({ name }) => name);
    const likely = candidates.find((name) => !taken.includes(name)) ?? "";
    answers.set(
      slot,
      questions.ask(
        `Which is ${slotText(slot)} of ${issuer}${slot.kind === "link" ? " (or none)" : ""}`,
        likely,
        (answer): Match => {
          if (answer === "none" && slot.kind === "link") return null;
          if (!usable.includes(answer)) {
            throw new Error(`"${answer}" is none of them; there are ${usable.join(", ")}`);
          }
          return { interface: answer, by: "answer" };
        },
      ),
    );
  }
  if (!questions.confirm(start ? "Join, and start the node?" : "Join?")) {
    throw new AvailError("join: nothing was changed, and the token can still be used");
  }
  return slots.map((slot, i) => answers.has(slot) ? answers.get(slot)! : matches[i] ?? null);
}
