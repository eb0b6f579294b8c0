/* SPDX-License-Identifier: MPL-2.0
 *
 * belfryd's settings of what is kept: on the command line, in the file, which of them wins,
 * and what is refused.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apps/belfryd/settings.h"
#include "core/base/time.h"
#include "tests/support/cmocka.h"
#include "tests/support/temp.h"

/* Reads "--name value"; the caller clears. */
static bf_err
argue (settings *self, const char *name, const char *value, bf_error *error)
{
    char program[] = "belfryd";
    char *argv[] = {program, strdup (name), strdup (value), NULL};
    asked asked_for;
    bf_err rc = settings_arguments (self, 3, argv, &asked_for, error);
    free (argv[1]);
    free (argv[2]);
    return rc;
}

/* Reads a file of these bytes behind its first line. */
static bf_err
read_bytes (settings *self, const char *bytes, size_t size, bf_error *error)
{
    char *directory = temp_make ();
    self->config = temp_path (directory, "belfryd.conf");
    FILE *file = fopen (self->config, "w");
    assert_non_null (file);
    assert_true (fprintf (file, "# what is kept\n") > 0);
    assert_int_equal (fwrite (bytes, 1, size, file), size);
    assert_true (fputc ('\n', file) == '\n');
    assert_int_equal (fclose (file), 0);
    bf_err rc = settings_file (self, error);
    temp_remove (directory);
    return rc;
}

/* Reads a file of one line more. */
static bf_err
read_line (settings *self, const char *line, bf_error *error)
{
    return read_bytes (self, line, strlen (line), error);
}

typedef struct {
    const char *name; /* as in the file */
    const char *value;
    int64_t finals_us;
    uint64_t final_jobs;
    int64_t events_us;
    uint64_t event_rows;
} kept_case;

static const kept_case kept[] = {
    {"keep_finals", "12h", 12 * BF_HOUR_US, 0, 0, 0},
    {"keep_finals", "1500ms", 1500 * BF_MS_US, 0, 0, 0},
    {"keep_finals", "forever", -1, 0, 0, 0},
    {"keep_final_jobs", "1", 0, 1, 0, 0},
    {"keep_final_jobs", "9223372036854775807", 0, INT64_MAX, 0, 0},
    {"keep_final_jobs", "all", 0, UINT64_MAX, 0, 0},
    {"keep_events", "90d", 0, 0, 90 * BF_DAY_US, 0},
    {"keep_events", "forever", 0, 0, -1, 0},
    {"keep_event_rows", "1000", 0, 0, 0, 1000},
    {"keep_event_rows", "all", 0, 0, 0, UINT64_MAX},
};

static void
expect_kept (const settings *self, const kept_case *expected)
{
    assert_int_equal (self->keep_finals_us, expected->finals_us);
    assert_int_equal (self->keep_final_jobs, expected->final_jobs);
    assert_int_equal (self->keep_events_us, expected->events_us);
    assert_int_equal (self->keep_event_rows, expected->event_rows);
}

/* "keep_finals" as "--keep-finals". */
static void
option_of (const char *name, char option[64])
{
    snprintf (option, 64, "--%s", name);
    for (char *at = option; *at; at++) {
        *at = *at == '_' ? '-' : *at;
    }
}

static void
test_kept (void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++) {
        bf_error error = {0};
        char option[64];
        char line[128];
        settings self = {0};
        option_of (kept[i].name, option);
        assert_int_equal (argue (&self, option, kept[i].value, &error), BF_OK);
        expect_kept (&self, &kept[i]);
        settings_clear (&self);
        snprintf (line, sizeof line, "%s = %s", kept[i].name, kept[i].value);
        assert_int_equal (read_line (&self, line, &error), BF_OK);
        expect_kept (&self, &kept[i]);
        settings_clear (&self);
    }
}

typedef struct {
    const char *name;
    const char *value;
    const char *says;
} refused_case;

static const refused_case refused[] = {
    {"keep_finals", "", "needs a value"},
    {"keep_finals", "0s", "or forever, not 0s"},
    {"keep_finals", "30", "or forever, not 30"},
    {"keep_finals", "-1d", "or forever, not -1d"},
    {"keep_finals", "all", "or forever, not all"},
    {"keep_events", "never", "such as 12h or 30d, or forever, not never"},
    {"keep_final_jobs", "0", "over 0, or all, not 0"},
    {"keep_final_jobs", "-5", "not -5"},
    {"keep_final_jobs", "10k", "not 10k"},
    {"keep_final_jobs", "forever", "not forever"},
    {"keep_event_rows", "9223372036854775808", "not 9223372036854775808"},
    {"keep_event_rows", "99999999999999999999999", "not 9999999"},
    {"keep_event_rows", "+1", "not +1"},
};

