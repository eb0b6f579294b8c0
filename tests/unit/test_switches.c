/* SPDX-License-Identifier: MPL-2.0
 *
 * The days on which clocks change: random sets of local times in made-up zones, against
 * the definition local time by local time, and worked examples from real zones.
 */
#include "core/calendar/switches.h"

#include <string.h>

#include "core/base/time.h"
#include "core/calendar/cron.h"
#include "tests/support/cmocka.h"
#include "tests/support/zones.h"

/* xorshift64 of Marsaglia: the same sets in every run. */
static uint64_t seed;

static int64_t
up_to (int64_t most)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (int64_t)(seed % (uint64_t)(most + 1));
}

/* A set of some local times, in order. */
#define MEMBERS 400

typedef struct {
    size_t count;
    int64_t members[MEMBERS];
} set_t;

static bool
set_first (const void *ctx, bf_local from, bf_local until, bf_local *found)
{
    const set_t *set = ctx;
    for (size_t i = 0; i < set->count; i++) {
        if (set->members[i] >= from.s && set->members[i] < until.s) {
            found->s = set->members[i];
            return true;
        }
    }
    return false;
}

static bool
set_last (const void *ctx, bf_local from, bf_local until, bf_local *found)
{
    const set_t *set = ctx;
    for (size_t i = set->count; i-- > 0;) {
        if (set->members[i] >= from.s && set->members[i] < until.s) {
            found->s = set->members[i];
            return true;
        }
    }
    return false;
}

static uint64_t
set_count (const void *ctx, bf_local from, bf_local until)
{
    const set_t *set = ctx;
    uint64_t count = 0;
    for (size_t i = 0; i < set->count; i++) {
        count += set->members[i] >= from.s && set->members[i] < until.s;
    }
    return count;
}

static const bf_local_set set_kind = {set_first, set_last, set_count};

/* What local times mean, one by one: the definition. */
typedef struct {
    size_t count;
    int64_t slots[2 * MEMBERS];
} slots_t;

static void
add (slots_t *slots, int64_t slot_s)
{
    if (slot_s < BF_INSTANT_MIN_S || slot_s > BF_INSTANT_MAX_S) {
        return;
    }
    size_t at = slots->count;
    while (at > 0 && slots->slots[at - 1] > slot_s) {
        at--;
    }
    if (at > 0 && slots->slots[at - 1] == slot_s) {
        return;
    }
    memmove (slots->slots + at + 1, slots->slots + at,
             (slots->count - at) * sizeof slots->slots[0]);
    slots->slots[at] = slot_s;
    slots->count++;
}

static void
add_meaning (slots_t *slots, const bf_local_times *times, int64_t local_s)
{
    bf_local_meaning meaning = bf_zone_resolve (times->zone, (bf_local){local_s});
    if (meaning.kind == BF_LOCAL_GAP) {
        int64_t length_s = meaning.offset_after - meaning.offset_before;
        if (times->switches.skipped == BF_SKIPPED_SHIFT) {
            add (slots, meaning.first.s);
        } else if (times->switches.skipped == BF_SKIPPED_AFTER_GAP &&
                   length_s < BF_GAP_MAX_S) {
            add (slots, meaning.change.s);
        }
        return;
    }
    if (times->switches.repeated != BF_REPEATED_SECOND) {
        add (slots, meaning.first.s);
    }
    if (times->switches.repeated != BF_REPEATED_FIRST) {
        add (slots, meaning.second.s);
    }
}

static void
compare (const bf_local_times *times, const slots_t *slots, int64_t from_s, int64_t until_s)
{
    size_t low = 0;
    while (low < slots->count && slots->slots[low] < from_s) {
        low++;
    }
    size_t high = low;
    while (high < slots->count && slots->slots[high] < until_s) {
        high++;
    }
    bf_instant found = {-1};
    bf_instant from = {from_s};
    bf_instant until = {until_s};
    assert_int_equal (bf_local_times_first (times, from, until, &found), low < high);
    assert_int_equal (found.s, low < high ? slots->slots[low] : -1);
    found.s = -1;
    assert_int_equal (bf_local_times_last (times, from, until, &found), low < high);
    assert_int_equal (found.s, low < high ? slots->slots[high - 1] : -1);
    assert_int_equal (bf_local_times_count (times, from, until), high - low);
}

