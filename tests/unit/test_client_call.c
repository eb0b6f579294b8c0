/* SPDX-License-Identifier: MPL-2.0
 *
 * The client's calls against a daemon that answers late, twice, in the wrong order, or not
 * at all: what is repeated, under which request_id, and what the caller is told.
 */
#include "clients/c/client.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/cmocka.h"
#include "tests/support/fake.h"

/* The client under test, one call of which runs on a thread of its own. */
typedef struct {
    fake *daemon;
    belfry *client;
    pthread_t thread;
    int rc;
    Belfry__V1__Reply *reply;
    belfry_answer answer;
    belfry_job_info *info;
    int64_t wait_us;
    bool left_alone;
    atomic_bool done;
} bench;

static void
begin (bench *self, int timeout_ms, int retries)
{
    memset (self, 0, sizeof *self);
    self->daemon = fake_new ();
    belfry_options options = {.commands = self->daemon->commands,
                              .client = "tester",
                              .timeout_ms = timeout_ms,
                              .retries = retries};
    assert_int_equal (belfry_open (&self->client, &options), BELFRY_OK);
}

static void
finish (bench *self)
{
    belfry_reply_free (&self->reply);
    belfry_close (&self->client);
    assert_null (self->client);
    fake_destroy (&self->daemon);
}

static void *
call_status (void *argument)
{
    bench *self = argument;
    Belfry__V1__Status status = BELFRY__V1__STATUS__INIT;
    Belfry__V1__Request request = BELFRY__V1__REQUEST__INIT;
    request.command_case = BELFRY__V1__REQUEST__COMMAND_STATUS;
    request.status = &status;
    self->rc = belfry_call (self->client, &request, &self->reply);
    atomic_store (&self->done, true);
    return NULL;
}

static void *
call_claim (void *argument)
{
    bench *self = argument;
    char *types[] = {(char *)"t"};
    Belfry__V1__Claim claim = BELFRY__V1__CLAIM__INIT;
    claim.types = types;
    claim.n_types = 1;
    claim.wait_us = self->wait_us;
    Belfry__V1__Request request = BELFRY__V1__REQUEST__INIT;
    request.command_case = BELFRY__V1__REQUEST__COMMAND_CLAIM;
    request.claim = &claim;
    self->rc = belfry_call (self->client, &request, &self->reply);
    return NULL;
}

static void *
call_schedule (void *argument)
{
    bench *self = argument;
    belfry_job job = {.type = "claim_timeout",
                      .key = "turn 7",
                      .payload = "{}",
                      .payload_size = 2,
                      .after_us = 200000,
                      .retry = {.max_attempts = 3, .jitter_percent = -1},
                      .on_key = BELFRY_REPLACE};
    self->rc = belfry_schedule (self->client, &job, &self->answer);
    return NULL;
}

static void
start (bench *self, void *(*function) (void *))
{
    assert_int_equal (pthread_create (&self->thread, NULL, function, self), 0);
}

static int
join (bench *self)
{
    pthread_join (self->thread, NULL);
    return self->rc;
}

static void
test_one_call (void **state)
{
    (void)state;
    bench self;
    begin (&self, 10000, 0);
    start (&self, call_status);
    fake_call *call = fake_take (self.daemon);
    assert_int_equal (call->request->version, 1);
    assert_string_equal (call->request->client, "tester");
    assert_true (strlen (call->request->request_id) > 8);
    assert_int_equal (call->request->command_case, BELFRY__V1__REQUEST__COMMAND_STATUS);
    fake_answer_code (self.daemon, call, BELFRY__V1__CODE__CODE_OK);
    assert_int_equal (join (&self), BELFRY_OK);
    assert_string_equal (self.reply->request_id, call->request->request_id);
    assert_int_equal (belfry_reply_error (self.client, self.reply), BELFRY_OK);
    assert_string_equal (belfry_error_text (self.client), "");
    assert_string_equal (belfry_endpoint (self.client), self.daemon->commands);
    fake_call_free (&call);
    finish (&self);
}

