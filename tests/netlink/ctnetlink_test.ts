import { assert, assertEquals } from "../assert.ts";
import { eventKind, parseEntry } from "../../lib/netlink/ctnetlink.ts";
import {
  writeChange,
  writeDelete,
  writeDumpRequest,
  writePut,
  writeTimeout,
} from "../../lib/netlink/ctnetlink_write.ts";
import { AF_INET } from "../../lib/netlink/family.ts";
import { FlowRecord } from "../../lib/netlink/flow_record.ts";
import { headerBytes, MessageWriter } from "../../lib/netlink/message.ts";
import { formatAddress } from "../../lib/wire/address.ts";
import { entryCases, type Meaning } from "./entry_cases.ts";

function viewOf(hex: string): DataView {
  return new DataView(Uint8Array.fromHex(hex).buffer);
}

export function meaningOf(flow: FlowRecord): Meaning {
  const at = (i: number) => formatAddress(flow.address(16 * i));
  return {
    family: flow.family === AF_INET ? 4 : 6,
    protocol: flow.protocol,
    addresses: [at(0), at(1), at(2), at(3)],
    ports: flow.hasPorts
      ? [flow.sourcePort, flow.destinationPort, flow.replySourcePort, flow.replyDestinationPort]
      : null,
    status: flow.status,
    timeoutS: flow.timeoutS,
    mark: flow.mark,
    ...flow.hasTcp && {
      tcp: [
        flow.tcpState,
        flow.tcpFlagsOriginal,
        flow.tcpFlagsReply,
        flow.tcpScaleOriginal,
        flow.tcpScaleReply,
      ],
    },
    ...flow.zone !== 0 && { zone: [flow.zone, flow.zoneDirection] },
    ...flow.hasLabels && { labels: flow.labels.toHex() },
  };
}

function parsed(hex: string): FlowRecord {
  const view = viewOf(hex);
  const flow = new FlowRecord();
  assertEquals(parseEntry(view, headerBytes, view.byteLength, flow), null);
  return flow;
}

function written(write: (writer: MessageWriter) => void): string {
  const writer = new MessageWriter(4096);
  write(writer);
  return writer.bytes.toHex();
}

for (const { name, kernel, meaning, create } of entryCases) {
  Deno.test(`a kernel's message says what it means: ${name}`, () => {
    assertEquals(meaningOf(parsed(kernel)), meaning);
  });

  Deno.test(`a record becomes the message that creates it: ${name}`, () => {
    const flow = parsed(kernel);
    const message = written((w) => writePut(w, 1, flow, { exclusive: true, nat: true }));
    assertEquals(message, create);
  });

  Deno.test(`what is created has the same names and state: ${name}`, () => {
    const flow = parsed(create);
    const original = parsed(kernel);
    assertEquals(meaningOf(flow).addresses.slice(0, 2), meaning.addresses.slice(0, 2) as string[]);
    assertEquals(flow.sourcePort, original.sourcePort);
    assertEquals(flow.destinationPort, original.destinationPort);
    assertEquals(flow.timeoutS, original.timeoutS);
    assertEquals(flow.tcpState, original.tcpState);
    assertEquals(flow.status, original.status & 0xe);
    assertEquals([flow.hasSourceNat, flow.hasDestinationNat], [false, false]);
    // Both directions are told to accept any window.
    if (flow.hasTcp) assertEquals([flow.tcpFlagsOriginal & 8, flow.tcpFlagsReply & 8], [8, 8]);
  });

  Deno.test(`no cut or broken length gets through: ${name}`, () => {
    const bytes = Uint8Array.fromHex(kernel);
    const flow = new FlowRecord();
    for (let end = headerBytes; end < bytes.length; end++) {
      const view = new DataView(bytes.slice(0, end).buffer);
      const fault = parseEntry(view, headerBytes, end, flow);
      // A message may end behind any of its attributes, but never without both tuples.
      if (fault === null) assert(end >= 92, `${end} bytes hold no two tuples`);
      assert(parseEntry(view, headerBytes, bytes.length, flow) !== null, "an end behind the bytes");
    }
    for (let at = headerBytes + 4; at < bytes.length; at++) {
      for (const value of [0, 1, 3, 0x7f, 0xff]) {
        const broken = bytes.slice();
        broken[at] = value;
        parseEntry(new DataView(broken.buffer), headerBytes, broken.length, flow);
      }
    }
  });
}

Deno.test("a family or a message without tuples is refused with its reason", () => {
  const flow = new FlowRecord();
  assertEquals(parseEntry(viewOf("07000000"), 0, 4, flow), "family");
  assertEquals(parseEntry(viewOf("02000000"), 0, 4, flow), "no tuple");
  assertEquals(parseEntry(viewOf("0200"), 0, 2, flow), "truncated");
});

Deno.test("a record is wiped between messages", () => {
  const flow = parsed(entryCases[0].kernel);
  const view = viewOf(entryCases[6].kernel);
  parseEntry(view, headerBytes, view.byteLength, flow);
  assertEquals(meaningOf(flow), entryCases[6].meaning);
});

Deno.test("events are told apart by type and flags", () => {
  assertEquals(eventKind(0x100, 0x600), "new");
  assertEquals(eventKind(0x100, 0), "update");
  assertEquals(eventKind(0x102, 0), "destroy");
  assertEquals(eventKind(0x101, 0), null);
});

Deno.test("a change never says a translation, a delete says nothing but the name", () => {
  const flow = parsed(entryCases[0].kernel);
  const create = written((w) => writePut(w, 1, flow, { nat: true }));
  const change = written((w) => writeChange(w, 1, flow, {}));
  assert(create.includes("0680"), "CTA_NAT_SRC is in the creation");
  assert(!change.includes("0680"), "CTA_NAT_SRC is not in the change");
  assertEquals(
    written((w) => writeDelete(w, 2, flow, true)),
    "4800000002010500020000000000000002000000340001801400018008000100c0a8010208000200cb007109" +
      "1c0002800500010006000000060002009c4100000600030001bb0000",
  );
});

Deno.test("a timeout and a status without bits to clear can be written alone", () => {
  const flow = parsed(entryCases[0].kernel);
  const timeout = written((w) => writeTimeout(w, 3, flow));
  assertEquals(timeout.slice(-16), "0800070000000bb7");
  const plain = written((w) => writeChange(w, 1, flow, { status: false }));
  assert(!plain.includes("08000300"), "no CTA_STATUS");
});

Deno.test("the request for a dump asks for both families", () => {
  assertEquals(
    written((w) => writeDumpRequest(w, 9)),
    "1400000001010103090000000000000000000000",
  );
});
