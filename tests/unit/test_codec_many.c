/* SPDX-License-Identifier: MPL-2.0
 *
 * What belfry.proto's comments promise of commands for many jobs, of several commands in
 * one call, and of those that look after the store: one row each.
 */
#include "messages/codec.h"

#include <stdio.h>
#include <string.h>

#include "messages/limits.h"
#include "tests/support/cmocka.h"
#include "tests/support/codec_rows.h"
#include "tests/support/request.h"

static bf_arena *arena;

static int
setup (void **state)
{
    (void)state;
    arena = bf_arena_new (2 * BF_DECODE_BYTES);
    return arena == NULL;
}

static int
teardown (void **state)
{
    (void)state;
    bf_arena_destroy (&arena);
    return 0;
}

/* The commands that are for one job or for many; C stands for the command. */
static const struct {
    const char *command;
    const char *one;  /* names one */
    const char *with; /* what it needs besides */
    bool versioned;
} commands[] = {
    {"reschedule", "job.id=1", "reschedule.at_us=1", true},
    {"cancel", "job.id=1", "", true},
    {"confirm", "job.id=1", "", true},
    {"pause", "job.id=1", "", true},
    {"resume", "job.id=1", "", true},
    {"trigger", "job.id=1", "", true},
    {"redrive", "run=1", "", false},
};

/* What is said of each, and what of it is refused (NULL: nothing). %1 is the command, %2
 * the name of one, %3 what it needs. */
static const struct {
    const char *format;
    bool versioned; /* only where there is if_version */
    const char *sentence;
} says[] = {
    {"%1 %3", false, " is missing: name one, or set a filter for many"},
    {"%1.dry_run=1 %3", false, " is missing: name one, or set a filter for many"},
    {"%1.%2 %3", false, NULL},
    {"%1.%2 %1.dry_run=1 %3", false, NULL},
    {"%1.%2 %1.if_version=4294967295 %3", true, NULL},
    {"%1.filter %3", false,
     "filter is empty, which would be for every job: say so by `all`"},
    {"%1.filter.all=0 %3", false, "filter is empty"},
    {"%1.filter.all=1 %3", false, NULL},
    {"%1.filter.ns=a %3", false, NULL},
    {"%1.filter.type=a %3", false, NULL},
    {"%1.filter.states=2 %3", false, NULL},
    {"%1.filter.tags=a %3", false, NULL},
    {"%1.filter.key_prefix=a %3", false, NULL},
    {"%1.filter.type=a %1.filter.all=1 %1.dry_run=1 %3", false, NULL},
    {"%1.%2 %1.filter.all=1 %3", false, "filter is set, and so is "},
    {"%1.filter.all=1 %1.if_version=1 %3", true,
     "if_version is for one job: leave it out with a filter"},
    {"%1.filter.ns=a/b %3", false, "filter.ns is not a name"},
    {"%1.filter.type=a/b %3", false, "filter.type is not a name"},
    {"%1.filter.states=8 %3", false, "filter.states[0] is 8, allowed are 1 JOB_STATE_W"},
    {"%1.filter.states=0 %3", false, "filter.states[0] is 0, allowed are"},
    {"%1.filter.tags=*65 %3", false, "filter.tags[0] has 65 bytes, allowed are 1..64"},
    {"%1.filter.key_prefix=*257 %3", false, "filter.key_prefix has 257 bytes"},
};

static const char *
say (const char *format, size_t command)
{
    const char *text = "";
    for (const char *at = format; *at != '\0'; at++) {
        if (*at != '%') {
            text = bf_arena_printf (arena, "%s%c", text, *at);
            continue;
        }
        at++;
        text = bf_arena_printf (arena, "%s%s", text,
                                *at == '1'   ? commands[command].command
                                : *at == '2' ? commands[command].one
                                             : commands[command].with);
    }
    assert_non_null (text);
    return text;
}

