/* SPDX-License-Identifier: MPL-2.0
 *
 * Every command in every state that a job or a run can be brought into, against the tables
 * of docs/states.md.
 */
#include <string.h>

#include "core/job.h"
#include "core/run.h"
#include "tests/support/cmocka.h"
#include "tests/support/ledger.h"

#define OK BELFRY__V1__CODE__CODE_OK
#define WRONG BELFRY__V1__CODE__CODE_WRONG_STATE
#define LATE BELFRY__V1__CODE__CODE_TOO_LATE
#define STALE BELFRY__V1__CODE__CODE_STALE_TOKEN
#define NOT_FOUND BELFRY__V1__CODE__CODE_NOT_FOUND
#define INVALID BELFRY__V1__CODE__CODE_INVALID

/* Makes a job, due at once or much later, and returns its id. */
static int
make (ledger *self, const char *after, const char *fields)
{
    Belfry__V1__Reply *reply =
        ledger_ok (self, ledger_text (self,
                                      "schedule.jobs.type=mail schedule.jobs.after_us=%s "
                                      "schedule.jobs.start_timeout_us=60000000 "
                                      "schedule.jobs.retry.jitter_percent=0 %s",
                                      after, fields));
    return (int)reply->jobs->items[0]->job->id;
}

static int
scheduled (ledger *self)
{
    return make (self, "900000000", "");
}

static int
fired (ledger *self)
{
    int id = make (self, "0", "");
    ledger_fire (self, NULL);
    return id;
}

static int
leased (ledger *self)
{
    int id = fired (self);
    ledger_lease (self, "mail");
    return id;
}

/* Then says this of the job, or of its first lease. */
static int
after (ledger *self, int id, const char *text)
{
    ledger_ok (
        self, ledger_text (self, "%s%d%s", text, id, strstr (text, "token") ? ".1.1" : ""));
    return id;
}

static int
completed (ledger *self)
{
    return after (self, leased (self), "complete.token=");
}

/* By its slot, while an extra run, which is its newest, is dead. */
static int
completed_but (ledger *self)
{
    int id = leased (self);
    ledger_ok (self, ledger_text (self, "trigger.job.id=%d", id));
    ledger_lease (self, "mail");
    ledger_ok (self, ledger_text (self, "fail.non_retryable=1 fail.token=%d.2.1", id));
    return after (self, id, "complete.token=");
}

static int
dead (ledger *self)
{
    return after (self, leased (self), "fail.non_retryable=1 fail.token=");
}

static int
cancelled (ledger *self)
{
    return after (self, scheduled (self), "cancel.job.id=");
}

static int
confirmed (ledger *self)
{
    return after (self, scheduled (self), "confirm.job.id=");
}

/* Every ten seconds, one after the other. */
static int
recurring (ledger *self)
{
    Belfry__V1__Reply *reply =
        ledger_ok (self, "schedule.jobs.type=mail schedule.jobs.every.interval_us=10000000 "
                         "schedule.jobs.overlap=3 schedule.jobs.start_timeout_us=60000000");
    return (int)reply->jobs->items[0]->job->id;
}

static int
next_slot (ledger *self, int id)
{
    ledger_pass (self, 10 * BF_SECOND_US);
    ledger_fire (self, NULL);
    return id;
}

/* A slot is armed, and a run is open. */
static int
recurring_fired (ledger *self)
{
    return next_slot (self, recurring (self));
}

/* The last slot is behind it, its run is leased. */
static int
recurring_last (ledger *self)
{
    Belfry__V1__Reply *reply =
        ledger_ok (self, "schedule.jobs.type=mail schedule.jobs.every.interval_us=10000000 "
                         "schedule.jobs.max_runs=1");
    int id = next_slot (self, (int)reply->jobs->items[0]->job->id);
    ledger_lease (self, "mail");
    return id;
}

static int
recurring_completed (ledger *self)
{
    return after (self, recurring_last (self), "complete.token=");
}

