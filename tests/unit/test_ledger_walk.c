/* SPDX-License-Identifier: MPL-2.0
 *
 * Long walks through a small world: a few keys, all commands, for one job and by filter,
 * every trigger and policy, claims, failures, absences, clocks that are set, batches that
 * are lost, restarts and crashes, in an order that a seed decides. The fixture checks the
 * short ones behind every commit, the long ones every few hundred steps; here only what may
 * be answered is judged.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/hash.h"
#include "core/token.h"
#include "tests/support/cmocka.h"
#include "tests/support/ledger.h"

#define TOKENS 64
/* The short walks, checked behind every commit; the long ones, in commands, checked every
 * so many of them. */
#define STEPS 1000
#define LONG_COMMANDS 50000
#define LONG_CHECK 500

typedef struct {
    ledger *ledger;
    uint64_t random;
    char tokens[TOKENS][BF_TOKEN_BYTES]; /* of leases, old ones too */
    size_t leases;                       /* so far */
    char last[1024];                     /* the last request, for repeats */
    size_t commands;                     /* so far */
    bool scarce;                         /* the disk is full now and then */
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
        snprintf (self->tokens[self->leases++ % TOKENS], BF_TOKEN_BYTES, "%s",
                  reply->claim->leases[i]->token);
    }
}

static const char *
some_token (walk *self)
{
    size_t known = self->leases < TOKENS ? self->leases : TOKENS;
    return known ? self->tokens[pick (self, (int)known)] : "1.1.1";
}

/* A trigger, with what can go with it. */
static const char *
some_trigger (walk *self)
{
    ledger *book = self->ledger;
    int64_t now_us = book->now.wall.us;
    switch (pick (self, 6)) {
    case 0:
        return "schedule.jobs.after_us=0";
    case 1:
        return "schedule.jobs.after_us=700000";
    case 2:
        return ledger_text (book, "schedule.jobs.at_us=%lld",
                            (long long)(now_us + (pick (self, 3) - 1) * 2000000));
    default:
        break;
    }
    int interval_us = 100000 * (1 + pick (self, 10));
    return ledger_text (book,
                        "schedule.jobs.every.interval_us=%d schedule.jobs.max_runs=%d "
                        "schedule.jobs.jitter_us=%d schedule.jobs.overlap=%d "
                        "schedule.jobs.start_us=%lld schedule.jobs.end_us=%lld",
                        interval_us, pick (self, 3) ? 0 : 1 + pick (self, 20),
                        pick (self, 3) ? 0 : interval_us / 3, pick (self, 7),
                        pick (self, 4) ? 0 : (long long)(now_us - 1000000),
                        pick (self, 4) ? 0 : (long long)(now_us + 5000000));
}

/* Now and then of the type that others claim, too. */
static const char *
some_reminders (walk *self)
{
    switch (pick (self, 4)) {
    case 0:
        return "schedule.jobs.remind_before_us[0]=20000 "
               "schedule.jobs.remind_before_us[1]=90000 schedule.jobs.reminder_type=t0";
    case 1:
        return "schedule.jobs.remind_before_us[0]=100000";
    default:
        return "";
    }
}

static const char *
some_schedule (walk *self)
{
    bool work = pick (self, 8) != 0;
    return ledger_text (
        self->ledger,
        "schedule.on_key=%d schedule.jobs.key=k%d schedule.jobs.type=t%d %s %s "
        "schedule.jobs.delivery=%d schedule.jobs.retry.max_attempts=%d "
        "schedule.jobs.retry.delay_us=%d schedule.jobs.start_timeout_us=%d "
        "schedule.jobs.late=%d schedule.jobs.catchup_max=%d schedule.jobs.payload=*%d",
        1 + pick (self, 3), pick (self, 4), pick (self, 2), some_trigger (self),
        some_reminders (self), work ? 1 : 2, 1 + pick (self, 3), 1000 + pick (self, 500000),
        pick (self, 3) ? 0 : 400000, pick (self, work ? 5 : 4), 1 + pick (self, 5),
        1 + pick (self, 3));
}

