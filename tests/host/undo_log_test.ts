/** The log of changes: written before they are made, read by whoever takes them back. */
import { AvailError } from "../../lib/errors.ts";
import { type Change, UndoLog } from "../../lib/host/undo_log.ts";
import { assertEquals, assertThrows } from "../assert.ts";

const setting: Change = { kind: "sysctl", path: "net/ipv4/ip_forward", old: "0" };
const address: Change = {
  kind: "address",
  use: "shared",
  interface: "eth0",
  index: 2,
  family: 4,
  address: "192.0.2.1",
};

function inFolder(work: (path: string) => void): void {
  const folder = Deno.makeTempDirSync({ prefix: "avail-undo-" });
  try {
    work(`${folder}/undo.json`);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

Deno.test("a later daemon finds what an earlier one wrote, in order", () =>
  inFolder((path) => {
    const first = new UndoLog(path);
    first.record(setting);
    first.record(address);
    assertEquals(new UndoLog(path).changes, [setting, address]);
    assertEquals(Deno.statSync(path).mode! & 0o777, 0o600);
  }));

Deno.test("the first old value of a setting is the one to go back to", () =>
  inFolder((path) => {
    const log = new UndoLog(path);
    log.record(setting);
    log.record({ ...setting, old: "1" });
    assertEquals(log.changes, [setting]);
    assertEquals(log.has({ ...setting, old: "1" }), true);
    assertEquals(log.has({ ...setting, path: "net/ipv4/other" }), false);
  }));

Deno.test("with the last change taken back, the file goes", () =>
  inFolder((path) => {
    const log = new UndoLog(path);
    log.record(setting);
    log.record(address);
    log.forget(setting);
    assertEquals(new UndoLog(path).changes, [address]);
    log.forget(address);
    assertThrows(() => Deno.statSync(path), Deno.errors.NotFound);
    assertEquals(new UndoLog(path).changes, []);
  }));

Deno.test("a file that is something else is not guessed at", () =>
  inFolder((path) => {
    for (const text of ["", "{", '{"schema":1}', "[]"]) {
      Deno.writeTextFileSync(path, text);
      assertThrows(() => new UndoLog(path), AvailError, "not the log of changes");
    }
  }));
