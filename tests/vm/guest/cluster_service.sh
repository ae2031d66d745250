# The service shape: each client is served by one node, in whatever way. Part of cluster.sh; key:
# source.
# shellcheck shell=dash

servers=$(for node in $nodes; do clusterctl -n "$node" serve "$node" 80; done)

# served_by_owner TEXT RANGE RANGE RANGE: by either family, one with TCP, one with UDP.
served_by_owner() {
  served_text=$1
  shift
  served_want=$(owners source $first $vip "$@")
  served_want6=$(owners source $first6 $vip6 "$@")
  same "$served_text: TCP" "$(ask tcp $vip 80 $first)" "$served_want"
  same "$served_text: UDP over IPv6" "$(ask udp $vip6 80 $first6)" "$served_want6"
}

for node in $nodes; do
  printf 'table inet f { chain i { type filter hook input priority 0; ct state invalid drop; }; }\n' \
    >/tmp/stateful
  must at "$node" nft -f /tmp/stateful
done
served_by_owner 'each client is served by its owner, once' $thirds
same 'and by UDP' "$(ask udp $vip 80 $first)" "$(owners source $first $vip $thirds)"
same 'and by TCP over IPv6' "$(ask tcp $vip6 80 $first6)" \
  "$(owners source $first6 $vip6 $thirds)"
same 'ping is answered once' "$(ask ping $vip 0 $first)" "$(each_once $first reply)"
same 'ping over IPv6 is answered once' "$(ask ping $vip6 0 $first6)" "$(each_once $first6 reply)"
for node in $nodes; do
  like "$node has clients" "$(owners source $first $vip $thirds)" "$node\$"
done
is 'no node sends from a group address' \
  "$(clusterctl sniff n1-eth0 200 clusterctl -n c who tcp $vip 80 $first $clients 2>/dev/null |
    grep -cE '^dir=in src=.[13579bdf]:')" 0
is 'control: such a frame would be seen' \
  "$(clusterctl sniff n1-eth0 200 clusterctl -n n1 send eth0 eth=ff:ff:ff:ff:ff:ff,$mac \
    ip=10.0.0.11,10.0.0.200 udp=1,2 2>/dev/null | grep -cE '^dir=in src=.[13579bdf]:')" 1
for node in $nodes; do
  same "conntrack of $node knows its own clients and no others" \
    "$(at "$node" conntrack -L -d $vip -p tcp 2>/dev/null |
      grep -oE '^[^=]* src=10.0.0.2[0-9]*' | sed 's/.*=//' | sort -u)" \
    "$(owners source $first $vip $thirds | sed -n "s/ $node\$//p")"
done
is "a node's own address works beside it" \
  "$(clusterctl -n c who ping 10.0.0.12 0 $first 1)" "$first reply"
is "a node's own IPv6 address works beside it" \
  "$(clusterctl -n c who ping 2001:db8::12 0 $first6 1)" "$first6 reply"
like 'under its own MAC' "$(ip -n c -6 neigh show 2001:db8::12)" "lladdr $(mac_of n2)"

deal 0-255 0-255 0-255
same 'control: three owners are three answers to UDP' \
  "$(ask udp $vip 80 $first | awk '{ print NF }' | sort -u)" 4
is 'control: and three to ping' "$(ask ping $vip6 0 $first6 | awk '{ print NF }' | sort -u)" 4

deal none 0-170 171-255
served_by_owner 'n1 gives all it has to n2' none 0-170 171-255

# By the page. What it holds counts from the moment that a device uses it.
for node in $nodes; do
  page_open "$node"
  page_must "$node" give cluster0
done
same 'a new page owns nothing' "$(ask udp $vip 80 $first wait=500)" "$(each_once $first -)"
page_must n1 buckets 0-85
page_must n2 buckets 86-170
page_must n3 buckets 171-255
same 'responsibility without a lease is of no use' \
  "$(ask udp $vip 80 $first wait=500)" "$(each_once $first -)"
is 'nor does anybody answer ARP' "$(asked_arp ff:ff:ff:ff:ff:ff | grep -c "op=reply spa=$vip ")" 0
isnt 'what was refused for that is counted' "$(counts n1 cluster0 lease_expired)" 0
for node in $nodes; do page_must "$node" lease forever; done
served_by_owner 'with a lease, each by its owner' $thirds
page_must n2 buckets none
page_must n3 buckets 86-255
page_must n3 epoch 77
served_by_owner 'n2 gives all it has to n3' 0-85 none 86-255
like 'the link shows what the page says' "$(clusterctl -n n3 show cluster0)" '^buckets=86-255$'
like 'and its epoch' "$(clusterctl -n n3 show cluster0)" '^epoch=77$'
page_must n1 give cluster1
page_must n1 buckets 0-9
is 'devices that share a page switch together' \
  "$(clusterctl -n n1 show cluster0 | grep ^buckets; clusterctl -n n1 show cluster1 |
    grep ^buckets)" "$(printf 'buckets=0-9\nbuckets=0-9')"
