# The device as the network stack sees it: it follows the lower one, packet sockets see what it takes,
# large and scattered buffers pass. Part of cluster.sh.
# shellcheck shell=dash

shown() { ip -n n1 -o link show dev "${1:-cluster0}"; }

on_shares key=source nat=0.0.0.0
deal $thirds
servers=$(for node in $nodes; do clusterctl -n "$node" serve "$node" 80; done)

# MTU
must ip -n n1 link set eth0 mtu 1400
like 'the MTU follows the lower device down' "$(shown)" 'mtu 1400 '
not_ok 'it cannot exceed it' ip -n n1 link set cluster0 mtu 1401
must ip -n n1 link set eth0 mtu 1500
like 'and up' "$(shown)" 'mtu 1500 '
must ip -n n1 link set cluster0 mtu 1300
must ip -n n1 link set eth0 mtu 1450
like 'one of its own stays' "$(shown)" 'mtu 1300 '
must ip -n n1 link set eth0 mtu 1500
must ip -n n1 link set cluster0 mtu 1500

# Carrier
must ip link set n1-eth0 down
ok 'the carrier goes with the lower one' wait_until 5 sh -c \
  'ip -n n1 -o link show dev cluster0 | grep -q NO-CARRIER'
must ip link set n1-eth0 up
ok 'and comes back' wait_until 5 sh -c \
  'ip -n n1 -o link show dev cluster0 | grep -q LOWER_UP'
must ip -n n1 link set eth0 down
ok 'it is off while the lower device is down' wait_until 5 sh -c \
  'ip -n n1 -o link show dev cluster0 | grep -q -e NO-CARRIER -e "state LOWERLAYERDOWN"'
must ip -n n1 link set eth0 up
ok 'and back with it' wait_until 5 sh -c 'ip -n n1 -o link show dev cluster0 | grep -q LOWER_UP'
wait_until 5 sh -c 'ip -n n1 -o link show dev eth0 | grep -q "state UP"'
# Routes and IPv6 addresses went with the lower device.
must ip -n n1 -6 addr replace 2001:db8::11/64 dev eth0 nodad

# Features
if command -v ethtool >/dev/null; then
  feature() { at n1 ethtool -k cluster0 | sed -n "s/^$1: //p"; }
  must at n1 ethtool -K eth0 rx off
  is 'receive checksums go with the lower device' "$(feature rx-checksumming | cut -c -3)" off
  must at n1 ethtool -K eth0 rx on
  is 'and come back' "$(feature rx-checksumming)" on
  is 'it leaves segmentation to the lower device' "$(feature tcp-segmentation-offload)" on
  must at n1 ethtool -K eth0 tx off
  same 'which segments and sums in software if it must: TCP' \
    "$(clusterctl -n c who tcp $vip 80 $first 8)" "$(owners source $first $vip $thirds | head -n 8)"
  must at n1 ethtool -K eth0 tx on gro on
else
  skip 'features follow the lower device' 'no ethtool'
fi

# Addresses in the lower device's filter
like 'the cluster MAC is in the filter while the device is up' \
  "$(ip -n n1 maddr show dev eth0)" $mac
must ip -n n1 link set cluster0 down
unlike 'and not while it is down' "$(ip -n n1 maddr show dev eth0)" $mac
is 'a device that is down takes nothing' \
  "$(takers cluster0 c eth0 eth=$mac ip=$first,$vip udp=1,2 | cut -c 1)" 0
must ip -n n1 link set cluster0 up
must ip -n n1 -6 addr replace $vip6/128 dev cluster0 nodad noprefixroute preferred_lft 0
must ip -n n1 link set cluster0 address 01:00:5e:40:00:66
like 'a new cluster MAC enters the filter' "$(ip -n n1 maddr show dev eth0)" 01:00:5e:40:00:66
unlike 'and the old one leaves it' "$(ip -n n1 maddr show dev eth0)" $mac
must ip -n n1 link set cluster0 address $mac
not_ok 'a group address that all have is refused' ip -n n1 link set cluster0 address \
  ff:ff:ff:ff:ff:ff

