/* SPDX-License-Identifier: MPL-2.0
 *
 * Enum values as words, and what is suggested for a mistyped one.
 */
#include "apps/belfry/words.h"

#include <string.h>

#include "belfry.pb-c.h"
#include "tests/support/cmocka.h"

static void
test_words (void **state)
{
    (void)state;
    static const struct {
        const ProtobufCEnumDescriptor *words;
        int value;
        const char *word;
    } rows[] = {
        {&belfry__v1__job_state__descriptor, 2, "scheduled"},
        {&belfry__v1__run_state__descriptor, 4, "retry_wait"},
        {&belfry__v1__on_key__descriptor, 3, "replace"},
        {&belfry__v1__code__descriptor, 13, "stale_token"},
        {&belfry__v1__delivery__descriptor, 2, "notify"},
        {&belfry__v1__delivery__descriptor, 0, "unspecified"},
    };
    for (size_t index = 0; index < sizeof rows / sizeof rows[0]; index++) {
        char word[BF_CLI_WORD_BYTES];
        int value = -1;
        assert_string_equal (bf_cli_word (rows[index].words, rows[index].value, word),
                             rows[index].word);
        bool found = bf_cli_word_find (rows[index].words, rows[index].word, &value);
        assert_int_equal (found, rows[index].value != 0);
        assert_int_equal (value, found ? rows[index].value : -1);
    }
}

static void
test_unknown (void **state)
{
    (void)state;
    char word[BF_CLI_WORD_BYTES];
    int value = -1;
    assert_string_equal (bf_cli_word (&belfry__v1__delivery__descriptor, 77, word), "77");
    assert_false (bf_cli_word_find (&belfry__v1__delivery__descriptor, "", &value));
    assert_false (bf_cli_word_find (&belfry__v1__delivery__descriptor, "WORK", &value));
    assert_int_equal (value, -1);
}

static void
test_nearest (void **state)
{
    (void)state;
    static const char *const candidates[] = {"schedule", "reschedule", "list",
                                             "get",      "claim",      "heartbeat"};
    static const struct {
        const char *word;
        const char *best;
    } rows[] = {
        {"skedule", "schedule"},
        {"scheduel", "schedule"},
        {"rescedule", "reschedule"},
        {"ilst", "list"},
        {"gte", "get"},
        {"heart", "heartbeat"},
        {"calim", "claim"},
        {"zzz", NULL},
        {"completely-wrong", NULL},
        {"", NULL},
        {"an-argument-that-is-much-longer-than-what-is-measured-at-all", NULL},
    };
    for (size_t index = 0; index < sizeof rows / sizeof rows[0]; index++) {
        bf_cli_nearest nearest = {.word = rows[index].word};
        for (size_t at = 0; at < sizeof candidates / sizeof candidates[0]; at++) {
            bf_cli_nearest_offer (&nearest, candidates[at]);
        }
        if (rows[index].best) {
            assert_non_null (nearest.best);
            assert_string_equal (nearest.best, rows[index].best);
        } else {
            assert_null (nearest.best);
        }
    }
}

int
main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_words),
        cmocka_unit_test (test_unknown),
        cmocka_unit_test (test_nearest),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