static void
test_refused (void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        bf_error error = {0};
        char option[64];
        char line[128];
        settings self = {0};
        option_of (refused[i].name, option);
        assert_int_equal (argue (&self, option, refused[i].value, &error), BF_EINVALID);
        assert_non_null (strstr (error.text, refused[i].says));
        settings_clear (&self);
        snprintf (line, sizeof line, "%s = %s", refused[i].name, refused[i].value);
        assert_int_equal (read_line (&self, line, &error), BF_ECONFIG);
        assert_non_null (strstr (error.text, refused[i].says));
        assert_non_null (strstr (error.text, "belfryd.conf:2: "));
        settings_clear (&self);
    }
}

/* What stands behind a NUL, or beyond the longest line, was not read: so nothing is. */
static void
test_no_line (void **state)
{
    (void)state;
    static const char hidden[] = "keep_finals = 1h\0 and keep_events = 2h\n";
    char longest[4200];
    bf_error error = {0};
    settings self = {0};
    assert_int_equal (read_bytes (&self, hidden, sizeof hidden - 1, &error), BF_ECONFIG);
    assert_non_null (strstr (error.text, "belfryd.conf:2: there is a NUL in it"));
    settings_clear (&self);
    memset (longest, 'x', sizeof longest);
    longest[0] = '#';
    assert_int_equal (read_bytes (&self, longest, 4095, &error), BF_OK);
    settings_clear (&self);
    assert_int_equal (read_bytes (&self, longest, 4096, &error), BF_ECONFIG);
    assert_non_null (strstr (error.text, "belfryd.conf:2: the line is too long"));
    settings_clear (&self);
}

/* The command line wins, name by name; a bad line is not better for being overruled. */
static void
test_command_line_wins (void **state)
{
    (void)state;
    bf_error error = {0};
    settings self = {0};
    assert_int_equal (argue (&self, "--keep-finals", "1h", &error), BF_OK);
    assert_int_equal (read_line (&self, "keep_finals = 2h\nkeep_events = 3h", &error),
                      BF_OK);
    expect_kept (&self, &(kept_case){.finals_us = BF_HOUR_US, .events_us = 3 * BF_HOUR_US});
    free (self.config);
    self.config = NULL;
    assert_int_equal (read_line (&self, "keep_finals = soon", &error), BF_ECONFIG);
    settings_clear (&self);
}

/* What a reload would have to say. */
static void
test_equal (void **state)
{
    (void)state;
    bf_error error = {0};
    settings plain = {0};
    settings other = {0};
    assert_int_equal (argue (&plain, "--data", "d", &error), BF_OK);
    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++) {
        char option[64];
        option_of (kept[i].name, option);
        assert_int_equal (argue (&other, option, kept[i].value, &error), BF_OK);
        assert_int_equal (argue (&other, "--data", "d", &error), BF_OK);
        assert_false (settings_equal (&plain, &other));
        settings_clear (&other);
    }
    assert_int_equal (argue (&other, "--data", "d", &error), BF_OK);
    assert_true (settings_equal (&plain, &other));
    settings_clear (&other);
    settings_clear (&plain);
}

/* A directory of zones is made absolute and must be one; none is the default. */
static void
test_zoneinfo (void **state)
{
    (void)state;
    bf_error error = {0};
    settings self = {0};
    settings other = {0};
    assert_int_equal (argue (&self, "--data", "d", &error), BF_OK);
    assert_int_equal (settings_defaults (&self, &error), BF_OK);
    assert_null (self.zoneinfo);

    assert_int_equal (argue (&other, "--zoneinfo", ".", &error), BF_OK);
    assert_int_equal (argue (&other, "--data", "d", &error), BF_OK);
    assert_int_equal (settings_defaults (&other, &error), BF_OK);
    assert_int_equal (other.zoneinfo[0], '/');
    assert_false (settings_equal (&self, &other));
    settings_clear (&other);

    assert_int_equal (read_line (&other, "zoneinfo = /dev/null", &error), BF_OK);
    assert_int_equal (settings_defaults (&other, &error), BF_ECONFIG);
    assert_non_null (strstr (error.text, "zoneinfo: /dev/null is no directory"));
    settings_clear (&other);

    assert_int_equal (argue (&other, "--zoneinfo", "./nowhere", &error), BF_OK);
    assert_int_equal (settings_defaults (&other, &error), BF_ECONFIG);
    assert_non_null (strstr (error.text, "/nowhere is no directory"));
    settings_clear (&other);
    settings_clear (&self);
}

int
main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_kept),    cmocka_unit_test (test_refused),
        cmocka_unit_test (test_no_line), cmocka_unit_test (test_command_line_wins),
        cmocka_unit_test (test_equal),   cmocka_unit_test (test_zoneinfo),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
