/** Whether this is a virtual machine, and of what kind. */
import { readText } from "./read.ts";

/** What the firmware calls itself (/sys/class/dmi/id), and what it is. */
const vendors: readonly (readonly [words: RegExp, kind: string])[] = [
  [/vmware/i, "vmware"],
  [/microsoft corporation.*virtual|hyper-v/i, "microsoft"],
  [/innotek|virtualbox/i, "oracle"],
  [/qemu|kvm|bochs|red hat|openstack|nutanix/i, "kvm"],
  [/xen/i, "xen"],
  [/amazon ec2|google|digitalocean|alibaba|hetzner|scaleway/i, "cloud"],
];

/** Such as `kvm`; `virtual` where only the processor tells; null on a machine of its own. */
export function virtualisation(): string | null {
  const words = ["sys_vendor", "product_name", "bios_vendor"]
    .map((name) => readText(`/sys/class/dmi/id/${name}`) ?? "").join(" ");
  const known = vendors.find(([pattern]) => pattern.test(words))?.[1];
  if (known !== undefined) return known;
  if (readText("/sys/hypervisor/type") === "xen") return "xen";
  const flags = /^flags\s*:(.*)$/m.exec(readText("/proc/cpuinfo") ?? "")?.[1] ?? "";
  return / hypervisor\b/.test(flags) ? "virtual" : null;
}
