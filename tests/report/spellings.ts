/** Ways in which a secret comes to stand in a text, and a search of its own for what is left of it. */

export const spellings: Readonly<Record<string, (secret: Uint8Array) => Uint8Array | string>> = {
  raw: (secret) => secret,
  "raw as characters": (secret) => String.fromCharCode(...secret),
  hex: (secret) => secret.toHex(),
  "capital hex": (secret) => secret.toHex().toUpperCase(),
  "hex with colons": (secret) => hexPairs(secret).join(":"),
  "hex with blanks, in lines": (secret) => hexPairs(secret).join(" ").replace(/(.{24}) /g, "$1\n"),
  "hex dump": (secret) =>
    hexPairs(secret).join("").replace(/(.{4})/g, "$1 ").replace(/(.{20})/g, "$1\n"),
  "C array": (secret) => `{ ${hexPairs(secret).map((pair) => `0x${pair}`).join(", ")} }`,
  "escaped bytes": (secret) => hexPairs(secret).map((pair) => `\\x${pair}`).join(""),
  "odd hex": (secret) => `a${secret.toHex()}b`,
  base64: (secret) => secret.toBase64(),
  base64url: (secret) => secret.toBase64({ alphabet: "base64url", omitPadding: true }),
  "base64 behind one byte": (secret) => shifted(secret, 1),
  "base64 behind two bytes": (secret) => shifted(secret, 2),
  "base64 in lines": (secret) => secret.toBase64().replace(/(.{16})/g, "$1\n"),
  "base64 in a URL": (secret) => encodeURIComponent(secret.toBase64()),
  "base64 in a JSON text": (secret) => secret.toBase64().replace(/(.{10})/g, "$1\\n"),
  decimals: (secret) => `[${secret.join(", ")}]`,
  "decimals without blanks": (secret) => secret.join(","),
  "decimals of an object": (secret) => JSON.stringify(secret),
  "decimals as an array": (secret) => JSON.stringify([...secret]),
  "the first half": (secret) => secret.subarray(0, 16).toHex(),
  "the last ten bytes in base64": (secret) => secret.subarray(22).toBase64(),
};

function hexPairs(bytes: Uint8Array): string[] {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0"));
}

function shifted(secret: Uint8Array, before: number): string {
  return Uint8Array.of(...new Uint8Array(before).fill(0x2a), ...secret, 7).toBase64();
}

/** Bytes in a row that are no accident: 48 bits. */
const runBytes = 6;

/**
 * The spelling in which `runBytes` of a secret are in these bytes, or null. Slower and simpler than
 * what it checks: everything that separates is taken away first, then every run is looked for.
 */
export function leakOf(bytes: Uint8Array, secret: Uint8Array): string | null {
  const parts: string[] = [];
  for (let at = 0; at < bytes.length; at += 8192) {
    parts.push(String.fromCharCode(...bytes.subarray(at, at + 8192)));
  }
  const text = parts.join("");
  const hex = text.toLowerCase().replace(/0x|\\x/g, "").replace(/[^0-9a-f]/g, "");
  const base64 = decodeURIComponent(text.replace(/%(?!2[BbFf])/g, "%25")).replace(/\\n/g, "")
    .replaceAll("-", "+").replaceAll("_", "/").replace(/[^A-Za-z0-9+/]/g, "");
  const numbers = [/\d+/g, /(?<=\d\\*":)\d+/g]
    .map((pattern) => `,${(text.match(pattern) ?? []).join(",")},`).join("");
  for (let at = 0; at + runBytes <= secret.length; at++) {
    const run = secret.slice(at, at + runBytes);
    const characters = String.fromCharCode(...run);
    const inUtf8 = String.fromCharCode(...new TextEncoder().encode(characters));
    if (text.includes(characters) || text.includes(inUtf8)) return "raw";
    if (hex.includes(run.toHex())) return "hex";
    if (numbers.includes(`,${run.join(",")},`)) return "decimals";
    // Eight characters of a group that begins with the run, or a byte or two before it.
    for (const before of [0, 1, 2]) {
      const group = Uint8Array.of(...new Uint8Array(before), ...run).toBase64();
      const whole = group.slice(Math.ceil(before * 8 / 6), Math.floor((before + runBytes) * 8 / 6));
      if (whole.length >= 7 && base64.includes(whole)) return "base64";
    }
  }
  return null;
}
