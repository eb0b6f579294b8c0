/* SPDX-License-Identifier: MPL-2.0
 *
 * Clients that press a daemon; see load.h.
 */
#include "tests/support/load.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zmq.h>

#include "core/base/hash.h"
#include "core/base/time.h"
#include "tests/support/ask.h"
#include "tests/support/cmocka.h"

/* Texts of tokens; the text of one call. */
#define ARENA_BYTES ((size_t)64 * 1024 * 1024)
#define KEYS 40    /* that all clients fight for */
#define RECENT 200 /* jobs that commands go to */
#define BATCH 20   /* jobs in one call, at most */
#define HELD 60    /* leases beyond which nobody claims */

load *
load_new (rig *owner, uint64_t seed)
{
    load *self = calloc (1, sizeof *self);
    assert_non_null (self);
    self->rig = owner;
    self->seed = seed;
    self->leased = bf_map_new (1);
    self->arena = bf_arena_new (ARENA_BYTES);
    self->scratch = bf_arena_new (ARENA_BYTES);
    assert_true (self->leased && self->arena && self->scratch);
    return self;
}

void
load_destroy (load **self_p)
{
    load *self = *self_p;
    if (!self) {
        return;
    }
    *self_p = NULL;
    for (size_t i = 0; i < LOAD_CLIENTS; i++) {
        peer_free (self->peers[i]);
    }
    for (size_t i = 0; i < self->calls.count; i++) {
        load_call *call = self->calls.items[i];
        reply_free (call->first);
        free (call->bytes);
        free (call);
    }
    bf_list_clear (&self->calls);
    bf_list_clear (&self->tokens);
    bf_map_destroy (&self->leased);
    bf_arena_destroy (&self->arena);
    bf_arena_destroy (&self->scratch);
    free (self->jobs);
    free (self);
}

uint64_t
load_random (load *self, uint64_t below)
{
    return bf_mix (bf_mix (self->seed) + ++self->drawn) % below;
}

/* --- what is asked -------------------------------------------------------------------- */

static uint64_t
some_job (load *self)
{
    size_t recent = self->job_count < RECENT ? self->job_count : RECENT;
    return self->jobs[self->job_count - 1 - load_random (self, recent)];
}

static const char *
schedule_text (load *self, size_t jobs)
{
    static const char *const types[] = {"turn", "mail", "season"};
    char *text =
        bf_arena_printf (self->scratch, "schedule.on_key=%d", (int)load_random (self, 4));
    uint64_t first_key = load_random (self, KEYS);
    for (size_t i = 0; i < jobs; i++) {
        bool far = load_random (self, 5) == 0;
        text = bf_arena_printf (
            self->scratch,
            "%s schedule.jobs[%zu].type=%s schedule.jobs[%zu].payload=*%" PRIu64
            " schedule.jobs[%zu].%s=%" PRId64 " schedule.jobs[%zu].delivery=%d"
            " schedule.jobs[%zu].lease_us=%" PRIu64
            " schedule.jobs[%zu].retry.max_attempts=%" PRIu64
            " schedule.jobs[%zu].retry.delay_us=%" PRIu64,
            text, i, types[load_random (self, 3)], i, load_random (self, 300), i,
            far || load_random (self, 4) ? "after_us" : "at_us",
            far ? LOAD_FAR_US : (int64_t)load_random (self, 300000), i,
            load_random (self, 8) == 0 ? 2 : 1, i, 200000 + load_random (self, 800000), i,
            1 + load_random (self, 3), i, 1000 + load_random (self, 20000));
        assert_non_null (text);
        if (load_random (self, 3) == 0) {
            text = bf_arena_printf (self->scratch, "%s schedule.jobs[%zu].key=k%" PRIu64,
                                    text, i, (first_key + i) % KEYS);
        }
    }
    return text;
}