# The lower device's own MAC
must ip -n n1 link set eth0 address 02:00:00:00:01:aa
deal 0-255 none none
is 'frames leave with the new MAC of the lower device' \
  "$(clusterctl -n c sniff eth0 200 clusterctl -n c who udp $vip 80 $first 4 2>/dev/null |
    grep "ip=$vip>" | grep -o 'src=[^ ]*' | sort -u)" src=02:00:00:00:01:aa
deal $thirds

# Packet sockets
mine=$(owners source $first $vip $thirds | grep -c 'n1$')
seen=$(clusterctl -n n1 sniff cluster0 200 clusterctl -n c who udp $vip 80 $first $clients 2>/dev/null |
  grep "dir=in .*>$vip ")
is 'a packet socket on the device sees what it takes, and nothing else' \
  "$(echo "$seen" | grep -c "dst=$mac")" "$mine"
is 'one on the lower device sees all' \
  "$(clusterctl -n n1 sniff eth0 200 clusterctl -n c who udp $vip 80 $first $clients 2>/dev/null |
    grep -c "dir=in .*>$vip ")" $clients
for source in $mac 02:00:00:00:0b:ad; do
  is "a source of $source, given by a packet socket, is replaced" \
    "$(clusterctl -n c sniff eth0 200 clusterctl -n n1 send cluster0 eth=$client_mac,$source \
      ip=$vip,$first udp=7,9 2>/dev/null | grep "ip=$vip>$first " | grep -o 'src=[^ ]*')" \
    src=02:00:00:00:01:aa
done

# A lower device that hears everything
must ip -n n1 link set eth0 promisc on
is 'frames to other hosts are not taken' \
  "$(takers cluster0 c eth0 eth=02:00:00:00:0b:ad ip=$first,$vip udp=1,2)" '0 0 0  0 0 0'
same "promiscuous mode changes nobody's service" "$(ask udp $vip 80 $first)" \
  "$(owners source $first $vip $thirds)"
must ip -n n1 link set eth0 promisc off
must ip -n n1 link set cluster0 promisc on
same 'nor does that of the device itself' \
  "$(ask udp $vip 80 $first)" "$(owners source $first $vip $thirds)"
must ip -n n1 link set cluster0 promisc off

# Much data: segments are joined and split on the way, and arrive as they were.
is 'a service gets 4 MB as they were sent' "$(at c clusterctl pour $vip 80 4000000)" equal
is 'and over IPv6' "$(at c clusterctl pour $vip6 80 4000000)" equal
on_shares key=pair
server_pid=$(clusterctl -n s serve s 80)
is '4 MB pass the router' "$(at c clusterctl pour $server 80 4000000)" equal
kill "$server_pid"
on_shares key=source
client_pid=$(clusterctl -n c serve c 80)
deal none none 0-255
must ip -n n3 route add 10.0.0.200/32 dev cluster0 src $vip
is '4 MB leave by the device itself' "$(at n3 clusterctl pour $first 80 4000000 $vip)" equal
is 'which has sent them' "$([ "$(counts n3 cluster0 sent)" -gt 60 ] && echo yes)" yes
must ip -n n3 route del 10.0.0.200/32 dev cluster0
deal $thirds
kill "$client_pid"

# Headers outside the linear part of a buffer
for port in c-eth0 n1-eth0 n2-eth0 n3-eth0 outside; do must ip link set $port mtu 9000; done
must ip -n c link set eth0 mtu 9000
for node in $nodes; do must ip -n "$node" link set eth0 mtu 9000; done
on_shares key=flow
for headers in "ip=$first,$vip udp=4000,9" "ip=$first6,$vip6 ext=60 udp=4000,9"; do
  for linear in 14 20 40; do
    is "with $linear bytes in the linear part: $headers" \
      "$(takers cluster0 c eth0 linear=$linear eth=$mac $headers payload=5000)" \
      "$(by_owner "$(bucket_owner "$(clusterctl bucket key=flow seed=$seed eth=$mac $headers \
        payload=5000)")")"
  done
