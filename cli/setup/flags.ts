/** The flags that `avail init` and `avail join` share. */
import {
  readInterfaceWords,
  readLinkWords,
  readSettingWords,
  readShareWords,
} from "../../lib/setup/flag_words.ts";
import { jsonFlag, optionalSwitch } from "../client.ts";

const optionalText = { kind: "parsed", parse: String, optional: true } as const;

export interface SetupFlags {
  readonly node?: string;
  readonly set?: readonly ReturnType<typeof readSettingWords>[];
  readonly config: string;
  readonly start: boolean;
  readonly force?: boolean;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

export const setupFlags = {
  node: {
    ...optionalText,
    brief: "This node's name [the host name up to its first dot]",
    placeholder: "NAME",
  },
  set: {
    kind: "parsed",
    parse: readSettingWords,
    optional: true,
    variadic: true,
    brief: "Any other key of the configuration, such as node.weight=2",
    placeholder: "TABLE.KEY=VALUE",
  },
  config: {
    kind: "parsed",
    parse: readPath,
    default: "/etc/avail/avail.toml",
    brief: "Where the configuration goes; the key file goes beside it",
    placeholder: "FILE",
  },
  start: { kind: "boolean", default: true, brief: "Start the service, and wait until it is ready" },
  force: { ...optionalSwitch, brief: "Replace what is there, and keep it as FILE.old" },
  dryRun: { ...optionalSwitch, brief: "Print the configuration, and change nothing" },
  json: jsonFlag,
} as const;

export const shareFlag = {
  kind: "parsed",
  parse: readShareWords,
  optional: true,
  variadic: true,
  brief: "An interface and its shared addresses, such as eth0=192.0.2.1/24,key=pair",
  placeholder: "IF=ADDRESSES",
} as const;

export const linkFlag = {
  kind: "parsed",
  parse: readLinkWords,
  optional: true,
  variadic: true,
  brief: "An interface for heartbeats and replication alone",
  placeholder: "IF[=ADDRESS]",
} as const;

export const interfaceFlag = {
  kind: "parsed",
  parse: readInterfaceWords,
  optional: true,
  variadic: true,
  brief: "This machine's interface for one of the other node's, such as eth0=ens3",
  placeholder: "THERE=HERE",
} as const;

export const usesFlag = {
  kind: "parsed",
  parse: (text: string) => {
    const uses = /^\d{1,2}$/.test(text) ? Number(text) : NaN;
    if (!(uses <= 31)) throw new Error("write how many nodes may join by it, 0 to 31");
    return uses;
  },
  default: "1",
  brief: "How many nodes may join by the token; 0: make none",
  placeholder: "N",
} as const;

export const expiresFlag = {
  kind: "parsed",
  parse: readLifetime,
  default: "1h",
  brief: "How long the token is good, 1m to 7d",
  placeholder: "TIME",
} as const;

/** `30m`, `1h`, `2d` in milliseconds. */
export function readLifetime(text: string): number {
  const match = /^(\d{1,5})([mhd])$/.exec(text);
  const minutes = { m: 1, h: 60, d: 1440 }[match?.[2] ?? ""] ?? NaN;
  const ms = Number(match?.[1]) * minutes * 60_000;
  if (!(ms >= 60_000 && ms <= 7 * 86_400_000)) {
    throw new Error("write minutes, hours or days, such as 30m, 1h or 2d; 7d at most");
  }
  return ms;
}

/** An absolute path, from where the user stands. */
export function readPath(text: string): string {
  if (text === "") throw new Error("write a path");
  return text.startsWith("/") ? text : `${Deno.cwd()}/${text}`.replace(/\/\.\//g, "/");
}