/* No answer: the same request under the same id, on a new socket; then an answer counts. */
static void
test_a_repeat_keeps_its_request_id (void **state)
{
    (void)state;
    bench self;
    begin (&self, 150, 50);
    start (&self, call_schedule);
    fake_call *first = fake_take (self.daemon);
    fake_call *second = fake_take (self.daemon);
    assert_string_equal (first->request->request_id, second->request->request_id);
    assert_memory_not_equal (first->path[0], second->path[0], first->sizes[0]);
    Belfry__V1__Job job = BELFRY__V1__JOB__INIT;
    job.id = 256;
    job.version = 2;
    job.due_us = 42;
    job.state = BELFRY__V1__JOB_STATE__JOB_STATE_SCHEDULED;
    Belfry__V1__JobsReply__Item item = BELFRY__V1__JOBS_REPLY__ITEM__INIT;
    item.job = &job;
    item.outcome = BELFRY__V1__OUTCOME__OUTCOME_REPLACED;
    Belfry__V1__JobsReply__Item *items[] = {&item};
    Belfry__V1__JobsReply jobs = BELFRY__V1__JOBS_REPLY__INIT;
    jobs.items = items;
    jobs.n_items = 1;
    Belfry__V1__Reply reply = BELFRY__V1__REPLY__INIT;
    reply.code = BELFRY__V1__CODE__CODE_OK;
    reply.repeated = true;
    reply.seq = 9;
    reply.result_case = BELFRY__V1__REPLY__RESULT_JOBS;
    reply.jobs = &jobs;
    fake_answer (self.daemon, second, &reply);
    assert_int_equal (join (&self), BELFRY_OK);
    assert_int_equal (self.answer.id, 256);
    assert_int_equal (self.answer.outcome, BELFRY_REPLACED);
    assert_int_equal (self.answer.state, BELFRY_JOB_SCHEDULED);
    assert_int_equal (self.answer.due_us, 42);
    assert_int_equal (self.answer.version, 2);
    assert_int_equal (self.answer.seq, 9);
    assert_true (self.answer.repeated);
    Belfry__V1__Schedule *schedule = second->request->schedule;
    assert_int_equal (schedule->n_jobs, 1);
    assert_int_equal (schedule->on_key, BELFRY__V1__ON_KEY__ON_KEY_REPLACE);
    assert_string_equal (schedule->jobs[0]->type, "claim_timeout");
    assert_string_equal (schedule->jobs[0]->key, "turn 7");
    assert_int_equal (schedule->jobs[0]->payload.len, 2);
    assert_int_equal (schedule->jobs[0]->trigger_case,
                      BELFRY__V1__JOB_SPEC__TRIGGER_AFTER_US);
    assert_int_equal (schedule->jobs[0]->after_us, 200000);
    assert_int_equal (schedule->jobs[0]->retry->max_attempts, 3);
    assert_int_equal (schedule->jobs[0]->retry->jitter_case,
                      BELFRY__V1__RETRY_POLICY__JITTER_JITTER_PERCENT);
    assert_int_equal (schedule->jobs[0]->retry->jitter_percent, 0);
    fake_call_free (&first);
    fake_call_free (&second);
    finish (&self);
}

static void
test_unreachable_after_all_tries (void **state)
{
    (void)state;
    bench self;
    begin (&self, 30, 2);
    start (&self, call_status);
    assert_int_equal (join (&self), BELFRY_UNREACHABLE);
    assert_null (self.reply);
    assert_non_null (strstr (belfry_error_text (self.client), self.daemon->commands));
    finish (&self);
}

static void
test_nobody_listens (void **state)
{
    (void)state;
    belfry *client = NULL;
    belfry_options options = {
        .commands = "ipc:///nowhere/at/all", .timeout_ms = 30, .retries = -1};
    assert_int_equal (belfry_open (&client, &options), BELFRY_OK);
    int rc = belfry_cancel (client, (belfry_ref){.key = "k"}, NULL, NULL);
    assert_int_equal (rc, BELFRY_UNREACHABLE);
    assert_non_null (strstr (belfry_error_text (client), "ipc:///nowhere/at/all"));
    belfry_close (&client);
}

