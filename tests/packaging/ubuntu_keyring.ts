/** The key of Ubuntu's archive, which Debian has no package of: fetched, and known by its fingerprint. */
import { gunzipSync } from "node:zlib";
import { outcome } from "./built/one_file.ts";

/** "Ubuntu Archive Automatic Signing Key (2018)", which signs all releases since. */
const fingerprint = "F6ECB3762474EDA9D21B7022871920D1991BC93C";

/** The path of a keyring with this key alone. @param cache Folder where it is kept. */
export async function ubuntuKeyring(cache: string, mirror: string): Promise<string> {
  const keyring = `${cache}ubuntu-archive-keyring.gpg`;
  if (await isKnown(keyring)) return keyring;
  const scratch = await Deno.makeTempDir({ dir: cache });
  try {
    const list = await fetch(`${mirror}/dists/noble/main/binary-amd64/Packages.gz`);
    // In several members, which DecompressionStream does not read.
    const text = gunzipSync(new Uint8Array(await list.arrayBuffer())).toString();
    const entry = text.split("\n\n").find((entry) => entry.startsWith("Package: ubuntu-keyring\n"));
    const file = /^Filename: (\S+)$/m.exec(entry ?? "")?.[1];
    if (file === undefined) throw new Error(`${mirror}: lists no package ubuntu-keyring`);
    const deb = await (await fetch(`${mirror}/${file}`)).arrayBuffer();
    await Deno.writeFile(`${scratch}/keyring.deb`, new Uint8Array(deb));
    await must("dpkg-deb", "--extract", `${scratch}/keyring.deb`, scratch);
    const all = `${scratch}/usr/share/keyrings/ubuntu-archive-keyring.gpg`;
    const home = ["--homedir", scratch, "--no-default-keyring", "--keyring", all];
    await must(
      "gpg",
      "--quiet",
      ...home,
      "--output",
      `${scratch}/one.gpg`,
      "--export",
      fingerprint,
    );
    if (!await isKnown(`${scratch}/one.gpg`)) {
      throw new Error(`${file}: the archive's key ${fingerprint} is not in it`);
    }
    await Deno.rename(`${scratch}/one.gpg`, keyring);
    return keyring;
  } finally {
    await Deno.remove(scratch, { recursive: true });
  }
}

/** Whether a keyring has the key, and no other. */
async function isKnown(keyring: string): Promise<boolean> {
  const { code, stdout } = await outcome(["gpg", "--show-keys", "--with-colons", keyring]);
  const lines = stdout.split("\n").map((line) => line.split(":"));
  const keys = lines.filter(([kind]) => kind === "pub").length;
  const prints = lines.filter(([kind]) => kind === "fpr").map((fields) => fields[9]);
  return code === 0 && keys === 1 && prints[0] === fingerprint;
}

async function must(...argv: readonly string[]): Promise<void> {
  const { code, stderr } = await outcome(argv);
  if (code !== 0) throw new Error(`${argv.join(" ")}: exit code ${code}: ${stderr.trim()}`);
}
