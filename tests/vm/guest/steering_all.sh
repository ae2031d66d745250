# The namespace tests that the xdp backend passes on the host, with devices of the module.
. /test/lib.sh
. /test/deno.sh
load clusterdev
try_load nf_conntrack 8021q bonding bridge macvlan veth
AVAIL_TEST_BACKEND=clusterdev deno run -A /avail/tests/netns/steering.js
