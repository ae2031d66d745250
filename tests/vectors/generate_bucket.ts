/**
 * Writes bucket.json: `deno run -A tests/vectors/generate_bucket.ts && deno fmt tests/vectors`.
 *
 * The expected bucket is computed from bytes that are put down here by hand for each frame and a
 * reference hash, by neither of the implementations that the vectors check.
 */

import type { BucketVerdict } from "../../lib/ownership/bucket_of_frame.ts";
import type { BucketVector, VectorConfig } from "./bucket_vector.ts";
import * as f from "./frames.ts";
import { referenceHash } from "./reference_hash.ts";

const seed = [0x03020100, 0x87060504] as const;
const base: VectorConfig = { seed, key: "pair", side: null, nat: null, inside: [] };
const source: VectorConfig = { ...base, key: "source" };
const flow: VectorConfig = { ...base, key: "flow" };
const inside: VectorConfig = {
  ...base,
  key: "inside",
  side: "inside",
  inside: ["10.0.0.0/8", "2001:db8::/33"],
};
const outside: VectorConfig = { ...inside, side: "outside" };
const nat: VectorConfig = { ...base, nat: "192.0.2.1" };

const client = "198.51.100.7", server = "192.0.2.1", host = "10.1.2.3", other = "10.200.0.9";
const client6 = "2001:db8:8000::7", server6 = "2001:db8:ffff:0:8000::1";
const host6 = "2001:db8:1::3", other6 = "2001:db8:1::2";

const vectors: BucketVector[] = [];

function add(
  name: string,
  config: VectorConfig,
  frame: f.Bytes,
  expected: f.Bytes | BucketVerdict,
): void {
  const hashed = typeof expected === "object" ? hex(expected) : null;
  const verdict = typeof expected === "object" ? referenceHash(seed, expected) >>> 24 : expected;
  vectors.push({ name, config, frame: hex(frame), hashed, expected: verdict });
}

const hex = (bytes: f.Bytes) => bytes.map((byte) => byte.toString(16).padStart(2, "0")).join("");
const eth4 = (packet: f.Bytes) => f.ethernet(0x0800, packet);
const eth6 = (packet: f.Bytes) => f.ethernet(0x86dd, packet);
const { ip, be16, ports, icmp, ipv4, ipv6 } = f;

// 192.0.2.1 is smaller than 198.51.100.7; 2001:db8:8000::7 smaller than 2001:db8:ffff:0:8000::1.
const pair4 = [...ip(server), ...ip(client)];
const pair6 = [...ip(client6), ...ip(server6)];
const flow4 = [...ip(server), ...be16(80), ...ip(client), ...be16(40000), 6];
const flow6 = [...ip(client6), ...be16(40000), ...ip(server6), ...be16(80), 6];
const tcp4 = ipv4(client, server, 6, ports(40000, 80));
const tcp4Back = ipv4(server, client, 6, ports(80, 40000));
const tcp6 = ipv6(client6, server6, 6, ports(40000, 80));
const tcp6Back = ipv6(server6, client6, 6, ports(80, 40000));

