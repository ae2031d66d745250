#!/bin/sh
# The guest's first process: runs the script that the kernel's command line names and tells its exit
# code. What it prints goes to the first serial port; the kernel's log goes to the second.
export PATH=/test:/usr/bin:/usr/sbin HOME=/root
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mount -t tmpfs tmp /run
mkdir -p /run/netns /var/run /dev/pts
mount -t devpts pts /dev/pts
exec </dev/null >/dev/ttyS0 2>&1

for word in $(cat /proc/cmdline); do
  case $word in avail.script=*) script=${word#*=} ;; esac
done
ip link set lo up
read -r up _ </proc/uptime
echo "@@ Linux $(uname -r), up after $up s"
cd /root || exit
sh "$script"
rc=$?
read -r up _ </proc/uptime
echo "@@ done after $up s"
# Late reports (RCU callbacks, KFENCE) belong to this run.
sleep 0.2
echo "@@ whole log" >/dev/ttyS1
dmesg >/dev/ttyS1
echo "@@RC $rc"
poweroff -f
