/* SPDX-License-Identifier: MPL-2.0
 *
 * Times and durations as text, sums that do not wrap, and that the clocks are read.
 */
#include "core/base/time.h"

#include <string.h>
#include <sys/resource.h>

#include "tests/support/cmocka.h"

/* Both ways. */
static const struct {
    int64_t us;
    const char *text;
} instants[] = {
    {0, "1970-01-01T00:00:00Z"},
    {1, "1970-01-01T00:00:00.000001Z"},
    {-1, "1969-12-31T23:59:59.999999Z"},
    {951782400 * BF_SECOND_US, "2000-02-29T00:00:00Z"},
    {INT64_C (1795439146120000), "2026-11-23T13:05:46.120000Z"},
    {INT64_C (4107542400) * BF_SECOND_US, "2100-03-01T00:00:00Z"},
    {INT64_C (4107542399) * BF_SECOND_US, "2100-02-28T23:59:59Z"},
    {BF_WALL_MAX_US, "2400-01-01T00:00:00Z"},
    {INT64_C (-62135596800) * BF_SECOND_US, "0001-01-01T00:00:00Z"},
    {INT64_C (253402300800) * BF_SECOND_US - 1, "9999-12-31T23:59:59.999999Z"},
};

static void
test_instants (void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof instants / sizeof instants[0]; i++) {
        char text[BF_ISO_BYTES];
        bf_wall wall = {.us = 77};
        assert_string_equal (bf_wall_format ((bf_wall){instants[i].us}, text),
                             instants[i].text);
        assert_int_equal (bf_wall_parse (instants[i].text, &wall, NULL), BF_OK);
        assert_true (wall.us == instants[i].us);
    }
}

/* Every day of 800 years, so every kind of leap year, there and back. */
static void
test_every_day (void **state)
{
    (void)state;
    char text[BF_ISO_BYTES], previous[BF_ISO_BYTES] = "";
    for (int64_t day = -146097; day <= 146097; day++) {
        bf_wall wall, there = {.us = day * BF_DAY_US + BF_HOUR_US};
        bf_wall_format (there, text);
        assert_true (strcmp (text, previous) > 0);
        assert_int_equal (bf_wall_parse (text, &wall, NULL), BF_OK);
        assert_true (wall.us == there.us);
        memcpy (previous, text, sizeof text);
    }
}

static void
test_clamp (void **state)
{
    (void)state;
    char text[BF_ISO_BYTES];
    assert_string_equal (bf_wall_format ((bf_wall){INT64_MIN}, text),
                         "0001-01-01T00:00:00Z");
    assert_string_equal (bf_wall_format ((bf_wall){INT64_MAX}, text),
                         "9999-12-31T23:59:59.999999Z");
}

static void
test_parse_forms (void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t us;
    } rows[] = {
        {"1970-01-02", BF_DAY_US},
        {"1970-01-01T00:01Z", BF_MINUTE_US},
        {"1970-01-01T00:00:00.5Z", 500000},
        {"1970-01-01T00:00:00.000010Z", 10},
        {"1970-01-01T01:00:00+01:00", 0},
        {"1970-01-01T00:00:00-05:30", 5 * BF_HOUR_US + 30 * BF_MINUTE_US},
        {"1970-01-01T00:00:00+00:00", 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        bf_wall wall;
        assert_int_equal (bf_wall_parse (rows[i].text, &wall, NULL), BF_OK);
        assert_true (wall.us == rows[i].us);
    }
}

