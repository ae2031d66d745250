# `avail kmod status | load | unload` where a kernel takes the module, and where it refuses it. The
# commands run in one process (kmod.ts): in an emulator, starting them is what takes long.
. /test/lib.sh
must mount -t securityfs securityfs /sys/kernel/security
export DENO_DIR=/deno DENO_NO_UPDATE_CHECK=1 NO_COLOR=1 HOME=/root
exec deno run -A --quiet --no-check --cached-only --config /avail/deno.json /avail/tests/vm/guest/kmod.ts