static int
recurring_dead (ledger *self)
{
    return after (self, recurring_last (self), "fail.non_retryable=1 fail.token=");
}

static int
recurring_cancelled (ledger *self)
{
    return after (self, recurring (self), "cancel.job.id=");
}

static int
recurring_paused (ledger *self)
{
    return after (self, recurring_fired (self), "pause.job.id=");
}

/* Its slot was late, and is skipped: no run. */
static int
skipped (ledger *self)
{
    Belfry__V1__Reply *reply =
        ledger_ok (self, "schedule.jobs.type=mail schedule.jobs.at_us=1767222000000000 "
                         "schedule.jobs.late=3");
    ledger_fire (self, NULL);
    return (int)reply->jobs->items[0]->job->id;
}

/* What a command answers, and the job's state then (0: as before). */
typedef struct {
    int code;
    int state;
} cell;

/* Job commands, in the order of their cells. */
typedef enum {
    RESCHEDULE,       /* a one-shot */
    RESCHEDULE_EVERY, /* a recurring job */
    CANCEL_JOB,
    CONFIRM,
    CONFIRM_OPEN,
    PAUSE,
    RESUME,
    RESUME_NOW,
    TRIGGER,
    REDRIVE_NEWEST,
    JOB_COMMANDS
} job_command;

static const char *const job_commands[JOB_COMMANDS] = {
    [RESCHEDULE] = "reschedule.after_us=900000000 reschedule.job.id=",
    [RESCHEDULE_EVERY] = "reschedule.every.interval_us=900000000 reschedule.job.id=",
    [CANCEL_JOB] = "cancel.job.id=",
    [CONFIRM] = "confirm.job.id=",
    [CONFIRM_OPEN] = "confirm.cancel_open=1 confirm.job.id=",
    [PAUSE] = "pause.job.id=",
    [RESUME] = "resume.job.id=",
    [RESUME_NOW] = "resume.from=2 resume.job.id=",
    [TRIGGER] = "trigger.job.id=",
    [REDRIVE_NEWEST] = "redrive.run=",
};

/* Pause, resume and trigger, which are allowed while it is open, and never otherwise. */
#define OPEN_CELLS \
    [PAUSE] = {OK, 0}, [RESUME] = {OK, 0}, [RESUME_NOW] = {OK, 0}, [TRIGGER] = {OK, 0}
#define FINAL_CELLS                                                         \
    [PAUSE] = {WRONG, 0}, [RESUME] = {WRONG, 0}, [RESUME_NOW] = {WRONG, 0}, \
    [TRIGGER] = {WRONG, 0}
/* A job stays what it is, and only a one-shot can be confirmed. */
#define ONE_SHOT_CELLS [RESCHEDULE_EVERY] = {INVALID, 0}
#define RECURRING_CELLS \
    [RESCHEDULE] = {INVALID, 0}, [CONFIRM] = {WRONG, 0}, [CONFIRM_OPEN] = {WRONG, 0}

