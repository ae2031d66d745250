/** Which Debian packages make up a kernel: pure work on what apt tells. */

/** A paragraph of a package index (deb822), its field names as they are written there. */
export type Stanza = Readonly<Record<string, string>>;

/** One version of a package. */
export interface Package {
  readonly name: string;
  readonly version: string;
  /** Names that it depends on, the first of alternatives, with the version that `=` asks for. */
  readonly depends: readonly { readonly name: string; readonly exactly: string | null }[];
}

/** The packages in an index, as `apt-cache show` prints it. */
export function readPackages(text: string): Package[] {
  return text.split(/\n{2,}/).map(readStanza)
    .filter((stanza) => stanza.Package !== undefined && stanza.Version !== undefined)
    .map((stanza) => ({
      name: stanza.Package,
      version: stanza.Version,
      depends: readDepends(stanza.Depends ?? ""),
    }));
}

function readStanza(text: string): Stanza {
  const stanza: Record<string, string> = {};
  for (const match of text.matchAll(/^([\w-]+):\s*(.*(?:\n[ \t].*)*)/gm)) {
    stanza[match[1]] = match[2];
  }
  return stanza;
}

function readDepends(text: string): Package["depends"] {
  return text.split(",").map((item) => item.split("|")[0].trim()).filter(Boolean).map((item) => ({
    name: item.split(/[\s(:]/)[0],
    exactly: /\(=\s*([^)\s]+)\s*\)/.exec(item)?.[1] ?? null,
  }));
}

/** The newest package whose name matches, or null if none does. */
export function newest(packages: readonly Package[], name: RegExp): Package | null {
  return packages.filter((one) => name.test(one.name))
    .toSorted((a, b) => compareVersions(a.version, b.version)).at(-1) ?? null;
}

/**
 * A dependency that holds a part of the kernel, its headers or its build tools; all else that a
 * kernel asks for (an initramfs maker, a compiler) serves its installation.
 */
export function isKernelPart(name: string): boolean {
  return /^linux-(image|binary|modules|base|headers|kbuild)-\d/.test(name);
}

/**
 * Orders two versions as dpkg does (deb-version(7)): by epoch, upstream version and revision, where
 * runs of digits count as numbers and `~` sorts before everything, even the end.
 * @returns Negative, zero or positive.
 */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [splitVersion(a), splitVersion(b)];
  return left.epoch - right.epoch || comparePart(left.upstream, right.upstream) ||
    comparePart(left.revision, right.revision);
}

function splitVersion(version: string): { epoch: number; upstream: string; revision: string } {
  const colon = version.indexOf(":");
  const rest = version.slice(colon + 1);
  const dash = rest.lastIndexOf("-");
  return {
    epoch: colon < 0 ? 0 : Number(version.slice(0, colon)),
    upstream: dash < 0 ? rest : rest.slice(0, dash),
    revision: dash < 0 ? "" : rest.slice(dash + 1),
  };
}

function comparePart(a: string, b: string): number {
  while (a !== "" || b !== "") {
    const [textA, textB] = [/^\D*/.exec(a)![0], /^\D*/.exec(b)![0]];
    const byText = compareText(textA, textB);
    if (byText !== 0) return byText;
    const [digitsA, digitsB] = [
      /^\d*/.exec(a.slice(textA.length))![0],
      /^\d*/.exec(b.slice(textB.length))![0],
    ];
    if (Number(digitsA) !== Number(digitsB)) return Number(digitsA) - Number(digitsB);
    a = a.slice(textA.length + digitsA.length);
    b = b.slice(textB.length + digitsB.length);
  }
  return 0;
}

function compareText(a: string, b: string): number {
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    const difference = rank(a, i) - rank(b, i);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** `~` before the end before letters before all else. */
function rank(text: string, at: number): number {
  const char = text[at];
  if (char === undefined) return 0;
  if (char === "~") return -1;
  return /[A-Za-z]/.test(char) ? char.charCodeAt(0) : 256 + char.charCodeAt(0);
}
