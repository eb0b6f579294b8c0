/* SPDX-License-Identifier: MPL-2.0
 *
 * Command lines read by tables: every kind of value, every mistake.
 */
#include "apps/belfry/options.h"

#include <stdlib.h>
#include <string.h>

#include "belfry.pb-c.h"
#include "tests/support/cmocka.h"

typedef struct {
    bool loud;
    char *name;
    bf_cli_texts tags;
    bf_cli_number count;
    bf_cli_us wait;
    bf_cli_spans delays;
    bf_cli_us at;
    int on_key;
    bf_cli_values states;
} values_t;

#define AT(member) .offset = offsetof (values_t, member)

static const bf_cli_option options[] = {
    {.name = "loud", .letter = 'l', .kind = BF_CLI_FLAG, AT (loud), .help = "be loud"},
    {.name = "name",
     .value = "N",
     .kind = BF_CLI_TEXT,
     AT (name),
     .required = true,
     .letter = 'n',
     .help = "who"},
    {.name = "tag", .value = "T", .kind = BF_CLI_TEXTS, AT (tags), .help = "a tag"},
    {.name = "count",
     .value = "N",
     .kind = BF_CLI_NUMBER,
     AT (count),
     .least = 1,
     .most = 1000,
     .help = "how many"},
    {.name = "wait",
     .value = "D",
     .kind = BF_CLI_SPAN,
     AT (wait),
     .most = 60000000,
     .help = "how long"},
    {.name = "delays",
     .value = "D,D",
     .kind = BF_CLI_SPANS,
     AT (delays),
     .least = 1000,
     .most = 60000000,
     .help = "how long each time"},
    {.name = "at", .value = "ISO", .kind = BF_CLI_INSTANT, AT (at), .help = "when"},
    {.name = "on-key",
     .kind = BF_CLI_WORD,
     .words = &belfry__v1__on_key__descriptor,
     AT (on_key),
     .help = "what then"},
    {.name = "state",
     .kind = BF_CLI_WORDS,
     .words = &belfry__v1__job_state__descriptor,
     AT (states),
     .help = "which"},
    {0},
};

/* Parses "word word …"; the caller clears. */
typedef struct {
    char line[256];
    values_t values;
    bf_cli_option_set set;
    bf_cli_texts operands;
    int used;
    bf_error error;
    bf_err err;
} parsed;

static void
parse (parsed *self, const char *line, bool first_operand_only)
{
    char *arguments[32];
    int count = 0;
    *self = (parsed){0};
    self->set = (bf_cli_option_set){options, &self->values};
    snprintf (self->line, sizeof self->line, "%s", line);
    for (char *word = strtok (self->line, " "); word; word = strtok (NULL, " ")) {
        arguments[count++] = word;
    }
    self->err = bf_cli_options_parse (&self->set, 1, count, arguments, first_operand_only,
                                      &self->operands, &self->used, &self->error);
}

static void
clear (parsed *self)
{
    bf_cli_options_clear (&self->set);
    bf_cli_texts_clear (&self->operands);
}

static void
test_values (void **state)
{
    (void)state;
    parsed self;
    parse (&self,
           "one -l --name=a=b --tag x --tag y --count 1000 two --wait 1m --at "
           "2026-11-23T13:05:46Z --on-key replace --state dead --state active -- --loud",
           false);
    assert_int_equal (self.err, BF_OK);
    assert_true (self.values.loud);
    assert_string_equal (self.values.name, "a=b");
    assert_int_equal (self.values.tags.count, 2);
    assert_string_equal (self.values.tags.items[1], "y");
    assert_null (self.values.tags.items[2]);
    assert_true (self.values.count.set);
    assert_int_equal (self.values.count.value, 1000);
    assert_int_equal (self.values.wait.us, 60000000);
    assert_int_equal (self.values.at.us, INT64_C (1795439146000000));
    assert_int_equal (self.values.on_key, BELFRY__V1__ON_KEY__ON_KEY_REPLACE);
    assert_int_equal (self.values.states.count, 2);
    assert_int_equal (self.values.states.items[0], BELFRY__V1__JOB_STATE__JOB_STATE_DEAD);
    assert_int_equal (self.operands.count, 3);
    assert_string_equal (self.operands.items[1], "two");
    assert_string_equal (self.operands.items[2], "--loud");
    clear (&self);
}

