#!/usr/bin/env bash
# SPDX-License-Identifier: MPL-2.0
#
# The README's bot against a real daemon, found both ways: by BELFRY_COMMANDS and by the
# endpoints file of the working directory; without a daemon; and with one that is killed and
# comes back on another port while the bot waits. BELFRYD and BELFRY_SOURCE_DIR are given by
# CTest.
set -euo pipefail

directory=$(mktemp -d)
daemon=
bot=
finish() {
    [ -z "$bot" ] || kill -TERM "$bot" 2>/dev/null || true
    if [ -n "$daemon" ]; then
        kill -KILL "$daemon" 2>/dev/null || true
        sed 's/^/belfryd: /' "$directory/log"
    fi
    rm -rf "$directory"
}
trap finish EXIT
fail() {
    echo "$*"
    exit 1
}

# expect OUTPUT: the three steps, of one job, in their order.
expect() {
    printf '%s\n' "$1"
    local job
    job=$(sed -n '1s/^armed claim_timeout of turn-7: job \([0-9]*\), due [-0-9T:.]*Z$/\1/p' <<<"$1")
    [ -n "$job" ] || fail "the first line does not say what was armed"
    sed -n 2p <<<"$1" | grep -qE "^claimed turn-7: run $job\\.[0-9]+, attempt 1, [0-9.]+ ms late$" \
        || fail "the second line does not say what was claimed"
    sed -n 3p <<<"$1" | grep -qE "^settled turn-7: run $job\\.[0-9]+ RUN_STATE_SUCCEEDED$" \
        || fail "the third line does not say what was settled"
    [ "$(wc -l <<<"$1")" -eq 3 ] || fail "there are more lines than three"
}

# start_daemon: on a port that the kernel chooses; its commands endpoint goes to $commands.
mkfifo "$directory/ready"
start_daemon() {
    local line
    "$BELFRYD" --data "$directory/data" --commands 'tcp://127.0.0.1:*' \
        --feed "ipc://$directory/feed" --monitor "ipc://$directory/monitor" \
        >"$directory/ready" 2>>"$directory/log" &
    daemon=$!
    exec 3<"$directory/ready"
    read -r -t 20 line <&3 || fail "belfryd was not ready within 20 s"
    exec 3<&-
    commands=$(sed -n 's/^ready .*commands=\([^ ,]*\).*/\1/p' <<<"$line ")
    [ -n "$commands" ] || fail "belfryd's first line is '$line'"
}

start_daemon
status=0
output=$(BELFRY_COMMANDS=$commands,ipc://nobody timeout 60 "$BELFRY_SOURCE_DIR/tests/support/run-node" bot.mjs) || status=$?
if [ "$status" -ne 0 ]; then
    printf '%s\n' "$output"
    [ "$status" -ne 77 ] || { kill -TERM "$daemon"; wait "$daemon"; daemon=; }
    exit "$status"
fi
expect "$output"

cd "$directory"
output=$(env -u BELFRY_COMMANDS timeout 60 node "$BELFRY_SOURCE_DIR/examples/bot.mjs")
expect "$output"

echo "killed, and back on another port, while the bot waits:"
mkfifo "$directory/said"
env -u BELFRY_COMMANDS timeout 60 node "$BELFRY_SOURCE_DIR/examples/bot.mjs" >"$directory/said" &
bot=$!
exec 4<"$directory/said"
read -r -t 20 armed <&4 || fail "the bot did not arm"
kill -KILL "$daemon"
wait "$daemon" 2>/dev/null || true
start_daemon
output=$armed$'\n'$(cat <&4)
wait "$bot" || fail "the bot ended with $?"
bot=
expect "$output"

kill -TERM "$daemon"
status=0
wait "$daemon" || status=$?
daemon=
[ "$status" -eq 0 ] || fail "belfryd ended with $status"

status=0
output=$(env -u BELFRY_COMMANDS timeout 60 node "$BELFRY_SOURCE_DIR/examples/bot.mjs" 2>&1) || status=$?
if [ "$status" -ne 1 ] || [ "$output" != "start belfryd first (no data/endpoints here)" ]; then
    fail "without a daemon the bot ended with $status and said: $output"
fi
