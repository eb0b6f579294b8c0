/* SPDX-License-Identifier: MPL-2.0
 *
 * tests/vectors/cron.tsv: expressions, zones and the next five instants, which independent
 * implementations agree on. Every row is asked forwards, backwards, and for its count.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/time.h"
#include "core/calendar/recurrence.h"
#include "tests/support/cmocka.h"
#include "tests/support/zones.h"

#define LINE_BYTES 1024
#define ROWS 1385 /* all of them */

/* Zones are read once. */
static struct {
    char name[BF_ZONE_NAME_BYTES + 1];
    bf_zone *zone;
} zones[700];

static const bf_zone *
zone_named (const char *name)
{
    size_t i = 0;
    while (zones[i].zone != NULL && strcmp (zones[i].name, name) != 0) {
        i++;
    }
    if (zones[i].zone == NULL) {
        snprintf (zones[i].name, sizeof zones[i].name, "%s", name);
        zones[i].zone = zone_of_name (name);
        assert_non_null (zones[i].zone);
    }
    return zones[i].zone;
}

static int64_t
second_of (const char *text)
{
    bf_wall wall;
    assert_int_equal (bf_wall_parse (text, &wall, NULL), BF_OK);
    return wall.us / BF_SECOND_US;
}

static void
check_row (int row, char *fields[4])
{
    bf_recurrence_args args = {
        .kind = BF_RECURRENCE_CRON,
        .text = fields[0],
        .zone = zone_named (fields[1]),
    };
    bf_error error = {0};
    bf_recurrence *recurrence;
    if (bf_recurrence_new (&args, &recurrence, &error) != BF_OK) {
        fail_msg ("row %d: %s", row, error.text);
    }
    bf_instant from = {second_of (fields[2]) + 1};
    bf_instant before = {from.s - 1};
    bf_instant end = {INT64_MAX};
    char *rest;
    uint64_t count = 0;
    for (char *want = strtok_r (fields[3], ";", &rest); want != NULL;
         want = strtok_r (NULL, ";", &rest)) {
        bf_instant slot = {-1};
        bf_instant last = {-1};
        bf_recurrence_first (recurrence, (bf_instant){before.s + 1}, end, &slot);
        if (slot.s != second_of (want)) {
            fail_msg ("row %d, %s in %s: %lld, not %s", row, fields[0], fields[1],
                      (long long)slot.s, want);
        }
        assert_true (slot.s > before.s);
        /* The one before a second later is it; the one before it is the one before. */
        bf_recurrence_last (recurrence, from, (bf_instant){slot.s + 1}, &last);
        assert_int_equal (last.s, slot.s);
        assert_int_equal (bf_recurrence_last (recurrence, from, slot, &last), count > 0);
        assert_int_equal (last.s, count > 0 ? before.s : slot.s);
        count++;
        assert_int_equal (bf_recurrence_count (recurrence, from, (bf_instant){slot.s + 1}),
                          count);
        before = slot;
    }
    assert_int_equal (count, 5);
    bf_recurrence_destroy (&recurrence);
}

static void
test_vectors (void **state)
{
    (void)state;
    char path[512];
    const char *tree = getenv ("BELFRY_SOURCE_DIR");
    snprintf (path, sizeof path, "%s/tests/vectors/cron.tsv", tree != NULL ? tree : ".");
    FILE *file = fopen (path, "r");
    assert_non_null (file);
    char line[LINE_BYTES];
    int rows = 0;
    while (fgets (line, sizeof line, file) != NULL) {
        line[strcspn (line, "\n")] = '\0';
        char *fields[4] = {line};
        for (int i = 1; i < 4; i++) {
            fields[i] = strchr (fields[i - 1], '\t');
            assert_non_null (fields[i]);
            *fields[i]++ = '\0';
        }
        check_row (++rows, fields);
    }
    fclose (file);
    assert_int_equal (rows, ROWS);
    for (size_t i = 0; zones[i].zone != NULL; i++) {
        bf_zone_destroy (&zones[i].zone);
    }
}

int
main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_vectors),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
