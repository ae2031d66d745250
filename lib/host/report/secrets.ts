/** The secrets of this machine that no report may have in it, as far as they can be found. */
import { KeyFileError, parseKeyFile } from "../../wire/keys.ts";

/**
 * All secrets of a key file, also of one that cannot be used: what stands in it, and what is derived
 * from a file of one secret. Empty where there is no such file.
 */
export async function secretsOf(keyFile: string): Promise<Uint8Array[]> {
  let text: string;
  try {
    text = await Deno.readTextFile(keyFile);
  } catch {
    return [];
  }
  return [...written(text), ...derived(text)];
}

/** Every word that is base64 of some length, comments included. */
function written(text: string): Uint8Array[] {
  return [...text.matchAll(/[A-Za-z0-9+/]{20,}={0,2}/g)].flatMap(([word]) => {
    try {
      return [Uint8Array.fromBase64(word)];
    } catch {
      return [];
    }
  });
}

function derived(text: string): Uint8Array[] {
  try {
    const { seed, keys } = parseKeyFile(text);
    return [seed, ...keys.map(({ bytes }) => bytes)];
  } catch (error) {
    if (error instanceof KeyFileError) return [];
    throw error;
  }
}
