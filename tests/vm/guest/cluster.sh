# A whole cluster on one switch: neighbours, the service shape, then the router shape.
. /test/lib.sh
. /test/cluster_lab.sh

lab_up source
for part in neighbours service router device; do
  [ -e /test/cluster_$part.sh ] || continue
  note "$part, $(now)"
  . /test/cluster_$part.sh
done
note "end, $(now)"
finish