add("source, IPv4 TCP", source, eth4(tcp4), ip(client));
add("source, IPv6 TCP", source, eth6(tcp6), ip(client6));
add("pair, IPv4 TCP", base, eth4(tcp4), pair4);
add("pair, IPv4 TCP, the other way", base, eth4(tcp4Back), pair4);
add("pair, IPv6 TCP", base, eth6(tcp6), pair6);
add("pair, IPv6 TCP, the other way", base, eth6(tcp6Back), pair6);
add("pair, IPv6 that differs in its last byte", base, eth6(ipv6(host6, other6, 17, ports(1, 2))), [
  ...ip(other6),
  ...ip(host6),
]);
add("pair, equal addresses", base, eth4(ipv4(host, host, 17, ports(1, 2))), [
  ...ip(host),
  ...ip(host),
]);
add("flow, IPv4 TCP", flow, eth4(tcp4), flow4);
add("flow, IPv4 TCP, the other way", flow, eth4(tcp4Back), flow4);
add("flow, IPv6 TCP", flow, eth6(tcp6), flow6);
add("flow, IPv6 TCP, the other way", flow, eth6(tcp6Back), flow6);
for (const proto of [17, 33, 132, 136]) {
  const bytes = [...flow4.slice(0, 12), proto];
  add(`flow, protocol ${proto}`, flow, eth4(ipv4(client, server, proto, ports(40000, 80))), bytes);
}
add("flow, equal addresses: ports decide", flow, eth4(ipv4(host, host, 17, ports(513, 2))), [
  ...ip(host),
  ...be16(2),
  ...ip(host),
  ...be16(513),
  17,
]);
add("flow, equal IPv6 addresses", flow, eth6(ipv6(host6, host6, 17, ports(513, 2))), [
  ...ip(host6),
  ...be16(2),
  ...ip(host6),
  ...be16(513),
  17,
]);
add("flow, GRE has no ports", flow, eth4(ipv4(client, server, 47, ports(1, 2))), pair4);
add("inside, from an inside host", inside, eth4(ipv4(host, client, 6, ports(1, 2))), ip(host));
add("inside, to an inside host", outside, eth4(ipv4(client, host, 6, ports(2, 1))), ip(host));
add("inside, between inside hosts", inside, eth4(ipv4(other, host, 6, ports(1, 2))), [
  ...ip(host),
  ...ip(other),
]);
add("inside, between inside hosts, other side", outside, eth4(ipv4(host, other, 6, ports(2, 1))), [
  ...ip(host),
  ...ip(other),
]);
add("inside, IPv6 out", inside, eth6(ipv6(host6, client6, 6, ports(1, 2))), ip(host6));
add("inside, IPv6 in", outside, eth6(ipv6(client6, host6, 6, ports(2, 1))), ip(host6));
add("inside, IPv6 between inside hosts", inside, eth6(ipv6(host6, other6, 6, ports(1, 2))), [
  ...ip(other6),
  ...ip(host6),
]);

add("ICMP echo request goes by addresses", flow, eth4(ipv4(client, server, 1, icmp(8, 77))), pair4);
add("ICMP echo reply goes by addresses", flow, eth4(ipv4(server, client, 1, icmp(0, 77))), pair4);
add("ICMPv6 echo goes by addresses", flow, eth6(ipv6(client6, server6, 58, icmp(128, 7))), pair6);
add("ICMP timestamp goes by addresses", flow, eth4(ipv4(client, server, 1, icmp(13, 7))), pair4);

