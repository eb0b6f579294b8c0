#!/usr/bin/env bash
# SPDX-License-Identifier: MPL-2.0
#
# The Python client: its own tests against real daemons, generated code that is not stale, and what its README promises: a
# bot in an empty folder, over a restart of both sides. BELFRYD and BELFRY_SOURCE_DIR are given by CTest.
set -euo pipefail

client=$BELFRY_SOURCE_DIR/clients/python
# Debian's own: another python3 may come first in PATH, and has not Debian's packages.
python=
for candidate in /usr/bin/python3 python3; do
    if "$candidate" -c 'import google.protobuf, zmq' 2>/dev/null; then
        python=$candidate
        break
    fi
done
if [ -z "$python" ]; then
    echo "python3-zmq or python3-protobuf is missing: run scripts/setup --test"
    [ -z "${BELFRY_NO_SKIP:-}" ] || exit 1
    exit 77
fi

directory=$(mktemp -d)
daemon=
bot=
finish() {
    for pid in $bot $daemon; do
        kill -KILL "$pid" 2>/dev/null || true
    done
    rm -rf "$directory"
}
trap finish EXIT
fail() {
    echo "$*"
    cat "$directory"/bot/{said,errors,log} 2>/dev/null || true
    exit 1
}
unset BELFRY_COMMANDS BELFRY_FEED BELFRY_MONITOR
export PYTHONPATH=$client PYTHONDONTWRITEBYTECODE=1

if command -v protoc >/dev/null; then
    protoc -I "$BELFRY_SOURCE_DIR/messages" --python_out="$directory" "$BELFRY_SOURCE_DIR/messages/belfry.proto"
    diff -q "$directory/belfry_pb2.py" "$client/belfry/_wire_pb2.py" \
        || fail "_wire_pb2.py is older than belfry.proto: see 'Working on it' in clients/python/README.md"
fi

cd "$client/tests"
timeout 200 "$python" -W error::SyntaxWarning -m unittest 2>"$directory/tests" || fail "$(tail -40 "$directory/tests")"
tail -3 "$directory/tests"

# As a new user: the README's bot in an empty folder.
mkdir "$directory/bot"
cd "$directory/bot"
sed -n '/^```python$/,/^```$/p' "$client/README.md" | sed -n '2,/^```$/p' | sed '$d' | sed 's/20s/3s/' >bot.py
[ -s bot.py ] || fail "the README has no bot"

start_daemon() {
    "$BELFRYD" >ready 2>>log &
    daemon=$!
    until grep -q '^ready ' ready; do
        kill -0 "$daemon" || fail "belfryd is not ready"
        sleep 0.05
    done
}
start_bot() {
    : >said
    "$python" bot.py >said 2>>errors &
    bot=$!
    until grep -q '^armed' said; do
        kill -0 "$bot" || fail "the bot ended"
        sleep 0.05
    done
}
start_daemon
start_bot
kill -KILL "$bot" "$daemon"
wait "$bot" "$daemon" 2>/dev/null || true
start_daemon
start_bot
for _ in $(seq 200); do
    grep -q '^nobody claimed turn-7: Ada is skipped (run [0-9]*\.1, attempt 1)' said && break
    sleep 0.1
done
grep -q '^nobody claimed turn-7' said || fail "the deadline did not come"
kill -TERM "$bot"
wait "$bot" 2>/dev/null || true
bot=
