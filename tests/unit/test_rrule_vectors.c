/* SPDX-License-Identifier: MPL-2.0
 *
 * Recurrence rules against tests/vectors/rrule.tsv, which independent implementations agree
 * on: the first ten instants of each, forward, backward, from the middle and counted.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/calendar/recurrence.h"
#include "persist/zoneinfo.h"

#include "tests/support/cmocka.h"

#define SLOTS 10
#define LINE_BYTES 1024
#define FIELDS 4

static FILE *
open_vectors (void)
{
    const char *root = getenv ("BELFRY_SOURCE_DIR");
    char path[512];
    snprintf (path, sizeof path, "%s/tests/vectors/rrule.tsv", root != NULL ? root : ".");
    FILE *file = fopen (path, "r");
    assert_non_null (file);
    return file;
}

/* "2026-09-16T18:30:00Z;…" */
static size_t
read_slots (char *text, int64_t slots[SLOTS])
{
    size_t count = 0;
    for (char *rest = text, *one; (one = strtok_r (rest, ";", &rest)) != NULL; count++) {
        bf_local local;
        assert_true (count < SLOTS);
        one[strlen (one) - 1] = '\0';
        assert_true (bf_local_parse (one, &local));
        slots[count] = local.s;
    }
    return count;
}

static bf_recurrence *
open_rule (const char *rule, const char *start, const bf_zone *zone)
{
    bf_recurrence_args args = {.kind = BF_RECURRENCE_RRULE, .text = rule, .zone = zone};
    assert_true (bf_local_parse (start, &args.start));
    bf_recurrence *recurrence;
    bf_error error = {0};
    if (bf_recurrence_new (&args, &recurrence, &error) != BF_OK) {
        fail_msg ("%s: %s", rule, error.text);
    }
    return recurrence;
}

static void
check_row (const char *rule, const bf_recurrence *self, const int64_t *slots, size_t count)
{
    bf_instant end = {INT64_MAX};
    bf_instant at = {INT64_MIN};
    bf_instant found = {0};
    for (size_t i = 0; i < count; i++) {
        bool is_there = bf_recurrence_first (self, at, end, &found);
        if (!is_there || found.s != slots[i]) {
            fail_msg ("%s: slot %zu is %lld instead of %lld", rule, i, (long long)found.s,
                      (long long)slots[i]);
        }
        at.s = found.s + 1;
    }
    if (count < SLOTS) {
        assert_false (bf_recurrence_first (self, at, end, &found));
        assert_true (bf_recurrence_last (self, (bf_instant){0}, end, &found));
        assert_int_equal (found.s, slots[count - 1]);
    }
    for (size_t i = count; i > 0; i--) {
        assert_true (bf_recurrence_last (self, (bf_instant){0}, at, &found));
        assert_int_equal (found.s, slots[i - 1]);
        at.s = found.s;
    }
    assert_false (bf_recurrence_last (self, (bf_instant){INT64_MIN}, at, &found));
    bf_instant after = {slots[count - 1] + 1};
    assert_int_equal (bf_recurrence_count (self, (bf_instant){slots[0]}, after), count);
    assert_int_equal (bf_recurrence_count (self, (bf_instant){0}, after), count);
}

static void
test_vectors (void **state)
{
    (void)state;
    FILE *file = open_vectors ();
    char line[LINE_BYTES];
    size_t rows = 0;
    while (fgets (line, sizeof line, file) != NULL) {
        char *fields[FIELDS];
        char *rest = line;
        for (size_t i = 0; i < FIELDS; i++) {
            fields[i] = strtok_r (rest, "\t\n", &rest);
            assert_non_null (fields[i]);
        }
        bf_zone *zone = NULL;
        bf_error error = {0};
        bool utc = bf_zone_name_is_utc (fields[2]);
        if (!utc && bf_zoneinfo_open (NULL, fields[2], &zone, &error) != BF_OK) {
            fail_msg ("%s", error.text);
        }
        bf_recurrence *self = open_rule (fields[0], fields[1], utc ? bf_zone_utc () : zone);
        int64_t slots[SLOTS];
        size_t count = read_slots (fields[3], slots);
        check_row (line, self, slots, count);
        bf_recurrence_destroy (&self);
        bf_zone_destroy (&zone);
        rows++;
    }
    fclose (file);
    assert_int_equal (rows, 319);
}

int
main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_vectors),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
