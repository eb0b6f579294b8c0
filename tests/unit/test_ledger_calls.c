/* SPDX-License-Identifier: MPL-2.0
 *
 * The same request twice: one effect and the same answer, refusals included, over restarts
 * and crashes, for a day.
 */
#include <string.h>

#include "tests/support/cmocka.h"
#include "tests/support/ledger.h"

#define DISK_FULL BELFRY__V1__CODE__CODE_DISK_FULL
#define NOT_FOUND BELFRY__V1__CODE__CODE_NOT_FOUND
#define REUSED BELFRY__V1__CODE__CODE_REQUEST_ID_REUSED

/* A world in which every command of the table below does something. */
static void
make_world (ledger *self)
{
    static const char *const calls[] = {
        "schedule.jobs.type=mail schedule.jobs.key=a schedule.jobs.after_us=9000000",
        "schedule.jobs.type=mail schedule.jobs.key=b schedule.jobs.after_us=9000000",
        "schedule.jobs.type=mail schedule.jobs.key=c schedule.jobs.after_us=9000000",
        "schedule.jobs.type=run schedule.jobs.after_us=0",
        "schedule.jobs.type=run schedule.jobs.after_us=0",
        "schedule.jobs.type=run schedule.jobs.after_us=0",
        "schedule.jobs.type=run schedule.jobs.after_us=0",
        "pause.job.key=c",
    };
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        ledger_ok (self, calls[i]);
    }
    ledger_fire (self, NULL);
    for (int i = 4; i <= 7; i++) {
        ledger_lease (self, "run"); /* 1024.1.1, 1280.1.1, 1536.1.1, 1792.1.1 */
    }
    ledger_ok (self, "fail.token=1792.1.1 fail.non_retryable=1");
}

static const char *const commands[] = {
    "schedule.jobs.type=mail schedule.jobs.after_us=7 schedule.jobs.payload=x",
    "schedule.jobs.type=mail schedule.jobs.key=a schedule.jobs.after_us=7",
    "schedule.jobs.type=mail schedule.jobs.key=a schedule.jobs.after_us=7 "
    "schedule.on_key=3",
    "reschedule.job.key=a reschedule.after_us=5",
    "cancel.job.key=a cancel.reason=why",
    "cancel.job.key=unknown",
    "confirm.job.key=b",
    "confirm.job.id=1024",
    "pause.job.key=c",
    "resume.job.key=c",
    "trigger.job.key=c",
    "complete.token=1024.1.1 complete.result=well",
    "complete.token=1024.1.9",
    "fail.token=1280.1.1 fail.reason=broken",
    "snooze.token=1536.1.1 snooze.for_us=9",
    "redrive.run=1792",
    "redrive.run=1024",
};
#define N_COMMANDS (sizeof commands / sizeof commands[0])

/* What must be the same in a repeat: all that is stored. */
static void
expect_same (ledger *self, Belfry__V1__Reply *first, Belfry__V1__Reply *again)
{
    (void)self;
    assert_int_equal (again->code, first->code);
    assert_string_equal (again->text, first->text);
    assert_true (again->seq == first->seq);
    assert_int_equal (first->repeated, false);
    assert_int_equal (again->repeated, true);
    assert_int_equal (again->result_case, first->result_case);
    assert_string_equal (again->request_id, first->request_id);
    if (first->result_case == BELFRY__V1__REPLY__RESULT_JOBS) {
        assert_int_equal (again->jobs->n_items, first->jobs->n_items);
        assert_int_equal (again->jobs->items[0]->outcome, first->jobs->items[0]->outcome);
        assert_int_equal (again->jobs->items[0]->n_out, first->jobs->items[0]->n_out);
        assert_true (again->jobs->items[0]->job->id == first->jobs->items[0]->job->id);
    } else if (first->result_case == BELFRY__V1__REPLY__RESULT_RUNS) {
        assert_int_equal (again->runs->n_runs, 1);
        assert_int_equal (again->runs->unchanged, first->runs->unchanged);
        assert_string_equal (again->runs->runs[0]->run, first->runs->runs[0]->run);
    }
}

/* Every command, repeated in its own batch, in the next, and behind a restart and a crash.
 */
