#!/bin/sh
# What no compiler checks: sizes of files, leftovers, words that do not belong here.
set -eu
cd "$(dirname "$0")/../.."
bad=0
for file in $(git ls-files '*.c' '*.h' '*.lua'); do
    lines=$(wc -l <"$file")
    [ "$lines" -le 800 ] || { echo "$file: $lines lines, more than 800"; bad=1; }
done
if git grep -nwE 'TODO|FIXME|XXX' -- '*.c' '*.h' '*.lua' '*.sh'  ':!tests/lint/style.sh'; then bad=1; fi
if git grep -nE '^(static )?[a-z][a-z_ ]* \*?[a-z_]+( = .*)?;$' -- 'runtime/*.c' 'bindings/*.c' |
    grep -vE 'const|static_assert|typedef|return|extern|goto|thread_local|_Thread_local'; then
    echo "mutable globals: hang them off a struct"
    bad=1
fi
if git grep -n 'cJSON_Duplicate(' -- 'runtime/*.c' 'bindings/*.c'; then
    echo "a copy that shares its names with what it is of: json_copy (base/json.h)"
    bad=1
fi
[ $bad = 0 ]