// A router on the way answers the server's packet: the error falls to the flow.
const router = "203.0.113.99", router6 = "2001:db8:7777::1";
for (const type of [3, 4, 5, 11, 12]) {
  const error = ipv4(router, server, 1, icmp(type, 0, tcp4Back.slice(0, 28)));
  add(`ICMP error ${type}, pair`, base, eth4(error), pair4);
  add(`ICMP error ${type}, flow`, flow, eth4(error), flow4);
  add(`ICMP error ${type}, source`, source, eth4(error), ip(client));
}
for (const type of [1, 2, 3, 4]) {
  const error = ipv6(router6, server6, 58, icmp(type, 0, tcp6Back.slice(0, 48)));
  add(`ICMPv6 error ${type}, pair`, base, eth6(error), pair6);
  add(`ICMPv6 error ${type}, flow`, flow, eth6(error), flow6);
  add(`ICMPv6 error ${type}, source`, source, eth6(error), ip(client6));
}
const error4 = (quote: f.Bytes) => eth4(ipv4(router, server, 1, icmp(3, 0, quote)));
const error6 = (quote: f.Bytes) => eth6(ipv6(router6, server6, 58, icmp(1, 0, quote)));
add(
  "ICMP error quoting options",
  flow,
  error4(ipv4(server, client, 6, ports(80, 40000, []), {
    options: f.zeros(8),
  })),
  flow4,
);
add("ICMP error, quoted ports cut off", flow, error4(tcp4Back.slice(0, 23)), pair4);
add(
  "ICMP error, quoted options cut off",
  flow,
  error4(
    ipv4(server, client, 6, [], { options: f.zeros(8) }).slice(0, 24),
  ),
  pair4,
);
add("ICMP error, quoted header cut off", base, error4(tcp4Back.slice(0, 19)), "malformed");
add("ICMP error quoting IPv6", base, error4(tcp6Back), "malformed");
add(
  "ICMP error quoting a short header length",
  base,
  error4([0x44, ...tcp4Back.slice(1)]),
  "malformed",
);
add("ICMP error quoting an echo", flow, error4(ipv4(server, client, 1, icmp(8, 5))), pair4);
add(
  "ICMP error quoting an ICMP error",
  base,
  error4(
    ipv4(server, client, 1, icmp(3, 0, ipv4(host, other, 6, ports(1, 2)))),
  ),
  pair4,
);
add(
  "ICMP error quoting a first fragment",
  flow,
  error4(
    ipv4(server, client, 6, ports(80, 40000), { fragment: 0x2000 }),
  ),
  pair4,
);
add(
  "ICMP error quoting a later fragment",
  flow,
  error4(
    ipv4(server, client, 6, ports(80, 40000), { fragment: 0x00b9 }),
  ),
  pair4,
);
add(
  "ICMP error that is a fragment itself",
  flow,
  eth4(
    ipv4(router, server, 1, icmp(3, 0, tcp4Back), { fragment: 0x2000 }),
  ),
  [...ip(server), ...ip(router)],
);
add("ICMPv6 error, quoted ports cut off", flow, error6(tcp6Back.slice(0, 43)), pair6);
add("ICMPv6 error, quoted header cut off", base, error6(tcp6Back.slice(0, 39)), "malformed");
add("ICMPv6 error quoting IPv4", base, error6([...tcp4Back, ...f.zeros(20)]), "malformed");
add(
  "ICMPv6 error quoting extensions",
  flow,
  error6(
    ipv6(server6, client6, 0, f.extension(43, 1, f.extension(6, 2, ports(80, 40000)))),
  ),
  flow6,
);
add(
  "ICMPv6 error, quoted extension cut off",
  flow,
  error6(
    ipv6(server6, client6, 0, f.extension(6, 2, [])).slice(0, 52),
  ),
  pair6,
);
add(
  "ICMPv6 error quoting a first fragment",
  flow,
  error6(
    ipv6(server6, client6, 44, f.fragmentHeader(6, 0, true, ports(80, 40000))),
  ),
  pair6,
);
add(
  "ICMPv6 100 is no error that is read",
  base,
  eth6(
    ipv6(router6, server6, 58, icmp(100, 0, tcp6Back)),
  ),
  [...ip(router6), ...ip(server6)],
);

add(
  "first fragment goes by pair",
  flow,
  eth4(
    ipv4(client, server, 17, ports(40000, 80), { fragment: 0x2000 }),
  ),
  pair4,
);
add(
  "later fragment goes by pair",
  flow,
  eth4(
    ipv4(client, server, 17, ports(40000, 80), { fragment: 0x2001 }),
  ),
  pair4,
);
add(
  "last fragment goes by pair",
  flow,
  eth4(
    ipv4(client, server, 17, ports(40000, 80), { fragment: 0x0001 }),
  ),
  pair4,
);
add(
  "fragment far behind goes by pair",
  flow,
  eth4(ipv4(client, server, 17, ports(40000, 80), { fragment: 0x1000 })),
  pair4,
);
add(
  "do-not-fragment is no fragment",
  flow,
  eth4(
    ipv4(client, server, 6, ports(40000, 80), { fragment: 0x4000 }),
  ),
  flow4,
);
const fragment6 = (offset: number, more: boolean) =>
  eth6(ipv6(client6, server6, 44, f.fragmentHeader(6, offset, more, ports(40000, 80))));
add("IPv6 first fragment goes by pair", flow, fragment6(0, true), pair6);
add("IPv6 later fragment goes by pair", flow, fragment6(9, true), pair6);
add("IPv6 fragment far behind goes by pair", flow, fragment6(0x1000, false), pair6);
add("IPv6 last fragment goes by pair", flow, fragment6(9, false), pair6);
add("IPv6 atomic fragment is whole", flow, fragment6(0, false), flow6);
add(
  "IPv6 atomic fragment with a reserved byte",
  flow,
  eth6(
    ipv6(client6, server6, 44, [6, 200, 0, 0, 0, 0, 0, 7, ...ports(40000, 80)]),
  ),
  flow6,
);
add(
  "IPv6 fragment of NDP is not NDP",
  base,
  eth6(
    ipv6(client6, server6, 44, f.fragmentHeader(58, 0, true, icmp(135, 0, f.zeros(16)))),
  ),
  pair6,
);

