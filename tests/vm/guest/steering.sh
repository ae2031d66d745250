# Three of the namespace tests that the xdp backend passes on the host, with devices of the module:
# building the lab and its nodes takes most of them half a minute here. steering_all.sh runs all.
. /test/lib.sh
. /test/deno.sh
load clusterdev
try_load nf_conntrack bridge veth
AVAIL_TEST_BACKEND=clusterdev deno run -A /avail/tests/netns/steering.js \
  'each packet is handled by exactly one' 'a restarted daemon adopts' 'devices are as the shares need them' \
  'what was sent is counted'