static void
test_one_or_many (void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof says / sizeof says[0]; i++) {
        for (size_t c = 0; c < sizeof commands / sizeof commands[0]; c++) {
            if (says[i].versioned && !commands[c].versioned) {
                continue;
            }
            bf_arena_reset (arena);
            const char *text = say (says[i].format, c);
            Belfry__V1__Request *request = NULL;
            bf_error error = {0};
            bf_err rc = codec_decode (arena, text, &request, &error);
            const char *sentence = says[i].sentence;
            if (rc != (sentence ? BF_EINVALID : BF_OK) ||
                (sentence && strstr (error.text, sentence) == NULL)) {
                fail_msg ("'%s' gave %s '%s'", text, bf_err_name (rc), error.text);
            }
        }
    }
}

#define ITEM(n) "batch.items[" #n "]."

static const codec_refused refused[] = {
    {"cancel.filter.states=#65", BF_ELIMIT, "filter.states has more than 64 items"},
    {"cancel.filter.tags=#9", BF_ELIMIT, "filter.tags has more than 8 items"},
    {"resume.job.id=1 resume.from=3", BF_EINVALID,
     "from is 3, allowed are 1 RESUME_FROM_PAUSE, 2 RESUME_FROM_NOW"},
    {"pause.job.id=1 pause.reason=*1025", BF_EINVALID, "reason has 1025 bytes"},

    {"batch", BF_EINVALID, "items has 0 items, allowed are 1..1000"},
    {"batch.items=#1", BF_EINVALID,
     "items[0] has no command, or none that a batch can hold: set exactly one"},
    {"batch.items=#1001", BF_ELIMIT, "items has more than 1000 items, allowed are 1..1000"},
    {ITEM (0) "cancel.job.id=1 batch.items[1]", BF_EINVALID, "items[1] has no command"},
    {ITEM (0) "cancel", BF_EINVALID, "items[0].cancel.job is missing: name one"},
    {ITEM (0) "cancel.job.id=1 " ITEM (1) "cancel.job", BF_EINVALID,
     "items[1].cancel.job is empty"},
    {ITEM (0) "schedule", BF_EINVALID, "items[0].schedule.jobs has 0 items"},
    {ITEM (0) "schedule.jobs.type=a " ITEM (0) "schedule.jobs.after_us=1 " ITEM (
         0) "schedule.jobs.retry.factor_permille=1",
     BF_EINVALID, "items[0].schedule.jobs[0].retry.factor_permille is 1, allowed are"},
    {ITEM (0) "schedule.jobs.type=a " ITEM (0) "schedule.jobs.every.interval_us=1",
     BF_EINVALID, "items[0].schedule.jobs[0].every.interval_us is 1"},
    {ITEM (0) "reschedule.job.id=1", BF_EINVALID, "items[0].reschedule.trigger is missing"},
    {ITEM (0) "complete.token=1", BF_EINVALID, "items[0].complete.token is not a token"},
    {ITEM (0) "complete.token=1.1.1 " ITEM (0) "complete.result=*65537", BF_ETOOLARGE,
     "items[0].complete.result has 65537 bytes"},
    {ITEM (0) "fail", BF_EINVALID, "items[0].fail.token is missing"},
    {ITEM (0) "snooze.token=1.1.1", BF_EINVALID, "items[0].snooze.until is missing"},
    {ITEM (0) "redrive", BF_EINVALID, "items[0].redrive.run is missing"},

    {ITEM (0) "reschedule.filter.all=1 " ITEM (0) "reschedule.at_us=1", BF_EINVALID,
     "items[0].reschedule.filter is for a call of its own: a batch is for single jobs"},
    {ITEM (0) "cancel.filter.all=1", BF_EINVALID, "items[0].cancel.filter is for a call"},
    {ITEM (0) "confirm.filter.all=1", BF_EINVALID, "items[0].confirm.filter is for a"},
    {ITEM (0) "pause.filter.all=1", BF_EINVALID, "items[0].pause.filter is for a call"},
    {ITEM (0) "resume.filter.all=1", BF_EINVALID, "items[0].resume.filter is for a call"},
    {ITEM (0) "trigger.filter.all=1", BF_EINVALID, "items[0].trigger.filter is for a"},
    {ITEM (0) "redrive.filter.all=1", BF_EINVALID, "items[0].redrive.filter is for a"},
    {ITEM (0) "cancel.job.id=1 " ITEM (0) "cancel.dry_run=1", BF_EINVALID,
     "items[0].cancel.dry_run is for a call of its own"},
    {ITEM (0) "redrive.run=1 " ITEM (0) "redrive.dry_run=1", BF_EINVALID,
     "items[0].redrive.dry_run is for a call"},

    {"snapshot.job=9223372036854775808", BF_EINVALID, "job is 9223372036854775808"},
    {"snapshot.limit=1001", BF_EINVALID, "limit is 1001, allowed are 1..1000 (0 for 500)"},

    {"prune", BF_EINVALID, "finals_us is 0, and so is events_us: say what to take away"},
    {"prune.filter.type=a", BF_EINVALID, "finals_us is 0, and so is events_us"},
    {"prune.finals_us=-1", BF_EINVALID, "finals_us is -1, allowed are 1..315576000000"},
    {"prune.finals_us=3155760000000001", BF_EINVALID, "finals_us is 3155760000000001"},
    {"prune.events_us=-1", BF_EINVALID, "events_us is -1, allowed are 1..315576000000"},
    {"prune.events_us=1 prune.filter.type=a", BF_EINVALID,
     "events_us cannot go with a filter, which is for jobs: prune them apart"},
    {"prune.finals_us=1 prune.filter", BF_EINVALID, "filter is empty"},

    {"backup.name=.db", BF_EINVALID, "name is .db: it may not begin with a dot"},
    {"backup.name=.", BF_EINVALID, "name is .: it may not begin with a dot"},
    {"backup.name=..", BF_EINVALID, "name is ..: it may not begin with a dot"},
    {"backup.name=a/b", BF_EINVALID, "name is not a name"},
    {"backup.name=../../x", BF_EINVALID, "name is not a name"},
    {"backup.name=*65", BF_EINVALID, "name is not a name"},
};

