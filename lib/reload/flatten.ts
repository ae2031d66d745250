/**
 * A configuration as a list of keys and values, as the file spells them: what two configurations are
 * compared by, and what people are told about the difference.
 *
 * Whatever is in the configuration appears here by itself, so that no key can be forgotten.
 */
import type { CheckConfig, Config } from "../config.ts";
import { durationText } from "../config_text.ts";

/** As the file has it: durations as text with their unit, addresses with their prefix length. */
export type Value = null | boolean | number | string | readonly string[];

/**
 * By key, such as `node.weight`, `link[eth2].address`, `check[web].interval`; what the file lists is
 * named by its interface or name, not by its place.
 */
export function flatten(config: Config): ReadonlyMap<string, Value> {
  const { file: _, checks, links, shares, ...sections } = config;
  const all = new Map<string, Value>();
  for (const [section, keys] of Object.entries(sections)) {
    addKeys(all, snake(section), keys);
  }
  // The core knows both by their place, and the others know it from what they are told.
  all.set("share", shares.map((share) => share.interface));
  for (const { interface: name, addresses, ...keys } of shares) {
    const texts = addresses.map(({ address, prefixLength }) => `${address}/${prefixLength}`);
    all.set(`share[${name}].addresses`, texts);
    addKeys(all, `share[${name}]`, keys);
  }
  all.set("link", links.map((link) => link.interface));
  for (const { interface: name, ...keys } of links) addKeys(all, `link[${name}]`, keys);
  for (const check of checks) {
    const { name, probe, ...keys } = check;
    addProbe(all, `check[${name}]`, probe);
    addKeys(all, `check[${name}]`, keys);
  }
  return all;
}

function addKeys(all: Map<string, Value>, path: string, keys: Readonly<Record<string, unknown>>) {
  for (const [key, value] of Object.entries(keys)) {
    if (key === "flapHalfLifeMs" && typeof value === "number") {
      all.set(`${path}.damping`, value === 0 ? "off" : durationText(value));
    } else if (/Ms$/.test(key) && typeof value === "number") {
      all.set(`${path}.${snake(key.slice(0, -2))}`, durationText(value));
    } else if (/Mask$/.test(key) && typeof value === "number") {
      all.set(`${path}.${snake(key)}`, `0x${value.toString(16)}`);
    } else all.set(`${path}.${snake(key)}`, plainValue(value));
  }
}

function addProbe(all: Map<string, Value>, path: string, probe: CheckConfig["probe"]): void {
  switch (probe.kind) {
    case "tcp":
      return void all.set(`${path}.tcp`, hostPort(probe));
    case "http":
      all.set(`${path}.http`, `http://${hostPort(probe)}${probe.path}`);
      return void all.set(`${path}.status`, probe.status);
    case "command":
      return void all.set(`${path}.command`, probe.argv);
  }
}

function plainValue(value: unknown): Value {
  switch (typeof value) {
    case "boolean":
    case "number":
    case "string":
      return value;
  }
  if (value === null || value === undefined) return null;
  return Array.isArray(value) && value.every((item) => typeof item === "string")
    ? value
    : JSON.stringify(value);
}

function hostPort({ host, port }: { readonly host: string; readonly port: number }): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

function snake(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