/* Answers to other calls, old ones and foreign ones, are not taken for this call's. */
static void
test_answers_out_of_order (void **state)
{
    (void)state;
    bench self;
    begin (&self, 10000, -1);
    start (&self, call_status);
    fake_call *first = fake_take (self.daemon);
    fake_answer_code (self.daemon, first, BELFRY__V1__CODE__CODE_OK);
    assert_int_equal (join (&self), BELFRY_OK);
    belfry_reply_free (&self.reply);

    start (&self, call_status);
    fake_call *second = fake_take (self.daemon);
    assert_true (strcmp (second->request->request_id, first->request->request_id) > 0);
    fake_answer_code (self.daemon, first, BELFRY__V1__CODE__CODE_INTERNAL);
    Belfry__V1__Reply foreign = BELFRY__V1__REPLY__INIT;
    foreign.request_id = (char *)"of somebody else";
    foreign.code = BELFRY__V1__CODE__CODE_INVALID;
    fake_answer (self.daemon, second, &foreign);
    fake_answer_code (self.daemon, second, BELFRY__V1__CODE__CODE_NOT_FOUND);
    assert_int_equal (join (&self), BELFRY_OK);
    assert_string_equal (self.reply->request_id, second->request->request_id);
    assert_int_equal (belfry_reply_error (self.client, self.reply), BELFRY_NOT_FOUND);
    assert_string_equal (belfry_error_text (self.client), "no such job or run");
    fake_call_free (&first);
    fake_call_free (&second);
    finish (&self);
}

/* A request that could not be read has no id to answer to. */
static void
test_an_answer_without_id (void **state)
{
    (void)state;
    bench self;
    begin (&self, 10000, -1);
    start (&self, call_status);
    fake_call *call = fake_take (self.daemon);
    free (call->request->request_id);
    call->request->request_id = NULL;
    fake_answer_code (self.daemon, call, BELFRY__V1__CODE__CODE_MALFORMED);
    assert_int_equal (join (&self), BELFRY_OK);
    assert_int_equal (belfry_reply_error (self.client, self.reply), BELFRY_MALFORMED);
    fake_call_free (&call);
    finish (&self);
}

static void
test_busy_is_repeated (void **state)
{
    (void)state;
    bench self;
    begin (&self, 10000, -1);
    start (&self, call_status);
    static const Belfry__V1__Code codes[] = {BELFRY__V1__CODE__CODE_BUSY,
                                             BELFRY__V1__CODE__CODE_STOPPING,
                                             BELFRY__V1__CODE__CODE_OK};
    char *id = NULL;
    for (size_t index = 0; index < 3; index++) {
        fake_call *call = fake_take (self.daemon);
        if (id != NULL) {
            assert_string_equal (call->request->request_id, id);
        }
        free (id);
        id = strdup (call->request->request_id);
        fake_answer_code (self.daemon, call, codes[index]);
        fake_call_free (&call);
    }
    free (id);
    assert_int_equal (join (&self), BELFRY_OK);
    assert_int_equal (self.reply->code, BELFRY__V1__CODE__CODE_OK);
    finish (&self);
}

/* Busy to the end: the caller gets to see that reply. */
static void
test_busy_to_the_end (void **state)
{
    (void)state;
    bench self;
    begin (&self, 1000, -1);
    start (&self, call_status);
    int answered = 0;
    while (!atomic_load (&self.done)) {
        fake_call *call = fake_poll (self.daemon, 20);
        if (call != NULL) {
            fake_answer_code (self.daemon, call, BELFRY__V1__CODE__CODE_BUSY);
            answered++;
        }
        fake_call_free (&call);
    }
    assert_true (answered > 1);
    assert_int_equal (join (&self), BELFRY_OK);
    assert_int_equal (belfry_reply_error (self.client, self.reply), BELFRY_BUSY);
    finish (&self);
}

/* Busy, and then gone: not the old reply, but that there is no answer. */
static void
test_busy_then_gone (void **state)
{
    (void)state;
    bench self;
    begin (&self, 500, -1);
    start (&self, call_status);
    fake_call *call = fake_take (self.daemon);
    fake_answer_code (self.daemon, call, BELFRY__V1__CODE__CODE_BUSY);
    assert_int_equal (join (&self), BELFRY_UNREACHABLE);
    assert_null (self.reply);
    fake_call_free (&call);
    finish (&self);
}

/* The daemon went away with the call and came back: the call goes through by itself. */
static void
test_a_restart_in_the_middle (void **state)
{
    (void)state;
    bench self;
    begin (&self, 300, 60);
    start (&self, call_status);
    fake_call *first = fake_take (self.daemon);
    fake_restart (self.daemon);
    fake_call *second = fake_take (self.daemon);
    assert_string_equal (first->request->request_id, second->request->request_id);
    fake_answer_code (self.daemon, second, BELFRY__V1__CODE__CODE_OK);
    assert_int_equal (join (&self), BELFRY_OK);
    fake_call_free (&first);
    fake_call_free (&second);
    finish (&self);
}

