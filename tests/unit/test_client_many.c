/* SPDX-License-Identifier: MPL-2.0
 *
 * The client's commands that say more than one thing: recurring jobs, versions, commands by
 * filter that are repeated until they are done, and batches; against a daemon that answers
 * what the test wants.
 */
#include "clients/c/client.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/cmocka.h"
#include "tests/support/fake.h"

#define HOUR_US INT64_C (3600000000)

/* The client under test; `act` runs on a thread of its own, the daemon on the test's. */
typedef struct bench {
    fake *daemon;
    belfry *client;
    pthread_t thread;
    void (*act) (struct bench *self);
    int rc;
    belfry_answer answer;
    belfry_run_answer run;
    belfry_job_info *info;
    belfry_bulk_command bulk;
    belfry_bulk_result result;
    atomic_int told; /* calls of progress */
    belfry_batch_answer answers[4];
    size_t failed;
} bench;

static void *
run (void *argument)
{
    bench *self = argument;
    self->act (self);
    return NULL;
}

static fake_call *
begin (bench *self, void (*act) (bench *self))
{
    self->act = act;
    assert_int_equal (pthread_create (&self->thread, NULL, run, self), 0);
    return fake_take (self->daemon);
}

static int
join (bench *self)
{
    pthread_join (self->thread, NULL);
    return self->rc;
}

static int
set_up (void **state)
{
    bench *self = calloc (1, sizeof *self);
    self->daemon = fake_new ();
    belfry_options options = {.commands = self->daemon->commands,
                              .client = "tester",
                              .timeout_ms = 10000,
                              .retries = -1};
    assert_int_equal (belfry_open (&self->client, &options), BELFRY_OK);
    *state = self;
    return 0;
}

static int
tear_down (void **state)
{
    bench *self = *state;
    belfry_job_info_free (&self->info);
    belfry_close (&self->client);
    fake_destroy (&self->daemon);
    free (self);
    return 0;
}

/* Answers with a code, ends the call. */
static void
refuse (bench *self, fake_call **call, Belfry__V1__Code code)
{
    fake_answer_code (self->daemon, *call, code);
    fake_call_free (call);
}

/* ------------------------------------------------------------------------------------- */
/* One job                                                                               */

static void
schedule_recurring (bench *self)
{
    static const int64_t delays[] = {1000, 2000};
    belfry_job job = {.type = "poll",
                      .key = "poll",
                      .every_us = HOUR_US,
                      .anchored = true,
                      .anchor_us = 0,
                      .start_us = 5,
                      .end_us = 7,
                      .max_runs = 9,
                      .jitter_us = 11,
                      .late = BELFRY_LATE_FIRE_ALL,
                      .grace_us = 13000,
                      .catchup_max = 15,
                      .overlap = BELFRY_OVERLAP_TERMINATE_OTHER,
                      .retry = {.backoff = BELFRY_LIST,
                                .delays_us = delays,
                                .delays_count = 2,
                                .max_age_us = HOUR_US},
                      .on_key = BELFRY_REPLACE,
                      .if_version = 3};
    self->rc = belfry_schedule (self->client, &job, NULL);
}

static void
schedule_calendar (bench *self)
{
    static const char *const exclude[] = {"holidays", "nights", NULL};
    belfry_job job = {.type = "report",
                      .cron = "0 9 * * MON-FRI",
                      .tz = "Europe/Berlin",
                      .skipped = BELFRY_SKIPPED_SHIFT,
                      .repeated = BELFRY_REPEATED_BOTH,
                      .exclude = exclude,
                      .every_us = HOUR_US};
    self->rc = belfry_schedule (self->client, &job, NULL);
}

static void
schedule_rule (bench *self)
{
    belfry_job job = {.type = "report", .rrule = "FREQ=DAILY"};
    self->rc = belfry_schedule (self->client, &job, NULL);
}

