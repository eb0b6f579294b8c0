#!/usr/bin/env bash
# SPDX-License-Identifier: MPL-2.0
#
# A deadline with reminders and a confirmation: they come in order and say how much time is
# left; a confirmation in time ends everything, one that is too late nothing; they follow
# their deadline to its new time, and nobody is flooded with what is past.

# shellcheck source-path=SCRIPTDIR source=../support/daemon.sh
. "$(dirname "$0")/../support/daemon.sh"

# reminded JOB ORDINAL BEFORE: the next reminder, claimed and completed.
reminded() {
    try 0 claim --type turn.reminder --wait ${deadline}s -o json
    has "$out" "\"token\":\"$1.$2.1\"" '"origin":"reminder"' '"type":"turn.reminder"' \
        "\"remind_before_us\":$3[,}]" '"slot_due_us":"20[^"]*Z"' '"payload":"turn 8"'
    try 0 complete "$1.$2.1"
}

# kinds JOB: the kinds of all its events of reminders and runs, oldest first.
kinds() {
    try 0 history "$1" -o json
    out=$(grep -oE '"kind":"(run|reminder|slot|job)\.[a-z]+"' <<< "$out" | tac | cut -d'"' -f4 |
        tr '\n' ' ')
}

start_daemon

# What is shown, and what is refused.
try 0 schedule --type turn --after 3h --remind 1m,1h,10m -o json
has "$out" '"remind_before_us":\[3600000000,600000000,60000000\]' \
    '"reminder_type":"turn.reminder"' '"remind_us":"20[^"]*Z"'
job=$(grep -oE '"id":"[0-9]+"' <<< "$out" | head -n 1 | tr -dc 0-9)
try 0 get "$job"
has "$out" '^reminders +1h, 10m, 1m before, as turn.reminder$' '^next reminder +?20.*in 1h'
long=$(printf 'x%.0s' {1..56})
try 1 schedule --type "$long" --after 1h --remind 1m
has "$err" 'reminder_type is missing' '65 bytes'
try 0 schedule --type "$long" --after 1h --remind 1m --reminder-type nudge
try 1 schedule --type turn --after 1h --remind 1m,1m
try 1 schedule --type turn --every 1h --remind 2h
try 2 schedule --type turn --after 1h --reminder-type nudge

# Nobody confirms: all reminders in order, then the deadline's own run. The daemon dies
# between them.
try 0 schedule --type turn --after 5s --remind 1s,4s,2500ms --payload 'turn 8'
job=$out
reminded "$job" 1 4000000
end_daemon KILL 137
start_daemon
reminded "$job" 2 2500000
reminded "$job" 3 1000000
try 0 claim --type turn --wait ${deadline}s
same "$out" "$job.4.1	turn 8"
try 5 confirm "$job"
has "$err" 'TOO_LATE'
try 0 complete "$job.4.1"
try 0 get "$job" -o json
has "$out" '"state":"completed"' '"runs":4' '"fired":1'
kinds "$job"
has "$out" '^job.scheduled (reminder.fired run.claimed run.succeeded ){3}run.fired '

# Confirmed in time: a reminder that nobody has is cancelled, and nothing comes any more.
try 0 schedule --type turn --after 4s --remind 3900ms,2s --payload 'turn 8'
job=$out
reminded "$job" 1 3900000
try 0 confirm "$job"
same "$out" "$job confirmed"

# Nobody has the reminder when the deadline comes: it expires first.
try 0 schedule --type lonely --after 500ms --remind 400ms
lonely=$out
try 0 claim --type lonely --wait ${deadline}s
same "$out" "$lonely.2.1	"
kinds "$lonely"
has "$out" '^job.scheduled reminder.fired run.expired run.fired run.claimed $'
try 0 complete "$lonely.2.1"
try 0 runs "$lonely" -o json
has "$out" '"state":"expired".*"reason":"its slot came first"|its slot came first.*expired'

# What is past is skipped, with its count, and reminders follow their deadline.
try 0 schedule --type turn --after 20m --remind 1h,30m,10m
job=$out
try 0 events --kind reminder.skipped -o json
has "$out" "\"job\":\"$job\".*\"count\":\"?2"
try 0 reschedule "$job" --after 2h -o json
has "$out" '"state":"scheduled"'
try 0 get "$job"
has "$out" '^next reminder.*in 59m|^next reminder.*in 1h'
try 0 pause "$job"
try 0 resume "$job"
try 0 cancel "$job"
try 0 get "$job" -o json
has "$out" '"remind_us":null'

# Delivered by event alone, before each slot of what recurs.
try 0 schedule --type tick --every 700ms --remind 300ms --delivery notify --max-runs 2 \
    --payload hello
tick=$out
end=$((SECONDS + deadline))
until try 0 get "$tick" -o json && grep -q '"state":"completed"' <<< "$out"; do
    [ $SECONDS -lt $end ] || fail "the recurring job did not end"
    sleep 0.1
done
kinds "$tick"
has "$out" '^job.scheduled (reminder.fired run.delivered run.fired run.delivered ){2}job.completed $'

# Of the deadline that was confirmed, and long due by now, nothing came.
try 6 claim --type turn --type turn.reminder
end_daemon TERM 0
try 0 check ./data
