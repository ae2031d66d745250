# How devices, pages and the module come and go, in any order.
. /test/lib.sh

mac=01:00:5e:40:00:64

# references: how many the module has; nothing if it is not there.
references() { sed -n 's/^clusterdev [0-9]* \([0-9]*\) .*/\1/p' /proc/modules; }
devices() { ip -o link show type clusterdev 2>/dev/null | grep -c .; }
pair() { must ip link add "$1" type veth peer name "$2"; must ip link set "$1" up; must ip link set "$2" up; }

must modprobe -a veth bridge
pair eth0 far0
is 'the module is not there yet' "$(references)" ''
ok 'making a device loads it' clusterctl add cluster0 eth0 $mac
isnt 'now it is' "$(references)" ''
must ip link del cluster0
must modprobe -r clusterdev
not_ok 'and its file went with it' test -e /dev/clusterdev
must modprobe clusterdev
ok 'its file is there' test -c /dev/clusterdev

# Names, and twenty devices on one lower device
for i in $(seq 10 29); do must clusterctl add x$i eth0 01:00:5e:40:01:$i lease=forever buckets=all; done
seq 10 29 | sed 's/.*/link set x& up/' >/tmp/batch
must ip -batch /tmp/batch
is 'twenty devices are on one lower device' "$(devices)" 20
is 'all of them in its filter' "$(ip maddr show dev eth0 | grep -c 01:00:5e:40:01:)" 20
must ip link set x10 down
must ip link set x10 name renamed0
must ip link set renamed0 up
ok 'a device has another name' clusterctl show renamed0
must ip link del eth0
is 'the lower device takes them all along' "$(devices)" 0

# Namespaces
pair eth0 far0
must ip netns add a
must ip netns add b
must ip link set eth0 netns a
must ip -n a link set eth0 up
must clusterctl -n a add cluster0 eth0 $mac lease=forever buckets=all
must ip -n a link set cluster0 up
must ip -n a link set cluster0 netns b
must ip -n b link set cluster0 up
must ip -n b addr add 10.0.0.100/24 dev cluster0
must ip addr add 10.0.0.1/24 dev far0
ok 'a device in another namespace works on' wait_until 5 ping -c 1 -W 1 10.0.0.100
like 'and names the namespace of its lower device' "$(ip -n b -o link show dev cluster0)" \
  'link-netns a'
must ip -n a link set eth0 netns b
must ip -n b link set eth0 up
ok 'its lower device may follow it' wait_until 5 ping -c 1 -W 1 10.0.0.100
must ip -n b link set eth0 netns a
must ip -n a link set eth0 up
ok 'and go back' wait_until 5 ping -c 1 -W 1 10.0.0.100
must ip netns del b
ok "the device's namespace takes it along" wait_until 10 sh -c '! ip -n b link show 2>/dev/null'
must clusterctl -n a add cluster0 eth0 $mac
must ip -n a link set cluster0 up
must ip netns del a
ok 'and so does that of the lower device' wait_until 10 sh -c '! ip link show dev far0 2>/dev/null'

# Pages
pair eth0 far0
must clusterctl add cluster0 eth0 $mac
must ip link set cluster0 up
mkfifo /run/page /run/page.out
holder=$(clusterctl hold /run/page /run/page.out)
ask_page() {
  echo "$*" >/run/page
  read -r page_answer </run/page.out
  echo "$page_answer"
}
like 'a device takes a page' "$(ask_page give cluster0)" '^ok'
like 'which its process maps' "$(ask_page buckets 0-9)" '^ok'
must ip link del cluster0
like 'the page outlives the device' "$(ask_page buckets 0-19)" '^ok'
like 'with what was in it' "$(ask_page show)" 'owned=20'
must clusterctl add cluster0 eth0 $mac
like 'and goes to the next' "$(ask_page give cluster0)" '^ok'
like 'which then does as it says' "$(clusterctl show cluster0)" '^buckets=0-19$'
like 'a file that is closed' "$(ask_page close)" '^ok'
like 'leaves the mapping' "$(ask_page buckets 0-29)" '^ok'
like 'and the device' "$(clusterctl show cluster0)" '^buckets=0-29$'
must ip link del cluster0
isnt 'a mapping holds the module' "$(references)" 0
not_ok 'which cannot go' rmmod clusterdev
like 'a mapping that is taken away' "$(ask_page unmap)" '^ok'
ok 'lets it go' wait_until 5 rmmod clusterdev
kill "$holder"

must modprobe clusterdev
holder=$(clusterctl hold /run/page /run/page.out)
must clusterctl add cluster0 eth0 $mac
ask_page give cluster0 >/dev/null
ask_page lease forever >/dev/null
ask_page epoch 9 >/dev/null
kill -KILL "$holder"
like 'the page outlives its process' "$(clusterctl show cluster0)" '^epoch=9$'
wait_until 5 test "$(references)" = 0
is 'which holds the module no more' "$(references)" 0
ok 'the module goes with a device that has a page' rmmod clusterdev
is 'and takes the devices along' "$(devices)" 0
must modprobe clusterdev
for i in 1 2 3; do must clusterctl add c$i eth0 01:00:5e:40:00:0$i; must ip link set c$i up; done
must ip netns add a
must ip link set c3 netns a
ok 'the module goes with devices in several namespaces' rmmod clusterdev
not_ok 'all of them' ip -n a link show dev c3
ok 'the lower device is free again' sh -c 'ip link add br0 type bridge && ip link set eth0 master br0'
finish
