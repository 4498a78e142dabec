#!/bin/sh
# Run the tests of the build in $1, all kinds or those named after it: unit flows trace hangups faults replay crash crash-all blackbox. Each prints
# "name: N passed, N failed"; the sum comes last. BLACKBOX="crash phone" leaves the other black-box tests out.
set -u
build=$1
shift
kinds=${*:-unit flows trace hangups faults replay crash blackbox}
ivory=$build/ivory
log=$build/test.log
passed=0 failed=0
: >"$log"
export IVORY="$PWD/$ivory"
export ASAN_OPTIONS=detect_leaks=1 UBSAN_OPTIONS=print_stacktrace=1
export TSAN_OPTIONS="log_path=$PWD/$build/race history_size=7"
rm -f "$build"/race.*

# count NAME COMMAND...: run it, read "N passed, N failed" from its last line.
count() {
    name=$1
    shift
    "$@" >"$build/out.txt" 2>&1
    status=$?
    cat "$build/out.txt" >>"$log"
    line=$(grep -E '[0-9]+ passed, [0-9]+ failed' "$build/out.txt" | tail -n 1)
    p=$(echo "$line" | sed -nE 's/(^|.*[^0-9])([0-9]+) passed, [0-9]+ failed.*/\2/p')
    f=$(echo "$line" | sed -nE 's/.* ([0-9]+) failed.*/\1/p')
    if [ -z "$p" ] || [ -z "$f" ] || { [ $status != 0 ] && [ "$f" = 0 ]; }; then
        p=${p:-0}
        f=$((${f:-0} + 1))
        echo "$name: ended with status $status"
    fi
    [ "$f" = 0 ] || tail -n 40 "$build/out.txt"
    echo "$name: $p passed, $f failed"
    passed=$((passed + p)) failed=$((failed + f))
}

# Two runs of the same tests, in two processes: the same events and commands, byte for byte.
same_twice() {
    good=0 bad=0
    for dir in flows tests/flows; do
        for run in 1 2; do
            "$ivory" test "$dir" --trace "$build/trace.$run" >"$build/trace.out" 2>&1 || cat "$build/trace.out"
        done
        if [ -s "$build/trace.1" ] && cmp "$build/trace.1" "$build/trace.2"; then
            good=$((good + 1))
        else
            bad=$((bad + 1))
        fi
    done
    echo "$good passed, $bad failed"
}

for kind in $kinds; do
    case $kind in
    unit) count unit "$build/unit" ;;
    flows)
        count "flows" "$ivory" test flows
        count "tests/flows" "$ivory" test tests/flows
        ;;
    trace) count "same twice" same_twice ;;
    hangups) count "hang-up at every wait" "$ivory" test flows --hangups ;;
    faults) count "faults" "$ivory" test flows --faults ;;
    replay) count "every call built anew after every event" "$ivory" test flows --replay ;;
    crash)
        count "a crash at a journal entry" "$ivory" test flows --crash --sample 4
        count "a crash at a journal entry (tests/flows)" "$ivory" test tests/flows --crash --sample 2
        ;;
    crash-all)
        count "a crash at every journal entry" "$ivory" test flows --crash
        count "a crash at every journal entry (tests/flows)" "$ivory" test tests/flows --crash
        ;;
    blackbox)
        rm -rf "$build/blackbox"
        mkdir -p "$build/blackbox"
        for test in tests/blackbox/*_test.*; do
            [ -e "$test" ] || continue
            name=$(basename "$test" | sed 's/_test\..*//')
            case " ${BLACKBOX:-$name} " in *" $name "*) ;; *) continue ;; esac
            echo "$name"
        done >"$build/blackbox/names"
        # They wait most of the time: several at once, but for those that fill the machine.
        alone='^(churn|survive)$'
        grep -vE "$alone" "$build/blackbox/names" | xargs -r -P "${AT_ONCE:-3}" -n 1 sh tests/blackbox/run.sh "$build/blackbox"
        grep -E "$alone" "$build/blackbox/names" | xargs -r -n 1 sh tests/blackbox/run.sh "$build/blackbox"
        while read -r name; do
            count "$name" sh -c 'cat "$1.out"; exit "$(cat "$1.status")"' - "$build/blackbox/$name"
        done <"$build/blackbox/names"
        ;;
    *) echo "no such kind of test: $kind"; exit 2 ;;
    esac
done
# What the thread sanitizer found in any process, killed ones too.
for race in "$build"/race.*; do
    [ -e "$race" ] || continue
    head -n 60 "$race"
    failed=$((failed + 1))
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
