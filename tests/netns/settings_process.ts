/** Prints the settings below /proc/sys/net that a datapath may change, one a line. */
if (import.meta.main) {
  for (const folder of ["ipv4", "ipv6", "netfilter"]) print(`/proc/sys/net/${folder}`);
}

function print(path: string): void {
  let entries: Deno.DirEntry[];
  try {
    entries = [...Deno.readDirSync(path)];
  } catch {
    return; // this kernel lacks it
  }
  for (const { name, isDirectory } of entries.sort((a, b) => a.name < b.name ? -1 : 1)) {
    const inner = `${path}/${name}`;
    if (isDirectory) print(inner);
    else {
      try {
        console.log(`${inner} = ${Deno.readTextFileSync(inner).trim()}`);
      } catch {
        // written only, or of no value
      }
    }
  }
}
