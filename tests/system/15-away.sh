#!/usr/bin/env bash
# SPDX-License-Identifier: MPL-2.0
#
# A daemon that was away: stopped, and killed. What came due meanwhile is late, on either
# clock, whatever the policy then makes of it; and when it has caught up there is one report.

# shellcheck source-path=SCRIPTDIR source=../support/daemon.sh
. "$(dirname "$0")/../support/daemon.sh"

# Seconds until the slots are due, and for how long nobody is there: time itself is what is
# tested here.
ahead=4
absence=7

# schedule_all PREFIX: a job of each kind, due in $ahead seconds, and one for later.
schedule_all() {
    local at
    at=$(date -u -d "+$ahead seconds" +%Y-%m-%dT%H:%M:%S.%6NZ)
    try 0 schedule --type t --key "$1-skip" --at "$at" --late skip
    try 0 schedule --type t --key "$1-once" --at "$at" --late fire_once
    try 0 schedule --type t --key "$1-boot" --after ${ahead}s --late skip
    try 0 schedule --type t --key "$1-lax" --at "$at" --late skip --grace 1h
    try 0 schedule --type t --key "$1-later" --after 1h --late skip
}

# report: waits for a report that was not there; it goes to $out.
reports=0
report() {
    local end=$((SECONDS + deadline))
    reports=$((reports + 1))
    until try 0 events --kind recovery.report -o json &&
        [ "$(grep -c . <<< "$out")" -ge $reports ]; do
        [ $SECONDS -lt $end ] || fail "no report came"
        sleep 0.1
    done
    count "$out" $reports
    out=$(tail -n 1 <<< "$out")
}

# late PREFIX: what became of those jobs.
late() {
    has "$out" '"from_us"' "\"key\":\"$1-skip\"" "\"key\":\"$1-once\"" "\"key\":\"$1-boot\""
    has_not "$out" "\"key\":\"$1-(lax|later)\""
    for key in skip boot; do
        try 0 get --key "$1-$key" -o json
        has "$out" '"state":"dead"' '"reason":"skipped"'
    done
    for key in once lax; do
        try 0 get --key "$1-$key" -o json
        has "$out" '"state":"active"' '"runs":1'
    done
    try 0 get --key "$1-later" -o json
    has "$out" '"state":"scheduled"'
}

start_daemon
schedule_all stopped
kill -STOP "$daemon"
sleep $absence
kill -CONT "$daemon"
report
late stopped

schedule_all killed
end_daemon KILL 137
sleep $absence
start_daemon
report
late killed

# Nothing was away since: neither a start nor a slot in time is told.
end_daemon TERM 0
start_daemon
try 0 schedule --type u --key in-time --after 10ms --late skip
try 0 claim --type u --wait ${deadline}s
try 0 events --kind recovery.report
count "$out" $reports
end_daemon TERM 0
