/* SPDX-License-Identifier: MPL-2.0
 *
 * Every zone of this machine's tzdata against Python's zoneinfo, which says at the time of
 * the test what is right (tests/support/zone-truth.py): around every change of 1970 to 2100
 * and at random times, from UTC and to UTC. Then the same with the slim files that zic
 * makes of it, which leave most changes to their footer.
 *
 * BELFRY_SEED=N takes the random times of a former run.
 */
#include "core/calendar/zone.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/support/cmocka.h"
#include "tests/support/temp.h"

#define ZONEINFO "/usr/share/zoneinfo"

/* tzdata has some 600 names. */
#define ZONES_MIN 500

static void
skip_without (const char *command, const char *name)
{
    if (system (command) != 0) {
        print_message ("%s is missing: run scripts/setup --test\n", name);
        exit (getenv ("BELFRY_NO_SKIP") != NULL ? 1 : 77);
    }
}

static bf_zone *
open_zone (const char *directory, const char *name)
{
    char path[512];
    static uint8_t bytes[BF_ZONE_BYTES + 1];
    (void)snprintf (path, sizeof path, "%s/%s", directory, name);
    FILE *file = fopen (path, "rb");
    if (file == NULL) {
        return NULL;
    }
    size_t size = fread (bytes, 1, sizeof bytes, file);
    (void)fclose (file);
    bf_zone *zone = NULL;
    bf_error error = {0};
    if (bf_zone_read (bytes, size, &zone, &error) != BF_OK) {
        fail_msg ("%s: %s", path, error.text);
    }
    return zone;
}

static void
read_numbers (FILE *truth, int64_t *numbers, size_t count)
{
    assert_int_equal (fread (numbers, sizeof *numbers, count, truth), count);
}

static void
check_instant (const char *name, const bf_zone *zone, const int64_t expected[2])
{
    bf_instant at = {expected[0]};
    bf_zone_span span = bf_zone_at (zone, at);
    if (span.offset_s != expected[1] || span.from.s > at.s || span.until.s <= at.s ||
        bf_zone_local (zone, at).s != at.s + expected[1]) {
        fail_msg ("%s at %" PRId64 ": offset %" PRId32 ", but it is %" PRId64, name, at.s,
                  span.offset_s, expected[1]);
    }
}

static void
check_local (const char *name, const bf_zone *zone, const int64_t expected[4])
{
    bf_local_meaning meaning = bf_zone_resolve (zone, (bf_local){expected[0]});
    if ((int64_t)meaning.kind != expected[1] || meaning.first.s != expected[2] ||
        meaning.second.s != expected[3]) {
        fail_msg ("%s, local %" PRId64 ": kind %d, %" PRId64 ", %" PRId64
                  ", but it is kind %" PRId64 ", %" PRId64 ", %" PRId64,
                  name, expected[0], (int)meaning.kind, meaning.first.s, meaning.second.s,
                  expected[1], expected[2], expected[3]);
    }
    if (meaning.kind != BF_LOCAL_UNIQUE) {
        assert_int_equal (meaning.offset_before, expected[0] - expected[2]);
        assert_int_equal (meaning.offset_after, expected[0] - expected[3]);
        bf_zone_span span = bf_zone_at (zone, meaning.change);
        assert_true (span.from.s == meaning.change.s);
        assert_int_equal (span.offset_s, meaning.offset_after);
        assert_int_equal (bf_zone_previous (zone, span).offset_s, meaning.offset_before);
    }
}

/* zic's slim files leave out the Ramadans of these two from 2073 on, fat ones have them. */
#define SLIM_LEAVES_OUT_S INT64_C (3218832000) /* 2072-01-01 */

static bool
is_left_out (const char *directory, const char *name, int64_t at_s)
{
    return at_s >= SLIM_LEAVES_OUT_S && strcmp (directory, ZONEINFO) != 0 &&
           (strcmp (name, "Asia/Gaza") == 0 || strcmp (name, "Asia/Hebron") == 0);
}

static void
check_zone (FILE *truth, const char *directory, const char *name, size_t n_instants,
            size_t n_locals)
{
    assert_true (bf_zone_name_is_valid (name));
    bf_zone *zone = open_zone (directory, name);
    if (zone == NULL) {
        /* zic makes no localtime and posixrules. */
        assert_string_not_equal (directory, ZONEINFO);
        zone = open_zone (ZONEINFO, name);
    }
    if (bf_zone_name_is_utc (name)) {
        bf_zone_span span = bf_zone_at (zone, (bf_instant){0});
        assert_true (span.offset_s == 0 && span.from.s == INT64_MIN &&
                     span.until.s == INT64_MAX);
    }
    int64_t numbers[4];
    for (size_t i = 0; i < n_instants; i++) {
        read_numbers (truth, numbers, 2);
        if (!is_left_out (directory, name, numbers[0])) {
            check_instant (name, zone, numbers);
        }
    }
    for (size_t i = 0; i < n_locals; i++) {
        read_numbers (truth, numbers, 4);
        if (!is_left_out (directory, name, numbers[0])) {
            check_local (name, zone, numbers);
        }
    }
    bf_zone_destroy (&zone);
}

static void
check_directory (const char *directory)
{
    const char *seed = getenv ("BELFRY_SEED");
    char drawn[24], command[1024];
    (void)snprintf (drawn, sizeof drawn, "%lld", (long long)time (NULL));
    (void)snprintf (
        command, sizeof command,
        "exec python3 \"$BELFRY_SOURCE_DIR/tests/support/zone-truth.py\" '%s' '%s'",
        ZONEINFO, seed != NULL ? seed : drawn);
    print_message ("BELFRY_SEED=%s\n", seed != NULL ? seed : drawn);
    FILE *truth = popen (command, "r");
    assert_non_null (truth);
    size_t zones = 0, instants = 0, locals = 0;
    char line[256];
    while (fgets (line, sizeof line, truth) != NULL) {
        char name[128];
        size_t n_instants, n_locals;
        assert_int_equal (sscanf (line, "%127s %zu %zu\n", name, &n_instants, &n_locals),
                          3);
        check_zone (truth, directory, name, n_instants, n_locals);
        zones++;
        instants += n_instants;
        locals += n_locals;
    }
    assert_int_equal (pclose (truth), 0);
    assert_true (zones >= ZONES_MIN);
    print_message ("%zu zones, %zu instants, %zu local times\n", zones, instants, locals);
}

static void
test_installed (void **state)
{
    (void)state;
    check_directory (ZONEINFO);
}

static void
test_slim (void **state)
{
    (void)state;
    char *directory = temp_make ();
    char command[1024];
    (void)snprintf (command, sizeof command,
                    "PATH=\"$PATH:/usr/sbin\" zic -b slim -d '%s' " ZONEINFO "/tzdata.zi",
                    directory);
    assert_int_equal (system (command), 0);
    check_directory (directory);
    temp_remove (directory);
}

int
main (void)
{
    skip_without ("command -v python3 >/dev/null", "python3");
    skip_without ("test -f " ZONEINFO "/tzdata.zi", "tzdata");
    skip_without ("PATH=\"$PATH:/usr/sbin\" command -v zic >/dev/null", "zic");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_installed),
        cmocka_unit_test (test_slim),
    };
    return cmocka_run_group_tests_name ("zones", tests, NULL, NULL);
}
