/* SPDX-License-Identifier: MPL-2.0
 *
 * From a command line to the command on the wire: every option of the verbs that change
 * something, every mistake in them, and the lines of a batch. Nothing is sent.
 */
#include "apps/belfry/command.h"

#include <stdlib.h>
#include <string.h>

#include "apps/belfry/json.h"
#include "apps/belfry/lines.h"
#include "tests/support/cmocka.h"

/* A line, and what it came to. */
typedef struct {
    char text[512];
    bf_cli_texts words;
    const bf_cli_verb *verb;
    void *values;
    bf_cli_texts operands;
    bf_cli_command command;
    bf_error error;
    bf_err err;
} parsed;

static void
parse (parsed *self, const char *line)
{
    *self = (parsed){0};
    snprintf (self->text, sizeof self->text, "%s", line);
    assert_int_equal (bf_cli_line_split (self->text, &self->words, &self->error), BF_OK);
    assert_true (self->words.count > 0);
    self->verb = bf_cli_verb_find (self->words.items[0]);
    assert_non_null (self->verb);
    assert_non_null (self->verb->act);
    self->values = calloc (1, self->verb->values_bytes + 1);
    bf_cli_option_set set = {self->verb->options, self->values};
    int used;
    self->err =
        bf_cli_options_parse (&set, 1, (int)self->words.count - 1, self->words.items + 1,
                              false, &self->operands, &used, &self->error);
    if (self->err == BF_OK) {
        self->err = bf_cli_options_missing (&set, &self->error);
    }
    if (self->err == BF_OK) {
        self->err = bf_cli_operands_check (self->verb, &self->operands, &self->error);
    }
    if (self->err == BF_OK) {
        assert_non_null (self->verb->fill);
        self->err =
            self->verb->fill (&self->command, self->values, &self->operands, &self->error);
    }
}

static void
clear (parsed *self)
{
    bf_cli_command_clear (&self->command);
    bf_cli_options_clear (&(bf_cli_option_set){self->verb->options, self->values});
    bf_cli_texts_clear (&self->operands);
    bf_cli_texts_clear (&self->words);
    free (self->values);
}

static char *
printed (const Belfry__V1__Request *request)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream (&text, &size);
    bf_cli_json_print (out, &request->base);
    fclose (out);
    return text;
}

/* Each of the parts, with ` between them, is in the request. */
static void
check_parts (const char *line, const char *parts)
{
    parsed self;
    parse (&self, line);
    if (self.err != BF_OK) {
        fail_msg ("%s: %s", line, self.error.text);
    }
    char *text = printed (&self.command.request);
    while (*parts) {
        char part[256];
        size_t size = strcspn (parts, "`");
        snprintf (part, sizeof part, "%.*s", (int)size, parts);
        if (!strstr (text, part)) {
            fail_msg ("%s: %s is not in %s", line, part, text);
        }
        parts += size + (parts[size] == '`');
    }
    free (text);
    clear (&self);
}

typedef struct {
    const char *line;
    const char *parts;
} row_t;

static void
check_rows (const row_t *rows, size_t count)
{
    for (size_t index = 0; index < count; index++) {
        check_parts (rows[index].line, rows[index].parts);
    }
}

#define CHECK_ROWS(rows) check_rows ((rows), sizeof (rows) / sizeof *(rows))

