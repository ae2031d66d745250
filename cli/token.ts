/** `avail token`: lets a further node join, and tells who did. */
import { buildCommand } from "@stricli/core";
import type { TokenStatus } from "../lib/control_joins.ts";
import { AvailError, exitCodes } from "../lib/errors.ts";
import { jsonFlag } from "./client.ts";
import type { Context } from "./context.ts";
import { duration, jsonLine, plain, table } from "./render.ts";
import { expiresFlag, readPath, usesFlag } from "./setup/flags.ts";

interface Flags {
  readonly config: string;
  readonly uses: number;
  readonly expires: number;
  readonly list?: boolean;
  readonly revoke?: string;
  readonly json?: boolean;
}

export const tokenCommand = buildCommand<Flags, [], Context>({
  docs: {
    brief: "Print the line by which a further node joins",
    fullDescription:
      "Makes a join token of this node and prints the command for the machine that shall join.\n" +
      "A token is good for so many nodes and so long; it lets them have the cluster's key, so\n" +
      "treat it as a password until it is used. --list shows tokens without their secrets.",
  },
  parameters: {
    flags: {
      uses: { ...usesFlag, brief: "How many nodes may join by it, 1 to 31" },
      expires: expiresFlag,
      list: {
        kind: "boolean",
        optional: true,
        withNegated: false,
        brief: "Show the tokens of this node, and who joined by them",
      },
      revoke: {
        kind: "parsed",
        parse: (text: string) => {
          if (text === "all" || /^[0-9a-f]{4,16}$/.test(text)) return text;
          throw new Error("write an id as `avail token --list` shows it, or all");
        },
        optional: true,
        brief: "Make a token worthless, by its id (or all)",
        placeholder: "ID|all",
      },
      config: {
        kind: "parsed",
        parse: readPath,
        default: "/etc/avail/avail.toml",
        brief: "This node's configuration",
        placeholder: "FILE",
      },
      json: jsonFlag,
    },
  },
  async func(flags) {
    if (flags.list && flags.revoke !== undefined) throw usage("--list and --revoke are two things");
    const { loadConfigAndKeys } = await import("../lib/host/config_loader.ts");
    const { config } = await loadConfigAndKeys(flags.config);
    if (flags.list) return await list(this, flags, config);
    if (flags.revoke !== undefined) return await revoke(this, flags.revoke, flags, config);
    if (flags.uses === 0) throw usage("uses: 0 makes no token; write 1 to 31");
    const { issueToken } = await import("./setup/issue_token.ts");
    const token = await issueToken(config, { uses: flags.uses, lifetimeMs: flags.expires });
    if (flags.json) {
      const { id, text, uses, expiresAt, listening, problem } = token;
      const command = `avail join ${text}`;
      const made = { schema: 1, id, text, command, expiresAt, uses, listening, problem };
      return this.process.stdout.write(jsonLine(made));
    }
    const { tokenLines } = await import("./setup/screens.ts");
    this.process.stdout.write(tokenLines(token, this.style).join("\n") + "\n");
  },
});

type Config = Awaited<
  ReturnType<typeof import("../lib/host/config_loader.ts").loadConfigAndKeys>
>["config"];

async function list(context: Context, { json }: Flags, config: Config): Promise<void> {
  const { readTokens, tokenFileOf } = await import("../lib/host/token_file.ts");
  const { tokenStatus } = await import("../lib/joining/token_book.ts");
  const { tellDaemon } = await import("./setup/issue_token.ts");
  const book = await readTokens(tokenFileOf(config.cluster.keyFile));
  const tokens = book.map((token) => tokenStatus(token, Date.now()));
  const joins = await tellDaemon(config.control.socket);
  const shown = {
    schema: 1,
    node: config.node.name,
    isRunning: joins !== null,
    listening: joins?.listening ?? [],
    problem: joins?.problem ?? null,
    tokens,
    refused: joins?.refused ?? {},
  };
  if (json) return void context.process.stdout.write(jsonLine(shown));
  const lines = tokens.length === 0 ? [" no tokens; make one: avail token"] : table(
    [{ title: "TOKEN" }, { title: "STATE" }, { title: "USES" }, { title: "EXPIRES" }]
      .concat({ title: "JOINED BY IT" }),
    tokens.map(tokenRow),
    context.style,
  ).map((line) => ` ${line}`);
  const where = joins === null
    ? " the daemon does not run: nobody can join"
    : joins.listening.length > 0
    ? ` waits for nodes on ${joins.listening.join(", ")}`
    : " waits for nobody: no token can be used";
  const refused = Object.entries(shown.refused).map(([reason, n]) => `${n} ${reason}`);
  context.process.stdout.write(
    [
      ...lines,
      "",
      where,
      ...(shown.problem === null ? [] : [` ${plain(shown.problem)}`]),
      ...(refused.length === 0 ? [] : [` refused since the daemon's start: ${refused.join(", ")}`]),
      "",
    ].join("\n"),
  );
}

function tokenRow({ id, state, expiresAt, uses, usedBy }: TokenStatus): string[] {
  const leftMs = expiresAt - Date.now();
  const expires = leftMs > 0 ? `in ${duration(leftMs)}` : `${duration(-leftMs)} ago`;
  const who = usedBy.map(({ name, address, installed }) =>
    `${plain(name)} (${plain(address)}${installed ? "" : ", not finished"})`
  );
  return [id, state, `${usedBy.length} of ${uses}`, expires, who.join(", ") || "nobody"];
}

async function revoke(
  context: Context,
  which: string,
  { json }: Flags,
  config: Config,
): Promise<void> {
  const { changeTokens, tokenFileOf } = await import("../lib/host/token_file.ts");
  const { stateOf, withRevoked } = await import("../lib/joining/token_book.ts");
  const { tellDaemon } = await import("./setup/issue_token.ts");
  let revoked: string[] = [];
  await changeTokens(tokenFileOf(config.cluster.keyFile), (book) => {
    const open = book.filter((token) => stateOf(token, Date.now()) === "open");
    revoked = (which === "all" ? open : book.filter(({ id }) => id.startsWith(which)))
      .map(({ id }) => id);
    if (which !== "all" && revoked.length !== 1) {
      const found = revoked.length === 0 ? "no token" : `${revoked.length} tokens`;
      throw new AvailError(
        `token --revoke ${which}: ${found} of that id; \`avail token --list\` shows them`,
      );
    }
    return revoked.reduce((changed, id) => withRevoked(changed, id), book);
  });
  await tellDaemon(config.control.socket);
  if (json) return void context.process.stdout.write(jsonLine({ schema: 1, revoked }));
  const text = revoked.length === 0
    ? "no token could be used any more"
    : `revoked ${revoked.join(", ")}`;
  context.process.stdout.write(`${text}\n`);
}

function usage(message: string): AvailError {
  return new AvailError(`token: ${message}`, { exitCode: exitCodes.usage });
}
