# `avail kmod status | load | unload` where a kernel takes the module, and where it refuses it. The
# commands run in one process (kmod.ts): in an emulator, starting them is what takes long.
. /test/lib.sh
must mount -t securityfs securityfs /sys/kernel/security
. /test/deno.sh
exec deno run -A --quiet --no-check /avail/tests/vm/guest/kmod.js
