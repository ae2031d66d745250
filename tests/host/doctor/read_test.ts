/** What the kernel's text files say, read as they are written. */
import { refusedAddresses } from "../../../lib/host/doctor/addresses.ts";
import { backlogOf, filtersOf } from "../../../lib/host/doctor/interfaces.ts";
import { namesIn, readNumber, readText, sumsOf } from "../../../lib/host/doctor/read.ts";
import { readSpan, writableFolders } from "../../../lib/host/doctor/service.ts";
import { advertisedDefaults, counterOf } from "../../../lib/host/doctor/settings.ts";
import { pressureOf, stolenPart } from "../../../lib/host/doctor/timing.ts";
import { assertAlmostEquals, assertEquals } from "../../assert.ts";

Deno.test("doctor reads /proc/net/stat: sums of hexadecimal columns", () => {
  const text = "entries found drop\n0000000a  00000001 00000002\n0000000a 00000000 000000ff\n";
  assertEquals(sumsOf(text), { entries: 20, found: 1, drop: 257 });
  assertEquals(sumsOf(null), null);
});

Deno.test("doctor reads /proc/net/netstat: a line of names, a line of numbers", () => {
  const text = "TcpExt: SyncookiesSent IPReversePathFilter\nTcpExt: 0 17\nIpExt: InNo\nIpExt: 5\n";
  assertEquals(counterOf(text, "IPReversePathFilter"), 17);
  assertEquals(counterOf(text, "InNo"), 5);
  assertEquals(counterOf(text, "TcpExt:"), null);
});

Deno.test("doctor reads /proc/net/ipv6_route: default routes by advertisement, and no others", () => {
  const zeros = "0".repeat(32);
  const route = (destination: string, length: string, flags: string, name: string) =>
    `${destination} ${length} ${zeros} 00 fe80${"0".repeat(27)}1 00000400 00000001 00000000 ` +
    `${flags} ${name}`;
  const text = [
    route(zeros, "00", "00450003", "eth0"), // UP, GATEWAY, EXPIRES, ADDRCONF
    route(zeros, "00", "00000003", "eth1"), // by hand
    route("20010db8" + "0".repeat(24), "40", "00450003", "eth2"),
    route(zeros, "00", "00200200", "lo"), // unreachable
  ].join("\n");
  assertEquals(advertisedDefaults(text), ["eth0"]);
});

Deno.test("doctor reads /proc/net/dev_mcast and softnet_stat", () => {
  const text = "2    eth0            1     0     01005e000001\n2    eth0    1  0  33330000ffff\n";
  assertEquals(filtersOf(text), new Map([["eth0", ["01005e000001", "33330000ffff"]]]));
  assertEquals(backlogOf("0000ffff 00000010 00000001\n00000001 00000001 00000000"), {
    taken: 65536,
    dropped: 17,
  });
});

Deno.test("doctor reads /proc/net/if_inet6: addresses whose detection has failed", () => {
  const zeros = "0".repeat(20);
  const text = `20010db8${zeros}0011 02 40 00 88 eth0\n20010db8${zeros}0012 02 40 00 80 eth0\n`;
  assertEquals(refusedAddresses(text), [{ address: "2001:db8::11", interface: "eth0" }]);
});

Deno.test("doctor reads /proc/stat and /proc/pressure/cpu", () => {
  const before = "cpu  100 0 100 700 0 0 0 100 0 0\ncpu0 1 1 1 1 1 1 1 1 0 0";
  const after = "cpu  150 0 150 750 0 0 0 150 0 0\ncpu0 1 1 1 1 1 1 1 1 0 0";
  assertEquals(stolenPart(before, after), 0.25);
  assertEquals(stolenPart(before, before), null);
  assertEquals(stolenPart("", after), null);
  const pressure = "some avg10=0.00 avg60=12.50 avg300=1.00 total=5\nfull avg10=0 avg60=90.00";
  assertAlmostEquals(pressureOf(pressure)!, 0.125);
  assertEquals(pressureOf(null), null);
});

Deno.test("doctor reads systemd's spans", () => {
  const of = (text?: string) => readSpan(text);
  assertEquals(["1min 30s", "500ms", "2h", "infinity", "", undefined].map(of), [
    90_000,
    500,
    7_200_000,
    null,
    null,
    null,
  ]);
});

Deno.test("doctor: what is not there is null, not zero", () => {
  assertEquals(readText("/proc/nothing"), null);
  assertEquals(readNumber("/proc/nothing"), null);
  assertEquals(readNumber("/proc/version"), null);
  assertEquals(namesIn("/proc/nothing"), []);
});

Deno.test("doctor: folders that others may write to, but not sticky ones", async () => {
  const folder = await Deno.makeTempDir(); // in /tmp, which is sticky
  try {
    await Deno.mkdir(`${folder}/open/closed`, { recursive: true });
    await Deno.chmod(`${folder}/open`, 0o777);
    await Deno.chmod(`${folder}/open/closed`, 0o755);
    assertEquals(writableFolders(`${folder}/open/closed/key`), [`${folder}/open`]);
    await Deno.chmod(`${folder}/open`, 0o755);
    assertEquals(writableFolders(`${folder}/open/closed/key`), []);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