static void
reschedule_daily (bench *self)
{
    belfry_when when = {.daily = "2130", .repeated = BELFRY_REPEATED_SECOND};
    belfry_ref job = {.id = 256};
    self->rc = belfry_reschedule (self->client, job, when, NULL);
}

/* Each kind of calendar, and what goes with it; cron goes before an interval. */
static void
test_calendars (void **state)
{
    bench *self = *state;
    fake_call *call = begin (self, schedule_calendar);
    const Belfry__V1__JobSpec *spec = call->request->schedule->jobs[0];
    assert_int_equal (spec->trigger_case, BELFRY__V1__JOB_SPEC__TRIGGER_CRON);
    assert_string_equal (spec->cron, "0 9 * * MON-FRI");
    assert_string_equal (spec->tz, "Europe/Berlin");
    assert_int_equal (spec->skipped, BELFRY__V1__SKIPPED__SKIPPED_SHIFT);
    assert_int_equal (spec->repeated, BELFRY__V1__REPEATED__REPEATED_BOTH);
    assert_int_equal (spec->n_exclude, 2);
    assert_string_equal (spec->exclude[1], "nights");
    refuse (self, &call, BELFRY__V1__CODE__CODE_INVALID);
    assert_int_equal (join (self), BELFRY_INVALID);

    call = begin (self, schedule_rule);
    spec = call->request->schedule->jobs[0];
    assert_int_equal (spec->trigger_case, BELFRY__V1__JOB_SPEC__TRIGGER_RRULE);
    assert_string_equal (spec->rrule, "FREQ=DAILY");
    assert_string_equal (spec->tz, "");
    assert_int_equal (spec->n_exclude, 0);
    refuse (self, &call, BELFRY__V1__CODE__CODE_INVALID);
    assert_int_equal (join (self), BELFRY_INVALID);

    call = begin (self, reschedule_daily);
    const Belfry__V1__Reschedule *reschedule = call->request->reschedule;
    assert_int_equal (reschedule->trigger_case, BELFRY__V1__RESCHEDULE__TRIGGER_DAILY);
    assert_string_equal (reschedule->daily, "2130");
    assert_int_equal (reschedule->repeated, BELFRY__V1__REPEATED__REPEATED_SECOND);
    refuse (self, &call, BELFRY__V1__CODE__CODE_NOT_FOUND);
    assert_int_equal (join (self), BELFRY_NOT_FOUND);
}

static void
test_a_recurring_job (void **state)
{
    bench *self = *state;
    fake_call *call = begin (self, schedule_recurring);
    const Belfry__V1__Schedule *schedule = call->request->schedule;
    const Belfry__V1__JobSpec *spec = schedule->jobs[0];
    assert_int_equal (schedule->if_version, 3);
    assert_int_equal (spec->trigger_case, BELFRY__V1__JOB_SPEC__TRIGGER_EVERY);
    assert_int_equal (spec->every->interval_us, HOUR_US);
    assert_int_equal (spec->every->anchor_case, BELFRY__V1__EVERY__ANCHOR_ANCHOR_US);
    assert_int_equal (spec->every->anchor_us, 0);
    assert_int_equal (spec->start_us, 5);
    assert_int_equal (spec->end_us, 7);
    assert_int_equal (spec->max_runs, 9);
    assert_int_equal (spec->jitter_us, 11);
    assert_int_equal (spec->late, BELFRY__V1__LATE__LATE_FIRE_ALL);
    assert_int_equal (spec->grace_us, 13000);
    assert_int_equal (spec->catchup_max, 15);
    assert_int_equal (spec->overlap, BELFRY__V1__OVERLAP__OVERLAP_TERMINATE_OTHER);
    assert_int_equal (spec->retry->backoff, BELFRY__V1__BACKOFF__BACKOFF_LIST);
    assert_int_equal (spec->retry->n_delays_us, 2);
    assert_int_equal (spec->retry->delays_us[1], 2000);
    assert_int_equal (spec->retry->max_age_us, HOUR_US);
    refuse (self, &call, BELFRY__V1__CODE__CODE_VERSION_CONFLICT);
    assert_int_equal (join (self), BELFRY_VERSION_CONFLICT);
    assert_string_equal (belfry_error_name (self->rc), "VERSION_CONFLICT");
}

