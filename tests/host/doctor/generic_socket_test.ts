import { GenericSocket } from "../../../lib/host/doctor/generic_socket.ts";
import { assert, assertEquals } from "../../assert.ts";

const loopback = 1;
const nowhere = 0x7ffffff0;

Deno.test("generic netlink: the kernel tells what the loopback can do, and of nothing else", () => {
  using generic = new GenericSocket();
  const features = generic.features(loopback);
  assert(features.includes("loopback"), features.join(", "));
  assert(!features.includes("rx-lro"), features.join(", "));
  assertEquals(generic.modes(loopback), { speed: null, isHalfDuplex: false });
  // null before Linux 6.3.
  assert(generic.hasXdp(loopback) !== true);
  assertEquals(generic.features(nowhere), []);
  assertEquals(generic.hasXdp(nowhere), null);
});
