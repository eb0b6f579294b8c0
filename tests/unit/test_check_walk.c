/* SPDX-License-Identifier: MPL-2.0
 *
 * bf_check on what a long random life leaves: jobs of every kind and policy, claims,
 * failures, absences, restarts, commands by filter, batches that are lost; with the log
 * whole, and with jobs, runs and events pruned. Here the ledger's own code and the check,
 * which shares none of it, must agree.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/hash.h"
#include "core/token.h"
#include "persist/check/check.h"
#include "tests/support/cmocka.h"
#include "tests/support/ledger.h"

#define STEPS 4000
#define TOKENS 32

typedef struct {
    ledger *ledger;
    uint64_t random;
    const char *tokens[TOKENS];
    size_t leases;
} walk;

static int
pick (walk *self, int below)
{
    self->random = bf_mix (self->random + 1);
    return (int)(self->random % (uint64_t)below);
}

static const char *
some_token (walk *self)
{
    size_t known = self->leases < TOKENS ? self->leases : TOKENS;
    return known ? self->tokens[pick (self, (int)known)] : "1.1.1";
}

static const char *
some_trigger (walk *self)
{
    switch (pick (self, 4)) {
    case 0:
        return ledger_text (self->ledger, "schedule.jobs.after_us=%d",
                            pick (self, 2) * 700000);
    case 1:
        return ledger_text (self->ledger, "schedule.jobs.at_us=%" PRId64,
                            LEDGER_WALL_US + pick (self, 60) * BF_SECOND_US);
    default:
        return ledger_text (
            self->ledger,
            "schedule.jobs.every.interval_us=%d schedule.jobs.overlap=%d "
            "schedule.jobs.late=%d schedule.jobs.max_runs=%d schedule.jobs.jitter_us=%d",
            300000 + pick (self, 3) * 400000, 1 + pick (self, 6), 1 + pick (self, 3),
            pick (self, 3) * 4, pick (self, 2) * 100000);
    }
}

static const char *
some_schedule (walk *self)
{
    return ledger_text (
        self->ledger,
        "schedule.on_key=%d schedule.jobs.key=k%d schedule.jobs.type=t%d %s "
        "schedule.jobs.delivery=%d schedule.jobs.retry.max_attempts=%d "
        "schedule.jobs.start_timeout_us=%d schedule.jobs.payload=*%d "
        "schedule.jobs.tags=x%d schedule.jobs.tags=y",
        1 + pick (self, 3), pick (self, 8), pick (self, 3), some_trigger (self),
        pick (self, 8) ? 1 : 2, 1 + pick (self, 3), pick (self, 3) ? 0 : 400000,
        1 + pick (self, 9), pick (self, 3));
}

static const char *
some_filter (walk *self)
{
    static const char *const commands[] = {"cancel",  "pause",   "resume",
                                           "trigger", "redrive", "confirm"};
    const char *command = commands[pick (self, 6)];
    return pick (self, 2)
               ? ledger_text (self->ledger, "%s.filter.type=t%d", command, pick (self, 3))
               : ledger_text (self->ledger, "%s.filter.tags=x%d", command, pick (self, 3));
}

static const char *
some_command (walk *self)
{
    ledger *book = self->ledger;
    const char *token = some_token (self);
    int key = pick (self, 8);
    switch (pick (self, 18)) {
    case 0:
        return ledger_text (book, "reschedule.job.key=k%d reschedule.after_us=%d", key,
                            pick (self, 2) * 600000);
    case 1:
        return ledger_text (book, "cancel.job.key=k%d cancel.reason=no", key);
    case 2:
        return ledger_text (book, "confirm.job.key=k%d confirm.cancel_open=%d", key,
                            pick (self, 2));
    case 3:
        return ledger_text (book, "pause.job.key=k%d", key);
    case 4:
        return ledger_text (book, "resume.job.key=k%d resume.from=%d", key,
                            1 + pick (self, 2));
    case 5:
        return ledger_text (book, "trigger.job.key=k%d", key);
    case 6:
    case 7:
    case 8:
        return ledger_text (book, "complete.token=%s complete.result=*%d", token,
                            pick (self, 3));
    case 9:
    case 10:
        return ledger_text (book, "fail.token=%s fail.non_retryable=%d fail.reason=oh",
                            token, pick (self, 4) == 0);
    case 11:
        return ledger_text (book, "snooze.token=%s snooze.for_us=%d", token,
                            pick (self, 500000));
    case 12: {
        bf_token run = {0};
        assert_int_equal (bf_token_parse (token, &run), BF_OK);
        return ledger_text (book, "redrive.run=%" PRIu64 ".%u", run.job, run.ordinal);
    }
    case 13:
        return pick (self, 3) ? some_schedule (self) : some_filter (self);
    default:
        return some_schedule (self);
    }
}

static void
grant (walk *self)
{
    const Belfry__V1__Reply *reply = ledger_grant (
        self->ledger, ledger_claim (self->ledger, "claim.types=t0 claim.types=t1 "
                                                  "claim.types=t2 claim.max=3"));
    for (size_t i = 0; reply && i < reply->claim->n_leases; i++) {
        self->tokens[self->leases++ % TOKENS] = reply->claim->leases[i]->token;
    }
}

/* A batch of some commands; some are lost. */
static void
batch (walk *self)
{
    ledger_begin (self->ledger);
    for (int i = 0; i < 4; i++) {
        ledger_put (self->ledger, some_command (self));
    }
    if (pick (self, 4) == 0) {
        bf_ledger_rollback (self->ledger->ledger);
    } else {
        ledger_commit (self->ledger);
    }
}

