#!/usr/bin/env bash
# SPDX-License-Identifier: MPL-2.0
#
# Calendar triggers and exclusion calendars, by the command line.

# shellcheck source-path=SCRIPTDIR source=../support/daemon.sh
. "$(dirname "$0")/../support/daemon.sh"

tab=$'\t'

start_daemon

# --- Exclusion calendars ---

try 0 calendars
same "$out" ""
try 0 calendars holidays --date 12-25 --date 2027-03-28..2027-03-29 --window SAT
has "$out" '^default holidays version 1, 2 dates, 1 window, updated '
try 0 calendars holidays --date 12-25 --date 2027-03-28..2027-03-29 --window SAT
has "$out" '^default holidays version 1, .*, unchanged$'
try 0 calendars holidays
has "$out" '^  date    12-25$' '^  date    2027-03-28\.\.2027-03-29$' '^  window  SAT$'
try 0 calendars holidays -o json
has "$out" '"name":"holidays","dates":\["12-25","2027-03-28\.\.2027-03-29"\],"windows":\["SAT"\],"version":1,'
try 0 calendars holidays --ns game --clear
has "$out" '^game holidays version 1, 0 dates, 0 windows'
try 0 calendars
count "$out" 2
try 0 calendars --ns game
count "$out" 1
try 4 calendars nowhere
try 4 calendars nowhere --delete
try 5 calendars holidays --date 12-24 --if-version 9
try 1 calendars holidays --date 2026-02-30
has "$err" 'calendar\.dates\[0\] is not accepted' 'INVALID'
try 2 calendars --date 12-24
try 2 calendars holidays --date 12-24 --delete
try 2 calendars holidays --if-version 1

# --- Jobs ---

try 0 schedule --type report --key report --cron '30 2 * * *' --tz Europe/Berlin --exclude holidays
job=$out
try 0 get "$job"
has "$out" '^cron +30 2 \* \* \*, next 2.*Z \(' '^zone +Europe/Berlin, skipped after_gap, repeated first$' \
    '^exclude +holidays$' '^overlap +skip$'
try 0 list
has "$out" ' RECURS ' ' 30 2 \* \* \* +1$'

# The daemon reckons as `belfry next` does, less what is excluded: 2027-03-27 is a Saturday,
# on the 28th the clocks go forward, on the 31st of October they go back.
try 0 next "$job" --from 2027-03-26T00:00:00Z -n 2
same "$out" "2027-03-26T01:30:00Z
2027-03-30T00:30:00Z"
try 5 calendars holidays --delete
has "$err" "$job" 'WRONG_STATE'
try 0 calendars holidays --date 12-25
has "$out" '^default holidays version 2, 1 date, 0 windows'
try 0 next --key report --from 2027-03-27T12:00:00Z -n 1 --explain
same "$out" "2027-03-28T01:00:00Z${tab}2027-03-28T03:00:00+02:00${tab}02:30 does not exist on 2027-03-28, moved to 03:00"
has "$err" '^belfry: 30 2 \* \* \*: at 02:30'
try 0 next "$job" --from 2027-10-30T12:00:00Z -n 1 -o json
has "$out" '^\{"due_us":"2027-10-31T00:30:00Z","local":"2027-10-31T02:30:00\+02:00","note":".+"\}$'
try 4 next --key nobody
try 1 next "$job" --from 2500-01-01T00:00:00Z

# Another trigger keeps the zone and the exclusions.
try 0 reschedule "$job" --daily 0800
try 0 get "$job"
has "$out" '^daily +0800, next ' '^zone +Europe/Berlin, ' '^exclude +holidays$' '^version +2$'
try 0 reschedule "$job" --rrule 'FREQ=WEEKLY;BYDAY=MO' --tz America/New_York --skipped skip
try 0 get "$job" -o json
has "$out" '"rrule":"FREQ=WEEKLY;BYDAY=MO","tz":"America/New_York","skipped":"skip","repeated":"first","exclude":\["holidays"\]'

# A zone inside of the text is shown as the zone.
try 0 schedule --type report --daily '2130 Europe/Berlin MON-FRI'
try 0 get "$out"
has "$out" '^daily +2130 MON-FRI, next ' '^zone +Europe/Berlin, '

# What only the daemon can know.
try 1 schedule --type report --daily 0800 --tz Mars/Olympus
has "$err" 'Mars/Olympus' 'INVALID'
try 1 schedule --type report --daily 0800 --exclude nobody
has "$err" 'nobody' 'INVALID'
try 1 reschedule "$job" --daily 0800 --tz Mars/Olympus
try 1 reschedule "$job" --after 1s

# --- What was told ---

try 0 events --from 0 --kind calendar.changed
has "$out" ' default/holidays version 1: 0 jobs moved, 0 looked at$' ' default/holidays version 2: '
has "$(tail -n 1 <<< "$out")" ' version 2: .* 1 looked at$'

# It fires, every second on the walls of a zone.
try 0 schedule --type tick --cron '* * * * * *' --tz Asia/Kathmandu --max-runs 1
job=$out
try 0 claim --type tick --wait 20s
same "$out" "$job.1.1${tab}"
try 0 complete "$job.1.1"

# --- A directory of zones that is none ---

end_daemon TERM 0
mkdir zones
code=0
"$BELFRYD" --data ./data --zoneinfo ./nowhere 2> log || code=$?
[ $code -eq 16 ] || fail "belfryd ended with $code"
has "$(cat log)" 'nowhere is no directory'

# Without their files, zones that are used already go on by the rules that are stored.
start_daemon --zoneinfo zones
try 0 next --key report -n 1
try 1 schedule --type report --daily 0800 --tz Asia/Tokyo
has "$err" 'Asia/Tokyo' '/zones'
end_daemon TERM 0
