# While another holds RTNL for seconds, the page renews the lease and switches responsibility at once.
. /test/lib.sh

mac=01:00:5e:40:00:64
must modprobe -a veth clusterdev
must ip netns add n
must ip link add far0 type veth peer name eth0 netns n
must ip link set far0 up
must ip -n n link set eth0 up
must ip addr add 10.0.0.1/24 dev far0
must clusterctl -n n add cluster0 eth0 $mac lease=forever buckets=all
must ip -n n link set cluster0 up
must ip -n n addr add 10.0.0.100/24 dev cluster0
must ip neigh add 10.0.0.100 lladdr $mac dev far0 nud permanent
served=$(clusterctl -n n serve n 80)
mkfifo /run/page /run/page.out
holder=$(clusterctl -n n hold /run/page /run/page.out)
page() {
  echo "$*" >/run/page
  read -r page_answer </run/page.out
  echo "$page_answer"
}
# loaded B: what the counters say of bucket B, and of all others together.
loaded() { page load "$1" | sed 's/^ok [0-9]* //'; }
micros() { page "$@" | sed 's/^ok \([0-9]*\).*/\1/'; }
answer() { clusterctl who udp 10.0.0.100 80 10.0.0.1 1 wait=500; }
is_held() { [ "$(cat /sys/module/hold_rtnl/parameters/held 2>/dev/null)" = Y ]; }

# hold_rtnl MS: returns when it is held.
hold_rtnl() {
  modprobe -r hold_rtnl 2>/dev/null
  modprobe hold_rtnl ms="$1" &
  wait_until 10 is_held || bail 'RTNL is not held'
}

page give cluster0 >/dev/null
page buckets all >/dev/null
page lease forever >/dev/null
bucket=$(clusterctl bucket key=source eth=$mac ip=10.0.0.1,10.0.0.100 udp=9,80)
is 'nothing is counted of a page that was just made' "$(loaded "$bucket")" 'packets=0 bytes=0 others=0'
is 'it serves' "$(answer)" '10.0.0.1 n'
is 'the page counts what was taken, in its bucket' "$(loaded "$bucket" | sed 's/bytes=[1-9][0-9]*/bytes/')" \
  'packets=1 bytes others=0'

hold_rtnl 4000
longest=0
for line in 'lease 0' 'lease 60000' 'buckets none' 'buckets all' 'lease 1000' 'epoch 4' 'lease 60000'; do
  took=$(micros "$line")
  [ "$took" -le $longest ] || longest=$took
done
ok 'RTNL was held all the time' is_held
note "the slowest of seven stores took $longest µs"
ok 'no store into the page took half a second' test $longest -lt 500000

page buckets none >/dev/null
is 'responsibility ends while RTNL is held' "$(answer)" '10.0.0.1 -'
like 'what is refused is not counted, and reading waits for nobody' "$(loaded "$bucket")" \
  '^packets=1 .*others=0$'
page buckets all >/dev/null
is 'and begins' "$(answer)" '10.0.0.1 n'
page lease 0 >/dev/null
is 'the lease ends while RTNL is held' "$(answer)" '10.0.0.1 -'
like 'nor is what comes without a lease' "$(loaded "$bucket")" '^packets=2 .*others=0$'
page lease 60000 >/dev/null
is 'and begins' "$(answer)" '10.0.0.1 n'
ok 'RTNL was still held' is_held
wait

hold_rtnl 1500
before=$(now)
must clusterctl -n n set cluster0 lease=0
waited=$(($(now) - before))
note "the same by attributes took $((waited * 10)) ms"
ok 'control: attributes wait for RTNL' test $waited -gt 30
is 'and then count' "$(answer)" '10.0.0.1 -'
wait

# A lease that is short is kept over a long time.
page keep 600 50 >/dev/null
hold_rtnl 2000
sleep 1
is 'a lease of 600 ms is kept meanwhile' "$(answer)" '10.0.0.1 n'
ok 'RTNL was held all the while' is_held
wait
kill "$holder" "$served"
must ip netns del n
ok 'the module goes' wait_until 10 rmmod clusterdev
finish
