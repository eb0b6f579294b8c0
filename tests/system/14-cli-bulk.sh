#!/usr/bin/env bash
# SPDX-License-Identifier: MPL-2.0
#
# Many jobs in one command, by the command line: chosen by a filter, in a batch, and only if
# nothing has changed meanwhile.

# shellcheck source-path=SCRIPTDIR source=../support/daemon.sh
. "$(dirname "$0")/../support/daemon.sh"

start_daemon

# --- A batch makes a thousand ---

{
    echo '# turns of two games'
    echo
    for turn in $(seq 500); do
        echo "schedule --type turn --key odd-$turn --tag odd --tag all --after 1h"
        echo "schedule --type turn --key 'even $turn' --tag even --tag all --every 1h --payload '{\"a b\": \"c\"}'"
    done
} > thousand
try 0 batch thousand
count "$out" 1000
has "$(head -n 1 <<< "$out")" '^[0-9]+ scheduled, due '
try 0 get --key 'even 500' --payload
has "$out" '^payload +\{"a b": "c"\}$'
echo 'schedule --type turn --after 1h' >> thousand
try 2 batch thousand
has "$err" '^belfry: thousand, line 1003: a batch has at most 1000 commands$'

# --- By filter: counted, then done ---

try 0 cancel --tag odd --tag all --dry-run
same "$out" "500 would be cancelled, 0 unchanged, 0 refused"
try 0 list --state cancelled
same "$out" ""
try 0 cancel --tag odd --progress --reason 'the game is over' --client tester --request-id one
same "$out" "cancelled 500, 0 unchanged, 0 refused"
try 0 cancel --tag odd --reason 'the game is over' --client tester --request-id one -o json
has "$out" '"done":true,"changed":"500","unchanged":"0","refused":"0"'
try 0 list --state cancelled --all
count "$out" 501
try 0 get --key odd-7
has "$out" '^state +cancelled$'
try 0 history --key odd-7 --kind job.cancelled
has "$out" '  the game is over$'

# Some refuse: all others are done, and the exit code says that not all is well.
try 0 schedule --type turn --key once --after 1h
try 1 confirm --type turn --state scheduled
same "$out" "confirmed 1, 0 unchanged, 500 refused"
has "$err" '^  [0-9]+: .*\(WRONG_STATE\)$' '^  and 490 more$'
count "$err" 11

try 0 pause --key-prefix 'even 1' --reason 'a break'
same "$out" "paused 111, 0 unchanged, 0 refused"
try 0 pause --key-prefix 'even 1'
same "$out" "paused 0, 111 unchanged, 0 refused"
try 0 resume --key-prefix 'even 1' --from-now
same "$out" "resumed 111, 0 unchanged, 0 refused"
try 0 reschedule --tag even --every 2h --anchor 2026-01-01
same "$out" "rescheduled 500, 0 unchanged, 0 refused"
try 0 list --key-prefix 'even 500'
has "$out" ' 2h +2$'

# Runs, dead ones, and their second chance.
try 0 trigger --key-prefix 'even 20'
same "$out" "triggered 11, 0 unchanged, 0 refused, 11 new runs"
try 0 claim --type turn --max 100
tokens=$(cut -f 1 <<< "$out")
count "$tokens" 11
for token in $tokens; do
    echo "complete $token --result 'well done'"
done > finished
try 0 batch - < finished
count "$out" 11
has "$out" '^[0-9]+\.1 succeeded, attempt 1$'
for job in $(seq 7); do
    echo "schedule --type draw --key draw-$job --after 0s"
done > draws
try 0 batch draws
for _ in $(seq 7); do
    try 0 claim --type draw --wait 20s
    echo "fail ${out%%	*} --reason 'no board' --non-retryable"
done > failures
try 0 batch failures
count "$out" 7
has "$out" '^[0-9]+\.1 dead, attempt 1, 1 failure: no board$'
try 0 redrive --type draw --dry-run
has "$out" '^7 would be redriven, 0 unchanged, 0 refused'
try 0 redrive --type draw
same "$out" "redriven 7, 0 unchanged, 0 refused, 7 new runs"
try 0 claim --type draw --max 100
count "$out" 7

