/* SPDX-License-Identifier: MPL-2.0
 *
 * Long walks through a small world: a few keys, all commands, claims, failures, clocks that
 * are set, batches that are lost, restarts and crashes, in an order that a seed decides.
 * The fixture checks behind every commit; here only what may be answered is judged.
 */
#include <stdlib.h>

#include "core/base/hash.h"
#include "core/token.h"
#include "tests/support/cmocka.h"
#include "tests/support/ledger.h"

#define STEPS 1500
#define TOKENS 64

typedef struct {
    ledger *ledger;
    uint64_t random;
    const char *tokens[TOKENS]; /* of leases, old ones too */
    size_t leases;              /* so far */
    const char *last;           /* the last request, for repeats */
} walk;

/* 0 .. below - 1. */
static int
pick (walk *self, int below)
{
    self->random = bf_mix (self->random + 1);
    return (int)(self->random % (uint64_t)below);
}

static void
remember (walk *self, const Belfry__V1__Reply *reply)
{
    for (size_t i = 0; reply && i < reply->claim->n_leases; i++) {
        self->tokens[self->leases++ % TOKENS] = reply->claim->leases[i]->token;
    }
}

static const char *
some_token (walk *self)
{
    size_t known = self->leases < TOKENS ? self->leases : TOKENS;
    return known ? self->tokens[pick (self, (int)known)] : "1.1.1";
}

static const char *
some_schedule (walk *self)
{
    static const char *const triggers[] = {"after_us=0", "after_us=700000",
                                           "at_us=1767225600000000",
                                           "at_us=1767225630000000"};
    return ledger_text (
        self->ledger,
        "schedule.on_key=%d schedule.jobs.key=k%d schedule.jobs.type=t%d "
        "schedule.jobs.%s schedule.jobs.delivery=%d schedule.jobs.retry.max_attempts=%d "
        "schedule.jobs.start_timeout_us=%d schedule.jobs.payload=*%d",
        1 + pick (self, 3), pick (self, 4), pick (self, 2), triggers[pick (self, 4)],
        pick (self, 8) ? 1 : 2, 1 + pick (self, 3), pick (self, 3) ? 0 : 400000,
        1 + pick (self, 3));
}

static const char *
some_command (walk *self)
{
    ledger *book = self->ledger;
    const char *token = some_token (self);
    int key = pick (self, 4);
    switch (pick (self, 16)) {
    case 0:
        return ledger_text (book, "reschedule.job.key=k%d reschedule.after_us=%d", key,
                            pick (self, 2) * 600000);
    case 1:
        return ledger_text (book, "cancel.job.key=k%d", key);
    case 2:
        return ledger_text (book, "confirm.job.key=k%d confirm.cancel_open=%d", key,
                            pick (self, 2));
    case 3:
        return ledger_text (book, "pause.job.key=k%d", key);
    case 4:
    case 5:
        return ledger_text (book, "resume.job.key=k%d", key);
    case 6:
        return ledger_text (book, "trigger.job.key=k%d", key);
    case 7:
    case 8:
        return ledger_text (book, "complete.token=%s complete.result=*%d", token,
                            pick (self, 3));
    case 9:
    case 10:
        return ledger_text (book, "fail.token=%s fail.non_retryable=%d", token,
                            pick (self, 4) == 0);
    case 11:
        return ledger_text (book, "snooze.token=%s snooze.for_us=%d", token,
                            pick (self, 500000));
    case 12: {
        bf_token run;
        assert_int_equal (bf_token_parse (token, &run), BF_OK);
        return ledger_text (book, "redrive.run=%llu.%u", (unsigned long long)run.job,
                            run.ordinal);
    }
    default:
        return some_schedule (self);
    }
}

/* Every command is answered by one of the codes that belfry.proto gives it. */
static void
expect_possible (const char *text, const Belfry__V1__Reply *reply)
{
    switch (reply->code) {
    case BELFRY__V1__CODE__CODE_OK:
    case BELFRY__V1__CODE__CODE_NOT_FOUND:
    case BELFRY__V1__CODE__CODE_KEY_TAKEN:
    case BELFRY__V1__CODE__CODE_TOO_LATE:
    case BELFRY__V1__CODE__CODE_WRONG_STATE:
    case BELFRY__V1__CODE__CODE_STALE_TOKEN:
        break;
    default:
        fail_msg ("%s: code %d: %s", text, (int)reply->code, reply->text);
    }
}

