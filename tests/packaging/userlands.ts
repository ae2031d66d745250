/**
 * dist/avail on other systems: `./dev userlands [NAME …]`. Each is a tree by debootstrap below
 * .cache/userlands/, fetched once; `./dev test` tries those that are there.
 */
import { OneFile, outcome } from "./built/one_file.ts";
import { cLibraryVersion, trialSteps, tryUserland } from "./built/userland.ts";
import { aptMirrors } from "../apt_mirrors.ts";
import { ubuntuKeyring } from "./ubuntu_keyring.ts";

const cache = new URL("../../.cache/userlands/", import.meta.url).pathname;

interface Userland {
  readonly name: string;
  readonly suite: string;
  readonly distribution: "debian" | "ubuntu";
}

export const userlands: readonly Userland[] = [
  { name: "debian-11", suite: "bullseye", distribution: "debian" },
  { name: "debian-12", suite: "bookworm", distribution: "debian" },
  { name: "debian-13", suite: "trixie", distribution: "debian" },
  { name: "ubuntu-22.04", suite: "jammy", distribution: "ubuntu" },
  { name: "ubuntu-24.04", suite: "noble", distribution: "ubuntu" },
];

/** Names the mirror of Ubuntu; Debian's is that of this system. */
const ubuntuVariable = "AVAIL_UBUNTU_MIRROR";

async function mirrorOf(distribution: Userland["distribution"]): Promise<string> {
  if (distribution === "debian") return (await aptMirrors()).debian;
  const mirror = Deno.env.get(ubuntuVariable);
  if (mirror === undefined) throw new Error(`${ubuntuVariable} has to name a mirror of Ubuntu`);
  return mirror;
}

/** Those whose trees are complete. */
export function fetchedUserlands(): { name: string; tree: string }[] {
  return userlands.map(({ name }) => ({ name, tree: cache + name }))
    .filter(({ tree }) => exists(tree));
}

/** The tree of a system; debootstrap makes it the first time. */
async function fetchTree({ name, suite, distribution }: Userland): Promise<string> {
  const tree = cache + name;
  if (exists(tree)) return tree;
  const fresh = `${tree}.new`;
  if (exists(fresh)) await Deno.remove(fresh, { recursive: true });
  await Deno.mkdir(cache, { recursive: true });
  const mirror = await mirrorOf(distribution);
  const keyring = distribution === "debian"
    ? "/usr/share/keyrings/debian-archive-keyring.gpg"
    : await ubuntuKeyring(cache, mirror);
  // Its scripts know every suite by a link; where this one's is missing, its relatives' will do.
  const script = distribution === "debian" ? "sid" : "gutsy";
  const { code, stdout, stderr } = await outcome([
    ...["debootstrap", "--variant=minbase", `--keyring=${keyring}`, suite, fresh],
    ...[mirror, `/usr/share/debootstrap/scripts/${script}`],
  ]);
  if (code !== 0) {
    const words = `${stdout}${stderr}`.trimEnd().split("\n").slice(-5).join("\n");
    throw new Error(`debootstrap ${suite}: exit code ${code}:\n${words}`);
  }
  await Deno.rename(fresh, tree);
  return tree;
}

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}

async function main(names: readonly string[]): Promise<number> {
  const unknown = names.filter((name) => !userlands.some((userland) => userland.name === name));
  if (unknown.length > 0) {
    const known = userlands.map(({ name }) => name).join(", ");
    console.error(`userlands: ${unknown.join(", ")}: there is no such; there are ${known}`);
    return 2;
  }
  await using file = await OneFile.build();
  let failures = 0;
  for (const userland of userlands) {
    if (names.length > 0 && !names.includes(userland.name)) continue;
    const name = userland.name.padEnd(14);
    try {
      const tree = await fetchTree(userland);
      const library = `glibc ${await cLibraryVersion(tree)}`;
      const { isGood, steps, words } = await tryUserland(tree, file.path);
      console.log(`${name} ${library}: ${isGood ? "good" : `failed after "${steps.at(-1)}"`}`);
      if (isGood && steps.length === trialSteps.length) continue;
      console.log(words.trimEnd());
    } catch (error) {
      console.log(`${name} ${error instanceof Error ? error.message : error}`);
    }
    failures++;
  }
  return failures === 0 ? 0 : 1;
}

if (import.meta.main) Deno.exit(await main(Deno.args));
