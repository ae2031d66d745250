import { assertEquals, assertMatch, assertNotEquals } from "../assert.ts";
import type { Component } from "../../packaging/components.ts";
import { sbomOf } from "../../packaging/sbom.ts";

const component = (name: string, licence: string, files: readonly string[] = []): Component => ({
  name,
  version: "1.0",
  licence,
  licenceText: "",
  purl: `pkg:generic/${name}@1.0`,
  role: name === "deno" ? "runtime" : "library",
  files,
});
const components = [
  component("zstd", "BSD-3-Clause OR GPL-2.0-only"),
  component("deno", "MIT", ["bin/avail"]),
];
const own = [{ name: "BPF programs", version: "abc", file: "build/steer.bpf.json" }];
const files = [
  { name: "bin/avail", content: new TextEncoder().encode("abc") },
  { name: "build/steer.bpf.json", content: new Uint8Array() },
];

Deno.test("each component has its licence, and its sum where it is a file", () => {
  const sbom = sbomOf("0.1.0", components, own, files);
  assertEquals([sbom.bomFormat, sbom.specVersion, sbom.version], ["CycloneDX", "1.5", 1]);
  assertMatch(sbom.serialNumber, /^urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  assertEquals(sbom.components.map(({ name, licenses }) => [name, licenses]), [
    ["BPF programs", [{ license: { id: "GPL-2.0-or-later" } }]],
    ["deno", [{ license: { id: "MIT" } }]],
    ["zstd", [{ expression: "BSD-3-Clause OR GPL-2.0-only" }]],
  ]);
  assertEquals(sbom.components[1].hashes, [{
    alg: "SHA-256",
    content: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
  }]);
  assertEquals(sbom.components[2].hashes, undefined);
  assertEquals(sbom.compositions[1].assemblies, ["pkg:generic/deno@1.0"]);
});

Deno.test("the same parts make the same document, in any order; others another", () => {
  const sbom = sbomOf("0.1.0", components, own, files);
  assertEquals(sbomOf("0.1.0", components.toReversed(), own, files), sbom);
  assertNotEquals(sbomOf("0.1.1", components, own, files).serialNumber, sbom.serialNumber);
});
