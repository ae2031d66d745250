/** The folder that a path is in, as its text says; `/` for what is there. */
export function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/")) || "/";
}
