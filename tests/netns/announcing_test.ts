/**
 * What a switch and its hosts are told again: the switch is a Linux bridge that snoops, and its list of
 * members is looked at. Nobody asks for members but the test, once: as a querier that asks every two
 * minutes, whom a port that was away misses. Beside each claim, the same with the reports filtered out.
 */
import { assert, assertEquals } from "../assert.ts";
import type { Lab } from "../../cli/demo/lab.ts";
import { families, sharedAddress, switchPort } from "../../cli/demo/topology.ts";
import { sameCauseMs } from "../../lib/announcing.ts";
import { parseAddress } from "../../lib/wire/address.ts";
import {
  ethernetFrame,
  etherTypes,
  icmp6Frame,
  internetChecksum,
} from "../../lib/wire/ethernet.ts";
import { parseKeyFile, shareGroup } from "../../lib/wire/keys.ts";
import {
  everybody,
  inLab,
  ownedBy,
  patienceMs,
  pause,
  settled,
  started,
  statusWhere,
} from "./cluster.ts";
import { FrameWatch } from "./frames.ts";
import { Hostile } from "./hostile.ts";
import { misinform, setRight } from "./neighbours.ts";

const ignore = Deno.uid() !== 0;
const node = "fw2";
const port = switchPort(node, "inside");
const stranger = Uint8Array.of(2, 0, 0, 0, 0x66, 1);

Deno.test({
  name: "a port that was away is a member again at once; without the reports it is none",
  ignore,
  fn: () =>
    inLab({}, async (lab) => {
      const groups = await snoop(lab);
      for (const way of ways) {
        await away(lab, way);
        assertEquals(await membersOf(lab, groups), others);
        await way.back(lab);
        await untilMembers(lab, groups, everybody);
        await settled(lab);
      }

      await lab.exec("switch", ["nft", "-f", "-"], reportsAreLost);
      for (const way of ways) {
        await away(lab, way);
        const before = await count(lab, node, announcement);
        await pause(sameCauseMs); // otherwise it may count as one with the reason before
        await way.back(lab);
        await settled(lab);
        await logged(lab, node, announcement, before + 1);
        assertEquals(await membersOf(lab, groups), others);
      }
    }),
});

Deno.test({
  name:
    "who serves at first tells where the shared addresses are: hosts that know another MAC learn it",
  ignore,
  fn: () =>
    inLab({}, async (lab) => {
      await misinform(lab);
      const watch = await FrameWatch.start(lab.names.namespace("clients"), "inside");
      await started(lab);
      await setRight(lab);
      for (const each of everybody) await logged(lab, each, announcement, 1);
      // From the nodes' own MACs: no switch may learn where a group is.
      const told = (await watch.stop()).filter((frame) =>
        families.some((family) =>
          announces(frame, parseAddress(sharedAddress("inside", family))!.bytes)
        )
      );
      assert(told.length >= 2, `${told.length} announcements`);
      for (const frame of told) assertEquals(frame.subarray(6, 10).toHex(), "02005e10");
    }),
});

const others = everybody.filter((each) => each !== node).map((each) => switchPort(each, "inside"));

/** Turns snooping on, and asks who is a member of what; the inside share's groups. */
async function snoop(lab: Lab): Promise<readonly string[]> {
  const bridge = ["ip", "link", "set", "inside", "type", "bridge"];
  await lab.exec("switch", [...bridge, "mcast_snooping", "1", "mcast_querier", "0"]);
  await started(lab);
  const text = await Deno.readTextFile(`${lab.node(node).directory}/cluster.key`);
  const groups = [shareGroup(parseKeyFile(text), sharedAddress("inside", 4)), "ff02::1:ff00:1"];
  await using querier = await Hostile.start(lab);
  await querier.send([igmpQuery(), mldQuery()]);
  await untilMembers(lab, groups, everybody);
  return groups;
}

/** The ports on which the switch knows members of all these groups. */
async function membersOf(lab: Lab, groups: readonly string[]): Promise<string[]> {
  const text = await lab.exec("switch", ["bridge", "-j", "mdb", "show", "dev", "inside"]);
  const [{ mdb }] = JSON.parse(text) as [{ mdb: readonly { grp: string; port: string }[] }];
  const ports = new Set(mdb.map((entry) => entry.port));
  return [...ports].filter((each) =>
    groups.every((group) => mdb.some((entry) => entry.port === each && entry.grp === group))
  ).sort();
}