/* A command to some job of late. */
static const char *
job_text (load *self)
{
    uint64_t job = some_job (self);
    switch (load_random (self, 8)) {
    case 0:
    case 1:
        return bf_arena_printf (self->scratch, "cancel.job.id=%" PRIu64, job);
    case 2:
        return bf_arena_printf (self->scratch, "confirm.job.id=%" PRIu64, job);
    case 3:
        return bf_arena_printf (self->scratch,
                                "confirm.job.key=k%" PRIu64 " confirm.cancel_open=1",
                                load_random (self, KEYS));
    case 4:
    case 5:
        return bf_arena_printf (
            self->scratch, "reschedule.job.id=%" PRIu64 " reschedule.after_us=%" PRIu64,
            job, load_random (self, 300000));
    case 6:
        return bf_arena_printf (self->scratch, "trigger.job.id=%" PRIu64, job);
    default:
        return bf_arena_printf (self->scratch, "redrive.run=%" PRIu64, job);
    }
}

/* What a worker does with a lease. One in twelve it forgets: that one runs out. */
static const char *
settle_text (load *self, const char **token)
{
    size_t at = load_random (self, self->tokens.count);
    *token = self->tokens.items[at];
    uint64_t what = self->settling ? 11 : load_random (self, 12);
    if (what == 1) {
        const char *text = bf_arena_printf (self->scratch, "heartbeat.tokens=%s", *token);
        *token = NULL;
        return text;
    }
    /* A tenth is kept in the pool, to be settled twice. */
    if (self->settling || load_random (self, 10) > 0) {
        self->tokens.items[at] = self->tokens.items[self->tokens.count - 1];
        bf_list_truncate (&self->tokens, self->tokens.count - 1);
    }
    switch (what) {
    case 0:
        *token = NULL;
        return NULL;
    case 2:
    case 3:
        return bf_arena_printf (self->scratch, "fail.token=%s fail.reason=no", *token);
    case 4:
        return bf_arena_printf (self->scratch, "fail.token=%s fail.non_retryable=1",
                                *token);
    case 5:
        return bf_arena_printf (self->scratch, "snooze.token=%s snooze.for_us=%" PRIu64,
                                *token, load_random (self, 50000));
    default:
        return bf_arena_printf (self->scratch,
                                "complete.token=%s complete.result=*%" PRIu64, *token,
                                load_random (self, 100));
    }
}

/* The next call; NULL for none this time. */
static const char *
next_text (load *self, const char **token)
{
    *token = NULL;
    uint64_t what = load_random (self, 100);
    bool settles = what < 40 || self->settling;
    if (settles && self->tokens.count > 0) {
        return settle_text (self, token);
    }
    if (self->settling || what >= 85 || (settles && self->tokens.count < HELD)) {
        return bf_arena_printf (self->scratch,
                                "claim.types=turn claim.types=mail claim.types=season "
                                "claim.max=%" PRIu64 " claim.wait_us=%" PRIu64,
                                1 + load_random (self, 10), load_random (self, 100000));
    }
    if (what >= 65 && self->job_count > 0) {
        return job_text (self);
    }
    return schedule_text (self, what < 62 ? 1 : 1 + load_random (self, BATCH));
}

/* However often a claim was sent, while it is parked it has one answer. */
static void
send (load *self, load_call *call)
{
    peer_send_bytes (self->peers[call->client], call->bytes, call->size);
    if (call->expected == 0 || call->command != BELFRY__V1__REQUEST__COMMAND_CLAIM) {
        call->expected++;
        self->in_flight[call->client]++;
    }
}

/* token: what it settles, or NULL. */
static load_call *
make_call (load *self, unsigned client, const char *token, const char *text)
{
    load_call *call = calloc (1, sizeof *call);
    assert_non_null (call);
    call->number = self->calls.count;
    call->client = client;
    call->token = token;
    char name[] = "load-0";
    name[5] = (char)('0' + client);
    char id[24];
    (void)snprintf (id, sizeof id, "%08zu", call->number);
    call->bytes = ask_pack (name, id, text, &call->size);
    Belfry__V1__Request *request =
        belfry__v1__request__unpack (NULL, call->size, call->bytes);
    assert_non_null (request);
    call->command = request->command_case;
    belfry__v1__request__free_unpacked (request, NULL);
    assert_int_equal (bf_list_push (&self->calls, call), BF_OK);
    return call;
}