static const struct {
    const char *name;
    int (*make) (ledger *self);
    int state;
    cell cells[JOB_COMMANDS];
} jobs[] = {
    {"scheduled",
     scheduled,
     BF_JOB_SCHEDULED,
     {ONE_SHOT_CELLS, OPEN_CELLS, [RESCHEDULE] = {OK, BF_JOB_SCHEDULED},
      [CANCEL_JOB] = {OK, BF_JOB_CANCELLED}, [CONFIRM] = {OK, BF_JOB_CONFIRMED},
      [CONFIRM_OPEN] = {OK, BF_JOB_CONFIRMED}, [REDRIVE_NEWEST] = {NOT_FOUND, 0}}},
    {"active, ready",
     fired,
     BF_JOB_ACTIVE,
     {ONE_SHOT_CELLS, OPEN_CELLS, [RESCHEDULE] = {OK, BF_JOB_SCHEDULED},
      [CANCEL_JOB] = {OK, BF_JOB_CANCELLED}, [CONFIRM] = {LATE, 0},
      [CONFIRM_OPEN] = {OK, BF_JOB_CANCELLED}, [REDRIVE_NEWEST] = {WRONG, 0}}},
    {"active, leased",
     leased,
     BF_JOB_ACTIVE,
     {ONE_SHOT_CELLS, OPEN_CELLS, [RESCHEDULE] = {OK, BF_JOB_SCHEDULED},
      [CANCEL_JOB] = {OK, BF_JOB_CANCELLED}, [CONFIRM] = {LATE, 0},
      [CONFIRM_OPEN] = {LATE, 0}, [REDRIVE_NEWEST] = {WRONG, 0}}},
    {"completed",
     completed,
     BF_JOB_COMPLETED,
     {ONE_SHOT_CELLS, FINAL_CELLS, [RESCHEDULE] = {WRONG, 0}, [CANCEL_JOB] = {WRONG, 0},
      [CONFIRM] = {LATE, 0}, [CONFIRM_OPEN] = {LATE, 0}, [REDRIVE_NEWEST] = {WRONG, 0}}},
    {"completed, an extra run dead",
     completed_but,
     BF_JOB_COMPLETED,
     {ONE_SHOT_CELLS, FINAL_CELLS, [RESCHEDULE] = {WRONG, 0}, [CANCEL_JOB] = {WRONG, 0},
      [CONFIRM] = {LATE, 0}, [CONFIRM_OPEN] = {LATE, 0},
      [REDRIVE_NEWEST] = {OK, BF_JOB_ACTIVE}}},
    {"dead",
     dead,
     BF_JOB_DEAD,
     {ONE_SHOT_CELLS, FINAL_CELLS, [RESCHEDULE] = {WRONG, 0}, [CANCEL_JOB] = {WRONG, 0},
      [CONFIRM] = {LATE, 0}, [CONFIRM_OPEN] = {LATE, 0},
      [REDRIVE_NEWEST] = {OK, BF_JOB_ACTIVE}}},
    {"dead without a run",
     skipped,
     BF_JOB_DEAD,
     {ONE_SHOT_CELLS, FINAL_CELLS, [RESCHEDULE] = {WRONG, 0}, [CANCEL_JOB] = {WRONG, 0},
      [CONFIRM] = {LATE, 0}, [CONFIRM_OPEN] = {LATE, 0},
      [REDRIVE_NEWEST] = {NOT_FOUND, 0}}},
    {"cancelled",
     cancelled,
     BF_JOB_CANCELLED,
     {ONE_SHOT_CELLS, FINAL_CELLS, [RESCHEDULE] = {WRONG, 0}, [CANCEL_JOB] = {OK, 0},
      [CONFIRM] = {WRONG, 0}, [CONFIRM_OPEN] = {WRONG, 0},
      [REDRIVE_NEWEST] = {NOT_FOUND, 0}}},
    {"confirmed",
     confirmed,
     BF_JOB_CONFIRMED,
     {ONE_SHOT_CELLS, FINAL_CELLS, [RESCHEDULE] = {WRONG, 0}, [CANCEL_JOB] = {WRONG, 0},
      [CONFIRM] = {OK, 0}, [CONFIRM_OPEN] = {OK, 0}, [REDRIVE_NEWEST] = {NOT_FOUND, 0}}},
    {"recurring",
     recurring,
     BF_JOB_SCHEDULED,
     {RECURRING_CELLS, OPEN_CELLS, [RESCHEDULE_EVERY] = {OK, 0},
      [CANCEL_JOB] = {OK, BF_JOB_CANCELLED}, [REDRIVE_NEWEST] = {NOT_FOUND, 0}}},
    {"recurring, a run open",
     recurring_fired,
     BF_JOB_SCHEDULED,
     {RECURRING_CELLS, OPEN_CELLS, [RESCHEDULE_EVERY] = {OK, 0},
      [CANCEL_JOB] = {OK, BF_JOB_CANCELLED}, [REDRIVE_NEWEST] = {WRONG, 0}}},
    {"recurring, paused",
     recurring_paused,
     BF_JOB_SCHEDULED,
     {RECURRING_CELLS, OPEN_CELLS, [RESCHEDULE_EVERY] = {OK, 0},
      [CANCEL_JOB] = {OK, BF_JOB_CANCELLED}, [REDRIVE_NEWEST] = {WRONG, 0}}},
    {"recurring, its last run open",
     recurring_last,
     BF_JOB_ACTIVE,
     {RECURRING_CELLS, OPEN_CELLS, [RESCHEDULE_EVERY] = {OK, BF_JOB_SCHEDULED},
      [CANCEL_JOB] = {OK, BF_JOB_CANCELLED}, [REDRIVE_NEWEST] = {WRONG, 0}}},
    {"recurring, completed",
     recurring_completed,
     BF_JOB_COMPLETED,
     {RECURRING_CELLS, FINAL_CELLS, [RESCHEDULE_EVERY] = {WRONG, 0},
      [CANCEL_JOB] = {WRONG, 0}, [REDRIVE_NEWEST] = {WRONG, 0}}},
    {"recurring, dead",
     recurring_dead,
     BF_JOB_DEAD,
     {RECURRING_CELLS, FINAL_CELLS, [RESCHEDULE_EVERY] = {WRONG, 0},
      [CANCEL_JOB] = {WRONG, 0}, [REDRIVE_NEWEST] = {OK, BF_JOB_ACTIVE}}},
    {"recurring, cancelled",
     recurring_cancelled,
     BF_JOB_CANCELLED,
     {RECURRING_CELLS, FINAL_CELLS, [RESCHEDULE_EVERY] = {WRONG, 0}, [CANCEL_JOB] = {OK, 0},
      [REDRIVE_NEWEST] = {NOT_FOUND, 0}}},
};