# By its key, which the wire does not take: the job is asked for first.
try 0 schedule --type draw --key again --ns other --after 0s
job=$out
try 0 claim --type draw --ns other --wait 20s
try 0 fail "${out%%	*}" --non-retryable
try 4 redrive --key again
try 0 redrive --key again --ns other
same "$out" "$job.2"
try 2 redrive --key again --type draw

try 2 cancel
has "$err" 'which job\?'
try 0 cancel --ns nowhere
same "$out" "cancelled 0, 0 unchanged, 0 refused"

# --- Prune ---

try 0 prune --finals 1us --tag odd --dry-run
same "$out" "500 would be pruned, 0 unchanged, 0 refused"
try 0 prune --finals 36500d
same "$out" "pruned 0, 0 unchanged, 0 refused"
try 0 prune --finals 1us --tag odd
same "$out" "pruned 500, 0 unchanged, 0 refused"
try 4 get --key odd-7
try 0 history --kind job.pruned --all
has "$out" ' job\.pruned .*  [0-9]+ jobs$'
try 0 prune --events 1us
has "$out" '^pruned 0, .* [1-9][0-9]* events$'
try 0 history --key draw-7
same "$out" ""
has "$err" '^belfry: events before seq [0-9]+ are no longer kept$'
try 0 history --kind log.pruned --all
has "$out" ' log\.pruned .*  events 1\.\.[0-9]+$'

# --- Only if nothing has changed ---

try 0 schedule --type claim_timeout --key turn-7 --after 1h
claim=$out
try 5 cancel --key turn-7 --if-version 2
has "$err" 'VERSION_CONFLICT' 'version 1'
try 0 schedule --type claim_timeout --key turn-7 --after 2h --on-key replace --if-version 1
same "$out" "$claim"
try 5 schedule --type claim_timeout --key turn-7 --after 3h --on-key replace --if-version 1
try 5 reschedule --key turn-7 --after 1h --if-version 1

# Cancel the one and arm the other only where the turn is still at version 7: all or none.
cat > turn << 'END'
schedule --type writing_timeout --key writing-7 --after 12h --payload "{\"turn\": 7}"
cancel --key turn-7 --if-version 1 --reason "claimed"
END
try 5 batch turn
same "$out" ""
has "$err" 'VERSION_CONFLICT' '^belfry: that was turn, line 2; nothing of the batch was done$'
try 4 get --key writing-7
try 0 get "$claim"
has "$out" '^state +scheduled$' '^version +2$'
sed -i 's/--if-version 1/--if-version 2/' turn
try 0 batch turn -o json
count "$out" 2
has "$out" '^\{"job":\{.*"key":"writing-7".*"outcome":"created"' '"state":"cancelled"'
try 0 get --key writing-7 --payload
has "$out" '^payload +\{"turn": 7\}$'

# Mistakes in it name the line, and nothing is sent.
batch_mistake() {
    printf '%s\n' 'schedule --type t --key no --after 1h' '' "$2" > wrong
    try "$3" batch wrong
    same "$out" ""
    has "$err" "^belfry: wrong, line 3: $1"
    try 4 get --key no
}
batch_mistake 'there is no verb skedule; did you mean schedule\?' 'skedule' 2
batch_mistake 'list cannot be part of a batch' 'list' 2
batch_mistake 'a batch is for single jobs' 'cancel --tag even' 2
batch_mistake 'a batch is for single jobs' 'cancel 256 --dry-run' 2
batch_mistake 'a batch is for single jobs' 'prune --finals 1d' 2
batch_mistake 'there is no option --connect here' 'cancel 256 --connect tcp://a:1' 2
batch_mistake 'a quote is not closed' "cancel 'a" 2
batch_mistake 'a batch cannot take -' 'schedule --type t --after 1s --payload -' 2
batch_mistake '--payload: nowhere could not be opened' 'schedule --type t --after 1s --payload @nowhere' 1
batch_mistake 'say more: belfry complete' 'complete' 2
try 0 batch /dev/null
has "$err" 'there is no command in /dev/null: nothing to do$'
try 1 batch nowhere
has "$err" 'nowhere could not be opened'
printf 'cancel 256\0\n' > wrong
try 2 batch wrong
has "$err" 'line 1: there is a NUL in it'

end_daemon TERM 0
