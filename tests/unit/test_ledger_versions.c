/* SPDX-License-Identifier: MPL-2.0
 *
 * if_version: a command is done only on the version that its caller has seen. What raises a
 * version, which commands ask for it, and that they ask before anything else.
 */
#include <inttypes.h>
#include <string.h>

#include "tests/support/cmocka.h"
#include "tests/support/ledger.h"

#define CONFLICT BELFRY__V1__CODE__CODE_VERSION_CONFLICT
#define NOT_FOUND BELFRY__V1__CODE__CODE_NOT_FOUND
#define SECOND "5000000"

/* Job 256 with key k, brought to version 3. */
static void
make_third (ledger *self)
{
    ledger_ok (self, "schedule.jobs.type=mail schedule.jobs.key=k "
                     "schedule.jobs.after_us=" SECOND);
    ledger_ok (self, "reschedule.job.key=k reschedule.after_us=6000000");
    ledger_ok (self, "schedule.jobs.type=mail schedule.jobs.key=k schedule.on_key=3 "
                     "schedule.jobs.after_us=7000000");
    ledger_expect (self, ledger_ok (self, "get.job.key=k"), "get.job.version=3");
}

static const struct {
    const char *text;
} commands[] = {
    {"schedule.jobs.type=mail schedule.jobs.key=k schedule.on_key=3 "
     "schedule.jobs.after_us=9000000 schedule.if_version=%u"},
    {"reschedule.job.id=256 reschedule.after_us=9000000 reschedule.if_version=%u"},
    {"cancel.job.id=256 cancel.if_version=%u"},
    {"confirm.job.key=k confirm.if_version=%u"},
    {"pause.job.id=256 pause.if_version=%u"},
    {"resume.job.key=k resume.if_version=%u"},
    {"trigger.job.id=256 trigger.if_version=%u"},
};

#define N_COMMANDS (sizeof commands / sizeof commands[0])

static const char *
command_with (ledger *self, size_t which, unsigned version)
{
    char text[512];
    const char *at = strstr (commands[which].text, "%u");
    assert_non_null (at);
    size_t size = (size_t)(at - commands[which].text);
    assert_in_range (size, 1, sizeof text - 1);
    memcpy (text, commands[which].text, size);
    text[size] = '\0';
    return ledger_text (self, "%s%u", text, version);
}

static void
test_conflict (void **state)
{
    ledger *self = *state;
    make_third (self);
    int64_t head = ledger_number (self, "SELECT head_seq FROM meta");
    for (size_t i = 0; i < N_COMMANDS; i++) {
        const unsigned wrong[] = {1, 2, 4, UINT32_MAX};
        for (size_t k = 0; k < sizeof wrong / sizeof wrong[0]; k++) {
            const char *text = command_with (self, i, wrong[k]);
            Belfry__V1__Reply *reply = ledger_refused (self, CONFLICT, text);
            const char *words =
                ledger_text (self, "job 256 has version 3, not %u", wrong[k]);
            assert_non_null (strstr (reply->text, words));
            assert_int_equal (reply->result_case, BELFRY__V1__REPLY__RESULT__NOT_SET);
        }
    }
    assert_int_equal (ledger_number (self, "SELECT head_seq FROM meta"), head);
}

static int
again (void **state)
{
    ledger_teardown (state);
    return ledger_setup (state);
}

/* The right one, or none, and each command does what it does without. */
static void
test_match (void **state)
{
    for (size_t i = 0; i < N_COMMANDS; i++) {
        ledger *self = *state;
        make_third (self);
        ledger_ok (self, command_with (self, i, 3));
        assert_int_equal (again (state), 0);
        self = *state;
        make_third (self);
        ledger_ok (self, command_with (self, i, 0));
        assert_int_equal (again (state), 0);
    }
}