done
on_shares key=source

# A unicast MAC that no port has: switches flood it, as they never see it as a source. Such a device
# can have VLANs.
unicast=02:00:5e:40:00:64
for node in $nodes; do must ip -n "$node" link set cluster0 address $unicast; done
must ip -n c neigh flush dev eth0 nud all
same 'with a unicast cluster MAC: UDP' "$(ask udp $vip 80 $first)" \
  "$(owners source $first $vip $thirds)"
like 'which clients learn' "$(ip -n c neigh show $vip)" "lladdr $unicast"
for node in $nodes; do
  batch "$node" <<-COMMANDS
	link add link cluster0 name cluster0.20 type vlan id 20
	link set cluster0.20 up
	addr add 10.3.0.100/32 dev cluster0.20 noprefixroute
	route add 10.3.0.0/24 dev cluster0.20 src 10.3.0.100
	COMMANDS
done
batch c <<-COMMANDS
	link add link eth0 name eth0.20 type vlan id 20
	link set eth0.20 up
	$(seq 200 207 | sed 's|.*|addr add 10.3.0.&/24 dev eth0.20|')
	neigh replace 10.3.0.100 lladdr $unicast dev eth0.20 nud permanent
	COMMANDS
same 'a VLAN above the device: tagged frames go by their bucket, too' \
  "$(clusterctl -n c who udp 10.3.0.100 80 10.3.0.200 8)" \
  "$(clusterctl bucket seed=$seed each=10.3.0.200,8,10.3.0.100 | names $thirds)"
must ip -n c link del eth0.20
for node in $nodes; do
  must ip -n "$node" link del cluster0.20
  must ip -n "$node" link set cluster0 address $mac
done
must ip -n c neigh flush dev eth0 nud all
must ip -n n1 link add link cluster0 name cluster0.20 type vlan id 20
not_ok 'with a group address, the kernel lets no VLAN go up above it' \
  ip -n n1 link set cluster0.20 up
must ip -n n1 link del cluster0.20

# A VLAN below the device
for node in n1 n2; do
  must ip -n $node link add link eth0 name eth0.10 type vlan id 10
  must ip -n $node link set eth0.10 up
  must ip -n $node addr add 10.2.0.1${node#n}/24 dev eth0.10
done
share n1 cluster2 eth0.10 $mac 0-127 10.2.0.100 2001:db8:2::100 key=source
share n2 cluster2 eth0.10 $mac 128-255 10.2.0.100 2001:db8:2::100 key=source
must ip -n c link add link eth0 name eth0.10 type vlan id 10
must ip -n c link set eth0.10 up
for i in 200 201 202 203 204 205 206 207; do must ip -n c addr add 10.2.0.$i/24 dev eth0.10; done
want=$(clusterctl bucket seed=$seed each=10.2.0.200,8,10.2.0.100 | names 0-127 128-255)
same 'on a VLAN: UDP' "$(clusterctl -n c who udp 10.2.0.100 80 10.2.0.200 8)" "$want"
same 'on a VLAN: TCP' "$(clusterctl -n c who tcp 10.2.0.100 80 10.2.0.200 8)" "$want"
like 'on a VLAN: one has clients' "$want" 'n1$'
like 'on a VLAN: and the other' "$want" 'n2$'
is 'its frames are none of the untagged device' \
  "$(takers cluster0 c eth0 eth=$mac vlan=10 ip=10.2.0.200,10.2.0.100 udp=1,9 |
    awk '{ print $1, $2, $4, $5 }')" '0 0 0 0'

# shellcheck disable=SC2086
kill $servers
