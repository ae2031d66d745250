# The module comes when ip asks for it, makes a device with nothing but ip, and goes without a trace.
. /test/lib.sh

add() { ip link add link eth0 name cluster0 "$@" type clusterdev; }
mac=03:00:5e:40:00:01

load veth
must ip link add eth0 type veth peer name far0
must ip link set eth0 up
must ip link set far0 up
echo /bin/false >/proc/sys/kernel/modprobe
not_ok 'without its module there is no clusterdev' add address $mac
echo /sbin/modprobe >/proc/sys/kernel/modprobe

ok 'the kernel loads it when it is asked for one' add address $mac
like 'all vectors of the bucket function hold' "$(dmesg)" \
  'clusterdev: ([1-9][0-9]*) of \1 vectors of the bucket function hold'
like 'ip -d shows its kind' "$(ip -d link show dev cluster0)" '^ +clusterdev'
like 'it stands on its lower device' "$(ip -o link show dev cluster0)" 'cluster0@eth0'
like 'it has the cluster MAC' "$(ip -o link show dev cluster0)" "link/ether $mac"
ok 'it goes up' ip link set cluster0 up
ok 'it goes' ip link del cluster0
ok 'it can be made without its MAC' add
like 'it has a group address until it is told' "$(ip -o link show dev cluster0)" \
  'link/ether .[13579bdf]:'
ok 'which is changed' ip link set cluster0 address $mac
must ip link del cluster0
not_ok 'and is gone' ip link show dev cluster0
ok 'its module goes' modprobe -r clusterdev
unlike 'and is gone' "$(cat /proc/modules)" '^clusterdev '

finish
