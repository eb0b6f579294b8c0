#!/usr/bin/env bash
# SPDX-License-Identifier: MPL-2.0
#
# The examples of docs/calendar.md say what is so: every line of its ```console blocks that
# begins with "$ belfry next" is run, and prints what stands below it. Tabs are shown as two
# blanks there, and blanks at the ends of lines are left out.

# shellcheck source-path=SCRIPTDIR source=../support/daemon.sh
. "$(dirname "$0")/../support/daemon.sh"

: "${BELFRY_SOURCE_DIR:?is not set}"
document=$BELFRY_SOURCE_DIR/docs/calendar.md

# In the examples it is called by its name.
# shellcheck disable=SC2317
belfry() { "$BELFRY" "$@"; }

# shown COMMAND: what it prints, as the document shows it.
shown() {
    eval "$1" 2>&1 < /dev/null | sed -E 's/\t/  /g; s/ +$//'
}

examples=0
command=
expected=

# compare: the example that has been read whole, if there is one.
compare() {
    [ -n "$command" ] || return 0
    local printed
    printed=$(shown "$command")
    [ "$printed" = "$expected" ] ||
        fail "docs/calendar.md: $command
--- it says
$expected
--- but it is
$printed"
    examples=$((examples + 1))
    command=
    expected=
}

inside=false
while IFS= read -r line; do
    case $inside:$line in
    'false:```console')
        inside=true
        ;;
    'true:```')
        compare
        inside=false
        ;;
    'true:$ belfry next '*)
        compare
        command=${line#\$ }
        ;;
    true:*)
        [ -n "$command" ] || fail "docs/calendar.md: an example that is no belfry next: $line"
        expected=${expected:+$expected$'\n'}$line
        ;;
    esac
done < "$document"
$inside && fail "docs/calendar.md: a block does not end"

# That they were found at all.
[ "$examples" -ge 20 ] || fail "docs/calendar.md has $examples examples, not 20 or more"
echo "$examples examples"
