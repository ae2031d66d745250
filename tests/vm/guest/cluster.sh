# A whole cluster on one switch: neighbours, the service shape, the router shape, and the device as the
# network stack sees it.
. /test/lib.sh
. /test/cluster_lab.sh

lab_up source
for part in neighbours service router device; do
  note "$part, at $(now)"
  . /test/cluster_$part.sh
done
note "end, at $(now)"
finish
