/** What a datapath leaves in a node's namespace, and what of it lives on. */
import { must, type SteeringLab, testBackend } from "./steering_lab.ts";

/** The identity of each part that a daemon which comes after another is to find, and to leave. */
export async function identities(lab: SteeringLab, node: number): Promise<string[]> {
  if (testBackend === "clusterdev") {
    const namespace = lab.name(`n${node}`);
    const shown = await must("ip", "-n", namespace, "-o", "link", "show", "type", "clusterdev");
    return shown.split("\n").filter((line) => line !== "").map((line) => line.split("@")[0]);
  }
  const links = JSON.parse(await must("bpftool", "-j", "-f", "link", "show"));
  const of = `${lab.runDir(node)}/bpf/`;
  return (links as { id: number; pinned?: string[] }[])
    .flatMap(({ id, pinned }) => (pinned ?? []).map((path) => `${path} ${id}`))
    .filter((line) => line.startsWith(of)).sort();
}

/** Everything of a node's namespace that the datapath may have changed. */
export async function snapshot(lab: SteeringLab, node: number): Promise<Record<string, string>> {
  const namespace = lab.name(`n${node}`);
  const ip = (...words: string[]) => must("ip", "-n", namespace, ...words);
  const program = new URL("./settings_process.ts", import.meta.url).pathname;
  const settings = await must(
    ...["ip", "netns", "exec", namespace, Deno.execPath(), "run", "-qA", "--no-check", program],
  );
  return {
    addresses: (await ip("address")).replace(/valid_lft \d+sec/g, "valid_lft"),
    routes: await ip("route", "show", "table", "all"),
    routes6: (await ip("-6", "route", "show", "table", "all")).replace(/ expires \d+sec/g, ""),
    groups: await ip("maddress"),
    links: await ip("link"),
    ...(testBackend === "xdp" ? await ofXdp(lab, node) : {}),
    files: Array.from(Deno.readDirSync(lab.runDir(node)), (e) => e.name).sort().join(),
    settings: settings.split("\n").filter((line) => !/conntrack_count|\.stable_secret/.test(line))
      .join("\n"),
  };
}

/** The lines that only one of two snapshots has. */
export function differences(
  before: Record<string, string>,
  after: Record<string, string>,
): string[] {
  return Object.keys(before).flatMap((name) => {
    const [old, now] = [before, after].map((snapshot) => new Set(snapshot[name].split("\n")));
    return [
      ...[...old.difference(now)].map((line) => `${name}: - ${line}`),
      ...[...now.difference(old)].map((line) => `${name}: + ${line}`),
    ];
  });
}

async function ofXdp(lab: SteeringLab, node: number): Promise<Record<string, string>> {
  const programs = await must("ip", "netns", "exec", lab.name(`n${node}`), "bpftool", "net");
  const pins = Deno.readDirSync(`${lab.runDir(node)}/bpf`);
  return {
    programs: programs.replace(/\d+/g, ""),
    pins: Array.from(pins, (entry) => entry.name).join(),
  };
}
