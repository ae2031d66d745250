/** What the tests of the service share: an installed machine with a configuration, and a daemon to look at. */
import { assert } from "../assert.ts";
import { type Init, OverlayMachine } from "./overlay_machine.ts";

export const isRoot = Deno.uid() === 0;

export const hasSystemd = ["/usr/lib/systemd/systemd", "/lib/systemd/systemd"].some((path) => {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
});

const config = `[cluster]
name = "edge"
[node]
name = "fw1"
[[share]]
interface = "eth0"
addresses = ["192.0.2.1/24"]
[metrics]
listen = "off"
`;

/** What install_process.ts answers; fields that another order has are missing. */
export interface Answer {
  readonly error?: string;
  readonly kind?: string;
  readonly installed?: boolean;
  readonly enabled?: boolean;
  readonly running?: boolean;
  readonly changed?: boolean;
  readonly serviceManager?: string;
  readonly steps?: readonly { readonly action: string; readonly path: string }[];
}

/** Does what install_process.ts does for that word. */
export async function order(machine: OverlayMachine, ...words: string[]): Promise<Answer> {
  const { code, stdout, stderr } = await machine.deno("tests/netns/install_process.ts", ...words);
  assert(code === 0, `${words.join(" ")}: ${stdout}${stderr}`);
  return JSON.parse(stdout);
}

export async function onMachine(
  init: Init,
  test: (machine: OverlayMachine) => Promise<void>,
): Promise<void> {
  await using machine = await OverlayMachine.boot(init);
  try {
    await test(machine);
  } catch (error) {
    const log = init === "systemd"
      ? await machine.run("journalctl", "--unit", "avail", "--output", "cat", "--lines", "30")
      : await machine.run("tail", "-n", "30", "/var/log/avail.log");
    console.error(log.stdout);
    throw error;
  }
}

export async function configure(machine: OverlayMachine): Promise<void> {
  await machine.write("/etc/avail/avail.toml", config);
  const key = btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(32))));
  await machine.write("/etc/avail/cluster.key", `${key}\n`, 0o600);
}

/** All files and folders that an installation could be found in. */
export async function filesOf(machine: OverlayMachine): Promise<string[]> {
  const folders = ["/etc", "/usr/local", "/var/lib", "/var/log", "/run/avail", "/opt"];
  const { stdout } = await machine.run("find", ...folders, "-xdev", "-not", "-type", "s");
  // What the running system itself writes all the time.
  const others =
    /^\/var\/lib\/(systemd|private)|^\/var\/log\/(journal|wtmp|btmp|lastlog)|^\/etc\/machine-id/;
  return stdout.split("\n").filter((path) => path !== "" && !others.test(path)).sort();
}
