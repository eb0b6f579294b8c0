/* SPDX-License-Identifier: MPL-2.0
 *
 * libbelfry on the real daemon: jobs that recur, many of them in one call, and several
 * commands in one commit.
 */
#include "clients/c/belfry_wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/time.h"
#include "tests/support/cmocka.h"
#include "tests/support/rig.h"

enum { MANY = 1000 };

typedef struct {
    rig *rig;
    belfry *client;
} bench;

static int
set_up (void **state)
{
    bench *self = calloc (1, sizeof *self);
    assert_non_null (self);
    self->rig = rig_new ();
    rig_start (self->rig, NULL);
    belfry_options options = {.directory = self->rig->data,
                              .client = "tester",
                              .timeout_ms = 1000,
                              .retries = 15};
    unsetenv ("BELFRY_COMMANDS");
    assert_int_equal (belfry_open (&self->client, &options), BELFRY_OK);
    *state = self;
    return 0;
}

static int
tear_down (void **state)
{
    bench *self = *state;
    belfry_close (&self->client);
    rig_destroy (&self->rig);
    free (self);
    return 0;
}

static void
must (const bench *self, int rc)
{
    if (rc != BELFRY_OK) {
        fail_msg ("%s: %s", belfry_error_name (rc), belfry_error_text (self->client));
    }
}

static belfry_job_info *
get (const bench *self, const char *key)
{
    belfry_job_info *info = NULL;
    must (self, belfry_get (self->client, (belfry_ref){.key = key}, &info));
    return info;
}

/* When its runs were due. */
typedef struct {
    int64_t due_us[8];
    size_t count;
} diary;

static int
note (belfry_run *run, void *context)
{
    diary *self = context;
    if (self->count < 8) {
        self->due_us[self->count++] = run->due_us;
    }
    return 0;
}

static int
refuse (belfry_run *run, void *context)
{
    (void)context;
    return belfry_run_fail (run, "no board", false);
}

static void
work (const bench *self, const char *type, uint64_t limit, belfry_handler *handler,
      void *context)
{
    const char *types[] = {type, NULL};
    belfry_work_options options = {.types = types, .limit = limit};
    must (self, belfry_work (self->client, &options, handler, context));
}

static void
test_a_recurring_job (void **state)
{
    bench *self = *state;
    diary seen = {0};
    belfry_job job = {.type = "poll",
                      .key = "poll",
                      .every_us = 100 * BF_MS_US,
                      .anchored = true,
                      .anchor_us = 0,
                      .max_runs = 4,
                      .overlap = BELFRY_OVERLAP_BUFFER_ALL};
    must (self, belfry_schedule (self->client, &job, NULL));
    work (self, "poll", 4, note, &seen);
    assert_int_equal (seen.count, 4);
    for (size_t index = 0; index < 4; index++) {
        assert_int_equal (seen.due_us[index] % (100 * BF_MS_US), 0);
        assert_true (index == 0 || seen.due_us[index] > seen.due_us[index - 1]);
    }
    belfry_job_info *info = get (self, "poll");
    assert_int_equal (info->state, BELFRY_JOB_COMPLETED);
    assert_int_equal (info->every_us, 100 * BF_MS_US);
    assert_int_equal (info->anchor_us, 0);
    assert_int_equal (info->max_runs, 4);
    assert_int_equal (info->late, BELFRY_LATE_FIRE_ONCE);
    assert_int_equal (info->overlap, BELFRY_OVERLAP_BUFFER_ALL);
    assert_int_equal (info->grace_us, BF_SECOND_US);
    assert_int_equal (info->counts.fired, 4);
    assert_int_equal (info->counts.open, 0);
    belfry_job_info_free (&info);
    rig_stop (self->rig);
}

/* What a job goes through beside its slots. */
static void
test_one_by_one (void **state)
{
    bench *self = *state;
    belfry_ref ref = {.key = "hourly", .if_version = 1};
    belfry_answer answer;
    belfry_run_answer run;
    belfry_job job = {.type = "t", .key = "hourly", .every_us = BF_HOUR_US};
    must (self, belfry_schedule (self->client, &job, &answer));
    must (self, belfry_pause (self->client, ref, "a break", &answer));
    assert_int_equal (answer.outcome, BELFRY_CHANGED);
    must (self, belfry_pause (self->client, ref, NULL, &answer));
    assert_int_equal (answer.outcome, BELFRY_UNCHANGED);
    must (self, belfry_resume (self->client, ref, BELFRY_FROM_NOW, &answer));
    must (self, belfry_trigger (self->client, ref, &run));
    assert_int_equal (run.state, BELFRY_RUN_READY);
    work (self, "t", 1, refuse, NULL);
    belfry_run_answer again;
    must (self, belfry_redrive (self->client, run.id, &again));
    assert_string_not_equal (again.id, run.id);
    assert_int_equal (belfry_redrive (self->client, run.id, NULL), BELFRY_WRONG_STATE);
    belfry_when when = {.every_us = 2 * BF_HOUR_US, .anchored = true};
    must (self, belfry_reschedule (self->client, ref, when, &answer));
    assert_int_equal (answer.version, 2);
    assert_int_equal (answer.due_us % (2 * BF_HOUR_US), 0);
    assert_int_equal (belfry_cancel (self->client, ref, NULL, NULL),
                      BELFRY_VERSION_CONFLICT);
    assert_int_equal (
        belfry_confirm (self->client, (belfry_ref){.key = "hourly"}, false, NULL),
        BELFRY_WRONG_STATE);
    ref.if_version = 2;
    must (self, belfry_cancel (self->client, ref, NULL, &answer));
    assert_int_equal (answer.state, BELFRY_JOB_CANCELLED);
    rig_stop (self->rig);
}

