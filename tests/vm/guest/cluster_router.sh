# The router shape: both directions of a flow meet at one node, whose filter knows its state. Part of
# cluster.sh.
# shellcheck shell=dash

# Nothing is known beforehand, and nothing is guessed: a flow that is not seen whole is dropped.
cat >/tmp/filter <<'RULES'
table inet f {
  chain forward {
    type filter hook forward priority 0; policy drop;
    ct state established,related accept
    iifname { "cluster1", "eth1" } drop
    ct state new tcp flags & (syn|ack) == syn accept
    ct state new meta l4proto { udp, icmp, icmpv6 } accept
  }
}
RULES
on_shares key=pair lease=forever
deal $thirds
for node in $nodes; do
  must at "$node" nft -f /tmp/filter
  must at "$node" sysctl -qw net.netfilter.nf_conntrack_tcp_loose=0
done
server_pid=$(clusterctl -n s serve s 80)

for way in tcp udp; do
  same "each client reaches the server: $way" "$(ask $way $server 80 $first)" \
    "$(each_once $first s)"
  same "each client reaches the server over IPv6: $way" "$(ask $way $server6 80 $first6)" \
    "$(each_once $first6 s)"
done
same 'ping is answered once' "$(ask ping $server 0 $first)" "$(each_once $first reply)"
same 'ping over IPv6 is answered once' "$(ask ping $server6 0 $first6)" "$(each_once $first6 reply)"
for node in $nodes; do
  same "conntrack of $node knows the flows of its buckets and no others" \
    "$(at "$node" conntrack -L -d $server -p tcp 2>/dev/null |
      grep -oE '^[^=]* src=10.0.0.2[0-9]*' | sed 's/.*=//' | sort -u)" \
    "$(owners pair $first $server $thirds | sed -n "s/ $node\$//p")"
done
is 'ping in fragments is answered once' \
  "$(at c ping -q -c 2 -i 0.2 -s 3000 -I $first $server | grep -o '[0-9]* packets received.*')" \
  '2 packets received, 0% packet loss'
same 'ping in fragments over IPv6 is answered once' \
  "$(at c ping6 -q -c 2 -i 0.2 -s 3000 -I $first6 $server6 | grep -o '[0-9]* packets received.*')" \
  '2 packets received, 0% packet loss'
for node in $nodes; do must clusterctl -n "$node" set cluster1 key=source; done
isnt 'control: with another key on the inside, answers reach a node that knows nothing of them' \
  "$(ask udp $server 80 $first wait=700)" "$(each_once $first s)"
for node in $nodes; do must clusterctl -n "$node" set cluster1 key=pair; done

# Who takes a frame. The clients' and the server's caches are fixed: nothing else is to be counted.
must ip -n c neigh replace $vip lladdr $mac dev eth0 nud permanent
must ip -n c neigh replace $vip6 lladdr $mac dev eth0 nud permanent
must ip -n s neigh replace $inside_vip lladdr $inside_mac dev eth1 nud permanent
must ip -n s neigh replace $inside_vip6 lladdr $inside_mac dev eth1 nud permanent

# goes DESCRIPTION KEY FRAME…: from a client, to the node that bucket.h names.
goes() {
  goes_what=$1 goes_key=$2
  shift 2
  is "$goes_what, key $goes_key" "$(takers cluster0 c eth0 eth=$mac "$@")" \
    "$(by_owner "$(bucket_owner "$(clusterctl bucket key="$goes_key" seed=$seed \
      eth=$mac "$@")")")"
}

# malformed DESCRIPTION FRAME…: all nodes drop it, and count it.
malformed() {
  malformed_what=$1
  shift
  malformed_before=$(for node in $nodes; do counts "$node" cluster0 malformed; done)
  is "$malformed_what goes to nobody" "$(takers cluster0 c eth0 "$@")" '0 0 0  0 0 0'
  is "$malformed_what is counted" \
    "$(for node in $nodes; do counts "$node" cluster0 malformed; done)" \
    "$(for count in $malformed_before; do echo $((count + 1)); done)"
}

