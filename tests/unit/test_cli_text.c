/* SPDX-License-Identifier: MPL-2.0
 *
 * Output for people: times, durations, safe text, tables.
 */
#include "apps/belfry/text.h"

#include <stdlib.h>
#include <string.h>

#include "apps/belfry/utf8.h"
#include "tests/support/cmocka.h"

#define COUNT(rows) (sizeof (rows) / sizeof (rows)[0])

static void
test_times (void **state)
{
    (void)state;
    static const struct {
        int64_t us;
        const char *text;
    } rows[] = {
        {0, "1970-01-01T00:00:00.000Z"},
        {INT64_C (1795439146120999), "2026-11-23T13:05:46.120Z"},
        {-1, "1969-12-31T23:59:59.999Z"},
        {-1000000, "1969-12-31T23:59:59.000Z"},
        {INT64_MIN, "0001-01-01T00:00:00.224Z"},
        {INT64_MAX, "9999-12-31T23:59:59.775Z"},
    };
    for (size_t index = 0; index < COUNT (rows); index++) {
        char text[BF_CLI_TIME_BYTES];
        assert_string_equal (bf_cli_time (rows[index].us, text), rows[index].text);
    }
}

static void
test_brief (void **state)
{
    (void)state;
    static const struct {
        int64_t us;
        const char *brief;
        const char *relative;
    } rows[] = {
        {0, "0s", "now"},
        {1, "1us", "in 1us"},
        {-40, "-40us", "40us ago"},
        {12345, "12.3ms", "in 12.3ms"},
        {1259999, "1.25s", "in 1.25s"},
        {59999999, "59.99s", "in 59.99s"},
        {INT64_C (192000000), "3m12s", "in 3m12s"},
        {INT64_C (-192500000), "-3m12s", "3m12s ago"},
        {INT64_C (7260000000), "2h1m", "in 2h1m"},
        {INT64_C (187259000000), "2d4h", "in 2d4h"},
        {INT64_C (172800000000), "2d", "in 2d"},
        {INT64_MIN, "-106751991d4h", "106751991d4h ago"},
    };
    for (size_t index = 0; index < COUNT (rows); index++) {
        char text[BF_CLI_BRIEF_BYTES];
        assert_string_equal (bf_cli_brief (rows[index].us, text), rows[index].brief);
        assert_string_equal (bf_cli_relative (rows[index].us, text), rows[index].relative);
    }
}

static void
test_between (void **state)
{
    (void)state;
    assert_int_equal (bf_cli_between (5, 12), 7);
    assert_int_equal (bf_cli_between (12, 5), -7);
    assert_true (bf_cli_between (1, INT64_MIN) == INT64_MIN);
    assert_true (bf_cli_between (-1, INT64_MAX) == INT64_MAX);
    assert_true (bf_cli_between (INT64_MIN, 0) == INT64_MAX);
}

static void
test_safe_text (void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *shown;
        size_t width;
    } rows[] = {
        {"turn-7", "turn-7", 6},   {"caf\xc3\xa9", "caf\xc3\xa9", 4},
        {"\x1b[2J\n", "?[2J?", 5}, {"\xc2\x9bK", "?K", 2},
        {"\xff", "?", 1},          {NULL, "", 0},
    };
    for (size_t index = 0; index < COUNT (rows); index++) {
        char *shown = NULL;
        size_t size = 0;
        FILE *out = open_memstream (&shown, &size);
        assert_int_equal (bf_cli_text_put (out, rows[index].text), rows[index].width);
        fclose (out);
        assert_string_equal (shown, rows[index].shown);
        free (shown);
    }
}

static void
test_payloads (void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t size;
        const char *shown;
    } rows[] = {
        {"", 0, ""},
        {"{\"player\":3}", 12, "{\"player\":3}"},
        {"two\nlines", 9, "hex:74776f0a6c696e6573"},
        {"a\tb", 3, "hex:610962"},
        {"\0", 1, "hex:00"},
        {"\xff", 1, "hex:ff"},
        {"hex:00", 6, "hex:6865783a3030"},
        {"hex", 3, "hex"},
    };
    for (size_t index = 0; index < COUNT (rows); index++) {
        char *shown = NULL;
        size_t size = 0;
        FILE *out = open_memstream (&shown, &size);
        bf_cli_payload_put (out, (const uint8_t *)rows[index].bytes, rows[index].size);
        fclose (out);
        assert_string_equal (shown, rows[index].shown);
        free (shown);
    }
}

static void
test_utf8 (void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t used;
        uint32_t character;
    } rows[] = {
        {"", 0, 0},
        {"a", 1, 'a'},
        {"\xc2\x80", 2, 0x80},
        {"\xdf\xbf", 2, 0x7ff},
        {"\xe0\xa0\x80", 3, 0x800},
        {"\xf0\x90\x80\x80", 4, 0x10000},
        {"\xf4\x8f\xbf\xbf", 4, 0x10ffff},
        {"\xf4\x90\x80\x80", 0, 0},
        {"\xf5\x80\x80\x80", 0, 0},
        {"\xe0\x9f\xbf", 0, 0},
        {"\xf0\x8f\xbf\xbf", 0, 0},
        {"\xed\xa0\x80", 0, 0},
        {"\xed\xbf\xbf", 0, 0},
        {"\xed\x9f\xbf", 3, 0xd7ff},
        {"\xc1\xbf", 0, 0},
        {"\x80", 0, 0},
        {"\xe2\x82", 0, 0},
        {"\xe2\x28\xa1", 0, 0},
    };
    for (size_t index = 0; index < COUNT (rows); index++) {
        uint32_t character = 0;
        const uint8_t *bytes = (const uint8_t *)rows[index].bytes;
        assert_int_equal (bf_cli_utf8_next (bytes, strlen (rows[index].bytes), &character),
                          rows[index].used);
        assert_int_equal (character, rows[index].character);
    }
    assert_false (bf_cli_utf8_is_text ((const uint8_t *)"a\0b", 3));
    assert_true (bf_cli_utf8_is_text ((const uint8_t *)"a\nb", 3));
    assert_false (bf_cli_utf8_is_printable ((const uint8_t *)"a\nb", 3));
}

static void
test_table (void **state)
{
    (void)state;
    static const char *const heads[] = {"ID", "KEY", "STATE"};
    bf_cli_table table = {.heads = heads, .columns = COUNT (heads)};
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream (&text, &size);
    assert_true (bf_cli_table_print (&table, out));
    bf_cli_table_cell (&table, "%d", 256);
    bf_cli_table_cell (&table, "caf\xc3\xa9s");
    bf_cli_table_cell (&table, "dead");
    bf_cli_table_cell (&table, "7");
    bf_cli_table_cell (&table, "%s", "");
    bf_cli_table_cell (&table, "active");
    assert_true (bf_cli_table_print (&table, out));
    bf_cli_table_cell (&table, "1024");
    bf_cli_table_cell (&table, "k\n");
    bf_cli_table_cell (&table, "%s", "");
    assert_true (bf_cli_table_print (&table, out));
    fclose (out);
    assert_string_equal (text, "ID   KEY    STATE\n"
                               "256  caf\xc3\xa9s  dead\n"
                               "7    -      active\n"
                               "1024  k?     -\n");
    free (text);
}

int
main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_times),    cmocka_unit_test (test_between),
        cmocka_unit_test (test_brief),    cmocka_unit_test (test_safe_text),
        cmocka_unit_test (test_payloads), cmocka_unit_test (test_utf8),
        cmocka_unit_test (test_table),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
