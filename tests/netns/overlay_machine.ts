/**
 * A machine of its own: this system's files under an overlay, in namespaces of its own, so that whatever is
 * installed there is gone with it. Its first process is a real systemd, or one that only reaps.
 *
 * ```
 *   unshare (pid, mount, net, uts, ipc, cgroup)
 *     overlay of /  +  tmpfs /run, /dev  +  proc, sysfs, bpf, cgroup2 (a group of its own)
 *     /srv/avail       this checkout            eth0 --- veth --- sw0
 *     /srv/deno        the runtime              192.0.2.11/24
 * ```
 */

export type Init = "systemd" | "none";

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const checkout = new URL("../../", import.meta.url).pathname.replace(/\/$/, "");

/** `$1` is a folder for the overlay, `$2` the runtime, `$3` its cache, `$4` the checkout, `$5` the kind of init. */
const bootScript = `
set -e
mount --make-rprivate /
mount -t tmpfs -o mode=0755 tmpfs "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/root"
root=$1/root
mount -t proc proc "$root/proc"
mount -t sysfs sysfs "$root/sys"
mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
mount -t bpf bpf "$root/sys/fs/bpf"
mount -t tmpfs -o mode=0755 tmpfs "$root/dev"
for name in null zero full random urandom tty; do
  touch "$root/dev/$name"
  mount --bind "/dev/$name" "$root/dev/$name"
done
mkdir "$root/dev/shm" "$root/dev/pts"
ln -s /proc/self/fd "$root/dev/fd"
mount -t tmpfs -o mode=0755 tmpfs "$root/run"
mkdir -p "$root/srv/avail" "$root/srv/deno" "$root/srv/cache"
mount --rbind "$4" "$root/srv/avail"
mount --bind "$3" "$root/srv/cache"
cp "$2" "$root/srv/deno/deno"
# Nothing of this system's own is to be started, and nothing of an avail that is installed here.
rm -rf "$root"/etc/systemd/system/*.wants "$root"/etc/systemd/system/*.service
rm -rf "$root/etc/avail" "$root/var/lib/avail" "$root/etc/init.d/avail" "$root/usr/local/sbin/avail"
rm -f "$root/usr/sbin/policy-rc.d"
printf '[Unit]\\nRequires=basic.target\\nAfter=basic.target\\n' >"$root/etc/systemd/system/lab.target"
ip link set lo up
ip link add eth0 type veth peer name sw0
ip link set eth0 up
ip link set sw0 up
ip address add 192.0.2.11/24 dev eth0
cd "$root"
mkdir -p .old
pivot_root . .old
umount -l /.old
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
case $5 in
  systemd)
    for init in /usr/lib/systemd/systemd /lib/systemd/systemd; do
      [ ! -x "$init" ] || exec env -i container=avail "PATH=$PATH" "$init" --unit=lab.target
    done ;;
  *) exec env -i "PATH=$PATH" sh -c 'while true; do sleep 1000 & wait; done' ;;
esac
`;

/**
 * Runs the rest of its words in the group `$1`, which its namespace makes the root of all groups inside. When its
 * standard input ends, as with a test that was interrupted, it takes away all that there is, and the folder `$2`.
 */
const guardScript = `
trap '' INT TERM HUP
group=$1 folder=$2
shift 2
sh -c 'echo $$ >"$0/cgroup.procs" && exec "$@"' "$group" "$@" </dev/null &
read -r end
kill -KILL $!
wait
tries=0
until find "$group" -depth -type d -exec rmdir {} +; do
  tries=$((tries + 1))
  [ $tries -lt 100 ] || exit 1
  sleep 0.1
done
rmdir "$folder"
`;

export class OverlayMachine implements AsyncDisposable {
  readonly #guard: Deno.ChildProcess;

  private constructor(guard: Deno.ChildProcess, readonly pid: number) {
    this.#guard = guard;
  }

