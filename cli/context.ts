/** What a command works with: where its words go, and what the terminal can show. */
import type { CommandContext, StricliProcess } from "@stricli/core";

/** What the reader of standard output can see. */
export interface Style {
  readonly colour: boolean;
  /** false: nothing beyond ASCII. */
  readonly unicode: boolean;
}

export interface Context extends CommandContext {
  readonly process: StricliProcess;
  readonly style: Style;
}

/** The style for standard output; `NO_COLOR` (no-color.org) and `TERM=dumb` are honoured. */
export function styleOf(env: (name: string) => string | undefined, isTerminal: boolean): Style {
  const locale = env("LC_ALL") || env("LC_CTYPE") || env("LANG") || "";
  return {
    colour: isTerminal && !env("NO_COLOR") && env("TERM") !== "dumb",
    unicode: !isTerminal || /utf-?8/i.test(locale),
  };
}
