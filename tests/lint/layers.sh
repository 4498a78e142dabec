#!/bin/sh
# The layers: which folder may include which, from the #include lines. A line "who: whom..." below is all there is
# to it; everything else is refused with the place.
set -eu
cd "$(dirname "$0")/../.."
allowed() {
    case $1 in
    base) echo base ;;
    core) echo base core ;;
    graph) echo base core/event core/command core/bundle graph ;;
    net) echo base net ;;
    bindings) echo base core graph/methods graph/joinlink bindings ;;
    exchange) echo base graph core/bundle net exchange ;;
    journal) echo base core/event core/command journal ;;
    host) echo base core graph net exchange journal host bindings ;;
    esac
}
bad=0
for file in runtime/*/*.[ch] bindings/*.[ch]; do
    case $file in bindings/*) layer=bindings ;; *) layer=$(echo "$file" | cut -d/ -f2) ;; esac
    may=$(allowed "$layer")
    [ -n "$may" ] || { echo "$file: the folder has no line in tests/lint/layers.sh"; bad=1; continue; }
    for include in $(sed -n 's/^#include "\([^"]*\)\.h".*/\1/p' "$file"); do
        ok=
        for m in $may; do
            case $include in "$m" | "$m"/*) ok=1 ;; esac
        done
        [ -n "$ok" ] || { echo "$file: $layer may not know $include.h"; bad=1; }
    done
done
[ $bad = 0 ]
