#!/usr/bin/env bash
# SPDX-License-Identifier: MPL-2.0
#
# Time zones whose files are replaced under a running daemon: it notices by itself, plans
# their jobs anew, tells of it, and keeps to it over a kill, and without the files.

# shellcheck source-path=SCRIPTDIR source=../support/daemon.sh
. "$(dirname "$0")/../support/daemon.sh"

[ -f /usr/share/zoneinfo/Europe/Berlin ] || {
    [ -z "${BELFRY_NO_SKIP:-}" ] || fail "there is no tzdata here"
    exit 77
}

# put_zone ZONE OF: the rules of OF under the name ZONE, by one rename, as dpkg does it.
put_zone() {
    mkdir -p "zones/$(dirname "$1")"
    cp -L "/usr/share/zoneinfo/$2" "zones/$1.dpkg-new"
    mv "zones/$1.dpkg-new" "zones/$1"
}

# due_of KEY: the hour and minute, UTC, at which the job is due.
due_of() {
    try 0 get --key "$1" -o json
    grep -o '"due_us":"[^"]*"' <<< "$out" | head -n 1 | grep -o 'T[0-9]*:[0-9]*' | cut -c 2-
}

# changes NUMBER: waits for so many events zone.changed; they go to $out.
changes() {
    local end=$((SECONDS + deadline))
    until try 0 events --kind zone.changed -o json &&
        [ "$(grep -c . <<< "$out")" -ge "$1" ]; do
        [ $SECONDS -lt $end ] || fail "no zone.changed came: $out"
        sleep 0.1
    done
    count "$out" "$1"
}

put_zone Area/Here Asia/Tokyo
put_zone Area/There Asia/Tokyo
start_daemon --zoneinfo "$PWD/zones"
try 0 schedule --type t --key here --cron '0 12 * * *' --tz Area/Here
try 0 schedule --type t --key there --cron '0 12 * * *' --tz Area/There
same "$(due_of here)" 03:00

# Kolkata is at +05:30 all the year.
put_zone Area/Here Asia/Kolkata
changes 1
has "$out" '"zone":"Area/Here"' '"examined":"?1"?' '"done":true'
same "$(due_of here)" 06:30
same "$(due_of there)" 03:00

end_daemon KILL 137
start_daemon --zoneinfo "$PWD/zones"
same "$(due_of here)" 06:30
changes 1

# While nobody was there.
end_daemon TERM 0
put_zone Area/There Asia/Kolkata
start_daemon --zoneinfo "$PWD/zones"
changes 2
has "$(tail -n 1 <<< "$out")" '"zone":"Area/There"'
same "$(due_of there)" 06:30

# A directory that is new is watched, too; the name that is gone goes on by what it was.
rm zones/Area/Here
put_zone New/Area/Place Asia/Tokyo
try 0 schedule --type t --key place --cron '0 12 * * *' --tz New/Area/Place
end=$((SECONDS + deadline))
until grep -q 'jobs of Area/Here go on by the rules that they were planned with' daemon.log; do
    [ $SECONDS -lt $end ] || fail "it did not say that Area/Here is gone"
    sleep 0.1
done
put_zone New/Area/Place Asia/Kolkata
changes 3
same "$(due_of place)" 06:30
same "$(due_of here)" 06:30
try 1 schedule --type t --cron '0 12 * * *' --tz Area/Nowhere

end_daemon TERM 0
"$BELFRY" check --data ./data || fail "the database is not whole"