/* A Claim waits its wait_us beyond the time-out before it is a failure. */
static void
test_a_claim_is_waited_for (void **state)
{
    (void)state;
    bench self;
    begin (&self, 300, -1);
    self.wait_us = 20000000;
    start (&self, call_claim);
    fake_call *call = fake_take (self.daemon);
    assert_null (fake_poll (self.daemon, 900)); /* three time-outs */
    fake_answer_code (self.daemon, call, BELFRY__V1__CODE__CODE_OK);
    assert_int_equal (join (&self), BELFRY_OK);
    fake_call_free (&call);
    finish (&self);
}

/* belfry_stop ends the wait of a Claim: it comes again without one, and the answer to that
 * is the caller's. The next Claim waits again. */
static void
test_stop_ends_the_wait_of_a_claim (void **state)
{
    (void)state;
    bench self;
    begin (&self, 10000, -1);
    self.wait_us = 20000000;
    start (&self, call_claim);
    fake_call *call = fake_take (self.daemon);
    assert_int_equal (call->request->claim->wait_us, 20000000);
    belfry_stop (self.client);
    fake_call *farewell = fake_take (self.daemon);
    assert_string_equal (farewell->request->request_id, call->request->request_id);
    assert_int_equal (farewell->request->claim->wait_us, 0);
    fake_answer_code (self.daemon, farewell, BELFRY__V1__CODE__CODE_OK);
    assert_int_equal (join (&self), BELFRY_OK);
    belfry_reply_free (&self.reply);
    fake_call_free (&call);
    fake_call_free (&farewell);

    start (&self, call_claim);
    call = fake_take (self.daemon);
    assert_null (fake_poll (self.daemon, 100));
    fake_answer_code (self.daemon, call, BELFRY__V1__CODE__CODE_OK);
    assert_int_equal (join (&self), BELFRY_OK);
    fake_call_free (&call);
    finish (&self);
}

/* Given up for want of an answer, it is withdrawn. */
static void
test_a_claim_that_is_given_up (void **state)
{
    (void)state;
    bench self;
    begin (&self, 100, -1);
    self.wait_us = 100000;
    start (&self, call_claim);
    fake_call *call = fake_take (self.daemon);
    fake_call *farewell = fake_take (self.daemon);
    assert_string_equal (farewell->request->request_id, call->request->request_id);
    assert_int_equal (farewell->request->claim->wait_us, 0);
    fake_answer_code (self.daemon, farewell, BELFRY__V1__CODE__CODE_OK);
    assert_int_equal (join (&self), BELFRY_UNREACHABLE);
    assert_non_null (strstr (belfry_error_text (self.client), "start belfryd"));
    fake_call_free (&call);
    fake_call_free (&farewell);
    finish (&self);
}

/* Of a list the second is tried where nobody listens at the first. */
static void
test_a_list_of_endpoints (void **state)
{
    (void)state;
    bench self;
    begin (&self, 200, 1);
    char list[512];
    snprintf (list, sizeof list, "tcp://127.0.0.1:9,%s", self.daemon->commands);
    belfry_close (&self.client);
    belfry_options options = {.commands = list, .timeout_ms = 200, .retries = 3};
    assert_int_equal (belfry_open (&self.client, &options), BELFRY_OK);
    start (&self, call_claim);
    fake_call *call = fake_take (self.daemon);
    fake_answer_code (self.daemon, call, BELFRY__V1__CODE__CODE_OK);
    assert_int_equal (join (&self), BELFRY_OK);
    fake_call_free (&call);
    finish (&self);
}

