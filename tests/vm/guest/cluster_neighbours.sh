# ARP and NDP for the shared address. Part of cluster.sh; key: source.
# shellcheck shell=dash

# asked_arp MAC: requests of all clients for the shared address, sent to that MAC.
asked_arp() {
  asked_frames=$(seq 200 223 |
    sed "s/.*/eth=$1 arp=request,$client_mac,10.0.0.&,$no_mac,$vip +/")
  # shellcheck disable=SC2086
  clusterctl -n c sniff eth0 200 clusterctl -n c send eth0 $asked_frames
}

# asked_ndp MAC DESTINATION
asked_ndp() {
  # shellcheck disable=SC2046
  asked_frames=$(printf "eth=$1 ip=2001:db8::%x,$2 ns=$vip6,$client_mac + " $(seq 512 523))
  # shellcheck disable=SC2086
  clusterctl -n c sniff eth0 200 clusterctl -n c send eth0 $asked_frames
}

# From sniffed answers to "REQUESTER NODE" by the Ethernet source.
senders() {
  sed "s/src=$(mac_of n1)/node=n1/; s/src=$(mac_of n2)/node=n2/; s/src=$(mac_of n3)/node=n3/" |
    sed 's/.* node=\([^ ]*\) .* tpa=\([^ ]*\) .*/\2 \1/; s/.* node=\([^ ]*\) .*>\([^ ]*\) .*/\2 \1/'
}

# The owners' names by the requester alone, for the first $2 clients.
answerers() { clusterctl bucket seed=$seed each="$1","$2" | names $thirds; }

said=$(asked_arp ff:ff:ff:ff:ff:ff)
arp=$(echo "$said" | grep "op=reply spa=$vip ")
same 'ARP: the owner of each requester answers, and only it' \
  "$(echo "$arp" | senders | sort)" "$(answerers $first 24)"
is 'ARP: all answers name the cluster MAC' "$(echo "$arp" | grep -c "sha=$mac")" 24
is 'ARP: no frame has a group address as its source' \
  "$(echo "$said" | grep -cE 'src=.[13579bdf]:')" 0
same 'ARP: requests sent to the cluster MAC are answered in the same way' \
  "$(asked_arp $mac | grep "op=reply spa=$vip " | senders | sort)" "$(answerers $first 24)"

ndp=$(asked_ndp 33:33:ff:00:01:00 ff02::1:ff00:100 | grep "icmp=136 target=$vip6 ")
same 'NDP: the owner of each requester answers, and only it' \
  "$(echo "$ndp" | senders | sort)" "$(answerers $first6 12)"
is 'NDP: all answers name the cluster MAC' "$(echo "$ndp" | grep -c "lladdr=$mac")" 12
same 'NDP: solicitations sent to the cluster MAC are answered in the same way' \
  "$(asked_ndp $mac $vip6 | grep "icmp=136 target=$vip6 " | senders | sort)" \
  "$(answerers $first6 12)"

# The same counting sees what is wrong.
deal 0-255 0-255 0-255
same 'control: three owners of one requester are three answers' \
  "$(asked_arp ff:ff:ff:ff:ff:ff | grep -c "op=reply spa=$vip ")" 72
deal none none none
is 'control: without an owner nobody answers' \
  "$(asked_ndp 33:33:ff:00:01:00 ff02::1:ff00:100 | grep -c "icmp=136 target=$vip6 ")" 0
deal $thirds

# Duplicate address detection and announcements of peers.
probe_arp="eth=ff:ff:ff:ff:ff:ff arp=request,$client_mac,0.0.0.0,$no_mac"
probe_ndp='ip=::,ff02::1:ff00'
neighbours_before=$(counts n1 cluster0 neighbour)
is 'a probe for the shared IPv4 address is not defended against' \
  "$(seen_by c eth0 "op=reply spa=$vip " clusterctl -n c send eth0 $probe_arp,$vip)" 0
is 'control: a probe for an address of its own is' \
  "$(seen_by c eth0 'op=reply spa=10.0.0.11 ' clusterctl -n c send eth0 $probe_arp,10.0.0.11)" 1
is 'a probe for the shared IPv6 address is not defended against' \
  "$(seen_by c eth0 'icmp=136' \
    clusterctl -n c send eth0 eth=33:33:ff:00:01:00 $probe_ndp:100 ns=$vip6)" 0
is 'control: a probe for an own IPv6 address is' \
  "$(seen_by c eth0 'icmp=136' \
    clusterctl -n c send eth0 eth=33:33:ff:00:00:11 $probe_ndp:11 ns=2001:db8::11)" 1
is 'the probes were counted' \
  $(($(counts n1 cluster0 neighbour) - neighbours_before)) 2

neighbours_before=$(counts n1 cluster0 neighbour)
must clusterctl -n c send eth0 eth=ff:ff:ff:ff:ff:ff arp=request,$mac,$vip,$no_mac,$vip
must clusterctl -n c send eth0 eth=33:33:00:00:00:01 ip=$vip6,ff02::1 na=$vip6,$mac
sleep 0.1
is "a peer's announcements by ARP and NDP are dropped" \
  $(($(counts n1 cluster0 neighbour) - neighbours_before)) 2
must clusterctl -n c send eth0 eth=ff:ff:ff:ff:ff:ff \
  arp=request,$client_mac,$vip,$no_mac,$vip
sleep 0.1
is "control: a stranger's is not taken for a peer's" \
  $(($(counts n1 cluster0 neighbour) - neighbours_before)) 2
unlike 'no address is a duplicate' "$(ip -n n1 addr; ip -n n2 addr; ip -n n3 addr)" dadfailed

# What a node itself says about the shared address.
announced=$(clusterctl -n c sniff eth0 200 nsenter --net=/run/netns/n1 \
  arping -q -U -c 1 -I cluster0 -s $vip $vip 2>/dev/null | grep "spa=$vip ")
like 'an announcement names the cluster MAC' "$announced" "sha=$mac"
like "and leaves with the node's own MAC" "$announced" "src=$(mac_of n1)"

# A client's kernel learns it, and refreshes it.
must ip -n c neigh flush dev eth0
ask ping $vip 0 $first >/dev/null
ask ping $vip6 0 $first6 >/dev/null
like "a client's ARP entry is the cluster MAC" "$(ip -n c neigh show $vip)" "lladdr $mac"
like "a client's neighbour entry is the cluster MAC" "$(ip -n c -6 neigh show $vip6)" \
  "lladdr $mac"
like "the lower device's filter has the cluster MAC" "$(ip -n n1 maddr show dev eth0)" $mac
like 'and the solicited-node group' "$(ip -n n1 maddr show dev eth0)" 33:33:ff:00:01:00
