import { assert, assertEquals } from "../assert.ts";
import { AF_INET6 } from "../../lib/netlink/family.ts";
import { parseEntry } from "../../lib/netlink/ctnetlink.ts";
import { FlowRecord } from "../../lib/netlink/flow_record.ts";
import { headerBytes } from "../../lib/netlink/message.ts";
import { bucketOffset, decodeFlow, encodeFlow, flowBytesMax } from "../../lib/replication/flow.ts";
import { entryCases } from "../netlink/entry_cases.ts";

function entry(hex: string): FlowRecord {
  const view = new DataView(Uint8Array.fromHex(hex).buffer);
  const flow = new FlowRecord();
  assertEquals(parseEntry(view, headerBytes, view.byteLength, flow), null);
  flow.id = 0; // of one machine only
  return flow;
}

function encoded(flow: FlowRecord, bucket = 5, identityOnly = false): Uint8Array {
  const bytes = new Uint8Array(flowBytesMax);
  return bytes.slice(
    0,
    encodeFlow(flow, bucket, bytes, new DataView(bytes.buffer), 0, identityOnly),
  );
}

function decoded(bytes: Uint8Array): FlowRecord | null {
  const flow = new FlowRecord();
  const view = new DataView(bytes.buffer);
  return decodeFlow(bytes, view, 0, bytes.length, flow) ? flow : null;
}

function fieldsOf(flow: FlowRecord): Record<string, unknown> {
  return { ...flow, addresses: flow.addresses.toHex(), labels: flow.labels.toHex() };
}

for (const { name, kernel } of entryCases) {
  Deno.test(`a flow comes back from the wire as it went: ${name}`, () => {
    const flow = entry(kernel);
    const bytes = encoded(flow);
    assertEquals(bytes[bucketOffset], 5);
    assertEquals(fieldsOf(decoded(bytes)!), fieldsOf(flow));
  });

  Deno.test(`a record that is cut is refused, one that goes on is not: ${name}`, () => {
    const bytes = encoded(entry(kernel));
    for (let length = 0; length < bytes.length; length++) {
      assertEquals(decoded(bytes.slice(0, length)), null, `${length} of ${bytes.length} bytes`);
    }
    const longer = new Uint8Array([...bytes, 1, 2, 3]);
    assertEquals(fieldsOf(decoded(longer)!), fieldsOf(decoded(bytes)!));
  });

  Deno.test(`a flow's end carries its name only: ${name}`, () => {
    const flow = entry(kernel);
    const end = decoded(encoded(flow, 5, true))!;
    assertEquals(end.addresses.slice(0, 32), flow.addresses.slice(0, 32));
    assertEquals(
      [end.protocol, end.sourcePort, end.destinationPort, end.zone, end.zoneDirection],
      [flow.protocol, flow.sourcePort, flow.destinationPort, flow.zone, flow.zoneDirection],
    );
    assert(!end.hasTcp && !end.hasMark && !end.hasLabels, "nothing but the name");
  });
}

Deno.test("the layout of a record is the documented one", () => {
  // flags (ports, source NAT, TCP, mark), TCP, bucket 5, 0, status 0x19e, timeout 2999,
  // 192.168.1.2 203.0.113.9, 40001 443, 198.51.100.7 5000, state 3 flags a a scale 0 0, mark 66
  assertEquals(
    encoded(entry(entryCases[0].kernel)).toHex(),
    "36060500019e00000bb7" + "c0a80102cb007109" + "9c4101bb" + "c63364071388" + "030a0a0000" +
      "00000042",
  );
});

Deno.test("the longest record fits its bound", () => {
  const flow = entry(entryCases[0].kernel);
  flow.family = AF_INET6;
  flow.addresses.forEach((_, i) => flow.addresses[i] = i);
  flow.zone = 1;
  flow.hasLabels = true;
  assertEquals(encoded(flow).length, flowBytesMax);
});
