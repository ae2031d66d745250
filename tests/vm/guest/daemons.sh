# Three `avail run` with devices of the module: daemons.ts tells the story. What it starts are bundles
# that lie where their modules lie in the project.
. /test/lib.sh
load clusterdev
load nf_conntrack_netlink
export DENO_DIR=/tmp/deno DENO_NO_UPDATE_CHECK=1 NO_COLOR=1 DENO_V8_FLAGS=--jitless
deno run -A --no-check /avail/cli/demo/daemons.js