async function untilMembers(
  lab: Lab,
  groups: readonly string[],
  nodes: readonly string[],
): Promise<void> {
  const wanted = nodes.map((each) => switchPort(each, "inside")).join();
  await lab.waitUntil("the switch knows the members", async () => {
    const known = (await membersOf(lab, groups)).join();
    return known === wanted ? null : `it knows ${known}`;
  }, { timeoutMs: patienceMs });
}

interface Way {
  out(lab: Lab): Promise<void>;
  back(lab: Lab): Promise<void>;
  /** What the node logs of it; null: that it owns nothing is enough. */
  readonly logged: string | null;
}

/** The node's cable, with its carrier; then one in the network, of which it sees nothing but silence. */
const ways: readonly Way[] = [
  {
    out: (lab) => lab.node(node).unplug("inside"),
    back: (lab) => lab.node(node).plug("inside"),
    logged: null,
  },
  {
    out: (lab) => attach(lab, "nomaster"),
    back: (lab) => attach(lab, "master", "inside"),
    logged: `"path-lost"`,
  },
];

async function attach(lab: Lab, ...to: string[]): Promise<void> {
  await lab.exec("switch", ["ip", "link", "set", port, ...to]);
}

/** Until it is out, and everybody knows. */
async function away(lab: Lab, { out, logged: told }: Way): Promise<void> {
  // A path that is back is told a while after it is, and only then can it be lost again.
  await lab.waitUntil("all paths are back", async () => {
    const [lost, back] = [
      await count(lab, node, `"path-lost"`),
      await count(lab, node, `"path-back"`),
    ];
    return lost === back ? null : `${lost} were lost, ${back} are back`;
  }, { timeoutMs: patienceMs });
  const before = told === null ? 0 : await count(lab, node, told);
  await out(lab);
  await statusWhere(lab, "fw1", `${node} owns nothing`, (seen) => ownedBy(seen, node) === 0);
  if (told !== null) await logged(lab, node, told, before + everybody.length - 1);
}

const announcement = "inside is announced";

async function count(lab: Lab, of: string, what: string): Promise<number> {
  return (await lab.node(of).log(10_000)).filter((line) => line.includes(what)).length;
}

async function logged(lab: Lab, of: string, what: string, times: number): Promise<void> {
  await lab.waitUntil(`${of} logs ${what}`, async () => {
    const found = await count(lab, of, what);
    return found >= times ? null : `${found} of ${times} times`;
  }, { timeoutMs: patienceMs });
}

/** Reports of IGMP, and of MLD behind its router alert. */
const reportsAreLost = `
table netdev reports {
  chain reports {
    type filter hook ingress device "${port}" priority 0; policy accept;
    ip protocol igmp drop
    ip6 nexthdr hopopt drop
  }
}
`;

function announces(frame: Uint8Array, address: Uint8Array): boolean {
  const etherType = frame[12] << 8 | frame[13];
  const at = etherType === etherTypes.arp && frame[21] === 1 ? 28 : frame[54] === 136 ? 62 : null;
  if (at === null || (frame[0] & 1) === 0) return false;
  return frame.subarray(at, at + address.length).toHex() === address.toHex() &&
    (at === 62 || frame.subarray(38, 42).toHex() === address.toHex());
}

/** RFC 3376, 4.1: of all groups, to be answered within 0.1 s. */
function igmpQuery(): Uint8Array<ArrayBuffer> {
  const to = [0x01, 0, 0x5e, 0, 0, 1];
  const frame = ethernetFrame({ to, from: stranger, etherType: etherTypes.ip4 }, 36);
  const view = new DataView(frame.buffer);
  frame.set([0x46, 0xc0, 0, 36, 0, 0, 0x40, 0, 1, 2, 0, 0], 14);
  frame.set([192, 0, 2, 20, 224, 0, 0, 1, 0x94, 4, 0, 0], 26);
  view.setUint16(24, internetChecksum(view, 14, 24));
  frame.set([0x11, 1, 0, 0, 0, 0, 0, 0, 2, 125, 0, 0], 38);
  view.setUint16(40, internetChecksum(view, 38, 12));
  return frame;
}

/** RFC 3810, 5.1: the same. */
function mldQuery(): Uint8Array<ArrayBuffer> {
  const message = new Uint8Array(28);
  message.set([130, 0, 0, 0, 0, 100]);
  message.set([2, 125], 24);
  return icmp6Frame({
    from: stranger,
    source: parseAddress("fe80::66")!.bytes,
    group: [...parseAddress("ff02::1")!.bytes],
    hopLimit: 1,
    options: [58, 0, 5, 2, 0, 0, 1, 0],
  }, message);
}
