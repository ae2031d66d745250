/**
 * Finds known secrets in a text, whatever way they are written there.
 *
 * Intuition: a spelling is a way to leave things out of a text (blanks, colons, `0x`) until a secret is one
 * run of characters. So for each spelling the text is reduced to what that spelling counts, every
 * window of eight bytes of every secret is looked for in it, and the place is told in the whole text.
 * Eight bytes do not occur by chance, and half a key that was cut off at an end is found as well.
 */

/** Part of a text: from, and up to. */
export type Span = readonly [start: number, end: number];

/** Bytes that are looked for at once. */
export const windowBytes = 8;

/** What a spelling leaves of a text: its characters, and where each of them stands. */
interface Reduced {
  readonly text: string;
  readonly places: Uint32Array;
}

interface Spelling {
  readonly reduce: (text: string) => Reduced;
  readonly words: (window: Uint8Array<ArrayBuffer>) => readonly string[];
  /** So many characters at a word's end only separate it from what follows. */
  readonly separators?: number;
  /** What belongs to the same run, on both sides of what was found. */
  readonly run: RegExp;
}

const spellings: readonly Spelling[] = [
  // The bytes themselves, or each of them as a character in UTF-8.
  {
    reduce: all,
    words: (window) => [latin1(window), latin1(new TextEncoder().encode(latin1(window)))],
    run: /[^\s\S]/,
  },
  {
    reduce: (text) => keep(text, /0x|\\x|[0-9a-fA-F]/g, (part) => part.length === 1),
    words: (window) => [window.toHex()],
    run: /[0-9a-fA-F]/,
  },
  {
    reduce: (text) =>
      keep(text, /%2[bB]|%2[fF]|\\n|[A-Za-z0-9+/_-]/g, (part) => part !== "\\n", standard),
    words: base64Words,
    run: /[A-Za-z0-9+/_=-]/,
  },
  {
    reduce: (text) => decimals(text.matchAll(/()(\d+)/g)),
    words: (window) => [`,${window.join(",")},`],
    separators: 1,
    run: /[0-9]/,
  },
  // What JSON.stringify makes of a Uint8Array, be it in a text within JSON: {"0":17,"1":4, …
  {
    reduce: (text) => decimals(text.matchAll(/(\d+\\*"\s*:\s*)(\d+)/g)),
    words: (window) => [`,${window.join(",")},`],
    separators: 1,
    run: /[0-9]/,
  },
];

export class SecretFinder {
  /** For each spelling the words that must not be in a text. */
  readonly #words: readonly (readonly string[])[];

  /** @param secrets Of `windowBytes` or more each; shorter ones would be found everywhere. */
  constructor(secrets: readonly Uint8Array[]) {
    const windows = secrets.flatMap((secret) =>
      Array.from(
        { length: Math.max(0, secret.length - windowBytes + 1) },
        (_, i) => secret.slice(i, i + windowBytes),
      )
    );
    this.#words = spellings.map(({ words }) => [...new Set(windows.flatMap(words))]);
  }

  /** Where secrets stand in a text of one character for each byte, in order and apart. */
  find(text: string): Span[] {
    const spans = spellings.flatMap((spelling, i) => {
      const reduced = spelling.reduce(text);
      return this.#words[i].flatMap((word) => spansOf(word, reduced, text, spelling));
    });
    return merged(spans);
  }
}

function* matches(word: string, text: string): Generator<number> {
  for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + 1)) yield at;
}

/** Where a word stands in the whole text, with all of its run. */
function spansOf(
  word: string,
  { text, places }: Reduced,
  whole: string,
  { run, separators = 0 }: Spelling,
): Span[] {
  return [...matches(word, text)].map((at) => {
    let start = places[at], end = places[at + word.length - 1 - separators] + 1;
    while (start > 0 && run.test(whole[start - 1])) start--;
    while (end < whole.length && run.test(whole[end])) end++;
    return [start, end];
  });
}

function merged(spans: Span[]): Span[] {
  const found: [number, number][] = [];
  for (const [start, end] of spans.sort((a, b) => a[0] - b[0])) {
    const last = found.at(-1);
    if (last !== undefined && start <= last[1]) last[1] = Math.max(last[1], end);
    else found.push([start, end]);
  }
  return found;
}

// ---- spellings

function all(text: string): Reduced {
  return { text, places: Uint32Array.from({ length: text.length }, (_, i) => i) };
}

/** The parts of a text that a pattern matches, each as one character where `counts` says so. */
function keep(
  text: string,
  pattern: RegExp,
  counts: (part: string) => boolean,
  spelled: (part: string) => string = (part) => part.toLowerCase(),
): Reduced {
  const places = new Uint32Array(text.length);
  const kept: string[] = [];
  for (const match of text.matchAll(pattern)) {
    if (!counts(match[0])) continue;
    places[kept.length] = match.index;
    kept.push(spelled(match[0]));
  }
  return { text: kept.join(""), places };
}

/** The numbers with commas around them, whatever stands before and between them. */
function decimals(matches: Iterable<RegExpExecArray>): Reduced {
  const places: number[] = [];
  let text = "";
  for (const { 1: before, 2: number, index } of matches) {
    text += `,${number}`;
    const start = index + before.length;
    for (let i = -1; i < number.length; i++) places.push(start + Math.max(0, i));
  }
  places.push(places.at(-1) ?? 0);
  return { text: `${text},`, places: Uint32Array.from(places) };
}

/** In the alphabet of RFC 4648, 4. */
function standard(part: string): string {
  switch (part.toLowerCase()) {
    case "-":
    case "%2b":
      return "+";
    case "_":
    case "%2f":
      return "/";
    default:
      return part;
  }
}

/**
 * Base64 of a window that begins at any of the three places in a group: the characters that only it
 * decides, at least nine, which are 54 bits.
 */
function base64Words(window: Uint8Array<ArrayBuffer>): string[] {
  return [0, 1, 2].map((before) => {
    const bytes = new Uint8Array(before + window.length);
    bytes.set(window, before);
    const first = Math.ceil(before * 8 / 6), last = Math.floor(bytes.length * 8 / 6);
    return bytes.toBase64().slice(first, last);
  });
}

function latin1(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}