/* A list of durations; words with - for _. */
static void
test_lists (void **state)
{
    (void)state;
    parsed self;
    parse (&self, "--delays 1s,5s,1m --name x", false);
    assert_int_equal (self.err, BF_OK);
    assert_int_equal (self.values.delays.count, 3);
    assert_int_equal (self.values.delays.items[0], 1000000);
    assert_int_equal (self.values.delays.items[2], 60000000);
    clear (&self);
    assert_null (self.values.delays.items);
    parse (&self, "--delays=1ms", false);
    assert_int_equal (self.values.delays.count, 1);
    clear (&self);
    /* To its end, however long: not 1m. */
    parse (&self,
           "--delays=00000000000000000000000000000000000000000000000000000000000001ms,2s",
           false);
    assert_int_equal (self.err, BF_OK);
    assert_int_equal (self.values.delays.count, 2);
    assert_int_equal (self.values.delays.items[0], 1000);
    clear (&self);
}

static void
test_nothing (void **state)
{
    (void)state;
    parsed self;
    parse (&self, "", false);
    assert_int_equal (self.err, BF_OK);
    assert_false (self.values.loud || self.values.count.set || self.values.wait.set);
    assert_null (self.values.name);
    assert_int_equal (self.operands.count, 0);
    assert_int_equal (bf_cli_options_missing (&self.set, &self.error), BF_EINVALID);
    assert_string_equal (self.error.text, "--name N is missing");
    clear (&self);
}

static void
test_forms (void **state)
{
    (void)state;
    static const char *const lines[] = {"--name x", "--name=x", "-n x", "-nx"};
    for (size_t index = 0; index < sizeof lines / sizeof lines[0]; index++) {
        parsed self;
        parse (&self, lines[index], false);
        assert_int_equal (self.err, BF_OK);
        assert_string_equal (self.values.name, "x");
        assert_int_equal (bf_cli_options_missing (&self.set, NULL), BF_OK);
        clear (&self);
    }
    parsed self;
    parse (&self, "--name - -", false);
    assert_string_equal (self.values.name, "-");
    assert_string_equal (self.operands.items[0], "-");
    clear (&self);
}

static void
test_first_operand (void **state)
{
    (void)state;
    parsed self;
    parse (&self, "--name x verb --unknown", true);
    assert_int_equal (self.err, BF_OK);
    assert_int_equal (self.used, 3);
    assert_string_equal (self.operands.items[0], "verb");
    clear (&self);
}

/* What a namespace or a type, and what an endpoint may look like. */
static void
test_rules (void **state)
{
    (void)state;
    static const struct {
        const bf_cli_form *form;
        const char *text;
        bool fits;
    } rows[] = {
        {&bf_cli_form_name, "claim_timeout.v2-B", true},
        {&bf_cli_form_name, "", false},
        {&bf_cli_form_name, "a b", false},
        {&bf_cli_form_name, "a/b", false},
        {&bf_cli_form_endpoints, "tcp://127.0.0.1:5570", true},
        {&bf_cli_form_endpoints, "tcp://[::1]:5570,ipc:///run/b", true},
        {&bf_cli_form_endpoints, "ipc://@abstract", true},
        {&bf_cli_form_endpoints, "", false},
        {&bf_cli_form_endpoints, "garbage", false},
        {&bf_cli_form_endpoints, "127.0.0.1:5570", false},
        {&bf_cli_form_endpoints, "tcp://localhost", false},
        {&bf_cli_form_endpoints, "tcp://", false},
        {&bf_cli_form_endpoints, "ipc://", false},
        {&bf_cli_form_endpoints, "ipc://a,", false},
        {&bf_cli_form_endpoints, "ipc://a,b", false},
    };
    for (size_t index = 0; index < sizeof rows / sizeof rows[0]; index++) {
        if (rows[index].form->fits (rows[index].text) != rows[index].fits) {
            fail_msg ("\"%s\" is misjudged", rows[index].text);
        }
    }
}

