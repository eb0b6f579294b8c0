#!/usr/bin/env bash
# SPDX-License-Identifier: MPL-2.0
#
# belfry bench: every load runs at a tiny size, its figures have the form that others read,
# and neither daemon nor directory is left behind. Nothing is said of speed.
source "${BASH_SOURCE%/*}/../support/daemon.sh"

# figure LOAD CASE METRIC: there is such a line in $out, with a value above 0.
figure() {
    has "$out" "^\{\"load\":\"$1\",\"case\":\"$2\",(\"workload\":\"steady\",)?\"metric\":\"$3\",\"unit\":\"[^\"]+\",\"value\":[0-9.]*[1-9][0-9.]*,\"min\":[0-9.]+,\"max\":[0-9.]+,\"runs\":1\}$"
}

mkdir here
# shellcheck disable=SC2034 # of daemon.sh
deadline=120
try 0 bench schedule cancel drain lifecycle latency feed pending idle --quick --jobs 300 --seconds 300ms --runs 1 \
    --workload steady --data here --daemon "$BELFRYD" -o json
has "$out" '^\{"machine":\{"cpu":"[^"]+","cores":[0-9]+,.*"disk":"[^"]+ on [^"]+",.*"durability":"synchronous=FULL'
for case in one_in_flight in_flight_256 batches_1000 connections_8; do
    figure schedule $case rate
done
for metric in p50 p99; do
    figure schedule one_in_flight $metric
done
figure cancel in_flight_256 rate
figure pending depth_0 rate
for metric in rss restart disk rate; do
    figure pending depth_n $metric
done
for case in each batched; do
    figure drain $case rate
done
# Under a sanitizer nothing may get all the way through in so short a time.
has "$out" '"load":"lifecycle","case":"steady_state","workload":"steady","metric":"rate"'
for case in worker_170 feed_170 worker_1000 feed_1000; do
    for metric in p50 p90 p99 p999 max; do
        figure latency $case $metric
    done
done
for case in subscribers_1 subscribers_10 subscribers_100 replay; do
    figure feed $case rate
done
has "$out" '"load":"idle","case":"process","metric":"wake_ups"' \
    '"load":"idle","case":"clock","metric":"wake_ups"' '"load":"idle","case":"process","metric":"written"'
has_not "$out" '"workload":"scattered"'
same "$(ls -A here)" ""

try 0 bench drain --quick --jobs 50 --runs 1 --data here --daemon "$BELFRYD"
has "$out" '^LOAD +CASE' '^drain +each +steady +rate' '^drain +batched +scattered +rate' 'synchronous=FULL'

# What cannot be measured says why, and leaves nothing either.
try 1 bench drain --quick --data here --daemon /bin/false
has "$err" 'did not get ready'
same "$(ls -A here)" ""
# Nor does what is interrupted: the daemon and its directory go.
"$BELFRY" bench schedule --jobs 10000000 --runs 1 --data here --daemon "$BELFRYD" > stopped.out 2> stopped.err &
bench=$!
until [ -S here/*/commands.sock ] 2> /dev/null; do sleep 0.05; done
kill -TERM "$bench"
wait "$bench" && fail "an interrupted bench is no success"
has "$(cat stopped.err)" 'interrupted|not answered'
same "$(ls -A here)" ""
try 2 bench drian
has "$err" 'there is no load drian'
try 2 bench drain --workload mixed
has "$err" 'neither steady, scattered nor both'
try 2 bench drain --connect ipc:///nowhere
has "$err" 'a belfryd of its own'
