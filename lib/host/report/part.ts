/** Where a part of a report comes from: what a program says, what files hold, or anything else. */
export type PartSource =
  & { readonly name: string }
  & (
    | { readonly argv: readonly string[]; readonly keep?: "first" | "last" }
    | { readonly files: readonly string[] }
    | { readonly text: () => Promise<string> }
  );

/** More of one part than that helps nobody; the rest is cut off and said to be. */
export const partBytesMax = 1 << 20;
