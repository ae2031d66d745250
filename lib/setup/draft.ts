/**
 * From the words of a command line to a configuration, by way of the text of a file: so the checks of
 * files judge flags as well, and nothing is checked in two places.
 */
import { examineConfig, type ReadConfig } from "../config_file.ts";
import { tomlValue } from "../config_sheet.ts";
import type { Fault } from "../errors.ts";
import { faultsByFlag } from "./flag_faults.ts";
import type { LinkWords, SettingWords, ShareWords } from "./flag_words.ts";

/** What `avail init` was told. */
export interface SetupWords {
  readonly cluster?: string;
  readonly node?: string;
  readonly partition?: string;
  readonly nodes?: string;
  readonly interval?: string;
  readonly backups?: string;
  readonly backend?: string;
  readonly shares: readonly ShareWords[];
  readonly links: readonly LinkWords[];
  readonly settings: readonly SettingWords[];
}

export interface DraftSource {
  /** Where the configuration will be. */
  readonly file: string;
  /** Where the key file will be, unless a setting says otherwise. */
  readonly keyFile: string;
  readonly hostName: string;
}

export interface Draft extends ReadConfig {
  /** All faults, each at its flag. */
  readonly faults: readonly Fault[];
}

/** The configuration that the words describe; where there are faults, it holds stand-ins. */
export function draftOf(words: SetupWords, source: DraftSource): Draft {
  const text = withSettings(textOf(words, source), words.settings);
  const { config, faults, warnings } = examineConfig(text, source);
  const names = { shares: words.shares, links: words.links };
  return {
    config,
    faults: faultsByFlag(faults, names),
    warnings: faultsByFlag(warnings, names),
  };
}

function textOf(words: SetupWords, { keyFile }: DraftSource): string {
  const lines = ["[cluster]"];
  const add = (key: string, value: string | undefined) => {
    if (value !== undefined) lines.push(`${key} = ${literal(value)}`);
  };
  // What is text stays text, whatever it looks like.
  const text = (key: string, value: string | undefined) => {
    if (value !== undefined) lines.push(`${key} = ${tomlValue(value)}`);
  };
  text("name", words.cluster);
  text("key_file", keyFile);
  text("partition", words.partition);
  add("nodes", words.nodes);
  lines.push("[node]");
  text("name", words.node);
  for (const share of words.shares) {
    lines.push("[[share]]", `interface = ${tomlValue(share.interface)}`);
    lines.push(`addresses = ${tomlValue(share.addresses)}`);
    for (const key of ["key", "side", "mac"] as const) text(key, share[key]);
    if (share.nat) lines.push("nat = true");
  }
  for (const link of words.links) {
    lines.push("[[link]]", `interface = ${tomlValue(link.interface)}`);
    text("address", link.address);
  }
  lines.push("[detection]");
  text("interval", words.interval);
  lines.push("[replication]");
  add("backups", words.backups);
  lines.push("[datapath]");
  text("backend", words.backend);
  return lines.join("\n") + "\n";
}

/**
 * The text with other values for some keys. It must be of our own making: each table once, each key in
 * a line of its own.
 */
export function withSettings(text: string, settings: readonly SettingWords[]): string {
  const lines = text.trimEnd().split("\n");
  for (const { table, key, value } of settings) {
    const written = `${key} = ${literal(value)}`;
    let header = lines.indexOf(`[${table}]`);
    if (header < 0) header = lines.push(`[${table}]`) - 1;
    const next = lines.findIndex((line, i) => i > header && line.startsWith("["));
    const end = next < 0 ? lines.length : next;
    const present = lines.findIndex((line, i) =>
      i > header && i < end && line.startsWith(`${key} = `)
    );
    if (present >= 0) lines[present] = written;
    else lines.splice(header + 1, 0, written);
  }
  return lines.join("\n") + "\n";
}

/** A value as TOML: numbers and truth values as they are, everything else is text. */
function literal(value: string): string {
  const isPlain = /^(true|false|0x[0-9a-fA-F]{1,12}|[+-]?(0|[1-9]\d{0,15})(\.\d{1,15})?)$/;
  return isPlain.test(value) ? value : tomlValue(value);
}
