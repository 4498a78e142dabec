#!/bin/sh
# Print C source that holds the given files as bytes: `const struct bundle_source stdlib_sources[]`.
set -eu
echo '#include "core/bundle.h"'
echo 'extern const struct bundle_source stdlib_sources[];'
i=0
for file in "$@"; do
    i=$((i + 1))
    printf 'static const char file_%d[] = {' $i
    od -An -v -tx1 "$file" | sed 's/ \([0-9a-f][0-9a-f]\)/0x\1,/g'
    echo '0};'
done
echo 'const struct bundle_source stdlib_sources[] = {'
i=0
for file in "$@"; do
    i=$((i + 1))
    printf '    {"%s", file_%d, sizeof file_%d - 1},\n' "$file" $i $i
done
echo '    {0}};'