for (const kind of [0, 43, 60, 135]) {
  const packet = ipv6(client6, server6, kind, f.extension(6, 3, ports(40000, 80)));
  add(`IPv6 extension ${kind}`, flow, eth6(packet), flow6);
}
add(
  "IPv6 extension 135 of the greatest length",
  flow,
  eth6(
    ipv6(client6, server6, 135, f.extension(6, 255, ports(40000, 80))),
  ),
  flow6,
);
add(
  "IPv6 authentication header",
  flow,
  eth6(
    ipv6(client6, server6, 51, f.authentication(6, 4, ports(40000, 80))),
  ),
  flow6,
);
add(
  "IPv6 authentication header of odd length",
  flow,
  eth6(
    ipv6(client6, server6, 51, f.authentication(6, 5, ports(40000, 80))),
  ),
  flow6,
);
const chain = (count: number): f.Bytes =>
  count === 1 ? f.extension(6, 0, ports(40000, 80)) : f.extension(60, 0, chain(count - 1));
add("IPv6 with six extensions", flow, eth6(ipv6(client6, server6, 60, chain(6))), flow6);
add("IPv6 with seven extensions", flow, eth6(ipv6(client6, server6, 60, chain(7))), "malformed");
add(
  "IPv6 extension cut off",
  base,
  eth6(
    ipv6(client6, server6, 60, f.extension(6, 2, []).slice(0, 23)),
  ),
  "malformed",
);
add(
  "IPv6 extension's first bytes cut off",
  base,
  eth6(
    ipv6(client6, server6, 60, f.zeros(7)),
  ),
  "malformed",
);
add("IPv6 no next header", flow, eth6(ipv6(client6, server6, 59, [])), pair6);
add("IPv6 ESP", flow, eth6(ipv6(client6, server6, 50, ports(1, 2))), pair6);
for (const type of [133, 134, 135, 136, 137]) {
  const packet = ipv6(client6, server6, 58, icmp(type, 0, f.zeros(16)));
  add(`ICMPv6 ${type} is NDP`, base, eth6(packet), "ndp");
}
add(
  "NDP behind an extension",
  base,
  eth6(
    ipv6(client6, server6, 0, f.extension(58, 0, icmp(135, 0, f.zeros(16)))),
  ),
  "ndp",
);
add(
  "ICMPv6 132 is bucketed",
  base,
  eth6(ipv6(client6, server6, 58, icmp(132, 0, f.zeros(16)))),
  pair6,
);
add(
  "ICMPv6 138 is bucketed",
  base,
  eth6(ipv6(client6, server6, 58, icmp(138, 0, f.zeros(16)))),
  pair6,
);

add("VLAN", flow, f.ethernet(0x0800, tcp4, [[0x8100, 5]]), flow4);
add("VLAN in VLAN", flow, f.ethernet(0x0800, tcp4, [[0x8100, 5], [0x8100, 6]]), flow4);
add("QinQ, IPv6", flow, f.ethernet(0x86dd, tcp6, [[0x88a8, 5], [0x8100, 6]]), flow6);
add("three tags", base, f.ethernet(0x0800, tcp4, [[0x88a8, 5], [0x8100, 6], [0x8100, 7]]), "other");
add("a tag cut off", base, f.ethernet(0x0800, [], [[0x8100, 5]]).slice(0, 17), "malformed");
add("ARP", base, f.ethernet(0x0806, f.zeros(28)), "arp");
add("ARP in a VLAN", base, f.ethernet(0x0806, f.zeros(28), [[0x8100, 5]]), "arp");
add("another ethertype", base, f.ethernet(0x88cc, f.zeros(28)), "other");
add("an Ethernet header cut off", base, f.ethernet(0x0800, []).slice(0, 13), "malformed");
add("nothing at all", base, [], "malformed");
add("IPv4 header cut off", base, eth4(tcp4.slice(0, 19)), "malformed");
add("IPv4 of version 5", base, eth4([0x55, ...tcp4.slice(1)]), "malformed");
add("IPv4 with a header length of 16", base, eth4([0x44, ...tcp4.slice(1)]), "malformed");
add(
  "IPv4 options cut off",
  base,
  eth4(
    ipv4(client, server, 6, [], { options: f.zeros(8) }).slice(0, 27),
  ),
  "malformed",
);
add(
  "IPv4 options",
  flow,
  eth4(
    ipv4(client, server, 6, ports(40000, 80), { options: f.zeros(40) }),
  ),
  flow4,
);
add("IPv6 header cut off", base, eth6(tcp6.slice(0, 39)), "malformed");
add("IPv6 of version 4", base, eth6([0x40, ...tcp6.slice(1)]), "malformed");
add("TCP header cut off, pair", base, eth4(ipv4(client, server, 6, [0, 1, 0])), pair4);
add("TCP header cut off, flow goes by pair", flow, eth4(ipv4(client, server, 6, [0, 1, 0])), pair4);
add("TCP header missing, flow goes by pair", flow, eth6(ipv6(client6, server6, 6, [])), pair6);
add("TCP ports without the rest", flow, eth4(ipv4(client, server, 6, ports(40000, 80, []))), flow4);
add("ICMP cut off", base, eth4(ipv4(client, server, 1, icmp(8, 1).slice(0, 7))), "malformed");
add(
  "ICMPv6 cut off",
  base,
  eth6(ipv6(client6, server6, 58, icmp(128, 1).slice(0, 7))),
  "malformed",
);