static const char *const no_instants[] = {
    "",
    "now",
    "2026",
    "2026-11",
    "2026-1-1",
    "2026-01-1",
    "2026-13-01",
    "2026-00-01",
    "2026-01-00",
    "2026-04-31",
    "2026-02-29",
    "2100-02-29",
    "0000-01-01",
    "2026-01-01T",
    "2026-01-01 00:00:00Z",
    "2026-01-01T00Z",
    "2026-01-01T00:0Z",
    "2026-01-01T00:00:0Z",
    "2026-01-01T24:00:00Z",
    "2026-01-01T23:60:00Z",
    "2026-01-01T23:59:60Z",
    "2026-01-01T00:00:00",
    "2026-01-01T00:00:00.Z",
    "2026-01-01T00:00:00.1234567Z",
    "2026-01-01T00:00:00z",
    "2026-01-01T00:00:00+0100",
    "2026-01-01T00:00:00+1:00",
    "2026-01-01T00:00:00+01:0",
    "2026-01-01T00:00:00+24:00",
    "2026-01-01T00:00:00+01:60",
    "2026-01-01T00:00:00Z ",
    " 2026-01-01",
    "2026-01-01Z",
    "0001-01-01T00:00:00+01:00",
    "9999-12-31T23:59:59-01:00",
    "-2026-01-01",
};

static void
test_parse_refuses (void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof no_instants / sizeof no_instants[0]; i++) {
        bf_wall wall = {.us = 77};
        bf_error error = {0};
        if (bf_wall_parse (no_instants[i], &wall, &error) != BF_EINVALID) {
            fail_msg ("\"%s\" was accepted", no_instants[i]);
        }
        assert_true (wall.us == 77);
        assert_int_equal (error.code, BF_EINVALID);
        assert_true (strlen (error.text) > 0);
    }
}

/* Both ways: the one spelling that is written. */
static const struct {
    int64_t us;
    const char *text;
} spans[] = {
    {0, "0s"},
    {1, "1us"},
    {999, "999us"},
    {1500, "1.5ms"},
    {500 * BF_MS_US, "500ms"},
    {999999, "999.999ms"},
    {BF_SECOND_US, "1s"},
    {1500 * BF_MS_US, "1.5s"},
    {BF_SECOND_US + 1, "1.000001s"},
    {90 * BF_SECOND_US, "1m30s"},
    {15 * BF_MINUTE_US, "15m"},
    {90 * BF_MINUTE_US, "1h30m"},
    {2 * BF_HOUR_US, "2h"},
    {3 * BF_DAY_US, "3d"},
    {BF_DAY_US + BF_SECOND_US, "1d1s"},
    {BF_HOUR_US + 20 * BF_MS_US, "1h20ms"},
    {BF_MINUTE_US + 7, "1m7us"},
    {INT64_MAX, "106751991d4h54.775807s"},
};

static void
test_spans (void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof spans / sizeof spans[0]; i++) {
        char text[BF_SPAN_BYTES];
        bf_span span = {.us = 77};
        assert_string_equal (bf_span_format ((bf_span){spans[i].us}, text), spans[i].text);
        assert_int_equal (bf_span_parse (spans[i].text, &span, NULL), BF_OK);
        assert_true (span.us == spans[i].us);
    }
}

static void
test_negative_spans (void **state)
{
    (void)state;
    char text[BF_SPAN_BYTES];
    assert_string_equal (bf_span_format ((bf_span){-1500}, text), "-1.5ms");
    assert_string_equal (bf_span_format ((bf_span){-BF_DAY_US}, text), "-1d");
    assert_string_equal (bf_span_format ((bf_span){INT64_MIN}, text),
                         "-106751991d4h54.775808s");
}

static void
test_span_forms (void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t us;
    } rows[] = {
        {"90s", 90 * BF_SECOND_US},
        {"250us", 250},
        {"0s", 0},
        {"0.5h", 30 * BF_MINUTE_US},
        {"1.5d", 36 * BF_HOUR_US},
        {"0.000001s", 1},
        {"0.25ms", 250},
        {"1m1m", 2 * BF_MINUTE_US},
        {"30m1h", 90 * BF_MINUTE_US},
        {"007s", 7 * BF_SECOND_US},
        {"1h30m10s5ms1us", INT64_C (5410005001)},
        {"9223372036854775807us", INT64_MAX},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        bf_span span;
        assert_int_equal (bf_span_parse (rows[i].text, &span, NULL), BF_OK);
        assert_true (span.us == rows[i].us);
    }
}

