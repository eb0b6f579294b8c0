/* SPDX-License-Identifier: MPL-2.0
 *
 * The table of verbs holds together: every row is complete, no option means two things, and
 * the examples of the help pages are commands that parse. And the exit codes.
 */
#include "apps/belfry/cli.h"

#include <stdlib.h>
#include <string.h>

#include "belfry.pb-c.h"
#include "tests/support/cmocka.h"

static void
check_option (const bf_cli_verb *verb, const bf_cli_option *option)
{
    bool words = option->kind == BF_CLI_WORD || option->kind == BF_CLI_WORDS;
    assert_true (option->help && *option->help);
    assert_int_equal (option->words != NULL, words);
    assert_int_equal (option->value != NULL, option->kind != BF_CLI_FLAG && !words);
    assert_true (option->offset < verb->values_bytes);
    for (const bf_cli_option *shared = bf_cli_shared_options; shared->name; shared++) {
        assert_string_not_equal (shared->name, option->name);
        assert_true (!option->letter || shared->letter != option->letter);
    }
    for (const bf_cli_option *other = verb->options; other != option; other++) {
        assert_string_not_equal (other->name, option->name);
        assert_true (other->offset != option->offset);
    }
}

static void
test_rows (void **state)
{
    (void)state;
    for (size_t index = 0; bf_cli_verbs[index]; index++) {
        const bf_cli_verb *verb = bf_cli_verbs[index];
        assert_ptr_equal (bf_cli_verb_find (verb->name), verb);
        assert_true (*verb->group && *verb->summary && *verb->about && verb->operands);
        assert_true (verb->act && verb->most_operands >= verb->least_operands);
        assert_true (verb->exits & BF_CLI_EXIT_BIT (BF_CLI_USAGE));
        for (const bf_cli_option *option = verb->options; option->name; option++) {
            check_option (verb, option);
        }
    }
    assert_null (bf_cli_verb_find ("frobnicate"));
}

/* Splits a line as a shell would, as far as the examples need it. */
static int
split (char *line, char **words)
{
    int count = 0;
    char *to = line;
    while (*line) {
        char quote = 0;
        words[count++] = to;
        for (; *line && (quote || *line != ' '); line++) {
            if (*line == quote) {
                quote = 0;
            } else if (!quote && (*line == '\'' || *line == '"')) {
                quote = *line;
            } else {
                *to++ = *line;
            }
        }
        line += *line == ' ';
        *to++ = '\0';
    }
    return count;
}

static void
check_example (const bf_cli_verb *verb, char *line)
{
    char *words[32] = {NULL};
    int count = split (line, words), used;
    bf_cli cli = {0};
    bf_cli_texts operands = {0};
    bf_error error = {0};
    void *values = calloc (1, verb->values_bytes + 1);
    bf_cli_option_set sets[] = {{verb->options, values}, {bf_cli_shared_options, &cli}};
    assert_true (count >= 2);
    assert_string_equal (words[0], "belfry");
    assert_string_equal (words[1], verb->name);
    if (bf_cli_options_parse (sets, 2, count - 2, words + 2, false, &operands, &used,
                              &error) != BF_OK ||
        bf_cli_options_missing (&sets[0], &error) != BF_OK) {
        fail_msg ("the example of %s: %s", verb->name, error.text);
    }
    assert_in_range (operands.count, verb->least_operands, verb->most_operands);
    bf_cli_texts_clear (&operands);
    bf_cli_options_clear (&sets[0]);
    free (values);
}

static void
test_examples (void **state)
{
    (void)state;
    for (size_t index = 0; bf_cli_verbs[index]; index++) {
        char text[1024], *rest = text;
        snprintf (text, sizeof text, "%s", bf_cli_verbs[index]->example);
        for (char *line = strtok_r (text, "\n", &rest); line;
             line = strtok_r (NULL, "\n", &rest)) {
            check_example (bf_cli_verbs[index], line);
        }
    }
}

static void
test_pages (void **state)
{
    (void)state;
    for (size_t index = 0; bf_cli_verbs[index]; index++) {
        char *page = NULL;
        size_t size = 0;
        FILE *out = open_memstream (&page, &size);
        bf_cli_verb_help_print (out, bf_cli_verbs[index]);
        fclose (out);
        assert_non_null (strstr (page, "Exit codes\n  0  done\n"));
        assert_non_null (strstr (page, bf_cli_verbs[index]->operands));
        for (const bf_cli_option *option = bf_cli_verbs[index]->options; option->name;
             option++) {
            char name[64];
            snprintf (name, sizeof name, " --%s", option->name);
            assert_non_null (strstr (page, name));
        }
        free (page);
    }
    for (size_t index = 0; bf_cli_topic_name (index); index++) {
        char *page = NULL;
        size_t size = 0;
        FILE *out = open_memstream (&page, &size);
        assert_true (bf_cli_topic_print (out, bf_cli_topic_name (index)));
        assert_false (bf_cli_topic_print (out, "frobnicate"));
        assert_null (bf_cli_verb_find (bf_cli_topic_name (index)));
        fclose (out);
        assert_true (size > 0);
        free (page);
    }
}