static void
command (walk *self)
{
    if (self->last && pick (self, 8) == 0) {
        Belfry__V1__Reply *again = ledger_do (self->ledger, self->last);
        assert_true (again->repeated);
        assert_string_equal (ledger_kinds (self->ledger), "");
        return;
    }
    self->last = ledger_text (self->ledger, "request_id=w%llu %s",
                              (unsigned long long)self->ledger->calls, some_command (self));
    expect_possible (self->last, ledger_do (self->ledger, self->last));
}

/* Several commands in one batch, which may be lost. */
static void
batch (walk *self)
{
    ledger_begin (self->ledger);
    for (int i = 0; i < 5; i++) {
        ledger_put (self->ledger, some_command (self));
    }
    if (pick (self, 2)) {
        bf_ledger_rollback (self->ledger->ledger);
        ledger_check (self->ledger);
    } else {
        ledger_commit (self->ledger);
    }
}

static void
fire (walk *self)
{
    Belfry__Internal__ClaimCall *claim = NULL;
    if (pick (self, 2)) {
        claim = ledger_claim (
            self->ledger,
            ledger_text (self->ledger, "claim.types=t0 claim.max=%d", 1 + pick (self, 3)));
        /* The dispatcher gives a claim only timers of its queues. */
        bf_timer *timers;
        size_t count = ledger_due (self->ledger, &timers);
        size_t kept = 0;
        int64_t queue = ledger_number (
            self->ledger, "SELECT coalesce (max (queue.id), 0) FROM queue JOIN name AS n "
                          "ON n.id = queue.name WHERE n.text = 't0'");
        for (size_t i = 0; i < count; i++) {
            if (timers[i].queue == queue) {
                timers[kept++] = timers[i];
            }
        }
        ledger_propose (self->ledger, timers, kept, claim);
        remember (self, ledger_reply (self->ledger, claim->call));
    } else {
        ledger_fire (self->ledger, NULL);
    }
}

static void
step (walk *self)
{
    ledger *book = self->ledger;
    const char *token = some_token (self);
    switch (pick (self, 20)) {
    case 0:
        ledger_pass (book, pick (self, 900000));
        break;
    case 1:
    case 2:
        ledger_pass (book, pick (self, 300000));
        fire (self);
        break;
    case 3:
    case 4:
        remember (self, ledger_grant (book, ledger_claim (book, "claim.types=t0 "
                                                                "claim.types=t1 "
                                                                "claim.max=2")));
        break;
    case 5:
        ledger_overdue (book, token, pick (self, 2));
        break;
    case 6:
        ledger_returned (book, token, NULL);
        break;
    case 7:
        batch (self);
        break;
    case 8:
        if (pick (self, 10) == 0) {
            ledger_reopen (book, pick (self, 2));
        }
        break;
    case 9:
        if (pick (self, 10) == 0) {
            ledger_set_wall (book, (pick (self, 3) - 1) * 10 * BF_SECOND_US);
            ledger_do_item (book, "stepped.delta_us=1");
        }
        break;
    case 10:
        bf_ledger_set_scarce (book->ledger, pick (self, 10) == 0);
        break;
    default:
        if (bf_ledger_is_scarce (book->ledger)) {
            bf_ledger_set_scarce (book->ledger, false);
        }
        command (self);
        break;
    }
}

static void
test_walk (void **state)
{
    static uint64_t turn;
    ledger *book = *state;
    /* To walk another way: BELFRY_SEED=7. */
    const char *seed = getenv ("BELFRY_SEED");
    walk self = {.ledger = book, .random = (seed ? strtoull (seed, NULL, 10) : 0) + turn};
    turn += BF_SECOND_US;
    for (int i = 0; i < STEPS; i++) {
        step (&self);
    }
    bf_ledger_set_scarce (book->ledger, false);
    /* It was worth walking: nearly every kind of event has come up. */
    assert_in_range (ledger_number (book, "SELECT count (DISTINCT kind) FROM topic"), 20,
                     30);
    assert_true (self.leases > 20);
    assert_string_equal (ledger_string (book, "PRAGMA integrity_check"), "ok");
}

int
main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown (test_walk, ledger_setup, ledger_teardown),
        cmocka_unit_test_setup_teardown (test_walk, ledger_setup, ledger_teardown),
        cmocka_unit_test_setup_teardown (test_walk, ledger_setup, ledger_teardown),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
