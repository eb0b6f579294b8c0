/* SPDX-License-Identifier: MPL-2.0
 *
 * A cancel by filter of a third of all jobs, while another client schedules one job at a
 * time: nobody waits for it, and a kill in the middle changes nothing. How long the others
 * waited is printed and not asserted, because it is the machine's as much as ours.
 * BELFRY_BULK_JOBS=300000 says how many jobs.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <zmq.h>

#include "core/base/time.h"
#include "messages/limits.h"
#include "tests/support/ask.h"
#include "tests/support/cmocka.h"
#include "tests/support/peer.h"
#include "tests/support/rig.h"

#define JOBS 30000
#define HOUR_US INT64_C (3600000000)
#define OK BELFRY__V1__CODE__CODE_OK

/* How long the calls of one client took. */
typedef struct {
    int64_t *us;
    size_t count;
    size_t capacity;
} times;

typedef struct {
    rig *rig;
    size_t jobs; /* of which every third is to be cancelled */
    times times;
} bench;

static int
set_up (void **state)
{
    bench *self = calloc (1, sizeof *self);
    assert_non_null (self);
    const char *given = getenv ("BELFRY_BULK_JOBS");
    size_t wanted = given && *given ? strtoull (given, NULL, 10) : JOBS;
    /* Whole calls, and a third of each. */
    self->jobs =
        (wanted + BF_JOBS_PER_CALL - 2) / (BF_JOBS_PER_CALL - 1) * (BF_JOBS_PER_CALL - 1);
    self->rig = rig_new ();
    rig_start (self->rig, NULL);
    *state = self;
    return 0;
}

static int
tear_down (void **state)
{
    bench *self = *state;
    rig_destroy (&self->rig);
    free (self->times.us);
    free (self);
    return 0;
}

static peer *
client (const bench *self, const char *name)
{
    return peer_client (self->rig, self->rig->commands.ipc, ZMQ_DEALER, name);
}

/* 999 jobs in a call: of types a with a tag, b, and c. */
static void
schedule_all (const bench *self)
{
    static char *types[] = {"a", "b", "c"};
    static char *tags[] = {"season-1"};
    static Belfry__V1__JobSpec specs[BF_JOBS_PER_CALL - 1];
    static Belfry__V1__JobSpec *list[BF_JOBS_PER_CALL - 1];
    peer *author = client (self, "author");
    Belfry__V1__Schedule schedule = BELFRY__V1__SCHEDULE__INIT;
    schedule.n_jobs = BF_JOBS_PER_CALL - 1;
    schedule.jobs = list;
    for (size_t i = 0; i < schedule.n_jobs; i++) {
        belfry__v1__job_spec__init (&specs[i]);
        list[i] = &specs[i];
        specs[i].type = types[i % 3];
        specs[i].trigger_case = BELFRY__V1__JOB_SPEC__TRIGGER_AFTER_US;
        specs[i].after_us = HOUR_US;
        specs[i].n_tags = i % 3 == 0;
        specs[i].tags = tags;
    }
    Belfry__V1__Request request = BELFRY__V1__REQUEST__INIT;
    request.command_case = BELFRY__V1__REQUEST__COMMAND_SCHEDULE;
    request.schedule = &schedule;
    for (size_t done = 0; done < self->jobs; done += schedule.n_jobs) {
        Belfry__V1__Reply *reply = peer_call (author, &request);
        assert_int_equal (reply->code, OK);
        reply_free (reply);
    }
    peer_free (author);
}

static uint64_t
open_jobs (peer *who)
{
    Belfry__V1__Reply *reply = ask_status (who);
    uint64_t count = reply->status->open_jobs;
    reply_free (reply);
    return count;
}

static void
schedule_one (bench *self, peer *other)
{
    times *t = &self->times;
    int64_t from_us = bf_now_read ().boot.us;
    ask_ok (other, "schedule.jobs.type=other schedule.jobs.after_us=%" PRId64, HOUR_US);
    if (t->count == t->capacity) {
        t->capacity = t->capacity ? 2 * t->capacity : 1024;
        t->us = realloc (t->us, t->capacity * sizeof *t->us);
        assert_non_null (t->us);
    }
    t->us[t->count++] = bf_now_read ().boot.us - from_us;
}

static int
compare (const void *a, const void *b)
{
    const int64_t *left = a;
    const int64_t *right = b;
    return *left < *right ? -1 : *left > *right;
}

