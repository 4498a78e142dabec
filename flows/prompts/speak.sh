#!/bin/sh
# usage: speak.sh [DIR] [-a]     (DIR: a folder of prompts, default: the one this script is in)
# Speak the texts of the prompts: every <language>/<name>.txt becomes <name>.wav, as the call service wants it (RIFF PCM,
# one channel, 16 bit, 16 kHz) and without silence around it. Only a WAV that is older than its text is made anew;
# -a makes them all. The WAVs are kept in the repository, so that nobody needs espeak-ng and sox to build.
set -eu
folder=$(dirname "$0")
if [ "${1--a}" != -a ]; then
    folder=$1
    shift
fi
cd "$folder"
raw=$(mktemp)
trap 'rm -f "$raw"' EXIT

for text in */*.txt; do
    wav=${text%.txt}.wav
    if [ "${1-}" != -a ] && [ -e "$wav" ] && [ ! "$text" -nt "$wav" ]; then
        continue
    fi
    espeak-ng -v "${text%%/*}" -s 165 -f "$text" -w "$raw"
    # Trim the start, turn round, trim what is the end, turn back; 50 ms of rest so that no word is clipped by the next.
    sox -q -t wav "$raw" -t wav -r 16000 -c 1 -b 16 -e signed-integer "$wav" \
        norm -3 silence 1 0.01 0.3% reverse silence 1 0.01 0.3% reverse pad 0.05 0.05
    echo "$wav"
done
