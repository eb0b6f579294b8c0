#!/usr/bin/env bash
# SPDX-License-Identifier: MPL-2.0
#
# How examples/game.c, which scripts/run plays, ends: by each signal and by a daemon that ends
# before it, never with a daemon left behind. BELFRYD and BELFRY_EXAMPLES are given by CTest.
set -euo pipefail

directory=$(mktemp -d)
game=
daemon=
finish() {
    for pid in $game $daemon; do
        kill -KILL "$pid" 2>/dev/null || true
    done
    rm -rf "$directory"
}
trap finish EXIT
fail() {
    echo "$*"
    cat "$directory/errors" "$directory/said" 2>/dev/null || true
    exit 1
}
cd "$directory"
unset BELFRY_COMMANDS BELFRY_FEED BELFRY_MONITOR
build=$(dirname "$BELFRYD")
mkfifo output

# start_game ARGUMENT... PATTERN: and reads what it says until a line has PATTERN.
start_game() {
    local line
    : >said
    # bash lets background jobs ignore SIGINT; env gives it back.
    env --default-signal=INT "$BELFRY_EXAMPLES/game" "${@:1:$#-1}" "$build" >output 2>errors &
    game=$!
    exec 3<output
    while read -r -t 60 line <&3; do
        printf '%s\n' "$line" >>said
        if [[ $line == *"${!#}"* ]]; then
            daemon=$(tr -d ' ' <data/belfry.lock)
            return
        fi
    done
    fail "the game did not say '${!#}'"
}

# end_game CODE
end_game() {
    local status=0
    cat <&3 >>said
    wait "$game" || status=$?
    game=
    [ "$status" -eq "$1" ] || fail "the game ended with $status instead of $1"
    ! kill -0 "$daemon" 2>/dev/null || fail "belfryd is still there"
    daemon=
    [ "$(tail -n 1 said)" = stopped ] || fail "the last line is not 'stopped'"
}

for signal in 'INT 130' 'TERM 143' 'HUP 129'; do
    start_game --once ' arms '
    kill -s "${signal% *}" "$game"
    end_game "${signal#* }"
done

start_game 'Ctrl-C stops it'
kill -HUP "$game"
end_game 0

start_game 'Ctrl-C stops it'
kill -KILL "$daemon"
end_game 1
grep -qF 'belfryd has ended by itself (signal 9)' errors || fail "it does not say why it ended"

"$BELFRYD" --log-level error >ready &
daemon=$!
timeout 20 sh -c 'until [ -s ready ]; do sleep 0.05; done' || fail "belfryd was not ready"
status=0
"$BELFRY_EXAMPLES/game" --once "$build" >said 2>errors || status=$?
[ "$status" -eq 1 ] || fail "where another belfryd has ./data the game ended with $status"
grep -qF "process $daemon) has this data directory" errors || fail "belfryd's own words are missing"
grep -qF 'stop the belfryd that has it' errors || fail "it does not say what to do"
kill -TERM "$daemon"
wait "$daemon"
daemon=
