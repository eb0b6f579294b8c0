#!/usr/bin/env bash
# SPDX-License-Identifier: MPL-2.0
#
# The limits of the machine and the ratios to them: every probe runs and says what it measured
# in the form that is asked for; medians, ratios and bars are what they should be. Never how
# fast anything is.

bench=$(cd "$(dirname "$0")/../bench" && pwd) || exit 1

# shellcheck source-path=SCRIPTDIR source=../support/daemon.sh
. "$(dirname "$0")/../support/daemon.sh"

build=$(dirname "$BELFRY")
limits=$build/tests/bench/limits/limits
if ! command -v python3 > /dev/null; then
    [ -z "${BELFRY_NO_SKIP:-}" ] || fail "there is no python3 here"
    exit 77
fi

# --- limits ---

"$limits" --data . --jobs 300 --calls 20 --runs 2 -o json > limits.json 2> limits.err ||
    fail "limits failed: $(cat limits.err)"
# What is there: each limit with its cases, and nothing else.
python3 - > cases << 'END' || fail "not what it should be: $(head -c 2000 limits.json)"
import json
rows = [json.loads(line) for line in open("limits.json")]
machine, rows = rows[0], rows[1:]
assert machine["machine"], machine
for row in rows:
    assert row["runs"] == 2 and 0 < row["min"] <= row["value"] <= row["max"], row
    assert row["unit"] == ("us" if row["metric"] != "rate" else row["unit"]), row
print("\n".join(sorted({" ".join((row["limit"], row["case"], row.get("workload", "-"))) for row in rows})))
END
{
    echo "sync append -"
    echo "sync overwrite -"
    echo "timer idle -"
    echo "wire in_flight_256 -"
    echo "wire one_in_flight -"
    for workload in steady scattered; do
        for name in schedule_batch_1 schedule_batch_256 schedule_batch_1000 cancel_batch_256 \
            fire_batch_1 fire_and_complete_batch_256 fire_and_complete_batch_256_together; do
            name=${name/_batch/ batch}
            echo "sqlite_$name $workload"
            echo "sqlite_${name}_writes $workload"
            echo "ledger_$name $workload"
        done
    done
} | LC_ALL=C sort > expected
same "$(cat cases)" "$(cat expected)"

"$limits" --data . --calls 20 --runs 1 sync > one.out 2> /dev/null || fail "limits sync failed"
has "$(cat one.out)" '^sync +append +- +rate ' '^sync +overwrite +- +p99 '
has_not "$(cat one.out)" '^(timer|wire|sqlite)'

"$limits" --data . --jobs 300 --statements sqlite_cancel > list.out 2> /dev/null ||
    fail "limits --statements failed"
has "$(cat list.out)" '^ +1\.000  INSERT INTO event ' '^ +1\.000  UPDATE job SET '

# Nothing is left behind, also by one that fails.
code=0
"$limits" --data ./nowhere > /dev/null 2> limits.err || code=$?
same $code 1
has "$(cat limits.err)" 'nowhere.*No such file'
same "$(find . -name 'belfry-limits-*')" ""
for wrong in "--runs 0" "--runs 65" "--jobs x" "--what" "what" "-o yaml"; do
    code=0
    # shellcheck disable=SC2086
    "$limits" $wrong > /dev/null 2> limits.err || code=$?
    same "$wrong: $code" "$wrong: 2"
done

# --- ratios ---

limit() {
    printf '{"limit":"%s","case":"%s",%s"metric":"%s","unit":"x","value":%s}\n' \
        "$1" "$2" "${3:+\"workload\":\"$3\",}" "$4" "$5"
}
load() {
    printf '{"load":"%s","case":"%s",%s"metric":"%s","unit":"x","value":%s}\n' \
        "$1" "$2" "${3:+\"workload\":\"$3\",}" "$4" "$5"
}
{
    for rate in 90000 110000 100000; do limit sqlite_schedule batch_256 steady rate $rate; done
    limit sqlite_schedule batch_256 scattered rate 50000
    limit sqlite_schedule batch_1 steady p50 200
    limit sqlite_fire batch_1 steady p50 250
    limit wire one_in_flight "" p50 100
    limit timer idle "" p50 50
} > some.limits
{
    echo '{"machine":{"cores":2}}'
    for rate in 55000 45000 60000; do load schedule in_flight_256 steady rate $rate; done
    load schedule in_flight_256 scattered rate 34000
    load schedule one_in_flight steady p50 480
    load schedule batches_1000 steady rate 130000
    load latency rate_170 "" p50 600
    load latency rate_170 "" p99 3000
    load latency rate_170_feed "" p99 3000
    load latency rate_1000 "" p99 5001
} > some.results
python3 "$bench/ratios.py" some.limits some.results > table || fail "no table"
has "$(cat table)" '^cores: 2$' \
    '^\| sqlite_schedule \| batch_256 \| steady \| rate \| 100,000 \| 90,000 - 110,000 \| x \|$' \
    '^\| schedule \| in_flight_256 \| steady \| rate \| 55,000 \| 45,000 - 60,000 .*\| 0\.55 \| >= 50,000/s yes; >= 40 % yes \|$' \
    '^\| schedule \| in_flight_256 \| scattered .*\| 0\.68 \| >= 70 % NO \|$' \
    '^\| schedule \| one_in_flight \| steady \| p50 \| 480 .*\| 300: .*\| 1\.60 \| <= 1\.6 x yes \|$' \
    '^\| schedule \| batches_1000 \| steady .*\|  \|  \| >= 120,000/s yes; >= 70 % NO \|$' \
    '^\| latency \| rate_170 .*\| 400: .*\| 1\.50 \| <= 1\.5 x yes \|$' \
    '^\| latency \| rate_170 \|.* p99 .*\| <= 3,000 us yes \|$' \
    '^\| latency \| rate_170_feed \|.*\|  \|  \|  \|$' \
    '^\| latency \| rate_1000 .*\| <= 5,000 us NO \|$'
python3 "$bench/ratios.py" --json some.limits some.results > json || fail "no JSON"
has "$(cat json)" '^\{"machine": \{"cores": 2\}\}$' '"value": 55000.*"limit": 100000.*"ratio": 0\.55'
count "$(cat json)" 15

# --- the command for all of it ---

for wrong in "--rounds 0" "--data" "--what" "what" "-o yaml"; do
    code=0
    # shellcheck disable=SC2086
    "$bench/run" $wrong > /dev/null 2> run.err || code=$?
    same "$wrong: $code" "$wrong: 2"
done