static void
ask_next (load *self, unsigned client)
{
    bf_arena_reset (self->scratch);
    const char *token;
    const char *text = next_text (self, &token);
    if (!text) {
        return;
    }
    load_call *call = make_call (self, client, token, text);
    send (self, call);
    if (load_random (self, 30) == 0) {
        send (self, call);
    }
}

void
load_ask (load *self, const char *text)
{
    send (self, make_call (self, 0, NULL, text));
}

void
load_repeat (load *self, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        load_call *call = self->calls.items[load_random (self, self->calls.count)];
        if (call->first) {
            send (self, call);
        }
    }
}

/* --- what is answered ----------------------------------------------------------------- */

/* Everything of an answer that a repeat must say again. */
static char *
essence (const Belfry__V1__Reply *reply)
{
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream (&text, &size);
    assert_non_null (stream);
    (void)fprintf (stream, "%d seq %" PRIu64 " '%s'", (int)reply->code, reply->seq,
                   reply->text);
    if (reply->result_case == BELFRY__V1__REPLY__RESULT_JOBS) {
        for (size_t i = 0; i < reply->jobs->n_items; i++) {
            const Belfry__V1__JobsReply__Item *item = reply->jobs->items[i];
            (void)fprintf (stream, " %" PRIu64 ":%d", item->job->id, (int)item->outcome);
        }
    } else if (reply->result_case == BELFRY__V1__REPLY__RESULT_RUNS) {
        (void)fprintf (stream, " %d", reply->runs->unchanged);
        for (size_t i = 0; i < reply->runs->n_runs; i++) {
            (void)fprintf (stream, " %s", reply->runs->runs[i]->run);
        }
    }
    assert_int_equal (fclose (stream), 0);
    return text;
}

static bool
has_lease (const Belfry__V1__ClaimReply *claim, const char *token)
{
    for (size_t i = 0; i < claim->n_leases; i++) {
        if (strcmp (claim->leases[i]->token, token) == 0) {
            return true;
        }
    }
    return false;
}

/* A claim gets those of its leases that still stand; one without a lease, and a heartbeat,
 * are judged anew. */
static void
compare_repeat (load *self, const load_call *call, const Belfry__V1__Reply *reply)
{
    self->repeats++;
    if (call->command == BELFRY__V1__REQUEST__COMMAND_HEARTBEAT) {
        return;
    }
    if (call->command == BELFRY__V1__REQUEST__COMMAND_CLAIM) {
        const Belfry__V1__ClaimReply *first = call->first->claim;
        for (size_t i = 0; first->n_leases > 0 && i < reply->claim->n_leases; i++) {
            if (!has_lease (first, reply->claim->leases[i]->token)) {
                rig_fail (self->rig, "a repeated claim was given another lease");
            }
        }
        return;
    }
    char *before = essence (call->first);
    char *now = essence (reply);
    if (strcmp (before, now) != 0) {
        print_error ("call %zu:\n%s\n%s\n", call->number, before, now);
        rig_fail (self->rig, "a repeat was answered otherwise");
    }
    free (before);
    free (now);
}

static void
keep_job (load *self, uint64_t id)
{
    if (self->job_count == self->job_capacity) {
        self->job_capacity = self->job_capacity * 2 + 1024;
        self->jobs = realloc (self->jobs, self->job_capacity * sizeof *self->jobs);
        assert_non_null (self->jobs);
    }
    self->jobs[self->job_count++] = id;
}

static void
keep_token (load *self, const char *token)
{
    if (bf_map_get (self->leased, token, strlen (token))) {
        return;
    }
    char *copy = bf_arena_string (self->arena, token);
    assert_non_null (copy);
    assert_int_equal (bf_map_put (self->leased, token, strlen (token), copy), BF_OK);
    assert_int_equal (bf_list_push (&self->tokens, copy), BF_OK);
}

/* What a client may be told here. */
static bool
is_expected (Belfry__V1__Code code)
{
    switch (code) {
    case BELFRY__V1__CODE__CODE_OK:
    case BELFRY__V1__CODE__CODE_NOT_FOUND:
    case BELFRY__V1__CODE__CODE_KEY_TAKEN:
    case BELFRY__V1__CODE__CODE_TOO_LATE:
    case BELFRY__V1__CODE__CODE_WRONG_STATE:
    case BELFRY__V1__CODE__CODE_STALE_TOKEN:
        return true;
    default:
        return false;
    }
}

