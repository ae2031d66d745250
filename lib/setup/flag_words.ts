/**
 * The words behind `--share`, `--link`, `--set` and `--interface`: taken apart here, and judged with
 * everything else by the checks of the configuration.
 */
import { nearestWord } from "../nearest.ts";

/** `eth0=192.0.2.1/24,2001:db8::1/64,key=inside,side=inside,nat,mac=unicast` */
export interface ShareWords {
  readonly interface: string;
  readonly addresses: readonly string[];
  readonly key?: string;
  readonly side?: string;
  readonly mac?: string;
  readonly nat: boolean;
}

/** `eth2` or `eth2=10.0.0.1` */
export interface LinkWords {
  readonly interface: string;
  readonly address?: string;
}

/** `node.weight=2`: one key of a table that stands once, and its value as it is written. */
export interface SettingWords {
  readonly table: string;
  readonly key: string;
  readonly value: string;
}

/** `eth0=ens3` or `1=ens3`: a share or link of the other node, and this machine's interface. */
export interface InterfaceWords {
  readonly slot: string;
  readonly interface: string;
}

const shareExample = "eth0=192.0.2.1/24,key=pair";
const shareKeys = ["key", "side", "mac", "nat"];

/** Reads `--share`; throws `Error` with what was found and what would be right. */
export function readShareWords(text: string): ShareWords {
  const [name, rest] = split(text, "=");
  if (name === "" || rest === null || rest === "") {
    throw new Error(`write the interface, = and its shared addresses, such as ${shareExample}`);
  }
  const addresses: string[] = [];
  const options: { key?: string; side?: string; mac?: string } = {};
  let nat = false;
  for (const word of rest.split(",")) {
    const [key, value] = split(word, "=");
    if (word === "") throw new Error(`an empty word between commas; write ${shareExample}`);
    if (word === "nat" || word === "nat=true") nat = true;
    else if (word === "nat=false") nat = false;
    else if (value === null) addresses.push(word);
    else if (key === "key" || key === "side" || key === "mac") {
      if (options[key] !== undefined) throw new Error(`${key} stands there twice; write it once`);
      options[key] = value;
    } else {
      const near = nearestWord(key, shareKeys);
      const remedy = near ? `did you mean ${near}?` : "known are key=, side=, mac= and nat";
      throw new Error(`${key}= is not known; ${remedy}`);
    }
  }
  return { interface: name, addresses, ...options, nat };
}

/** Reads `--link`; throws `Error`. */
export function readLinkWords(text: string): LinkWords {
  const [name, address] = split(text, "=");
  if (name === "" || address === "") {
    throw new Error("write the interface, such as eth2, or eth2=10.0.0.1 with its own address");
  }
  return { interface: name, ...(address === null ? {} : { address }) };
}

/** Reads `--set`; throws `Error`. */
export function readSettingWords(text: string): SettingWords {
  const match = /^([a-z_]+)\.([a-z_]+)=(.*)$/s.exec(text);
  if (!match) {
    throw new Error("write a table, a key and its value, such as node.weight=2");
  }
  const [, table, key, value] = match;
  if (["share", "link", "check"].includes(table)) {
    const remedy = table === "check" ? "edit the file afterwards" : `use --${table}`;
    throw new Error(`there can be several [[${table}]]; ${remedy}`);
  }
  return { table, key, value };
}

/** Reads `--interface`; throws `Error`. */
export function readInterfaceWords(text: string): InterfaceWords {
  const [slot, name] = split(text, "=");
  if (slot === "" || name === null || name === "") {
    throw new Error(
      "write the other node's interface (or 1, 2, … for its shares, link1, … for its links), = " +
        "and this machine's, such as eth0=ens3",
    );
  }
  return { slot, interface: name };
}

/** What stands before and behind the first separator; null where there is none. */
function split(text: string, separator: string): [before: string, behind: string | null] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, null] : [text.slice(0, at), text.slice(at + 1)];
}
