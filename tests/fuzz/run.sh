#!/bin/sh
# Run one fuzz target for some seconds, from the seeds in tests/fuzz/seeds/<target>/ or the documented examples.
set -eu
target=$1 seconds=$2
name=$(basename "$target")
corpus=$(mktemp -d)
trap 'rm -rf "$corpus"' EXIT
seeds=tests/fuzz/seeds/$name
[ -d "$seeds" ] || seeds=tests/examples
if "$target" -max_total_time="$seconds" -timeout=5 -rss_limit_mb=1024 -verbosity=0 \
    -artifact_prefix="build/$name-" "$corpus" "$seeds" >"build/$name.log" 2>&1; then
    echo "$name: ${seconds}s, nothing found"
else
    tail -n 40 "build/$name.log"
    exit 1
fi