static void
test_schedule (void **state)
{
    (void)state;
    static const row_t rows[] = {
        {"schedule --type t --after 0s",
         "\"schedule\":{\"jobs\":[{`\"after_us\":0`\"late\":null"},
        {"schedule --type t --at 2026-11-23", "\"at_us\":\"2026-11-23T00:00:00Z\""},
        {"schedule --type t --every 15m", "\"every\":{\"interval_us\":900000000}"},
        {"schedule --type t --every 200ms --anchor 1970-01-01",
         "\"every\":{\"interval_us\":200000,\"anchor_us\":\"1970-01-01T00:00:00Z\"}"},
        {"schedule --type t --every 1h --start 2026-11-24 --end 2026-12-24 --max-runs 7",
         "\"start_us\":\"2026-11-24T00:00:00Z\"`\"end_us\":\"2026-12-24T00:00:00Z\"`"
         "\"max_runs\":7"},
        {"schedule --type t --every 1h --jitter 30s", "\"jitter_us\":30000000"},
        {"schedule --type t --cron '0 9 * * MON-FRI' --tz Europe/Berlin --skipped shift "
         "--repeated both --exclude a --exclude b --start 2026-11-24 --max-runs 7",
         "\"cron\":\"0 9 * * MON-FRI\",\"tz\":\"Europe/Berlin\",\"skipped\":\"shift\","
         "\"repeated\":\"both\",\"exclude\":[\"a\",\"b\"]`\"start_us\":\"2026-11-24T"},
        {"schedule --type t --cron '0\t9 * * *'",
         "\"cron\":\"0\\u00099 * * *\",\"tz\":\"\""},
        {"schedule --type t --daily '2130 Europe/Berlin' --jitter 1m --end 2030-01-01",
         "\"daily\":\"2130 "
         "Europe/Berlin\",\"tz\":\"\",\"skipped\":null`\"jitter_us\":6000"},
        {"schedule --type t --rrule FREQ=WEEKLY;BYDAY=MO --repeated second",
         "\"rrule\":\"FREQ=WEEKLY;BYDAY=MO\"`\"repeated\":\"second\""},
        {"schedule --type t --every 1h --exclude a --tz Europe/Berlin",
         "\"every\":{\"interval_us\":3600000000}`\"tz\":\"Europe/Berlin\"`[\"a\"]"},
        {"schedule --type t --after 1s --late fire_once", "\"late\":\"fire_once\""},
        {"schedule --type t --after 1s --late fire-all --catchup-max 1000",
         "\"late\":\"fire_all\"`\"catchup_max\":1000"},
        {"schedule --type t --after 1s --late skip --grace 1ms",
         "\"late\":\"skip\"`\"grace_us\":1000"},
        {"schedule --type t --after 1s --late fail", "\"late\":\"fail\""},
        {"schedule --type t --every 1s --overlap skip", "\"overlap\":\"skip\""},
        {"schedule --type t --every 1s --overlap buffer_one", "\"overlap\":\"buffer_one\""},
        {"schedule --type t --every 1s --overlap buffer-all", "\"overlap\":\"buffer_all\""},
        {"schedule --type t --every 1s --overlap cancel-other",
         "\"overlap\":\"cancel_other\""},
        {"schedule --type t --every 1s --overlap terminate_other",
         "\"overlap\":\"terminate_other\""},
        {"schedule --type t --every 1s --overlap allow-all", "\"overlap\":\"allow_all\""},
        {"schedule --type t --after 1s --backoff linear --retry-delay 2s --max-delay 1m "
         "--max-age 1h",
         "\"backoff\":\"linear\"`\"delay_us\":2000000`\"max_delay_us\":60000000`"
         "\"max_age_us\":3600000000"},
        {"schedule --type t --after 1s --backoff fixed --retry-jitter 0 --max-attempts 3",
         "\"backoff\":\"fixed\"`\"jitter_percent\":0`\"max_attempts\":3"},
        {"schedule --type t --after 1s --delays 1s,5s,1m",
         "\"backoff\":\"list\"`\"delays_us\":[1000000,5000000,60000000]"},
        {"schedule --type t --after 1s --backoff list --delays 1ms",
         "\"delays_us\":[1000]"},
        {"schedule --type t --after 1s --key k --on-key replace --if-version 7",
         "\"on_key\":\"replace\"`\"if_version\":7"},
        {"schedule --type t --after 1s --payload '{\"a b\":1}' --tag x --tag y --ns n",
         "\"payload\":\"{\\\"a b\\\":1}\"`\"tags\":[\"x\",\"y\"]`\"ns\":\"n\""},
    };
    CHECK_ROWS (rows);
}

static void
test_one (void **state)
{
    (void)state;
    static const row_t rows[] = {
        {"cancel 256 --reason 'not now' --if-version 7",
         "\"cancel\":{\"job\":{\"id\":\"256\"`\"reason\":\"not now\"`\"if_version\":7"},
        {"cancel --key k --ns game", "\"ns\":\"game\",\"key\":\"k\"`\"dry_run\":false"},
        {"cancel 256 --dry-run", "\"dry_run\":true"},
        {"confirm 256 --cancel-open", "\"confirm\":{`\"cancel_open\":true"},
        {"pause 256 --reason r", "\"pause\":{`\"reason\":\"r\""},
        {"resume 256", "\"resume\":{`\"from\":\"pause\""},
        {"resume 256 --from-now --if-version 1", "\"from\":\"now\"`\"if_version\":1"},
        {"trigger --key k --if-version 2", "\"trigger\":{`\"key\":\"k\"`\"if_version\":2"},
        {"reschedule 256 --after 10m --if-version 3",
         "\"after_us\":600000000`\"if_version\":3"},
        {"reschedule 256 --at 2026-11-23 --reject-past",
         "\"at_us\":\"2026-11-23T00:00:00Z\"`\"reject_past\":true"},
        {"reschedule 256 --every 6h --anchor 1970-01-01",
         "\"every\":{\"interval_us\":21600000000,\"anchor_us\":\"1970-01-01T00:00:00Z\"}"},
        {"reschedule 256 --cron @daily --tz UTC --skipped after-gap",
         "\"cron\":\"@daily\",\"tz\":\"UTC\",\"skipped\":\"after_gap\",\"repeated\":null"},
        {"reschedule 256 --daily 0800", "\"daily\":\"0800\",\"tz\":\"\""},
        {"reschedule 256 --rrule FREQ=DAILY", "\"rrule\":\"FREQ=DAILY\""},
        {"redrive 256.1", "\"redrive\":{\"run\":\"256.1\",\"dry_run\":false}"},
        {"redrive 256 --dry-run", "\"run\":\"256\",\"dry_run\":true"},
        {"complete 256.1.1 --result done", "\"result\":\"done\""},
        {"fail 256.1.1 --reason r --non-retryable", "\"non_retryable\":true"},
        {"snooze 256.1.1 --for 1m --reason r", "\"for_us\":60000000`\"reason\":\"r\""},
    };
    CHECK_ROWS (rows);
}

