#!/usr/bin/env bash
# SPDX-License-Identifier: MPL-2.0
#
# What a daemon keeps: it lets go of what is older than its settings say, by itself and in
# front of everybody, and of what an operator prunes; and refuses settings that make no
# sense.

# shellcheck source-path=SCRIPTDIR source=../support/daemon.sh
. "$(dirname "$0")/../support/daemon.sh"

# refused CODE TEXT ARGUMENT...: belfryd does not even start.
refused() {
    local expected=$1 text=$2 code=0
    shift 2
    timeout $deadline "$BELFRYD" --data ./data "$@" > refused.out 2>&1 || code=$?
    same "$code" "$expected"
    has "$(cat refused.out)" "$text"
    [ ! -e data ] || fail "it has made its directory"
}

refused 2 '^belfryd: keep_finals: how long to keep .* not 0s$' --keep-finals 0s
refused 2 '^belfryd: keep_event_rows: how many to keep .* not none$' --keep-event-rows none
refused 2 'keep_events needs a value$' --keep-events
echo 'keep_final_jobs = -1' > bad.conf
refused 16 '^belfryd: bad.conf:1: keep_final_jobs: how many to keep .* not -1$' --config bad.conf

# --- By itself ---

start_daemon --keep-finals 1s
rm -f watch.pipe
mkfifo watch.pipe
"$BELFRY" watch --from 0 -o json > watch.pipe 2> watch.err &
watcher=$!
exec {lines}< watch.pipe

# until_event PATTERN: reads up to a line that matches, which goes to $line.
until_event() {
    line=
    until grep -Eq -- "$1" <<< "$line"; do
        read -r -t $deadline -u "$lines" line || fail "no event that matches $1"
    done
}

try 0 schedule --type t --key stays --after 1h
try 0 schedule --type t --key goes --after 1h
job=$out
try 0 cancel --key goes
until_event '"kind":"job.pruned"'
has "$line" "\"pruned\":\{\"rows\":\[\{\"job\":\"$job\""
try 4 get "$job"
try 0 get --key stays
has "$(cat daemon.log)" 'serving'
kill "$watcher" && wait "$watcher"
watcher=
end_daemon TERM 0

# A restart with the settings of the file: all but the newest events are too many.
echo 'keep_event_rows = 2' > good.conf
start_daemon --config good.conf
tries=0
until try 0 events && grep -q 'log\.pruned' <<< "$out"; do
    tries=$((tries + 1))
    [ $tries -lt 300 ] || fail "the log was not pruned: $out"
done
try 1 events --from 0
has "$err" 'events are kept from seq [0-9]+ on'
try 0 get --key stays

# --- By command ---

for key in a b c; do
    try 0 schedule --type bulk --key $key --after 1h
    try 0 cancel --key $key
done
try 0 prune --finals 1us --type bulk --dry-run
has "$out" '^3 would be pruned'
try 0 get --key a
try 0 prune --finals 1us --type bulk
has "$out" '^pruned 3'
try 4 get --key a
try 0 get --key stays
end_daemon TERM 0
