/**
 * Debian packages of other suites, without touching this system's sources, lists or cache: apt with
 * a configuration of its own. Signatures are checked against debian-archive-keyring.
 */
import { aptMirrors } from "../apt_mirrors.ts";
import { exists, run } from "./process.ts";
import { type Package, readPackages } from "./packages.ts";

/** A suite of Debian's archive, or of its security archive. */
export interface Suite {
  readonly archive: "debian" | "debian-security";
  readonly name: string;
}

const keyring = "/usr/share/keyrings/debian-archive-keyring.gpg";

export class PrivateApt {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** Prepares `folder` for `suites`. Nothing is downloaded yet. */
  static async at(folder: string, suites: readonly Suite[]): Promise<PrivateApt> {
    if (!exists(keyring)) {
      throw new Error(`preparing apt: ${keyring}: not found; install debian-archive-keyring`);
    }
    for (const part of ["lists/partial", "archives/partial", "state"]) {
      await Deno.mkdir(`${folder}/${part}`, { recursive: true });
    }
    // Nothing is installed there: what a package needs is downloaded, all of it.
    await Deno.writeTextFile(`${folder}/status`, "");
    const mirrors = await aptMirrors();
    const sources = suites.map(({ archive, name }) =>
      `deb [signed-by=${keyring}] ${mirrors[archive]} ${name} main\n`
    );
    await Deno.writeTextFile(`${folder}/sources.list`, sources.join(""));
    await Deno.writeTextFile(`${folder}/apt.conf`, configuration(folder, await proxies()));
    return new PrivateApt(folder);
  }

  /** Where downloaded packages are. */
  get archives(): string {
    return `${this.#folder}/archives`;
  }

  /** Fetches the suites' lists. */
  async update(): Promise<void> {
    await this.#run("apt-get", "update", "-qq", "--error-on=any");
  }

  /** Every version of the packages whose names begin with `prefix`. */
  async list(prefix: string): Promise<Package[]> {
    const { out } = await this.#run("apt-cache", "search", "--names-only", `^${prefix}`);
    const names = out.split("\n").filter(Boolean).map((line) => line.split(" ")[0]);
    if (names.length === 0) return [];
    return readPackages((await this.#run("apt-cache", "show", ...names)).out);
  }

  /** Downloads these packages (`name=version`) alone. */
  async download(packages: readonly string[]): Promise<void> {
    await run("apt-get", ["download", "-qq", ...packages], {
      cwd: this.archives,
      env: this.#environment(),
    });
  }

  /** Downloads these packages and all that they depend on. */
  async downloadClosure(packages: readonly string[]): Promise<void> {
    await this.#run(
      "apt-get",
      ...["install", "-qq", "--yes", "--download-only", "--no-install-recommends", ...packages],
    );
  }

  #run(command: string, ...args: string[]): ReturnType<typeof run> {
    return run(command, args, { env: this.#environment() });
  }

  #environment(): Record<string, string> {
    return { APT_CONFIG: `${this.#folder}/apt.conf`, DEBIAN_FRONTEND: "noninteractive" };
  }
}

/** It is read first, and keeps apt from reading the system's own (hooks, preferences). */
function configuration(folder: string, proxies: string): string {
  const settings = {
    "Dir::Etc::parts": "/dev/null",
    "Dir::Etc::main": "/dev/null",
    "Dir::Etc::sourcelist": `${folder}/sources.list`,
    "Dir::Etc::sourceparts": "/dev/null",
    "Dir::Etc::preferences": "/dev/null",
    "Dir::Etc::preferencesparts": "/dev/null",
    "Dir::State": `${folder}/state`,
    "Dir::State::lists": `${folder}/lists`,
    "Dir::State::status": `${folder}/status`,
    "Dir::Cache": folder,
    "Dir::Cache::archives": `${folder}/archives`,
    "Acquire::Languages": "none",
    "Acquire::Retries": "3",
    // The folder belongs to root, not to apt's own user.
    "APT::Sandbox::User": "root",
    "APT::Architecture": "amd64",
    "APT::Architectures": "amd64",
  };
  return Object.entries(settings).map(([name, value]) => `${name} "${value}";\n`).join("") +
    proxies;
}

/** How this system reaches its mirrors. */
async function proxies(): Promise<string> {
  const { out } = await run("apt-config", ["dump"]);
  return out.split("\n").filter((line) => /^Acquire::.*proxy/i.test(line)).join("\n") + "\n";
}
