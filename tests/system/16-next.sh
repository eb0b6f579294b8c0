#!/usr/bin/env bash
# SPDX-License-Identifier: MPL-2.0
#
# belfry next without a daemon: one trigger, and a line for each line, whatever it holds.

vectors=$(cd "$(dirname "$0")/../vectors" && pwd) || exit 1

# shellcheck source-path=SCRIPTDIR source=../support/daemon.sh
. "$(dirname "$0")/../support/daemon.sh"

tab=$'\t'

# --- One trigger ---

try 0 next --cron '30 2 * * *' --tz Europe/Berlin --from 2027-03-27T00:00:00Z -n 3
same "$out" "2027-03-27T01:30:00Z
2027-03-28T01:00:00Z
2027-03-29T00:30:00Z"
same "$err" ""

try 0 next --cron '30 2 * * *' --tz Europe/Berlin --from 2027-03-28T00:00:00Z -n 1 --explain
same "$out" "2027-03-28T01:00:00Z${tab}2027-03-28T03:00:00+02:00${tab}02:30 does not exist on 2027-03-28, moved to 03:00"
has "$err" '^belfry: 30 2 \* \* \*: at 02:30'

try 0 next --cron '30 2 * * *' --tz Europe/Berlin --from 2027-03-27T12:00:00Z -n 1 --skipped shift
same "$out" "2027-03-28T01:30:00Z"
try 0 next --daily '0230 Europe/Berlin' --from 2027-03-27T12:00:00+01:00 -n 1 --skipped skip
same "$out" "2027-03-29T00:30:00Z"
try 0 next --daily 0230 --tz Europe/Berlin --from 2027-10-30T12:00:00Z -n 2 --repeated both
same "$out" "2027-10-31T00:30:00Z
2027-10-31T01:30:00Z"

# A rule begins with its DTSTART and ends where it ends.
try 0 next --rrule 'FREQ=DAILY;COUNT=2' --tz Europe/Berlin --from 2026-01-05T09:00:00
same "$out" "2026-01-05T08:00:00Z
2026-01-06T08:00:00Z"
try 0 next --rrule 'DTSTART;TZID=Europe/Berlin:20260105T090000 RRULE:FREQ=DAILY' -n 1
same "$out" "2026-01-05T08:00:00Z"

# An interval has a grid; whole seconds are whole.
try 0 next --every 1500ms --anchor 1970-01-01 --from 2026-01-01T00:00:00Z -n 2
same "$out" "2026-01-01T00:00:01.500000Z
2026-01-01T00:00:03Z"

try 0 next --cron '0 9 * * *' --tz Europe/Berlin --from 2026-01-05T00:00:00Z -n 1 -o json
same "$out" '{"due_us":"2026-01-05T08:00:00Z","local":"2026-01-05T09:00:00+01:00","note":""}'

# Five, later than now, where nothing else is said.
try 0 next --cron '* * * * *'
count "$out" 5
[[ $out > $(date -u +%Y-%m-%dT%H:%M:%S) ]] || fail "not after now: $out"

# A directory of zones that has none.
mkdir zones
try 2 next --cron '0 9 * * *' --tz Europe/Berlin --zoneinfo zones
has "$err" 'Europe/Berlin'
try 0 next --cron '0 9 * * *' --tz UTC --zoneinfo zones

mistake() {
    local text=$1
    shift
    try 2 next "$@"
    same "$out" ""
    has "$err" "$text"
}
mistake 'say of what'
mistake 'say of what' --cron '* * * * *' --daily 2130
mistake 'say of what' --cron '* * * * *' 256
mistake 'say of what' --batch --every 1s
mistake 'minute' --cron '60 * * * *'
mistake 'Mars/Olympus' --cron '* * * * *' --tz Mars/Olympus
mistake 'must be the name of a time zone' --cron '* * * * *' --tz ../../etc/passwd
mistake 'Europe/Berlin' --daily '2130 Europe/Berlin' --tz Europe/Paris
mistake 'is no instant' --cron '* * * * *' --from 2026-01-01T00:00:00
mistake 'is no instant' --cron '* * * * *' --from 2026-01-01
mistake 'is no local time' --rrule FREQ=DAILY --from 2026-01-01T00:00:00Z
mistake 'says its DTSTART itself' --rrule 'DTSTART:20260105T090000 RRULE:FREQ=DAILY' \
    --from 2026-01-01T00:00:00
