/* SPDX-License-Identifier: MPL-2.0
 *
 * The work loop against a daemon that the test plays: claims, heartbeats while the handler
 * blocks, the three ways to settle, a daemon that goes away, and the end.
 */
#include "clients/c/client.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/cmocka.h"
#include "tests/support/fake.h"

typedef enum {
    RETURN_ZERO,
    RETURN_RESULT,
    RETURN_ONE,
    FAIL_FINALLY,
    SNOOZE,
    WAIT_FOR_RELEASE,
    WAIT_FOR_CANCEL,
    STOP
} habit;

typedef struct {
    fake *daemon;
    belfry *client;
    pthread_t thread;
    belfry_work_options options;
    habit habit; /* of the handler */
    atomic_bool working;
    atomic_bool release;
    int runs;
    int settled; /* what the last one was told */
    int rc;
} bench;

/* Until the flag is up. */
static void
await_flag (const atomic_bool *flag)
{
    for (int waited = 0; !atomic_load (flag); waited++) {
        assert_true (waited < 20000);
        poll (NULL, 0, 1);
    }
}

/* Runs on the client's thread, where cmocka's asserts must not fail: aborts instead. */
static void
must (bool condition)
{
    if (!condition) {
        fprintf (stderr, "the handler met what must not be\n");
        abort ();
    }
}

static int
handle (belfry_run *run, void *context)
{
    bench *self = context;
    self->runs++;
    must (strcmp (run->token, "256.1.2") == 0 && strcmp (run->id, "256.1") == 0);
    must (run->job == 256 && strcmp (run->type, "t") == 0 && strcmp (run->key, "k") == 0);
    must (run->payload_size == 2 && memcmp (run->payload, "{}", 2) == 0);
    must (run->attempt == 2 && run->failures == 1 && run->lateness_us == 1500 && run->late);
    must (strcmp (belfry_run_message (run)->token, run->token) == 0);
    atomic_store (&self->working, true);
    switch (self->habit) {
    case RETURN_ZERO:
        return 0;
    case RETURN_RESULT:
        must (belfry_run_result (run, "first", 5) == BELFRY_OK);
        must (belfry_run_result (run, "second", 6) == BELFRY_OK);
        must (belfry_run_result (run, "", 64 * 1024 + 1) == BELFRY_TOO_LARGE);
        return 0;
    case RETURN_ONE:
        return 1;
    case FAIL_FINALLY:
        return belfry_run_fail (run, "no such player", false);
    case SNOOZE:
        return belfry_run_snooze (run, 5000000, "not now");
    case WAIT_FOR_RELEASE:
        while (!atomic_load (&self->release)) {
            poll (NULL, 0, 1);
        }
        return 0;
    case WAIT_FOR_CANCEL:
        for (int waited = 0; !belfry_run_cancelled (run); waited++) {
            must (waited < 20000);
            poll (NULL, 0, 1);
        }
        return belfry_run_fail (run, "cancelled", true);
    case STOP:
        belfry_stop (self->client);
        return 0;
    }
    return 0;
}

static void
note_settled (const belfry_run *run, int error, void *context)
{
    bench *self = context;
    must (run->job == 256);
    self->settled = error;
}

static void *
work (void *argument)
{
    bench *self = argument;
    self->rc = belfry_work (self->client, &self->options, handle, self);
    return NULL;
}

static const char *const types[] = {"t", "u", NULL};

static void
begin (bench *self, habit chosen, uint64_t limit, int timeout_ms)
{
    memset (self, 0, sizeof *self);
    self->daemon = fake_new ();
    self->habit = chosen;
    self->settled = 1;
    self->options = (belfry_work_options){
        .types = types, .worker = "w", .limit = limit, .settled = note_settled};
    belfry_options options = {
        .commands = self->daemon->commands, .client = "tester", .timeout_ms = timeout_ms};
    assert_int_equal (belfry_open (&self->client, &options), BELFRY_OK);
    assert_int_equal (pthread_create (&self->thread, NULL, work, self), 0);
}

static int
join (bench *self)
{
    pthread_join (self->thread, NULL);
    return self->rc;
}

static void
finish (bench *self)
{
    belfry_close (&self->client);
    fake_destroy (&self->daemon);
}

