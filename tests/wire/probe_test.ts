import { answeredAddress, answeringMac, isAnnouncement, probeFrame } from "../../lib/wire/probe.ts";
import { assertEquals } from "../assert.ts";

const mac = new Uint8Array([2, 0, 0, 0, 0, 7]);
const source = new Uint8Array([2, 0, 0, 0, 0, 9]);

function arpReply(): Uint8Array {
  const frame = new Uint8Array(42);
  frame.set([...source, 0x08, 0x06, 0, 1, 8, 0, 6, 4, 0, 2], 6);
  frame.set(mac, 22);
  frame.set([192, 0, 2, 1], 28);
  return frame;
}

/** With the option that tells the target's MAC, or without. */
function advertisement(hasOption: boolean): Uint8Array {
  const frame = new Uint8Array(hasOption ? 86 : 78);
  frame.set([...source, 0x86, 0xdd, 0x60], 6);
  frame[20] = 58;
  frame[54] = 136;
  frame.set([0x20, 1, 0xd, 0xb8], 62);
  if (hasOption) frame.set([2, 1, ...mac], 78);
  return frame;
}

Deno.test("probe: who answers, by what its answer tells", () => {
  assertEquals(answeringMac(arpReply()), mac);
  assertEquals(answeringMac(advertisement(true)), mac);
  // RFC 4861 lets a unicast answer leave it out: the frame's own source then.
  assertEquals(answeringMac(advertisement(false)), source);
});

Deno.test("probe: a question is no answer, nor is what is cut short", () => {
  const nobody = new Uint8Array(4);
  const question = probeFrame(new Uint8Array([192, 0, 2, 1]), mac, nobody);
  assertEquals([answeredAddress(question), answeringMac(question)], [null, null]);
  for (const frame of [arpReply().subarray(0, 41), advertisement(true).subarray(0, 77)]) {
    assertEquals(answeringMac(frame), null);
  }
});

Deno.test("probe: what all are told of the cluster's own MAC is an announcement; an answer is none", () => {
  for (const answer of [arpReply(), advertisement(true)]) {
    assertEquals(isAnnouncement(answer, mac), false);
    answer.set([0x33, 0x33, 0, 0, 0, 1]);
    assertEquals(isAnnouncement(answer, mac), true);
    assertEquals(isAnnouncement(answer, source), false, "a stranger's");
  }
  const question = probeFrame(new Uint8Array([192, 0, 2, 1]), mac, new Uint8Array(4));
  assertEquals(isAnnouncement(question, mac), false);
});