const toNat = (proto: number, payload: f.Bytes, o: f.Ipv4Options = {}) =>
  eth4(ipv4(client, server, proto, payload, o));
const slice = (port: number) => Math.floor((port - 1024) / 252);
for (const port of [1024, 1275, 1276, 40000, 65535]) {
  add(`NAT, TCP port ${port}`, nat, toNat(6, ports(80, port)), slice(port));
  add(`NAT, UDP port ${port}`, nat, toNat(17, ports(80, port)), slice(port));
  add(`NAT, echo reply ${port}`, nat, toNat(1, icmp(0, port)), slice(port));
}
add("NAT, port 1023 is a service's", nat, toNat(6, ports(40000, 1023)), pair4);
add("NAT, echo identifier 1023", nat, toNat(1, icmp(8, 1023)), pair4);
add("NAT, from the address: not NAT", nat, eth4(tcp4Back), pair4);
add("NAT, fragment", nat, toNat(17, ports(80, 40000), { fragment: 0x2000 }), "fragmentToNat");
add("NAT, later fragment", nat, toNat(17, ports(80, 1), { fragment: 0x00b9 }), "fragmentToNat");
add(
  "NAT, fragment of another protocol",
  nat,
  toNat(47, f.zeros(8), { fragment: 0x2000 }),
  "fragmentToNat",
);
add("NAT, GRE", nat, toNat(47, f.zeros(8)), "natOther");
add("NAT, SCTP", nat, toNat(132, ports(80, 40000)), "natOther");
add("NAT, ICMP timestamp", nat, toNat(1, icmp(13, 40000)), "natOther");
add("NAT, ports cut off", nat, toNat(6, [0, 80, 9]), "natOther");
const natError = (quote: f.Bytes) => eth4(ipv4(router, server, 1, icmp(11, 0, quote)));
add(
  "NAT, ICMP error quoting TCP",
  nat,
  natError(
    ipv4(server, client, 6, ports(40000, 80)).slice(0, 28),
  ),
  slice(40000),
);
add(
  "NAT, ICMP error quoting an echo",
  nat,
  natError(ipv4(server, client, 1, icmp(8, 5000))),
  slice(5000),
);
add(
  "NAT, ICMP error quoting a first fragment",
  nat,
  natError(
    ipv4(server, client, 17, ports(40000, 80), { fragment: 0x2000 }),
  ),
  slice(40000),
);
add(
  "NAT, ICMP error quoting a later fragment",
  nat,
  natError(
    ipv4(server, client, 17, ports(40000, 80), { fragment: 0x00b9 }),
  ),
  "natOther",
);
add("NAT, IPv6 is not concerned", nat, eth6(tcp6), pair6);

const names = new Set(vectors.map(({ name }) => name));
if (names.size !== vectors.length) throw new Error("generating vectors: two have one name");
const lines = vectors.map((vector) => `  ${JSON.stringify(vector)}`);
await Deno.writeTextFile(
  new URL("bucket.json", import.meta.url),
  `[\n${lines.join(",\n")}\n]\n`,
);
