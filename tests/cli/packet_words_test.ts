import { readConntrackLine } from "../../cli/conntrack_line.ts";
import { type Packet, readPacket } from "../../cli/packet_words.ts";
import { assertEquals, assertThrows } from "../assert.ts";

type Row = readonly [
  words: string,
  source: string,
  destination: string,
  protocol?: number,
  sourcePort?: number,
  destinationPort?: number,
];

function packetOf([, source, destination, protocol, sourcePort, destinationPort]: Row): Packet {
  return {
    source,
    destination,
    ...(protocol === undefined ? {} : { protocol }),
    ...(sourcePort === undefined ? {} : { sourcePort }),
    ...(destinationPort === undefined ? {} : { destinationPort }),
  };
}

const packets: readonly Row[] = [
  ["10.0.0.1:40000 > 192.0.2.7:443", "10.0.0.1", "192.0.2.7", 6, 40000, 443],
  ["10.0.0.1:40000>192.0.2.7:443", "10.0.0.1", "192.0.2.7", 6, 40000, 443],
  ["10.0.0.1:40000 -> 192.0.2.7:443", "10.0.0.1", "192.0.2.7", 6, 40000, 443],
  ["10.0.0.1:40000 → 192.0.2.7:443", "10.0.0.1", "192.0.2.7", 6, 40000, 443],
  ["udp 10.0.0.1:0 > 192.0.2.7:65535", "10.0.0.1", "192.0.2.7", 17, 0, 65535],
  ["TCP 10.0.0.1:1 > 192.0.2.7:2", "10.0.0.1", "192.0.2.7", 6, 1, 2],
  ["132 10.0.0.1:1 > 192.0.2.7:2", "10.0.0.1", "192.0.2.7", 132, 1, 2],
  ["10.0.0.1 > 192.0.2.7", "10.0.0.1", "192.0.2.7"],
  ["icmp 10.0.0.1 > 192.0.2.7", "10.0.0.1", "192.0.2.7", 1],
  ["[2001:db8::1]:5353 > [2001:db8::2]:53", "2001:db8::1", "2001:db8::2", 6, 5353, 53],
  ["udp [::1]:1 > [::ffff:10.0.0.1]:2", "::1", "::ffff:10.0.0.1", 17, 1, 2],
  ["[2001:db8::1] > 2001:db8::2", "2001:db8::1", "2001:db8::2"],
  ["2001:db8::1 > ::", "2001:db8::1", "::"],
  // tcpdump -n
  [
    "IP 10.0.0.1.40000 > 192.0.2.7.443: Flags [S], seq 1, win 64240, length 0",
    ...["10.0.0.1", "192.0.2.7", 6, 40000, 443] as const,
  ],
  [
    "12:00:01.250000 IP 10.0.0.1.53 > 192.0.2.7.3333: UDP, length 12",
    ...["10.0.0.1", "192.0.2.7", 17, 53, 3333] as const,
  ],
  [
    "12:00:01.250000 eth0  In  IP 10.0.0.1.53 > 192.0.2.7.3333: UDP, length 12",
    ...["10.0.0.1", "192.0.2.7", 17, 53, 3333] as const,
  ],
  [
    "IP6 2001:db8::1.40000 > 2001:db8::2.443: Flags [S], length 0",
    ...["2001:db8::1", "2001:db8::2", 6, 40000, 443] as const,
  ],
  [
    "IP 10.0.0.1 > 192.0.2.7: ICMP echo request, id 1, seq 1, length 64",
    ...["10.0.0.1", "192.0.2.7", 1] as const,
  ],
  ["IP6 fe80::1 > ff02::1: ICMP6, router advertisement", "fe80::1", "ff02::1", 58],
];

Deno.test("packets in all their spellings", () => {
  for (const row of packets) assertEquals(readPacket(row[0]), packetOf(row), row[0]);
});