static const char *
some_reschedule (walk *self, int key)
{
    if (pick (self, 2)) {
        return ledger_text (self->ledger, "reschedule.job.key=k%d reschedule.after_us=%d",
                            key, pick (self, 2) * 600000);
    }
    return ledger_text (self->ledger,
                        "reschedule.job.key=k%d reschedule.every.interval_us=%d", key,
                        100000 * (1 + pick (self, 10)));
}

static const char *
some_command (walk *self)
{
    ledger *book = self->ledger;
    const char *token = some_token (self);
    int key = pick (self, 4);
    switch (pick (self, 16)) {
    case 0:
        return some_reschedule (self, key);
    case 1:
        return ledger_text (book, "cancel.job.key=k%d", key);
    case 2:
        return ledger_text (book, "confirm.job.key=k%d confirm.cancel_open=%d", key,
                            pick (self, 2));
    case 3:
        return ledger_text (book, "pause.job.key=k%d", key);
    case 4:
    case 5:
        return ledger_text (book, "resume.job.key=k%d resume.from=%d", key, pick (self, 3));
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
    /* What is recurring cannot become a one-shot, a thousand runs are too many. */
    case BELFRY__V1__CODE__CODE_INVALID:
    case BELFRY__V1__CODE__CODE_LIMIT:
        break;
    default:
        fail_msg ("%s: code %d: %s", text, (int)reply->code, reply->text);
    }
}

static void
command (walk *self)
{
    self->commands++;
    if (self->last[0] && pick (self, 8) == 0) {
        Belfry__V1__Reply *again = ledger_do (self->ledger, self->last);
        assert_true (again->repeated);
        assert_string_equal (ledger_kinds (self->ledger), "");
        return;
    }
    snprintf (self->last, sizeof self->last, "request_id=w%llu %s",
              (unsigned long long)self->ledger->calls, some_command (self));
    expect_possible (self->last, ledger_do (self->ledger, self->last));
}

/* A command by filter, of which most are left half done for the steps that follow. */
static void
some_operation (walk *self)
{
    static const char *const verbs[] = {"cancel",  "confirm", "pause",  "resume",
                                        "trigger", "redrive", "redrive"};
    static const char *const filters[] = {"type=t0", "type=t1", "all=1",
                                          "ns=default VERB.filter.key_prefix=k1",
                                          "states=5 VERB.filter.states=3"};
    ledger *book = self->ledger;
    const char *verb = verbs[pick (self, 7)];
    const char *filter = filters[pick (self, 5)];
    const char *more = strstr (filter, " VERB");
    size_t first = more ? (size_t)(more - filter) : strlen (filter);
    ledger_begin (book);
    ledger_put (book, ledger_text (book, "%s.filter.%.*s%s%s %s.dry_run=%d", verb,
                                   (int)first, filter, more ? " " : "",
                                   more ? ledger_text (book, "%s%s", verb, more + 5) : "",
                                   verb, pick (self, 4) == 0));
    ledger_commit (book);
    self->commands++;
}

