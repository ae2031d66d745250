/** When a node may go, against a made-up daemon and service manager. */
import { assertEquals, assertRejects, assertStringIncludes } from "../../assert.ts";
import type { Status } from "../../../lib/control.ts";
import { AvailError, exitCodes } from "../../../lib/errors.ts";
import { leaveCluster, type LeaveOptions } from "../../../lib/host/install/leave.ts";
import { safeStatus } from "../../cli/statuses.ts";

const options: LeaveOptions = { isForced: false, isDryRun: false, timeoutMs: 40, pollMs: 1 };

/** What happened, in order: orders to the daemon and the service manager, and what was told. */
async function leaving(
  { status, isRunning = true, polls = 3, ...changed }: Partial<LeaveOptions> & {
    readonly status: Status | AvailError;
    readonly isRunning?: boolean;
    /** After so many questions the buckets are gone. */
    readonly polls?: number;
  },
): Promise<string[]> {
  const did: string[] = [];
  let asked = 0;
  const daemon = {
    status: () => {
      if (status instanceof AvailError) return Promise.reject(status);
      const isDrained = did.includes("drain") && ++asked >= polls;
      return Promise.resolve(isDrained ? owning(status, 0) : status);
    },
    drain: () => Promise.resolve(void did.push("drain")),
    resume: () => Promise.resolve(void did.push("resume")),
  };
  const manager = {
    isRunning: () => Promise.resolve(isRunning),
    stop: () => Promise.resolve(void did.push("stop")),
    commandFor: () => "systemctl stop avail",
    logCommand: null,
  };
  try {
    await leaveCluster(daemon, manager, { ...options, ...changed }, (command, what) => {
      did.push(`${command}: ${what}`);
    });
  } catch (error) {
    if (!(error instanceof AvailError)) throw error;
    throw new AvailError(`${did.join(", ")}; ${error.message}`);
  }
  return did;
}

function owning(status: Status, buckets: number): Status {
  const members = status.members.map((m) => m.name === status.node ? { ...m, buckets } : m);
  return { ...status, members };
}

const alone: Status = { ...safeStatus, members: safeStatus.members.slice(0, 1) };
const notRunning = new AvailError("nobody listens", { exitCode: exitCodes.notRunning });
const hung = new AvailError("no answer within 5000 ms");

Deno.test("a node with buckets hands them over first, and is stopped when it has none", async () => {
  assertEquals(await leaving({ status: safeStatus }), [
    "drain",
    "avail drain: 86 buckets go to fw2, fw3",
    "stop",
    "systemctl stop avail: the daemon ends",
  ]);
  assertEquals(await leaving({ status: safeStatus, isDryRun: true }), [
    "avail drain: 86 buckets go to fw2, fw3",
    "systemctl stop avail: the daemon ends",
  ]);
});

Deno.test("nobody runs, or runs without buckets", async () => {
  assertEquals(await leaving({ status: notRunning, isRunning: false }), []);
  const stopped = ["stop", "systemctl stop avail: the daemon ends"];
  assertEquals(await leaving({ status: owning(alone, 0) }), stopped);
  // It is starting, or ends just now.
  assertEquals(await leaving({ status: notRunning }), stopped);
});

const refusals: readonly (readonly [
  what: string,
  options: Parameters<typeof leaving>[0],
  says: string,
])[] = [
  ["the only node", { status: alone }, "; uninstall: fw1 handles 86 buckets and no other node"],
  ["others that are dead", {
    status: {
      ...safeStatus,
      members: safeStatus.members.map((m) => m.name === "fw1" ? m : { ...m, alive: false }),
    },
  }, "no other node is there to take them"],
  ["others that may own none", {
    status: {
      ...safeStatus,
      members: safeStatus.members.map((m) => m.name === "fw1" ? m : { ...m, eligible: false }),
    },
  }, "no other node is there to take them"],
  ["connections that do not end", { status: safeStatus, polls: 1e9 }, "the drain was taken back"],
  ["a daemon of somebody's own", { status: safeStatus, isRunning: false }, "did not start"],
  ["a daemon that hangs", { status: hung }, "no answer within 5000 ms; stop it, or say --force"],
];

Deno.test("what is refused, with nothing stopped", async () => {
  for (const [what, given, says] of refusals) {
    const error = await assertRejects(() => leaving(given), AvailError, undefined, what);
    assertStringIncludes(error.message, says, what);
    assertEquals(error.message.includes("stop,"), false, `${what}: ${error.message}`);
  }
});

Deno.test("--force stops what would be refused", async () => {
  for (const status of [alone, hung]) {
    const did = await leaving({ status, isForced: true });
    assertEquals(did, ["stop", "systemctl stop avail: the daemon ends"]);
  }
});
