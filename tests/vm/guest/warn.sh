# Passes by its own account; the warning in the kernel's log must fail the run all the same.
. /test/lib.sh

ok 'a module that warns is loaded' modprobe avail_warn
finish