/* Why it is there: checked against what the local time that it names would give. */
static void
check_note (const bf_local_times *times, const set_t *set, int64_t slot_s)
{
    bf_local local;
    bf_instant at = {slot_s};
    bf_slot_note note = bf_local_times_explain (times, at, &local);
    assert_int_equal (set_count (set, local, (bf_local){local.s + 1}), 1);
    bf_local_meaning meaning = bf_zone_resolve (times->zone, local);
    switch (note) {
    case BF_NOTE_PLAIN:
        assert_int_equal (meaning.kind, BF_LOCAL_UNIQUE);
        assert_int_equal (meaning.first.s, slot_s);
        break;
    case BF_NOTE_AFTER_GAP:
        assert_int_equal (meaning.kind, BF_LOCAL_GAP);
        assert_int_equal (meaning.change.s, slot_s);
        assert_int_equal (
            set_count (set, (bf_local){slot_s + meaning.offset_before}, local), 0);
        break;
    case BF_NOTE_SHIFTED:
        assert_int_equal (meaning.kind, BF_LOCAL_GAP);
        assert_int_equal (meaning.first.s, slot_s);
        break;
    case BF_NOTE_FIRST:
    case BF_NOTE_SECOND:
        assert_int_equal (meaning.kind, BF_LOCAL_OVERLAP);
        assert_int_equal (note == BF_NOTE_FIRST ? meaning.first.s : meaning.second.s,
                          slot_s);
        break;
    }
}

#define BASE INT64_C (1800000000)

/* Changes minutes to days apart, gaps and overlaps of up to a day. */
static bf_zone *
random_zone (int64_t low_s, int64_t *high_s)
{
    for (;;) {
        int64_t changes[8];
        int32_t offsets[9];
        size_t count = (size_t)up_to (8);
        int64_t most_s = up_to (1) == 0 ? 7200 : 86400;
        int64_t at_s = low_s;
        offsets[0] = (int32_t)up_to (7200);
        for (size_t i = 0; i < count; i++) {
            at_s += 1 + up_to (most_s);
            changes[i] = at_s;
            offsets[i + 1] = (int32_t)(up_to (most_s) - most_s / 2);
        }
        *high_s = at_s + 86400;
        bf_zone *zone = zone_of_changes (changes, count, offsets);
        if (zone != NULL) {
            return zone;
        }
    }
}

/* Real zones, a day before a change. */
static const struct {
    const char *name;
    int64_t base_s;
} real[] = {
    {"Europe/Berlin", 1806195600 - BF_DAY_S},
    {"Europe/Berlin", 1824944400 - BF_DAY_S},
    {"Pacific/Apia", 1325239200 - BF_DAY_S},
    {"Africa/Casablanca", 1740276000 - BF_DAY_S},
    {"Australia/Lord_Howe", 1791041400 - BF_DAY_S},
    {"America/Sao_Paulo", 1541300400 - BF_DAY_S},
};

