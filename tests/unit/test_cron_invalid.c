/* SPDX-License-Identifier: MPL-2.0
 *
 * tests/vectors/cron_invalid.tsv: what is no cron expression is refused with a sentence,
 * and at once, also where it is well-formed and never matches.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/calendar/cron.h"
#include "tests/support/cmocka.h"

#define LINE_BYTES 1024
#define ROWS 90 /* all of them */
#define LONGEST_NS INT64_C (10000000)

/* Of the processor, so that others on the machine do not count. */
static int64_t
spent_ns (void)
{
    struct timespec spent;
    assert_int_equal (clock_gettime (CLOCK_THREAD_CPUTIME_ID, &spent), 0);
    return (int64_t)spent.tv_sec * 1000000000 + spent.tv_nsec;
}

/* "\t" is a tab, "\\" a backslash. In place. */
static void
unescape (char *text)
{
    char *to = text;
    for (const char *from = text; *from != '\0'; from++) {
        bool escaped = from[0] == '\\' && from[1] != '\0';
        from += escaped ? 1 : 0;
        *to++ = escaped && *from == 't' ? '\t' : *from;
    }
    *to = '\0';
}

static void
check_row (int row, const char *text)
{
    bf_cron cron = {.hours = 42};
    bf_error error = {0};
    int64_t began = spent_ns ();
    bf_err rc = bf_cron_parse (text, &cron, &error);
    int64_t took = spent_ns () - began;
    if (rc != BF_EINVALID || error.code != rc || error.text[0] == '\0') {
        fail_msg ("row %d, \"%s\": %s, \"%s\"", row, text, bf_err_name (rc), error.text);
    }
    if (took > LONGEST_NS) {
        fail_msg ("row %d, \"%s\": took %lld ns", row, text, (long long)took);
    }
    assert_int_equal (cron.hours, 42);
}

static void
test_refused (void **state)
{
    (void)state;
    char path[512];
    const char *tree = getenv ("BELFRY_SOURCE_DIR");
    snprintf (path, sizeof path, "%s/tests/vectors/cron_invalid.tsv",
              tree != NULL ? tree : ".");
    FILE *file = fopen (path, "r");
    assert_non_null (file);
    char line[LINE_BYTES];
    int rows = 0;
    while (fgets (line, sizeof line, file) != NULL) {
        char *reason = strchr (line, '\t');
        assert_non_null (reason);
        *reason = '\0';
        unescape (line);
        check_row (++rows, line);
    }
    fclose (file);
    assert_int_equal (rows, ROWS);
}

int
main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_refused),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
