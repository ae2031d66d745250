# A build in which one vector expects another bucket: a test of the module's own test.
. /test/lib.sh

not_ok 'with a vector that does not hold it is not loaded' modprobe clusterdev
like 'it says which one' "$(dmesg)" 'clusterdev: vector "[^"]+": bucket [0-9]+, not [0-9]+'
like 'the others hold' "$(dmesg)" 'clusterdev: 160 of 161 vectors'
unlike 'and nothing of it stays' "$(cat /proc/modules)" '^clusterdev '

finish
