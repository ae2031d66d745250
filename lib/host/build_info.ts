/** What this program was built of, as far as it carries that knowledge. */
import { libraries } from "./libraries.ts";
import { type BuildKind, buildKind, carriedFile, executable } from "./program_files.ts";

export interface BuildInfo {
  readonly kind: BuildKind;
  /** The one file; null: the program runs from source. */
  readonly executable: string | null;
  /** The folder that it was unpacked to; null: it was not, or runs from memory. */
  readonly unpacked: string | null;
  /** Files of the libraries by their names, such as `libmnl.so.0`; null where one is missing. */
  readonly libraries: Readonly<Record<string, string | null>>;
  /** Versions of the components, by name (`libmnl`, `zstd`, …); empty where it runs from source. */
  readonly components: Readonly<Record<string, string>>;
  /** Digest of the BPF programs; null where they have not been built. */
  readonly bpf: string | null;
  /** Version of the kernel module's source; null where it has not been packed. */
  readonly module: string | null;
}

export async function readBuildInfo(): Promise<BuildInfo> {
  const known = components();
  return {
    kind: buildKind(),
    executable: executable(),
    unpacked: unpacked(),
    libraries: libraries(),
    components: known,
    bpf: known["BPF programs"] ?? await bpfBuild(),
    module: known["clusterdev source"] ?? await moduleVersion(),
  };
}

function unpacked(): string | null {
  const name = "program/avail.js";
  const path = buildKind() === "launcher" ? carriedFile(name) : null;
  return path !== null && path.endsWith(`/${name}`) ? path.slice(0, -name.length - 1) : null;
}

/** What every component of the one file is licensed under, with the texts; null from source. */
export function licences(): string | null {
  const path = carriedFile("share/licences.txt");
  return path === null ? null : Deno.readTextFileSync(path);
}

/** Of the list of components (CycloneDX) that the one file carries. */
function components(): Record<string, string> {
  const path = carriedFile("share/avail.cdx.json");
  if (path === null) return {};
  const { components }: { components: readonly { name: string; version: string }[] } = JSON.parse(
    Deno.readTextFileSync(path),
  );
  return Object.fromEntries(components.map(({ name, version }) => [name, version]));
}

async function bpfBuild(): Promise<string | null> {
  const { readPackedObject } = await import("./bpf_object.ts");
  try {
    return readPackedObject().build;
  } catch {
    return null;
  }
}

async function moduleVersion(): Promise<string | null> {
  const { readPackedSource } = await import("./kernel_module/source.ts");
  try {
    return readPackedSource().version;
  } catch {
    return null;
  }
}
