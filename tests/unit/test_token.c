/* SPDX-License-Identifier: MPL-2.0
 *
 * Tokens as text: both ways, and everything that is not the one spelling is refused.
 */
#include "core/token.h"

#include <string.h>

#include "tests/support/cmocka.h"

static void
test_tokens (void **state)
{
    (void)state;
    static const struct {
        bf_token token;
        const char *text;
    } rows[] = {
        {{256, 1, 1}, "256.1.1"},
        {{1, 20, 300}, "1.20.300"},
        {{UINT64_MAX, UINT32_MAX, UINT32_MAX},
         "18446744073709551615.4294967295.4294967295"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[BF_TOKEN_BYTES];
        bf_token token;
        assert_string_equal (bf_token_format (rows[i].token, text), rows[i].text);
        assert_int_equal (bf_token_parse (rows[i].text, &token), BF_OK);
        assert_memory_equal (&token, &rows[i].token, sizeof token);
        assert_int_equal (bf_run_id_parse (rows[i].text, &token), BF_EINVALID);
    }
}

static void
test_run_ids (void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bf_token token;
    } rows[] = {
        {"256.7", {256, 7, 0}},
        {"256", {256, 0, 0}},
        {"18446744073709551615.4294967295", {UINT64_MAX, UINT32_MAX, 0}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        bf_token token;
        assert_int_equal (bf_run_id_parse (rows[i].text, &token), BF_OK);
        assert_memory_equal (&token, &rows[i].token, sizeof token);
        assert_int_equal (bf_token_parse (rows[i].text, &token), BF_EINVALID);
    }
    char text[BF_TOKEN_BYTES];
    assert_string_equal (bf_token_format ((bf_token){256, 7, 0}, text), "256.7");
}

static void
test_refused (void **state)
{
    (void)state;
    static const char *const rows[] = {
        "",
        "1.",
        ".1",
        "1..1",
        "1.1.",
        "1.1.1.1",
        "0.1.1",
        "1.0.1",
        "1.1.0",
        "01.1.1",
        "1.01.1",
        "1.1.01",
        "+1.1.1",
        "-1.1.1",
        " 1.1.1",
        "1.1.1 ",
        "1,1,1",
        "1.1.x",
        "a",
        "0",
        "1.4294967296.1",
        "1.1.4294967296",
        "1.0",
        "18446744073709551616.1.1",
        "99999999999999999999999.1.1",
        "0x10.1.1",
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        bf_token token = {7, 8, 9};
        if (bf_token_parse (rows[i], &token) != BF_EINVALID ||
            bf_run_id_parse (rows[i], &token) != BF_EINVALID) {
            fail_msg ("\"%s\" was accepted", rows[i]);
        }
        assert_true (token.job == 7 && token.ordinal == 8 && token.attempt == 9);
    }
}

int
main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_tokens),
        cmocka_unit_test (test_run_ids),
        cmocka_unit_test (test_refused),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
