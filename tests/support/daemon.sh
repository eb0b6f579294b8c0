# SPDX-License-Identifier: MPL-2.0
#
# For system tests in bash, which source this: a real belfryd on kernel-chosen ports in a
# temporary directory, and `belfry` run against it with its answer judged. Programs come
# from BELFRYD and BELFRY. The test runs in the temporary directory, so that ./data is the
# daemon's. Whatever fails prints what happened and the daemon's log.
#
# shellcheck shell=bash

set -u -o pipefail

: "${BELFRYD:?is not set}" "${BELFRY:?is not set}"
unset BELFRY_COMMANDS BELFRY_FEED BELFRY_MONITOR

# Seconds that anything that must happen may take: far more than it needs.
deadline=30

directory=$(mktemp -d "${TMPDIR:-/tmp}/belfry-test.XXXXXX")
daemon=
watcher=
cd "$directory" || exit 1

finish() {
    local code=$?
    trap - EXIT
    for pid in $daemon $watcher; do
        kill -KILL "$pid" 2> /dev/null
        wait "$pid" 2> /dev/null
    done
    if [ $code -ne 0 ] && [ -s daemon.log ]; then
        echo "--- the daemon's log" >&2
        cat daemon.log >&2
    fi
    cd / && rm -rf "$directory"
    exit $code
}
trap finish EXIT

# fail SENTENCE: ends the test.
fail() {
    echo "FAILED at line ${BASH_LINENO[${#BASH_LINENO[@]} - 2]}: $1" >&2
    exit 1
}

# start_daemon [OPTION...]: starts it on ./data and waits for its ready line, which goes to $ready.
start_daemon() {
    rm -f ready.pipe
    mkfifo ready.pipe
    "$BELFRYD" --data ./data "$@" > ready.pipe 2>> daemon.log &
    daemon=$!
    exec {ready_fd}< ready.pipe
    ready=
    read -r -t $deadline -u "$ready_fd" ready || fail "belfryd did not get ready"
    exec {ready_fd}<&-
    case $ready in
    "ready commands="*) ;;
    *) fail "belfryd said: $ready" ;;
    esac
}

# end_daemon SIGNAL CODE: ends it and checks how it ended.
end_daemon() {
    local code=0
    kill "-$1" "$daemon"
    wait "$daemon" 2> /dev/null || code=$?
    daemon=
    [ $code -eq "$2" ] || fail "belfryd ended with $code after $1, not with $2"
}

# try CODE ARGUMENT...: runs belfry; it must end with CODE. Its stdout goes to $out, its
# stderr to $err.
try() {
    local expected=$1 code=0
    shift
    timeout $deadline "$BELFRY" "$@" > try.out 2> try.err || code=$?
    out=$(cat try.out)
    err=$(cat try.err)
    [ $code -eq "$expected" ] ||
        fail "belfry $* ended with $code, not with $expected; stdout: $out; stderr: $err"
}

# same WHAT EXPECTED: both texts are equal.
same() {
    [ "$1" = "$2" ] || fail "expected: $2; but it is: $1"
}

# has TEXT PATTERN...: TEXT matches each of the extended regular expressions.
has() {
    local text=$1
    shift
    for pattern in "$@"; do
        grep -Eq -- "$pattern" <<< "$text" || fail "no match for $pattern in: $text"
    done
}

# has_not TEXT PATTERN
has_not() {
    ! grep -Eq -- "$2" <<< "$1" || fail "a match for $2 in: $1"
}

# count TEXT NUMBER: TEXT has so many lines.
count() {
    local lines=0
    [ -z "$1" ] || lines=$(wc -l <<< "$1")
    [ "$lines" -eq "$2" ] || fail "$lines lines, not $2: $1"
}
