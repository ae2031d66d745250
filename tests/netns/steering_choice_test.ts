/** Which backend "auto" chooses on this kernel, why, and what is said where one cannot be had. */
import { assertEquals, assertMatch, assertRejects, assertThrows } from "../assert.ts";
import { RouteSocket } from "../../lib/host/route_socket.ts";
import { SystemError } from "../../ffi/library.ts";
import { netnsTest } from "./steering_traffic.ts";

const hasModule = (() => {
  using route = new RouteSocket();
  try {
    return route.hasClusterDevices();
  } catch {
    return false; // not root: the tests are skipped
  }
})();

netnsTest('"auto" takes the module where there is one, else xdp, and says why', async (lab) => {
  const process = await lab.start(1, { backend: "auto" });
  const { backend, why } = process.hello;
  assertEquals(backend, hasModule ? "clusterdev" : "xdp");
  assertMatch(why, hasModule ? /^the kernel has the module clusterdev$/ : /; avail kmod status /);
  await process.end("detach");
  lab.processes.delete(1);
});

netnsTest("without the module, clusterdev is an error that names the remedy", async (lab) => {
  if (hasModule) return;
  const error = await assertRejects(() => lab.start(1, { backend: "clusterdev" }));
  assertMatch(
    error.message,
    /^AvailError: attach the clusterdev datapath: .+; avail kmod status tells what to do, or write/,
  );
  assertEquals([...Deno.readDirSync(lab.runDir(1))].filter(({ isFile }) => isFile), []);
});

netnsTest("the kernel's own words are in its refusals", () => {
  using route = new RouteSocket();
  const error = assertThrows(() => route.setLinkUp(0x7ffffff), SystemError);
  assertMatch(error.message, /^set link up: no such device \(ENODEV\)/);
  // Host bits that are set.
  const network = Uint8Array.of(127, 0, 0, 9);
  const refused = assertThrows(
    () => route.changeRoute("add", { index: 1, family: 4, network, prefixLength: 24 }),
    SystemError,
  );
  assertMatch(refused.message, /^add route: invalid argument \(EINVAL\): \w+/);
  return Promise.resolve();
});
