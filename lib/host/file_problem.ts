/** Why a file cannot be read, in words for a user. */

export interface FileProblem {
  readonly problem: string;
  readonly remedy: string;
}

export function unreadable(error: unknown, whereMissing: string): FileProblem {
  if (error instanceof Deno.errors.NotFound) {
    return { problem: "there is no such file", remedy: whereMissing };
  }
  if (error instanceof Deno.errors.PermissionDenied) {
    return { problem: "permission denied", remedy: "run this as root" };
  }
  if (error instanceof Deno.errors.IsADirectory) {
    return { problem: "is a folder", remedy: "name a file" };
  }
  return {
    problem: error instanceof Error ? error.message : String(error),
    remedy: "name another file",
  };
}