static void
test_many (void **state)
{
    (void)state;
    static const char *const verbs[] = {"cancel",  "confirm",
                                        "pause",   "resume",
                                        "trigger", "reschedule --after 1s",
                                        "redrive", "prune --finals 7d"};
    for (size_t index = 0; index < sizeof verbs / sizeof verbs[0]; index++) {
        char line[256];
        snprintf (line, sizeof line,
                  "%s --ns n --type t --tag a --tag b --state scheduled --state dead "
                  "--key-prefix turn- --dry-run --progress",
                  verbs[index]);
        check_parts (line,
                     "\"filter\":{\"ns\":\"n\",\"type\":\"t\",\"states\":[\"scheduled\","
                     "\"dead\"],\"tags\":[\"a\",\"b\"],\"key_prefix\":\"turn-\","
                     "\"all\":false},\"dry_run\":true");
    }
    static const row_t rows[] = {
        {"cancel --all", "\"filter\":{\"ns\":\"\"`\"all\":true}"},
        {"cancel --ns n", "\"filter\":{\"ns\":\"n\"`\"all\":false}"},
        {"prune --finals 7d --events 14d",
         "\"finals_us\":604800000000`\"events_us\":1209600000000,\"dry_run\":false"},
        {"prune --finals 0s", "\"finals_us\":1,\"events_us\":0"},
        {"prune --events 0s", "\"finals_us\":0,\"events_us\":1,"},
    };
    CHECK_ROWS (rows);
}