static void
schedule_all (const bench *self)
{
    static const char *const tags[] = {"game-12", NULL};
    static char keys[MANY][16];
    static belfry_job jobs[MANY];
    for (size_t index = 0; index < MANY; index++) {
        snprintf (keys[index], sizeof keys[index], "turn-%zu", index);
        jobs[index] = (belfry_job){
            .type = "turn", .key = keys[index], .tags = tags, .after_us = BF_HOUR_US};
    }
    must (self, belfry_schedule_many (self->client, jobs, MANY, NULL));
}

static void
test_many_by_filter (void **state)
{
    bench *self = *state;
    schedule_all (self);
    static const char *const tags[] = {"game-12", NULL};
    belfry_bulk_result result;
    belfry_bulk_command command = {
        .verb = BELFRY_BULK_CANCEL, .filter = {.tags = tags}, .dry_run = true};
    must (self, belfry_bulk (self->client, &command, &result));
    assert_true (result.done && result.dry_run);
    assert_int_equal (result.changed, MANY);
    command = (belfry_bulk_command){.verb = BELFRY_BULK_PAUSE,
                                    .filter = {.type = "turn", .key_prefix = "turn-99"}};
    must (self, belfry_bulk (self->client, &command, &result));
    assert_int_equal (result.changed, 11);
    must (self, belfry_bulk (self->client, &command, &result));
    assert_int_equal (result.changed, 0);
    assert_int_equal (result.unchanged, 11);
    belfry_job recurring = {.type = "turn", .key = "hourly", .every_us = BF_HOUR_US};
    must (self, belfry_schedule (self->client, &recurring, NULL));
    command = (belfry_bulk_command){.verb = BELFRY_BULK_CONFIRM, .filter.type = "turn"};
    must (self, belfry_bulk (self->client, &command, &result));
    assert_true (result.done);
    assert_int_equal (result.changed, MANY);
    assert_int_equal (result.refused, 1);
    assert_int_equal (result.refusals_count, 1);
    assert_int_equal (result.refusals[0].error, BELFRY_WRONG_STATE);
    belfry_job_info *info = get (self, "turn-7");
    assert_int_equal (info->state, BELFRY_JOB_CONFIRMED);
    belfry_job_info_free (&info);
    /* An empty filter is no filter. */
    command = (belfry_bulk_command){.verb = BELFRY_BULK_CANCEL};
    assert_int_equal (belfry_bulk (self->client, &command, NULL), BELFRY_INVALID);
    command.filter.all = true;
    must (self, belfry_bulk (self->client, &command, &result));
    assert_int_equal (result.changed, 1);
    rig_stop (self->rig);
}

/* The claim is cancelled and the writing armed, only where the turn is what was seen. */
static int
take_turn (const bench *self, uint32_t version, belfry_batch_answer answers[3],
           size_t *failed)
{
    belfry_job writing = {.type = "writing", .key = "writing-7", .after_us = BF_HOUR_US};
    belfry_batch *batch = NULL;
    must (self, belfry_batch_begin (self->client, &batch));
    belfry_batch_schedule (batch, &writing);
    belfry_batch_cancel (batch, (belfry_ref){.key = "claim-7", .if_version = version},
                         "claimed");
    belfry_batch_trigger (batch, (belfry_ref){.key = "writing-7"});
    return belfry_batch_commit (&batch, answers, failed);
}

static void
test_all_or_nothing (void **state)
{
    bench *self = *state;
    belfry_batch_answer answers[3];
    size_t failed = 9;
    belfry_job job = {.type = "claim", .key = "claim-7", .after_us = BF_HOUR_US};
    must (self, belfry_schedule (self->client, &job, NULL));
    assert_int_equal (take_turn (self, 7, answers, &failed), BELFRY_VERSION_CONFLICT);
    assert_int_equal (failed, 2);
    belfry_job_info *info = NULL;
    assert_int_equal (belfry_get (self->client, (belfry_ref){.key = "writing-7"}, &info),
                      BELFRY_NOT_FOUND);
    must (self, take_turn (self, 1, answers, &failed));
    assert_int_equal (failed, 0);
    assert_int_equal (answers[0].job.outcome, BELFRY_CREATED);
    assert_int_equal (answers[1].job.state, BELFRY_JOB_CANCELLED);
    assert_int_equal (answers[2].run.state, BELFRY_RUN_READY);
    info = get (self, "writing-7");
    assert_int_equal (info->id, answers[0].job.id);
    assert_int_equal (info->runs_size, 1);
    assert_string_equal (info->runs[0].id, answers[2].run.id);
    belfry_job_info_free (&info);
    belfry_batch *empty = NULL;
    must (self, belfry_batch_begin (self->client, &empty));
    int rc = belfry_batch_commit (&empty, NULL, NULL);
    assert_int_equal (rc, BELFRY_INVALID);
    rig_stop (self->rig);
}

#define TEST(name) cmocka_unit_test_setup_teardown (name, set_up, tear_down)

int
main (void)
{
    const struct CMUnitTest tests[] = {
        TEST (test_a_recurring_job),
        TEST (test_one_by_one),
        TEST (test_many_by_filter),
        TEST (test_all_or_nothing),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
