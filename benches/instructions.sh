#!/usr/bin/env bash
# Counts instructions per operation with callgrind: a run of N and one of 2N operations, their difference divided by N.
# usage: benches/instructions.sh [PATTERN]     (a regular expression over "group, load, contender")
set -euo pipefail
cd "$(dirname "$0")/.."

cargo build --quiet --release -p mconn-benches --bin instructions
program="${CARGO_TARGET_DIR:-target}/release/instructions"

# Valgrind counts each byte of a `rep movsb` as an instruction: have glibc copy with vector registers instead.
export GLIBC_TUNABLES=glibc.cpu.x86_rep_movsb_threshold=1000000000

count() { # group load contender operations
    valgrind --tool=callgrind --callgrind-out-file=/dev/null "$program" "$@" 2>&1 | awk '/Collected/ { print $4 }'
}

printf '%-18s %-26s %-22s %12s\n' group load contender instructions
"$program" | { grep -P "${1:-.}" || true; } | while IFS=$'\t' read -r group load contender operations; do
    once=$(count "$group" "$load" "$contender" "$operations")
    twice=$(count "$group" "$load" "$contender" $((2 * operations)))
    printf '%-18s %-26s %-22s %12d\n' "$group" "$load" "$contender" $(((twice - once) / operations))
done
