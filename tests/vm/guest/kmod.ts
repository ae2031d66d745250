/** What kmod.sh runs in the guest: the program's own commands, and what becomes of the kernel. TAP. */
import { run } from "@stricli/core";
import { application, exitCodeOf } from "../../../cli/application.ts";
import type { Context } from "../../../cli/context.ts";

interface Said {
  readonly code: number;
  readonly text: string;
}

/** Runs `avail kmod …`; both streams as one text. */
async function kmod(...words: string[]): Promise<Said> {
  let text = "";
  const write = (more: string) => void (text += more);
  const process = { stdout: { write }, stderr: { write }, exitCode: null };
  const context: Context = { process, style: { colour: false, unicode: true } };
  await run(await application(), ["kmod", ...words], context);
  return { code: exitCodeOf(context.process.exitCode), text };
}

/** Sets the scene; throws where that fails. */
function must(...argv: string[]): string {
  const { success, stdout, stderr } = new Deno.Command(argv[0], { args: argv.slice(1) })
    .outputSync();
  const decoder = new TextDecoder();
  if (!success) throw new Error(`${argv.join(" ")}: ${decoder.decode(stderr)}`);
  return decoder.decode(stdout).trim();
}

let count = 0;
let failed = 0;

/** The command ends with this code and says all of these words. */
function tell(what: string, { code, text }: Said, wantedCode: number, ...words: string[]): void {
  const flat = text.replaceAll(/\s+/g, " ");
  const isFine = code === wantedCode && words.every((word) => flat.includes(word));
  if (!isFine) {
    failed++;
    console.log(`exit code ${code}, wanted ${wantedCode}; ${words}; ${text}`.replace(/^/gm, "# "));
  }
  console.log(`${isFine ? "ok" : "not ok"} ${++count} - ${what}`);
}

const isLoaded = () => Deno.readTextFileSync("/proc/modules").includes("clusterdev ");
const seen = (isTrue: boolean): Said => ({ code: isTrue ? 0 : 1, text: "" });

tell("unload: there is nothing to do", await kmod("unload"), 0, "is not loaded");
tell("status: loadable", await kmod("status"), 0, "installed; loads with its first device");
tell("load", await kmod("load"), 0, "is loaded");
tell("the module is in the kernel", seen(isLoaded()), 0);
tell("load, once more", await kmod("load"), 0, "is loaded already");
tell("status: loaded", await kmod("status", "--json"), 0, '"state":"loaded"');

const mac = ["address", "03:00:5e:00:00:07"];
must("ip", "link", "add", "lower", "type", "veth", "peer", "name", "other");
must("ip", "link", "add", "link", "lower", "name", "cluster7", ...mac, "type", "clusterdev");
tell(
  "unload: refused while there is a device",
  await kmod("unload"),
  1,
  "cluster7",
  "ip link delete",
);
must("ip", "link", "delete", "cluster7");
must("ip", "netns", "add", "far");
must("ip", "link", "set", "other", "netns", "far");
must(
  "ip",
  "-n",
  "far",
  "link",
  "add",
  "link",
  "other",
  "name",
  "cluster8",
  ...mac,
  "type",
  "clusterdev",
);
tell("unload: also in another namespace", await kmod("unload"), 1, "cluster8 (in netns far)");
tell("the module is still there", seen(isLoaded()), 0);
must("ip", "netns", "delete", "far");
while (Deno.readTextFileSync("/proc/net/dev").includes("lower:")) {
  await new Promise((resolve) => setTimeout(resolve, 50)); // the namespace goes in the background
}
const held = Deno.openSync("/dev/clusterdev", { read: true, write: true });
tell(
  "unload: refused while the state is open",
  await kmod("unload"),
  1,
  "in use",
  "stop avail run",
);
held.close();
tell("unload", await kmod("unload"), 0, "was unloaded");
tell("the module is out of the kernel", seen(!isLoaded()), 0);

const path = must("modinfo", "-n", "clusterdev");
const sound = Deno.readFileSync(path);
const characters = Array.from(sound, (byte) => String.fromCharCode(byte)).join("");

/** Writes the module with some of its bytes changed. */
function spoil(from: RegExp, to: string, end = ""): void {
  const text = characters.replace(from, to) + end;
  Deno.writeFileSync(path, Uint8Array.from(text, (character) => character.charCodeAt(0)));
}

spoil(/vermagic=\d/, "vermagic=9");
tell("status: built for another kernel", await kmod("status"), 1, "was built for Linux 9");
tell("load: the same", await kmod("load"), 1, "was built for Linux 9", "avail kmod build");
spoil(/ mod_unload/, " mod_unloud");
tell(
  "load: the kernel's own word for it",
  await kmod("load"),
  1,
  "mod_unloud",
  "and this kernel is",
);
Deno.writeFileSync(path, sound);
tell("load: the sound module, again", await kmod("load"), 0, "is loaded");
tell("unload, again", await kmod("unload"), 0, "was unloaded");

Deno.writeTextFileSync("/sys/module/module/parameters/sig_enforce", "Y");
tell("status: a signature is needed", await kmod("status"), 1, "enforces signatures");
tell("load: the same", await kmod("load"), 1, "enforces signatures", "mokutil --import");
spoil(/^/, "", "\0".repeat(12) + "~Module signature appended~\n");
tell(
  "load: a signature that is none, refused by the kernel",
  await kmod("load"),
  1,
  "signature by a key",
);
Deno.writeTextFileSync("/proc/sys/kernel/modules_disabled", "1");
tell("status: modules are locked", await kmod("status"), 1, "kernel.modules_disabled = 1");
tell("load: the same", await kmod("load"), 1, "kernel.modules_disabled = 1", "reboot");
console.log(`1..${count}`);
if (failed > 0) Deno.exit(1);