four="ip=$first,$server"
six="ip=$first6,$server6"
router=10.1.0.60
router6=2001:db8:1::60
error4="ip=$router,$first icmp=3,4 ip=$first,$server udp=4000,9"
error6="ip=$router6,$first6 icmp=2,0 ip=$first6,$server6 udp=4000,9"
for key in pair flow; do
  on_shares key=$key
  goes 'UDP' $key $four udp=4000,9
  goes 'the same flow over IPv6 behind extension headers' $key $six ext=0 ext=60 udp=4000,9
  goes 'a first fragment' $key $four frag=0,1,9 udp=4000,9 payload=64
  goes 'a later fragment' $key $four frag=72,0,9 proto=17 payload=64
  goes 'a later fragment of IPv6' $key $six frag=72,0,9 proto=17 payload=64
  goes 'an ICMP error about a flow' $key $error4
  goes 'an ICMPv6 error about a flow' $key $error6
done
isnt 'control: the node of such an error is not that of its outer addresses' \
  "$(bucket_owner "$(clusterctl bucket key=pair seed=$seed eth=$mac $error4)")" \
  "$(bucket_owner "$(clusterctl bucket key=pair seed=$seed eth=$mac ip=$router,$first proto=1)")"
malformed 'a packet that is cut short' eth=$mac $four cut=4
malformed 'a packet with too many extension headers' \
  eth=$mac $six ext=60 ext=60 ext=60 ext=60 ext=60 ext=60 ext=60 udp=1,2

on_shares key=flow
same 'key flow: each client reaches the server by TCP' "$(ask tcp $server 80 $first)" \
  "$(each_once $first s)"
is 'key flow: a fragmented ping is answered once' \
  "$(at c ping -q -c 2 -i 0.2 -s 3000 -I $first $server | grep -o '[0-9]* packets received.*')" \
  '2 packets received, 0% packet loss'
for node in $nodes; do
  must clusterctl -n "$node" set cluster0 key=inside side=inside inside=10.0.0.0/24,2001:db8::/64
  must clusterctl -n "$node" set cluster1 key=inside side=outside inside=10.0.0.0/24,2001:db8::/64
done
same 'key inside: each client reaches the server by TCP' "$(ask tcp $server 80 $first)" \
  "$(each_once $first s)"
same 'key inside: each client reaches the server by TCP over IPv6' "$(ask tcp $server6 80 $first6)" \
  "$(each_once $first6 s)"

# Errors reach the client through the node that knows the flow.
on_shares key=pair
send_flow="clusterctl -n c send eth0 eth=$mac $four udp=4000,9"
send_error="clusterctl -n s send eth1 eth=$inside_mac $error4"
must $send_flow
is 'an error from behind about its flow reaches the client, once' \
  "$(seen_by c eth0 "ip=$router>$first .*icmp=3" $send_error)" 1
is 'control: one about a flow that nobody has does not' \
  "$(seen_by c eth0 "ip=$router>$first .*icmp=3" clusterctl -n s send eth1 eth=$inside_mac \
    ip=$router,$first icmp=3,4 ip=$first,$server udp=4001,9)" 0

# Without a lease nothing is forwarded, in by either device, out by either.
for node in $nodes; do must clusterctl -n "$node" set cluster0 lease=0; done
is 'no lease on the inside: nothing reaches the server' \
  "$(seen_by s eth1 "ip=$first>$server" $send_flow)" 0
for node in $nodes; do
  must clusterctl -n "$node" set cluster0 lease=forever
  must clusterctl -n "$node" set cluster1 lease=0
done
fenced_before=$(for node in $nodes; do counts "$node" cluster1 lease_expired; done)
is 'no lease on the device that it would leave by: nothing does' \
  "$(seen_by s eth1 "ip=$first>$server" $send_flow)" 0
isnt 'which is counted there' \
  "$(for node in $nodes; do counts "$node" cluster1 lease_expired; done)" "$fenced_before"
by_own_mac="clusterctl -n c send eth0 eth=$(mac_of n1) $four udp=4000,9"
is "what is sent to the node's own MAC is not forwarded either" \
  "$(seen_by s eth1 "ip=$first>$server" $by_own_mac)" 0