mistake '1970 to 2400' --cron '* * * * *' --from 1969-12-31T23:59:59Z
mistake '1970 to 2400' --rrule FREQ=DAILY --from 1969-12-30T00:00:00
mistake 'is not in 1\.\.1000' --cron '* * * * *' -n 0
mistake '--anchor goes with --every' --cron '* * * * *' --anchor 1970-01-01
mistake 'go with --cron' --every 1s --tz UTC
mistake 'goes with -n' --batch --from 2026-01-01T00:00:00Z
mistake 'goes with -n' --batch -o json
mistake 'go without one' 256 --tz UTC

# --- The vectors, a line each ---

# batch [ARGUMENT...]: answers the lines of stdin; each has got its own line.
batch() {
    cat > batch.in
    timeout $deadline "$BELFRY" next --batch "$@" < batch.in > batch.out || fail "--batch ended with $?"
    [ "$(wc -l < batch.out)" -eq "$(wc -l < batch.in)" ] || fail "not a line for each line"
}

cut -f 1-3 "$vectors/cron.tsv" | batch
cut -f 4 "$vectors/cron.tsv" | diff batch.out - > diff.out || fail "$(head -n 5 diff.out)"

awk -F '\t' -v OFS='\t' '{ print "RRULE:" $1, $3, $2 }' "$vectors/rrule.tsv" | batch -n 10
cut -f 4 "$vectors/rrule.tsv" | diff batch.out - > diff.out || fail "$(head -n 5 diff.out)"

# What must be refused; \t and \\ are a tab and a backslash.
while IFS= read -r line; do
    printf '%b\tUTC\t2026-01-01T00:00:00Z\n' "${line%%"$tab"*}"
done < "$vectors/cron_invalid.tsv" | batch
has_not "$(cat batch.out)" '^(|[^e].*)$'

# --- Lines from anywhere ---

{
    printf '\n'
    printf '\t\t\n'
    printf '* * * * *\tUTC\n'
    printf '* * * * *\tUTC\t\n'
    printf '* * * * *\t\t2026-01-01T00:00:00Z\n'
    printf '* * * * *\tUTC\t2026-01-01T00:00:00\n'
    printf '* * * * *\tUTC\t2026-01-01T00:00:00Z\tmore\n'
    printf '* * * * *\t/etc/passwd\t2026-01-01T00:00:00Z\n'
    printf '* * * * *\tMars/Olympus\t2026-01-01T00:00:00Z\n'
    printf '* * \0 * *\tUTC\t2026-01-01T00:00:00Z\n'
    printf '\377\376\tUTC\t2026-01-01T00:00:00Z\n'
    printf 'RRULE:FREQ=DAILY\tUTC\t2026-01-01T00:00:00Z\n'
    printf 'RRULE:FREQ=MINUTELY;BYMONTH=2;BYMONTHDAY=30\tUTC\t2026-01-01T00:00:00\n'
    printf '0 0 29 2 *\tUTC\t2400-12-30T00:00:00Z\n'
    head -c 1000000 /dev/zero | tr '\0' x
    printf '\n'
    printf '\r\n'
} | batch
has_not "$(cat batch.out)" '^(|[^e].*)$'
has_not "$(cat batch.out)" "$tab"
grep -q 'there is a NUL' batch.out || fail "$(cat batch.out)"
grep -q 'too long' batch.out || fail "$(cat batch.out)"

# These are good: a CR before the newline, blanks and tabs around and between.
{
    printf '0 0 1 1 *\tUTC\t2026-01-01T00:00:00Z\r\n'
    printf ' 0\t0 1 1  * \t UTC \t 2026-01-01T01:00:00+01:00 \n'
    printf 'RRULE:FREQ=YEARLY;UNTIL=20270101T000000\tUTC\t2027-01-01T00:00:00\n'
} | batch -n 1
same "$(cat batch.out)" "2027-01-01T00:00:00Z
2027-01-01T00:00:00Z
2027-01-01T00:00:00Z"

# An end without a newline is a line, too; no line, no answer.
same "$(printf '0 0 1 1 *\tUTC\t2026-01-01T00:00:00Z' | "$BELFRY" next --batch -n 1)" "2027-01-01T00:00:00Z"
same "$("$BELFRY" next --batch < /dev/null)" ""

# Each answer is there before the next line is sent.
coproc "$BELFRY" next --batch -n 1
for year in 2026 2027 2028; do
    printf '0 0 1 1 *\tUTC\t%s-01-01T00:00:00Z\n' $year >&"${COPROC[1]}"
    read -r -t $deadline -u "${COPROC[0]}" line || fail "no answer"
    same "$line" "$((year + 1))-01-01T00:00:00Z"
done
pid=$COPROC_PID
eval "exec ${COPROC[1]}>&-"
wait "$pid" || fail "--batch ended with $?"