/* The next call with this command. Heartbeats on the way are answered "alive". */
static fake_call *
take (bench *self, Belfry__V1__Request__CommandCase command)
{
    for (;;) {
        fake_call *call = fake_take (self->daemon);
        if (call->request->command_case == command) {
            return call;
        }
        assert_int_equal (call->request->command_case,
                          BELFRY__V1__REQUEST__COMMAND_HEARTBEAT);
        fake_answer_code (self->daemon, call, BELFRY__V1__CODE__CODE_OK);
        fake_call_free (&call);
    }
}

/* Answers a claim with the one run of this test, so often. */
static void
grant_times (bench *self, const fake_call *claim, int64_t lease_us, size_t times)
{
    Belfry__V1__Run run = BELFRY__V1__RUN__INIT;
    run.run = (char *)"256.1";
    run.ns = (char *)"default";
    run.type = (char *)"t";
    run.attempt = 2;
    run.failures = 1;
    run.lateness_us = 1500;
    run.late = true;
    Belfry__V1__Lease lease = BELFRY__V1__LEASE__INIT;
    lease.token = (char *)"256.1.2";
    lease.run = &run;
    lease.key = (char *)"k";
    lease.payload.data = (uint8_t *)"{}";
    lease.payload.len = 2;
    lease.lease_us = lease_us;
    Belfry__V1__Lease *leases[] = {&lease, &lease};
    Belfry__V1__ClaimReply claimed = BELFRY__V1__CLAIM_REPLY__INIT;
    claimed.leases = leases;
    claimed.n_leases = times;
    Belfry__V1__Reply reply = BELFRY__V1__REPLY__INIT;
    reply.code = BELFRY__V1__CODE__CODE_OK;
    reply.result_case = BELFRY__V1__REPLY__RESULT_CLAIM;
    reply.claim = &claimed;
    fake_answer (self->daemon, claim, &reply);
}

static void
grant (bench *self, const fake_call *claim, int64_t lease_us)
{
    grant_times (self, claim, lease_us, 1);
}

static void
claim_and_grant (bench *self, int64_t lease_us)
{
    fake_call *claim = take (self, BELFRY__V1__REQUEST__COMMAND_CLAIM);
    grant (self, claim, lease_us);
    fake_call_free (&claim);
}

#define MINUTE_US INT64_C (60000000)

static void
test_claim_handle_complete (void **state)
{
    (void)state;
    bench self;
    begin (&self, RETURN_RESULT, 1, 10000);
    fake_call *claim = take (&self, BELFRY__V1__REQUEST__COMMAND_CLAIM);
    assert_int_equal (claim->request->claim->n_types, 2);
    assert_string_equal (claim->request->claim->types[1], "u");
    assert_string_equal (claim->request->claim->worker, "w");
    assert_int_equal (claim->request->claim->max, 1);
    assert_true (claim->request->claim->wait_us > 0);
    grant (&self, claim, MINUTE_US);
    fake_call *call = take (&self, BELFRY__V1__REQUEST__COMMAND_COMPLETE);
    assert_string_equal (call->request->complete->token, "256.1.2");
    assert_int_equal (call->request->complete->result.len, 6);
    assert_memory_equal (call->request->complete->result.data, "second", 6);
    fake_answer_code (self.daemon, call, BELFRY__V1__CODE__CODE_OK);
    assert_int_equal (join (&self), BELFRY_OK);
    assert_int_equal (self.runs, 1);
    assert_int_equal (self.settled, BELFRY_OK);
    fake_call_free (&claim);
    fake_call_free (&call);
    finish (&self);
}

static void
test_fail (void **state)
{
    (void)state;
    static const struct {
        habit habit;
        const char *reason;
        bool final;
    } cases[] = {{RETURN_ONE, "the handler returned 1", false},
                 {FAIL_FINALLY, "no such player", true}};
    for (size_t index = 0; index < 2; index++) {
        bench self;
        begin (&self, cases[index].habit, 1, 10000);
        claim_and_grant (&self, MINUTE_US);
        fake_call *call = take (&self, BELFRY__V1__REQUEST__COMMAND_FAIL);
        assert_string_equal (call->request->fail->reason, cases[index].reason);
        assert_int_equal (call->request->fail->non_retryable, cases[index].final);
        fake_answer_code (self.daemon, call, BELFRY__V1__CODE__CODE_STALE_TOKEN);
        assert_int_equal (join (&self), BELFRY_OK);
        assert_int_equal (self.settled, BELFRY_STALE_TOKEN);
        fake_call_free (&call);
        finish (&self);
    }
}

