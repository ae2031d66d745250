# Everything changes while frames of all kinds arrive, on two processors and with checked memory.
# What would fail it stands in the kernel's log; here it is only told that all has been done.
. /test/lib.sh

mac=01:00:5e:40:00:64
seconds=9
must modprobe -a veth nf_conntrack clusterdev
must ip netns add n
must ip netns add other
must ip -n n link set lo up

cable() {
  ip link del a0 2>/dev/null
  must ip link add a0 type veth peer name b0 netns n
  must ip link set a0 up
  must ip -n n link set b0 up
}

at_n() { nsenter --net=/run/netns/n "$@"; }

# endless COMMAND…: over and over, until /tmp/stop is there. The breaks let the rounds go on: they wait
# for all processors many times.
endless() {
  while [ ! -e /tmp/stop ]; do
    "$@"
    sleep 0.05
  done >/dev/null 2>&1
}

floods() {
  clusterctl flood a0 $mac 10.0.1.0 10.0.0.100 200 "$(now)"
  clusterctl flood a0 $mac 2001:db8::1:0 2001:db8::100 200 "$(now)"
}

# Switches what is owned and for how long, as fast as it can; all and forever in the end.
pages() {
  for pages_line in 'lease 5' 'buckets none' 'lease 0' 'buckets 1-200' 'lease forever' 'buckets all'; do
    echo "$pages_line" >/run/page
    read -r _ </run/page.out
  done
}

reads() {
  clusterctl -n n show cluster0
  ip -n n -s -d link show
}

sends() { clusterctl -n n send cluster0 count=50 eth=ff:ff:ff:ff:ff:ff ip=10.0.0.100,10.0.0.7 udp=1,2; }

one_round() {
  round_key=$(($1 % 4))
  clusterctl -n n add cluster0 b0 $mac key=$round_key seed="$1" buckets=0-$(($1 % 256)) \
    lease=forever || return 1
  ip -n n addr add 10.0.0.100/24 dev cluster0
  ip -n n addr add 2001:db8::100/64 dev cluster0 nodad
  ip -n n link set cluster0 up
  echo 'give cluster0' >/run/page
  read -r _ </run/page.out
  pages
  clusterctl -n n set cluster0 inside=10.0.0.0/8,2001:db8::/32 key=inside mark=0x1ff00000
  clusterctl -n n set cluster0 nat=10.0.0.100 key=flow seed=$((7 * $1))
  clusterctl -n n set cluster0 inside=none nat=0.0.0.0 mark=0
  ip -n n link set cluster0 address 01:00:5e:40:00:65
  ip -n n link set cluster0 address $mac
  ip -n n link set b0 mtu $((1300 + $1 % 100))
  accepted=$((accepted + $(clusterctl -n n show cluster0 accepted)))
  case $(($1 % 5)) in
    0) ip -n n link del cluster0 ;;
    1)
      ip -n n link set b0 down
      ip -n n link set b0 up
      ip -n n link del cluster0
      ;;
    2)
      ip -n n link set cluster0 netns other
      ip -n other link set cluster0 up
      ip -n other link del cluster0
      ;;
    3) cable ;;
    4)
      ip netns add z
      ip -n n link set cluster0 netns z
      ip netns del z
      ;;
  esac
  return 0
}

cable
mkfifo /run/page /run/page.out
holder=$(clusterctl -n n hold /run/page /run/page.out)
endless floods &
endless reads &
endless sends &
end=$(($(now) + seconds * 100))
round=0
failed=0
accepted=0
while [ "$(now)" -lt $end ] || { [ $round -lt 6 ] && [ "$(now)" -lt $((end + 4000)) ]; }; do
  one_round $round || failed=$((failed + 1))
  round=$((round + 1))
  # The device of a moved namespace goes in the background.
  [ $((round % 5)) != 0 ] || wait_until 10 sh -c '! ip -n n link show dev cluster0 2>/dev/null'
done
touch /tmp/stop
wait
note "$round rounds, $accepted frames accepted"
is 'every device was made' $failed 0
ok 'frames arrived all the time' test $accepted -ge $round
ok 'there were some rounds' test $round -ge 6
kill "$holder"
must ip netns del n
must ip netns del other
ok 'the module goes' wait_until 10 rmmod clusterdev
ok 'no caches of it are left over' sh -c '! grep -q clusterdev /proc/slabinfo'
finish
