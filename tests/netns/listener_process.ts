/**
 * Somebody who only listens to the nodes' datagrams on one interface, in a process of its own: as the
 * daemon does, or, as the control, by one socket for all that has the tag, where each datagram is
 * opened in its turn. It tells when it listens, and at its end what it heard of whom.
 */
import { PollSet } from "../../ffi/libc.ts";
import { now } from "../../lib/host/clock.ts";
import { HeartbeatIntake } from "../../lib/host/heartbeat_intake.ts";
import { PacketSocket } from "../../lib/host/packet_socket.ts";
import { RouteSocket } from "../../lib/host/route_socket.ts";
import { preferCore } from "../../lib/host/scheduling.ts";
import { datagramOf, heartbeatFilter, heartbeatGroupMac } from "../../lib/wire/frame.ts";
import { parseKeyFile } from "../../lib/wire/keys.ts";
import { clusterId, DatagramSeal, datagramTags } from "../../lib/wire/seal.ts";

export interface ListenerOptions {
  readonly interface: string;
  readonly clusterName: string;
  readonly keyFile: string;
  readonly as: "daemon" | "control";
  readonly ms: number;
}

export interface ListenerReport {
  /** By incarnation: datagrams that were opened, and the longest time without one. */
  readonly heard: Readonly<Record<string, { readonly count: number; readonly gapMs: number }>>;
  /** Datagrams that were read and of no use. */
  readonly useless: number;
}

/** What the daemon had before it told the due from the rest. */
const controlBufferBytes = 256 * 1024;
const controlInARow = 16;

if (import.meta.main) main(JSON.parse(Deno.args[0]));

function main(options: ListenerOptions): void {
  using route = new RouteSocket();
  const link = route.links().find(({ name }) => name === options.interface)!;
  const keys = parseKeyFile(Deno.readTextFileSync(options.keyFile));
  const incarnation = crypto.getRandomValues(new Uint8Array(16));
  const seal = new DatagramSeal(keys, options.clusterName, incarnation);
  const startedAt = now();
  const heard = new Map<string, { count: number; gapMs: number; at: number }>();
  let useless = 0;
  const hear = (who: string) => {
    const found = heard.get(who) ?? { count: 0, gapMs: 0, at: now() };
    heard.set(who, {
      count: found.count + 1,
      gapMs: Math.max(found.gapMs, now() - found.at),
      at: now(),
    });
  };

  const listen = options.as === "daemon" ? asDaemon() : asControl();
  preferCore();
  console.log("listening");
  while (now() < startedAt + options.ms) listen();
  const report: ListenerReport = {
    heard: Object.fromEntries(
      [...heard].map(([who, { count, gapMs, at }]) => [
        who,
        { count, gapMs: Math.round(Math.max(gapMs, now() - at)) },
      ]),
    ),
    useless,
  };
  console.log(JSON.stringify(report));

  function asDaemon(): () => void {
    const interfaces = [{ name: link.name, index: link.index, mac: link.mac }];
    const { clusterName } = options;
    const intake = new HeartbeatIntake({ keys, clusterName, seal, interfaces, now }, {
      take: ({ incarnation }) => (hear(incarnation), true),
      refuse: () => useless++,
    });
    const poll = new PollSet(intake.links.descriptors);
    return () => {
      poll.watch(1, intake.mayReadUndue(0));
      poll.wait(100);
      if (poll.isReady(0)) intake.takeDue();
      if (poll.isReady(1)) intake.takeUndue(0);
    };
  }

  function asControl(): () => void {
    const id = clusterId(options.clusterName);
    const filter = heartbeatFilter(id, datagramTags(keys, options.clusterName), "members");
    const socket = new PacketSocket(link.index, 0x0800, filter, controlBufferBytes);
    socket.joinGroup(new Uint8Array(heartbeatGroupMac));
    const poll = new PollSet([socket.fd]);
    const frame = new Uint8Array(2048);
    return () => {
      poll.wait(100);
      for (let i = 0; i < controlInARow; i++) {
        const length = socket.receive(frame);
        if (length === null) return;
        const opened = seal.open(datagramOf(frame.subarray(0, length)));
        if (opened.ok) hear(opened.incarnation);
        else useless++;
      }
    };
  }
}
