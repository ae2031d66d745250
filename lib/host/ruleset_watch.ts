/** Looks at this machine's nftables rules, at the start and every few seconds. */
import { createHash } from "node:crypto";
import { normaliseRuleset } from "../health/ruleset.ts";

const everyMs = 10_000;
const nftMsMax = 5000;

export interface RulesetEvents {
  /** 8 hexadecimal digits, whenever they change; null: the rules cannot be read. */
  digest(digest: string | null): void;
  /** Why they cannot be read, whenever that changes. */
  failed(problem: string): void;
}

/** Until the signal comes. */
export async function watchRuleset(events: RulesetEvents, signal: AbortSignal): Promise<void> {
  let told: string | null | undefined;
  let complained = "";
  while (!signal.aborted) {
    const found = await readRuleset(signal);
    if (signal.aborted) return;
    const digest = "digest" in found ? found.digest : null;
    const problem = "problem" in found ? found.problem : "";
    if (digest !== told) events.digest(told = digest);
    if (problem !== complained && problem !== "") events.failed(problem);
    complained = problem;
    await new Promise<void>((resolve) => {
      const end = () => {
        clearTimeout(timer);
        signal.removeEventListener("abort", end);
        resolve();
      };
      const timer = setTimeout(end, everyMs);
      signal.addEventListener("abort", end, { once: true });
    });
  }
}

async function readRuleset(
  signal: AbortSignal,
): Promise<{ readonly digest: string } | { readonly problem: string }> {
  try {
    const { success, code, stdout, stderr } = await new Deno.Command("nft", {
      args: ["-j", "list", "ruleset"],
      clearEnv: true,
      env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", LC_ALL: "C" },
      stdin: "null",
      signal: AbortSignal.any([signal, AbortSignal.timeout(nftMsMax)]),
    }).output();
    if (!success) {
      const words = new TextDecoder().decode(stderr).trim().split("\n")[0];
      return {
        problem: `nft -j list ruleset: exit code ${code}${words === "" ? "" : `: ${words}`}`,
      };
    }
    const rules = normaliseRuleset(new TextDecoder().decode(stdout));
    if (rules === null) return { problem: "nft -j list ruleset: no JSON of nft" };
    return { digest: createHash("sha256").update(rules).digest("hex").slice(0, 8) };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return { problem: "nft: there is no such program" };
    return { problem: `nft -j list ruleset: ${error instanceof Error ? error.message : error}` };
  }
}