static int
job_state (ledger *self, int id)
{
    return (int)ledger_number (
        self, ledger_text (self, "SELECT state FROM job WHERE id = %d", id));
}

static void
test_jobs (void **state)
{
    ledger *self = *state;
    for (size_t i = 0; i < sizeof jobs / sizeof jobs[0]; i++) {
        for (int k = 0; k < JOB_COMMANDS; k++) {
            int id = jobs[i].make (self);
            assert_int_equal (job_state (self, id), jobs[i].state);
            cell expected = jobs[i].cells[k];
            assert_int_not_equal (expected.code, 0);
            int state_then = expected.state ? expected.state : jobs[i].state;
            Belfry__V1__Reply *reply =
                ledger_do (self, ledger_text (self, "%s%d", job_commands[k], id));
            if ((int)reply->code != expected.code || job_state (self, id) != state_then) {
                fail_msg ("%s%d of a %s job: code %d, state %d, %s", job_commands[k], id,
                          jobs[i].name, (int)reply->code, job_state (self, id),
                          reply->text);
            }
            bool shows = reply->code == OK || reply->code == LATE;
            assert_int_equal (reply->result_case != BELFRY__V1__REPLY__RESULT__NOT_SET,
                              shows);
            /* What is refused, or the case already, tells nobody anything. */
            if (reply->code != OK ||
                (reply->result_case == BELFRY__V1__REPLY__RESULT_JOBS &&
                 reply->jobs->items[0]->outcome ==
                     BELFRY__V1__OUTCOME__OUTCOME_UNCHANGED)) {
                assert_string_equal (ledger_kinds (self), "");
                assert_string_equal (ledger_to_clock (self), "");
                assert_string_equal (ledger_to_dispatcher (self), "");
            }
            /* So that the next one begins alone. */
            ledger_do (self, ledger_text (self, "cancel.job.id=%d", id));
        }
    }
}

