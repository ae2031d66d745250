/**
 * The script for SysV init, and for containers and appliances where nothing but scripts starts services
 * (LSB Core, 22). It needs a POSIX shell and setsid, no start-stop-daemon: that one knows a daemon by its
 * executable, and this one's changes with each upgrade.
 */
import { logFile, pidFile } from "./names.ts";

/** @param program Absolute path of the executable. */
export function sysvScript(program: string): string {
  return `#!/bin/sh
### BEGIN INIT INFO
# Provides:          avail
# Required-Start:    $remote_fs $network
# Required-Stop:     $remote_fs $network
# Should-Start:      nftables netfilter-persistent $syslog $time
# Should-Stop:       nftables netfilter-persistent $syslog
# Default-Start:     2 3 4 5
# Default-Stop:      0 1 6
# Short-Description: this node's part of the avail cluster
# Description:       Several machines as one firewall, router or service address: avail(8).
### END INIT INFO
# Written by \`avail install\`; changes belong into /etc/default/avail.

PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
PROGRAM=${program}
CONFIG=/etc/avail/avail.toml
PIDFILE=${pidFile}
LOGFILE=${logFile}
# Seconds until a daemon that starts has to answer.
START_SECONDS=90
# Seconds until a daemon that is told to stop and answers nothing more is killed.
SILENT_SECONDS=30

[ ! -r /etc/default/avail ] || . /etc/default/avail

say() { printf 'avail: %s\\n' "$*"; }
fail() { printf 'avail: %s\\n' "$*" >&2; exit 1; }

# The daemon's process, if it is alive: its number, and that it is this daemon (numbers are used again).
daemon() {
  pid=
  [ -r "$PIDFILE" ] && read -r pid <"$PIDFILE" || return 1
  case $pid in '' | *[!0-9]*) return 1 ;; esac
  [ -r "/proc/$pid/cmdline" ] || return 1
  tr '\\0' ' ' <"/proc/$pid/cmdline" | grep -qF " run --config $CONFIG "
}

# 0 where the daemon answers, safe or not.
answers() {
  "$PROGRAM" status --config "$CONFIG" --json >/dev/null 2>&1
  case $? in 0 | 4) return 0 ;; *) return 1 ;; esac
}

start() {
  if daemon; then
    say "is running already (process $pid)"
    return 0
  fi
  [ -x "$PROGRAM" ] || fail "$PROGRAM is not there; install it again"
  [ -e "$CONFIG" ] || fail "$CONFIG is not there; write it: avail init, or avail join"
  mkdir -p "\${PIDFILE%/*}" || exit 1
  modprobe -q nf_conntrack 2>/dev/null
  modprobe -q clusterdev 2>/dev/null
  umask 077
  # What was logged before this start is not shown as this start's failure.
  touch "$LOGFILE"
  before=$(wc -l <"$LOGFILE")
  setsid "$PROGRAM" run --config "$CONFIG" </dev/null >>"$LOGFILE" 2>&1 &
  echo $! >"$PIDFILE"
  waited=0
  until answers; do
    if ! kill -0 "$!" 2>/dev/null; then
      rm -f "$PIDFILE"
      tail -n "+$((before + 1))" "$LOGFILE" | tail -n 5 >&2
      fail "the daemon ended; more in $LOGFILE"
    fi
    [ "$waited" -lt "$START_SECONDS" ] || fail "no answer after $START_SECONDS s; see $LOGFILE"
    sleep 1
    waited=$((waited + 1))
  done
  say "runs (process $!)"
}

# SIGTERM hands the buckets over first. That may take drain_timeout and 15 s; who answers, is at it.
stop() {
  if ! daemon; then
    say "is not running"
    rm -f "$PIDFILE"
    return 0
  fi
  kill -TERM "$pid"
  waited=0
  silent=0
  while kill -0 "$pid" 2>/dev/null && ! ended; do
    sleep 1
    waited=$((waited + 1))
    [ "$((waited % 10))" -eq 0 ] || continue
    if answers; then silent=0; else silent=$((silent + 10)); fi
    if [ "$silent" -ge "$SILENT_SECONDS" ]; then
      say "process $pid answers nothing; killing it"
      kill -KILL "$pid"
      break
    fi
  done
  rm -f "$PIDFILE"
  say "stopped"
}

# A process that has ended and that nobody has asked about (no init in this container).
ended() {
  case $(sed 's/.*) //' "/proc/$pid/stat" 2>/dev/null) in [ZX]* | '') return 0 ;; *) return 1 ;; esac
}

case \${1-} in
  start) start ;;
  stop) stop ;;
  restart | force-reload)
    stop
    start
    ;;
  try-restart | condrestart)
    if daemon; then
      stop
      start
    fi
    ;;
  reload)
    daemon || fail "is not running"
    "$PROGRAM" reload --config "$CONFIG"
    ;;
  status)
    if daemon && ! ended; then
      say "runs (process $pid)"
    elif [ -e "$PIDFILE" ]; then
      say "is dead, and $PIDFILE is there"
      exit 1
    else
      say "is not running"
      exit 3
    fi
    ;;
  *)
    echo "Usage: $0 {start|stop|restart|try-restart|reload|force-reload|status}" >&2
    exit 2
    ;;
esac
`;
}