page_must n1 buckets 0-85

# A lease that nobody renews.
page_must n1 lease 300
sleep 0.4
same 'n1 is silent when its lease is over, the others are not' \
  "$(ask udp $vip 80 $first wait=700)" "$(owners source $first $vip none none 86-255)"
page_must n3 buckets 0-255
same 'n3 takes over without asking it' "$(ask tcp $vip 80 $first)" "$(each_once $first n3)"

# Mute as well: what its own processes send in the name of the shared address.
say_it="clusterctl -n n1 who udp $first 9 $vip 1 wait=100"
say_it6="clusterctl -n n1 who udp $first6 9 $vip6 1 wait=100"
own="clusterctl -n n1 who udp $first 9 10.0.0.11 1 wait=100"
own6="clusterctl -n n1 who udp $first6 9 2001:db8::11 1 wait=100"
is 'nothing leaves from the shared address' "$(seen_by c eth0 "ip=$vip>$first proto=17" $say_it)" 0
is 'nor from the shared IPv6 address' "$(seen_by c eth0 "ip=$vip6>$first6 proto=17" $say_it6)" 0
is "the node's own traffic goes on" "$(seen_by c eth0 "ip=10.0.0.11>$first proto=17" $own)" 1
is "the node's own IPv6 traffic goes on" "$(seen_by c eth0 "ip=2001:db8::11>$first6 proto=17" $own6)" 1
page_must n1 lease forever
is 'control: with a lease it leaves' "$(seen_by c eth0 "ip=$vip>$first proto=17" $say_it)" 1
is 'control: and from the shared IPv6 address' \
  "$(seen_by c eth0 "ip=$vip6>$first6 proto=17" $say_it6)" 1

# An owner that dies without its kernel.
page_must n1 buckets none
page_must n3 keep 400 50
sleep 1
same 'a lease that is renewed lasts' "$(ask udp $vip 80 $first)" "$(each_once $first n3)"
page_close n3 KILL
sleep 0.5
same 'it ends when the process is killed' \
  "$(ask udp $vip 80 $first wait=700)" "$(each_once $first -)"
page_open n3
is 'a new process adopts the page' "$(page n3 adopt cluster0 | cut -c -2)" ok
like 'and finds in it what was there' "$(page n3 show)" 'lease_ms=0 owned=256 epoch=77'
page_must n3 lease forever
same 'and goes on' "$(ask udp $vip 80 $first)" "$(each_once $first n3)"
is 'a file that is mapped adopts nothing' "$(page n2 adopt cluster0)" 'error EBUSY'

# A node without an address of its own on the share: it reaches it by the cluster device alone.
must ip -n n3 addr del 10.0.0.13/24 dev eth0
must ip -n n3 -6 addr del 2001:db8::13/64 dev eth0
must ip -n n3 route add 10.0.0.0/24 dev cluster0 src $vip
must ip -n n3 -6 route add 2001:db8::/64 dev cluster0 src $vip6
must ip -n n3 neigh flush dev eth0
same 'without an own address it serves all the same: TCP' \
  "$(ask tcp $vip 80 $first)" "$(each_once $first n3)"
same 'without an own address it serves all the same: TCP over IPv6' \
  "$(ask tcp $vip6 80 $first6)" "$(each_once $first6 n3)"
is 'and what it sends passes the cluster device' \
  "$([ "$(counts n3 cluster0 sent)" -gt 50 ] && echo yes)" yes
is 'from a unicast address' \
  "$(clusterctl sniff n3-eth0 200 clusterctl -n c who tcp $vip 80 $first $clients 2>/dev/null |
    grep -cE '^dir=in src=.[13579bdf]:')" 0
page_must n3 lease 0
is 'nothing passes it without a lease' \
  "$(clusterctl sniff n3-eth0 200 clusterctl -n n3 who udp $first 9 $vip 1 wait=100 2>/dev/null |
    grep -c "^dir=in .*ip=$vip>")" 0
must ip -n n3 route del 10.0.0.0/24 dev cluster0
must ip -n n3 -6 route del 2001:db8::/64 dev cluster0
must ip -n n3 addr add 10.0.0.13/24 dev eth0
must ip -n n3 addr add 2001:db8::13/64 dev eth0 nodad

for node in $nodes; do
  page_close "$node"
  must at "$node" nft delete table inet f
done
# shellcheck disable=SC2086
kill $servers