/* Pause and Resume of what is paused and what is not, in both open states. */
static void
test_paused (void **state)
{
    ledger *self = *state;
    for (int i = 0; i < 2; i++) {
        int id = i ? fired (self) : scheduled (self);
        static const struct {
            const char *command;
            int outcome;
            int paused;
        } rows[] = {{"resume", 4, 0},
                    {"pause", 5, 1},
                    {"pause", 4, 1},
                    {"resume", 5, 0},
                    {"resume", 4, 0},
                    {"pause", 5, 1},
                    {"resume.from=2 resume", 5, 0},
                    {"pause", 5, 1}};
        for (size_t k = 0; k < sizeof rows / sizeof rows[0]; k++) {
            ledger_expect (
                self,
                ledger_ok (self, ledger_text (self, "%s.job.id=%d", rows[k].command, id)),
                ledger_text (self, "jobs.items.outcome=%d jobs.items.job.paused=%d",
                             rows[k].outcome, rows[k].paused));
        }
        /* A paused job takes every other command as before. */
        ledger_ok (self, ledger_text (self, "trigger.job.id=%d", id));
        ledger_ok (self,
                   ledger_text (self, "reschedule.after_us=5 reschedule.job.id=%d", id));
        ledger_ok (self, ledger_text (self, "confirm.job.id=%d", id));
        ledger_refused (self, WRONG, ledger_text (self, "pause.job.id=%d", id));
    }
}

/* --- runs --------------------------------------------------------------------------- */

static int
retry_wait (ledger *self)
{
    return after (self, leased (self), "fail.token=");
}

static int
expired (ledger *self)
{
    int id = fired (self);
    ledger_pass (self, BF_MINUTE_US);
    ledger_fire (self, NULL);
    return id;
}

static int
run_cancelled (ledger *self)
{
    return after (self, fired (self), "cancel.job.id=");
}

static int
delivered (ledger *self)
{
    int id = make (self, "0", "schedule.jobs.delivery=2");
    ledger_fire (self, NULL);
    return id;
}

/* Behind another one, which is leased. */
static int
blocked (ledger *self)
{
    int id = recurring_fired (self);
    ledger_lease (self, "mail");
    return next_slot (self, id);
}

typedef enum {
    COMPLETE,
    FAIL,
    SNOOZE,
    HEARTBEAT,
    REDRIVE,
    OVERDUE,
    RETURNED,
    CLAIM,
    TIMER,
    /* Of the job. */
    TOUCH, /* pause, resume, trigger */
    CONFIRMED,
    MOVED,
    CANCEL,
    ACTS
} act;

