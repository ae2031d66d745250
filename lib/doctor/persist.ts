/** The text of a file that is read at boot (sysctl.d(5), modules-load.d(5)), a line for each thing. */

const heading = "# Written by avail doctor --fix --persist; remove lines that you want no longer.";

/** The text with this line in the place of an older one for the same thing. */
export function mergeSettings(
  old: string,
  { key, text }: { readonly key: string; readonly text: string },
): string {
  const lines = old.split("\n").filter((line) => line !== "" && line !== heading);
  const at = lines.findIndex((line) => line.split("=")[0].trim() === key);
  if (at < 0) lines.push(text);
  else lines[at] = text;
  return [heading, ...lines].join("\n") + "\n";
}