static const codec_accepted accepted[] = {
    {"cancel.filter.ns=a cancel.filter.type=b cancel.filter.states=3 "
     "cancel.filter.states=2 cancel.filter.states=3 cancel.filter.tags=y "
     "cancel.filter.tags=x cancel.filter.tags=y cancel.filter.key_prefix=*256 "
     "cancel.dry_run=1",
     "cancel.job=- cancel.filter.ns=a cancel.filter.type=b "
     "cancel.filter.states=3,2 "
     "cancel.filter.tags=y,x cancel.filter.all=0 cancel.dry_run=1 "
     "cancel.if_version=0"},
    /* A filter's empty namespace is every one, a job's is the default. */
    {"pause.filter.all=1", "pause.filter.ns= pause.filter.type= pause.filter.states= "
                           "pause.filter.key_prefix= pause.filter.all=1"},
    {"pause.job.key=k pause.reason=two\nlines", "pause.job.ns=default"},
    {"resume.job.id=1", "resume.from=1"},
    {"resume.filter.type=a resume.from=2", "resume.from=2"},
    {"redrive.filter.states=5", "redrive.run= redrive.filter.states=5"},

    {"batch.items.cancel.job.id=1", "batch.items=1 batch.items.cancel.job.ns=default"},
    {"batch.items[0].cancel.job.key=a "
     "batch.items[0].cancel.if_version=7 "
     "batch.items[1].schedule.jobs.type=b "
     "batch.items[1].schedule.jobs.after_us=1 "
     "batch.items[2].reschedule.job.id=3 "
     "batch.items[2].reschedule.at_us=4 "
     "batch.items[3].confirm.job.id=1 "
     "batch.items[4].pause.job.id=1 "
     "batch.items[5].resume.job.id=1 "
     "batch.items[6].trigger.job.id=1 "
     "batch.items[7].complete.token=1.1.1 "
     "batch.items[8].fail.token=1.1.1 "
     "batch.items[9].snooze.token=1.1.1 "
     "batch.items[9].snooze.for_us=0 "
     "batch.items[10].redrive.run=1.1",
     "batch.items=11 "
     "batch.items[0].cancel.if_version=7 "
     "batch.items[1].schedule.on_key=1 "
     "batch.items[1].schedule.jobs[0].retry.max_attempts=5 "
     "batch.items[1].schedule.jobs[0].overlap=6 "
     "batch.items[5].resume.from=1 "
     "batch.items[9].snooze.for_us=0 "
     "batch.items[10].redrive.run=1.1"},

    {"stats", "stats=set"},
    {"snapshot", "snapshot.job=0 snapshot.ordinal=0 snapshot.limit=500"},
    {"snapshot.job=9223372036854775807 snapshot.ordinal=4294967295 "
     "snapshot.limit=1000",
     "snapshot.job=9223372036854775807 snapshot.ordinal=4294967295 "
     "snapshot.limit=1000"},

    {"prune.finals_us=1", "prune.finals_us=1 prune.events_us=0 prune.filter=-"},
    {"prune.finals_us=3155760000000000 prune.events_us=3155760000000000 "
     "prune.dry_run=1",
     "prune.finals_us=3155760000000000 prune.events_us=3155760000000000 "
     "prune.dry_run=1"},
    {"prune.events_us=1", "prune.finals_us=0 prune.events_us=1"},
    {"prune.finals_us=1 prune.filter.type=a", "prune.filter.type=a"},

    {"backup", "backup.name="},
    {"backup.name=*64", "backup=set"},
    {"backup.name=a.b-c_D.9", "backup.name=a.b-c_D.9"},
};

