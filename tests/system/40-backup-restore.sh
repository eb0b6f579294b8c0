#!/usr/bin/env bash
# SPDX-License-Identifier: MPL-2.0
#
# A backup of a daemon that is busy, examined and put back: what was there then is there
# again, what came later is not, and everybody who follows the events is told.

# shellcheck source-path=SCRIPTDIR source=../support/daemon.sh
. "$(dirname "$0")/../support/daemon.sh"

# number NAME: the number of that name in the JSON of $out.
number() {
    [[ $out =~ \"$1\":\"([0-9]+)\" ]] || fail "no $1 in: $out"
    echo "${BASH_REMATCH[1]}"
}

start_daemon
try 0 status -o json
first_epoch=$(number stream_epoch)
head -c 60000 /dev/zero | tr '\0' x > payload
for key in a b c; do
    try 0 schedule --type big --key $key --after 1d --payload @payload
done

# --- While others work ---

for worker in 1 2; do
    (
        while [ ! -e enough ]; do
            "$BELFRY" schedule --type load --after 0s > job.$worker 2>> load.err || break
            "$BELFRY" claim --type load > /dev/null 2>> load.err
        done
        echo ended > ended.$worker
    ) &
done
for name in one two three; do
    try 0 backup --name $name.db
    same "$out" "$(realpath data)/backups/$name.db"
    try 0 check "$out"
    has "$out" ': ok: [0-9]+ jobs, [0-9]+ runs, [0-9]+ events'
done
touch enough
for worker in 1 2; do
    for ((i = 0; i < deadline * 10; i++)); do
        [ ! -e ended.$worker ] || break
        sleep 0.1
    done
    [ -e ended.$worker ] || fail "a worker did not end"
done
same "$(cat load.err)" ""

# --- To where one wants it ---

try 0 backup kept.db -o json
has "$out" '^\{"path":"kept.db","bytes":"[0-9]+","head_seq":"[0-9]+"' '"verified":true\}$'
kept_head=$(number head_seq)
try 2 backup kept.db
has "$err" 'kept.db: is there already'
try 2 backup nowhere/kept.db
has "$err" 'nowhere/kept.db: cannot be made in nowhere: No such file'
try 5 backup --name one.db
has "$err" 'WRONG_STATE'
try 0 check kept.db -o json
has "$out" "\"findings\":\"0\"" "\"head_seq\":\"$kept_head\"" "\"stream_epoch\":\"$first_epoch\""
same "$(find data/backups -type f | wc -l)" 3

# --- Offline verbs keep away from a daemon ---

try 10 check
has "$err" 'a daemon has this data directory: stop it, or make a backup'
try 10 restore kept.db --force
has "$err" 'stop it first'

# --- Putting it back ---

try 0 schedule --type later --key lost --after 1d
"$BELFRY" watch --from "$kept_head" --timeout 60s > watch.out 2> watch.err &
watcher=$!
try 0 cancel --key a
for ((i = 0; i < deadline * 10; i++)); do
    ! grep -q 'job.cancelled' watch.out || break
    sleep 0.1
done
has "$(cat watch.out)" 'job.cancelled'
end_daemon TERM 0
try 0 check
has "$out" ': ok: '
try 1 restore kept.db
has "$err" 'holds a database already; with --force'
try 0 restore kept.db --force --progress
has "$out" "^restored [0-9]+ jobs and the history up to event $kept_head into \./data" \
    '^the old database is .*belfry\.db\.replaced-20'
old=$(sed -n 's/^the old database is //p' <<< "$out")
try 0 check "$old"
try 0 check

start_daemon
try 0 status -o json
second_epoch=$(number stream_epoch)
[ "$first_epoch" != "$second_epoch" ] || fail "the epoch is still $first_epoch"
try 0 get --key a
has "$out" '^state +scheduled$'
try 4 get --key lost
try 0 schedule --type new --after 1d
try 0 events --from "$kept_head"
has "$out" "^[^ ]+ +$((kept_head + 1)) +scheduler\.started" 'job\.scheduled +new'
for ((i = 0; i < deadline * 10; i++)); do
    ! grep -Eq 'job.scheduled +new' watch.out || break
    sleep 0.1
done
has "$(cat watch.err)" 'history'
kill -TERM "$watcher"
wait "$watcher"
watcher=

# --- A new home, and a damaged backup ---

end_daemon TERM 0
try 0 restore kept.db --data elsewhere
try 0 check --data elsewhere
dd if=/dev/urandom of=kept.db bs=4096 seek=3 count=8 conv=notrunc 2> /dev/null
try 1 check kept.db
has "$out" '^pages: the file: ' '^What to do:$' 'DAMAGED: .* findings'
try 1 restore kept.db --data third
has "$err" 'nothing was restored'
[ ! -e third/belfry.db ] || fail "a damaged backup was restored"
head -c 500 /dev/zero | tr "\0" z > kept.db
try 12 check kept.db
try 2 check nowhere