static void
schedule_wrongly (bench *self)
{
    belfry_job jobs[2] = {{.type = "t"}, {.type = "t", .if_version = 1}};
    self->rc = belfry_schedule_many (self->client, jobs, 2, NULL);
}

static void
test_a_version_is_for_one (void **state)
{
    bench *self = *state;
    schedule_wrongly (self);
    assert_int_equal (self->rc, BELFRY_BAD_ARGUMENT);
    assert_non_null (strstr (belfry_error_text (self->client), "if_version"));
}

static const belfry_ref ref = {.ns = "n", .key = "k", .if_version = 7};

static void
cancel (bench *self)
{
    self->rc = belfry_cancel (self->client, ref, "r", NULL);
}

static void
confirm (bench *self)
{
    self->rc = belfry_confirm (self->client, ref, true, NULL);
}

static void
pause_job (bench *self)
{
    self->rc = belfry_pause (self->client, ref, "r", NULL);
}

static void
resume (bench *self)
{
    self->rc = belfry_resume (self->client, ref, BELFRY_FROM_NOW, NULL);
}

static void
reschedule (bench *self)
{
    belfry_when when = {.every_us = HOUR_US, .reject_past = true};
    self->rc = belfry_reschedule (self->client, ref, when, NULL);
}

static void
trigger (bench *self)
{
    self->rc = belfry_trigger (self->client, ref, &self->run);
}

/* The JobRef and the version go along with every command. */
static void
test_versions (void **state)
{
    bench *self = *state;
#define EXPECT(member)                                          \
    assert_non_null (call->request->member->job);               \
    assert_string_equal (call->request->member->job->ns, "n");  \
    assert_string_equal (call->request->member->job->key, "k"); \
    assert_int_equal (call->request->member->if_version, 7);    \
    assert_null (call->request->member->filter)
    fake_call *call = begin (self, cancel);
    EXPECT (cancel);
    assert_string_equal (call->request->cancel->reason, "r");
    refuse (self, &call, BELFRY__V1__CODE__CODE_NOT_FOUND);
    join (self);
    call = begin (self, confirm);
    EXPECT (confirm);
    assert_true (call->request->confirm->cancel_open);
    refuse (self, &call, BELFRY__V1__CODE__CODE_NOT_FOUND);
    join (self);
    call = begin (self, pause_job);
    EXPECT (pause);
    assert_string_equal (call->request->pause->reason, "r");
    refuse (self, &call, BELFRY__V1__CODE__CODE_NOT_FOUND);
    join (self);
    call = begin (self, resume);
    EXPECT (resume);
    assert_int_equal (call->request->resume->from,
                      BELFRY__V1__RESUME_FROM__RESUME_FROM_NOW);
    refuse (self, &call, BELFRY__V1__CODE__CODE_NOT_FOUND);
    join (self);
    call = begin (self, reschedule);
    EXPECT (reschedule);
    assert_int_equal (call->request->reschedule->trigger_case,
                      BELFRY__V1__RESCHEDULE__TRIGGER_EVERY);
    assert_int_equal (call->request->reschedule->every->interval_us, HOUR_US);
    assert_int_equal (call->request->reschedule->every->anchor_case,
                      BELFRY__V1__EVERY__ANCHOR__NOT_SET);
    assert_true (call->request->reschedule->reject_past);
    refuse (self, &call, BELFRY__V1__CODE__CODE_NOT_FOUND);
    join (self);
    call = begin (self, trigger);
    EXPECT (trigger);
    refuse (self, &call, BELFRY__V1__CODE__CODE_VERSION_CONFLICT);
    assert_int_equal (join (self), BELFRY_VERSION_CONFLICT);
}

static void
redrive (bench *self)
{
    self->rc = belfry_redrive (self->client, "256.1", &self->run);
}

