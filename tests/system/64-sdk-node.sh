#!/usr/bin/env bash
# SPDX-License-Identifier: MPL-2.0
#
# The Node client: its own tests against real daemons, generated code that is not stale, and what its README promises:
# installed into an empty folder it works as an ES module and as CommonJS, over a restart of both sides. BELFRYD and
# BELFRY_SOURCE_DIR are given by CTest.
set -euo pipefail

client=$BELFRY_SOURCE_DIR/clients/node
if ! command -v node >/dev/null || [ ! -d "$client/node_modules" ]; then
    echo "node or clients/node/node_modules is missing: run scripts/setup --test"
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

# In a copy: nothing is written beside the sources, and tests of other builds may run at the same time.
mkdir "$directory/node"
cp -r "$client"/{package.json,package-lock.json,tsconfig.json,scripts,src,test,node_modules} "$directory/node"
cd "$directory/node"

if command -v protoc >/dev/null; then
    mkdir generated
    protoc -I "$BELFRY_SOURCE_DIR/messages" --plugin=protoc-gen-es=node_modules/.bin/protoc-gen-es \
        --es_out=generated --es_opt=target=ts "$BELFRY_SOURCE_DIR/messages/belfry.proto"
    diff -q generated/belfry_pb.ts src/gen/belfry_pb.ts \
        || fail "src/gen is older than belfry.proto: run 'npm run generate' in clients/node"
fi
timeout 250 npm test >test.log 2>&1 || fail "$(grep -E '^(not ok|# )|error|TS[0-9]' test.log)"
grep -E '^# (tests|pass|fail)' test.log

# As a new user: the README's bot in an empty folder.
mkdir "$directory/bot"
cd "$directory/bot"
npm init -y >/dev/null 2>&1
npm install --install-links=false --offline --no-audit --no-fund "$directory/node" >/dev/null 2>&1 || fail "npm install of the folder fails"
sed -n '/^import { Belfry } from/,/^```$/p' "$client/README.md" | sed '$d' | sed 's/20s/3s/' >bot.mjs
[ -s bot.mjs ] || fail "the README has no bot"
node -e "if (typeof require('belfry').Belfry !== 'function') process.exit(1)" || fail "require fails"

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
    node bot.mjs >said 2>>errors &
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
