import { parsePingReply } from "../../../cli/demo/ping_flow.ts";
import { assertEquals } from "../../assert.ts";

const lines: readonly [line: string, sequence: number | null][] = [
  ["[1795313962.983339] 64 bytes from 127.0.0.1: icmp_seq=298 ttl=64 time=0.008 ms", 298],
  ["[1795313962.983339] 64 bytes from 2001:db8:2::100: icmp_seq=7 ttl=63 time=0.1 ms", 7],
  ["[1795313962.983339] 64 bytes from 192.0.2.1: icmp_seq=9 ttl=63 time=0.1 ms (DUP!)", 9],
  ["PING 192.0.2.1 (192.0.2.1) from 192.0.2.170 : 56(84) bytes of data.", null],
  ["[1795313962.983339] From 192.0.2.11 icmp_seq=5 Destination Host Unreachable", null],
  ["[1795313962.983339] From 192.0.2.11 icmp_seq=5 Time to live exceeded, time=never", null],
  ["", null],
];

for (const [line, sequence] of lines) {
  Deno.test(`ping: ${line || "an empty line"}`, () => {
    assertEquals(parsePingReply(line)?.sequence ?? null, sequence);
  });
}

Deno.test("ping: the time of an answer is in milliseconds", () => {
  assertEquals(parsePingReply(lines[0][0])?.atMs, 1795313962983.339);
});
