/** Settings below /proc/sys/net, and what tells whether they hurt. */
import { generalSettings, interfaceSettings, type SettingsFacts } from "../../doctor/settings.ts";
import { clusterInterfaces, type Setup } from "../../doctor/setup.ts";
import { clusterDeviceNames } from "./devices.ts";
import type { SysctlFile } from "../../doctor/sysctl_files.ts";
import { namesIn, readText } from "./read.ts";

/** RTF_UP | RTF_GATEWAY and RTF_ADDRCONF (linux/ipv6_route.h). */
const gatewayUp = 0x3;
const RTF_ADDRCONF = 0x00040000;
/** Routes by advertisement have it from the advertisement's own protocol, too. */
const RTF_RA = 0x00400000;

export function settingsFacts(setup: Setup): SettingsFacts {
  const clusterDevices = clusterDeviceNames(setup);
  const names = ["all", "default", ...clusterInterfaces(setup), ...clusterDevices];
  const paths = [
    ...generalSettings,
    ...([4, 6] as const).flatMap((family) =>
      names.flatMap((name) =>
        interfaceSettings[family].map((key) => `net/ipv${family}/conf/${name}/${key}`)
      )
    ),
  ];
  const values = new Map<string, string>();
  for (const path of paths) {
    const value = readText(`/proc/sys/${path}`);
    if (value !== null) values.set(path, value);
  }
  return {
    values,
    clusterDevices,
    files: sysctlFiles(),
    advertisedDefaults: advertisedDefaults(readText("/proc/net/ipv6_route") ?? ""),
    reversePathDrops: counterOf(readText("/proc/net/netstat") ?? "", "IPReversePathFilter"),
  };
}

/** Where sysctl --system looks; of equal names, the first folder's counts. */
const folders = ["/etc/sysctl.d", "/run/sysctl.d", "/usr/local/lib/sysctl.d", "/usr/lib/sysctl.d"];

/** In the order in which they are read: by their names, and last /etc/sysctl.conf. */
function sysctlFiles(): SysctlFile[] {
  const paths = new Map<string, string>();
  for (const folder of folders) {
    for (const name of namesIn(folder).filter((name) => name.endsWith(".conf"))) {
      if (!paths.has(name)) paths.set(name, `${folder}/${name}`);
    }
  }
  const inOrder = [...paths].sort(([a], [b]) => a < b ? -1 : 1).map(([, path]) => path);
  return [...inOrder, "/etc/sysctl.conf"].flatMap((path) => {
    const text = readText(path);
    return text === null ? [] : [{ path, text }];
  });
}

/** /proc/net/ipv6_route: destination, its length, …, flags, interface. */
export function advertisedDefaults(text: string): string[] {
  return text.split("\n").flatMap((line) => {
    const fields = line.trim().split(/\s+/);
    const isDefault = fields.length >= 10 && /^0+$/.test(fields[0]) && fields[1] === "00";
    const flags = isDefault ? parseInt(fields[8], 16) : 0;
    const isAdvertised = (flags & gatewayUp) === gatewayUp &&
      (flags & (RTF_ADDRCONF | RTF_RA)) !== 0;
    return isAdvertised ? [fields[9]] : [];
  });
}

/** /proc/net/netstat: pairs of lines, names and numbers. */
export function counterOf(text: string, name: string): number | null {
  const lines = text.split("\n").map((line) => line.split(" "));
  for (let i = 0; i + 1 < lines.length; i += 2) {
    const at = lines[i].indexOf(name);
    if (at > 0) return Number(lines[i + 1][at]);
  }
  return null;
}
