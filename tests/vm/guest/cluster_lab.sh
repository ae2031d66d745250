# Three nodes that share an address towards clients and one towards servers; all in one guest:
#
#   c  10.0.0.200 … .223                                          s  10.1.0.50
#   |  2001:db8::200 … ::217                                      |  2001:db8:1::50
#  eth0                                                          eth1
#   |          outside                                            |      inside
#   +---------+---------+---------+                     +---------+---------+---------+
#             |         |         |                     |         |         |
#           n1 eth0   n2 eth0   n3 eth0               n1 eth1   n2 eth1   n3 eth1
#           cluster0  cluster0  cluster0              cluster1  cluster1  cluster1
#           10.0.0.100, 2001:db8::100                 10.1.0.100, 2001:db8:1::100
#
# Node K has 10.0.0.1K, 2001:db8::1K, 10.1.0.1K and 2001:db8:1::1K as its own addresses.
# Sourced by dash, after lib.sh.
# shellcheck shell=dash

vip=10.0.0.100
vip6=2001:db8::100
inside_vip=10.1.0.100
inside_vip6=2001:db8:1::100
server=10.1.0.50
server6=2001:db8:1::50
first=10.0.0.200
first6=2001:db8::200
clients=24
mac=01:00:5e:40:00:64
inside_mac=01:00:5e:40:00:65
client_mac=02:00:00:00:09:01
server_mac=02:00:00:00:09:02
no_mac=00:00:00:00:00:00
seed=0x0706050403020100
nodes='n1 n2 n3'
thirds='0-85 86-170 171-255'

# at NAMESPACE COMMAND…
at() {
  at_ns=$1
  shift
  nsenter --net=/run/netns/"$at_ns" "$@"
}

# share NODE DEVICE LOWER MAC BUCKETS ADDRESS4 ADDRESS6 [ATTRIBUTE=VALUE…]: a device that works. It
# gets its addresses as from the daemon, so that nothing picks them as a source, and no link-local one:
# it would be the same on all nodes.
share() {
  share_node=$1 share_dev=$2 share_lower=$3 share_mac=$4 share_buckets=$5 share4=$6 share6=$7
  shift 7
  must clusterctl -n "$share_node" add "$share_dev" "$share_lower" "$share_mac" \
    seed=$seed buckets="$share_buckets" lease=forever "$@"
  batch "$share_node" <<-COMMANDS
	link set $share_dev addrgenmode none
	link set $share_dev up
	addr add $share4/32 dev $share_dev noprefixroute
	addr add $share6/128 dev $share_dev nodad noprefixroute preferred_lft 0
	COMMANDS
}

# batch NAMESPACE: commands of ip, one per line of the input.
batch() {
  cat >/tmp/batch
  must ip -n "$1" -batch /tmp/batch
}

# node_up K BUCKETS KEY
node_up() {
  batch n"$1" <<-COMMANDS
	link set lo up
	link set eth0 up
	link set eth1 up
	addr add 10.0.0.1$1/24 dev eth0
	addr add 10.1.0.1$1/24 dev eth1
	addr add 2001:db8::1$1/64 dev eth0 nodad
	addr add 2001:db8:1::1$1/64 dev eth1 nodad
	COMMANDS
  must at n"$1" sysctl -qw net.ipv4.conf.all.arp_announce=2 net.ipv4.ip_forward=1 \
    net.ipv6.conf.all.forwarding=1
  share n"$1" cluster0 eth0 $mac "$2" $vip $vip6 key="$3"
  share n"$1" cluster1 eth1 $inside_mac "$2" $inside_vip $inside_vip6 key="$3"
}

# The clients and the server. They ask for no routers: that would disturb counters.
hosts_up() {
  must at c sysctl -qw net.ipv6.conf.all.accept_ra=0 net.ipv6.conf.eth0.accept_ra=0
  must at s sysctl -qw net.ipv6.conf.all.accept_ra=0 net.ipv6.conf.eth1.accept_ra=0
  batch c <<-COMMANDS
	link set lo up
	link set eth0 address $client_mac up
	$(seq 200 223 | sed 's|.*|addr add 10.0.0.&/24 dev eth0|')
	$(printf 'addr add 2001:db8::%x/64 dev eth0 nodad\n' $(seq 512 535))
	route add 10.1.0.0/24 via $vip
	route add 2001:db8:1::/64 via $vip6
	COMMANDS
  batch s <<-COMMANDS
	link set lo up
	link set eth1 address $server_mac up
	addr add $server/24 dev eth1
	addr add $server6/64 dev eth1 nodad
	route add 10.0.0.0/24 via $inside_vip
	route add 2001:db8::/64 via $inside_vip6
	COMMANDS
}

# Carriers come with a delay of up to a second.
lab_is_up() {
  [ "$(cat /sys/class/net/*/brport/state | grep -c 3)" = 8 ] || return 1
  for up_node in $nodes; do
    [ "$(ip -n "$up_node" -o link show | grep -cE '(eth|cluster).*LOWER_UP.* state U')" = 4 ] ||
      return 1
  done
}