for node in $nodes; do must clusterctl -n "$node" set cluster1 lease=forever; done
is 'control: with leases it is' "$(seen_by s eth1 "ip=$first>$server" $send_flow)" 1
is "control: and what is sent to the node's own MAC" \
  "$(seen_by s eth1 "ip=$first>$server" $by_own_mac)" 1

# A gateway on the clients' side of the nodes.
for node in $nodes; do must ip -n "$node" route add 10.9.0.0/24 via 10.0.0.223; done
is 'no redirect is sent for the cluster' \
  "$(seen_by c eth0 "dst=$client_mac .*icmp=5" clusterctl -n c send eth0 eth=$mac \
    ip=$first,10.9.0.1 udp=1,2)" 0
is 'control: a node would send one for itself' \
  "$(seen_by c eth0 "dst=$client_mac .*icmp=5" clusterctl -n c send eth0 eth="$(mac_of n1)" \
    ip=$first,10.9.0.1 udp=1,2)" 1

# The mark's field: valid, and the bucket. What else is in the mark was put there before.
cat >/tmp/marks <<'RULES'
table netdev m {
  chain i { type filter hook ingress device eth0 priority 0; meta mark set 0x80000005; }
}
table ip m {
  set seen { type mark; flags dynamic; size 64; }
  chain p { type filter hook prerouting priority -300; iifname "cluster0" add @seen { meta mark }; }
}
RULES
flow_bucket=$(clusterctl bucket key=pair seed=$seed eth=$mac $four udp=4000,9)
marked=$(bucket_owner "$flow_bucket")
must at "$marked" nft -f /tmp/marks
must $send_flow
sleep 0.05
like 'the mark is left alone where none is asked for' \
  "$(at "$marked" nft list set ip m seen)" 'elements = \{ 0x80000005 \}'
must at "$marked" nft flush set ip m seen
must clusterctl -n "$marked" set cluster0 mark=0x1ff00000
must $send_flow
sleep 0.05
like 'its nine bits get the bucket, and the others stay' "$(at "$marked" nft list set ip m seen)" \
  "elements = \{ $(printf '0x%08x' $((0x80000005 | (0x100 | flow_bucket) << 20))) \}"
must at "$marked" nft flush set ip m seen
must clusterctl -n "$marked" set cluster0 mark=0x1ff
must $send_flow
sleep 0.05
like 'at the place that the mask names' "$(at "$marked" nft list set ip m seen)" \
  "elements = \{ $(printf '0x%08x' $((0x80000000 | 0x100 | flow_bucket))) \}"
must clusterctl -n "$marked" set cluster0 mark=0
must at "$marked" nft delete table ip m
must at "$marked" nft delete table netdev m

# Slices of a NAT address: bucket b has ports from 1024 + 252 b on.
for node in $nodes; do must clusterctl -n "$node" set cluster0 nat=$vip; done
for bucket in 0 100 255; do
  is "port $((1024 + 252 * bucket + 251)) of the NAT address belongs to bucket $bucket" \
    "$(takers cluster0 c eth0 eth=$mac ip=$first,$vip udp=80,$((1024 + 252 * bucket + 251)))" \
    "$(by_owner "$(bucket_owner $bucket)")"
done
is 'an echo identifier as well' \
  "$(takers cluster0 c eth0 eth=$mac ip=$first,$vip icmp=0,0,$((1024 + 252 * 100)))" \
  "$(by_owner "$(bucket_owner 100)")"
is 'ports below 1024 go by the key' \
  "$(takers cluster0 c eth0 eth=$mac ip=$first,$vip udp=4000,9)" \
  "$(by_owner "$(bucket_owner "$(clusterctl bucket key=pair seed=$seed eth=$mac \
    ip=$first,$vip udp=4000,9)")")"
is 'the other addresses, too' \
  "$(takers cluster0 c eth0 eth=$mac ip=$first,$server udp=4000,2000)" \
  "$(by_owner "$(bucket_owner "$(clusterctl bucket key=pair seed=$seed eth=$mac \
    ip=$first,$server udp=4000,2000)")")"
malformed 'another protocol to the NAT address' eth=$mac ip=$first,$vip proto=47 payload=20
kill "$server_pid"
