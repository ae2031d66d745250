# Both datapaths in one cluster: mixed.ts tells the story. What it starts are bundles
# that lie where their modules lie in the project.
. /test/lib.sh
. /test/deno.sh
load clusterdev
load nf_conntrack_netlink
deno run -A /avail/cli/demo/mixed.js
