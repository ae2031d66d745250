/** Takes secrets out of what goes into a report: those that are known, and what looks like one. */
import { SecretFinder } from "./secret_finder.ts";

export interface Redacted {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** How many places were blotted out. */
  readonly removed: number;
}

interface Rule {
  readonly pattern: RegExp;
  /** What stands there instead; `$1` and so on are what may stay. */
  readonly instead: string;
}

/** Of texts of others (rules, units, logs), which may hold secrets that we do not know. */
const rules: readonly Rule[] = [
  {
    pattern: /-----BEGIN ([A-Z ]*PRIVATE KEY)-----[\s\S]*?(?:-----END \1-----|$)/g,
    instead: "[removed: $1]",
  },
  // A join token (lib/joining/token.ts).
  { pattern: /\bavail1\.[\w-]{16,}/g, instead: "[removed: join token]" },
  // 32 bytes in base64: a key of ours, of WireGuard or of somebody else.
  { pattern: /(?<![\w+/=-])[A-Za-z0-9+/_-]{43}=(?![\w+/=])/g, instead: "[removed: 32 bytes]" },
  { pattern: /(:\/\/[^\s/:@"']+):[^\s/@"']+@/g, instead: "$1:[removed: password]@" },
  {
    pattern:
      /\b([\w-]*(?:password|passwd|passphrase|secret|token|psk|api[_-]?key|authorization))(["']?\s*[=:]\s*)(?!\[removed|"\[removed)(?:"[^"\n]*"|'[^'\n]*'|(?:Bearer |Basic )?[^\s"',;]+)/gi,
    instead: "$1$2[removed]",
  },
];

export class Redaction {
  readonly #finder: SecretFinder;

  /** @param secrets As bytes, of eight bytes or more each. */
  constructor(secrets: readonly Uint8Array[]) {
    this.#finder = new SecretFinder(secrets);
  }

  redact(bytes: Uint8Array): Redacted {
    // One character for each byte, so that whatever is no text stays what it was.
    const whole = latin1(bytes);
    const spans = this.#finder.find(whole);
    const between = [...spans, [whole.length, whole.length] as const]
      .map(([start], i) => whole.slice(i === 0 ? 0 : spans[i - 1][1], start));
    let text = between.join("[removed: key]");
    let removed = spans.length;
    for (const { pattern, instead } of rules) {
      removed += [...text.matchAll(pattern)].length;
      text = text.replace(pattern, instead);
    }
    return { bytes: Uint8Array.from(text, (char) => char.charCodeAt(0)), removed };
  }
}

function latin1(bytes: Uint8Array): string {
  const parts: string[] = [];
  for (let at = 0; at < bytes.length; at += 8192) {
    parts.push(String.fromCharCode(...bytes.subarray(at, at + 8192)));
  }
  return parts.join("");
}
