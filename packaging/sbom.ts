/**
 * What is inside, for machines: CycloneDX 1.5 in JSON. The same content gives the same text: no time of
 * making is in it, and its serial number is made of the rest.
 */
import { hex, sha256 } from "./digest.ts";
import type { Component } from "./components.ts";
import type { CarriedContent } from "./package_file.ts";

/** Parts that are avail's own, by name; each is a carried file. */
export interface OwnPart {
  readonly name: string;
  readonly version: string;
  readonly file: string;
}

export interface Sbom {
  readonly bomFormat: "CycloneDX";
  readonly specVersion: "1.5";
  readonly serialNumber: string;
  readonly version: 1;
  readonly metadata: { readonly component: SbomComponent };
  readonly components: readonly SbomComponent[];
  readonly compositions: readonly {
    readonly aggregate: "complete" | "incomplete";
    readonly assemblies: readonly string[];
  }[];
}

interface SbomComponent {
  readonly type: "application" | "library" | "file" | "platform";
  readonly "bom-ref": string;
  readonly name: string;
  readonly version: string;
  readonly description?: string;
  readonly purl?: string;
  readonly licenses: readonly (
    | { readonly expression: string }
    | { readonly license: { readonly id: string } }
  )[];
  readonly hashes?: readonly { readonly alg: "SHA-256"; readonly content: string }[];
}

const ownLicence = "GPL-2.0-or-later";

/** @param files What is carried beside this document. */
export function sbomOf(
  version: string,
  components: readonly Component[],
  own: readonly OwnPart[],
  files: readonly CarriedContent[],
): Sbom {
  const hashes = (names: readonly string[]) => {
    const found = files.filter(({ name }) => names.includes(name));
    return found.length === 0 ? {} : {
      hashes: found.map(({ content }) =>
        ({ alg: "SHA-256", content: hex(sha256(content)) }) as const
      ),
    };
  };
  const described = [
    ...components.map((component): SbomComponent => ({
      type: component.role === "runtime" ? "platform" : "library",
      "bom-ref": component.purl,
      name: component.name,
      version: component.version,
      description: component.role,
      purl: component.purl,
      licenses: [licence(component.licence)],
      ...hashes(component.files),
    })),
    ...own.map((part): SbomComponent => ({
      type: "file",
      "bom-ref": part.file,
      name: part.name,
      version: part.version,
      licenses: [licence(ownLicence)],
      ...hashes([part.file]),
    })),
  ].sort((a, b) => a["bom-ref"] < b["bom-ref"] ? -1 : 1);
  const avail: SbomComponent = {
    type: "application",
    "bom-ref": `avail@${version}`,
    name: "avail",
    version,
    licenses: [licence(ownLicence)],
  };
  const runtime = components.find(({ role }) => role === "runtime");
  return {
    bomFormat: "CycloneDX",
    specVersion: "1.5",
    serialNumber: serialNumber(JSON.stringify([avail, described])),
    version: 1,
    metadata: { component: avail },
    components: described,
    compositions: [
      { aggregate: "complete", assemblies: [avail["bom-ref"]] },
      // Its makers publish no list of what they link.
      { aggregate: "incomplete", assemblies: runtime === undefined ? [] : [runtime.purl] },
    ],
  };
}

function licence(expression: string): SbomComponent["licenses"][number] {
  return /\s/.test(expression) ? { expression } : { license: { id: expression } };
}

/** A UUID of version 8 (RFC 9562): what its bits mean is its maker's affair. */
function serialNumber(text: string): string {
  const bytes = sha256(new TextEncoder().encode(text)).subarray(0, 16);
  bytes[6] = bytes[6] & 0x0f | 0x80;
  bytes[8] = bytes[8] & 0x3f | 0x80;
  const digits = hex(bytes);
  const parts = [[0, 8], [8, 12], [12, 16], [16, 20], [20, 32]] as const;
  return `urn:uuid:${parts.map(([from, to]) => digits.slice(from, to)).join("-")}`;
}
