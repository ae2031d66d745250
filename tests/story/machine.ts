/**
 * A machine made of namespaces: the network of a node of the lab, and a root folder of its own, an
 * overlay on a fresh system. Nothing of the host is visible in it but the kernel.
 *
 * ```
 *   <folder>/root    overlay: the tree below, <folder>/upper above
 *            /proc   the host's processes; /sys of the machine's network, a bpf file system in it
 *            /dev    null, zero, random, urandom and a terminal's
 *            /run    empty, as after a boot
 * ```
 */
import { tool } from "../../cli/demo/tool.ts";
import { assertEquals } from "../assert.ts";

export interface Said {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const devices = ["null", "zero", "random", "urandom", "tty"];

export class Machine implements AsyncDisposable {
  /** Where its files are, seen from outside. */
  readonly root: string;

  private constructor(
    readonly name: string,
    readonly namespace: string,
    readonly folder: string,
  ) {
    this.root = `${folder}/root`;
  }

  /** `folder`: made and removed with the machine. */
  static async boot(
    { name, namespace, tree, folder }: {
      readonly name: string;
      readonly namespace: string;
      readonly tree: string;
      readonly folder: string;
    },
  ): Promise<Machine> {
    const machine = new Machine(name, namespace, folder);
    try {
      await machine.#mount(tree);
    } catch (error) {
      await machine[Symbol.asyncDispose]();
      throw error;
    }
    return machine;
  }

  async #mount(tree: string): Promise<void> {
    const { root, folder } = this;
    for (const each of ["root", "layers"]) {
      await Deno.mkdir(`${folder}/${each}`, { recursive: true });
    }
    // An overlay's upper layer may not be an overlay itself, as a container's folders are.
    await tool(["mount", "-t", "tmpfs", "tmpfs", `${folder}/layers`]);
    for (const each of ["upper", "work"]) await Deno.mkdir(`${folder}/layers/${each}`);
    const layers = `lowerdir=${tree},upperdir=${folder}/layers/upper,workdir=${folder}/layers/work`;
    await tool(["mount", "-t", "overlay", "overlay", "-o", layers, root]);
    await tool(["mount", "-t", "proc", "proc", `${root}/proc`]);
    const inNetwork = ["nsenter", `--net=/run/netns/${this.namespace}`];
    await tool([...inNetwork, "mount", "-t", "sysfs", "sysfs", `${root}/sys`]);
    await tool(["mount", "-t", "bpf", "bpf", `${root}/sys/fs/bpf`]);
    await tool(["mount", "-t", "tmpfs", "-o", "mode=0755", "tmpfs", `${root}/run`]);
    await tool(["mount", "-t", "tmpfs", "-o", "mode=0755", "tmpfs", `${root}/dev`]);
    for (const device of devices) {
      await Deno.writeTextFile(`${root}/dev/${device}`, "");
      await tool(["mount", "--bind", `/dev/${device}`, `${root}/dev/${device}`]);
    }
    await Deno.writeTextFile(`${root}/etc/hostname`, `${this.name}\n`);
  }

  /** As an administrator types it, root, in the root folder; the shell is the machine's own. */
  async run(line: string, input = ""): Promise<Said> {
    // The host name is a namespace of this command alone; what it starts keeps it.
    const entered = 'hostname "$0" && exec chroot "$1" /usr/bin/env -i HOME=/root TERM=dumb ' +
      "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin " +
      'LANG=C.UTF-8 /bin/sh -c "cd /root; $2"';
    const child = new Deno.Command("nsenter", {
      args: [`--net=/run/netns/${this.namespace}`, "unshare", "--uts", "sh", "-c", entered]
        .concat(this.name, this.root, line),
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(input)).catch(() => {});
    await writer.close().catch(() => {});
    const { code, stdout, stderr } = await child.output();
    const decoder = new TextDecoder();
    return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
  }

  /** As `run`, of what must succeed; its standard output. */
  async must(line: string, input = ""): Promise<string> {
    const { code, stdout, stderr } = await this.run(line, input);
    assertEquals(code, 0, `${this.name}: ${line}: ${stdout}${stderr}`);
    return stdout;
  }

  /** Ends what still runs in it, and takes everything away. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const pid of await this.#processes()) {
      try {
        Deno.kill(pid, "SIGKILL");
      } catch {
        // It ended by itself.
      }
    }
    const mounts = (await Deno.readTextFile("/proc/self/mounts")).split("\n")
      .map((line) => line.split(" ")[1] ?? "")
      .filter((path) => path.startsWith(`${this.folder}/`));
    for (const path of mounts.reverse()) await tool(["umount", "-l", path]);
    await tool(["rm", "-rf", "--one-file-system", this.folder]);
  }

  /** Those whose root folder is this machine's. */
  async #processes(): Promise<number[]> {
    const found: number[] = [];
    for await (const { name } of Deno.readDir("/proc")) {
      if (!/^\d+$/.test(name)) continue;
      const of = await Deno.readLink(`/proc/${name}/root`).catch(() => "");
      if (of === this.root) found.push(Number(name));
    }
    return found;
  }
}
