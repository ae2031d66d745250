/** Where this system's own apt gets Debian's packages. */

export interface AptMirrors {
  readonly "debian": string;
  readonly "debian-security": string;
}

/** From apt's configuration; throws where that names none. */
export async function aptMirrors(): Promise<AptMirrors> {
  const { stdout } = await new Deno.Command("apt-get", {
    args: ["indextargets", "--format", "$(REPO_URI)", "Created-By: Packages"],
    stderr: "null",
  }).output();
  const uris = new TextDecoder().decode(stdout).split("\n");
  const ending = (end: string) => {
    const found = uris.find((uri) => uri.endsWith(end));
    if (found === undefined) throw new Error(`apt knows no mirror that ends in ${end}`);
    return found;
  };
  return { "debian": ending("/debian/"), "debian-security": ending("/debian-security/") };
}
