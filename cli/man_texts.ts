/** What the manual page says beside the commands, in man(7)'s macros. */

/** When these texts were last changed; the page must not differ from build to build. */
export const manPageDate = "2026-11-22";

export const sectionsBefore: readonly string[] = `.SH DESCRIPTION
.B avail
makes several ordinary Linux machines act as one firewall, router or service
address, all of them working at the
same time, with no load balancer in front.
Each packet belongs to one of 256
.IR buckets ,
each bucket to one node; a kernel module or a BPF program drops the rest
before it costs anything.
The connections of a bucket are replicated into another node's kernel while
they live, so that this node can take
over in one step.
.PP
Without a command,
.B avail
shows the status.
Commands that ask the daemon need root.
With
.B \\-\\-json
a command prints one JSON object in one line; fields are added, never
changed or removed.
.SH SETTING UP
On the first node, as root:
.PP
.in +4n
.EX
\\&./avail install
avail init
.EE
.in
.PP
.B avail init
asks what it needs to know on a terminal, writes the configuration and the
cluster's key, starts the daemon, and prints the
.B avail join
line for the next nodes, where it follows
.B ./avail install
in the same way.`.split("\n");

export const sectionsAfter: readonly string[] = `.SH THE SERVICE
.B avail install
installs the service
.I avail
for the service manager of the machine: a unit for systemd, which confines
the daemon, or a script for OpenRC or SysV init.
It is started at boot once
.I /etc/avail/avail.toml
exists.
Stopping it hands its buckets over first, which takes up to
.B drain_timeout
and 15 seconds.
.PP
The daemon runs as root: the kernel takes programs, connections and settings
from nobody else.
The unit leaves it a few capabilities and writable paths; what health checks
of your own need besides goes into
.BR "systemctl edit avail" .
.SH SIGNALS
.TP
.BR SIGTERM ", " SIGINT
The daemon hands its buckets over, then ends.
A second one ends it at once.
.TP
.B SIGHUP
It reads its configuration and its keys again.
.SH EXIT STATUS
.TP
.B 0
Fine.
.TP
.B 1
Failed.
.TP
.B 2
Wrong usage or configuration.
.TP
.B 3
The daemon is not running.
.TP
.B 4
It is running, and not safe.
.SH ENVIRONMENT
.TP
.B NO_COLOR
No colours, also on a terminal.
.SH FILES
.TP
.I /etc/avail/avail.toml
Configuration.
.TP
.I /etc/avail/cluster.key
The cluster's secrets, the same on all nodes; mode 0600.
.TP
.I /run/avail/control.sock
The daemon's control socket.
.TP
.I /run/avail/undo.json
What the daemon changed on this machine, to be put back.
.TP
.I /var/lib/avail
What was unpacked and built, and what
.B avail install
wrote down about itself.
.TP
.I /var/log/avail.log
The daemon's log under OpenRC and SysV init; systemd keeps it in its journal.
.SH EXAMPLES
Is it safe to pull the plug of this node?
.PP
.in +4n
.EX
avail status || echo no
avail drain
.EE
.in
.PP
Which node handles this connection?
.PP
.in +4n
.EX
avail who 192.0.2.10 203.0.113.5
.EE
.in
.SH SEE ALSO
.BR conntrack (8),
.BR ip (8),
.BR nft (8),
.BR systemctl (1)`.split("\n");