static void
test_mistakes (void **state)
{
    (void)state;
    static const struct {
        const char *line;
        const char *text; /* in the error */
    } rows[] = {
        {"--nam x", "no option --nam here; did you mean --name?"},
        {"--nmae=x", "did you mean --name?"},
        {"--frobnicate", "no option --frobnicate here"},
        {"-z", "no option -z here"},
        {"--name", "--name needs a value: --name N"},
        {"--on-key", "--on-key needs a value: --on-key reject|keep|replace"},
        {"--loud=yes", "--loud takes no value"},
        {"--name x --name y", "--name is given twice"},
        {"--count 1 --count 1", "--count is given twice"},
        {"--count x", "--count: \"x\" is not a whole number"},
        {"--count -1", "--count: \"-1\" is not a whole number"},
        {"--count=", "--count: \"\" is not a whole number"},
        {"--count 99999999999999999999", "is not a whole number"},
        {"--count 0", "--count: 0 is not in 1..1000"},
        {"--count 1001", "--count: 1001 is not in 1..1000"},
        {"--wait 5", "--wait: "},
        {"--wait 61s", "--wait: 61s is not in 0s..1m"},
        {"--delays 1s --delays 2s", "--delays is given twice"},
        {"--delays 1s,", "--delays: "},
        {"--delays ,1s", "--delays: "},
        {"--delays 1s,2m", "--delays: 2m is not in 1ms..1m"},
        {"--delays", "--delays needs a value: --delays D,D"},
        {"--at 2026-11-23T13:05:46", "--at: "},
        {"--on-key REPLACE", "--on-key: \"REPLACE\" is none of reject|keep|replace"},
        {"--on-key unspecified", "is none of"},
        {"--state dead --state deaf", "--state: \"deaf\" is none of waiting|scheduled|"},
    };
    for (size_t index = 0; index < sizeof rows / sizeof rows[0]; index++) {
        parsed self;
        parse (&self, rows[index].line, false);
        assert_int_equal (self.err, BF_EINVALID);
        if (!strstr (self.error.text, rows[index].text)) {
            fail_msg ("%s: %s", rows[index].line, self.error.text);
        }
        clear (&self);
    }
}

static char *
wrapped (const char *text, size_t indent, size_t column)
{
    char *out = NULL;
    size_t size = 0;
    FILE *stream = open_memstream (&out, &size);
    bf_cli_wrap (stream, text, indent, column);
    fclose (stream);
    return out;
}

static void
test_wrap (void **state)
{
    (void)state;
    static const char words[] =
        "aaaaaaaaa bbbbbbbbb ccccccccc ddddddddd eeeeeeeee fffffffff "
        "ggggggggg hhhhhhhhh iiiiiiiii";
    char *text = wrapped (words, 4, 0);
    assert_string_equal (text, "    aaaaaaaaa bbbbbbbbb ccccccccc ddddddddd eeeeeeeee "
                               "fffffffff ggggggggg\n    hhhhhhhhh iiiiiiiii\n");
    free (text);
    text = wrapped ("one\n\ntwo\n", 2, 0);
    assert_string_equal (text, "  one\n\n  two\n");
    free (text);
    text = wrapped ("one", 5, 2);
    assert_string_equal (text, "   one\n");
    free (text);
}

static void
test_help (void **state)
{
    (void)state;
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream (&text, &size);
    bf_cli_options_print (out, options);
    fclose (out);
    assert_non_null (strstr (text, "  -l, --loud              be loud\n"));
    assert_non_null (strstr (text, "  -n, --name N            who; required\n"));
    assert_non_null (strstr (text, "  --on-key reject|keep|replace|throttle|debounce\n"
                                   "                          what then\n"));
    free (text);
}

int
main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_values),   cmocka_unit_test (test_nothing),
        cmocka_unit_test (test_forms),    cmocka_unit_test (test_first_operand),
        cmocka_unit_test (test_mistakes), cmocka_unit_test (test_wrap),
        cmocka_unit_test (test_help),     cmocka_unit_test (test_rules),
        cmocka_unit_test (test_lists),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