# lab_up KEY: everything; each node owns a third.
lab_up() {
  must modprobe -a veth bridge clusterdev
  # The switch says nothing itself.
  must sysctl -qw net.ipv6.conf.default.disable_ipv6=1
  add_bridge outside
  add_bridge inside
  for lab_ns in c s $nodes; do must ip netns add "$lab_ns"; done
  {
    for lab_port in outside,c,eth0 inside,s,eth1 outside,n1,eth0 inside,n1,eth1 outside,n2,eth0 \
      inside,n2,eth1 outside,n3,eth0 inside,n3,eth1; do
      echo "$lab_port" | sed 's/\(.*\),\(.*\),\(.*\)/link add \2-\3 type veth peer name \3 netns \2/'
      echo "$lab_port" | sed 's/\(.*\),\(.*\),\(.*\)/link set \2-\3 master \1 up/'
    done
  } >/tmp/ports
  must ip -batch /tmp/ports
  lab_k=0
  for lab_buckets in $thirds; do
    lab_k=$((lab_k + 1))
    node_up $lab_k "$lab_buckets" "$1"
  done
  hosts_up
  must wait_until 20 lab_is_up
}

# on_shares ATTRIBUTE=VALUE…: on both devices of every node.
on_shares() {
  for on_node in $nodes; do
    for on_dev in cluster0 cluster1; do
      must clusterctl -n "$on_node" set $on_dev "$@"
    done
  done
}

# deal BUCKETS BUCKETS BUCKETS: what n1, n2 and n3 own, on both devices.
deal() {
  deal_k=0
  for deal_buckets; do
    deal_k=$((deal_k + 1))
    must clusterctl -n n$deal_k set cluster0 buckets="$deal_buckets"
    must clusterctl -n n$deal_k set cluster1 buckets="$deal_buckets"
  done
}

# names RANGE RANGE RANGE: of "SOURCE BUCKET" lines, the bucket becomes the node that has it; "-":
# nobody.
names() {
  awk -v ranges="$*" '
    BEGIN {
      count = split(ranges, node, " ")
      for (n = 1; n <= count; n++) {
        if (split(node[n], end, "-") == 2)
          for (b = end[1]; b <= end[2]; b++) owner[b] = owner[b] " n" n
      }
    }
    { print $1 (($2 in owner) ? owner[$2] : " -") }'
}

# owners KEY FIRST DST RANGE RANGE RANGE: "SOURCE NODE" for each client, by kmod/bucket.h itself.
owners() {
  owners_key=$1 owners_each=$2,$clients,$3
  shift 3
  clusterctl bucket key="$owners_key" seed=$seed each="$owners_each" | names "$@"
}

# same DESCRIPTION GOT WANTED: lists, of which the differing lines are shown.
same() {
  if [ "$2" != "$3" ]; then
    echo "$2" >/tmp/got
    echo "$3" >/tmp/wanted
    note "$(diff -U 0 /tmp/wanted /tmp/got | grep '^[-+][^-+]')"
  fi
  [ "$2" = "$3" ]
  result $? "$1"
}

# ask tcp|udp|ping DST PORT FIRST [wait=MS]: what answered each client.
ask() {
  ask_way=$1 ask_dst=$2 ask_port=$3 ask_first=$4
  shift 4
  clusterctl -n c who "$ask_way" "$ask_dst" "$ask_port" "$ask_first" $clients "$@"
}

# each_once FIRST ANSWER: what `ask` says if each client has that answer, once.
each_once() {
  clusterctl bucket each="$1",$clients | sed "s/ .*/ $2/"
}

# counts NODE DEVICE NAME…: the counters' values.
counts() {
  counts_node=$1
  shift
  clusterctl -n "$counts_node" show "$@"
}

# takers DEVICE NAMESPACE IF FRAME…: sends a frame and tells how many more each node has accepted, and
# how many more it has refused as another's: "1 0 0  0 1 1".
takers() {
  takers_dev=$1
  shift
  clusterctl takers "$takers_dev" n1,n2,n3 "$@"
}

# by_owner NODE: what `takers` says if that node takes the frame and the others refuse it.
by_owner() {
  case $1 in
    n1) echo '1 0 0  0 1 1' ;;
    n2) echo '0 1 0  1 0 1' ;;
    n3) echo '0 0 1  1 1 0' ;;
    *) echo "no owner: $1" ;;
  esac
}

# bucket_owner BUCKET: among the thirds.
bucket_owner() {
  echo "x $1" | names $thirds | sed 's/.* //'
}

# seen_by NAMESPACE IF PATTERN COMMAND…: how many frames matching it the device sees meanwhile.
seen_by() {
  seen_ns=$1 seen_if=$2 seen_pattern=$3
  shift 3
  clusterctl -n "$seen_ns" sniff "$seen_if" 200 "$@" 2>/dev/null | grep -cE -- "$seen_pattern"
}

# page_open NODE: a process of that node holds a state page.
page_open() {
  must mkfifo /run/page."$1" /run/page."$1".out
  page_pid=$(clusterctl -n "$1" hold /run/page."$1" /run/page."$1".out) || bail 'no state page'
  echo "$page_pid" >/run/page."$1".pid
}

# page NODE COMMAND…: has it obey; its answer is printed.
page() {
  page_node=$1
  shift
  echo "$*" >/run/page."$page_node"
  read -r page_answer </run/page."$page_node".out
  echo "$page_answer"
}

# page_must NODE COMMAND…
page_must() {
  page_said=$(page "$@")
  case $page_said in
    ok*) ;;
    *) bail "page $*: $page_said" ;;
  esac
}

# page_close NODE [SIGNAL]
page_close() {
  kill "-${2:-TERM}" "$(cat /run/page."$1".pid)"
  rm -f /run/page."$1" /run/page."$1".out
}

# mac_of NODE: its own, on the clients' side.
mac_of() {
  ip -n "$1" -o link show dev eth0 | sed 's/.*ether \([0-9a-f:]*\).*/\1/'
}