static void
test_snooze (void **state)
{
    (void)state;
    bench self;
    begin (&self, SNOOZE, 1, 10000);
    claim_and_grant (&self, MINUTE_US);
    fake_call *call = take (&self, BELFRY__V1__REQUEST__COMMAND_SNOOZE);
    assert_int_equal (call->request->snooze->until_case, BELFRY__V1__SNOOZE__UNTIL_FOR_US);
    assert_int_equal (call->request->snooze->for_us, 5000000);
    assert_string_equal (call->request->snooze->reason, "not now");
    fake_answer_code (self.daemon, call, BELFRY__V1__CODE__CODE_OK);
    assert_int_equal (join (&self), BELFRY_OK);
    fake_call_free (&call);
    finish (&self);
}

/* An empty claim is followed by another, under a new id. */
static void
test_an_empty_claim (void **state)
{
    (void)state;
    bench self;
    begin (&self, RETURN_ZERO, 1, 10000);
    fake_call *empty = take (&self, BELFRY__V1__REQUEST__COMMAND_CLAIM);
    fake_answer_code (self.daemon, empty, BELFRY__V1__CODE__CODE_OK);
    fake_call *claim = take (&self, BELFRY__V1__REQUEST__COMMAND_CLAIM);
    assert_true (strcmp (claim->request->request_id, empty->request->request_id) > 0);
    grant (&self, claim, MINUTE_US);
    fake_call *call = take (&self, BELFRY__V1__REQUEST__COMMAND_COMPLETE);
    fake_answer_code (self.daemon, call, BELFRY__V1__CODE__CODE_OK);
    assert_int_equal (join (&self), BELFRY_OK);
    fake_call_free (&empty);
    fake_call_free (&claim);
    fake_call_free (&call);
    finish (&self);
}

/* The handler blocks; the lease of 300 ms is kept alive meanwhile, from another socket. */
static void
test_heartbeats_while_the_handler_blocks (void **state)
{
    (void)state;
    bench self;
    begin (&self, WAIT_FOR_RELEASE, 1, 10000);
    claim_and_grant (&self, 300000);
    for (int beats = 0; beats < 3; beats++) {
        fake_call *beat = fake_take (self.daemon);
        assert_int_equal (beat->request->command_case,
                          BELFRY__V1__REQUEST__COMMAND_HEARTBEAT);
        assert_int_equal (beat->request->heartbeat->n_tokens, 1);
        assert_string_equal (beat->request->heartbeat->tokens[0], "256.1.2");
        fake_answer_code (self.daemon, beat, BELFRY__V1__CODE__CODE_OK);
        fake_call_free (&beat);
    }
    assert_true (atomic_load (&self.working));
    atomic_store (&self.release, true);
    fake_call *call = take (&self, BELFRY__V1__REQUEST__COMMAND_COMPLETE);
    fake_answer_code (self.daemon, call, BELFRY__V1__CODE__CODE_OK);
    assert_int_equal (join (&self), BELFRY_OK);
    fake_call_free (&call);
    finish (&self);
}

/* The daemon goes away under a working handler: beats reach its successor. */
static void
test_heartbeats_find_a_restarted_daemon (void **state)
{
    (void)state;
    bench self;
    begin (&self, WAIT_FOR_RELEASE, 1, 300);
    claim_and_grant (&self, 300000);
    fake_call *beat = take (&self, BELFRY__V1__REQUEST__COMMAND_HEARTBEAT);
    fake_call_free (&beat);
    fake_restart (self.daemon);
    beat = take (&self, BELFRY__V1__REQUEST__COMMAND_HEARTBEAT);
    fake_call_free (&beat);
    atomic_store (&self.release, true);
    fake_call *call = take (&self, BELFRY__V1__REQUEST__COMMAND_COMPLETE);
    fake_answer_code (self.daemon, call, BELFRY__V1__CODE__CODE_OK);
    assert_int_equal (join (&self), BELFRY_OK);
    fake_call_free (&call);
    finish (&self);
}

static void
answer_beat (bench *self, const fake_call *beat, bool cancel, Belfry__V1__Code code)
{
    Belfry__V1__HeartbeatReply__Item item = BELFRY__V1__HEARTBEAT_REPLY__ITEM__INIT;
    item.token = (char *)"256.1.2";
    item.code = code;
    item.cancel = cancel;
    Belfry__V1__HeartbeatReply__Item *items[] = {&item};
    Belfry__V1__HeartbeatReply alive = BELFRY__V1__HEARTBEAT_REPLY__INIT;
    alive.items = items;
    alive.n_items = 1;
    Belfry__V1__Reply reply = BELFRY__V1__REPLY__INIT;
    reply.code = BELFRY__V1__CODE__CODE_OK;
    reply.result_case = BELFRY__V1__REPLY__RESULT_HEARTBEAT;
    reply.heartbeat = &alive;
    fake_answer (self->daemon, beat, &reply);
}

