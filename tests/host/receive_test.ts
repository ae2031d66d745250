/** What a socket says once, and what it says each time. */
import {
  AF_INET,
  close,
  getSocketOption,
  receive,
  ReceiveSlots,
  sendTo,
  setSocketOption,
  SOCK_DGRAM,
  SOCK_NONBLOCK,
  socket,
  SOL_SOCKET,
} from "../../ffi/libc.ts";
import { SystemError } from "../../ffi/library.ts";
import { assert, assertEquals, assertThrows } from "../assert.ts";

const SOL_IP = 0, IP_RECVERR = 11, SO_ERROR = 4, ECONNREFUSED = 111;

/** A socket of which one error waits: nobody listens where it has sent to. */
function refused(): number {
  const fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
  setSocketOption(fd, SOL_IP, IP_RECVERR, 1);
  const address = new Uint8Array(16); // struct sockaddr_in: 127.0.0.1, port 1
  new DataView(address.buffer).setUint16(0, AF_INET, true);
  address.set([0, 1, 127, 0, 0, 1], 2);
  sendTo(fd, new Uint8Array(1), address);
  return fd;
}

Deno.test("an error that is said only once is no failure to receive", () => {
  const [control, one, many] = [refused(), refused(), refused()];
  const error = new Uint8Array(4);
  getSocketOption(control, SOL_SOCKET, SO_ERROR, error);
  assertEquals(error[0], ECONNREFUSED, "there is one");
  assertEquals(receive(one, new Uint8Array(10)), null);
  assertEquals(new ReceiveSlots(2, 100).receive(many), null);
  for (const fd of [control, one, many]) close(fd);
});

Deno.test("one that stays is", () => {
  for (
    const read of [
      () => receive(-1, new Uint8Array(10)),
      () => new ReceiveSlots(2, 100).receive(-1),
    ]
  ) {
    const error = assertThrows(read);
    assert(error instanceof SystemError && error.code === "EBADF", String(error));
  }
});
