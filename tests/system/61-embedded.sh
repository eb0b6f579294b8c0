#!/usr/bin/env bash
# SPDX-License-Identifier: MPL-2.0
#
# examples/embedded.c, twice on the same directory. BELFRY_EXAMPLES is given by CTest.
set -euo pipefail

directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT

for round in first second; do
    output=$(timeout 60 "$BELFRY_EXAMPLES/embedded" "$directory/data")
    printf '%s\n' "$round:" "$output"
    job=$(sed -n 's/^armed    claim_timeout of turn-7: job \([0-9]*\)$/\1/p' <<<"$output")
    [ -n "$job" ] || { echo "nothing was armed"; exit 1; }
    for line in "claimed  claim_timeout of turn-7: run $job.1, attempt 1, " \
        "settled  run $job.1: done" "job $job is completed" stopped; do
        grep -qF "$line" <<<"$output" || { echo "missing: $line"; exit 1; }
    done
done
