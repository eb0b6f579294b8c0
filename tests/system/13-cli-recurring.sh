#!/usr/bin/env bash
# SPDX-License-Identifier: MPL-2.0
#
# Jobs that recur, by the command line: a grid that never moves, a slot that comes while a
# run is held, a pause, and a scheduler that was away.

# shellcheck source-path=SCRIPTDIR source=../support/daemon.sh
. "$(dirname "$0")/../support/daemon.sh"

# field NAME LINE: the value of the first field of this name in a line of JSON.
field() {
    sed -E 's/.*"'"$1"'":"?([^",}]*).*/\1/' <<< "$(grep -oE "\"$1\":\"?[^\",}]*" <<< "$2" | head -n 1)"
}

# due LINE: when the slot of an event was due; its job_after tells of the next one.
due() {
    sed -E 's/.*"due_us":"([^"]*)","clock".*/\1/' <<< "$1"
}

# ms ISO: as milliseconds since 1970.
ms() {
    date -u -d "$1" +%s%3N
}

# told NUMBER ARGUMENT...: waits for so many events that match, and leaves them in $out.
told() {
    local number=$1
    shift
    try 0 watch --from 0 --count "$number" "$@" -o json
}

# settle TYPE: completes the run that waits, if there is one.
settle() {
    local token
    token=$("$BELFRY" claim --type "$1" | cut -f 1)
    [ -z "$token" ] || try 0 complete "$token"
}

on_grid='"due_us":"[^"]*T[0-9:]{8}(\.[2468]00000)?Z","clock"'

start_daemon

# --- The grid ---

try 0 schedule --type poll --key poll --every 200ms --anchor 1970-01-01 --grace 1ms \
    --payload now --tag ours
job=$out
for ordinal in 1 2 3; do
    try 0 claim --type poll --wait 20s
    same "$out" "$job.$ordinal.1	now"
    try 0 complete "$job.$ordinal.1"
done
told 3 --kind run.fired --type poll
while read -r line; do
    has "$line" "$on_grid"
done <<< "$out"
try 0 get "$job"
has "$out" '^every +200ms, anchored at 1970-01-01T00:00:00.000Z, next 20.*Z \(' \
    '^late +fire_once, after 1ms$' '^overlap +skip$' '^slots +[0-9]+ fired'
try 0 get "$job" -o json
has "$out" '"every":\{"interval_us":200000,"anchor_us":"1970-01-01T00:00:00Z"\}' \
    '"late":"fire_once"' '"overlap":"skip"' '"counts":\{"fired":' '"grace_us":1000'
try 0 list --key-prefix poll
has "$out" "^$job +default +poll +poll +(scheduled) .* 200ms +1\$"

# --- Overlap: what comes while a run is held is skipped, and counted ---

try 0 claim --type poll --wait 20s
held=${out%%	*}
told 3 --kind slot.skipped --type poll
try 0 history "$job" --kind slot.skipped --limit 1
has "$out" ' slot\.skipped +poll +'"$job"' +poll +-  [0-9]+ slots?, 20.*Z'
try 0 get "$job"
has "$out" '^slots .* [0-9]+ skipped by overlap'
try 0 heartbeat "$held"
same "$out" "$held	ok"
try 0 stats
has "$out" '^slots +[1-9][0-9]* fired' '^overlap +[1-9][0-9]* skipped' \
    '^default +poll +0 +1 ' '^how late slots became runs$' '^calls and notes in a commit$' \
    '^  up to 1 +[1-9][0-9]*  #+$'
try 0 stats -o json
has "$out" '"overlap_skipped":"[1-9]' '"lateness":\[\{"le":"'

# An extra run is beside the grid: no policy asks for it.
try 0 trigger "$job"
extra=$out
try 0 claim --type poll --wait 20s
same "$out" "$extra.1	now"
try 0 complete "$extra.1"
try 0 complete "$held"

# --- Pause: no slot, until resume; what was due then is late, or forgotten ---

# A second job tells that time passes.
try 0 schedule --type tick --key tick --every 200ms --anchor 1970-01-01 --grace 1ms \
    --delivery notify