static const struct {
    const char *line;
    const char *text;
} mistakes[] = {
    {"schedule --type t",
     "one of --at ISO, --after D, --every D, --cron E, --daily HHMM and --rrule R"},
    {"schedule --type t --after 1s --every 1s", "one of --at ISO"},
    {"schedule --type t --every 9ms", "--every: 9ms is not in 10ms..36525d"},
    {"schedule --type t --every 5", "--every: "},
    {"schedule --type t --after 1s --anchor 1970-01-01", "--anchor goes with --every"},
    {"schedule --type t --every 1s --anchor soon", "--anchor: "},
    {"schedule --type t --after 1s --start 2026-11-23", "go with --every, --cron"},
    {"schedule --type t --after 1s --end 2026-11-23", "go with --every, --cron"},
    {"schedule --type t --after 1s --max-runs 1", "go with --every, --cron"},
    {"schedule --type t --after 1s --exclude a", "go with --every, --cron"},
    {"schedule --type t --cron '* * * * *' --daily 2130", "one of --at ISO"},
    {"schedule --type t --cron '* * * *'", "--cron: "},
    {"schedule --type t --cron ''", "--cron: "},
    {"schedule --type t --cron '0 0 30 2 *'", "--cron: "},
    {"schedule --type t --daily 2460", "--daily: "},
    {"schedule --type t --rrule FREQ=NEVER", "--rrule: "},
    {"schedule --type t --daily 2130 --tz ../x", "--tz must be the name of a time zone"},
    {"schedule --type t --daily 2130 --skipped no", "none of after_gap|skip|shift"},
    {"schedule --type t --daily 2130 --repeated no", "none of first|second|both"},
    {"schedule --type t --daily 2130 --anchor 1970-01-01", "--anchor goes with --every"},
    {"schedule --type t --every 1s --tz UTC", "--tz goes with --cron"},
    {"schedule --type t --every 1s --skipped skip", "--skipped and --repeated go with"},
    {"schedule --type t --at 2026-11-23 --repeated both", "--skipped and --repeated go"},
    {"schedule --type t --daily 2130 --exclude a/b", "--exclude must be "},
    {"schedule --type t --every 1s --max-runs 0", "--max-runs: 0 is not in 1.."},
    {"schedule --type t --every 1s --start 13:00", "--start: "},
    {"schedule --type t --every 1s --end never", "--end: "},
    {"schedule --type t --every 1s --jitter 31d", "--jitter: 31d is not in 0s..30d"},
    {"schedule --type t --every 1s --late maybe",
     "--late: \"maybe\" is none of fire_once|fire_all|skip|fail"},
    {"schedule --type t --every 1s --grace 0s", "--grace: 0s is not in 1ms..36525d"},
    {"schedule --type t --every 1s --catchup-max 5",
     "--catchup-max goes with --late fire_all"},
    {"schedule --type t --every 1s --late fire_all --catchup-max 1001",
     "--catchup-max: 1001 is not in 1..1000"},
    {"schedule --type t --every 1s --overlap both",
     "none of skip|buffer_one|buffer_all|cancel_other|terminate_other|allow_all"},
    {"schedule --type t --after 1s --backoff none",
     "none of exponential|fixed|linear|list"},
    {"schedule --type t --after 1s --backoff list", "--backoff list needs --delays"},
    {"schedule --type t --after 1s --backoff fixed --delays 1s",
     "--delays goes with --backoff list"},
    {"schedule --type t --after 1s --delays 1s --max-delay 1m", "cannot go with --delays"},
    {"schedule --type t --after 1s --delays 1s --retry-delay 1m",
     "cannot go with --delays"},
    {"schedule --type t --after 1s --delays 1s,,2s", "--delays: "},
    {"schedule --type t --after 1s --delays 1s,31d", "--delays: 31d is not in 1ms..30d"},
    {"schedule --type t --after 1s --max-delay 0s", "--max-delay: 0s is not in"},
    {"schedule --type t --after 1s --max-age 0s", "--max-age: 0s is not in"},
    {"schedule --type t --after 1s --retry-jitter 51", "--retry-jitter: 51 is not in"},
    {"schedule --type t --after 1s --if-version 1",
     "--if-version goes with --key and --on-key replace"},
    {"schedule --type t --after 1s --key k --on-key replace --if-version 0",
     "--if-version: 0 is not in 1.."},
    {"schedule --type t --after 1s --key=", "the key is empty; --key must be 1 to 256"},
    {"schedule --type t --after 1s --tag=", "the tag is empty; --tag must be 1 to 64"},
    {"cancel --key=", "the key is empty"},
    {"cancel --tag=", "the tag is empty"},
    {"cancel", "which job?"},
    {"cancel 256 --type t", "one job or many"},
    {"cancel --key k --all", "one job or many"},
    {"cancel --key k --progress", "--progress is for many"},
    {"cancel --type t --if-version 3", "--if-version is for one job"},
    {"cancel 256 --ns n", "--ns goes with --key"},
    {"cancel 256 --if-version x", "--if-version: \"x\" is not a whole number"},
    {"pause --state asleep", "--state: \"asleep\" is none of waiting|"},
    {"reschedule 256", "one of --at ISO"},
    {"reschedule 256 --after 1s --anchor 1970-01-01", "--anchor goes with --every"},
    {"reschedule 256 --cron x", "--cron: "},
    {"reschedule 256 --every 1s --tz UTC", "--tz goes with --cron"},
    {"redrive", "one run or many"},
    {"redrive --key k", "in a batch redrive takes a run or a job by its id"},
    {"redrive 256.1 --type t", "one run or many"},
    {"redrive 256.1 --progress", "--progress is for many"},
    {"resume 256 --from-now=yes", "--from-now takes no value"},
    {"complete 256.1", "is no token"},
    {"snooze 256.1.1", "either --for D or --at ISO"},
    {"prune", "prune what?"},
    {"prune --events 1d --type t", "--events is for all of them"},
    {"prune 256 --finals 1d", "one word too many"},
};

static void
test_mistakes (void **state)
{
    (void)state;
    for (size_t index = 0; index < sizeof mistakes / sizeof mistakes[0]; index++) {
        parsed self;
        parse (&self, mistakes[index].line);
        if (self.err != BF_EINVALID || !strstr (self.error.text, mistakes[index].text)) {
            fail_msg ("%s: %d %s", mistakes[index].line, (int)self.err, self.error.text);
        }
        clear (&self);
    }
}

