#!/usr/bin/env bash
# SPDX-License-Identifier: MPL-2.0
#
# The life of jobs and runs by the command line: every verb once in its right place, and
# the exit code of every refusal.

# shellcheck source-path=SCRIPTDIR source=../support/daemon.sh
. "$(dirname "$0")/../support/daemon.sh"

start_daemon
try 0 status
has "$out" '^belfryd ' '^open jobs     0$' '^disk          ok$'

# --- Jobs ---

try 0 schedule --type claim_timeout --key turn-7 --after 1h --payload '{"player":3}' \
    --content-type application/json --tag red --tag blue --max-attempts 2 \
    --backoff fixed --retry-delay 1ms --retry-jitter 0 --lease 20s
job=$out
has "$job" '^[1-9][0-9]*$'
same "$err" ""

try 0 get "$job" --payload
has "$out" "^job +$job\$" '^key +turn-7$' '^type +claim_timeout$' '^state +scheduled$' \
    '^payload +\{"player":3\}$' '^tags +red$' '^retry +2 attempts, fixed, 1ms, jitter 0 %$' \
    '^lease +20s$' '^due +20.*Z \(in 59m'
try 0 get --key turn-7 -o json
has "$out" "^\{\"job\":\{\"id\":\"$job\"," '"state":"scheduled"' '"runs":\[\]\}$' \
    '"after_us":3600000000' '"jitter_percent":0' '"tags":\["red","blue"\]' \
    '"due_us":"20[^"]*Z"' '"payload_bytes":12'
has_not "$out" '"payload":'
try 0 -o json get --key turn-7 --payload
has "$out" '"payload":"\{\\"player\\":3\}"'

# The key is taken: refused, kept, replaced.
try 5 schedule --type claim_timeout --key turn-7 --after 2h
same "$out" ""
has "$err" '^belfry: .*KEY_TAKEN' "^$job scheduled, due "
try 5 schedule --type claim_timeout --key turn-7 --after 2h -o json
has "$out" "^\{\"job\":\{\"id\":\"$job\""
try 0 schedule --type claim_timeout --key turn-7 --after 2h --on-key keep
same "$out" "$job"
try 0 schedule --type claim_timeout --key turn-7 --after 2h --on-key replace -o json
has "$out" "\"id\":\"$job\"" '"version":2' '"outcome":"replaced"'
try 0 schedule --type claim_timeout --key turn-7 --after 2h --on-key debounce -o json
has "$out" "\"id\":\"$job\"" '"version":3' '"outcome":"changed"'
try 0 schedule --type claim_timeout --key turn-7 --after 1s --on-key throttle --window 1h
same "$out" "$job"
try 2 schedule --type claim_timeout --key turn-7 --after 1s --on-key throttle
has "$err" 'needs it'
try 0 schedule --type claim_timeout --key turn-7 --after 2h --ns other
other=$out
[ "$other" != "$job" ] || fail "two namespaces share a key"

# Under one request id it is one job.
try 0 schedule --type t --after 1h --client tester --request-id once
once=$out
try 0 schedule --type t --after 1h --client tester --request-id once
same "$out" "$once"
try 5 schedule --type t --after 3h --client tester --request-id once
has "$err" 'REQUEST_ID_REUSED'

try 0 reschedule --key turn-7 --at 2100-01-01T00:00:00Z
has "$out" "^$job scheduled, due 2100-01-01T00:00:00.000Z \(in [0-9]+d"
try 0 pause "$job"
has "$out" "^$job scheduled, paused, due "
try 0 pause "$job"
has "$out" ', unchanged$'
try 0 resume "$job"
has_not "$out" 'paused'

try 0 list
has "$out" '^ID +NS +KEY +TYPE +STATE +DUE +FROM NOW +RECURS +VERSION$' \
    "^$job +default +turn-7 +claim_timeout +scheduled +2100-01-01T00:00:00.000Z +in "
count "$out" 4
try 0 list --ns other
count "$out" 2
try 0 list --key-prefix turn- --tag red --type claim_timeout --state scheduled -o json
has_not "$out" "\"id\":\"$job\""
try 0 list --limit 2
count "$out" 3
try 0 list --limit 2 -o json
count "$out" 2
try 0 list --state cancelled
same "$out" ""

try 0 confirm "$once"
same "$out" "$once confirmed"
try 0 cancel "$other" --reason 'no longer'
same "$out" "$other cancelled"
try 0 cancel "$other"
same "$out" "$other cancelled, unchanged"
try 5 confirm "$other"
has "$err" 'WRONG_STATE'
try 4 get 99999999
same "$out" ""
has "$err" 'NOT_FOUND'
try 4 cancel --key nobody
try 1 schedule --type t --at 2001-01-01 --reject-past
has "$err" 'PAST_DUE'

# --- Runs ---

try 6 claim --type claim_timeout
same "$out$err" ""
printf 'two\nlines' > payload
try 0 schedule --type work --key w --after 0s --payload @payload --max-attempts 2 \
    --backoff fixed --retry-delay 1ms
