/**
 * Pairs of veth devices into which frames are injected, in namespaces that are made for it:
 *
 *     home                                 home-3
 *     injector --- send0  receive0 (XDP)
 *              --- send1  receive1 (XDP)
 *              --- send3 ----------------- receive3 (rules)
 *
 * Rules of netfilter hold for a whole namespace, so their receivers have one each. XDP programs are
 * attached by the injector, so their receivers stay with it.
 */
import { run } from "../../tests/vm/process.ts";
import type { InjectOrder, InjectResult } from "./inject_process.ts";
import { type IpCounts, readIp4Counts, readIp6Counts } from "./ip_counts.ts";
import type { Refusal } from "./refusals.ts";
import type { Family } from "./report.ts";

export const sharedAddress: Readonly<Record<Family, string>> = {
  4: "198.51.100.1",
  6: "2001:db8:100::1",
};

const receiverMac = "02:00:00:00:00:0a";
const groupMac = "03:00:5e:00:00:01"; // of the frames in tests/vectors/frames.ts

export interface Pair {
  readonly sender: string;
  readonly receiver: string;
  /** Namespace of the receiver. */
  readonly place: string;
}

export class HostLab implements AsyncDisposable {
  readonly #home = `avail-bench-${Deno.pid}`;
  readonly #namespaces: string[] = [];
  #count = 0;

  static async create(): Promise<HostLab> {
    const lab = new HostLab();
    await lab.#addNamespace(lab.#home);
    await inNamespace(lab.#home, "ip", "link", "set", "lo", "up");
    return lab;
  }

  /** A receiver that polls, and takes frames without buffers, as drivers of network cards do. */
  async addXdpReceiver(): Promise<Pair> {
    const pair = await this.addClosedReceiver();
    await this.#open(pair);
    return pair;
  }

  /** A receiver that is down: what is sent to it ends in the sender. */
  addClosedReceiver(): Promise<Pair> {
    return this.#addPair(this.#home);
  }

  /** A receiver with the shared address and rules; throws with the words of a rule that failed. */
  async addStackReceiver(family: Family, refusal?: Refusal): Promise<Pair> {
    const place = await this.#addNamespace(`${this.#home}-${this.#count}`);
    const pair = await this.#addPair(place);
    await this.#open(pair);
    const address = sharedAddress[family];
    const { receiver } = pair;
    const nodad = family === 4 ? [] : ["nodad"];
    await inNamespace(place, "ip", "address", "add", address, "dev", receiver, ...nodad);
    await inNamespace(place, "ip", "maddress", "add", groupMac, "dev", receiver);
    for (const rule of refusal?.rules(receiver, address, family) ?? []) {
      await inNamespace(place, ...rule);
    }
    return pair;
  }

  /** Runs the injector on one CPU. */
  async inject(order: InjectOrder, cpu: number): Promise<InjectResult> {
    const program = new URL("./inject_process.ts", import.meta.url).pathname;
    const result = await inNamespace(
      this.#home,
      ...["taskset", "-c", String(cpu), Deno.execPath(), "run", "-qA", "--no-check"],
      ...[program, JSON.stringify(order)],
    );
    return JSON.parse(result);
  }

  async ipCounts({ place }: Pair, family: Family): Promise<IpCounts> {
    const file = family === 4 ? "snmp" : "snmp6";
    const text = await inNamespace(place, "cat", `/proc/net/${file}`);
    return family === 4 ? readIp4Counts(text) : readIp6Counts(text);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const name of this.#namespaces) await run("ip", ["netns", "delete", name]);
  }

  async #addNamespace(name: string): Promise<string> {
    await run("ip", ["netns", "add", name]);
    this.#namespaces.push(name);
    return name;
  }

  async #addPair(place: string): Promise<Pair> {
    const number = this.#count++;
    const sender = `send${number}`, receiver = `receive${number}`;
    const peer = ["peer", "name", receiver, "address", receiverMac, "netns", place];
    await inNamespace(this.#home, "ip", "link", "add", sender, "type", "veth", ...peer);
    await inNamespace(this.#home, "ip", "link", "set", sender, "up");
    return { sender, receiver, place };
  }

  async #open({ receiver, place }: Pair): Promise<void> {
    await inNamespace(place, "ip", "link", "set", receiver, "up");
    // In this order: veth tells its peer that it takes frames when the feature changes.
    await inNamespace(place, "ethtool", "-K", receiver, "gro", "on");
  }
}

/** Runs a command that must succeed; what it printed. */
async function inNamespace(place: string, ...command: readonly string[]): Promise<string> {
  return (await run("ip", ["netns", "exec", place, ...command])).out;
}