static void
test_definition (void **state)
{
    (void)state;
    static const int64_t bases[] = {BASE, BASE, BASE, 0, BF_INSTANT_MAX_S - 100000};
    static slots_t slots;
    static set_t set;
    seed = 20261123;
    for (int round = 0; round < 1500; round++) {
        int64_t base = bases[round % 5];
        int64_t high_s;
        bf_zone *zone = random_zone (base, &high_s);
        if (round % 4 == 3) {
            size_t which = (size_t)round / 4 % (sizeof real / sizeof real[0]);
            bf_zone_destroy (&zone);
            zone = zone_of_name (real[which].name);
            assert_non_null (zone);
            base = real[which].base_s;
            high_s = base + 2 * BF_DAY_S;
        }
        int64_t dense = 1 + up_to (5000);
        set.count = 0;
        for (int64_t at = base - 86400 + up_to (dense);
             at < high_s + 86400 && set.count < MEMBERS; at += 1 + up_to (dense)) {
            set.members[set.count++] = at;
        }
        bf_local_times times = {
            .kind = &set_kind,
            .set = &set,
            .zone = zone,
            .switches = {(bf_skipped)(1 + up_to (2)), (bf_repeated)(1 + up_to (2))},
        };
        slots.count = 0;
        for (size_t i = 0; i < set.count; i++) {
            add_meaning (&slots, &times, set.members[i]);
        }
        for (size_t i = 0; i < slots.count; i++) {
            check_note (&times, &set, slots.slots[i]);
        }
        compare (&times, &slots, INT64_MIN, INT64_MAX);
        for (int i = 0; i < 40; i++) {
            int64_t from_s = base - 90000 + up_to (high_s - base + 180000);
            int64_t until_s = from_s - 10 + up_to (i % 2 == 0 ? 4000 : 200000);
            size_t any = slots.count > 0 ? (size_t)up_to ((int64_t)slots.count - 1) : 0;
            if (i % 4 == 0 && slots.count > 0) {
                from_s = slots.slots[any] + up_to (1);
            }
            if (i % 4 == 1 && slots.count > 0) {
                until_s = slots.slots[any] + up_to (1);
            }
            compare (&times, &slots, from_s, until_s);
        }
        bf_zone_destroy (&zone);
    }
}

/* Worked examples: what comes after an instant. */
static const struct {
    const char *zone;
    const char *cron;
    bf_switches switches; /* 0: as cron has them */
    const char *after;
    const char *next[4];
} examples[] = {
    {"Europe/Berlin",
     "30 2 * * *",
     {0},
     "2027-03-27T12:00:00Z",
     {"2027-03-28T01:00:00Z", "2027-03-29T00:30:00Z"}},
    {"Europe/Berlin",
     "30 2 * * *",
     {BF_SKIPPED_SKIP, 0},
     "2027-03-27T12:00:00Z",
     {"2027-03-29T00:30:00Z"}},
    {"Europe/Berlin",
     "30 2 * * *",
     {BF_SKIPPED_SHIFT, 0},
     "2027-03-27T12:00:00Z",
     {"2027-03-28T01:30:00Z", "2027-03-29T00:30:00Z"}},
    {"Europe/Berlin",
     "30 2 * * *",
     {0},
     "2027-10-30T12:00:00Z",
     {"2027-10-31T00:30:00Z", "2027-11-01T01:30:00Z"}},
    {"Europe/Berlin",
     "30 2 * * *",
     {0, BF_REPEATED_SECOND},
     "2027-10-30T12:00:00Z",
     {"2027-10-31T01:30:00Z", "2027-11-01T01:30:00Z"}},
    {"Europe/Berlin",
     "30 2 * * *",
     {0, BF_REPEATED_BOTH},
     "2027-10-30T12:00:00Z",
     {"2027-10-31T00:30:00Z", "2027-10-31T01:30:00Z", "2027-11-01T01:30:00Z"}},
    /* Asked within the repeated hour. */
    {"Europe/Berlin", "30 2 * * *", {0}, "2027-10-31T01:00:00Z", {"2027-11-01T01:30:00Z"}},
    {"America/New_York",
     "0,30 1-3 * * *",
     {0},
     "2024-03-10T06:00:00Z",
     {"2024-03-10T06:30:00Z", "2024-03-10T07:00:00Z", "2024-03-10T07:30:00Z",
      "2024-03-11T05:00:00Z"}},
    {"America/New_York",
     "*/30 * * * *",
     {0},
     "2024-11-03T05:00:00Z",
     {"2024-11-03T05:30:00Z", "2024-11-03T06:00:00Z", "2024-11-03T06:30:00Z",
      "2024-11-03T07:00:00Z"}},
    {"Australia/Lord_Howe",
     "15 2 * * *",
     {0},
     "2026-10-03T00:00:00Z",
     {"2026-10-03T15:30:00Z", "2026-10-04T15:15:00Z"}},
    {"Australia/Lord_Howe",
     "45 1 * * *",
     {0, BF_REPEATED_BOTH},
     "2026-04-04T00:00:00Z",
     {"2026-04-04T14:45:00Z", "2026-04-04T15:15:00Z", "2026-04-05T15:15:00Z"}},
    /* A day that was left out is not made up, unless it is shifted. */
    {"Pacific/Apia",
     "0 12 * * *",
     {0},
     "2011-12-29T00:00:00Z",
     {"2011-12-29T22:00:00Z", "2011-12-30T22:00:00Z"}},
    {"Pacific/Apia",
     "0 12 30 12 *",
     {BF_SKIPPED_SHIFT, 0},
     "2011-01-01T00:00:00Z",
     {"2011-12-30T22:00:00Z", "2012-12-29T22:00:00Z"}},
    {"America/Sao_Paulo",
     "0 0 * * *",
     {0},
     "2018-11-03T12:00:00Z",
     {"2018-11-04T03:00:00Z", "2018-11-05T02:00:00Z"}},
    {"Africa/Casablanca",
     "30 2 * * *",
     {0},
     "2025-02-22T12:00:00Z",
     {"2025-02-23T01:30:00Z", "2025-02-24T02:30:00Z"}},
    {"Africa/Casablanca",
     "30 2 * * *",
     {0},
     "2025-04-05T12:00:00Z",
     {"2025-04-06T02:00:00Z", "2025-04-07T01:30:00Z"}},
    /* Leap days only, 2096 to 2104. */
    {"Europe/Berlin", "0 0 29 2 *", {0}, "2096-03-01T00:00:00Z", {"2104-02-28T23:00:00Z"}},
};