/* The handler learns that its work is no longer wanted: cancelled, or the lease is lost. */
static void
test_the_handler_hears_cancel (void **state)
{
    (void)state;
    static const struct {
        bool cancel;
        Belfry__V1__Code code;
    } cases[] = {{true, BELFRY__V1__CODE__CODE_OK},
                 {false, BELFRY__V1__CODE__CODE_STALE_TOKEN},
                 {false, BELFRY__V1__CODE__CODE_NOT_FOUND}};
    for (size_t index = 0; index < 3; index++) {
        bench self;
        begin (&self, WAIT_FOR_CANCEL, 1, 10000);
        claim_and_grant (&self, 300000);
        fake_call *beat = take (&self, BELFRY__V1__REQUEST__COMMAND_HEARTBEAT);
        answer_beat (&self, beat, cases[index].cancel, cases[index].code);
        fake_call *call = take (&self, BELFRY__V1__REQUEST__COMMAND_FAIL);
        assert_string_equal (call->request->fail->reason, "cancelled");
        fake_answer_code (self.daemon, call, BELFRY__V1__CODE__CODE_OK);
        assert_int_equal (join (&self), BELFRY_OK);
        fake_call_free (&beat);
        fake_call_free (&call);
        finish (&self);
    }
}

/* Parked on a daemon that dies: the claim comes again under the same id; so does the
 * settlement. */
static void
test_a_restart_at_every_step (void **state)
{
    (void)state;
    bench self;
    begin (&self, RETURN_ZERO, 1, 200);
    fake_call *claim = take (&self, BELFRY__V1__REQUEST__COMMAND_CLAIM);
    fake_restart (self.daemon);
    fake_call *again = take (&self, BELFRY__V1__REQUEST__COMMAND_CLAIM);
    assert_string_equal (claim->request->request_id, again->request->request_id);
    grant (&self, again, MINUTE_US);
    fake_call *call = take (&self, BELFRY__V1__REQUEST__COMMAND_COMPLETE);
    fake_restart (self.daemon);
    fake_call *repeat = take (&self, BELFRY__V1__REQUEST__COMMAND_COMPLETE);
    assert_string_equal (call->request->request_id, repeat->request->request_id);
    fake_answer_code (self.daemon, repeat, BELFRY__V1__CODE__CODE_OK);
    assert_int_equal (join (&self), BELFRY_OK);
    assert_int_equal (self.runs, 1);
    fake_call_free (&claim);
    fake_call_free (&again);
    fake_call_free (&call);
    fake_call_free (&repeat);
    finish (&self);
}

/* The claim comes again without a wait, and is answered with so many leases. */
static void
expect_farewell (bench *self, const fake_call *claim, size_t leases)
{
    fake_call *farewell = take (self, BELFRY__V1__REQUEST__COMMAND_CLAIM);
    assert_string_equal (farewell->request->request_id, claim->request->request_id);
    assert_string_equal (farewell->request->claim->types[1], "u");
    assert_int_equal (farewell->request->claim->wait_us, 0);
    grant_times (self, farewell, MINUTE_US, leases);
    fake_call_free (&farewell);
}

/* Stopped while parked: it says so and ends. Stopped with a run in hand: that is finished.
 */
static void
test_stop (void **state)
{
    (void)state;
    bench self;
    begin (&self, WAIT_FOR_RELEASE, 0, 10000);
    fake_call *claim = take (&self, BELFRY__V1__REQUEST__COMMAND_CLAIM);
    belfry_stop (self.client);
    expect_farewell (&self, claim, 0);
    assert_int_equal (join (&self), BELFRY_OK);
    fake_call_free (&claim);

    assert_int_equal (pthread_create (&self.thread, NULL, work, &self), 0);
    claim_and_grant (&self, MINUTE_US);
    await_flag (&self.working);
    belfry_stop (self.client);
    atomic_store (&self.release, true);
    fake_call *call = take (&self, BELFRY__V1__REQUEST__COMMAND_COMPLETE);
    fake_answer_code (self.daemon, call, BELFRY__V1__CODE__CODE_OK);
    assert_int_equal (join (&self), BELFRY_OK);
    assert_int_equal (self.settled, BELFRY_OK);
    fake_call_free (&call);

    belfry_stop (self.client);
    work (&self);
    assert_int_equal (self.rc, BELFRY_OK);
    assert_int_equal (self.runs, 1);
    finish (&self);
}

