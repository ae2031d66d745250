# Three `avail run` with devices of the module: daemons.ts tells the story. What it starts are bundles
# that lie where their modules lie in the project.
. /test/lib.sh
. /test/deno.sh
load clusterdev
load nf_conntrack_netlink
deno run -A /avail/cli/demo/daemons.js
