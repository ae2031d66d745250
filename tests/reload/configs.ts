/** A configuration with one of everything, and what is made of it. */
import type { Config } from "../../lib/config.ts";
import { readConfig } from "../../lib/config_file.ts";
import { type KeyRing, parseKeyFile } from "../../lib/wire/keys.ts";

export const file = `
[cluster]
name = "edge"
[node]
name = "fw1"
[[link]]
interface = "eth2"
address = "10.0.0.1"
[[share]]
interface = "eth0"
addresses = ["192.0.2.1/24", "2001:db8::1/64"]
[[share]]
interface = "eth1"
addresses = ["198.51.100.1/24"]
[[check]]
name = "web"
http = "http://127.0.0.1:80/alive"
[replication]
backups = 1
[metrics]
listen = "off"
`;

export function configOf(text: string): Config {
  return readConfig(text, { file: "avail.toml", hostName: "fw1" }).config;
}

const secret = (letter: string) => btoa(letter.repeat(32));

/** A key file with these keys: their ids, which also say what they are; `seed` is a letter. */
export function keysOf(ids: readonly number[], seed = "s"): KeyRing {
  const lines = ids.map((id) => `key ${id} ${secret(String.fromCharCode(97 + id))}`);
  return parseKeyFile(`seed ${secret(seed)}\n${lines.join("\n")}\n`);
}

/** The file with these replacements. */
export function changed(...replacements: readonly (readonly [from: string, to: string])[]): string {
  return replacements.reduce((text, [from, to]) => {
    if (!text.includes(from)) throw new Error(`the file has no ${from}`);
    return text.replace(from, to);
  }, file);
}