static void
step (walk *self)
{
    ledger *book = self->ledger;
    switch (pick (self, 12)) {
    case 0:
        ledger_pass (book, pick (self, 1500000));
        break;
    case 1:
    case 2:
        ledger_pass (book, pick (self, 400000));
        ledger_fire (book, NULL);
        break;
    case 3:
    case 4:
        grant (self);
        break;
    case 5:
        ledger_overdue (book, some_token (self), pick (self, 2));
        break;
    case 6:
        if (pick (self, 40) == 0) {
            ledger_reopen (book, pick (self, 2));
        }
        break;
    case 7:
        ledger_slice (book);
        break;
    default:
        batch (self);
        break;
    }
}

static void
report (const bf_finding *finding, void *context)
{
    (void)context;
    print_error ("%s: %s: %s\n", bf_check_kind_name (finding->kind), finding->row,
                 finding->what);
}

/* Closes the ledger, examines its directory, and opens it again. */
static bf_check_summary
examine (ledger *book)
{
    bf_check_watch watch = {.finding = report};
    bf_check_summary summary;
    bf_error error = {0};
    bf_ledger_close (&book->ledger);
    if (bf_check (book->directory, &watch, &summary, &error) != BF_OK) {
        fail_msg ("%s", error.text);
    }
    assert_int_equal (summary.findings, 0);
    ledger_reopen (book, false);
    return summary;
}

static void
test_walk (void **state)
{
    ledger *book = *state;
    const char *seed = getenv ("BELFRY_SEED");
    walk self = {.ledger = book, .random = seed ? strtoull (seed, NULL, 10) : 1};
    /* What the fixture checks behind every commit is test_ledger_walk.c's. */
    book->unchecked = true;
    bf_check_summary summary;
    for (int round = 0; round < 4; round++) {
        for (int i = 0; i < STEPS / 4; i++) {
            step (&self);
        }
        summary = examine (book);
        assert_int_equal (summary.oldest_seq, 1);
    }
    assert_true (summary.jobs > 100 && summary.runs > 500 && summary.stretches > 10);
    /* The same with the beginning gone. */
    ledger_pass (book, BF_SECOND_US);
    ledger_begin (book);
    ledger_put (book, "prune.finals_us=9000000 prune.events_us=20000000");
    ledger_commit (book);
    ledger_tend (book);
    uint64_t jobs = summary.jobs;
    summary = examine (book);
    assert_true (summary.oldest_seq > 1 && summary.jobs < jobs);
    for (int i = 0; i < STEPS / 4; i++) {
        step (&self);
    }
    examine (book);
}

int
main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown (test_walk, ledger_setup, ledger_teardown),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
