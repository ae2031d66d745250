# The device by itself: tests that are short, in one guest since booting takes longer than each of them.
. /test/lib.sh

# Away with whatever a part has left, and with the module.
tidy() {
  ip -all netns delete
  ip -o link | sed -n 's/^[0-9]*: \([^:@]*\).*/\1/p' | while read -r name; do
    [ "$name" = lo ] || ip link del "$name" 2>/dev/null
  done
  rmmod hold_rtnl clusterdev 2>/dev/null
}

failed=0
for part in smoke refusals lifecycle rtnl; do
  note "$part"
  rm -f /run/tap_count
  TAP_FROM=$tap_count sh "/test/$part.sh" || failed=1
  [ -f /run/tap_count ] || exit 1
  tap_count=$(cat /run/tap_count)
  tidy
done
echo "1..$tap_count"
exit $failed