/* With errors that show a job, the job is handed out. */
static void
test_key_taken_names_the_job (void **state)
{
    (void)state;
    bench self;
    begin (&self, 10000, -1);
    start (&self, call_schedule);
    fake_call *call = fake_take (self.daemon);
    Belfry__V1__Job job = BELFRY__V1__JOB__INIT;
    job.id = 512;
    Belfry__V1__JobsReply__Item item = BELFRY__V1__JOBS_REPLY__ITEM__INIT;
    item.job = &job;
    Belfry__V1__JobsReply__Item *items[] = {&item};
    Belfry__V1__JobsReply jobs = BELFRY__V1__JOBS_REPLY__INIT;
    jobs.items = items;
    jobs.n_items = 1;
    Belfry__V1__Reply reply = BELFRY__V1__REPLY__INIT;
    reply.code = BELFRY__V1__CODE__CODE_KEY_TAKEN;
    reply.text = (char *)"job 512 has it";
    reply.result_case = BELFRY__V1__REPLY__RESULT_JOBS;
    reply.jobs = &jobs;
    fake_answer (self.daemon, call, &reply);
    assert_int_equal (join (&self), BELFRY_KEY_TAKEN);
    assert_int_equal (self.answer.id, 512);
    assert_string_equal (belfry_error_text (self.client), "job 512 has it");
    fake_call_free (&call);
    finish (&self);
}

/* A success without what was asked for is no success. */
static void
test_a_bare_ok_is_a_bad_answer (void **state)
{
    (void)state;
    bench self;
    begin (&self, 10000, -1);
    start (&self, call_schedule);
    fake_call *call = fake_take (self.daemon);
    fake_answer_code (self.daemon, call, BELFRY__V1__CODE__CODE_OK);
    assert_int_equal (join (&self), BELFRY_BAD_ANSWER);
    fake_call_free (&call);

    start (&self, call_status);
    call = fake_take (self.daemon);
    fake_answer_code (self.daemon, call, (Belfry__V1__Code)99);
    assert_int_equal (join (&self), BELFRY_OK);
    assert_int_equal (belfry_reply_error (self.client, self.reply), BELFRY_BAD_ANSWER);
    fake_call_free (&call);
    finish (&self);
}

static void *
call_get (void *argument)
{
    bench *self = argument;
    self->rc =
        belfry_get (self->client, (belfry_ref){.ns = "game", .key = "k"}, &self->info);
    return NULL;
}

static void
test_get_shows_a_job (void **state)
{
    (void)state;
    bench self;
    begin (&self, 10000, -1);
    start (&self, call_get);
    fake_call *call = fake_take (self.daemon);
    assert_string_equal (call->request->get->job->ns, "game");
    assert_string_equal (call->request->get->job->key, "k");
    assert_true (call->request->get->with_payload);
    Belfry__V1__JobSpec spec = BELFRY__V1__JOB_SPEC__INIT;
    spec.type = (char *)"claim_timeout";
    spec.payload.data = (uint8_t *)"hello";
    spec.payload.len = 5;
    Belfry__V1__Job job = BELFRY__V1__JOB__INIT;
    job.id = 768;
    job.spec = &spec;
    job.state = BELFRY__V1__JOB_STATE__JOB_STATE_COMPLETED;
    Belfry__V1__Run run = BELFRY__V1__RUN__INIT;
    run.run = (char *)"768.1";
    run.state = BELFRY__V1__RUN_STATE__RUN_STATE_SUCCEEDED;
    run.attempt = 2;
    run.result.data = (uint8_t *)"done";
    run.result.len = 4;
    Belfry__V1__Run *runs[] = {&run};
    Belfry__V1__GetReply get = BELFRY__V1__GET_REPLY__INIT;
    get.job = &job;
    get.runs = runs;
    get.n_runs = 1;
    Belfry__V1__Reply reply = BELFRY__V1__REPLY__INIT;
    reply.code = BELFRY__V1__CODE__CODE_OK;
    reply.result_case = BELFRY__V1__REPLY__RESULT_GET;
    reply.get = &get;
    fake_answer (self.daemon, call, &reply);
    assert_int_equal (join (&self), BELFRY_OK);
    assert_int_equal (self.info->id, 768);
    assert_int_equal (self.info->state, BELFRY_JOB_COMPLETED);
    assert_string_equal (self.info->type, "claim_timeout");
    assert_int_equal (self.info->payload_size, 5);
    assert_memory_equal (self.info->payload, "hello", 5);
    assert_int_equal (self.info->runs_size, 1);
    assert_string_equal (self.info->runs[0].id, "768.1");
    assert_int_equal (self.info->runs[0].state, BELFRY_RUN_SUCCEEDED);
    assert_int_equal (self.info->runs[0].attempt, 2);
    assert_memory_equal (self.info->runs[0].result, "done", 4);
    belfry_job_info_free (&self.info);
    assert_null (self.info);
    fake_call_free (&call);
    finish (&self);
}

