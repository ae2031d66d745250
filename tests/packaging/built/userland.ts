/**
 * dist/avail on the files of a system, in namespaces of its own: an overlay keeps those files as they
 * are, and the network is one pair of interfaces. The kernel is this machine's.
 */
import { outcome } from "./one_file.ts";

/** What came of it. */
export interface Trial {
  readonly isGood: boolean;
  /** A line for each step that was done; the last one failed if it is not good. */
  readonly steps: readonly string[];
  /** What the programs said on standard error. */
  readonly words: string;
}

/** `$1` an empty folder, `$2` the system's root, `$3` dist/avail, `$4` what is done to the place. */
const machineScript = `
set -e
mount --make-rprivate /
mount -t tmpfs -o mode=0755 tmpfs "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay overlay -o "lowerdir=$2,upperdir=$1/upper,workdir=$1/work" "$1/root"
root=$1/root
mkdir -p "$root/usr/local/sbin" "$root/proc" "$root/sys" "$root/dev" "$root/run" "$root/etc/avail"
rm -rf "$root/var/lib/avail" "$root/var/cache/avail"
cp "$3" "$root/usr/local/sbin/avail"
mount -t proc proc "$root/proc"
mount -t sysfs sysfs "$root/sys"
mount -t bpf bpf "$root/sys/fs/bpf"
mount --bind /dev "$root/dev"
mount -t tmpfs -o mode=0755 tmpfs "$root/run"
ip link set lo up
ip link add inside type veth peer name other
ip link set inside up
ip link set other up
(umask 077; head -c 32 /dev/urandom | base64 >"$root/etc/avail/cluster.key")
cat >"$root/etc/avail/avail.toml" <<END
[cluster]
name = "trial"
[node]
name = "one"
[[share]]
interface = "inside"
addresses = ["192.0.2.1/24", "2001:db8::1/64"]
[datapath]
backend = "xdp"
END
case $4 in
  read-only)
    mount -o remount,ro "$root"
    mount -o remount,noexec "$root/run" ;;
esac
exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin $5 \\
  chroot "$root" /bin/sh -c "$6"
`;

/** Runs inside; what it prints are the steps. */
const trialScript = `
set -e
cd /
avail version >/dev/null
echo version
avail version --verify >/dev/null
echo verify
AVAIL_RUNTIME_DIR=memory avail version >/dev/null
echo "version from memory"
code=0; avail run --config /missing 2>/dev/null || code=$?
[ "$code" = 2 ]
echo "a configuration that is missing"
avail run & daemon=$!
tries=0
until avail status --json 2>/dev/null | grep -q '"state":"ready"'; do
  tries=$((tries + 1))
  [ "$tries" -lt 150 ]
  kill -0 "$daemon"
  sleep 0.2
done
echo "a daemon is ready"
avail status --json | grep -q '"backend":"xdp"'
avail flows --json >/dev/null
echo "its flows are listed"
kill -TERM "$daemon"
wait "$daemon"
echo "the daemon has ended"
`;

export const trialSteps: readonly string[] = [
  ...["version", "verify", "version from memory", "a configuration that is missing"],
  ...["a daemon is ready", "its flows are listed", "the daemon has ended"],
];

/**
 * @param root The system's files; `/` for this machine's.
 * @param how `read-only`: no place can be written to, so all runs from memory.
 */
export async function tryUserland(
  root: string,
  file: string,
  how: "as it is" | "read-only" = "as it is",
  env: Readonly<Record<string, string>> = {},
): Promise<Trial> {
  const folder = await Deno.makeTempDir({ dir: "/var/tmp", prefix: "avail-userland-" });
  const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`).join(" ");
  try {
    const flags = ["--mount", "--net", "--pid", "--ipc", "--uts", "--fork", "--kill-child"];
    const { code, stdout, stderr } = await outcome([
      ...["unshare", ...flags, "sh", "-c", machineScript, "machine"],
      ...[folder, root, file, how, variables, trialScript],
    ]);
    const steps = stdout.trimEnd().split("\n").filter(Boolean);
    return { isGood: code === 0, steps, words: stderr };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** The C library of a system, such as `2.36`; `?` where it does not tell. */
export async function cLibraryVersion(root: string): Promise<string> {
  const { stdout } = await outcome(["chroot", root, "ldd", "--version"]);
  return /(\d+\.\d+)$/m.exec(stdout)?.[1] ?? "?";
}
