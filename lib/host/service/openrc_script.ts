/** The script for OpenRC (openrc-run(8), supervise-daemon(8)): Alpine, Gentoo, Devuan. */
import { logFile } from "./names.ts";

/** @param program Absolute path of the executable. */
export function openrcScript(program: string): string {
  return `#!/sbin/openrc-run
# Written by \`avail install\`; changes belong into /etc/conf.d/avail.

name="avail"
description="this node's part of the avail cluster"
extra_started_commands="reload"
description_reload="Read the configuration again"

: "\${avail_config:=/etc/avail/avail.toml}"
# Seconds until a daemon that starts has to answer.
: "\${avail_start_seconds:=90}"
# Seconds for handing over: drain_timeout of the configuration and 15 s, or more.
: "\${avail_stop_seconds:=90}"

supervisor="supervise-daemon"
command="${program}"
command_args="run --config $avail_config"
output_log="${logFile}"
error_log="${logFile}"
umask="077"
respawn_delay=1
respawn_max=10
respawn_period=60
retry="TERM/$avail_stop_seconds/KILL/5"
pidfile="/run/supervise-avail.pid"
required_files="$avail_config"

depend() {
  want net
  use logger
  after firewall nftables iptables ip6tables
}

start_pre() {
  "$command" config check "$avail_config" >/dev/null || return 1
  checkpath --directory --mode 0755 /run/avail
  modprobe -q nf_conntrack 2>/dev/null
  modprobe -q clusterdev 2>/dev/null
  return 0
}

# Others may rely on the shared addresses: the service has started when the daemon answers.
start_post() {
  waited=0
  while true; do
    "$command" status --config "$avail_config" --json >/dev/null 2>&1
    case $? in 0 | 4) return 0 ;; esac
    if ! kill -0 "$(cat "$pidfile" 2>/dev/null)" 2>/dev/null; then
      tail -n 5 "$error_log" >&2
      eerror "avail ended; more in $error_log"
      return 1
    fi
    if [ "$waited" -ge "$avail_start_seconds" ]; then
      eerror "avail does not answer after $avail_start_seconds s; see $error_log"
      return 1
    fi
    sleep 1
    waited=$((waited + 1))
  done
}

reload() {
  ebegin "Reloading avail"
  "$command" reload --config "$avail_config"
  eend $?
}
`;
}