/* A run that crosses the farewell is given back; a daemon that says nothing is not waited
 * for. */
static void
test_stop_while_parked (void **state)
{
    (void)state;
    bench self;
    begin (&self, RETURN_ZERO, 0, 10000);
    fake_call *claim = take (&self, BELFRY__V1__REQUEST__COMMAND_CLAIM);
    belfry_stop (self.client);
    expect_farewell (&self, claim, 1);
    fake_call *call = take (&self, BELFRY__V1__REQUEST__COMMAND_SNOOZE);
    assert_string_equal (call->request->snooze->token, "256.1.2");
    assert_int_equal (call->request->snooze->until_case, BELFRY__V1__SNOOZE__UNTIL_FOR_US);
    assert_int_equal (call->request->snooze->for_us, 0);
    fake_answer_code (self.daemon, call, BELFRY__V1__CODE__CODE_OK);
    assert_int_equal (join (&self), BELFRY_OK);
    assert_int_equal (self.runs, 0);
    fake_call_free (&claim);
    fake_call_free (&call);

    assert_int_equal (pthread_create (&self.thread, NULL, work, &self), 0);
    claim = take (&self, BELFRY__V1__REQUEST__COMMAND_CLAIM);
    int64_t stopped_us = bf_client_elapsed_us ();
    belfry_stop (self.client);
    assert_int_equal (join (&self), BELFRY_OK);
    assert_true (bf_client_elapsed_us () - stopped_us < 5000000);
    fake_call_free (&claim);
    finish (&self);
}

/* Stopped between two runs: the second is given back, at once and without a failure. */
static void
test_stop_gives_back (void **state)
{
    (void)state;
    bench self;
    begin (&self, STOP, 0, 10000);
    fake_call *claim = take (&self, BELFRY__V1__REQUEST__COMMAND_CLAIM);
    grant_times (&self, claim, MINUTE_US, 2);
    fake_call *call = take (&self, BELFRY__V1__REQUEST__COMMAND_COMPLETE);
    fake_answer_code (self.daemon, call, BELFRY__V1__CODE__CODE_OK);
    fake_call_free (&call);
    call = take (&self, BELFRY__V1__REQUEST__COMMAND_SNOOZE);
    assert_string_equal (call->request->snooze->token, "256.1.2");
    assert_int_equal (call->request->snooze->until_case, BELFRY__V1__SNOOZE__UNTIL_FOR_US);
    assert_int_equal (call->request->snooze->for_us, 0);
    fake_answer_code (self.daemon, call, BELFRY__V1__CODE__CODE_OK);
    assert_int_equal (join (&self), BELFRY_OK);
    assert_int_equal (self.runs, 1);
    fake_call_free (&claim);
    fake_call_free (&call);
    finish (&self);
}

/* A claim that the daemon refuses ends the loop with its reason. */
static void
test_a_refused_claim (void **state)
{
    (void)state;
    bench self;
    begin (&self, RETURN_ZERO, 0, 10000);
    fake_call *claim = take (&self, BELFRY__V1__REQUEST__COMMAND_CLAIM);
    fake_answer_code (self.daemon, claim, BELFRY__V1__CODE__CODE_INVALID);
    assert_int_equal (join (&self), BELFRY_INVALID);
    fake_call_free (&claim);
    assert_int_equal (
        belfry_work (self.client, &(belfry_work_options){.types = NULL}, handle, NULL),
        BELFRY_BAD_ARGUMENT);
    finish (&self);
}

int
main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_claim_handle_complete),
        cmocka_unit_test (test_fail),
        cmocka_unit_test (test_snooze),
        cmocka_unit_test (test_an_empty_claim),
        cmocka_unit_test (test_heartbeats_while_the_handler_blocks),
        cmocka_unit_test (test_heartbeats_find_a_restarted_daemon),
        cmocka_unit_test (test_the_handler_hears_cancel),
        cmocka_unit_test (test_a_restart_at_every_step),
        cmocka_unit_test (test_stop),
        cmocka_unit_test (test_stop_while_parked),
        cmocka_unit_test (test_stop_gives_back),
        cmocka_unit_test (test_a_refused_claim),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
