/** The text of `avail kmod status`. */
import type { ModuleState, ModuleStatus } from "../lib/host/kernel_module/status.ts";
import type { Style } from "./context.ts";
import { type Colour, pad, paint, plain, wrap } from "./render.ts";

const columnsMax = 80;

const headlines: Readonly<Record<ModuleState, readonly [colour: Colour, words: string]>> = {
  loaded: ["green", "loaded"],
  loadable: ["green", "installed; loads with its first device, or by: avail kmod load"],
  buildable: ["yellow", "not installed; everything is here to build it: avail kmod build"],
  impossible: ["red", "not possible as it is"],
};

export function moduleScreen(status: ModuleStatus, style: Style): string {
  const [colour, words] = headlines[status.state];
  const outdated = isOutdated(status)
    ? ["", ...wrap(plain(`Renew it: ${renewal(status)}`), columnsMax)]
    : [];
  const obstacles = status.obstacles.flatMap(({ problem, remedy }) => [
    "",
    ...wrap(plain(problem), columnsMax),
    ...hanging(plain(remedy), style.unicode ? "→ " : "> "),
  ]);
  const lines = [
    `clusterdev for Linux ${plain(status.release)}: ${paint(words, colour, style)}`,
    "",
    ...rows(status).map(([name, value]) => `  ${pad(name, 10)}${plain(value)}`),
    ...outdated,
    ...obstacles,
  ];
  return lines.join("\n") + "\n";
}

/** Whether what is used, or would be, was made of another source than this program's. */
function isOutdated({ state, loaded, installed, version }: ModuleStatus): boolean {
  if (state !== "loaded" && state !== "loadable") return false;
  const theirs = loaded?.version ?? installed?.version ?? null;
  return theirs !== null && theirs !== version;
}

function renewal({ loaded }: ModuleStatus): string {
  return loaded === null
    ? "avail kmod build"
    : "avail kmod build; then, with avail run stopped: avail kmod unload && avail kmod load";
}

function rows(status: ModuleStatus): [name: string, value: string][] {
  const { loaded, installed, compiler, kernelCompiler } = status;
  return [
    ["source", status.version],
    ["loaded", loaded === null ? "no" : loaded.version ?? "yes"],
    [
      "installed",
      installed === null
        ? "no"
        : [installed.path, installed.version, installed.isSigned ? "signed" : null]
          .filter((word) => word !== null).join(", "),
    ],
    ["headers", status.headers ?? "none"],
    ["compiler", `${compiler ?? "none that fits"}; the kernel's: ${kernelCompiler ?? "unknown"}`],
    ["DKMS", status.dkms ? "installed" : "not installed"],
    ["signature", status.needsSignature ? "needed" : "not needed"],
  ];
}

function hanging(text: string, mark: string): string[] {
  return wrap(text, columnsMax, " ".repeat(mark.length))
    .map((line, i) => i === 0 ? mark + line.slice(mark.length) : line);
}
