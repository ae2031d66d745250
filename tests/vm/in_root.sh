#!/bin/sh
# in_root.sh ROOT FOLDER COMMAND…: runs COMMAND in the unpacked system ROOT, in FOLDER of this system,
# which it sees as /m. To be called in a mount namespace of its own.
set -eu
root=$1 folder=$2
shift 2
mount --bind "$folder" "$root/m"
mount --rbind /dev "$root/dev"
mount -t proc proc "$root/proc"
exec chroot "$root" env -i PATH=/usr/sbin:/usr/bin LC_ALL=C "$@"