job=$out
try 0 claim --type other --type work --wait 20s --worker bot-3
same "$out" "$job.1.1	hex:74776f0a6c696e6573"
try 0 heartbeat "$job.1.1"
same "$out" "$job.1.1	ok"
try 5 confirm "$job"
has "$err" 'TOO_LATE' "^  $job.1 leased, attempt 1, held by bot-3"
try 0 fail "$job.1.1" --reason 'no board'
has "$out" "^$job.1 (retry_wait|ready), attempt 1, 1 failure.*: no board\$"
try 5 complete "$job.1.1"
has "$err" 'STALE_TOKEN'

try 0 claim --type work --wait 20s --worker bot-4 -o json
has "$out" "\"token\":\"$job.1.2\"" '"payload":"two\\nlines"' '"worker":"bot-4"' \
    '"lease_us":30000000'
try 1 heartbeat "$job.1.2" token
has "$out" "^$job.1.2	ok\$" '^token	invalid$'
try 5 heartbeat "$job.1.1" "$job.1.2" "99999999.1.1"
has "$out" "^$job.1.1	stale_token\$" "^$job.1.2	ok\$" '^99999999.1.1	not_found$'
try 0 fail "$job.1.2" --reason again
has "$out" "^$job.1 dead, attempt 2, 2 failures: again\$"
try 0 redrive "$job.1"
same "$out" "$job.2"
try 5 redrive "$job.1"

try 0 claim --type work --wait 20s
token=${out%%	*}
same "$token" "$job.2.1"
try 0 snooze "$token" --for 1ms --reason 'not yet'
has "$out" "^$job.2 (retry_wait|ready), attempt 1"
try 0 claim --type work --wait 20s
token=${out%%	*}
same "$token" "$job.2.2"
try 0 complete "$token" --result 'well done'
has "$out" "^$job.2 succeeded"
try 0 complete "$token" --result 'well done'
try 0 get "$job" --payload -o json
has "$out" '"state":"completed"' '"result":"well done"'
try 0 runs "$job"
has "$out" '^RUN +STATE' "^$job.2 +succeeded +redriven" "^$job.1 +dead +slot"
count "$out" 3
has "$out" ' 9 bytes$'
try 0 runs "$job" --results
has "$out" "^$job.2 .* well done\$"
try 0 get "$job" --payload
has "$out" "^$job.2 .* well done\$"
try 0 runs "$job" --limit 1
has "$out" "^$job.2 "
count "$out" 2

# A claim that is interrupted is parked no longer, and ends as the signal does; the next run
# goes to the next claim, as its first attempt.
parked() {
    for _ in $(seq $((deadline * 20))); do
        try 0 status
        ! grep -Eq "^parked claims +$1\$" <<< "$out" || return 0
        sleep 0.05
    done
    fail "not $1 parked claims: $out"
}
"$BELFRY" claim --type left --wait 60s > left.out 2> left.err &
watcher=$!
parked 1
kill -TERM $watcher
code=0
wait $watcher || code=$?
watcher=
same "$code" 143
same "$(cat left.out left.err)" ""
parked 0
try 0 schedule --type left --after 0s
job=$out
try 0 claim --type left --wait 20s --client tester --request-id left-1
same "$out" "$job.1.1	"
# The same claim without a wait is still the same claim.
try 0 claim --type left --client tester --request-id left-1
same "$out" "$job.1.1	"
try 0 complete "$job.1.1"

# An extra run; a leased run is asked to stop.
try 0 schedule --type work --key extra --after 1h --payload plain
job=$out
try 0 trigger --key extra
same "$out" "$job.1"
try 0 claim --type work --wait 20s --worker bot-5
same "$out" "$job.1.1	plain"
try 0 cancel "$job"
has "$out" "^$job cancelled\$" "^  $job.1 leased, attempt 1, held by bot-5, asked to stop\$"
try 0 heartbeat "$job.1.1"
same "$out" "$job.1.1	cancel"

# --- What happened ---

try 0 history "$job"
has "$out" ' run\.claimed +work +'"$job.1.1"' +extra' ' job\.cancelled ' ' job\.scheduled '
has "$(head -n 1 <<< "$out")" ' job\.cancelled '
try 0 history --kind run.failed --type work -o json
count "$out" 2
has "$out" '"kind":"run.failed"' '"reason":"no board"'
try 0 history --until 2001-01-01
same "$out" ""
try 4 history --key nobody

try 0 events
has "$(head -n 1 <<< "$out")" '^20.*Z       1  scheduler\.started '
total=$(wc -l <<< "$out")
try 0 status -o json
has "$out" "\"head_seq\":\"$total\"" '"disk_full":false'
try 0 events --from "$total"
count "$out" 1
try 0 events --from $((total + 1))
same "$out" ""
try 0 events --limit 2
count "$out" 2
try 0 events --kind run.dead -o json
count "$out" 1
has "$out" '"run_after":\{'

# A notify job needs no worker; watch sees its payload.
try 0 schedule --type season_open --delivery notify --after 0s --payload 'go'
try 0 watch --from 0 --kind run.delivered --count 1 -o json
has "$out" '"kind":"run.delivered"' '"payload":"go"' '"type":"season_open"'

end_daemon TERM 0
try 3 status --timeout 300ms