static void
test_repeat (void **state)
{
    ledger *self = *state;
    make_world (self);
    Belfry__V1__Reply *first[N_COMMANDS];
    for (size_t i = 0; i < N_COMMANDS; i++) {
        const char *text = ledger_text (self, "request_id=r%zu %s", i, commands[i]);
        ledger_begin (self);
        uint64_t call = ledger_put (self, text);
        uint64_t twin = ledger_put (self, text);
        ledger_commit (self);
        first[i] = ledger_reply (self, call);
        expect_same (self, first[i], ledger_reply (self, twin));
    }
    for (int turn = 0; turn < 3; turn++) {
        for (size_t i = 0; i < N_COMMANDS; i++) {
            const char *text = ledger_text (self, "request_id=r%zu %s", i, commands[i]);
            expect_same (self, first[i], ledger_do (self, text));
            assert_string_equal (ledger_kinds (self), "");
            assert_string_equal (ledger_to_clock (self), "");
            assert_string_equal (ledger_to_dispatcher (self), "");
            assert_string_equal (ledger_to_retry (self), "");
        }
        ledger_reopen (self, turn == 0);
    }
}

/* One id, two commands: the second is refused, and nothing happens. */
static void
test_reused (void **state)
{
    ledger *self = *state;
    make_world (self);
    for (size_t i = 0; i < N_COMMANDS; i++) {
        ledger_do (self, ledger_text (self, "request_id=r%zu %s", i, commands[i]));
    }
    for (size_t i = 0; i < N_COMMANDS; i++) {
        Belfry__V1__Reply *reply = ledger_refused (
            self, REUSED,
            ledger_text (self, "request_id=r%zu %s", i, commands[(i + 1) % N_COMMANDS]));
        assert_string_equal (ledger_kinds (self), "");
        assert_int_equal (reply->repeated, false);
        assert_int_equal (reply->result_case, BELFRY__V1__REPLY__RESULT__NOT_SET);
        assert_non_null (strstr (reply->text, ledger_text (self, "request_id r%zu", i)));
    }
    /* Another client's ids are its own. */
    ledger_expect (self,
                   ledger_ok (self, "client=d request_id=r0 schedule.jobs.type=mail "
                                    "schedule.jobs.after_us=7"),
                   "repeated=0 jobs.items.outcome=1");
}

/* A refusal stays one, whatever has become possible. */
static void
test_refusal_is_stored (void **state)
{
    ledger *self = *state;
    ledger_refused (self, NOT_FOUND, "request_id=r cancel.job.key=k");
    ledger_ok (self,
               "schedule.jobs.type=mail schedule.jobs.key=k schedule.jobs.after_us=5");
    ledger_expect (self, ledger_refused (self, NOT_FOUND, "request_id=r cancel.job.key=k"),
                   "repeated=1");
    ledger_ok (self, "cancel.job.key=k");
}

/* A repeat shows the objects as they are by now. */
static void
test_repeat_reads_again (void **state)
{
    ledger *self = *state;
    static const char text[] = "request_id=r schedule.jobs.type=mail schedule.jobs.key=k "
                               "schedule.jobs.after_us=5";
    ledger_ok (self, text);
    ledger_ok (self, "cancel.job.key=k");
    ledger_expect (self, ledger_ok (self, text),
                   "repeated=1 seq=2 jobs.items.outcome=1 jobs.items.job.state=6 "
                   "jobs.items.job.last_seq=3");
}

static const char *
schedule_text (ledger *self, int number)
{
    return ledger_text (
        self, "request_id=r%d schedule.jobs.type=mail schedule.jobs.after_us=5", number);
}

/* For a day and not much longer: a few of the oldest go with each commit. */
static void
test_age (void **state)
{
    ledger *self = *state;
    for (int i = 0; i < 10; i++) {
        ledger_ok (self, schedule_text (self, i));
    }
    ledger_pass (self, BF_DAY_US);
    ledger_ok (self, schedule_text (self, 10));
    assert_int_equal (ledger_number (self, "SELECT answers FROM meta"), 11);
    ledger_expect (self, ledger_ok (self, schedule_text (self, 0)), "repeated=1");
    ledger_pass (self, 1);
    ledger_ok (self, schedule_text (self, 11));
    assert_int_equal (ledger_number (self, "SELECT answers FROM meta"), 9);
    for (int i = 12; i < 20; i++) {
        ledger_ok (self, schedule_text (self, i));
    }
    assert_int_equal (ledger_number (self, "SELECT answers FROM meta"), 10);
    ledger_expect (self, ledger_ok (self, schedule_text (self, 10)), "repeated=1");
    /* Forgotten: it is a new request. */
    ledger_expect (self, ledger_ok (self, schedule_text (self, 0)),
                   "repeated=0 jobs.items.outcome=1");
    /* Commits that store none prune, too. */
    ledger_pass (self, 2 * BF_DAY_US);
    int64_t before = ledger_number (self, "SELECT answers FROM meta");
    ledger_do_item (self, "stepped.delta_us=5");
    assert_int_equal (ledger_number (self, "SELECT answers FROM meta"), before - 1);
}

