/** The texts that are made from the table of commands, so that they never go stale. */
import { application } from "./application.ts";
import { type CommandEntry, commandTable } from "./command_table.ts";
import { bashCompletions } from "./completions/bash.ts";
import { fishCompletions } from "./completions/fish.ts";
import { zshCompletions } from "./completions/zsh.ts";
import { manPage } from "./man_page.ts";
import type { Texts } from "../lib/host/install/layout.ts";

export const shells = ["bash", "zsh", "fish"] as const;
export type Shell = typeof shells[number];

const completions: Readonly<Record<Shell, (table: CommandEntry) => string>> = {
  bash: bashCompletions,
  zsh: zshCompletions,
  fish: fishCompletions,
};

export async function completionsFor(shell: Shell): Promise<string> {
  return completions[shell](commandTable(await application()));
}

export async function programTexts(version: string): Promise<Texts> {
  const table = commandTable(await application());
  return {
    completions: {
      bash: bashCompletions(table),
      zsh: zshCompletions(table),
      fish: fishCompletions(table),
    },
    manPage: manPage(table, version),
  };
}