static void *
call_own (void *argument)
{
    bench *self = argument;
    Belfry__V1__Status status = BELFRY__V1__STATUS__INIT;
    Belfry__V1__Request request = BELFRY__V1__REQUEST__INIT;
    request.command_case = BELFRY__V1__REQUEST__COMMAND_STATUS;
    request.status = &status;
    request.client = (char *)"other";
    request.request_id = (char *)"mine";
    self->rc = belfry_call (self->client, &request, &self->reply);
    self->left_alone = request.version == 0 && strcmp (request.client, "other") == 0 &&
                       strcmp (request.request_id, "mine") == 0;
    return NULL;
}

/* The caller's own request_id and client are used and left alone. */
static void
test_own_request_id (void **state)
{
    (void)state;
    bench self;
    begin (&self, 10000, -1);
    start (&self, call_own);
    fake_call *call = fake_take (self.daemon);
    assert_string_equal (call->request->client, "other");
    assert_string_equal (call->request->request_id, "mine");
    fake_answer_code (self.daemon, call, BELFRY__V1__CODE__CODE_OK);
    assert_int_equal (join (&self), BELFRY_OK);
    assert_true (self.left_alone);
    fake_call_free (&call);
    finish (&self);
}

static void
test_what_makes_no_sense (void **state)
{
    (void)state;
    bench self;
    begin (&self, 30, -1);
    Belfry__V1__Request request = BELFRY__V1__REQUEST__INIT;
    assert_int_equal (belfry_call (self.client, &request, &self.reply),
                      BELFRY_BAD_ARGUMENT);
    belfry_job jobs[2] = {{.type = "t"}, {.type = "t", .on_key = BELFRY_KEEP}};
    assert_int_equal (belfry_schedule_many (self.client, jobs, 2, NULL),
                      BELFRY_BAD_ARGUMENT);
    assert_int_equal (belfry_schedule_many (self.client, jobs, 0, NULL),
                      BELFRY_BAD_ARGUMENT);
    size_t size = 2 * 1024 * 1024;
    jobs[0].payload = calloc (1, size);
    jobs[0].payload_size = size;
    assert_int_equal (belfry_schedule (self.client, jobs, NULL), BELFRY_TOO_LARGE);
    free ((void *)jobs[0].payload);
    belfry *client = NULL;
    assert_int_equal (belfry_open (&client, &(belfry_options){.client = ""}),
                      BELFRY_BAD_ARGUMENT);
    assert_int_equal (belfry_open (&client, &(belfry_options){.client = "a\nb"}),
                      BELFRY_BAD_ARGUMENT);
    assert_int_equal (belfry_open (&client, &(belfry_options){.timeout_ms = -1}),
                      BELFRY_BAD_ARGUMENT);
    assert_null (client);
    finish (&self);
}

static void
test_errors_have_words (void **state)
{
    (void)state;
    assert_string_equal (belfry_error_name (BELFRY_STALE_TOKEN), "STALE_TOKEN");
    assert_string_equal (belfry_error_name (-1000), "UNKNOWN");
    assert_string_equal (belfry_error_sentence (BELFRY_OK), "done");
    assert_true (strlen (belfry_error_sentence (-1000)) > 0);
}

int
main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_one_call),
        cmocka_unit_test (test_a_repeat_keeps_its_request_id),
        cmocka_unit_test (test_unreachable_after_all_tries),
        cmocka_unit_test (test_nobody_listens),
        cmocka_unit_test (test_answers_out_of_order),
        cmocka_unit_test (test_an_answer_without_id),
        cmocka_unit_test (test_busy_is_repeated),
        cmocka_unit_test (test_busy_to_the_end),
        cmocka_unit_test (test_busy_then_gone),
        cmocka_unit_test (test_a_restart_in_the_middle),
        cmocka_unit_test (test_a_claim_is_waited_for),
        cmocka_unit_test (test_stop_ends_the_wait_of_a_claim),
        cmocka_unit_test (test_a_claim_that_is_given_up),
        cmocka_unit_test (test_a_list_of_endpoints),
        cmocka_unit_test (test_key_taken_names_the_job),
        cmocka_unit_test (test_a_bare_ok_is_a_bad_answer),
        cmocka_unit_test (test_get_shows_a_job),
        cmocka_unit_test (test_own_request_id),
        cmocka_unit_test (test_what_makes_no_sense),
        cmocka_unit_test (test_errors_have_words),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
