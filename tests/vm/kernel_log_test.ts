import { assertEquals } from "../assert.ts";
import { findReport } from "./kernel_log.ts";

/** Lines as kernels print them, without their times. */
const unhealthy = [
  "WARNING: CPU: 0 PID: 97 at net/core/dev.c:10855 unregister_netdevice_many_notify+0x6a4/0x7c0",
  "------------[ cut here ]------------\n[    5.3] kernel BUG at mm/slub.c:435!",
  "BUG: unable to handle page fault for address: ffffffffc0255fe7",
  "BUG: sleeping function called from invalid context at mm/slab.h:494",
  "BUG: scheduling while atomic: ip/102/0x00000201",
  "BUG kmalloc-64 (Tainted: G           OE     ): Right Redzone overwritten",
  "BUG: KFENCE: use-after-free read in clusterdev_receive+0x1c/0x50 [clusterdev]",
  "BUG clusterdev (Not tainted): Padding overwritten. 0x0000000012345678-0x0000000012345680",
  "BUG skbuff_head_cache (Not tainted): Poison overwritten",
  "BUG kmalloc-1k (Tainted: G): Objects remaining in kmalloc-1k on __kmem_cache_shutdown()",
  "Oops: 0000 [#1] PREEMPT SMP NOPTI",
  "general protection fault, probably for non-canonical address 0xdead000000000108: 0000 [#1]",
  "refcount_t: underflow; use-after-free.",
  "unregister_netdevice: waiting for eth0 to become free. Usage count = 2",
  "rcu: INFO: rcu_preempt self-detected stall on CPU",
  "rcu: INFO: rcu_sched detected stalls on CPUs/tasks:",
  "INFO: task modprobe:118 blocked for more than 120 seconds.",
  "watchdog: BUG: soft lockup - CPU#1 stuck for 22s! [ip:203]",
  "WARNING: possible circular locking dependency detected",
  "WARNING: suspicious RCU usage",
  "Call Trace:",
  "Kernel panic - not syncing: Attempted to kill init! exitcode=0x00000100",
  "list_del corruption. prev->next should be ffff888003a1c010, but was dead000000000100",
  "UBSAN: array-index-out-of-bounds in receive.c:120:9",
  "leaked reference.",
];

/** What a boot prints on machines where nothing is wrong. */
const healthy = [
  "Linux version 6.1.0-56-cloud-amd64 (debian-kernel@lists.debian.org) (gcc-12) #1 SMP PREEMPT_DYNAMIC",
  "MDS CPU bug present and SMT on, data leak possible. See the admin-guide for more details.",
  "RETBleed: WARNING: Spectre v2 mitigation leaves CPU vulnerable to RETBleed attacks, data leaks possible!",
  "kfence: initialized - using 2097152 bytes for 255 objects at 0xff13c3decdc00000-0xff13c3decde00000",
  "clusterdev: loading out-of-tree module taints kernel.",
  "clusterdev: module verification failed: signature and/or required key missing - tainting kernel",
  "rcu: Hierarchical SRCU implementation.",
  "rcu: RCU calculated value of scheduler-enlistment delay is 25 jiffies.",
  "tsc: Unable to calibrate against PIT",
  "device eth0 left promiscuous mode",
  "br0: port 1(n1-eth0) entered blocking state",
  "x86/PAT: Configuration [0-7]: WB  WC  UC- UC  WB  WP  UC- WT",
  "Yama: disabled by default; enable with sysctl kernel.yama.*",
  "Warning: unable to open an initial console.",
  "debug: ignoring loglevel setting.",
];

const boot = healthy.map((line, i) => `[    ${i}.123456] ${line}`).join("\n");

for (const line of unhealthy) {
  Deno.test(`found in a kernel's log: ${line.split("\n").at(-1)}`, () => {
    assertEquals(findReport(`${boot}\n[    7.000001] ${line}\n${boot}`) === null, false);
  });
}

Deno.test("a healthy boot is no report", () => {
  assertEquals(findReport(boot), null);
  assertEquals(findReport(""), null);
});

Deno.test("a report comes with its line, without the time, and with what stands around it", () => {
  const lines = Array.from({ length: 40 }, (_, i) => `[    1.${100 + i}] line ${i}`);
  lines[10] = "[    1.110000][  T97] WARNING: CPU: 0 PID: 97 at receive.c:1 f+0x1/0x2 [clusterdev]";
  const report = findReport(lines.join("\r\n"));
  assertEquals(report?.line, "WARNING: CPU: 0 PID: 97 at receive.c:1 f+0x1/0x2 [clusterdev]");
  assertEquals(report?.surroundings, lines.slice(7, 31).join("\n"));
});