/* And never more bytes than are allowed, counted as they are. */
static void
test_bytes (void **state)
{
    ledger *self = *state;
    self->answer_bytes = 4096;
    ledger_reopen (self, false);
    for (int i = 0; i < 100; i++) {
        ledger_ok (self, ledger_text (self, "client=\xc3\xa9 %s", schedule_text (self, i)));
        assert_in_range (ledger_number (self, "SELECT answer_bytes FROM meta"), 1, 4096);
    }
    assert_true (ledger_number (self, "SELECT answers FROM meta") > 20);
    assert_int_equal (
        ledger_number (self, "SELECT answer_bytes - (SELECT sum (48 + length (body) + "
                             "2 * length (CAST (client || request_id AS BLOB))) "
                             "FROM answer) FROM meta"),
        0);
    ledger_expect (self,
                   ledger_ok (self, "client=\xc3\xa9 request_id=r99 "
                                    "schedule.jobs.type=mail schedule.jobs.after_us=5"),
                   "repeated=1");
    /* A claim's answer is counted out again where it is forgotten. */
    ledger_fire (self, NULL);
    ledger_pass (self, 5);
    ledger_fire (self, NULL);
    Belfry__Internal__ClaimCall *claim =
        ledger_claim (self, "claim.types=mail claim.max=9");
    ledger_grant (self, claim);
    ledger_returned (self, "256.1.1", claim);
    assert_int_equal (
        ledger_number (self, "SELECT answer_bytes - (SELECT sum (48 + length (body) + "
                             "2 * length (CAST (client || request_id AS BLOB))) "
                             "FROM answer) FROM meta"),
        0);
}

/* The wall clock was set, also before a restart: an answer's age is the time that passed.
 */
static void
test_age_over_a_step (void **state)
{
    ledger *self = *state;
    static const int64_t steps_us[] = {2 * BF_DAY_US, -3 * BF_DAY_US, 20000 * BF_DAY_US};
    int number = 0;
    for (size_t i = 0; i < sizeof steps_us / sizeof steps_us[0]; i++) {
        int first = number++;
        ledger_ok (self, schedule_text (self, first));
        int64_t jobs = ledger_number (self, "SELECT count (*) FROM job");
        ledger_set_wall (self, steps_us[i]);
        ledger_do_item (self, "stepped.delta_us=5");
        for (int turn = 0; turn < 2; turn++) {
            ledger_expect (self, ledger_ok (self, schedule_text (self, first)),
                           "repeated=1");
            assert_int_equal (ledger_number (self, "SELECT count (*) FROM job"), jobs);
            ledger_reopen (self, turn == 0);
        }
        ledger_ok (self, schedule_text (self, number++));
        ledger_expect (self, ledger_ok (self, schedule_text (self, first)), "repeated=1");
        /* People see it on the wall clock as it is now. */
        Belfry__V1__Reply *reply = ledger_ok (self, "status");
        assert_true (reply->status->oldest_answer_us <= self->now.wall.us);
        assert_true (reply->status->oldest_answer_us > self->now.wall.us - BF_SECOND_US);
    }
    ledger_pass (self, BF_DAY_US + 1);
    ledger_ok (self, schedule_text (self, number));
    ledger_expect (self, ledger_ok (self, schedule_text (self, 0)), "repeated=0");
}

/* DISK_FULL is no answer to keep: the same call may succeed later. */
static void
test_disk_full_is_not_stored (void **state)
{
    ledger *self = *state;
    bf_ledger_set_scarce (self->ledger, true);
    ledger_refused (self, DISK_FULL, schedule_text (self, 0));
    bf_ledger_set_scarce (self->ledger, false);
    ledger_expect (self, ledger_ok (self, schedule_text (self, 0)), "repeated=0");
    /* A repeat is answered, full or not. */
    bf_ledger_set_scarce (self->ledger, true);
    ledger_expect (self, ledger_ok (self, schedule_text (self, 0)), "repeated=1");
}

#define TEST(name) cmocka_unit_test_setup_teardown (name, ledger_setup, ledger_teardown)

int
main (void)
{
    const struct CMUnitTest tests[] = {
        TEST (test_repeat),
        TEST (test_reused),
        TEST (test_refusal_is_stored),
        TEST (test_repeat_reads_again),
        TEST (test_age),
        TEST (test_bytes),
        TEST (test_age_over_a_step),
        TEST (test_disk_full_is_not_stored),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