static int64_t
second_of (const char *text)
{
    bf_wall wall;
    assert_int_equal (bf_wall_parse (text, &wall, NULL), BF_OK);
    return wall.us / BF_SECOND_US;
}

static void
test_examples (void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof examples / sizeof examples[0]; i++) {
        bf_zone *zone = zone_of_name (examples[i].zone);
        assert_non_null (zone);
        bf_cron cron;
        assert_int_equal (bf_cron_parse (examples[i].cron, &cron, NULL), BF_OK);
        bf_local_times times = {&bf_cron_times, &cron, zone, bf_cron_switches (&cron)};
        if (examples[i].switches.skipped != 0) {
            times.switches.skipped = examples[i].switches.skipped;
        }
        if (examples[i].switches.repeated != 0) {
            times.switches.repeated = examples[i].switches.repeated;
        }
        bf_instant end = {INT64_MAX};
        bf_instant slot = {second_of (examples[i].after)};
        bf_instant from = slot;
        for (size_t k = 0; k < 4 && examples[i].next[k] != NULL; k++) {
            bf_instant before = slot;
            assert_true (
                bf_local_times_first (&times, (bf_instant){slot.s + 1}, end, &slot));
            if (slot.s != second_of (examples[i].next[k])) {
                fail_msg ("row %zu, slot %zu: %lld, not %s", i, k, (long long)slot.s,
                          examples[i].next[k]);
            }
            bf_instant last;
            bf_instant behind = {slot.s + 1};
            assert_true (bf_local_times_last (&times, before, behind, &last));
            assert_int_equal (last.s, slot.s);
            from.s += k == 0;
            assert_int_equal (bf_local_times_count (&times, from, behind), k + 1);
        }
        bf_zone_destroy (&zone);
    }
}

int
main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_definition),
        cmocka_unit_test (test_examples),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
