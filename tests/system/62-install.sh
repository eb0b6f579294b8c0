#!/usr/bin/env bash
# SPDX-License-Identifier: MPL-2.0
#
# `cmake --install --prefix`, then the prefix is moved: both pkg-config files and the protocol
# come along, and a program outside of the tree is built with them. BELFRY_EXAMPLES is given
# by CTest.
set -euo pipefail

directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
fail() {
    echo "$*"
    exit 1
}

build=$(dirname "$BELFRY_EXAMPLES")
cmake --install "$build" --prefix "$directory/first" >"$directory/log" 2>&1 \
    || { cat "$directory/log"; fail "cmake --install failed"; }
prefix=$directory/moved
mv "$directory/first" "$prefix"
cd "$directory"

[ -f "$prefix/share/belfry/belfry.proto" ] || fail "belfry.proto is not in share/belfry"
"$prefix/bin/belfryd" --version
"$prefix/bin/belfry" version >/dev/null

PKG_CONFIG_PATH=$(dirname "$(find "$prefix" -name belfry.pc)")
export PKG_CONFIG_PATH
sanitize=$(sed -n 's/^BELFRY_SANITIZE:[A-Z]*=//p' "$build/CMakeCache.txt")
export LD_LIBRARY_PATH
# Nothing in the environment may lead the program to a daemon.
unset BELFRY_COMMANDS BELFRY_FEED BELFRY_MONITOR

# check MODULE HEADER: where its .pc file points to is what was installed.
check() {
    local include libraries
    include=$(realpath "$(pkg-config --variable=includedir "$1")")
    libraries=$(realpath "$(pkg-config --variable=libdir "$1")")
    [ -f "$include/$2" ] || fail "$1.pc: there is no $2 in $include"
    [ -f "$libraries/lib$1.so" ] || fail "$1.pc: there is no lib$1.so in $libraries"
    [ -f "$libraries/lib$1.a" ] || fail "$1.pc: there is no lib$1.a in $libraries"
    case "$include $libraries" in
        "$prefix/"*" $prefix/"*) ;;
        *) fail "$1.pc points out of its prefix: $include $libraries" ;;
    esac
    LD_LIBRARY_PATH=$libraries
}

# compile MODULE FILE
compile() {
    local flags
    read -r -a flags <<<"$(pkg-config --cflags --libs "$1") ${sanitize:+-fsanitize=$sanitize}"
    [ "$sanitize" != address ] || flags+=(-fsanitize=undefined)
    cc -std=c17 -Wall -Werror -o program "$2" "${flags[@]}"
}

check belfry belfry.h
cat >client.c <<'END'
#include <belfry.h>
#include <belfry_wire.h>
int
main (void)
{
    belfry *client;
    if (belfry_open (&client, 0) != BELFRY_OK) { return 2; }
    int rc = belfry_confirm (client, (belfry_ref){.key = "turn-7"}, false, 0);
    belfry_close (&client);
    return rc == BELFRY_NO_ENDPOINT ? 0 : 1;
}
END
compile belfry client.c
./program || fail "the client ended with $?"

check belfry-scheduler belfry_scheduler.h
cat >embedded.c <<'END'
#include <belfry_scheduler.h>
int
main (void)
{
    char text[512];
    belfry_scheduler *scheduler;
    const char *const doors[] = {"inproc://commands", 0};
    belfry_scheduler_options options = {.directory = "data", .commands = doors};
    return belfry_scheduler_start (&scheduler, &options, text, sizeof text) == BELFRY_STOPPED
        ? (int)belfry_scheduler_stop (&scheduler) : 1;
}
END
compile belfry-scheduler embedded.c
./program || fail "the embedded scheduler ended with $?"
echo "installed, moved, built and run"