static void
test_exit_codes (void **state)
{
    (void)state;
    static const struct {
        int code;
        bf_cli_exit exit;
    } rows[] = {
        {BELFRY__V1__CODE__CODE_MALFORMED, BF_CLI_REFUSED},
        {BELFRY__V1__CODE__CODE_UNSUPPORTED_VERSION, BF_CLI_REFUSED},
        {BELFRY__V1__CODE__CODE_INVALID, BF_CLI_REFUSED},
        {BELFRY__V1__CODE__CODE_TOO_LARGE, BF_CLI_REFUSED},
        {BELFRY__V1__CODE__CODE_LIMIT, BF_CLI_REFUSED},
        {BELFRY__V1__CODE__CODE_BUSY, BF_CLI_REFUSED},
        {BELFRY__V1__CODE__CODE_NOT_FOUND, BF_CLI_NOT_FOUND},
        {BELFRY__V1__CODE__CODE_KEY_TAKEN, BF_CLI_CONFLICT},
        {BELFRY__V1__CODE__CODE_PAST_DUE, BF_CLI_REFUSED},
        {BELFRY__V1__CODE__CODE_TOO_LATE, BF_CLI_CONFLICT},
        {BELFRY__V1__CODE__CODE_WRONG_STATE, BF_CLI_CONFLICT},
        {BELFRY__V1__CODE__CODE_STALE_TOKEN, BF_CLI_CONFLICT},
        {BELFRY__V1__CODE__CODE_REQUEST_ID_REUSED, BF_CLI_CONFLICT},
        {BELFRY__V1__CODE__CODE_DISK_FULL, BF_CLI_REFUSED},
        {BELFRY__V1__CODE__CODE_STOPPING, BF_CLI_REFUSED},
        {BELFRY__V1__CODE__CODE_TOO_OLD, BF_CLI_REFUSED},
        {BELFRY__V1__CODE__CODE_INTERNAL, BF_CLI_REFUSED},
        {BELFRY__V1__CODE__CODE_VERSION_CONFLICT, BF_CLI_CONFLICT},
        {50, BF_CLI_UNREACHABLE},
        {51, BF_CLI_UNREACHABLE},
        {53, BF_CLI_USAGE},
        {99, BF_CLI_REFUSED},
    };
    assert_int_equal (bf_cli_exit_of (BELFRY_OK), BF_CLI_DONE);
    for (size_t index = 0; index < sizeof rows / sizeof rows[0]; index++) {
        assert_int_equal (bf_cli_exit_of (-rows[index].code), rows[index].exit);
    }
}

static void
test_names (void **state)
{
    (void)state;
    char *words[] = {"256", NULL};
    bf_cli_texts operands = {words, 1};
    bf_cli_name name = {0};
    Belfry__V1__JobRef ref = BELFRY__V1__JOB_REF__INIT;
    assert_int_equal (bf_cli_name_read (&operands, &name, &ref), BF_CLI_DONE);
    assert_int_equal (ref.id, 256);
    name.key = "turn-7";
    assert_int_equal (bf_cli_name_read (&operands, &name, &ref), BF_CLI_USAGE);
    operands.count = 0;
    ref.id = 0;
    assert_int_equal (bf_cli_name_read (&operands, &name, &ref), BF_CLI_DONE);
    assert_int_equal (ref.id, 0);
    assert_string_equal (ref.key, "turn-7");
    assert_string_equal (ref.ns, "");
    name.ns = "game";
    assert_int_equal (bf_cli_name_read (&operands, &name, &ref), BF_CLI_DONE);
    assert_string_equal (ref.ns, "game");
    name.key = NULL;
    assert_int_equal (bf_cli_name_read (&operands, &name, &ref), BF_CLI_USAGE);
    static char *const wrong[] = {"0", "-1", "turn-7", "256.1", "", "18446744073709551616"};
    name.ns = NULL;
    operands.count = 1;
    for (size_t index = 0; index < sizeof wrong / sizeof wrong[0]; index++) {
        words[0] = wrong[index];
        assert_int_equal (bf_cli_name_read (&operands, &name, &ref), BF_CLI_USAGE);
    }
}

int
main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_rows),  cmocka_unit_test (test_examples),
        cmocka_unit_test (test_pages), cmocka_unit_test (test_exit_codes),
        cmocka_unit_test (test_names),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
