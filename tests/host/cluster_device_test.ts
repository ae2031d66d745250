/** Which devices the shares get, when one is recognised, and what is said of names that are taken. */
import { AvailError } from "../../lib/errors.ts";
import {
  checkNames,
  describeTaken,
  deviceChange,
  findDevice,
  isAsPlanned,
  planDevices,
  type PlannedDevice,
} from "../../lib/host/cluster_device.ts";
import type { LinkedShare } from "../../lib/host/share_links.ts";
import { UndoLog } from "../../lib/host/undo_log.ts";
import type { ClusterDevice } from "../../lib/netlink/clusterdev.ts";
import type { Link } from "../../lib/netlink/rtnetlink.ts";
import { assert, assertEquals, assertStringIncludes, assertThrows } from "../assert.ts";

const lower: Link = {
  index: 5,
  name: "eth0",
  isEthernet: true,
  mac: Uint8Array.fromHex("020000000001"),
  kind: null,
  lower: null,
  master: null,
  isUp: true,
  hasCarrier: true,
};
const share: LinkedShare = {
  interface: "eth0",
  link: lower,
  addresses: [
    { family: 4, address: "192.0.2.1", prefixLength: 24 },
    { family: 6, address: "2001:db8::1", prefixLength: 64 },
  ],
  key: "inside",
  side: "outside",
  nat: true,
  mac: Uint8Array.fromHex("01005e010101"),
  group: "239.129.1.1",
};
const inside: LinkedShare = {
  ...share,
  interface: "eth1",
  link: { ...lower, index: 6, name: "eth1" },
  addresses: [{ family: 4, address: "10.0.0.1", prefixLength: 8 }],
  side: "inside",
  nat: false,
};
const options = { seed: [1, 2], markMask: null } as const;

/** A device as the kernel would show it. */
function made({ name, lower: index, mac, cookie }: PlannedDevice): ClusterDevice {
  const counts = {
    accepted: 0,
    notOwned: 0,
    leaseExpired: 0,
    malformed: 0,
    neighbour: 0,
    noMemory: 0,
    sent: 0,
  };
  return {
    ...lower,
    index: 9,
    name,
    kind: "clusterdev",
    lower: index,
    mac,
    cookie,
    lease: 0n,
    counts,
  };
}

Deno.test("devices are numbered like the shares; the inside's networks are known to all", () => {
  const planned = planDevices([share, inside], options);
  assertEquals(planned.map(({ name, lower }) => [name, lower]), [["cluster0", 5], ["cluster1", 6]]);
  const networks = [{ address: Uint8Array.of(10, 0, 0, 1), prefixLength: 8 }];
  assertEquals(planned.map((device) => device.inside), [networks, networks]);
  assertEquals(planned.map(({ nat4 }) => nat4), [Uint8Array.of(192, 0, 2, 1), null]);
  assertEquals(planned.map(({ cookie }) => cookie.length), [16, 16]);
});

Deno.test("a device is recognised until anything changes that a bucket or an address means", () => {
  const [planned] = planDevices([share], options);
  const device = made(planned);
  assert(isAsPlanned(device, planned));
  const [a, b] = share.addresses;
  const again = (
    change: Partial<LinkedShare>,
    more: Partial<Parameters<typeof planDevices>[1]> = {},
  ) => isAsPlanned(device, planDevices([{ ...share, ...change }], { ...options, ...more })[0]);
  assert(again({ addresses: [b, a] }), "the addresses' order counts");
  assert(again({ link: { ...lower, index: 8 } }), "the place counts, which is compared apart");
  assertEquals(again({ addresses: [a] }), false);
  assertEquals(again({ key: "pair", side: null }), false);
  assertEquals(again({ side: "inside" }), false);
  assertEquals(again({ nat: false }), false);
  assertEquals(again({ mac: Uint8Array.fromHex("01005e010102") }), false);
  assertEquals(again({}, { seed: [1, 3] }), false);
  assertEquals(again({}, { markMask: 0x1ff }), false);
  assertEquals(findDevice([device], planned), device);
  assertEquals(findDevice([{ ...device, lower: 6 }], planned), undefined);
  assertEquals(findDevice([{ ...device, name: "cluster1" }], planned), undefined);
});

Deno.test("a name that is somebody else's is told with the remedy", () => {
  const folder = Deno.makeTempDirSync({ prefix: "avail-device-" });
  try {
    const undo = new UndoLog(`${folder}/undo.json`);
    const planned = planDevices([share], options);
    const check = (link: Partial<Link>) =>
      checkNames(planned, [lower, { ...lower, index: 9, name: "cluster0", ...link }], undo);
    checkNames(planned, [lower], undo);
    check({ kind: "clusterdev", lower: 5 });
    const remedy =
      "rename it: ip link set cluster0 down name OTHER, or remove it: ip link del cluster0";
    const says = (link: Partial<Link>, text: string) =>
      assertEquals(
        assertThrows(() => check(link), AvailError).message,
        `make cluster0: there is ${text} of that name which avail has not made; ${remedy}`,
      );
    says({ kind: "dummy" }, "a dummy interface");
    says({ kind: null }, "a plain interface");
    says({ kind: "macvlan", lower: 5 }, "a macvlan interface on eth0");
    says({ kind: "clusterdev", lower: 6 }, "a clusterdev interface");
    // The shares changed places: what the log knows is ours.
    undo.record(deviceChange({ name: "cluster0", lower: 6 }));
    check({ kind: "clusterdev", lower: 6 });
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});

Deno.test("who takes an interface's frames already is named", () => {
  const bridge: Link = { ...lower, index: 7, name: "br0", kind: "bridge" };
  const macvlan: Link = { ...lower, index: 8, name: "mv0", kind: "macvlan", lower: 5 };
  const vlan: Link = { ...macvlan, name: "eth0.7", kind: "vlan" };
  const port = { ...lower, master: 7 };
  assertStringIncludes(
    describeTaken(port, [port, bridge]),
    "eth0 is a port of the bridge br0; make br0",
  );
  assertStringIncludes(describeTaken(lower, [lower, vlan, macvlan]), "the macvlan mv0 takes");
  assertStringIncludes(
    describeTaken(lower, [lower, vlan]),
    "something else takes the frames of eth0",
  );
});
