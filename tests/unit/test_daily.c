/* SPDX-License-Identifier: MPL-2.0
 *
 * Times of day: which cron expression each stands for, and what is refused.
 */
#include "core/calendar/daily.h"

#include <string.h>

#include "tests/support/cmocka.h"

static const struct {
    const char *text;
    const char *printed; /* NULL: refused… */
    const char *zone;    /* …and says this */
} rows[] = {
    {"2130", "30 21 * * *", ""},
    {" 21:30\t", "30 21 * * *", ""},
    {"0000 Europe/Berlin mon-FRI", "0 0 * * MON-FRI", "Europe/Berlin"},
    {"2359 SAT,SUN UTC", "59 23 * * SUN,SAT", "UTC"},
    {"0900 1-5", "0 9 * * MON-FRI", ""},
    {"0900 *", "0 9 * * *", ""},
    {"0900 Z", "0 9 * * *", "Z"},
    {"", NULL, "does not begin with a time of day"},
    {"2400", NULL, "does not begin with a time of day"},
    {"2360", NULL, "does not begin with a time of day"},
    {"930", NULL, "does not begin with a time of day"},
    {"x930", NULL, "does not begin with a time of day"},
    {"9x30", NULL, "does not begin with a time of day"},
    {"0.30", NULL, "does not begin with a time of day"},
    {"-930", NULL, "does not begin with a time of day"},
    {":930", NULL, "does not begin with a time of day"},
    {"09-30", NULL, "does not begin with a time of day"},
    {"0900 MON TUE", NULL, "names weekdays twice"},
    {"0900 UTC Asia/Tokyo", NULL, "names two zones"},
    {"0900 UTC MON x", NULL, "has too many words"},
    {"0900 ../etc", NULL, "is neither a zone nor weekdays"},
    {"0900 monday", NULL, "day-of-week: 'monday' is not understood"},
    {"0900 ,", NULL, "day-of-week: '' is an empty item"},
    {"0900 FRI-MON", NULL, "day-of-week: 'FRI-MON' is a range that runs backwards"},
};

static void
reads (void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        bf_error error = {0};
        bf_cron cron;
        char zone[BF_ZONE_NAME_BYTES + 1] = "untouched";
        char printed[BF_CRON_BYTES];
        bf_err err = bf_daily_parse (rows[i].text, &cron, zone, &error);
        if (rows[i].printed != NULL) {
            assert_int_equal (err, BF_OK);
            assert_string_equal (bf_cron_print (&cron, printed), rows[i].printed);
            assert_string_equal (zone, rows[i].zone);
        } else if (err != BF_EINVALID || strstr (error.text, rows[i].zone) == NULL ||
                   strcmp (zone, "untouched") != 0) {
            fail_msg ("'%s': %s", rows[i].text, error.text);
        }
    }
}

static void
is_not_endless (void **state)
{
    (void)state;
    char text[400];
    bf_error error = {0};
    bf_cron cron;
    char zone[BF_ZONE_NAME_BYTES + 1];
    memset (text, '1', sizeof text);
    text[sizeof text - 1] = '\0';
    assert_int_equal (bf_daily_parse (text, &cron, zone, &error), BF_EINVALID);
    assert_non_null (strstr (error.text, "has at most 255 bytes"));
}

int
main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (reads),
        cmocka_unit_test (is_not_endless),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
