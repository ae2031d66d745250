/**
 * Who may import whom, and what pure code must not touch (CONTRIBUTING.md has the table in words).
 *
 * ```
 *   cli/ ----> lib/daemon.ts, lib/host/ ----> lib/ (pure)
 *                          lib/host/    ----> ffi/
 * ```
 */

interface Zone {
  readonly name: string;
  readonly files: RegExp;
  /** Paths inside the project that its files may import. */
  readonly imports: RegExp;
  /** Packages that they may import. */
  readonly packages: RegExp;
  /** Whether they decide by their arguments alone. */
  readonly isPure: boolean;
}

/** The first zone that has a file counts. */
const zones: readonly Zone[] = [
  {
    name: "cli/demo",
    files: /^cli\/demo[/.]/,
    imports: /^(cli|lib)\//,
    // Its clients and servers use sockets that Deno's own API does not have.
    packages: /^(@stricli\/core|node:.*)$/,
    isPure: false,
  },
  {
    name: "cli",
    files: /^cli\//,
    imports: /^(cli|lib)\//,
    packages: /^(@stricli\/core|@clack\/prompts)$/,
    isPure: false,
  },
  {
    name: "lib/host",
    files: /^lib\/host\//,
    imports: /^(lib|ffi)\//,
    packages: /^(@logtape\/logtape|node:.*)$/,
    isPure: false,
  },
  {
    name: "lib/daemon",
    files: /^lib\/daemon\.ts$/,
    imports: /^lib\//,
    packages: /^(@logtape\/logtape|node:.*)$/,
    isPure: false,
  },
  {
    name: "lib/config_file",
    files: /^lib\/config_file\.ts$/,
    imports: /^lib\/(?!host\/|daemon\.ts)/,
    packages: /^smol-toml$/,
    isPure: true,
  },
  {
    name: "lib (pure)",
    files: /^lib\//,
    imports: /^lib\/(?!host\/|daemon\.ts)/,
    // Its ciphers and hashes are functions of their arguments; its randomness is caught below.
    packages: /^node:crypto$/,
    isPure: true,
  },
  { name: "ffi", files: /^ffi\//, imports: /^ffi\//, packages: /^$/, isPure: false },
  { name: "mod", files: /^mod\.ts$/, imports: /^lib\//, packages: /^$/, isPure: true },
];

const impure =
  /\bDeno\b|\bDate\b|\bMath\.random\b|\bset(Timeout|Interval)\b|\bperformance\b|\bgetRandomValues\b|\brandomUUID\b|\brandom(Bytes|Int|FillSync)\s*\(|\bWorker\b|\bfetch\b|\bTemporal\b/;
const pointers = /\bDeno\.(Unsafe\w+|dlopen)\b/;

/** Files that are run, not imported: only they may end their process. */
const programs = /^cli\/main\.ts$|^cli\/demo\/\w+_process\.ts$/;

/** What is wrong with one source file; empty where nothing is. `path` is relative to the project. */
export function violations(path: string, source: string): string[] {
  const zone = zones.find((zone) => zone.files.test(path));
  if (!zone) return [];
  const found: string[] = [];
  const code = withoutCommentsAndStrings(source);
  for (const specifier of importsOf(source)) {
    const target = resolve(path, specifier);
    const isAllowed = target === null ? zone.packages.test(specifier) : zone.imports.test(target);
    if (!isAllowed) found.push(`${path} (${zone.name}) must not import ${target ?? specifier}`);
  }
  const touched = zone.isPure && impure.exec(code);
  if (touched) found.push(`${path} (${zone.name}) is pure and must not touch ${touched[0]}`);
  if (zone.name !== "ffi" && pointers.test(code)) found.push(`${path}: pointers stay in ffi/`);
  if (!programs.test(path) && /\bDeno\.exit(Code)?\b/.test(code)) {
    found.push(`${path}: only cli/main.ts exits`);
  }
  if (path !== "mod.ts" && /\bexport\s*(type\s*)?(\*|\{[^}]*\})\s*from\b/.test(code)) {
    found.push(`${path}: only mod.ts re-exports`);
  }
  return found;
}

/** Static and dynamic imports, and the files that Workers are made of. */
function importsOf(source: string): string[] {
  const text = source.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, "");
  const patterns = [
    /^\s*(?:import|export)\b[^;"'`]*?\bfrom\s*"([^"]+)"/gm,
    /\bimport\s*"([^"]+)"/g,
    /\bimport\s*\(\s*"([^"]+)"/g,
    /\bnew URL\(\s*"(\.[^"]+\.ts)"\s*,\s*import\.meta\.url/g,
  ];
  return patterns.flatMap((pattern) => [...text.matchAll(pattern)].map((match) => match[1]));
}

/** The project's path that a relative import means; null for a package. */
function resolve(path: string, specifier: string): string | null {
  if (!specifier.startsWith(".")) return null;
  return new URL(specifier, `file:///${path}`).pathname.slice(1);
}

/** Code alone: what stands in comments and quotes touches nothing. */
function withoutCommentsAndStrings(source: string): string {
  const token =
    /\/\*[\s\S]*?\*\/|\/\/.*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`/g;
  return source.replace(
    token,
    (text) => text.startsWith("/") ? " " : text.startsWith("`") ? held(text) : '""',
  );
}

/** The expressions of a template, without its text. */
function held(template: string): string {
  return [...template.matchAll(/\$\{([^}]*)\}/g)].map((match) => ` ${match[1]} `).join(";") || '""';
}
