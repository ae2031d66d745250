import { assertEquals, assertThrows } from "../assert.ts";
import type { SlotFiles } from "../../lib/host/clusterip_kernel.ts";
import { ClusteripSteering } from "../../lib/host/clusterip_steering.ts";
import { BucketSet } from "../../lib/ownership/bucket_set.ts";
import { bucketsOf } from "../../lib/ownership/units.ts";

const totalNodes = 4;
const slots = (...wanted: number[]) => bucketsOf(wanted.map((slot) => slot - 1), totalNodes);

/** /proc/net/ipt_CLUSTERIP as the kernel has it: what is there cannot be added, nor removed twice. */
class FakeFiles implements SlotFiles {
  readonly on = new Map<string, number[]>();
  readonly writes: string[] = [];
  isBroken = false;

  constructor(...addresses: string[]) {
    for (const address of addresses) this.on.set(address, []);
  }

  read(address: string): number[] | null {
    return this.on.get(address) ?? null;
  }

  write(address: string, change: "+" | "-", slot: number): void {
    const present = this.on.get(address);
    if (present === undefined) throw new Deno.errors.NotFound(address);
    if (this.isBroken || present.includes(slot) === (change === "+")) throw new Error("I/O error");
    this.writes.push(`${address.at(-1)}${change}${slot}`);
    const after = change === "+" ? [...present, slot] : present.filter((other) => other !== slot);
    this.on.set(address, after.toSorted((a, b) => a - b));
  }
}

function lab(options: { addresses?: string[]; found?: number[] } = {}) {
  const { addresses = ["192.0.2.1"], found = [] } = options;
  const files = new FakeFiles(...addresses);
  for (const address of addresses) files.on.set(address, [...found]);
  const host = { files, at: 1000, takes: 0, now: () => host.at, taken: () => void host.takes++ };
  const steering = new ClusteripSteering({ addresses, totalNodes, found }, host);
  return { files, host, steering };
}

Deno.test("slots follow responsibility and lease, by differences", () => {
  const { files, steering } = lab();
  steering.setResponsibility(slots(1, 3), 1);
  assertEquals(files.writes, [], "no lease yet");
  steering.setLease(1300);
  assertEquals(files.writes.splice(0), ["1+1", "1+3"]);
  steering.setLease(1400);
  steering.setResponsibility(slots(1, 3), 2);
  assertEquals(files.writes, [], "nothing has changed");
  steering.setResponsibility(slots(2, 3), 3);
  assertEquals(files.writes.splice(0), ["1-1", "1+2"], "breaks before it makes");
  steering.setLease(0);
  assertEquals(files.writes, ["1-2", "1-3"]);
});

Deno.test("all addresses break before one of them makes", () => {
  const { files, steering } = lab({ addresses: ["192.0.2.1", "192.0.2.2"] });
  steering.setLease(1300);
  steering.setResponsibility(slots(1), 1);
  files.writes.length = 0;
  steering.setResponsibility(slots(2), 1);
  assertEquals(files.writes, ["1-1", "2-1", "1+2", "2+2"]);
});

Deno.test("a slot is on only with all of its buckets", () => {
  const { files, steering } = lab();
  steering.setLease(1300);
  const torn = slots(1, 2);
  torn.delete(70);
  steering.setResponsibility(torn, 1);
  assertEquals(files.read("192.0.2.1"), [1]);
});

Deno.test("a lease that runs out in the loop takes the slots; a new one brings them back", () => {
  const { files, host, steering } = lab();
  steering.setResponsibility(slots(4), 1);
  steering.setLease(1300);
  steering.expire(1299);
  assertEquals(files.read("192.0.2.1"), [4], "the control: not before");
  steering.expire(1300);
  assertEquals(files.read("192.0.2.1"), []);
  host.at = 1350;
  steering.setLease(1600);
  assertEquals(files.read("192.0.2.1"), [4]);
});

Deno.test("slots that were found stay untouched until the core wants others", () => {
  const { files, host, steering } = lab({ found: [2] });
  assertEquals(steering.current().responsibility, slots(2));
  steering.setResponsibility(slots(2), 0);
  steering.expire(1e9);
  assertEquals([files.writes, host.takes], [[], 0]);
  steering.setLease(1300);
  steering.setResponsibility(slots(2, 3), 1);
  assertEquals([files.writes, host.takes], [["1+3"], 1]);
  host.at = 1301;
  steering.expire(1301);
  assertEquals(files.read("192.0.2.1"), [], "from then on they have a lease like all others");
});

Deno.test("what somebody else switches is put right within a second, also behind a new rule", () => {
  const { files, host, steering } = lab();
  steering.setResponsibility(slots(1, 2), 1);
  steering.setLease(1e6);
  files.on.set("192.0.2.1", [1, 2, 3]); // a cluster manager that was not told
  steering.expire(host.at + 999);
  assertEquals(files.read("192.0.2.1"), [1, 2, 3]);
  steering.expire(host.at + 1000);
  assertEquals(files.read("192.0.2.1"), [1, 2]);
  files.on.delete("192.0.2.1"); // the rule is flushed …
  steering.expire(host.at + 2000);
  steering.setLease(1e6 + 1);
  files.on.set("192.0.2.1", [4]); // … and made again with its own slot
  steering.expire(host.at + 3000);
  assertEquals(files.read("192.0.2.1"), [1, 2]);
});

Deno.test("a kernel that does not obey is an error, and not silence", () => {
  const { files, steering } = lab();
  steering.setLease(1300);
  files.isBroken = true;
  assertThrows(
    () => steering.setResponsibility(slots(1), 1),
    Error,
    "switch CLUSTERIP slot +1 of 192.0.2.1: I/O error",
  );
});

Deno.test("current tells what the kernel has, not what it was told", () => {
  const { files, steering } = lab();
  files.on.set("192.0.2.1", [1, 4]);
  assertEquals(steering.current().responsibility, slots(1, 4));
  assertEquals(lab().steering.current().responsibility, BucketSet.empty());
});