static void
test_lines (void **state)
{
    (void)state;
    static const struct {
        const char *line;
        const char *words; /* with | behind each; NULL for a mistake */
    } rows[] = {
        {"", ""},
        {" \t\r\n", ""},
        {"# cancel 256", ""},
        {"  # too", ""},
        {"cancel 256\n", "cancel|256|"},
        {"  a\tb  c\r\n", "a|b|c|"},
        {"a #b", "a|#b|"},
        {"a 'b c' \"d e\"", "a|b c|d e|"},
        {"a''b \"\" ''", "ab|||"},
        {"a 'x\"y' \"x'y\"", "a|x\"y|x'y|"},
        {"a \"x\\\"y\\\\z\\n\" 'x\\y'", "a|x\"y\\z\\n|x\\y|"},
        {"a\\ b c\\'d", "a b|c'd|"},
        {"--payload='{\"a\": 1}'", "--payload={\"a\": 1}|"},
        {"a 'b", NULL},
        {"a \"b", NULL},
        {"a b\\", "a|b\\|"},
    };
    for (size_t index = 0; index < sizeof rows / sizeof rows[0]; index++) {
        char line[128], joined[256] = "";
        bf_cli_texts words = {0};
        bf_error error = {0};
        snprintf (line, sizeof line, "%s", rows[index].line);
        bf_err err = bf_cli_line_split (line, &words, &error);
        assert_int_equal (err, rows[index].words ? BF_OK : BF_EINVALID);
        for (size_t word = 0; word < words.count; word++) {
            size_t used = strlen (joined);
            snprintf (joined + used, sizeof joined - used, "%s|", words.items[word]);
        }
        if (rows[index].words) {
            assert_string_equal (joined, rows[index].words);
        } else {
            assert_string_equal (error.text, "a quote is not closed");
        }
        bf_cli_texts_clear (&words);
    }
}

/* How a command for many jobs ended, in words. */
static void
test_bulk (void **state)
{
    (void)state;
    char *text = NULL;
    size_t size = 0;
    Belfry__V1__Request request = BELFRY__V1__REQUEST__INIT;
    Belfry__V1__BulkReply bulk = BELFRY__V1__BULK_REPLY__INIT;
    Belfry__V1__BulkReply__Refusal refusal = BELFRY__V1__BULK_REPLY__REFUSAL__INIT;
    Belfry__V1__BulkReply__Refusal unknown = BELFRY__V1__BULK_REPLY__REFUSAL__INIT;
    Belfry__V1__BulkReply__Refusal *refusals[] = {&refusal, &unknown};
    bulk.changed = 99998;
    bulk.unchanged = 2;
    bulk.refused = 4;
    refusal.job = 512;
    refusal.code = BELFRY__V1__CODE__CODE_WRONG_STATE;
    refusal.text = "it is over";
    bulk.refusals = refusals;
    unknown.code = (Belfry__V1__Code)INT32_MIN;
    bulk.n_refusals = 2;
    request.command_case = BELFRY__V1__REQUEST__COMMAND_CANCEL;
    FILE *out = open_memstream (&text, &size);
    bf_cli_show_bulk (out, out, &request, &bulk);
    request.command_case = BELFRY__V1__REQUEST__COMMAND_REDRIVE;
    bulk = (Belfry__V1__BulkReply)BELFRY__V1__BULK_REPLY__INIT;
    bulk.dry_run = 1;
    bulk.changed = 1;
    bulk.runs = 4;
    bf_cli_show_bulk (out, out, &request, &bulk);
    request.command_case = BELFRY__V1__REQUEST__COMMAND_PRUNE;
    bf_cli_show_bulk (out, out, &request, &bulk);
    bulk.dry_run = 0;
    bulk.runs = 1;
    bulk.events = 1;
    bf_cli_show_bulk (out, out, &request, &bulk);
    fclose (out);
    assert_string_equal (text, "cancelled 99998, 2 unchanged, 4 refused\n"
                               "  512: it is over (WRONG_STATE)\n"
                               "  0:  (BAD_ANSWER)\n"
                               "  and 2 more\n"
                               "1 would be redriven, 0 unchanged, 0 refused, 4 new runs\n"
                               "1 would be pruned, 0 unchanged, 0 refused, 4 runs with "
                               "them\n"
                               "pruned 1, 0 unchanged, 0 refused, 1 run with them, 1 "
                               "event\n");
    free (text);
}

int
main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_schedule), cmocka_unit_test (test_one),
        cmocka_unit_test (test_many),     cmocka_unit_test (test_mistakes),
        cmocka_unit_test (test_lines),    cmocka_unit_test (test_bulk),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