static void
test_a_run (void **state)
{
    bench *self = *state;
    fake_call *call = begin (self, redrive);
    assert_string_equal (call->request->redrive->run, "256.1");
    Belfry__V1__Run wire = BELFRY__V1__RUN__INIT;
    Belfry__V1__Run *wires[] = {&wire};
    Belfry__V1__RunsReply runs = BELFRY__V1__RUNS_REPLY__INIT;
    Belfry__V1__Reply reply = BELFRY__V1__REPLY__INIT;
    wire.run = "256.2";
    wire.state = BELFRY__V1__RUN_STATE__RUN_STATE_READY;
    runs.runs = wires;
    runs.n_runs = 1;
    reply.code = BELFRY__V1__CODE__CODE_OK;
    reply.seq = 9;
    reply.result_case = BELFRY__V1__REPLY__RESULT_RUNS;
    reply.runs = &runs;
    fake_answer (self->daemon, call, &reply);
    fake_call_free (&call);
    assert_int_equal (join (self), BELFRY_OK);
    assert_string_equal (self->run.id, "256.2");
    assert_int_equal (self->run.state, BELFRY_RUN_READY);
    assert_int_equal (self->run.seq, 9);
    call = begin (self, redrive);
    refuse (self, &call, BELFRY__V1__CODE__CODE_OK);
    assert_int_equal (join (self), BELFRY_BAD_ANSWER);
}

static void
get (bench *self)
{
    self->rc = belfry_get (self->client, ref, &self->info);
}

static void
test_get_shows_counts (void **state)
{
    bench *self = *state;
    fake_call *call = begin (self, get);
    Belfry__V1__Every every = BELFRY__V1__EVERY__INIT;
    Belfry__V1__JobSpec spec = BELFRY__V1__JOB_SPEC__INIT;
    Belfry__V1__Counts counts = BELFRY__V1__COUNTS__INIT;
    Belfry__V1__Job job = BELFRY__V1__JOB__INIT;
    Belfry__V1__GetReply reply_get = BELFRY__V1__GET_REPLY__INIT;
    Belfry__V1__Reply reply = BELFRY__V1__REPLY__INIT;
    every.interval_us = HOUR_US;
    every.anchor_case = BELFRY__V1__EVERY__ANCHOR_ANCHOR_US;
    every.anchor_us = 42;
    spec.trigger_case = BELFRY__V1__JOB_SPEC__TRIGGER_EVERY;
    spec.every = &every;
    spec.overlap = BELFRY__V1__OVERLAP__OVERLAP_SKIP;
    spec.grace_us = 1000000;
    counts.fired = 1;
    counts.missed = 2;
    counts.overlap_skipped = 3;
    counts.blocked = 4;
    job.id = 256;
    job.spec = &spec;
    job.counts = &counts;
    reply_get.job = &job;
    reply.code = BELFRY__V1__CODE__CODE_OK;
    reply.result_case = BELFRY__V1__REPLY__RESULT_GET;
    reply.get = &reply_get;
    fake_answer (self->daemon, call, &reply);
    fake_call_free (&call);
    assert_int_equal (join (self), BELFRY_OK);
    assert_int_equal (self->info->every_us, HOUR_US);
    assert_int_equal (self->info->anchor_us, 42);
    assert_int_equal (self->info->overlap, BELFRY_OVERLAP_SKIP);
    assert_int_equal (self->info->grace_us, 1000000);
    assert_int_equal (self->info->counts.fired, 1);
    assert_int_equal (self->info->counts.missed, 2);
    assert_int_equal (self->info->counts.overlap_skipped, 3);
    assert_int_equal (self->info->counts.blocked, 4);
}

/* ------------------------------------------------------------------------------------- */
/* By filter                                                                             */

static void
note_progress (const belfry_bulk_result *so_far, void *context)
{
    bench *self = context;
    assert_false (so_far->done);
    assert_int_equal (so_far->changed, 5);
    atomic_fetch_add (&self->told, 1);
}

