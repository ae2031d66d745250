/**
 * The unit for systemd (systemd.service(5), systemd.exec(5); 247 or newer, which is Debian 11's).
 *
 * The daemon must be root: the kernel takes programs, conntrack entries and settings from nobody else.
 * So it has no user of its own; the unit takes away what root could do besides. What must stay off:
 *
 * - MemoryDenyWriteExecute: the runtime compiles JavaScript.
 * - ProtectKernelTunables, PrivateDevices, ProtectKernelModules: the daemon sets /proc/sys/net, pins in
 *   /sys/fs/bpf, opens /dev/clusterdev, and looks whether the module is installed. The paths and
 *   capabilities below leave just that.
 * - RestrictRealtime, PrivateNetwork, PrivateUsers: it works in real time, and on this network.
 * - ProtectProc: health checks may look at other processes.
 * - ProtectControlGroups: with it, systemd 252 left /run writable in our test; /sys is read-only anyway.
 */

/** What the daemon does with each, and nothing else is left to it. */
const capabilities: readonly (readonly [name: string, why: string])[] = [
  ["CAP_NET_ADMIN", "programs on interfaces, addresses, routes, conntrack"],
  ["CAP_NET_RAW", "packet sockets for heartbeats"],
  ["CAP_BPF", "maps and programs"],
  ["CAP_PERFMON", "the verifier's arithmetic on pointers"],
  // Not by limits: where systemd itself is in a container, it may not raise them.
  ["CAP_SYS_NICE", "real time (SCHED_FIFO 10) for the core's thread, nice -10 for the other"],
  ["CAP_IPC_LOCK", "its code stays in memory"],
];

/** @pkey: V8 guards its code by memory protection keys where the processor has them. */
const systemCalls = ["@system-service", "@pkey", "bpf"];

/** Seconds until the service counts as hung when it says nothing. */
const watchdogSeconds = 30;

/** @param program Absolute path of the executable. */
export function systemdUnit(program: string): string {
  return `# Written by \`avail install\`; changes belong into: systemctl edit avail
[Unit]
Description=avail: this node's part of the cluster
Documentation=man:avail(8)
# Without a configuration there is nothing to run: avail init, or avail join.
ConditionPathExists=/etc/avail/avail.toml
Wants=network-online.target modprobe@nf_conntrack.service modprobe@clusterdev.service
After=network-online.target modprobe@nf_conntrack.service modprobe@clusterdev.service
After=nftables.service firewalld.service netfilter-persistent.service
StartLimitIntervalSec=60
StartLimitBurst=10

[Service]
Type=notify
ExecStart=${program} run
ExecReload=${program} reload
# A node that fails is taken over within its detection time; it comes back by itself.
Restart=on-failure
RestartSec=1
# Wrong configuration: starting again would not mend it.
RestartPreventExitStatus=2
TimeoutStartSec=90
# The daemon asks for more while it hands its buckets over (drain_timeout).
TimeoutStopSec=30
WatchdogSec=${watchdogSeconds}
NotifyAccess=main
# Checks' programs end with the daemon.
KillMode=mixed

# Kernels before 5.11 count maps as locked memory.
LimitMEMLOCK=infinity
LimitNOFILE=65536
LimitCORE=0
OOMScoreAdjust=-900

# undo.json says what to put back after a crash, so it outlives the daemon.
RuntimeDirectory=avail
RuntimeDirectoryPreserve=yes
RuntimeDirectoryMode=0755
StateDirectory=avail
StateDirectoryMode=0755
UMask=0077

${capabilities.map(([name, why]) => `# ${name}: ${why}`).join("\n")}
CapabilityBoundingSet=${capabilities.map(([name]) => name).join(" ")}
NoNewPrivileges=yes
SystemCallArchitectures=native
SystemCallFilter=${systemCalls.join(" ")}
SystemCallErrorNumber=EPERM
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK AF_PACKET
RestrictNamespaces=yes
RestrictSUIDSGID=yes
LockPersonality=yes
ProtectSystem=strict
ProtectHome=yes
ProtectHostname=yes
ProtectClock=yes
ProtectKernelLogs=yes
PrivateTmp=yes
KeyringMode=private
# Changing the key writes it anew; iptables, which only clusterip asks, locks the other.
ReadWritePaths=-/etc/avail -/run/xtables.lock
# Of the kernel's settings only the network's.
ReadOnlyPaths=/proc/sys -/sys
ReadWritePaths=/proc/sys/net -/sys/fs/bpf
DevicePolicy=closed
DeviceAllow=/dev/clusterdev rw

[Install]
WantedBy=multi-user.target
`;
}
