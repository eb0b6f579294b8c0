#!/usr/bin/env bash
# SPDX-License-Identifier: MPL-2.0
#
# belfry without a daemon: help, mistakes on the command line, and nobody who answers.

# shellcheck source-path=SCRIPTDIR source=../support/daemon.sh
. "$(dirname "$0")/../support/daemon.sh"

# Help goes to stdout, and is the same on every way to it.
try 0 help
has "$out" '^Jobs$' '^Runs$' '^Reading$' '^  schedule ' '^  watch ' '^  json '
same "$err" ""
help=$out
try 0 --help
same "$out" "$help"
try 0 help claim
has "$out" '^belfry claim: ' '--wait D' '^  6  ' '^Example$'
claim=$out
try 0 claim --help
same "$out" "$claim"
try 0 -h claim
same "$out" "$claim"
try 0 help many
has "$out" 'dry-run' 'exit code'
try 0 help calendar
has "$out" 'after_gap' 'JAN-DEC' 'docs/calendar\.md'
try 0 help kinds
has "$out" '^run\.fired$' '^slot\.skipped$'
try 0 help json
has "$out" 'ISO 8601'
try 0 help exit
count "$out" 12
try 0 version
has "$out" '^belfry [0-9]+\.[0-9]+\.[0-9]+$'
version=$out
try 0 --version
same "$out" "$version"

# Every verb has its page, with its exit codes.
for verb in schedule reschedule cancel confirm pause resume trigger batch claim heartbeat \
    complete fail snooze redrive get list next runs history events watch status stats calendars prune \
    backup check \
    restore help version; do
    try 0 help "$verb"
    has "$out" "^belfry $verb: " '^Exit codes$' "^  belfry $verb"
    has "$help" "^  $verb "
done

# Mistakes are told on stderr, with what was meant, and nothing goes to stdout.
mistake() {
    local text=$1
    shift
    try 2 "$@"
    same "$out" ""
    has "$err" "$text"
}
mistake '^belfry: commands for'
mistake 'no verb skedule; did you mean schedule\?' skedule
mistake 'no verb frobnicate; .belfry help.' frobnicate
mistake 'no option --tpye here; did you mean --type\?' schedule --tpye x
mistake 'no option --frob here' --frob status
mistake 'no help on "tmes"; did you mean times\?' help tmes
mistake '--cron: ' schedule --type t --cron '61 * * * *'
mistake '--tz must be the name of a time zone' schedule --type t --daily 2130 --tz ../x
mistake 'the key is empty' schedule --type t --after 1s --key ''
mistake '--kind must be a kind such as .*belfry help kinds' history --kind run.frobbed
mistake '--type T is missing' schedule --after 1s
mistake 'one of --at ISO, --after D, --every D, --cron E' schedule --type t
mistake 'one of --at ISO' schedule --type t --after 1s --at 2026-11-23
mistake '--at: .*no offset' schedule --type t --at 2026-11-23T13:05:46
mistake '--after: .*no duration' schedule --type t --after 5
mistake 'reject\|keep\|replace' schedule --type t --after 1s --on-key smash
mistake '--retry-jitter: 51 is not in 0..50' schedule --type t --after 1s --retry-jitter 51
mistake 'neither json nor text' list -o xml
mistake 'which job\?' get
mistake 'say --key turn-7' get turn-7
mistake 'its job is 256' cancel 256.1
mistake 'not both' confirm 256 --key turn-7
mistake 'one word too many' get 256 512
mistake 'say more: belfry complete TOKEN' complete
mistake 'either --for D or --at ISO' snooze 256.1.1
mistake '--wait: 61s is not in 0s..1m' claim --type t --wait 61s

mistake '--every: 9ms is not in 10ms..36525d' schedule --type t --every 9ms
mistake '--anchor goes with --every' reschedule 256 --after 1s --anchor 1970-01-01
mistake 'fire_once\|fire_all\|skip\|fail' schedule --type t --every 1s --late never
mistake 'one job or many' cancel 256 --type t
mistake '--if-version is for one job' pause --type t --if-version 3
mistake 'prune what\?' prune
mistake 'say more: belfry batch' batch

mistake '--type must be \[A-Za-z0-9_.-\]\{1,64\}, not "a b"' schedule --type 'a b' --after 1s
mistake '--type must be' claim --type ok --type ''
mistake '--ns must be' get --key k --ns 'a/b'
mistake '--connect must be tcp://HOST:PORT or ipc://PATH' status --connect garbage
mistake '--connect must be' status --connect tcp://127.0.0.1:1,
mistake '--feed must be' watch --feed tcp://nowhere
mistake '"256.1" is no token' complete 256.1
mistake '"256.1.x" is no token' fail 256.1.x
mistake '"" is no token' snooze '' --for 1s

# A payload that cannot be read is no call at all.
try 1 schedule --type t --after 1s --payload @nowhere
has "$err" '^belfry: --payload: nowhere could not be opened'
head -c 65537 /dev/zero > large
try 1 schedule --type t --after 1s --payload @large
has "$err" 'longer than 65536 bytes'

# Nobody answers: the error names what was tried, and what to do.
try 3 status
has "$err" '^belfry: .*data/endpoints' 'start belfryd' 'belfry help endpoints'
try 3 status --connect ipc://"$directory"/nobody --timeout 300ms
has "$err" "ipc://$directory/nobody"
BELFRY_COMMANDS=ipc://$directory/not-here try 3 status --timeout 300ms
has "$err" "ipc://$directory/not-here"
try 3 watch
has "$err" '^belfry: '
mkdir data
echo "ready commands=ipc://$directory/gone feed=ipc://$directory/feed monitor=" > data/endpoints
try 3 list --timeout 300ms
has "$err" "ipc://$directory/gone" 'start belfryd'

# What is no token is told for each, and nothing is sent.
try 2 heartbeat one 256.2
same "$out" "one	invalid
256.2	invalid"
has "$err" '"one" is no token' '"256.2" is no token'
try 0 help schedule
has "$out" '1ms\.\.36525d'

# What could not be written was not done.
code=0
"$BELFRY" help > /dev/full 2> try.err || code=$?
same "$code" 1
has "$(cat try.err)" 'could not be written'