  /** Resolves when commands can be run in it. */
  static async boot(init: Init): Promise<OverlayMachine> {
    const folder = await Deno.makeTempDir({ prefix: "avail_machine_" });
    const group = `${await groupOfThisProcess()}/${folder.slice(folder.lastIndexOf("/") + 1)}`;
    await Deno.mkdir(group);
    const flags = ["--mount", "--pid", "--net", "--uts", "--ipc", "--cgroup", "--fork"];
    const guard = new Deno.Command("sh", {
      args: ["-c", guardScript, "guard", group, folder, "unshare", ...flags]
        .concat(["--kill-child", "sh", "-c", bootScript, "boot", folder])
        .concat([await Deno.realPath(Deno.execPath()), await cacheFolder(), checkout, init]),
      stdin: "piped",
      stdout: "null",
      stderr: "null",
    }).spawn();
    const machine = new OverlayMachine(guard, await childOf(await childOf(guard.pid)));
    try {
      await machine.waitUntil(
        "it is up",
        async () =>
          init === "none"
            ? (await machine.run("test", "-d", "/srv/avail/lib", "-a", "!", "-e", "/.old/bin"))
              .code === 0
            : (await machine.run("systemctl", "is-active", "--quiet", "lab.target")).code === 0,
      );
      return machine;
    } catch (error) {
      await machine[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Runs a command inside. */
  async run(...argv: string[]): Promise<Outcome> {
    return await output("nsenter", ["--target", String(this.pid), "--all", ...argv]);
  }

  /** Runs a command inside; throws unless it ends well. Its standard output. */
  async must(...argv: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.run(...argv);
    if (code !== 0) throw new Error(`${argv.join(" ")}: exit code ${code}\n${stdout}${stderr}`);
    return stdout;
  }

  /** Runs a program of the checkout inside, from its source. */
  async deno(script: string, ...args: string[]): Promise<Outcome> {
    const run = ["/srv/deno/deno", "run", "-A", "--cached-only", "--quiet", "--no-check"];
    return await this.run("env", "DENO_DIR=/srv/cache", ...run, `/srv/avail/${script}`, ...args);
  }

  async write(path: string, text: string, mode = 0o644): Promise<void> {
    await this.must("mkdir", "-p", path.slice(0, path.lastIndexOf("/")));
    await Deno.writeTextFile(`/proc/${this.pid}/root${path}`, text, { mode });
  }

  async waitUntil(what: string, condition: () => Promise<boolean>, timeoutMs = 60_000) {
    const end = performance.now() + timeoutMs;
    while (!await condition()) {
      if (performance.now() > end) throw new Error(`waited ${timeoutMs} ms until ${what}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  /** With the first process all others go, and with the last one the mounts and the network. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#guard.stdin.close();
    const { success } = await this.#guard.status;
    if (!success) throw new Error("not all of the machine could be taken away");
  }
}

/** Where the unified hierarchy is mounted, and in it this process's group. */
async function groupOfThisProcess(): Promise<string> {
  const mounts = (await Deno.readTextFile("/proc/self/mountinfo")).split("\n");
  const mount = mounts.find((line) => / - cgroup2 /.test(line))?.split(" ")[4];
  const own = /^0::(\/.*)$/m.exec(await Deno.readTextFile("/proc/self/cgroup"))?.[1];
  if (mount === undefined || own === undefined) throw new Error("this system has no cgroup2");
  return `${mount}${own === "/" ? "" : own}`;
}

/** The guard's child is `unshare`, and that one's child is the machine's first process. */
async function childOf(parent: number): Promise<number> {
  for (let tries = 0; tries < 500; tries++) {
    const children = await Deno.readTextFile(`/proc/${parent}/task/${parent}/children`);
    if (children.trim() !== "") return Number(children);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error("nothing was started");
}

async function cacheFolder(): Promise<string> {
  const { stdout } = await output(Deno.execPath(), ["info", "--json"]);
  return JSON.parse(stdout).denoDir;
}

async function output(program: string, args: string[]): Promise<Outcome> {
  const { code, stdout, stderr } = await new Deno.Command(program, { args, stdin: "null" })
    .output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}
