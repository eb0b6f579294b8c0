#!/usr/bin/env bash
# SPDX-License-Identifier: MPL-2.0
#
# belfry watch: tells every event once, over a kill -9 of the daemon, says when it closed a
# gap, and ends as it should.

# shellcheck source-path=SCRIPTDIR source=../support/daemon.sh
. "$(dirname "$0")/../support/daemon.sh"

# watch ARGUMENT...: starts one in the background, $watcher; its lines come from $lines. The
# other pipe is there to be closed when it ends.
watch() {
    rm -f watch.pipe gone.pipe
    mkfifo watch.pipe gone.pipe
    "$BELFRY" watch "$@" > watch.pipe 2> watch.err 9> gone.pipe &
    watcher=$!
    exec {lines}< watch.pipe {gone}< gone.pipe
}

# end_watch CODE: waits for its end.
end_watch() {
    local code=0
    read -r -t "$deadline" -u "$gone" _ || code=$?
    [ $code -lt 128 ] || fail "watch did not end"
    code=0
    wait "$watcher" || code=$?
    watcher=
    same "$code" "$1"
}

# next PATTERN: its next line matches.
next() {
    local line=
    read -r -t "$deadline" -u "$lines" line || fail "no line that matches $1; $(cat watch.err)"
    has "$line" "$1"
}

start_daemon
watch --from 0
next '  1  scheduler\.started '
try 0 schedule --type t --key one --after 1h
next '  2  job\.scheduled +t +[0-9]+ +one '

# It sleeps while the daemon dies, comes back and goes on.
kill -STOP "$watcher"
end_daemon KILL 137
start_daemon
for key in two three four; do
    try 0 schedule --type t --key $key --after 1h
done
kill -CONT "$watcher"
next '  3  scheduler\.started '
next '  4  job\.scheduled .* two '
next '  5  job\.scheduled .* three '
next '  6  job\.scheduled .* four '
try 0 cancel --key one
next '  7  job\.cancelled .* one '
has "$(cat watch.err)" '^belfry: closed a gap: [1-4] events replayed, nothing is missing up to seq [0-9]+$'

# SIGTERM and Ctrl-C end it well.
kill -TERM "$watcher"
end_watch 0
watch --from 7 -o json
next '^\{.*"seq":"7".*"kind":"job.cancelled"'
kill -INT "$watcher"
end_watch 0

# So does --count; kinds and types are chosen.
try 0 watch --from 1 --count 3
count "$out" 3
try 0 watch --from 0 --kind job.cancelled --count 1
has "$out" '  7  job\.cancelled '
try 0 watch --from 0 --type t --count 5
has_not "$out" 'scheduler'
try 0 watch --monitor --from 1 --count 1
count "$out" 1

# A reader who went away ends it like any other program: 128 + SIGPIPE.
watch --from 7
next '  7  job\.cancelled '
exec {lines}<&-
try 0 cancel --key two
end_watch 141

end_daemon TERM 0