tick=$out
try 0 pause "$job" --reason 'the board is away'
has "$out" "^$job scheduled, paused, due "
settle poll
try 0 status -o json
seq=$(field head_seq "$out")
try 0 watch --from $((seq + 1)) --kind run.delivered --count 5
try 0 events --from $((seq + 1)) --type poll
has_not "$out" ' run\.fired '
try 0 history "$job" --kind job.paused
has "$out" '  the board is away$'
try 0 resume "$job"
has_not "$out" paused
try 0 watch --from $((seq + 1)) --kind run.fired --type poll --count 1 -o json
has "$out" "$on_grid"
try 0 watch --from $((seq + 1)) --kind slot.missed --type poll --count 1 -o json
has "$out" '"slots":\{"first_due_us":"20.*"count":"[1-9]'

try 0 pause "$job"
settle poll
try 0 status -o json
seq=$(field head_seq "$out")
try 0 watch --from $((seq + 1)) --kind run.delivered --count 5
try 0 resume "$job" --from-now
try 0 watch --from $((seq + 1)) --kind slot.missed --type poll --count 1 -o json
missed=$(field count "$out")
[ "$missed" -ge 4 ] || fail "$missed slots were missed: $out"
try 0 claim --type poll --wait 20s
token=${out%%	*}
try 0 complete "$token"
try 0 cancel "$job"

# --- Away: kill -9, a second without a scheduler, and one late run ---

try 0 status -o json
seq=$(field head_seq "$out")
try 0 watch --from $((seq + 1)) --kind run.delivered --type tick --count 1
end_daemon KILL 137
# Nothing can be seen of a second in which nobody is there.
sleep 1
start_daemon
try 0 watch --from $((seq + 1)) --kind recovery.report --count 1 -o json
report=$out
has "$report" '"counts":\[\{"type":"tick","decision":"(fired|missed)","jobs":"1","slots":"' \
    '"decision":"missed","jobs":"1","slots":"[1-9]'
try 0 history --kind recovery.report
has "$out" ' recovery\.report .*  away (20.*Z\.\.|until )20.*Z.*: .*tick [0-9]+ slots missed of 1 job'

try 0 watch --from $((seq + 1)) --kind slot.missed --type tick --count 1 -o json
missed=$out
first=$(ms "$(field first_due_us "$missed")")
last=$(ms "$(field last_due_us "$missed")")
count=$(field count "$missed")
same "$count" $(((last - first) / 200 + 1))
[ "$count" -ge 3 ] || fail "only $count slots were missed in a second: $missed"
# What fired before it and behind it are its neighbours on the grid, each once; the one
# behind is late, and says so.
try 0 history "$tick" --kind run.fired --all -o json
neighbour() {
    while read -r line; do
        [ "$(ms "$(due "$line")")" -ne "$1" ] || echo "$line"
    done <<< "$2"
}
fired=$out
count "$(neighbour $((first - 200)) "$fired")" 1
late=$(neighbour $((last + 200)) "$fired")
count "$late" 1
[ "$(field lateness_us "$late")" -le 1000 ] || has "$late" '"late":true'
while read -r line; do
    has "$line" "$on_grid"
done <<< "$fired"
try 0 get "$tick"
has "$out" '^slots +[0-9]+ fired, [0-9]+ missed$'

# --- An end: so many runs, then the job is completed ---

try 0 schedule --type few --key few --every 50ms --max-runs 3 --delivery notify
told 3 --kind run.delivered --type few
told 1 --kind job.completed --type few
try 0 get --key few
has "$out" '^state +completed$' '^max runs +3$' '^slots +3 fired$'

# --- The other times ---

try 0 reschedule --key tick --every 1h --anchor 2026-01-01
has "$out" "^$tick scheduled, due 20..-..-..T..:00:00.000Z "
try 1 reschedule --key tick --after 1h
has "$err" 'INVALID'
try 5 confirm --key tick
has "$err" 'WRONG_STATE'
try 1 schedule --type t --every 1h --jitter 1h
has "$err" 'jitter_us'
try 0 schedule --type t --key waits --after 1h --delays 1s,5s,1m --max-age 1h --late fail
try 0 get --key waits
has "$out" '^retry +5 attempts, list, 1s,5s,1m, jitter 10 %, none after 1h$' '^late +fail, after 1s$'

end_daemon TERM 0