Deno.test("what is wrong with a packet is told by its end", () => {
  const wrong: readonly (readonly [words: string, says: string])[] = [
    ["10.0.0.1:1", "write SRC:PORT > DST:PORT"],
    ["10.0.0.1:1 > 10.0.0.2:2 > 10.0.0.3:3", "write SRC:PORT > DST:PORT"],
    [" > 10.0.0.2:2", 'SRC: "": this is no IPv4 or IPv6 address'],
    ["10.0.0.1:1 > ", 'DST: "": this is no IPv4 or IPv6 address'],
    ["fw1:1 > 10.0.0.2:2", 'SRC: "fw1:1": this is no IPv4 or IPv6 address'],
    ["10.0.0.256:1 > 10.0.0.2:2", 'SRC: "10.0.0.256:1": this is no'],
    ["10.0.0.1:1 > 10.0.0.2:65536", '"65536" is no port; write its number'],
    ["10.0.0.1:1 > 10.0.0.2:https", 'DST: "10.0.0.2:https": "https" is no port'],
    ["IP 10.0.0.1.1 > 10.0.0.2.https: Flags [S]", '"https" is no port'],
    ["10.0.0.1:1 > 10.0.0.2:", "DST has no port"],
    ["10.0.0.1:1 > 10.0.0.2", "DST has no port and SRC has one; give both, or none"],
    ["10.0.0.1 > 10.0.0.2:2", "SRC has no port and DST has one"],
    ["2001:db8::1:80 > [2001:db8::2]:80", "SRC has no port and DST has one"],
    ["tpc 10.0.0.1:1 > 10.0.0.2:2", '"tpc" is no protocol; write tcp, udp or its number'],
    ["256 10.0.0.1 > 10.0.0.2", '"256" is no protocol'],
    ["[10.0.0.1:80 > 10.0.0.2:80", 'SRC: "[10.0.0.1:80": this is no'],
  ];
  for (const [words, says] of wrong) assertThrows(() => readPacket(words), Error, says, words);
});

const lines: readonly Row[] = [
  [
    "tcp      6 431999 ESTABLISHED src=10.0.0.1 dst=192.0.2.7 sport=40000 dport=443 " +
    "src=192.0.2.7 dst=10.0.0.1 sport=443 dport=40000 [ASSURED] mark=0 use=1",
    ...["10.0.0.1", "192.0.2.7", 6, 40000, 443] as const,
  ],
  [
    "ipv6     10 udp      17 29 src=2001:db8::1 dst=2001:db8::2 sport=5353 dport=53 [UNREPLIED] " +
    "src=2001:db8::2 dst=2001:db8::1 sport=53 dport=5353 mark=0 use=1",
    ...["2001:db8::1", "2001:db8::2", 17, 5353, 53] as const,
  ],
  [
    "    [NEW] tcp      6 120 SYN_SENT src=10.0.0.1 dst=192.0.2.7 sport=1 dport=2 [UNREPLIED] " +
    "src=192.0.2.7 dst=10.0.0.1 sport=2 dport=1",
    ...["10.0.0.1", "192.0.2.7", 6, 1, 2] as const,
  ],
  [
    "[1700000000.123456]\t[DESTROY] udp      17 src=10.0.0.1 dst=192.0.2.7 sport=1 dport=2 packets=1",
    ...["10.0.0.1", "192.0.2.7", 17, 1, 2] as const,
  ],
  [
    "icmp     1 29 src=10.0.0.1 dst=192.0.2.7 type=8 code=0 id=77 src=192.0.2.7 dst=10.0.0.1 type=0",
    ...["10.0.0.1", "192.0.2.7", 1] as const,
  ],
  [
    "unknown  2 599 src=10.0.0.1 dst=224.0.0.22 [UNREPLIED] src=224.0.0.22 dst=10.0.0.1 use=1",
    ...["10.0.0.1", "224.0.0.22", 2] as const,
  ],
];

Deno.test("lines of conntrack, as its options make them", () => {
  for (const row of lines) assertEquals(readConntrackLine(row[0]), packetOf(row), row[0]);
  const none = ["", "conntrack v1.4.7 (conntrack-tools): 3 flow entries have been shown.", "src="];
  for (const line of none) assertEquals(readConntrackLine(line), null, line);
});
