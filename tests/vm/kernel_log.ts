/** Finds in a kernel's log what a run must not leave behind. */

/** What the kernel says when something is wrong with it, or with a module. */
const reports: readonly RegExp[] = [
  /\bWARNING: /,
  /\bBUG\b/,
  /\bOops\b/,
  /general protection fault|double fault|kernel paging request|NULL pointer dereference/,
  /Kernel panic/,
  /Call Trace:/,
  // KASAN, KFENCE and UBSAN; SLUB under slub_debug.
  /\b(KASAN|KCSAN|UBSAN): |BUG: KFENCE/,
  /(Poison|Redzone|Padding|Object) (overwritten|corrupt)|Object already free|Invalid object pointer|list_\w+ corruption/i,
  /Slab .*(still has objects|Objects remaining)|Objects remaining in|Freelist|Wrong object count/i,
  // lockdep.
  /possible (circular|recursive|irq lock)|inconsistent lock state|bad unlock balance/,
  /suspicious RCU usage|held lock freed|DEBUG_LOCKS_WARN|still held!/,
  // Stalls.
  /INFO: (task|rcu)|rcu: INFO|detected stalls?|soft lockup|hard LOCKUP|hung_task/,
  // References.
  /refcount_t: |unregister_netdevice: waiting|leaked (reference|percpu)|ref_tracker: /,
  /\bleak(s|ed|age)?\b/i,
  /scheduling while atomic|sleeping function called|unexpected IRQ trap/,
];

/** What every boot says of some processors. */
const healthy = /data leaks? possible/;

export interface KernelReport {
  /** The line that tells of it, without its time. */
  readonly line: string;
  /** It, three lines before and twenty after it. */
  readonly surroundings: string;
}

/** The first report in a kernel's log; null for a healthy one. */
export function findReport(log: string): KernelReport | null {
  const lines = log.split(/\r*\n/);
  const at = lines.findIndex((line) =>
    reports.some((pattern) => pattern.test(line)) && !healthy.test(line)
  );
  if (at < 0) return null;
  return {
    line: lines[at].replace(/^(<\d+>)?\[[ \d.]+\]\s*(\[\s*[TC]\d+\]\s*)?/, ""),
    surroundings: lines.slice(Math.max(0, at - 3), at + 21).join("\n"),
  };
}
