/**
 * Names for a bundle's parts that depend on what is in them alone. The bundler's names are digests, too, but
 * of texts with paths of this machine in them.
 *
 * A part names other parts, so its digest must not contain their names, but should tell apart parts that
 * differ only in whom they name. So digests are made in rounds: at first of the text without names,
 * then of the text with the digests of the round before in their place.
 */
import { hex, sha256 } from "./digest.ts";

/** The longest way from part to part that two parts may differ in. */
const rounds = 16;
const digestDigits = 8;

/** `daemon-EXTD4XHC.js` */
const partName = /^(.*)-[A-Z0-9]{8}\.js$/;
const reference = /"\.\/([\w.-]+-[A-Z0-9]{8}\.js)"/g;

/** The same parts under such names, also where they name each other. */
export function withStableNames(parts: ReadonlyMap<string, string>): Map<string, string> {
  let digests = new Map([...parts.keys()].map((name) => [name, ""]));
  for (let round = 0; round < rounds; round++) {
    digests = new Map(
      [...parts].map(([name, text]) => [name, digestOf(renamed(text, digests))]),
    );
  }
  const names = new Map<string, string>();
  for (const name of parts.keys()) {
    const stem = partName.exec(name)?.[1];
    names.set(name, stem === undefined ? name : `${stem}-${digests.get(name)}.js`);
  }
  if (new Set(names.values()).size !== parts.size) {
    throw new Error("name the bundle's parts: two of them cannot be told apart");
  }
  return new Map([...parts].map(([name, text]) => [names.get(name)!, renamed(text, names)]));
}

function renamed(text: string, names: ReadonlyMap<string, string>): string {
  return text.replace(reference, (whole, name) => {
    const other = names.get(name);
    return other === undefined ? whole : `"./${other}"`;
  });
}

function digestOf(text: string): string {
  return hex(sha256(new TextEncoder().encode(text))).slice(0, digestDigits);
}
