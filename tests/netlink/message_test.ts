/** What the kernel says when it refuses a request (linux/netlink.h, NETLINK_EXT_ACK). */
import { errorOf, errorTextOf, messages } from "../../lib/netlink/message.ts";
import { assertEquals } from "../assert.ts";

const hex = (...fields: string[]) => fields.join("").replaceAll(" ", "");
const text = "no such lower";

/** An NLMSG_ERROR with EBUSY: what follows the error's number, and the flags that describe it. */
function refusal(flags: string, ...rest: string[]) {
  const body = hex("f0ffffff", ...rest);
  const length = (16 + body.length / 2).toString(16);
  const bytes = Uint8Array.fromHex(hex(`${length}000000 0200`, flags, "07000000 00000000", body));
  const view = new DataView(bytes.buffer);
  return { view, message: messages(view, bytes.length).next().value! };
}

const offset = "0800 0200 24000000"; // NLMSGERR_ATTR_OFFS
/** NLMSGERR_ATTR_MSG, with its zero and padding. */
const told = hex("1200 0100", new TextEncoder().encode(text).toHex(), "00 0000");
const request = "24000000 1000 0506 07000000 00000000";
const payload = "00 00 0000 05000000 01000000 01000000 00000000";

Deno.test("the kernel's words, behind a request that is cut or repeated", () => {
  const capped = refusal("0003", request, offset, told);
  assertEquals(errorOf(capped.view, capped.message), 16);
  assertEquals(errorTextOf(capped.view, capped.message), text);
  const whole = refusal("0002", request, payload, told);
  assertEquals(errorTextOf(whole.view, whole.message), text);
});

Deno.test("no words: none sent, none among the attributes, or cut short", () => {
  for (
    const { view, message } of [
      refusal("0001", request),
      refusal("0003", request),
      refusal("0003", request, offset),
      refusal("0003", hex(request).slice(0, 20)),
      refusal("0003", request, told.slice(0, 16)),
      // The control: without the flag, attributes would be looked for inside the request.
      refusal("0001", request, told),
    ]
  ) assertEquals(errorTextOf(view, message), null);
});
