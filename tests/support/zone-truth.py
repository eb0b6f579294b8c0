#!/usr/bin/env python3
# SPDX-License-Identifier: MPL-2.0
#
# What Python's zoneinfo says of every zone below a directory, 1970 to 2100, for
# tests/system/test_zones.c: offsets around every change of a zone and at random instants;
# what local times mean around every gap and overlap, and random ones.
#
#   zone-truth.py DIRECTORY SEED >TRUTH
#
# For each zone a line "NAME INSTANTS LOCALS", then so many times two numbers (instant,
# offset), then so many times four (local time, kind, first, second), as 64 bits of this
# machine's order. Kinds are those of bf_local_kind.

import array
import datetime
import os
import random
import struct
import sys
import zoneinfo

UNIQUE, GAP, OVERLAP = 1, 2, 3
BEGIN = 0
END = 4133980800  # 2101-01-01
WEEK = 7 * 86400
EPOCH = datetime.datetime(1970, 1, 1)

RANDOM_INSTANTS = 250
RANDOM_LOCALS = 150
AROUND = (-86400, -3601, -1, 0, 1, 1800, 3599, 3600, 86400)


def names_below(directory):
    """right/ counts leap seconds, posix/ is all of it once more."""
    names = []
    for folder, folders, files in os.walk(directory):
        if folder == directory:
            folders[:] = [name for name in folders if name not in ("right", "posix")]
        for name in files:
            path = os.path.join(folder, name)
            with open(path, "rb") as file:
                if file.read(4) == b"TZif":
                    names.append(os.path.relpath(path, directory))
    return sorted(names)


def seconds(delta):
    return delta.days * 86400 + delta.seconds


def offset_at(zone, instant):
    """By the wall that is shown, not by utcoffset (), which starts from that wall again."""
    wall = datetime.datetime.fromtimestamp(instant, zone).replace(tzinfo=None)
    return seconds(wall - EPOCH) - instant


def listed(data):
    """The transitions that the file itself lists, of its block of 64 bits."""
    size = 0
    for time_bytes in (4, 8):
        start = size
        ut, standard, leaps, times, types, characters = struct.unpack_from(">6L", data, start + 20)
        size = start + 44 + times * (time_bytes + 1) + types * 6 + characters
        size += leaps * (time_bytes + 4) + standard + ut
    return struct.unpack_from(">%dq" % times, data, start + 44)


def changes(zone, data):
    """All transitions: what is listed, and what a walk by weeks finds behind that."""
    found = [time for time in listed(data) if BEGIN <= time < END]
    week = max(found, default=BEGIN)
    before = offset_at(zone, week)
    while week < END:
        after = offset_at(zone, week + WEEK)
        if after != before:
            low, high = week, week + WEEK
            while high - low > 1:
                middle = (low + high) // 2
                if offset_at(zone, middle) == before:
                    low = middle
                else:
                    high = middle
            found.append(high)
        before = after
        week += WEEK
    return found


def meaning(zone, local):
    """Within the hour after the last transition that a file lists, zoneinfo reads local times
    by the footer alone, and may see a change of offset that did not happen there (slim
    America/Nuuk, 2023-10-28). An instant that does not show the local time again is wrong."""
    wall = (EPOCH + datetime.timedelta(seconds=local)).replace(tzinfo=zone)
    first = local - seconds(wall.utcoffset())
    second = local - seconds(wall.replace(fold=1).utcoffset())
    if first == second:
        return (local, UNIQUE, first, second)
    shown = [at for at in (first, second) if at + offset_at(zone, at) == local]
    if len(shown) == 1:
        return (local, UNIQUE, shown[0], shown[0])
    return (local, OVERLAP if shown else GAP, first, second)


def truth(zone, data, dice):
    instants = {dice.randrange(BEGIN, END) for _ in range(RANDOM_INSTANTS)}
    locals_ = {dice.randrange(BEGIN, END) for _ in range(RANDOM_LOCALS)}
    for change in changes(zone, data):
        instants.update(change + distance for distance in AROUND)
        one, other = change + offset_at(zone, change - 1), change + offset_at(zone, change)
        for edge in (one, (one + other) // 2, other):
            locals_.update((edge - 1, edge, edge + 1))
    instants = [(instant, offset_at(zone, instant)) for instant in sorted(instants)]
    return instants, [meaning(zone, local) for local in sorted(locals_)]


def main():
    directory, seed = sys.argv[1:]
    zoneinfo.reset_tzpath([os.path.abspath(directory)])
    known = {}  # many names are one zone
    for name in names_below(directory):
        with open(os.path.join(directory, name), "rb") as file:
            data = file.read()
        if data not in known:
            known[data] = truth(zoneinfo.ZoneInfo(name), data, random.Random(seed + name))
        instants, locals_ = known[data]
        numbers = array.array("q")
        for row in instants + locals_:
            numbers.extend(row)
        sys.stdout.buffer.write(b"%s %d %d\n" % (name.encode(), len(instants), len(locals_)))
        numbers.tofile(sys.stdout.buffer)


main()
