# For guest tests: results in TAP, waiting with a deadline, network namespaces. Sourced by dash:
#
#   . /test/lib.sh
#   is 'the address is there' "$(ip -o addr show dev eth0 | grep -c 192.0.2.1)" 1
#   wait_until 10 grep -q up /sys/class/net/eth0/operstate
#   ok 'the link comes up'
#   finish
#
# `ok` and `not_ok` look at the exit code of the command before them, or run the command they are
# given. Commands that set the scene are wrapped in `must`: if one fails, the test ends there.
# shellcheck shell=dash

# A part of another test goes on with its numbers.
tap_count=${TAP_FROM:-0}
tap_failed=0

# Prints one result: result 0|1 DESCRIPTION.
result() {
  tap_count=$((tap_count + 1))
  if [ "$1" = 0 ]; then
    echo "ok $tap_count - $2"
  else
    tap_failed=$((tap_failed + 1))
    echo "not ok $tap_count - $2"
  fi
  return 0
}

# A comment; the lines of "$*" one by one.
note() { printf '%s\n' "$*" | sed 's/^/# /'; }

# ok DESCRIPTION [COMMAND…]: the command (or the one just before) succeeds. What it printed is shown
# if it does not.
ok() {
  ok_rc=$? ok_what=$1
  shift
  if [ $# -gt 0 ]; then
    ok_said=$("$@" 2>&1)
    ok_rc=$?
    [ $ok_rc = 0 ] || note "$* (exit code $ok_rc): $ok_said"
  fi
  [ $ok_rc = 0 ]
  result $? "$ok_what"
}

# not_ok DESCRIPTION [COMMAND…]: the command (or the one just before) fails.
not_ok() {
  ok_rc=$? ok_what=$1
  shift
  if [ $# -gt 0 ]; then
    ok_said=$("$@" 2>&1)
    ok_rc=$?
    [ $ok_rc != 0 ] || note "$* succeeded: $ok_said"
  fi
  [ $ok_rc != 0 ]
  result $? "$ok_what"
}

# is DESCRIPTION GOT WANTED
is() {
  [ "$2" = "$3" ] || note "got \"$2\", wanted \"$3\""
  [ "$2" = "$3" ]
  result $? "$1"
}

# isnt DESCRIPTION GOT UNWANTED
isnt() {
  [ "$2" != "$3" ] || note "got \"$2\""
  [ "$2" != "$3" ]
  result $? "$1"
}

# like DESCRIPTION TEXT PATTERN: some line of the text matches (grep -E).
like() {
  printf '%s\n' "$2" | grep -qE -- "$3"
  like_rc=$?
  [ $like_rc = 0 ] || note "no line matches /$3/: $2"
  result $like_rc "$1"
}

# unlike DESCRIPTION TEXT PATTERN: no line of the text matches.
unlike() {
  printf '%s\n' "$2" | grep -qE -- "$3"
  like_rc=$?
  [ $like_rc != 0 ] || note "a line matches /$3/: $2"
  [ $like_rc != 0 ]
  result $? "$1"
}

# skip DESCRIPTION REASON: a result that this kernel cannot have.
skip() {
  tap_count=$((tap_count + 1))
  echo "ok $tap_count - $1 # SKIP $2"
}

# Ends the whole test at once.
bail() {
  echo "Bail out! $*"
  exit 1
}

# must COMMAND…: sets the scene.
must() {
  must_said=$("$@" 2>&1) || bail "$*: $must_said"
}

# finish: tells how many results there were, and ends the script.
finish() {
  if [ -n "${TAP_FROM:-}" ]; then
    echo "$tap_count" >/run/tap_count
  else
    echo "1..$tap_count"
  fi
  [ $tap_failed = 0 ]
  exit $?
}

# Hundredths of a second since the start.
now() { sed 's/ .*//; s/\.//' /proc/uptime; }

# wait_until SECONDS COMMAND…: runs the command until it succeeds. Returns 1 if it never does.
wait_until() {
  wait_end=$(($(now) + $1 * 100))
  shift
  while ! "$@" >/dev/null 2>&1; do
    [ "$(now)" -lt $wait_end ] || return 1
    sleep 0.05
  done
}

# load MODULE…: with what they need; PARAMETER=VALUE may follow the last.
load() { must modprobe "$@"; }

# try_load MODULE…: those that this kernel has.
try_load() {
  for try_module in "$@"; do modprobe -q "$try_module"; done
  return 0
}

# in_ns NAME COMMAND…
in_ns() {
  ns_name=$1
  shift
  ip netns exec "$ns_name" "$@"
}

# add_ns NAME…: namespaces with their loopback up.
add_ns() {
  for ns_name in "$@"; do
    must ip netns add "$ns_name"
    must ip -n "$ns_name" link set lo up
  done
}

# add_bridge NAME: a bridge that forwards at once.
add_bridge() {
  must ip link add "$1" type bridge forward_delay 0 mcast_snooping 0
  must ip link set "$1" up
}

# add_port BRIDGE NAMESPACE INTERFACE: a cable from the bridge into the namespace; the bridge's end is
# named NAMESPACE-INTERFACE.
add_port() {
  must ip link add "$2-$3" type veth peer name "$3" netns "$2"
  must ip link set "$2-$3" master "$1" up
  must ip -n "$2" link set "$3" up
}
