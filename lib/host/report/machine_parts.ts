/** What a report tells of the machine: the words of its own programs and files. Nothing is changed. */
import type { PartSource } from "./part.ts";

/** @param port The replication's; @param interfaces Those of shares and links. */
export function machineParts(
  { port, interfaces }: { readonly port: number; readonly interfaces: readonly string[] },
): PartSource[] {
  const tool = (name: string, ...argv: string[]): PartSource => ({ name, argv });
  const sysctls = (...names: string[]) => names.map((name) => `/proc/sys/${name}`);
  return [
    {
      name: "system/kernel.txt",
      files: ["/proc/version", "/proc/cmdline", "/proc/uptime", "/proc/loadavg", "/etc/os-release"],
    },
    { name: "system/memory.txt", files: ["/proc/meminfo"] },
    { name: "system/processors.txt", files: ["/proc/cpuinfo", "/proc/softirqs"] },
    { name: "system/modules.txt", files: ["/proc/modules"] },
    { name: "system/kernel_log.txt", argv: ["dmesg", "--ctime"], keep: "last" },
    tool("system/clock.txt", "timedatectl"),
    tool("system/service.txt", "systemctl", "status", "--no-pager", "--full", "avail.service"),
    tool("system/unit.txt", "systemctl", "cat", "--no-pager", "avail.service"),
    {
      name: "log.txt",
      argv: ["journalctl", "-u", "avail.service", "-n", "3000", "-o", "short-iso-precise"]
        .concat(["--no-pager"]),
      keep: "last",
    },
    { name: "log_file.txt", files: ["/var/log/avail.log"] },
    tool("module/modinfo.txt", "modinfo", "clusterdev"),
    tool("module/dkms.txt", "dkms", "status"),
    tool("network/addresses.txt", "ip", "-d", "address"),
    tool("network/links.txt", "ip", "-d", "-s", "-s", "link"),
    tool("network/routes.txt", "ip", "route", "show", "table", "all"),
    tool("network/routes6.txt", "ip", "-6", "route", "show", "table", "all"),
    tool("network/rules.txt", "ip", "rule"),
    tool("network/neighbours.txt", "ip", "-s", "neighbour"),
    tool("network/groups.txt", "ip", "maddress"),
    tool("network/bridge.txt", "bridge", "-d", "link"),
    tool("network/sockets.txt", "ss", "-tuanpi", `( sport = :${port} or dport = :${port} )`),
    ...interfaces.flatMap((name) => [
      tool(`network/${name}/offloads.txt`, "ethtool", "-k", name),
      tool(`network/${name}/driver.txt`, "ethtool", "-i", name),
      tool(`network/${name}/counters.txt`, "ethtool", "-S", name),
      tool(`network/${name}/queueing.txt`, "tc", "-s", "qdisc", "show", "dev", name),
    ]),
    tool("firewall/nft.txt", "nft", "list", "ruleset"),
    tool("firewall/iptables.txt", "iptables-save"),
    tool("firewall/ip6tables.txt", "ip6tables-save"),
    tool("conntrack/count.txt", "conntrack", "-C"),
    tool("conntrack/counters.txt", "conntrack", "-S"),
    tool("conntrack/expectations.txt", "conntrack", "-L", "expect"),
    { name: "conntrack/buckets.txt", files: ["/proc/net/stat/nf_conntrack"] },
    {
      name: "sysctls.txt",
      argv: ["sysctl", "--all", "--pattern"]
        .concat(
          "^net[.](netfilter|core|ipv[46][.](conf|neigh|ip_|route))|^kernel[.](sched|modules)",
        ),
    },
    {
      name: "sysctls_of_avail.txt",
      files: sysctls(
        "net/netfilter/nf_conntrack_count",
        "net/netfilter/nf_conntrack_max",
        "net/netfilter/nf_conntrack_events",
        "net/netfilter/nf_conntrack_tcp_be_liberal",
        "net/netfilter/nf_conntrack_tcp_loose",
        "net/ipv4/ip_forward",
        "net/ipv6/conf/all/forwarding",
        ...["all", ...interfaces].flatMap((name) =>
          ["arp_announce", "arp_ignore", "rp_filter", "forwarding", "accept_local"]
            .map((key) => `net/ipv4/conf/${name}/${key}`)
        ),
      ),
    },
  ];
}
