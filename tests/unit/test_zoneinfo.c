/* SPDX-License-Identifier: MPL-2.0
 *
 * Files of time zones: read whole, or refused with a sentence.
 */
#include "persist/zoneinfo.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/cmocka.h"
#include "tests/support/temp.h"

static void
write_file (const char *directory, const char *name, size_t size)
{
    char *path = temp_path (directory, name);
    FILE *file = fopen (path, "w");
    assert_non_null (file);
    for (size_t i = 0; i < size; i++) {
        fputc ('x', file);
    }
    assert_int_equal (fclose (file), 0);
    free (path);
}

static int
setup (void **state)
{
    char *directory = temp_make ();
    char *path = temp_path (directory, "Area");
    assert_int_equal (mkdir (path, 0700), 0);
    free (path);
    write_file (directory, "Area/Small", 3);
    write_file (directory, "Area/Empty", 0);
    write_file (directory, "Area/Full", BF_ZONE_BYTES);
    write_file (directory, "Area/Over", BF_ZONE_BYTES + 1);
    path = temp_path (directory, "Link");
    assert_int_equal (symlink ("Area/Small", path), 0);
    free (path);
    path = temp_path (directory, "Loop");
    assert_int_equal (symlink ("Loop", path), 0);
    free (path);
    path = temp_path (directory, "Pipe");
    assert_int_equal (mkfifo (path, 0600), 0);
    free (path);
    *state = directory;
    return 0;
}

static int
teardown (void **state)
{
    temp_remove (*state);
    return 0;
}

static void
test_read (void **state)
{
    static const struct {
        const char *name;
        size_t size;
    } rows[] = {
        {"Area/Small", 3},
        {"Link", 3},
        {"Area/Empty", 0},
        {"Area/Full", BF_ZONE_BYTES},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t *bytes = NULL;
        size_t size = 99;
        bf_error error = {0};
        bf_err rc = bf_zoneinfo_read (*state, rows[i].name, &bytes, &size, &error);
        if (rc != BF_OK) {
            fail_msg ("%s: %s", rows[i].name, error.text);
        }
        assert_int_equal (size, rows[i].size);
        assert_true (size == 0 || (bytes[0] == 'x' && bytes[size - 1] == 'x'));
        free (bytes);
    }
}

static void
test_refused (void **state)
{
    static const struct {
        const char *name;
        const char *text;
    } rows[] = {
        {"Area/None", "there is no time zone Area/None in "},
        {"None", "names are those of IANA, such as Europe/Berlin"},
        {"Area", "there is no time zone Area in "},
        {"Pipe", "there is no time zone Pipe in "},
        {"Loop", "there is no time zone Loop in "},
        {"Area/Small/More", "there is no time zone Area/Small/More in "},
        {"Area/Over", "has more than 65536 bytes"},
        {"../Area/Small", "is no name of a time zone"},
        {"/etc/passwd", "is no name of a time zone"},
        {"", "is no name of a time zone"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t *bytes = NULL;
        size_t size = 99;
        bf_error error = {0};
        bf_err rc = bf_zoneinfo_read (*state, rows[i].name, &bytes, &size, &error);
        if (rc != BF_EINVALID || !strstr (error.text, rows[i].text)) {
            fail_msg ("%s: %s", rows[i].name, error.text);
        }
        assert_null (bytes);
        assert_int_equal (size, 99);
    }
}

static void
test_no_directory (void **state)
{
    char *directory = temp_path (*state, "nowhere");
    uint8_t *bytes = NULL;
    size_t size = 0;
    bf_error error = {0};
    assert_int_equal (bf_zoneinfo_read (directory, "Europe/Berlin", &bytes, &size, &error),
                      BF_EINVALID);
    assert_non_null (strstr (error.text, "is the package tzdata installed?"));
    free (directory);
    char long_name[5000];
    memset (long_name, 'd', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = '\0';
    assert_int_equal (bf_zoneinfo_read (long_name, "Europe/Berlin", &bytes, &size, &error),
                      BF_EINVALID);
    assert_null (bytes);
}

static void
test_open (void **state)
{
    bf_zone *zone = NULL;
    bf_error error = {0};
    assert_int_equal (bf_zoneinfo_open (*state, "Area/Small", &zone, &error), BF_EINVALID);
    assert_non_null (strstr (error.text, "time zone Area/Small: "));
    assert_null (zone);
    assert_int_equal (bf_zoneinfo_open (*state, "Area/None", &zone, &error), BF_EINVALID);
    /* The machine's own. */
    assert_int_equal (bf_zoneinfo_open (NULL, "Asia/Tokyo", &zone, &error), BF_OK);
    assert_int_equal (bf_zone_at (zone, (bf_instant){0}).offset_s, 9 * 3600);
    bf_zone_destroy (&zone);
}

int
main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_read),
        cmocka_unit_test (test_refused),
        cmocka_unit_test (test_no_directory),
        cmocka_unit_test (test_open),
    };
    return cmocka_run_group_tests (tests, setup, teardown);
}