static void
take (load *self, Belfry__V1__Reply *reply)
{
    size_t number = strtoul (reply->request_id, NULL, 10);
    assert_true (number < self->calls.count);
    load_call *call = self->calls.items[number];
    if (!is_expected (reply->code)) {
        print_error ("call %zu, command %d: code %d, %s\n", number, (int)call->command,
                     (int)reply->code, reply->text);
        rig_fail (self->rig, "a call was answered with a strange code");
    }
    if (call->expected > 0) {
        call->expected--;
        self->in_flight[call->client]--;
    } else {
        assert_int_equal (call->command, BELFRY__V1__REQUEST__COMMAND_CLAIM);
    }
    self->seq = reply->seq > self->seq ? reply->seq : self->seq;
    if (reply->result_case == BELFRY__V1__REPLY__RESULT_CLAIM) {
        for (size_t i = 0; i < reply->claim->n_leases; i++) {
            keep_token (self, reply->claim->leases[i]->token);
        }
    }
    if (call->first) {
        compare_repeat (self, call, reply);
        belfry__v1__reply__free_unpacked (reply, NULL);
        return;
    }
    call->first = reply;
    self->answered++;
    if (reply->code == BELFRY__V1__CODE__CODE_OK &&
        call->command == BELFRY__V1__REQUEST__COMMAND_SCHEDULE) {
        for (size_t i = 0; i < reply->jobs->n_items; i++) {
            keep_job (self, reply->jobs->items[i]->job->id);
        }
    }
}

/* Takes what is there; waits for it where `wait_ms` says so. */
static void
take_answers (load *self, int wait_ms)
{
    zmq_pollitem_t items[LOAD_CLIENTS] = {{0}};
    for (size_t i = 0; i < LOAD_CLIENTS; i++) {
        items[i] = (zmq_pollitem_t){.socket = self->peers[i]->socket, .events = ZMQ_POLLIN};
    }
    (void)zmq_poll (items, LOAD_CLIENTS, wait_ms);
    for (size_t i = 0; i < LOAD_CLIENTS; i++) {
        Belfry__V1__Reply *reply;
        while (items[i].revents && (reply = peer_receive (self->peers[i], 0)) != NULL) {
            take (self, reply);
        }
    }
}

void
load_connect (load *self)
{
    if (self->peers[0]) {
        take_answers (self, 0);
    }
    for (size_t i = 0; i < LOAD_CLIENTS; i++) {
        peer_free (self->peers[i]);
        self->peers[i] =
            peer_client (self->rig, self->rig->commands.ipc, ZMQ_DEALER, "load");
        self->in_flight[i] = 0;
    }
    for (size_t i = 0; i < self->calls.count; i++) {
        load_call *call = self->calls.items[i];
        call->expected = 0;
        if (!call->first) {
            send (self, call);
            self->resent++;
        }
    }
}

void
load_run (load *self, int64_t for_us)
{
    int64_t until_us = bf_now_read ().boot.us + for_us;
    int64_t now_us;
    while ((now_us = bf_now_read ().boot.us) < until_us) {
        for (unsigned i = 0; i < LOAD_CLIENTS; i++) {
            if (self->in_flight[i] < LOAD_IN_FLIGHT) {
                ask_next (self, i);
            }
        }
        if (load_random (self, 20) == 0 && self->calls.count > 0 && !self->settling) {
            load_repeat (self, 1);
        }
        take_answers (self, 1);
    }
}

void
load_drain (load *self)
{
    int64_t until_us = bf_now_read ().boot.us + RIG_DEADLINE_MS * BF_MS_US;
    for (;;) {
        size_t left = 0;
        for (size_t i = 0; i < LOAD_CLIENTS; i++) {
            left += self->in_flight[i];
        }
        if (left == 0) {
            return;
        }
        if (bf_now_read ().boot.us > until_us) {
            rig_fail (self->rig, "a call was never answered");
        }
        take_answers (self, 100);
    }
}
