/* SPDX-License-Identifier: MPL-2.0
 *
 * libbelfry on the real daemon: a job from its schedule to its end, leases that live and
 * die with their workers, and a watch that misses nothing over kill -9.
 */
#include "clients/c/belfry_wire.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/time.h"
#include "tests/support/cmocka.h"
#include "tests/support/rig.h"

enum { MAX_EVENTS = 512 };

typedef struct {
    rig *rig;
    belfry *client; /* of the test's own thread */
} bench;

/* Finds its daemon by the endpoints file, as a program on the same machine does. */
static belfry *
open_client (const rig *daemon, const char *name)
{
    belfry *client = NULL;
    belfry_options options = {
        .directory = daemon->data, .client = name, .timeout_ms = 1000, .retries = 15};
    unsetenv ("BELFRY_COMMANDS");
    assert_int_equal (belfry_open (&client, &options), BELFRY_OK);
    return client;
}

static int
set_up (void **state)
{
    bench *self = calloc (1, sizeof *self);
    assert_non_null (self);
    self->rig = rig_new ();
    rig_start (self->rig, NULL);
    self->client = open_client (self->rig, "tester");
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
must (belfry *client, int rc)
{
    if (rc != BELFRY_OK) {
        fail_msg ("%s: %s", belfry_error_name (rc), belfry_error_text (client));
    }
}

static uint64_t
schedule (belfry *client, const char *key, int64_t after_us, int64_t lease_us)
{
    belfry_answer answer;
    belfry_job job = {.type = "t",
                      .key = key,
                      .payload = "{}",
                      .payload_size = 2,
                      .after_us = after_us,
                      .lease_us = lease_us,
                      .retry = {.delay_us = 1000, .jitter_percent = -1}};
    must (client, belfry_schedule (client, &job, &answer));
    assert_int_equal (answer.outcome, BELFRY_CREATED);
    return answer.id;
}

/* ------------------------------------------------------------------------------------- */
/* Work                                                                                  */

static const char *const types[] = {"t", NULL};

/* What a handler saw, and how long it is to take. */
typedef struct {
    uint32_t attempt;
    uint64_t job;
    int64_t work_us;
    bool until_cancelled;
    belfry *canceller; /* cancels the job from within, by another handle */
    int settled;
} shift;

static int
handle (belfry_run *run, void *context)
{
    shift *self = context;
    self->attempt = run->attempt;
    self->job = run->job;
    int64_t until_us = bf_now_read ().boot.us + self->work_us;
    while (bf_now_read ().boot.us < until_us) {
        poll (NULL, 0, 10);
    }
    if (self->canceller != NULL) {
        must (self->canceller,
              belfry_cancel (self->canceller, (belfry_ref){.id = run->job}, "no", NULL));
    }
    while (self->until_cancelled && !belfry_run_cancelled (run)) {
        poll (NULL, 0, 10);
    }
    return belfry_run_result (run, "result", 6);
}

static void
note_settled (const belfry_run *run, int error, void *context)
{
    (void)run;
    shift *self = context;
    self->settled = error;
}

static void
work_once (belfry *client, shift *self)
{
    belfry_work_options options = {.types = types, .limit = 1, .settled = note_settled};
    self->settled = 1;
    must (client, belfry_work (client, &options, handle, self));
}

static belfry_job_info *
get (belfry *client, uint64_t id)
{
    belfry_job_info *info = NULL;
    must (client, belfry_get (client, (belfry_ref){.id = id}, &info));
    return info;
}

static void
test_schedule_work_complete (void **state)
{
    bench *self = *state;
    uint64_t id = schedule (self->client, "turn-7", 200000, 0);
    shift worked = {0};
    work_once (self->client, &worked);
    assert_int_equal (worked.job, id);
    assert_int_equal (worked.attempt, 1);
    assert_int_equal (worked.settled, BELFRY_OK);
    belfry_job_info *info = get (self->client, id);
    assert_int_equal (info->state, BELFRY_JOB_COMPLETED);
    assert_string_equal (info->key, "turn-7");
    assert_memory_equal (info->payload, "{}", 2);
    assert_int_equal (info->runs_size, 1);
    assert_int_equal (info->runs[0].state, BELFRY_RUN_SUCCEEDED);
    assert_int_equal (info->runs[0].result_size, 6);
    assert_true (info->runs[0].lateness_us >= 0);
    belfry_job_info_free (&info);
    rig_stop (self->rig);
}

static void
test_by_key (void **state)
{
    bench *self = *state;
    uint64_t id = schedule (self->client, "turn-8", 3600 * BF_SECOND_US, 0);
    belfry_job again = {.type = "t", .key = "turn-8", .after_us = 1};
    belfry_answer answer = {0};
    assert_int_equal (belfry_schedule (self->client, &again, &answer), BELFRY_KEY_TAKEN);
    assert_int_equal (answer.id, id);
    again.on_key = BELFRY_KEEP;
    must (self->client, belfry_schedule (self->client, &again, &answer));
    assert_int_equal (answer.outcome, BELFRY_EXISTING);
    belfry_ref ref = {.key = "turn-8"};
    must (self->client,
          belfry_reschedule (self->client, ref, (belfry_when){.after_us = 2 * BF_HOUR_US},
                             &answer));
    assert_int_equal (answer.version, 2);
    must (self->client, belfry_confirm (self->client, ref, false, &answer));
    assert_int_equal (answer.state, BELFRY_JOB_CONFIRMED);
    assert_int_equal (belfry_cancel (self->client, ref, "late", NULL), BELFRY_WRONG_STATE);
    assert_int_equal (
        belfry_cancel (self->client, (belfry_ref){.key = "nobody"}, NULL, NULL),
        BELFRY_NOT_FOUND);
    rig_stop (self->rig);
}

static void
test_many_in_one_call (void **state)
{
    bench *self = *state;
    belfry_job jobs[3] = {{.type = "t", .key = "a", .after_us = BF_HOUR_US},
                          {.type = "t", .key = "b", .after_us = BF_HOUR_US},
                          {.type = "not valid", .after_us = BF_HOUR_US}};
    assert_int_equal (belfry_schedule_many (self->client, jobs, 3, NULL), BELFRY_INVALID);
    belfry_job_info *info = NULL;
    assert_int_equal (belfry_get (self->client, (belfry_ref){.key = "a"}, &info),
                      BELFRY_NOT_FOUND);
    belfry_answer answers[2];
    must (self->client, belfry_schedule_many (self->client, jobs, 2, answers));
    assert_true (answers[0].id != 0 && answers[0].id != answers[1].id);
    rig_stop (self->rig);
}

/* A worker that died took its lease along: the next one gets attempt 2. */
static void
test_a_dead_workers_run_comes_again (void **state)
{
    bench *self = *state;
    uint64_t id = schedule (self->client, NULL, 0, 200000);
    Belfry__V1__Claim claim = BELFRY__V1__CLAIM__INIT;
    claim.types = (char **)types;
    claim.n_types = 1;
    claim.wait_us = 20 * BF_SECOND_US;
    Belfry__V1__Request request = BELFRY__V1__REQUEST__INIT;
    request.command_case = BELFRY__V1__REQUEST__COMMAND_CLAIM;
    request.claim = &claim;
    Belfry__V1__Reply *reply = NULL;
    must (self->client, belfry_call (self->client, &request, &reply));
    must (self->client, belfry_reply_error (self->client, reply));
    assert_int_equal (reply->claim->n_leases, 1);
    belfry_reply_free (&reply);

    shift worked = {0};
    work_once (self->client, &worked);
    assert_int_equal (worked.job, id);
    assert_int_equal (worked.attempt, 2);
    assert_int_equal (worked.settled, BELFRY_OK);
    rig_stop (self->rig);
}

/* Five leases long, and still the first attempt. */
static void
test_heartbeats_keep_the_lease (void **state)
{
    bench *self = *state;
    uint64_t id = schedule (self->client, NULL, 0, 300000);
    shift worked = {.work_us = 1500000};
    work_once (self->client, &worked);
    assert_int_equal (worked.settled, BELFRY_OK);
    belfry_job_info *info = get (self->client, id);
    assert_int_equal (info->state, BELFRY_JOB_COMPLETED);
    assert_int_equal (info->runs[0].attempt, 1);
    assert_int_equal (info->runs[0].failures, 0);
    belfry_job_info_free (&info);
    rig_stop (self->rig);
}

static void
test_the_handler_hears_cancel (void **state)
{
    bench *self = *state;
    belfry *other = open_client (self->rig, "other");
    schedule (self->client, NULL, 0, 300000);
    shift worked = {.until_cancelled = true, .canceller = other};
    work_once (self->client, &worked);
    assert_int_equal (worked.settled, BELFRY_OK);
    belfry_close (&other);
    rig_stop (self->rig);
}

typedef struct {
    belfry *client;
    shift shift;
} worker;

static void *
work_on_thread (void *argument)
{
    worker *self = argument;
    work_once (self->client, &self->shift);
    return NULL;
}

/* The daemon is killed while a claim is parked: it is parked again by itself. */
static void
test_a_parked_claim_survives_kill (void **state)
{
    bench *self = *state;
    worker parked = {.client = open_client (self->rig, "worker")};
    pthread_t thread;
    assert_int_equal (pthread_create (&thread, NULL, work_on_thread, &parked), 0);
    uint64_t id = schedule (self->client, "k", 500000, 0);
    rig_kill (self->rig);
    rig_start (self->rig, NULL);
    pthread_join (thread, NULL);
    assert_int_equal (parked.shift.job, id);
    assert_int_equal (parked.shift.settled, BELFRY_OK);
    belfry_close (&parked.client);
    rig_stop (self->rig);
}

static void *
work_until_stopped (void *argument)
{
    worker *self = argument;
    belfry_work_options options = {.types = types};
    must (self->client, belfry_work (self->client, &options, handle, &self->shift));
    return NULL;
}

/* Until so many claims are parked. */
static void
await_parked (belfry *client, uint32_t claims)
{
    for (int waited = 0;; waited++) {
        Belfry__V1__Status status = BELFRY__V1__STATUS__INIT;
        Belfry__V1__Request request = BELFRY__V1__REQUEST__INIT;
        request.command_case = BELFRY__V1__REQUEST__COMMAND_STATUS;
        request.status = &status;
        Belfry__V1__Reply *reply = NULL;
        must (client, belfry_call (client, &request, &reply));
        must (client, belfry_reply_error (client, reply));
        uint32_t parked = reply->status->parked_claims;
        belfry_reply_free (&reply);
        if (parked == claims) {
            return;
        }
        assert_true (waited < 2000);
        poll (NULL, 0, 10);
    }
}

/* A worker that is stopped leaves its place in line: the next run goes to the next worker,
 * at once and as the first attempt. */
static void
test_a_stopped_worker_takes_nothing (void **state)
{
    bench *self = *state;
    worker stopped = {.client = open_client (self->rig, "stopped")};
    pthread_t thread;
    assert_int_equal (pthread_create (&thread, NULL, work_until_stopped, &stopped), 0);
    await_parked (self->client, 1);
    belfry_stop (stopped.client);
    pthread_join (thread, NULL);
    await_parked (self->client, 0);

    uint64_t id = schedule (self->client, NULL, 0, 0);
    shift worked = {0};
    work_once (self->client, &worked);
    assert_int_equal (worked.job, id);
    assert_int_equal (worked.attempt, 1);
    assert_int_equal (worked.settled, BELFRY_OK);
    assert_int_equal (stopped.shift.job, 0);
    belfry_close (&stopped.client);
    rig_stop (self->rig);
}

static void *
schedule_on_thread (void *argument)
{
    worker *self = argument;
    self->shift.job = schedule (self->client, "k", BF_HOUR_US, 0);
    return NULL;
}

/* A call made while the daemon is away goes through when it is back. */
static void
test_a_call_waits_for_the_daemon (void **state)
{
    bench *self = *state;
    rig_kill (self->rig);
    worker caller = {.client = open_client (self->rig, "caller")};
    pthread_t thread;
    assert_int_equal (pthread_create (&thread, NULL, schedule_on_thread, &caller), 0);
    rig_start (self->rig, NULL);
    pthread_join (thread, NULL);
    belfry_job_info *info = get (self->client, caller.shift.job);
    assert_int_equal (info->state, BELFRY_JOB_SCHEDULED);
    belfry_job_info_free (&info);
    belfry_close (&caller.client);
    rig_stop (self->rig);
}

/* ------------------------------------------------------------------------------------- */
/* Watch                                                                                 */

/* A watcher on a thread of its own, and what it was told. */
typedef struct {
    belfry *client;
    belfry_watch_options options;
    pthread_t thread;
    int rc;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    size_t count;
    uint64_t seqs[MAX_EVENTS];
    uint64_t jobs[MAX_EVENTS];
    size_t replays; /* CAUGHT_UPs */
} watcher;

static int
note_event (const belfry_event *event, void *context)
{
    watcher *self = context;
    pthread_mutex_lock (&self->mutex);
    if (event->notice == BELFRY_EVENT && self->count < MAX_EVENTS) {
        self->seqs[self->count] = event->seq;
        self->jobs[self->count] = event->job;
        self->count++;
    }
    if (event->notice == BELFRY_CAUGHT_UP) {
        self->replays++;
    }
    pthread_cond_broadcast (&self->changed);
    pthread_mutex_unlock (&self->mutex);
    return 0;
}

static void *
watch_on_thread (void *argument)
{
    watcher *self = argument;
    self->rc = belfry_watch (self->client, &self->options, note_event, self);
    return NULL;
}

static void
watch_begin (watcher *self, const rig *daemon, belfry_watch_options options)
{
    memset (self, 0, sizeof *self);
    pthread_mutex_init (&self->mutex, NULL);
    pthread_cond_init (&self->changed, NULL);
    self->client = open_client (daemon, "watcher");
    self->options = options;
    assert_int_equal (pthread_create (&self->thread, NULL, watch_on_thread, self), 0);
}

/* Waits until an event of this job was told. */
static void
await_job (watcher *self, uint64_t job)
{
    struct timespec until;
    clock_gettime (CLOCK_REALTIME, &until);
    until.tv_sec += RIG_DEADLINE_MS / 1000;
    pthread_mutex_lock (&self->mutex);
    int rc = 0;
    bool seen = false;
    while (!seen && rc == 0) {
        for (size_t index = 0; index < self->count; index++) {
            seen = seen || self->jobs[index] == job;
        }
        if (!seen) {
            rc = pthread_cond_timedwait (&self->changed, &self->mutex, &until);
        }
    }
    pthread_mutex_unlock (&self->mutex);
    assert_true (seen);
}

static void
watch_end (watcher *self)
{
    belfry_stop (self->client);
    pthread_join (self->thread, NULL);
    assert_int_equal (self->rc, BELFRY_OK);
    belfry_close (&self->client);
    pthread_cond_destroy (&self->changed);
    pthread_mutex_destroy (&self->mutex);
}

/* Everything, once, in order, over three kills, each with events before, during which the
 * feed may lose its last words, and after. */
static void
test_a_watch_heals_over_kill (void **state)
{
    bench *self = *state;
    watcher seen;
    uint64_t id = schedule (self->client, NULL, BF_HOUR_US, 0);
    watch_begin (&seen, self->rig, (belfry_watch_options){0});
    await_job (&seen, id);
    for (int round = 0; round < 3; round++) {
        for (int jobs = 0; jobs < 20; jobs++) {
            id = schedule (self->client, NULL, BF_HOUR_US, 0);
        }
        rig_kill (self->rig);
        rig_start (self->rig, NULL);
        id = schedule (self->client, NULL, BF_HOUR_US, 0);
        await_job (&seen, id);
    }
    watch_end (&seen);
    assert_true (seen.count >= 64);
    for (size_t index = 0; index < seen.count; index++) {
        assert_int_equal (seen.seqs[index], index + 1);
    }
    rig_stop (self->rig);
}

/* The same with chosen kinds: each of them exactly once. */
static void
test_a_chosen_watch_heals_over_kill (void **state)
{
    static const char *const kinds[] = {"job.scheduled", NULL};
    bench *self = *state;
    watcher seen;
    uint64_t id = schedule (self->client, NULL, BF_HOUR_US, 0);
    watch_begin (&seen, self->rig, (belfry_watch_options){.kinds = kinds});
    await_job (&seen, id);
    for (int round = 0; round < 2; round++) {
        for (int jobs = 0; jobs < 20; jobs++) {
            id = schedule (self->client, NULL, BF_HOUR_US, 0);
        }
        rig_kill (self->rig);
        rig_start (self->rig, NULL);
        id = schedule (self->client, NULL, BF_HOUR_US, 0);
        await_job (&seen, id);
    }
    watch_end (&seen);
    assert_int_equal (seen.count, 1 + 2 * 21);
    for (size_t index = 1; index < seen.count; index++) {
        assert_true (seen.seqs[index] > seen.seqs[index - 1]);
    }
    rig_stop (self->rig);
}

/* Where the daemon's ports are new after its restart, they are found again. */
static void
test_new_ports_are_found (void **state)
{
    static const char *const doors[] = {
        "--commands", "tcp://127.0.0.1:*", "--feed", "tcp://127.0.0.1:*",
        "--monitor",  "tcp://127.0.0.1:*", NULL};
    bench *self = *state;
    rig_stop (self->rig);
    rig_start (self->rig, doors);
    watcher seen;
    uint64_t id = schedule (self->client, NULL, BF_HOUR_US, 0);
    watch_begin (&seen, self->rig, (belfry_watch_options){.monitor = true});
    await_job (&seen, id);
    rig_kill (self->rig);
    rig_start (self->rig, doors);
    id = schedule (self->client, NULL, BF_HOUR_US, 0);
    await_job (&seen, id);
    watch_end (&seen);
    for (size_t index = 0; index < seen.count; index++) {
        assert_int_equal (seen.seqs[index], index + 1);
    }
    rig_stop (self->rig);
}

#define TEST(name) cmocka_unit_test_setup_teardown (name, set_up, tear_down)

int
main (void)
{
    const struct CMUnitTest tests[] = {
        TEST (test_schedule_work_complete),
        TEST (test_by_key),
        TEST (test_many_in_one_call),
        TEST (test_a_dead_workers_run_comes_again),
        TEST (test_heartbeats_keep_the_lease),
        TEST (test_the_handler_hears_cancel),
        TEST (test_a_parked_claim_survives_kill),
        TEST (test_a_stopped_worker_takes_nothing),
        TEST (test_a_call_waits_for_the_daemon),
        TEST (test_a_watch_heals_over_kill),
        TEST (test_a_chosen_watch_heals_over_kill),
        TEST (test_new_ports_are_found),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
