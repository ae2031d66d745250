/** The journal's native protocol, to a socket of the test's own that reads as journald does. */
import { bind, close, receive, socket } from "../../ffi/libc.ts";
import { isJournal, Journal } from "../../lib/host/journal.ts";
import { journalEntry } from "../../lib/journal_entry.ts";
import type { LogRecord } from "../../lib/log.ts";
import { assert, assertEquals } from "../assert.ts";

const AF_UNIX = 1, SOCK_DGRAM = 2;
const source = { node: "fw1", cluster: "edge" };

const record: LogRecord = {
  time: "2026-01-31T12:00:00.000Z",
  level: "warn",
  message: "fw2 is silent",
  fields: { event: "peer-dead", node: "fw2", lastHeardMs: 301, none: null, safe: false },
};

/** The fields of an entry, read as systemd's documentation says. */
function readEntry(bytes: Uint8Array): Record<string, string> {
  const decoder = new TextDecoder();
  const fields: Record<string, string> = {};
  for (let at = 0; at < bytes.length;) {
    const lineEnd = bytes.indexOf(10, at);
    const line = decoder.decode(bytes.subarray(at, lineEnd));
    const equals = line.indexOf("=");
    if (equals >= 0) {
      fields[line.slice(0, equals)] = line.slice(equals + 1);
      at = lineEnd + 1;
      continue;
    }
    const view = new DataView(bytes.buffer, bytes.byteOffset + lineEnd + 1, 8);
    const start = lineEnd + 9, end = start + Number(view.getBigUint64(0, true));
    fields[line] = decoder.decode(bytes.subarray(start, end));
    assertEquals(bytes[end], 10);
    at = end + 1;
  }
  return fields;
}

Deno.test("an entry has the event's name and each field for itself", () => {
  assertEquals(readEntry(journalEntry(record, source)), {
    MESSAGE: "fw2 is silent  node=fw2  lastHeardMs=301  none=null  safe=false",
    PRIORITY: "4",
    SYSLOG_IDENTIFIER: "avail",
    AVAIL_EVENT: "peer-dead",
    AVAIL_THIS_NODE: "fw1",
    AVAIL_CLUSTER: "edge",
    AVAIL_NODE: "fw2",
    AVAIL_LAST_HEARD_MS: "301",
    AVAIL_SAFE: "false",
  });
});

Deno.test("no text of a stranger forges a field", () => {
  const fields = { why: "a\nPRIORITY=0\nb", "x=y z": "1" };
  const entry = readEntry(journalEntry({ ...record, level: "error", fields }, source));
  assertEquals(entry.PRIORITY, "3");
  assertEquals(entry.AVAIL_WHY, "a\nPRIORITY=0\nb");
  assertEquals(entry.AVAIL_X_Y_Z, "1");
  assert(!entry.MESSAGE.includes("\n"));
  assertEquals(entry.AVAIL_EVENT, undefined);
});

Deno.test("entries come through; a full or missing journal is told, and nobody waits", async () => {
  const directory = await Deno.makeTempDir();
  const path = `${directory}/socket`;
  const journal = new Journal(path);
  const reader = socket(AF_UNIX, SOCK_DGRAM, 0);
  try {
    const entry = journalEntry(record, source);
    assertEquals(journal.write(entry), "gone");
    const address = new Uint8Array(3 + path.length);
    address[0] = AF_UNIX;
    address.set(new TextEncoder().encode(path), 2);
    bind(reader, address);
    assertEquals(journal.write(entry), "taken");
    const buffer = new Uint8Array(65536);
    const length = receive(reader, buffer)!;
    assertEquals(readEntry(buffer.slice(0, length)), readEntry(entry));
    // Nobody reads: the queue fills up.
    let outcome: string = "taken";
    for (let i = 0; i < 100_000 && outcome === "taken"; i++) outcome = journal.write(entry);
    assertEquals(outcome, "full");
    while (receive(reader, buffer) !== null);
    assertEquals(journal.write(entry), "taken");
    assertEquals(journal.write(new Uint8Array(8 << 20)), "gone", "too long for a datagram");
  } finally {
    journal.close();
    close(reader);
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("standard error is the journal only where it is the stream that systemd names", async () => {
  const file = await Deno.makeTempFile();
  try {
    const { dev, ino } = await Deno.stat(file);
    assertEquals(isJournal(`${dev}:${ino}`, file), true);
    for (const stream of ["", `${dev}:${ino! + 1}`, `${ino}:${dev}`, "1", undefined]) {
      assertEquals(isJournal(stream, file), false, stream);
    }
    assertEquals(isJournal(`${dev}:${ino}`, `${file}.none`), false);
  } finally {
    await Deno.remove(file);
  }
});
