# What the kernel refuses, by errno and in words.
. /test/lib.sh

mac=01:00:5e:40:00:64
load veth
must modprobe -a bridge macvlan dummy clusterdev
try_load bonding
must ip link add eth0 type veth peer name far0
must ip link set eth0 up
must ip link set far0 up
must ip link add d0 type dummy

# refused DESCRIPTION ERRNO TEXT COMMAND…: clusterctl's command fails like that, and leaves nothing.
refused() {
  refused_what=$1 refused_errno=$2 refused_text=$3
  shift 3
  like "$refused_what: $refused_errno" "$(clusterctl "$@" 2>&1 >/dev/null)" \
    ": $refused_errno: .*$refused_text"
}

# refused_value DESCRIPTION ERRNO TEXT ATTRIBUTE=VALUE…: for a new device, and for one that is there.
refused_value() {
  refused_value_what=$1 refused_value_errno=$2 refused_value_text=$3
  shift 3
  refused "$refused_value_what" "$refused_value_errno" "$refused_value_text" add bad0 eth0 \
    01:00:5e:40:00:77 "$@"
  refused "$refused_value_what, changed" "$refused_value_errno" "$refused_value_text" set cluster0 \
    "$@"
}

# The lower device
refused 'no lower device' EINVAL 'needs a lower device' add bad0 - $mac
refused 'a loopback below' EINVAL 'no Ethernet device' add bad0 lo $mac
must ip link add br0 type bridge
must ip link set d0 master br0
refused 'the port of a bridge below' EBUSY 'receive handler' add bad0 d0 $mac
must ip link set d0 nomaster
must ip link add mv0 link d0 type macvlan
refused 'the base of a macvlan below' EBUSY 'receive handler' add bad0 d0 $mac
must ip link del mv0
if ip link add bond0 type bond 2>/dev/null; then
  must ip link set d0 down
  must ip link set d0 master bond0
  refused 'the port of a bond below' EBUSY 'receive handler' add bad0 d0 $mac
  must ip link del bond0
else
  skip 'the port of a bond below: EBUSY' 'no bonding'
fi
ok 'control: freed of all that, it may be below' clusterctl add good0 d0 $mac
not_ok 'then it can be no port of a bridge' ip link set d0 master br0
not_ok 'nor have a macvlan' ip link add mv0 link d0 type macvlan
must ip link del good0
ok 'control: afterwards it can' ip link set d0 master br0

# The cluster MAC
must clusterctl add cluster0 eth0 $mac key=pair lease=forever buckets=all cookie=abcd
own=$(ip -o link show dev eth0 | sed 's/.*ether \([0-9a-f:]*\).*/\1/')
refused 'a MAC of zeros' EADDRNOTAVAIL 'cluster MAC must be' add bad0 eth0 00:00:00:00:00:00
refused 'the broadcast MAC' EADDRNOTAVAIL 'cluster MAC must be' add bad0 eth0 ff:ff:ff:ff:ff:ff
refused "the lower device's own MAC" EADDRINUSE "lower device's own" add bad0 eth0 "$own"
refused 'a second device with the same MAC' EEXIST 'another clusterdev' add bad0 eth0 $mac
ok 'control: another MAC may be beside it' clusterctl add good0 eth0 01:00:5e:40:00:65
not_ok 'a device cannot change to the MAC of another' ip link set good0 address $mac
must ip link del good0
ok 'control: and a unicast one that no port has' clusterctl add good0 eth0 02:00:5e:40:00:65
must ip link del good0
refused 'a clusterdev on a clusterdev' ELOOP 'clusterdev itself' add bad0 cluster0 \
  01:00:5e:40:00:66

# What cannot be on top of it
not_ok 'it can be no port of a bridge' ip link set cluster0 master br0
not_ok 'nor have a macvlan' ip link add mv0 link cluster0 type macvlan
not_ok 'its MTU cannot exceed the lower one' ip link set cluster0 mtu 9000

