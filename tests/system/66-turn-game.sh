#!/usr/bin/env bash
# SPDX-License-Identifier: MPL-2.0
#
# examples/turn-game: compiled strictly, its rules, and a whole season against a real daemon that is killed on the way, as
# the bot is. BELFRYD and BELFRY_SOURCE_DIR are given by CTest.
set -euo pipefail

game=$BELFRY_SOURCE_DIR/examples/turn-game
client=$BELFRY_SOURCE_DIR/clients/node
if ! command -v node >/dev/null || [ ! -d "$game/node_modules" ] || [ ! -d "$client/dist" ]; then
    echo "node, examples/turn-game/node_modules or clients/node/dist is missing: run scripts/setup --test"
    [ -z "${BELFRY_NO_SKIP:-}" ] || exit 1
    exit 77
fi
unset BELFRY_COMMANDS BELFRY_FEED BELFRY_MONITOR

# In a copy: nothing is written beside the sources. The client is built anew in one, too.
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
mkdir -p "$directory/clients/node" "$directory/examples/turn-game"
cp -r "$client"/{package.json,tsconfig.json,scripts,src,node_modules} "$directory/clients/node"
cp -r "$game"/{package.json,tsconfig.json,src,test,node_modules} "$directory/examples/turn-game"
rm "$directory/examples/turn-game/node_modules/belfry"
ln -s ../../../clients/node "$directory/examples/turn-game/node_modules/belfry"
(cd "$directory/clients/node" && npm run build >build.log 2>&1) || { cat "$directory/clients/node/build.log"; exit 1; }
cd "$directory/examples/turn-game"
node_modules/.bin/tsc
timeout 250 node --test dist/test/ >test.log 2>&1 || { cat test.log; exit 1; }
grep -E '^# (tests|pass|fail)' test.log