static void
print_times (const char *when, times *t)
{
    assert_true (t->count > 0);
    qsort (t->us, t->count, sizeof *t->us, compare);
    print_message ("%s: %zu calls of the other client, p50 %.1f ms, p99 %.1f ms, "
                   "longest %.1f ms\n",
                   when, t->count, (double)t->us[t->count / 2] / 1e3,
                   (double)t->us[t->count * 99 / 100] / 1e3,
                   (double)t->us[t->count - 1] / 1e3);
    t->count = 0;
}

#define CANCEL "request_id=all cancel.filter.type=a cancel.filter.tags=season-1"

/* Asks until it is done, and lets the other one call in between; *polls: how often it was
 * not. The last answer. */
static Belfry__V1__Reply *
cancel_all (bench *self, peer *canceller, peer *other, size_t *polls)
{
    ask_send (canceller, CANCEL);
    for (;;) {
        schedule_one (self, other);
        Belfry__V1__Reply *reply = peer_receive (canceller, 0);
        if (!reply) {
            continue;
        }
        assert_int_equal (reply->code, OK);
        assert_int_equal (reply->result_case, BELFRY__V1__REPLY__RESULT_BULK);
        if (reply->bulk->done) {
            return reply;
        }
        reply_free (reply);
        ++*polls;
        ask_send (canceller, CANCEL);
    }
}

static void
expect_done (const bench *self, const Belfry__V1__Reply *reply)
{
    assert_int_equal (reply->code, OK);
    assert_true (reply->bulk->done);
    assert_int_equal (reply->bulk->changed, self->jobs / 3);
    assert_int_equal (reply->bulk->unchanged, 0);
    assert_int_equal (reply->bulk->refused, 0);
}

static void
test_beside_others (void **state)
{
    bench *self = *state;
    peer *canceller = client (self, "canceller");
    peer *other = client (self, "other");
    schedule_all (self);
    for (int i = 0; i < 200; i++) {
        schedule_one (self, other);
    }
    uint64_t before = open_jobs (other);
    assert_int_equal (before, self->jobs + self->times.count);
    print_times ("alone", &self->times);
    size_t polls = 0;
    int64_t from_us = bf_now_read ().boot.us;
    Belfry__V1__Reply *reply = cancel_all (self, canceller, other, &polls);
    int64_t took_us = bf_now_read ().boot.us - from_us;
    expect_done (self, reply);
    reply_free (reply);
    size_t calls = self->times.count;
    assert_int_equal (open_jobs (other), before + calls - self->jobs / 3);
    /* It has made progress all the while: a call a slice, or more. */
    assert_true (calls > self->jobs / 3 / 1000);
    print_message ("%zu of %zu jobs cancelled in %.2f s, %zu answers\n", self->jobs / 3,
                   self->jobs, (double)took_us / 1e6, polls + 1);
    print_times ("beside", &self->times);
    /* The same call once more, and nothing is left to do. */
    reply = ask (canceller, CANCEL);
    assert_true (reply->repeated);
    expect_done (self, reply);
    reply_free (reply);
    peer_free (canceller);
    peer_free (other);
    rig_stop (self->rig);
}

/* A kill in the middle, and nobody asks again before it is over. */
static void
test_killed (void **state)
{
    bench *self = *state;
    peer *canceller = client (self, "canceller");
    peer *watcher = client (self, "watcher");
    schedule_all (self);
    ask_send (canceller, CANCEL);
    while (open_jobs (watcher) == self->jobs) {
    }
    rig_kill (self->rig);
    peer_free (canceller);
    peer_free (watcher);
    rig_start (self->rig, NULL);
    canceller = client (self, "canceller");
    watcher = client (self, "watcher");
    uint64_t left = open_jobs (watcher);
    assert_true (left < self->jobs);
    while (open_jobs (watcher) > self->jobs - self->jobs / 3) {
    }
    print_message ("after the kill %" PRIu64 " of %zu were open\n", left, self->jobs);
    Belfry__V1__Reply *reply = NULL;
    bool done = false;
    while (!done) {
        reply_free (reply);
        reply = ask (canceller, CANCEL);
        done = reply->bulk && reply->bulk->done;
        assert_int_equal (reply->code, OK);
    }
    expect_done (self, reply);
    reply_free (reply);
    assert_int_equal (open_jobs (watcher), self->jobs - self->jobs / 3);
    peer_free (canceller);
    peer_free (watcher);
    rig_stop (self->rig);
}

int
main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown (test_beside_others, set_up, tear_down),
        cmocka_unit_test_setup_teardown (test_killed, set_up, tear_down),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
