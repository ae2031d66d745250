/** What `avail install` and `avail uninstall` tell. */
import type { Step } from "../lib/host/install/changes.ts";
import type { Installed } from "../lib/host/install/install.ts";
import type { Uninstalled } from "../lib/host/install/uninstall.ts";
import type { Style } from "./context.ts";
import { pad, paint, plain, wrap } from "./render.ts";

const columnsMax = 80;
/** Longer paths push what they are good for to the right. */
const pathColumns = 42;

const words: Readonly<Record<Step["action"], readonly [did: string, would: string]>> = {
  write: ["wrote", "write"],
  replace: ["replaced", "replace"],
  make: ["made", "make"],
  mode: ["closed", "close"],
  link: ["linked", "link"],
  remove: ["removed", "remove"],
  run: ["ran", "run"],
};

export function installHead(version: string, root: string, isDryRun: boolean): string {
  const where = root === "/" ? "on this machine" : `into ${plain(root)}`;
  return isDryRun
    ? `avail ${version}: what an installation ${where} would do\n`
    : `avail ${version}: installing ${where}\n`;
}

export function stepLine({ action, path, what }: Step, isDryRun: boolean): string {
  const [did, would] = words[action];
  const verb = pad(isDryRun ? would : did, 8);
  return `  ${verb}  ${pad(plain(path), pathColumns)}  ${what}`.trimEnd() + "\n";
}

export function installTail(installed: Installed, style: Style): string {
  const { dryRun, changed, version, sha256, previous, datapath, root } = installed;
  const lines: string[] = [];
  if (!changed) {
    const where = root === "/" ? "" : ` in ${plain(root)}`;
    lines.push(`avail ${version} is installed${where} already; nothing was changed`);
  } else if (previous !== null && previous.sha256 !== sha256) {
    const [from, to] = previous.version === version
      ? [
        `${previous.version} (${previous.sha256.slice(0, 8)})`,
        `${version} (${sha256.slice(0, 8)})`,
      ]
      : [previous.version, version];
    lines.push(`${dryRun ? "would go" : "went"} from avail ${from} to ${to}`);
  }
  if (datapath !== null) {
    const { backend, why, remedy } = datapath;
    const name = backend === null
      ? paint("none that works", "red", style)
      : paint(backend, "bold", style);
    lines.push(...labelled("datapath:", `${name}; ${plain(why)}`));
    if (remedy !== undefined) {
      const aim = backend === null ? "" : "for the kernel module: ";
      lines.push(...labelled("", aim + plain(remedy)));
    }
  }
  if (!dryRun) lines.push(...nextLines(installed));
  return lines.map((line) => `${line}\n`).join("");
}

export function uninstallHead(root: string, isDryRun: boolean): string {
  const where = root === "/" ? "from this machine" : `from ${plain(root)}`;
  return isDryRun ? `what removing avail ${where} would do\n` : `removing avail ${where}\n`;
}

export function uninstallTail({ changed, dryRun, root, kept }: Uninstalled): string {
  const where = root === "/" ? "here" : `in ${plain(root)}`;
  if (!changed) return `avail is not installed ${where}; there is nothing to remove\n`;
  const left = kept.length > 0 ? `kept: ${kept.map(plain).join(", ")}\n` : "";
  return left + (dryRun ? "" : "avail is removed\n");
}

function nextLines({ next, root, configured, running }: Installed): string[] {
  if (next.length === 0) return [];
  if (root !== "/") return ["next:", ...next.map((line) => `  ${plain(line)}`)];
  if (!configured) {
    const [init, join] = next;
    return [
      "next:",
      `  ${pad(init, 16)}  on the cluster's first node`,
      `  ${pad(join, 16)}  on every other one, with the line that init printed`,
    ];
  }
  return running
    ? ["the daemon still runs as it was installed before; it hands over and starts anew by:"]
      .concat(next.map((line) => `  ${line}`))
    : ["next:", ...next.map((line) => `  ${line}`)];
}

const labelColumns = 10;

function labelled(label: string, text: string): string[] {
  const [first, ...rest] = wrap(text, columnsMax, " ".repeat(labelColumns));
  return [pad(label, labelColumns) + first.slice(labelColumns), ...rest];
}
