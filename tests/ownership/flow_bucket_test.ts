import { assertEquals, assertNotEquals } from "../assert.ts";
import type { ShareConfig } from "../../lib/config.ts";
import { BucketHash, type BucketSeed } from "../../lib/ownership/bucket.ts";
import { bucketOfFrame, type FrameKey } from "../../lib/ownership/bucket_of_frame.ts";
import { FlowBuckets, type FlowQuery } from "../../lib/ownership/flow_bucket.ts";
import { ethernet, icmp, ip, ipv4, ports } from "../vectors/frames.ts";

const seed: BucketSeed = [0xdeadbeef, 0x01020304];
const hash = new BucketHash(seed);

function share(name: string, address: string, part: Partial<ShareConfig>): ShareConfig {
  const [text, length] = address.split("/");
  const family = text.includes(":") ? 6 : 4;
  return {
    interface: name,
    addresses: [{ family, address: text, prefixLength: Number(length) }],
    key: "pair",
    side: null,
    nat: false,
    mac: "auto",
    ...part,
  };
}

const client = "198.51.100.7", service = "192.0.2.1", inner = "10.1.2.3", inner2 = "10.1.9.9";
const web: FlowQuery = {
  source: client,
  destination: inner,
  protocol: 6,
  sourcePort: 40000,
  destinationPort: 443,
};

/** What the datapath does with the packet of a query on a share with this key. */
function packetBucket(query: FlowQuery, key: Partial<FrameKey>) {
  const { source, destination, protocol = 1 } = query;
  const payload = query.sourcePort === undefined || query.destinationPort === undefined
    ? icmp(8, 5)
    : ports(query.sourcePort, query.destinationPort);
  const frame = Uint8Array.from(ethernet(0x0800, ipv4(source, destination, protocol, payload)));
  const pair = { hash, key: "pair", side: null, natAddress: null, insidePrefixes: [] } as const;
  return bucketOfFrame(frame, { ...pair, ...key });
}

function reversed(query: FlowQuery): FlowQuery {
  const { source, destination, sourcePort = 0, destinationPort = 0 } = query;
  return {
    ...query,
    source: destination,
    destination: source,
    sourcePort: destinationPort,
    destinationPort: sourcePort,
  };
}

Deno.test("a service's flow goes by its client, also one that the service began", () => {
  const flows = new FlowBuckets({
    seed,
    shares: [share("eth0", "192.0.2.1/24", { key: "source" })],
  });
  const incoming = { ...web, destination: service };
  const expected = packetBucket(incoming, { key: "source" });
  assertEquals(flows.bucketOf(incoming), expected);
  assertEquals(flows.bucketOf({ ...incoming, sourcePort: 5 }), expected);
  assertEquals(flows.bucketOf(reversed(incoming)), expected);
  assertEquals(flows.bucketOf({ ...incoming, share: "eth0" }), expected);
  assertNotEquals(flows.bucketOf({ ...incoming, source: "198.51.100.8" }), expected);
});

Deno.test("pair and flow agree with the packets of both directions", () => {
  for (const key of ["pair", "flow"] as const) {
    const shares = [share("eth0", "192.0.2.1/24", { key }), share("eth1", "10.1.0.1/16", { key })];
    const flows = new FlowBuckets({ seed, shares });
    const expected = packetBucket(web, { key });
    for (const query of [web, reversed(web)]) {
      assertEquals(packetBucket(query, { key }), expected);
      assertEquals(flows.bucketOf(query), expected);
      assertEquals(flows.bucketOf({ ...query, share: "eth1" }), expected);
    }
    const ping = { source: client, destination: inner, protocol: 1 };
    assertEquals(flows.bucketOf(ping), packetBucket(ping, { key }));
    // Only the key `flow` looks at ports.
    const otherPort = flows.bucketOf({ ...web, sourcePort: 40001 });
    assertEquals(otherPort === expected, key === "pair");
  }
});

Deno.test("inside: by the inside host on both sides, by the pair between inside hosts", () => {
  const shares = [
    share("in", "10.1.0.1/16", { key: "inside", side: "inside" }),
    share("out", "192.0.2.1/24", { key: "inside", side: "outside" }),
  ];
  const flows = new FlowBuckets({ seed, shares });
  const insidePrefixes = [{ bytes: Uint8Array.from(ip("10.1.0.1")), prefixLength: 16 }];
  const inside = { key: "inside", side: "inside", insidePrefixes } as const;
  const outside = { ...inside, side: "outside" } as const;

  const host = hash.ofSource(Uint8Array.from(ip(inner)), 0, 4);
  assertEquals(packetBucket(web, outside), host);
  assertEquals(packetBucket(reversed(web), inside), host);
  assertEquals(flows.bucketOf(web), host);
  assertEquals(flows.bucketOf(reversed(web)), host);
  assertEquals(flows.bucketOf({ ...web, share: "out" }), host);
  assertEquals(flows.bucketOf({ ...reversed(web), share: "in" }), host);

  const between = { ...web, source: inner2 };
  const pair = hash.ofPair(Uint8Array.from([...ip(inner2), ...ip(inner)]), 0, 4, 4);
  assertEquals(packetBucket(between, inside), pair);
  assertEquals(packetBucket(reversed(between), inside), pair);
  assertEquals(flows.bucketOf(between), pair);
  assertEquals(flows.bucketOf({ ...between, share: "in" }), pair);
});

Deno.test("services and routing on one node do not disturb each other", () => {
  const shares = [
    share("eth0", "192.0.2.1/24", { key: "source" }),
    share("eth1", "10.1.0.1/16", { key: "pair" }),
  ];
  const flows = new FlowBuckets({ seed, shares });
  const service4 = { ...web, destination: service };
  assertEquals(flows.bucketOf(service4), packetBucket(service4, { key: "source" }));
  assertEquals(flows.bucketOf(web), packetBucket(web, { key: "pair" }));
  // Of a service's network only its address is the service.
  const neighbour = { ...web, destination: "192.0.2.2" };
  assertEquals(flows.bucketOf(neighbour), packetBucket(neighbour, { key: "pair" }));
});

Deno.test("what cannot be answered is null", () => {
  const flows = new FlowBuckets({ seed, shares: [share("eth0", "192.0.2.1/24", {})] });
  assertEquals(flows.bucketOf({ ...web, source: "198.51.100.256" }), null);
  assertEquals(flows.bucketOf({ ...web, source: "2001:db8::1" }), null);
  assertEquals(flows.bucketOf({ ...web, share: "eth9" }), null);
  assertEquals(
    typeof flows.bucketOf({ source: "2001:db8::1", destination: "2001:db8::2" }),
    "number",
  );
});