static const struct {
    const char *name;
    int (*make) (ledger *self);
    int state;
    /* Of a job's first run; of "blocked" the second. By act. The code counts for the first
     * five only. */
    cell cells[ACTS];
} runs[] = {
    {"blocked",
     blocked,
     BF_RUN_BLOCKED,
     {[COMPLETE] = {STALE, 0},
      [FAIL] = {STALE, 0},
      [SNOOZE] = {STALE, 0},
      [HEARTBEAT] = {STALE, 0},
      [REDRIVE] = {WRONG, 0},
      [TIMER] = {OK, BF_RUN_EXPIRED},
      [MOVED] = {OK, BF_RUN_CANCELLED},
      [CANCEL] = {OK, BF_RUN_CANCELLED}}},
    {"ready",
     fired,
     BF_RUN_READY,
     {[COMPLETE] = {STALE, 0},
      [FAIL] = {STALE, 0},
      [SNOOZE] = {STALE, 0},
      [HEARTBEAT] = {STALE, 0},
      [REDRIVE] = {WRONG, 0},
      [CLAIM] = {OK, BF_RUN_LEASED},
      [TIMER] = {OK, BF_RUN_EXPIRED},
      [CONFIRMED] = {OK, BF_RUN_CANCELLED},
      [MOVED] = {OK, BF_RUN_CANCELLED},
      [CANCEL] = {OK, BF_RUN_CANCELLED}}},
    {"leased",
     leased,
     BF_RUN_LEASED,
     {[COMPLETE] = {OK, BF_RUN_SUCCEEDED},
      [FAIL] = {OK, BF_RUN_RETRY_WAIT},
      [SNOOZE] = {OK, BF_RUN_RETRY_WAIT},
      [HEARTBEAT] = {OK, 0},
      [REDRIVE] = {WRONG, 0},
      [OVERDUE] = {OK, BF_RUN_RETRY_WAIT},
      [RETURNED] = {OK, BF_RUN_READY}}},
    {"retry_wait",
     retry_wait,
     BF_RUN_RETRY_WAIT,
     {[COMPLETE] = {STALE, 0},
      [FAIL] = {STALE, 0},
      [SNOOZE] = {STALE, 0},
      [HEARTBEAT] = {STALE, 0},
      [REDRIVE] = {WRONG, 0},
      [TIMER] = {OK, BF_RUN_READY},
      [CONFIRMED] = {OK, BF_RUN_CANCELLED},
      [MOVED] = {OK, BF_RUN_CANCELLED},
      [CANCEL] = {OK, BF_RUN_CANCELLED}}},
    {"succeeded",
     completed,
     BF_RUN_SUCCEEDED,
     {[COMPLETE] = {OK, 0},
      [FAIL] = {STALE, 0},
      [SNOOZE] = {STALE, 0},
      [HEARTBEAT] = {STALE, 0},
      [REDRIVE] = {WRONG, 0}}},
    {"dead",
     dead,
     BF_RUN_DEAD,
     {[COMPLETE] = {STALE, 0},
      [FAIL] = {STALE, 0},
      [SNOOZE] = {STALE, 0},
      [HEARTBEAT] = {STALE, 0},
      [REDRIVE] = {OK, 0}}},
    {"expired",
     expired,
     BF_RUN_EXPIRED,
     {[COMPLETE] = {STALE, 0},
      [FAIL] = {STALE, 0},
      [SNOOZE] = {STALE, 0},
      [HEARTBEAT] = {STALE, 0},
      [REDRIVE] = {WRONG, 0}}},
    {"cancelled",
     run_cancelled,
     BF_RUN_CANCELLED,
     {[COMPLETE] = {STALE, 0},
      [FAIL] = {STALE, 0},
      [SNOOZE] = {STALE, 0},
      [HEARTBEAT] = {STALE, 0},
      [REDRIVE] = {WRONG, 0}}},
    {"delivered",
     delivered,
     BF_RUN_DELIVERED,
     {[COMPLETE] = {STALE, 0},
      [FAIL] = {STALE, 0},
      [SNOOZE] = {STALE, 0},
      [HEARTBEAT] = {STALE, 0},
      [REDRIVE] = {WRONG, 0}}},
};

static int64_t
run_number (ledger *self, int id, int ordinal, const char *column)
{
    return ledger_number (
        self, ledger_text (self,
                           "SELECT coalesce (%s, 0) FROM run WHERE job = %d AND "
                           "ordinal = %d",
                           column, id, ordinal));
}

/* The run's timer, or one that it might have had, now that it is due. */
static void
propose_timer (ledger *self, int id, int ordinal)
{
    ledger_pass (self, BF_MINUTE_US);
    int64_t due_us =
        run_number (self, id, ordinal, "timer_us - (SELECT boot_origin_us FROM meta)");
    bf_timer timer = {
        .source = BF_SOURCE_RUN,
        .job = (uint64_t)id,
        .ordinal = (uint32_t)ordinal,
        .due_us = due_us ? due_us : self->now.boot.us,
        .queue = 1,
    };
    ledger_propose (self, &timer, 1, NULL);
}

static void
propose_claim (ledger *self, int id, int ordinal)
{
    Belfry__Internal__StoreItem *item =
        ledger_item (self, ledger_text (self,
                                        "proposal.assignments.runs.queue=1 "
                                        "proposal.assignments.runs.job=%d "
                                        "proposal.assignments.runs.ordinal=%d",
                                        id, ordinal));
    item->proposal->assignments[0]->claim = ledger_claim (self, "claim.types=mail");
    ledger_begin (self);
    ledger_give (self, item);
    ledger_commit (self);
}