static void
test_span_refuses (void **state)
{
    (void)state;
    static const char *const rows[] = {
        "",
        "0",
        "5",
        "s",
        "-1s",
        "+1s",
        "1 s",
        " 1s",
        "1s ",
        "1x",
        "1S",
        "1.s",
        ".5s",
        "1..5s",
        "1.5",
        "0.5us",
        "0.0001ms",
        "0.0000001s",
        "1h30",
        "1hour",
        "9223372036854775808us",
        "1e3s",
        "106751992d",
        "9223372036854775807us1us",
        "9223372036854.775808s",
        "1.5.5s",
        "99999999999999999999999d",
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        bf_span span = {.us = 77};
        bf_error error = {0};
        if (bf_span_parse (rows[i], &span, &error) != BF_EINVALID) {
            fail_msg ("\"%s\" was accepted", rows[i]);
        }
        assert_true (span.us == 77);
        assert_int_equal (error.code, BF_EINVALID);
    }
}

static void
test_add (void **state)
{
    (void)state;
    static const struct {
        int64_t a, b, sum;
    } rows[] = {
        {1, 2, 3},
        {-1, 1, 0},
        {INT64_MAX, 1, INT64_MAX},
        {1, INT64_MAX, INT64_MAX},
        {INT64_MAX, INT64_MAX, INT64_MAX},
        {INT64_MIN, -1, INT64_MIN},
        {-1, INT64_MIN, INT64_MIN},
        {INT64_MIN, INT64_MAX, -1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_true (bf_us_add (rows[i].a, rows[i].b) == rows[i].sum);
    }
}

static void
test_clocks (void **state)
{
    (void)state;
    bf_now first = bf_now_read ();
    bf_now second = bf_now_read ();
    /* Not before this was written, and the boot clock never goes back. */
    assert_true (first.wall.us > INT64_C (1760000000) * BF_SECOND_US);
    assert_true (first.wall.us < BF_WALL_MAX_US);
    assert_true (first.boot.us > 0);
    assert_true (second.boot.us >= first.boot.us);
    assert_true (second.boot.us - first.boot.us < BF_HOUR_US);
}

static void
test_boot_id (void **state)
{
    (void)state;
    char first[BF_BOOT_ID_BYTES], second[BF_BOOT_ID_BYTES];
    memset (first, 'x', sizeof first);
    bf_boot_id_read (first);
    bf_boot_id_read (second);
    assert_string_equal (first, second);
    assert_true (strlen (first) == 0 || strlen (first) == BF_BOOT_ID_BYTES - 1);
}

/* Without a descriptor to read it through there is none, and no other boot's either. */
static void
test_boot_id_unreadable (void **state)
{
    (void)state;
    char id[BF_BOOT_ID_BYTES];
    struct rlimit before;
    assert_int_equal (getrlimit (RLIMIT_NOFILE, &before), 0);
    struct rlimit none = {.rlim_cur = 0, .rlim_max = before.rlim_max};
    memset (id, 'x', sizeof id);
    assert_int_equal (setrlimit (RLIMIT_NOFILE, &none), 0);
    bf_boot_id_read (id);
    assert_int_equal (setrlimit (RLIMIT_NOFILE, &before), 0);
    assert_string_equal (id, "");
}

int
main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_instants),
        cmocka_unit_test (test_every_day),
        cmocka_unit_test (test_clamp),
        cmocka_unit_test (test_parse_forms),
        cmocka_unit_test (test_parse_refuses),
        cmocka_unit_test (test_spans),
        cmocka_unit_test (test_negative_spans),
        cmocka_unit_test (test_span_forms),
        cmocka_unit_test (test_span_refuses),
        cmocka_unit_test (test_add),
        cmocka_unit_test (test_clocks),
        cmocka_unit_test (test_boot_id),
        cmocka_unit_test (test_boot_id_unreadable),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
