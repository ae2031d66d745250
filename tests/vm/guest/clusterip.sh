# A cluster that runs on iptables CLUSTERIP rules alone is taken over by `avail run` in place, and
# lives on through a failure. The scene:
#
#   c  10.0.0.200 … .211
#   |
#   +---------+---------+      bridge "lan"
#   |         |         |
#   n1        n2        n3     eth0: 10.0.0.11, .12, .13; serving 10.0.0.100
#   slots 1,4 2,5       3,6    of 6, switched on by hand
#
# 10.0.0.101 has rules as well, but no node has that address yet. What follows is one process
# (clusterip.ts): in an emulator, starting one is what takes long.
. /test/lib.sh
load ip_tables
load iptable_filter
load ipt_CLUSTERIP
load nf_conntrack_netlink
add_bridge lan
add_ns c
add_port lan c eth0
for i in $(seq 200 211); do must ip -n c addr add "10.0.0.$i/24" dev eth0; done
for k in 1 2 3; do
  add_ns "n$k"
  add_port lan "n$k" eth0
  must ip -n "n$k" addr add "10.0.0.1$k/24" dev eth0
  must ip -n "n$k" addr add 10.0.0.100/24 dev eth0
  for last in 100 101; do
    must ip netns exec "n$k" iptables -A INPUT -d "10.0.0.$last" -i eth0 -j CLUSTERIP --new \
      --hashmode sourceip --clustermac "01:00:5e:7f:00:$((last - 36))" \
      --total-nodes 6 --local-node "$k" --hash-init "$last"
    in_ns "n$k" sh -c "echo +$((k + 3)) >/proc/net/ipt_CLUSTERIP/10.0.0.$last"
  done
done
. /test/deno.sh
exec deno run -A --no-check /avail/cli/demo/clusterip.js