static void
test_refused (void **state)
{
    (void)state;
    codec_expect_refused (arena, refused, sizeof refused / sizeof refused[0]);
}

static void
test_accepted (void **state)
{
    (void)state;
    codec_expect_accepted (arena, accepted, sizeof accepted / sizeof accepted[0]);
}

/* A batch of Schedules, `count` of `jobs` jobs each, and one of `more`. */
static Belfry__V1__Request *
make_batch (size_t count, size_t jobs, size_t more)
{
    Belfry__V1__Request *request =
        request_make (arena, bf_arena_printf (arena, "batch.items=#%zu", count + 1));
    for (size_t i = 0; i <= count; i++) {
        Belfry__V1__BatchItem *item = request->batch->items[i];
        size_t n_jobs = i < count ? jobs : more;
        request_fill (&item->base, arena,
                      bf_arena_printf (arena, "schedule.jobs=#%zu", n_jobs));
        for (size_t j = 0; j < n_jobs; j++) {
            request_fill (&item->schedule->jobs[j]->base, arena, "type=t after_us=1");
        }
    }
    return request;
}

static void
test_jobs_of_a_batch (void **state)
{
    (void)state;
    static const struct {
        size_t count;
        size_t jobs;
        size_t more;
        bf_err code;
    } rows[] = {
        {9, 100, 100, BF_OK},   {9, 100, 101, BF_ELIMIT}, {999, 1, 1, BF_OK},
        {999, 1, 2, BF_ELIMIT}, {1, 1000, 1, BF_ELIMIT},  {1, 999, 1, BF_OK},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        bf_arena_reset (arena);
        Belfry__V1__Request *sent = make_batch (rows[i].count, rows[i].jobs, rows[i].more);
        size_t size;
        uint8_t *bytes = bf_pack (&sent->base, arena, &size);
        assert_non_null (bytes);
        Belfry__V1__Request *request = NULL;
        bf_error error = {0};
        bf_err rc = bf_request_decode (bytes, size, arena, &request, &error);
        if (rc != rows[i].code) {
            fail_msg ("row %zu: %s", i, error.text);
        }
        if (rc != BF_OK) {
            assert_non_null (strstr (error.text, "].schedule.jobs has too many items, "
                                                 "allowed are 1000 in all"));
        }
        /* The same without a wire. */
        assert_int_equal (bf_request_normalise (sent, arena, &error), rows[i].code);
        if (rc != BF_OK) {
            assert_non_null (strstr (error.text, "jobs to schedule, allowed are 1000"));
        }
    }
}

int
main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown (test_one_or_many, setup, teardown),
        cmocka_unit_test_setup_teardown (test_refused, setup, teardown),
        cmocka_unit_test_setup_teardown (test_accepted, setup, teardown),
        cmocka_unit_test_setup_teardown (test_jobs_of_a_batch, setup, teardown),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