/* What is said of its job. */
static void
do_job_act (ledger *self, act what, int id, bool recurs)
{
    switch (what) {
    case TOUCH:
        ledger_do (self, ledger_text (self, "trigger.job.id=%d", id));
        ledger_do (self, ledger_text (self, "pause.job.id=%d", id));
        ledger_do (self, ledger_text (self, "resume.from=2 resume.job.id=%d", id));
        break;
    case CONFIRMED:
        ledger_do (self, ledger_text (self, "confirm.cancel_open=1 confirm.job.id=%d", id));
        break;
    case MOVED:
        ledger_do (self, ledger_text (self, "reschedule.%s=900000000 reschedule.job.id=%d",
                                      recurs ? "every.interval_us" : "after_us", id));
        break;
    default:
        ledger_do (self, ledger_text (self, "cancel.job.id=%d", id));
        break;
    }
}

/* Returns the code, where there is one to compare. */
static int
do_act (ledger *self, act what, int id, int ordinal)
{
    const char *token = ledger_text (self, "%d.%d.1", id, ordinal);
    Belfry__V1__Reply *reply;
    switch (what) {
    case COMPLETE:
        return (int)ledger_do (self, ledger_text (self, "complete.token=%s", token))->code;
    case FAIL:
        return (int)ledger_do (self, ledger_text (self, "fail.token=%s", token))->code;
    case SNOOZE:
        return (int)ledger_do (self,
                               ledger_text (self, "snooze.for_us=5 snooze.token=%s", token))
            ->code;
    case HEARTBEAT:
        reply = ledger_ok (self, ledger_text (self, "heartbeat.tokens=%s", token));
        return (int)reply->heartbeat->items[0]->code;
    case REDRIVE:
        return (int)ledger_do (self, ledger_text (self, "redrive.run=%d.%d", id, ordinal))
            ->code;
    case OVERDUE:
        ledger_overdue (self, token, false);
        return 0;
    case RETURNED:
        ledger_returned (self, token, NULL);
        return 0;
    case CLAIM:
        propose_claim (self, id, ordinal);
        return 0;
    case TIMER:
        propose_timer (self, id, ordinal);
        return 0;
    default:
        do_job_act (self, what, id, ordinal == 2);
        return 0;
    }
}

static void
test_runs (void **state)
{
    ledger *self = *state;
    for (size_t i = 0; i < sizeof runs / sizeof runs[0]; i++) {
        for (act what = 0; what < ACTS; what++) {
            int id = runs[i].make (self);
            int ordinal = runs[i].state == BF_RUN_BLOCKED ? 2 : 1;
            assert_int_equal (run_number (self, id, ordinal, "state"), runs[i].state);
            cell expected = runs[i].cells[what];
            int code = do_act (self, what, id, ordinal);
            int64_t found = run_number (self, id, ordinal, "state");
            int64_t then = expected.state ? expected.state : runs[i].state;
            if (found != then || (what <= REDRIVE && code != expected.code)) {
                fail_msg ("act %d on a %s run: code %d, then %s", (int)what, runs[i].name,
                          code, bf_run_state_name ((bf_run_state)found));
            }
            bool moves = expected.state != 0 || what >= TOUCH ||
                         (what == REDRIVE && expected.code == OK);
            if (!moves) {
                assert_string_equal (ledger_kinds (self), "");
            }
            /* So that the next one begins alone. */
            ledger_do (self, ledger_text (self, "cancel.job.id=%d", id));
        }
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown (name, ledger_setup, ledger_teardown)

int
main (void)
{
    const struct CMUnitTest tests[] = {
        TEST (test_jobs),
        TEST (test_paused),
        TEST (test_runs),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
