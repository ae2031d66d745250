/** `avail completions`: what a shell needs to complete command lines of avail. */
import { buildCommand } from "@stricli/core";
import { askStatus } from "./client.ts";
import type { Context } from "./context.ts";

/** `nodes` is what the scripts themselves ask for at the cursor. */
const words = ["bash", "zsh", "fish", "nodes"] as const;
type Word = typeof words[number];

export const completionsCommand = buildCommand<Record<never, never>, [Word], Context>({
  docs: {
    brief: "Print the completions for a shell",
    fullDescription:
      "Prints a script; `avail install` puts it where the shell finds it. By hand:\n" +
      "  bash: avail completions bash >/etc/bash_completion.d/avail\n" +
      "  zsh:  avail completions zsh >/usr/local/share/zsh/site-functions/_avail\n" +
      "  fish: avail completions fish >~/.config/fish/completions/avail.fish",
  },
  parameters: {
    positional: {
      kind: "tuple",
      parameters: [{ brief: "The shell", parse: readWord, placeholder: "bash|zsh|fish" }],
    },
  },
  async func(_flags, word) {
    if (word === "nodes") {
      this.process.stdout.write(await nodeNames());
      return;
    }
    const { completionsFor } = await import("./program_texts.ts");
    this.process.stdout.write(await completionsFor(word));
  },
});

/** One a line; nothing where no daemon answers: nobody wants an error at the cursor. */
async function nodeNames(): Promise<string> {
  try {
    return (await askStatus({})).members.map(({ name }) => `${name}\n`).join("");
  } catch {
    return "";
  }
}

function readWord(text: string): Word {
  const word = words.find((word) => word === text);
  if (word === undefined) throw new Error("there are completions for bash, zsh and fish");
  return word;
}
