/** Where the program is put: the first folder of administrators' programs that can hold one. */
import { AvailError } from "../../errors.ts";
import type { Tree } from "../kernel_module/tree.ts";

/** /opt/bin is what systems with a read-only /usr leave to their administrators. */
export const programFolders = ["/usr/local/sbin", "/usr/sbin", "/opt/bin"] as const;

/**
 * @param mounts Text of /proc/self/mountinfo; null for another system than the running one, whose mounts
 *   say nothing about it.
 */
export function chooseProgramFolder(tree: Tree, mounts: string | null): string {
  const refusals: string[] = [];
  for (const folder of programFolders) {
    const option = mounts === null ? null : refusingOption(tree.find(folder) ?? folder, mounts);
    if (option === null) return folder;
    refusals.push(`${folder} is mounted ${option}`);
  }
  throw new AvailError(
    `find a folder for the program: ${refusals.join(", ")}; name another one with --to DIR`,
  );
}

/** The option of the mount that `path` is on which keeps a program from being there; null: none. */
export function refusingOption(path: string, mountinfo: string): "ro" | "noexec" | null {
  let options: readonly string[] = [];
  let longest = -1;
  for (const line of mountinfo.split("\n")) {
    // proc_pid_mountinfo(5): fields 5 and 6; the file system's own options are the last one.
    const words = line.split(" ");
    if (words.length < 7) continue;
    const point = unescape(words[4]);
    const isAbove = path === point || path.startsWith(point === "/" ? "/" : `${point}/`);
    // Later ones lie on top of earlier ones.
    if (!isAbove || point.length < longest) continue;
    longest = point.length;
    options = [...words[5].split(","), ...words[words.length - 1].split(",")];
  }
  return (["ro", "noexec"] as const).find((option) => options.includes(option)) ?? null;
}

/** Blanks and backslashes stand there in octal. */
function unescape(text: string): string {
  return text.replace(/\\(\d{3})/g, (_, octal) => String.fromCharCode(parseInt(octal, 8)));
}