/* What is found done already is still not done on another version. */
static void
test_before_unchanged (void **state)
{
    ledger *self = *state;
    static const struct {
        const char *done;
        const char *same;
        const char *conflict;
    } rows[] = {
        {"resume.job.key=k", "resume.job.key=k resume.if_version=3",
         "resume.job.key=k resume.if_version=2"},
        {"pause.job.key=k", "pause.job.key=k pause.if_version=3",
         "pause.job.key=k pause.if_version=2"},
        {"trigger.job.key=k",
         "schedule.jobs.type=mail schedule.jobs.key=k schedule.on_key=3 "
         "schedule.jobs.after_us=7000000 schedule.if_version=3",
         "schedule.jobs.type=mail schedule.jobs.key=k schedule.on_key=3 "
         "schedule.jobs.after_us=7000000 schedule.if_version=4"},
        {"cancel.job.key=k", "cancel.job.key=k cancel.if_version=3",
         "cancel.job.key=k cancel.if_version=2"},
    };
    make_third (self);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        ledger_ok (self, rows[i].done);
        ledger_expect (self, ledger_ok (self, rows[i].same), "jobs.items.outcome=4");
        ledger_refused (self, CONFLICT, rows[i].conflict);
    }
    /* Nor is the state that forbids it what the caller has to hear of first. */
    ledger_refused (self, CONFLICT, "pause.job.key=k pause.if_version=2");
    ledger_refused (self, BELFRY__V1__CODE__CODE_WRONG_STATE,
                    "pause.job.key=k pause.if_version=3");
    ledger_refused (self, NOT_FOUND, "cancel.job.key=other cancel.if_version=3");
}

/* Only these two raise it. */
static void
test_what_raises_it (void **state)
{
    ledger *self = *state;
    make_third (self);
    ledger_ok (self, "pause.job.key=k pause.if_version=3");
    ledger_ok (self, "resume.job.key=k resume.if_version=3");
    ledger_ok (self, "trigger.job.key=k trigger.if_version=3");
    ledger_ok (self, ledger_text (self, "complete.token=%s", ledger_lease (self, "mail")));
    ledger_ok (self, "reschedule.job.key=k reschedule.after_us=1 reschedule.if_version=3");
    ledger_ok (self, "schedule.jobs.type=mail schedule.jobs.key=k schedule.on_key=3 "
                     "schedule.jobs.after_us=2 schedule.if_version=4");
    ledger_expect (self, ledger_ok (self, "get.job.key=k"), "get.job.version=5");
}

/* With REPLACE: the job that is to be replaced must be there. */
static void
test_nothing_to_replace (void **state)
{
    ledger *self = *state;
    const char *text = "schedule.jobs.type=mail schedule.jobs.key=k schedule.on_key=3 "
                       "schedule.jobs.after_us=" SECOND " schedule.if_version=1";
    Belfry__V1__Reply *reply = ledger_refused (self, CONFLICT, text);
    assert_non_null (
        strstr (reply->text, "no open job in namespace default has the key k"));
    ledger_ok (self, "schedule.jobs.type=mail schedule.jobs.key=k "
                     "schedule.jobs.after_us=" SECOND);
    ledger_ok (self, "cancel.job.key=k");
    /* The version of a job that has ended says nothing. */
    ledger_refused (self, CONFLICT, text);
    assert_int_equal (ledger_number (self, "SELECT count (*) FROM job"), 1);
}

/* The refusal is the answer to this request, whatever becomes of the job. */
static void
test_repeated (void **state)
{
    ledger *self = *state;
    make_third (self);
    const char *text = "request_id=once cancel.job.key=k cancel.if_version=4";
    ledger_refused (self, CONFLICT, text);
    ledger_ok (self, "reschedule.job.key=k reschedule.after_us=1");
    ledger_reopen (self, true);
    Belfry__V1__Reply *reply = ledger_refused (self, CONFLICT, text);
    assert_true (reply->repeated);
    assert_non_null (strstr (reply->text, "has version 3, not 4"));
}

#define TEST(name) cmocka_unit_test_setup_teardown (name, ledger_setup, ledger_teardown)

int
main (void)
{
    const struct CMUnitTest tests[] = {
        TEST (test_conflict),           TEST (test_match),
        TEST (test_before_unchanged),   TEST (test_what_raises_it),
        TEST (test_nothing_to_replace), TEST (test_repeated),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
