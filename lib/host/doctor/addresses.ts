/** Which addresses are here, and who else answers for them. */
import type { AddressesFacts, Answer } from "../../doctor/addresses.ts";
import { clusterInterfaces } from "../../doctor/setup.ts";
import type { InterfaceAddress, Link } from "../../netlink/rtnetlink.ts";
import { formatAddress, parseAddress } from "../../wire/address.ts";
import { answeredAddress, answeringMac, probeFrame } from "../../wire/probe.ts";
import { advertisements, arpReplies } from "../address_probe.ts";
import { datapathShare } from "../machine.ts";
import { PacketSocket } from "../packet_socket.ts";
import { RouteSocket } from "../route_socket.ts";
import { clusterDeviceNames } from "./devices.ts";
import { readText } from "./read.ts";
import type { Gathered } from "./setup.ts";

/** Answers come in microseconds, or after what a switch takes to wake; RFC 5227 waits 1 s in all. */
const rounds = 3;
const roundMs = 250;
const ETH_P_ARP = 0x0806;
const ETH_P_IPV6 = 0x86dd;

interface Question {
  readonly link: Link;
  readonly address: Uint8Array;
  readonly use: Answer["use"];
}

export async function addressesFacts(setup: Gathered): Promise<AddressesFacts> {
  using route = new RouteSocket();
  const links = route.links();
  const present = route.addresses();
  const nameOf = (index: number) => links.find((link) => link.index === index)?.name ?? `${index}`;
  return {
    present: present.map(({ index, bytes }) => ({
      address: formatAddress(bytes),
      interface: nameOf(index),
    })),
    refused: refusedAddresses(readText("/proc/net/if_inet6") ?? ""),
    answers: Deno.uid() === 0 ? await askAll(questions(setup, links, present)) : null,
    clusterMacs: clusterMacs(setup),
    clusterDevices: clusterDeviceNames(setup),
  };
}

const IFA_F_DADFAILED = 0x08;

/** /proc/net/if_inet6: address, interface's number, length, scope, flags, interface. */
export function refusedAddresses(text: string): { address: string; interface: string }[] {
  return text.split("\n").flatMap((line) => {
    const [digits, , , , flags, name] = line.trim().split(/\s+/);
    if (name === undefined || (parseInt(flags, 16) & IFA_F_DADFAILED) === 0) return [];
    return [{ address: formatAddress(Uint8Array.fromHex(digits)), interface: name }];
  });
}

/** Each shared address on its share, and each own one on the interfaces of shares and links. */
function questions(
  setup: Gathered,
  links: readonly Link[],
  present: readonly InterfaceAddress[],
): Question[] {
  const shares = setup.config?.shares ?? [];
  const usable = links.filter(({ isEthernet, hasCarrier, mac }) =>
    isEthernet && hasCarrier && mac.length === 6
  );
  const shared = shares.flatMap((share) =>
    share.addresses.map(({ address }) => ({
      interface: share.interface,
      bytes: parseAddress(address)!.bytes,
    }))
  );
  const isShared = (bytes: Uint8Array) =>
    shared.some((each) => formatAddress(each.bytes) === formatAddress(bytes));
  return [
    ...shared.flatMap(({ interface: name, bytes }): Question[] => {
      const link = usable.find((each) => each.name === name);
      return link === undefined ? [] : [{ link, address: bytes, use: "shared" }];
    }),
    ...clusterInterfaces(setup).flatMap((name): Question[] => {
      const link = usable.find((each) => each.name === name);
      if (link === undefined) return [];
      return present.filter(({ index, bytes, family }) =>
        index === link.index && family === 4 && bytes[0] >> 4 !== 14 && !isShared(bytes)
      ).map(({ bytes }) => ({ link, address: bytes, use: "own" }));
    }),
  ];
}

/** Asks as RFC 5227 does: from no address, so that nobody learns anything wrong. */
async function askAll(asked: readonly Question[]): Promise<Answer[]> {
  const sockets = new Map<string, { readonly socket: PacketSocket; readonly index: number }>();
  try {
    for (const { link, address } of asked) {
      const key = `${link.index}/${address.length}`;
      if (sockets.has(key)) continue;
      const [protocol, filter] = address.length === 4
        ? [ETH_P_ARP, arpReplies] as const
        : [ETH_P_IPV6, advertisements] as const;
      const socket = new PacketSocket(link.index, protocol, filter, 64 * 1024);
      // Answers to a question from :: go to all nodes.
      if (address.length === 16) socket.joinGroup(new Uint8Array([0x33, 0x33, 0, 0, 0, 1]));
      sockets.set(key, { socket, index: link.index });
    }
    const found = new Map<string, Answer>();
    for (let round = 0; round < (asked.length === 0 ? 0 : rounds); round++) {
      for (const { link, address } of asked) {
        const nobody = new Uint8Array(address.length);
        sockets.get(`${link.index}/${address.length}`)!.socket
          .send(probeFrame(address, link.mac, nobody));
      }
      await new Promise((resolve) => setTimeout(resolve, roundMs));
      for (const { socket, index } of sockets.values()) {
        for (const answer of answersOn(socket, index, asked)) {
          found.set(`${answer.interface} ${answer.address} ${answer.mac}`, answer);
        }
      }
    }
    return [...found.values()];
  } finally {
    for (const { socket } of sockets.values()) socket.close();
  }
}

function* answersOn(
  socket: PacketSocket,
  index: number,
  asked: readonly Question[],
): Generator<Answer> {
  const frame = new Uint8Array(2048);
  for (let length = socket.receive(frame); length !== null; length = socket.receive(frame)) {
    const answered = answeredAddress(frame.subarray(0, length));
    const mac = answeringMac(frame.subarray(0, length));
    if (answered === null || mac === null) continue;
    const address = formatAddress(answered);
    const question = asked.find((each) =>
      each.link.index === index && formatAddress(each.address) === address
    );
    // This machine's own announcements come by, too.
    if (question === undefined || mac.toHex() === question.link.mac.toHex()) continue;
    const { link, use } = question;
    yield { interface: link.name, address, use, mac: withColons(mac) };
  }
}

function clusterMacs({ config, keys }: Gathered): Map<string, string> {
  if (config === null || keys === null) return new Map();
  return new Map(
    config.shares.map((share) => [share.interface, withColons(datapathShare(share, keys).mac)]),
  );
}

function withColons(mac: Uint8Array): string {
  return Array.from(mac, (byte) => byte.toString(16).padStart(2, "0")).join(":");
}