static void
bulk (bench *self)
{
    self->bulk.progress = note_progress;
    self->bulk.context = self;
    self->rc = belfry_bulk (self->client, &self->bulk, &self->result);
}

static void
answer_bulk (bench *self, fake_call *call, Belfry__V1__BulkReply *bulk_reply)
{
    Belfry__V1__Reply reply = BELFRY__V1__REPLY__INIT;
    reply.code = BELFRY__V1__CODE__CODE_OK;
    reply.result_case = BELFRY__V1__REPLY__RESULT_BULK;
    reply.bulk = bulk_reply;
    fake_answer (self->daemon, call, &reply);
}

/* The same request under the same id, until it is done. */
static void
test_bulk_until_done (void **state)
{
    bench *self = *state;
    static const belfry_job_state states[] = {BELFRY_JOB_SCHEDULED, BELFRY_JOB_DEAD};
    static const char *const tags[] = {"a", "b", NULL};
    self->bulk = (belfry_bulk_command){.verb = BELFRY_BULK_CANCEL,
                                       .reason = "over",
                                       .dry_run = true,
                                       .filter = {.ns = "n",
                                                  .type = "t",
                                                  .states = states,
                                                  .states_count = 2,
                                                  .tags = tags,
                                                  .key_prefix = "turn-"}};
    fake_call *call = begin (self, bulk);
    char *id = strdup (call->request->request_id);
    const Belfry__V1__Filter *filter = call->request->cancel->filter;
    assert_null (call->request->cancel->job);
    assert_true (call->request->cancel->dry_run);
    assert_string_equal (call->request->cancel->reason, "over");
    assert_string_equal (filter->ns, "n");
    assert_string_equal (filter->type, "t");
    assert_string_equal (filter->key_prefix, "turn-");
    assert_int_equal (filter->n_states, 2);
    assert_int_equal (filter->states[1], BELFRY__V1__JOB_STATE__JOB_STATE_DEAD);
    assert_int_equal (filter->n_tags, 2);
    assert_string_equal (filter->tags[1], "b");
    assert_false (filter->all);
    Belfry__V1__BulkReply so_far = BELFRY__V1__BULK_REPLY__INIT;
    so_far.changed = 5;
    for (int repeat = 0; repeat < 3; repeat++) {
        answer_bulk (self, call, &so_far);
        fake_call_free (&call);
        call = fake_take (self->daemon);
        assert_string_equal (call->request->request_id, id);
        assert_string_equal (call->request->cancel->filter->ns, "n");
    }
    Belfry__V1__BulkReply__Refusal refusal = BELFRY__V1__BULK_REPLY__REFUSAL__INIT;
    Belfry__V1__BulkReply__Refusal unknown = BELFRY__V1__BULK_REPLY__REFUSAL__INIT;
    Belfry__V1__BulkReply__Refusal *refusals[] = {&refusal, &unknown};
    char text[301];
    memset (text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    refusal.job = 512;
    refusal.code = BELFRY__V1__CODE__CODE_WRONG_STATE;
    refusal.text = text;
    so_far.done = 1;
    so_far.changed = 7;
    unknown.code = (Belfry__V1__Code)INT32_MIN;
    so_far.refused = 2;
    so_far.refusals = refusals;
    so_far.n_refusals = 2;
    answer_bulk (self, call, &so_far);
    fake_call_free (&call);
    free (id);
    assert_int_equal (join (self), BELFRY_OK);
    assert_int_equal (atomic_load (&self->told), 3);
    assert_true (self->result.done);
    assert_int_equal (self->result.changed, 7);
    assert_int_equal (self->result.refusals_count, 2);
    assert_int_equal (self->result.refusals[0].error, BELFRY_WRONG_STATE);
    assert_int_equal (self->result.refusals[1].error, BELFRY_BAD_ANSWER);
    assert_int_equal (strlen (self->result.refusals[0].text),
                      sizeof self->result.refusals[0].text - 1);
}

/* A daemon that restarts has the operation still; the repeat finds it. */
static void
test_bulk_over_a_restart (void **state)
{
    bench *self = *state;
    belfry_close (&self->client);
    belfry_options options = {.commands = self->daemon->commands,
                              .client = "tester",
                              .timeout_ms = 200,
                              .retries = 50};
    assert_int_equal (belfry_open (&self->client, &options), BELFRY_OK);
    self->bulk = (belfry_bulk_command){.verb = BELFRY_BULK_PAUSE, .filter.all = true};
    fake_call *call = begin (self, bulk);
    char *id = strdup (call->request->request_id);
    Belfry__V1__BulkReply so_far = BELFRY__V1__BULK_REPLY__INIT;
    so_far.changed = 5;
    answer_bulk (self, call, &so_far);
    fake_call_free (&call);
    call = fake_take (self->daemon);
    fake_call_free (&call);
    fake_restart (self->daemon);
    call = fake_take (self->daemon);
    assert_string_equal (call->request->request_id, id);
    assert_true (call->request->pause->filter->all);
    so_far.done = 1;
    answer_bulk (self, call, &so_far);
    fake_call_free (&call);
    free (id);
    assert_int_equal (join (self), BELFRY_OK);
    assert_true (self->result.done);
}

/* belfry_stop ends the waiting; what was known by then is told. */
static void
test_bulk_is_left (void **state)
{
    bench *self = *state;
    self->bulk = (belfry_bulk_command){.verb = BELFRY_BULK_TRIGGER, .filter.type = "t"};
    fake_call *call = begin (self, bulk);
    belfry_stop (self->client);
    Belfry__V1__BulkReply so_far = BELFRY__V1__BULK_REPLY__INIT;
    so_far.changed = 5;
    so_far.operation = 3;
    answer_bulk (self, call, &so_far);
    fake_call_free (&call);
    assert_int_equal (join (self), BELFRY_OK);
    assert_false (self->result.done);
    assert_int_equal (self->result.operation, 3);
}

static void
test_bulk_refused (void **state)
{
    bench *self = *state;
    static const belfry_bulk_verb verbs[] = {
        BELFRY_BULK_CANCEL,     BELFRY_BULK_CONFIRM, BELFRY_BULK_PAUSE,  BELFRY_BULK_RESUME,
        BELFRY_BULK_RESCHEDULE, BELFRY_BULK_TRIGGER, BELFRY_BULK_REDRIVE};
    static const Belfry__V1__Request__CommandCase kinds[] = {
        BELFRY__V1__REQUEST__COMMAND_CANCEL,     BELFRY__V1__REQUEST__COMMAND_CONFIRM,
        BELFRY__V1__REQUEST__COMMAND_PAUSE,      BELFRY__V1__REQUEST__COMMAND_RESUME,
        BELFRY__V1__REQUEST__COMMAND_RESCHEDULE, BELFRY__V1__REQUEST__COMMAND_TRIGGER,
        BELFRY__V1__REQUEST__COMMAND_REDRIVE};
    for (size_t index = 0; index < sizeof verbs / sizeof verbs[0]; index++) {
        self->bulk = (belfry_bulk_command){.verb = verbs[index]};
        fake_call *call = begin (self, bulk);
        assert_int_equal (call->request->command_case, kinds[index]);
        refuse (self, &call, BELFRY__V1__CODE__CODE_INVALID);
        assert_int_equal (join (self), BELFRY_INVALID);
        assert_false (self->result.done);
    }
    self->bulk.verb = 0;
    assert_int_equal (belfry_bulk (self->client, &self->bulk, NULL), BELFRY_BAD_ARGUMENT);
    assert_int_equal (atomic_load (&self->told), 0);
}

/* ------------------------------------------------------------------------------------- */
/* Batch                                                                                 */

static void
batch (bench *self)
{
    belfry_batch *commands = NULL;
    char key[] = "turn-7";
    belfry_job job = {.type = "t", .key = key, .on_key = BELFRY_REPLACE, .if_version = 2};
    assert_int_equal (belfry_batch_begin (self->client, &commands), BELFRY_OK);
    belfry_batch_cancel (commands, ref, "r");
    belfry_batch_schedule (commands, &job);
    belfry_batch_complete (commands, "256.1.1", "done", 4);
    belfry_batch_snooze (commands, "512.1.1", HOUR_US, NULL);
    memset (key, 'x', sizeof key - 1); /* what was added was copied */
    assert_int_equal (belfry_batch_count (commands), 4);
    self->rc = belfry_batch_commit (&commands, self->answers, &self->failed);
    assert_null (commands);
}

static void
answer_batch (bench *self, fake_call *call)
{
    Belfry__V1__Job job = BELFRY__V1__JOB__INIT;
    Belfry__V1__JobsReply__Item item = BELFRY__V1__JOBS_REPLY__ITEM__INIT;
    Belfry__V1__JobsReply__Item *job_items[] = {&item};
    Belfry__V1__JobsReply jobs = BELFRY__V1__JOBS_REPLY__INIT;
    Belfry__V1__Run wire = BELFRY__V1__RUN__INIT;
    Belfry__V1__Run *wires[] = {&wire};
    Belfry__V1__RunsReply runs = BELFRY__V1__RUNS_REPLY__INIT;
    Belfry__V1__BatchReply__Item of_job = BELFRY__V1__BATCH_REPLY__ITEM__INIT;
    Belfry__V1__BatchReply__Item of_run = of_job;
    Belfry__V1__BatchReply__Item *items[] = {&of_job, &of_job, &of_run, &of_run};
    Belfry__V1__BatchReply batch_reply = BELFRY__V1__BATCH_REPLY__INIT;
    Belfry__V1__Reply reply = BELFRY__V1__REPLY__INIT;
    job.id = 768;
    item.job = &job;
    item.outcome = BELFRY__V1__OUTCOME__OUTCOME_CREATED;
    jobs.items = job_items;
    jobs.n_items = 1;
    wire.run = "256.1";
    wire.state = BELFRY__V1__RUN_STATE__RUN_STATE_SUCCEEDED;
    runs.runs = wires;
    runs.n_runs = 1;
    of_job.result_case = BELFRY__V1__BATCH_REPLY__ITEM__RESULT_JOBS;
    of_job.jobs = &jobs;
    of_run.result_case = BELFRY__V1__BATCH_REPLY__ITEM__RESULT_RUNS;
    of_run.runs = &runs;
    batch_reply.items = items;
    batch_reply.n_items = 4;
    reply.code = BELFRY__V1__CODE__CODE_OK;
    reply.seq = 12;
    reply.result_case = BELFRY__V1__REPLY__RESULT_BATCH;
    reply.batch = &batch_reply;
    fake_answer (self->daemon, call, &reply);
}

static void
test_batch (void **state)
{
    bench *self = *state;
    fake_call *call = begin (self, batch);
    const Belfry__V1__Batch *message = call->request->batch;
    assert_int_equal (message->n_items, 4);
    assert_int_equal (message->items[0]->command_case,
                      BELFRY__V1__BATCH_ITEM__COMMAND_CANCEL);
    assert_int_equal (message->items[0]->cancel->if_version, 7);
    assert_string_equal (message->items[0]->cancel->job->key, "k");
    assert_string_equal (message->items[1]->schedule->jobs[0]->key, "turn-7");
    assert_int_equal (message->items[1]->schedule->if_version, 2);
    assert_int_equal (message->items[1]->schedule->on_key,
                      BELFRY__V1__ON_KEY__ON_KEY_REPLACE);
    assert_string_equal (message->items[2]->complete->token, "256.1.1");
    assert_int_equal (message->items[2]->complete->result.len, 4);
    assert_int_equal (message->items[3]->snooze->for_us, HOUR_US);
    answer_batch (self, call);
    fake_call_free (&call);
    assert_int_equal (join (self), BELFRY_OK);
    assert_int_equal (self->failed, 0);
    assert_int_equal (self->answers[1].job.id, 768);
    assert_int_equal (self->answers[1].job.outcome, BELFRY_CREATED);
    assert_int_equal (self->answers[1].job.seq, 12);
    assert_string_equal (self->answers[1].run.id, "");
    assert_string_equal (self->answers[2].run.id, "256.1");
    assert_int_equal (self->answers[2].run.state, BELFRY_RUN_SUCCEEDED);
    assert_int_equal (self->answers[2].job.id, 0);
}

static void
test_batch_refused (void **state)
{
    bench *self = *state;
    fake_call *call = begin (self, batch);
    Belfry__V1__BatchReply batch_reply = BELFRY__V1__BATCH_REPLY__INIT;
    Belfry__V1__Reply reply = BELFRY__V1__REPLY__INIT;
    batch_reply.failed = 2;
    reply.code = BELFRY__V1__CODE__CODE_VERSION_CONFLICT;
    reply.result_case = BELFRY__V1__REPLY__RESULT_BATCH;
    reply.batch = &batch_reply;
    fake_answer (self->daemon, call, &reply);
    fake_call_free (&call);
    assert_int_equal (join (self), BELFRY_VERSION_CONFLICT);
    assert_int_equal (self->failed, 2);
    /* An answer that does not fit is none. */
    call = begin (self, batch);
    refuse (self, &call, BELFRY__V1__CODE__CODE_OK);
    assert_int_equal (join (self), BELFRY_BAD_ANSWER);
    assert_int_equal (self->failed, 0);
}

/* Every command that a batch can hold, and one too many of them. */
static void
test_batch_kinds (void **state)
{
    bench *self = *state;
    belfry_batch *commands = NULL;
    assert_int_equal (belfry_batch_begin (self->client, &commands), BELFRY_OK);
    assert_int_equal (belfry_batch_confirm (commands, ref, true), BELFRY_OK);
    assert_int_equal (belfry_batch_pause (commands, ref, NULL), BELFRY_OK);
    assert_int_equal (belfry_batch_resume (commands, ref, 0), BELFRY_OK);
    assert_int_equal (belfry_batch_trigger (commands, ref), BELFRY_OK);
    assert_int_equal (belfry_batch_redrive (commands, "256.1"), BELFRY_OK);
    assert_int_equal (belfry_batch_fail (commands, "256.1.1", "r", false), BELFRY_OK);
    assert_int_equal (belfry_batch_reschedule (commands, ref, (belfry_when){.at_us = 1}),
                      BELFRY_OK);
    for (int count = 7; count < 1000; count++) {
        assert_int_equal (belfry_batch_cancel (commands, ref, NULL), BELFRY_OK);
    }
    assert_int_equal (belfry_batch_cancel (commands, ref, NULL), BELFRY_BAD_ARGUMENT);
    assert_int_equal (belfry_batch_count (commands), 1000);
    assert_int_equal (belfry_batch_commit (&commands, NULL, NULL), BELFRY_BAD_ARGUMENT);
    assert_null (commands);
    assert_non_null (strstr (belfry_error_text (self->client), "1000"));
    belfry_batch_abandon (&commands);
    assert_int_equal (belfry_batch_begin (self->client, &commands), BELFRY_OK);
    belfry_batch_abandon (&commands);
    assert_null (commands);
}

#define TEST(function) cmocka_unit_test_setup_teardown (function, set_up, tear_down)

int
main (void)
{
    const struct CMUnitTest tests[] = {
        TEST (test_a_recurring_job),
        TEST (test_calendars),
        TEST (test_a_version_is_for_one),
        TEST (test_versions),
        TEST (test_a_run),
        TEST (test_get_shows_counts),
        TEST (test_bulk_until_done),
        TEST (test_bulk_over_a_restart),
        TEST (test_bulk_is_left),
        TEST (test_bulk_refused),
        TEST (test_batch),
        TEST (test_batch_refused),
        TEST (test_batch_kinds),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
