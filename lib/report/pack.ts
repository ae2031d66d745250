/** Makes a report of its parts: secrets out, a list of contents in. */
import { Redaction } from "./redaction.ts";
import { tarOf } from "./tar.ts";

/** One file of a report. */
export interface Part {
  /** Its name in the archive, such as `network/routes.txt`. */
  readonly name: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Why it is not, or not wholly, there; null: it is. */
  readonly problem: string | null;
}

export interface Packed {
  readonly tar: Uint8Array<ArrayBuffer>;
  readonly parts: readonly {
    readonly name: string;
    readonly bytes: number;
    readonly problem: string | null;
  }[];
  /** Places at which a secret was blotted out. */
  readonly removed: number;
}

export interface PackOptions {
  /** The folder that everything is in. */
  readonly folder: string;
  readonly parts: readonly Part[];
  /** What must be in no part. */
  readonly secrets: readonly Uint8Array[];
  /** ISO 8601, and the same in seconds since 1970. */
  readonly madeAt: string;
  readonly madeAtSeconds: number;
}

export function packReport(options: PackOptions): Packed {
  const redaction = new Redaction(options.secrets);
  let removed = 0;
  const clean = (bytes: Uint8Array) => {
    const redacted = redaction.redact(bytes);
    removed += redacted.removed;
    return redacted.bytes;
  };
  const parts = options.parts.map(({ name, bytes, problem }): Part => ({
    name,
    bytes: clean(bytes),
    problem: problem &&
      new TextDecoder().decode(clean(new TextEncoder().encode(problem.split("\n")[0]))),
  }));
  const contents = new TextEncoder().encode(contentsOf(parts, removed, options.madeAt));
  const files = [{ name: "CONTENTS.txt", bytes: contents }]
    .concat(parts.filter(({ bytes, problem }) => bytes.length > 0 || problem === null));
  return {
    tar: tarOf(
      files.map(({ name, bytes }) => ({ name: `${options.folder}/${name}`, bytes })),
      options.madeAtSeconds,
    ),
    parts: parts.map(({ name, bytes, problem }) => ({ name, bytes: bytes.length, problem })),
    removed,
  };
}

function contentsOf(parts: readonly Part[], removed: number, madeAt: string): string {
  const lines = parts.map(({ name, bytes, problem }) => {
    const size = String(bytes.length).padStart(9);
    return `${size}  ${name}${problem === null ? "" : `  (${problem})`}`;
  });
  return [
    `avail report, made at ${madeAt}`,
    `secrets were blotted out at ${removed} places: [removed: ...]`,
    "addresses, names and rules are as they were",
    "",
    ...lines,
    "",
  ].join("\n");
}
