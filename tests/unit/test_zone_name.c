/* SPDX-License-Identifier: MPL-2.0
 *
 * Names of zones: no path that is built from one leads out of its directory.
 */
#include "core/calendar/zone.h"

#include <string.h>

#include "tests/support/cmocka.h"

#define COUNT(list) (sizeof (list) / sizeof (list)[0])

#define LONGEST "Antarctica/a_name_of_sixty_four_letters_that_nobody_should_need_"

static void
test_names (void **state)
{
    (void)state;
    static const char *const valid[] = {
        "A",
        "z",
        "Europe/Berlin",
        "America/Argentina/ComodRivadavia",
        "Etc/GMT+1",
        "GMT-0",
        "America/Port-au-Prince",
        "b",
        "A0",
        "EST5EDT",
        "A/_/+/-",
        LONGEST,
        "Z",
        "A9/Z9",
        "localtime",
    };
    assert_int_equal (strlen (LONGEST), BF_ZONE_NAME_BYTES);
    for (size_t i = 0; i < COUNT (valid); i++) {
        if (!bf_zone_name_is_valid (valid[i])) {
            fail_msg ("\"%s\" is refused", valid[i]);
        }
    }
    static const char *const refused[] = {
        "",
        "/",
        ".",
        "..",
        "../Berlin",
        "Europe/../../etc/passwd",
        "Europe/..",
        "Europe/./Berlin",
        ".Europe",
        "/Europe/Berlin",
        "/etc/passwd",
        "//Europe",
        "Europe//Berlin",
        "Europe/",
        "Europe/Berlin/",
        "Europe/Berlin//",
        "A/",
        "A//",
        "_",
        "+1",
        "-1",
        "0",
        "1A",
        "@A",
        "[A",
        "`A",
        "{A",
        "Europe Berlin",
        " Europe/Berlin",
        "Europe/Berlin ",
        "Europe/Berlin\n",
        "Europe\\Berlin",
        "Europe:Berlin",
        "Europe/Berlin.tab",
        "CET-1CEST,M3.5.0,M10.5.0/3",
        "A@",
        "A[",
        "A`",
        "A{",
        "A*",
        "A~",
        "Europe/D\xc3\xbcsseldorf",
        LONGEST "x",
        LONGEST "/",
        LONGEST "/Berlin",
    };
    for (size_t i = 0; i < COUNT (refused); i++) {
        if (bf_zone_name_is_valid (refused[i])) {
            fail_msg ("\"%s\" is taken", refused[i]);
        }
        assert_false (bf_zone_name_is_utc (refused[i]));
    }
}

int
main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_names),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