/* Several commands in one batch, which may be lost. */
static void
batch (walk *self)
{
    ledger_begin (self->ledger);
    for (int i = 0; i < 5; i++) {
        ledger_put (self->ledger, some_command (self));
        self->commands++;
    }
    if (pick (self, 2)) {
        bf_ledger_rollback (self->ledger->ledger);
        if (self->ledger->check_every == 0) {
            ledger_check (self->ledger);
        }
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

/* Without room on the disk a claim is not even told that nothing held. */
static void
grant (walk *self)
{
    if (!bf_ledger_is_scarce (self->ledger->ledger)) {
        remember (self,
                  ledger_grant (self->ledger, ledger_claim (self->ledger, "claim.types=t0 "
                                                                          "claim.types=t1 "
                                                                          "claim.max=2")));
    }
}

/* The wall clock is set, or nobody was there. */
static void
disturb (walk *self)
{
    ledger *book = self->ledger;
    switch (pick (self, 8)) {
    case 0:
        ledger_set_wall (book, (pick (self, 3) - 1) * 10 * BF_SECOND_US);
        ledger_do_item (book, "stepped.delta_us=1");
        break;
    case 1:
        ledger_reopen (book, pick (self, 2));
        break;
    case 2:
        ledger_away (book, pick (self, 5) * BF_MINUTE_US);
        break;
    default:
        ledger_away (book, pick (self, 4) * BF_SECOND_US);
        break;
    }
}

static void
step (walk *self)
{
    ledger *book = self->ledger;
    const char *token = some_token (self);
    switch (pick (self, 23)) {
    case 0:
        ledger_pass (book, pick (self, 900000));
        break;
    case 1:
    case 2:
    case 3:
        ledger_pass (book, pick (self, 300000));
        fire (self);
        break;
    case 4:
    case 5:
        grant (self);
        break;
    case 6:
        ledger_overdue (book, token, pick (self, 2));
        break;
    case 7:
        ledger_returned (book, token, NULL);
        break;
    case 8:
        batch (self);
        break;
    case 9:
        if (pick (self, 10) == 0) {
            disturb (self);
        }
        break;
    case 10:
        if (pick (self, 20) == 0) {
            ledger_do_item (book, "caught_up.until_us=5");
        }
        break;
    case 11:
        bf_ledger_set_scarce (book->ledger, self->scarce && pick (self, 10) == 0);
        break;
    case 12:
        if (pick (self, 8) == 0) {
            some_operation (self);
        }
        break;
    case 13:
    case 14:
        ledger_slice (book);
        break;
    default:
        if (bf_ledger_is_scarce (book->ledger)) {
            bf_ledger_set_scarce (book->ledger, false);
        }
        command (self);
        break;
    }
}

static walk
begin (ledger *book)
{
    static uint64_t turn;
    /* To walk another way: BELFRY_SEED=7. */
    const char *seed = getenv ("BELFRY_SEED");
    walk self = {.ledger = book, .random = (seed ? strtoull (seed, NULL, 10) : 0) + turn};
    turn += BF_SECOND_US;
    return self;
}

static void
end (walk *self)
{
    ledger *book = self->ledger;
    bf_ledger_set_scarce (book->ledger, false);
    ledger_do_item (book, "caught_up.until_us=5");
    /* It was worth walking: nearly every kind of event has come up. */
    assert_in_range (ledger_number (book, "SELECT count (DISTINCT kind) FROM topic"), 23,
                     40);
    assert_true (self->leases > 20);
    assert_string_equal (ledger_string (book, "PRAGMA integrity_check"), "ok");
}

static void
test_walk (void **state)
{
    walk self = begin (*state);
    self.scarce = true;
    for (int i = 0; i < STEPS; i++) {
        step (&self);
        ledger_forget_texts (self.ledger);
    }
    end (&self);
}

/* Fold equals tables after 50,000 commands. */
static void
walk_long (walk *self, bool prune)
{
    ledger *book = self->ledger;
    size_t checked = 0;
    book->check_every = UINT_MAX;
    while (self->commands < LONG_COMMANDS) {
        step (self);
        if (prune && pick (self, 10) == 0) {
            ledger_tend (book);
        }
        if (self->commands >= checked + LONG_CHECK) {
            checked = self->commands;
            ledger_check (book);
        }
        ledger_forget_texts (book);
    }
    ledger_check (book);
    end (self);
}

static void
test_long_walk (void **state)
{
    walk self = begin (*state);
    walk_long (&self, false);
}

/* The same, while what is old goes. */
static void
test_long_walk_with_pruning (void **state)
{
    ledger *book = *state;
    walk self = begin (book);
    book->retention = (bf_retention){
        .finals = {BF_MINUTE_US},
        .final_jobs = 50,
        .events = {BF_MINUTE_US},
        .event_rows = 2000,
    };
    ledger_reopen (book, false);
    walk_long (&self, true);
    assert_true (ledger_number (book, "SELECT min (seq) FROM event") > LONG_COMMANDS / 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown (name, ledger_setup, ledger_teardown)

int
main (void)
{
    const struct CMUnitTest tests[] = {
        TEST (test_walk),
        TEST (test_walk),
        TEST (test_walk),
        TEST (test_long_walk),
        TEST (test_long_walk_with_pruning),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
