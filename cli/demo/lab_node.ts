/** One node of a lab: its machine (a namespace), its `avail run`, and what can befall them. */
import type { ControlRequest, Status, Who } from "../../lib/control.ts";
import { AvailError } from "../../lib/errors.ts";
import { controlRequest } from "../../lib/host/control_socket.ts";
import { type Detached, isRunning, startDetached } from "./processes.ts";
import { removePins } from "./remove.ts";
import { selfCommand } from "./self.ts";
import { ipBatch, tool } from "./tool.ts";
import { type LabNames, type NodeInterface, nodeInterfaces, switchPort } from "./topology.ts";
import { waitUntil } from "./wait.ts";
import { buildNode, removeNode } from "./wiring.ts";

/**
 * - `off`: no power, no namespace
 * - `idle`: the machine is up, `avail run` is not started or has ended
 * - `running`, `paused` (stopped by SIGSTOP): `avail run`
 */
export type NodePower = "off" | "idle" | "running" | "paused";

export class LabNode {
  /** Configuration, key, log, control socket and pinned programs. */
  readonly directory: string;
  readonly configFile: string;
  readonly socket: string;
  readonly logFile: string;
  readonly namespace: string;
  readonly #names: LabNames;
  #daemon: Detached | null = null;
  #power: NodePower = "off";

  /** @param number Counts from 1. */
  constructor(names: LabNames, readonly name: string, readonly number: number) {
    this.#names = names;
    this.namespace = names.namespace(name);
    this.directory = `${names.directory}/${name}`;
    this.configFile = `${this.directory}/avail.toml`;
    this.socket = `${this.directory}/control.sock`;
    this.logFile = `${this.directory}/log`;
  }

  get power(): NodePower {
    if (this.#power === "running" && this.#daemon?.ended() !== null) return "idle";
    return this.#power;
  }

  /** The daemon's process id; null where it does not run. */
  get pid(): number | null {
    return this.power === "running" || this.power === "paused" ? this.#daemon?.pid ?? null : null;
  }

  /** How the daemon ended: exit code, or signal; null while it runs or was never started. */
  get ended(): number | string | null {
    return this.#daemon?.ended() ?? null;
  }

  // ---- the machine

  /** Boots the machine with nothing in its kernel; the daemon is not started. */
  async powerOn(): Promise<void> {
    await buildNode(this.#names, this.name, this.number);
    this.#power = "idle";
  }

  /**
   * Power loss: daemon, datapath and kernel state end at once. The switch loses carrier first, so
   * that nothing leaves the node while its remains are taken away.
   */
  async powerOff(): Promise<void> {
    const cut = this.unplug(...nodeInterfaces);
    if (this.pid !== null) Deno.kill(this.#daemon!.pid, "SIGKILL");
    this.#power = "off";
    await cut;
    await this.#gone();
    await this.#clearRemains();
    await removeNode(this.#names, this.name);
  }

  /** Pulls cables at the switch: the node sees its carrier go. */
  async unplug(...interfaces: readonly NodeInterface[]): Promise<void> {
    await this.#setPorts(interfaces, "down");
  }

  async plug(...interfaces: readonly NodeInterface[]): Promise<void> {
    await this.#setPorts(interfaces, "up");
  }

  /** Runs a command on the node (`ip netns exec`) and returns its output. */
  async exec(argv: readonly string[], input?: string): Promise<string> {
    return await tool(["ip", "netns", "exec", this.namespace, ...argv], input);
  }

  // ---- avail run

  /**
   * Starts `avail run`, of this program or of another (its argv); resolves when the process is
   * started, not when it is ready.
   */
  async start(program: readonly string[] = selfCommand()): Promise<void> {
    if (this.power !== "idle") throw new AvailError(`${this.name}: cannot start, ${this.power}`);
    const argv = [...program, "run", "--config", this.configFile];
    this.#daemon = await startDetached(
      this.#names.directory,
      this.name,
      ["ip", "netns", "exec", this.namespace, ...argv],
      this.logFile,
    );
    this.#power = "running";
  }

  /** SIGTERM: `avail run` hands its buckets over and ends; resolves with its exit code. */
  async stop(timeoutMs = 30_000): Promise<number | string> {
    await this.#end("SIGTERM", timeoutMs);
    return this.ended!;
  }

  /** SIGKILL: the daemon is gone, its datapath stays in the kernel until its lease ends. */
  async kill(): Promise<void> {
    await this.#end("SIGKILL", 10_000);
  }

  /** SIGSTOP: the daemon hangs, its datapath stays in the kernel. */
  pause(): void {
    Deno.kill(this.#runningPid(), "SIGSTOP");
    this.#power = "paused";
  }

  /** SIGCONT. */
  resume(): void {
    Deno.kill(this.#runningPid(), "SIGCONT");
    this.#power = "running";
  }

  // ---- its control socket

  async request(request: ControlRequest, timeoutMs = 2000): Promise<unknown> {
    return await controlRequest(this.socket, request, timeoutMs);
  }

  async status(timeoutMs = 2000): Promise<Status> {
    return await this.request({ command: "status" }, timeoutMs) as Status;
  }

  async who(
    source: string,
    destination: string,
    more: { protocol?: number; sourcePort?: number; destinationPort?: number; share?: string } = {},
  ): Promise<Who> {
    return await this.request({ command: "who", source, destination, ...more }) as Who;
  }

  async drain(): Promise<void> {
    await this.request({ command: "drain" });
  }

  /** Ends a drain. */
  async undrain(): Promise<void> {
    await this.request({ command: "resume" });
  }

  /** The last lines of its log. */
  async log(lines = 20): Promise<string[]> {
    try {
      return (await Deno.readTextFile(this.logFile)).trimEnd().split("\n").slice(-lines);
    } catch {
      return [];
    }
  }

  #runningPid(): number {
    const pid = this.pid;
    if (pid === null) throw new AvailError(`${this.name}: avail run does not run`);
    return pid;
  }

  async #end(signal: "SIGTERM" | "SIGKILL", timeoutMs: number): Promise<void> {
    Deno.kill(this.#runningPid(), signal);
    await this.#gone(timeoutMs);
    this.#power = "idle";
  }

  async #gone(timeoutMs = 10_000): Promise<void> {
    const daemon = this.#daemon;
    if (daemon === null) return;
    await waitUntil(`avail run of ${this.name} has ended`, async () => {
      if (daemon.ended() !== null && !await isRunning(daemon.pid)) return null;
      return `process ${daemon.pid} still runs`;
    }, { timeoutMs, everyMs: 10 });
  }

  /** A reboot loses what is pinned, and sockets. */
  async #clearRemains(): Promise<void> {
    await removePins(`${this.directory}/bpf`);
    try {
      await Deno.remove(this.socket);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }

  async #setPorts(interfaces: readonly NodeInterface[], state: "up" | "down"): Promise<void> {
    await ipBatch(
      this.#names.namespace("switch"),
      interfaces.map((on) => `link set ${switchPort(this.name, on)} ${state}`),
    );
  }
}