# Values
refused_value 'an unknown key' ERANGE '' key=4
refused_value 'an unknown side' ERANGE '' side=2
refused_value 'a mark of eight bits' EINVAL 'nine adjacent bits' mark=0xff00000
refused_value 'a mark of ten bits' EINVAL 'nine adjacent bits' mark=0x3ff00000
refused_value 'a mark with a gap' EINVAL 'nine adjacent bits' mark=0x2ff00000
ok 'control: a mark of nine bits' clusterctl set cluster0 mark=0x1ff00000
ok 'control: the nine highest bits' clusterctl set cluster0 mark=0xff800000
refused_value 'an IPv4 prefix of 33 bits' EINVAL 'up to 32 bits' inside=10.0.0.0/33
refused_value 'an IPv6 prefix of 129 bits' ERANGE '' inside=2001:db8::/129
seventeen=$(seq 1 17 | sed 's|.*|10.&.0.0/16|' | paste -sd , -)
refused_value 'seventeen inside prefixes' E2BIG 'more than 16' inside="$seventeen"
ok 'control: sixteen' clusterctl set cluster0 inside="${seventeen%,*}"
refused_value 'a prefix without a length' EINVAL 'an address and a length' \
  raw=$((6 | 0x8000)):0c000180080002000a000000
refused_value 'counters' EINVAL '' raw=13:00000000

# Lengths: numbers of attributes by kmod/clusterdev/clusterdev.h.
refused_value 'a key of four bytes' '(EINVAL|ERANGE)' '' raw=2:00000000
refused_value 'a seed of four bytes' '(EINVAL|ERANGE)' '' raw=4:00000000
refused_value 'a responsibility of 31 bytes' '(EINVAL|ERANGE)' '' \
  raw=8:00000000000000000000000000000000000000000000000000000000000000
refused_value 'a lease of seven bytes' '(EINVAL|ERANGE)' '' raw=9:00000000000000
refused_value 'a cookie of 15 bytes' '(EINVAL|ERANGE)' '' raw=11:000000000000000000000000000000

# State pages
refused_value 'a descriptor that is none' EBADF 'open /dev/clusterdev' state=99
refused_value 'a descriptor of something else' EINVAL 'open /dev/clusterdev' state=/dev/null
ok 'control: one of /dev/clusterdev' clusterctl set cluster0 state=/dev/clusterdev
like 'what was refused has changed nothing' "$(clusterctl show cluster0)" '^key=pair$'
like 'what was refused has changed nothing: cookie' "$(clusterctl show cluster0)" '^cookie=abcd$'
like 'the seed is not shown' "$(clusterctl show cluster0)" '^seed_shown=no$'
not_ok 'no device was made by what was refused' ip link show dev bad0

mkfifo /run/page /run/page.out
holder=$(clusterctl hold /run/page /run/page.out)
ask_page() {
  echo "$*" >/run/page
  read -r page_answer </run/page.out
  echo "$page_answer"
}
is 'adopting from no device' "$(ask_page adopt nothing0)" 'error ENODEV'
is 'adopting from another kind of device' "$(ask_page adopt eth0)" 'error ENODEV'
must ip netns add other
must ip link set far0 netns other
must clusterctl -n other add cluster1 far0 $mac
index=$(ip -n other -o link show dev cluster1 | sed 's/:.*//')
must ip link add dummy9 index "$((index + 100))" type dummy
is 'adopting from a device of another namespace' "$(ask_page adopt cluster1)" 'error ENODEV'
like 'control: from one of this namespace' "$(ask_page adopt cluster0)" '^ok'
like 'then the page is that of the device' "$(ask_page lease 0)" '^ok'
is 'a file that is mapped adopts nothing' "$(ask_page adopt cluster0)" 'error EBUSY'
kill "$holder"

# Without privilege
is '/dev/clusterdev is root'"'"'s alone' "$(stat -c %a:%u /dev/clusterdev)" 600:0
echo 'nobody:x:65534:65534::/:/bin/sh' >/etc/passwd
as_nobody() { busybox su -s /bin/sh nobody -c "$1" 2>&1; }
if as_nobody 'unshare -Urn true' >/dev/null; then
  like "nor do they reach a page of the system's from a namespace of their own" \
    "$(as_nobody "unshare -Urn sh -c 'ip link add v0 type veth peer name v1 &&
      clusterctl add cluster0 v0 $mac state=/dev/clusterdev'")" ': EBADF: '
else
  skip "nor do they reach a page of the system's from a namespace of their own" \
    'no user namespaces for users'
fi

must ip link del cluster0
must ip netns del other
ok 'the module goes' modprobe -r clusterdev
finish
