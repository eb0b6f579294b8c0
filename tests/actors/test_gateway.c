/* SPDX-License-Identifier: MPL-2.0
 *
 * The gateway actor between clients, on real sockets, and a store, a dispatcher and a retry
 * that the test plays.
 */
#include "actors/gateway.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "actors/calls.h"
#include "messages/limits.h"
#include "tests/support/cmocka.h"
#include "tests/support/neighbour.h"
#include "tests/support/request.h"

#define PATIENCE_MS 30000

/* More frames than any test sends in one message, in what it gets back. */
#define FRAMES_MAX 16

typedef Belfry__V1__Request request_t;
typedef Belfry__V1__Reply reply_t;
typedef Belfry__Internal__StoreItem store_item;

typedef enum { TCP, IPC, INPROC, ENDPOINTS } transport;

typedef struct {
    bf_gateway_args args;
    bf_actor *actor;
    neighbour *store;
    neighbour *dispatcher;
    neighbour *retry;
    zsock_t *gateway;
    char *endpoints[ENDPOINTS]; /* as bound */
} fixture;

static int
set_up (void **state)
{
    static fixture self;
    static char ipc[64];
    static char inproc[64];
    static const char *commands[ENDPOINTS + 1];
    memset (&self, 0, sizeof self);
    self.args.birth.name = "gateway";
    self.args.scheduler = neighbour_scheduler ();
    snprintf (ipc, sizeof ipc, "ipc:///tmp/belfry-test-gateway-%d", (int)getpid ());
    snprintf (inproc, sizeof inproc, "inproc://test-gateway-%llu",
              (unsigned long long)self.args.scheduler);
    commands[TCP] = "tcp://127.0.0.1:*";
    commands[IPC] = ipc;
    commands[INPROC] = inproc;
    self.args.commands = commands;
    self.store = neighbour_new (self.args.scheduler, BF_INBOX_STORE);
    self.dispatcher = neighbour_new (self.args.scheduler, BF_INBOX_DISPATCHER);
    self.retry = neighbour_new (self.args.scheduler, BF_INBOX_RETRY);
    self.actor = neighbour_start (bf_gateway_actor, &self.args.birth);
    self.gateway = bf_inbox_connect (self.args.scheduler, BF_INBOX_GATEWAY);
    assert_non_null (self.gateway);
    assert_int_equal (zlist_size (self.args.commands_bound), ENDPOINTS);
    self.endpoints[TCP] = zlist_first (self.args.commands_bound);
    self.endpoints[IPC] = zlist_next (self.args.commands_bound);
    self.endpoints[INPROC] = zlist_next (self.args.commands_bound);
    *state = &self;
    return 0;
}

static int
tear_down (void **state)
{
    fixture *self = *state;
    bf_actor_stop (&self->actor);
    zsock_destroy (&self->gateway);
    neighbour_free (self->retry);
    neighbour_free (self->dispatcher);
    neighbour_free (self->store);
    zlist_destroy (&self->args.commands_bound);
    /* libzmq leaves the socket's file. */
    unlink (self->args.commands[IPC] + strlen ("ipc://"));
    return 0;
}

/* --- clients ------------------------------------------------------------------------- */

static zsock_t *
client (fixture *self, transport endpoint, int type)
{
    zsock_t *socket = bf_actor_socket (type);
    assert_non_null (socket);
    assert_int_equal (bf_actor_option (socket, ZMQ_RCVTIMEO, PATIENCE_MS), BF_OK);
    assert_int_equal (zsock_connect (socket, "%s", self->endpoints[endpoint]), 0);
    return socket;
}

static void
send_frame (zsock_t *socket, const void *bytes, size_t size, bool more)
{
    int rc = zmq_send (zsock_resolve (socket), bytes, size, more ? ZMQ_SNDMORE : 0);
    assert_int_equal (rc, size);
}

/* Sends the body behind these frames, which NULL ends. */
static void
send_behind (zsock_t *socket, const char *const *frames, const void *body, size_t size)
{
    for (size_t i = 0; frames && frames[i]; i++) {
        send_frame (socket, frames[i], strlen (frames[i]), true);
    }
    send_frame (socket, body, size, false);
}

static request_t
request_of (const char *request_id, Belfry__V1__Request__CommandCase command)
{
    request_t request = BELFRY__V1__REQUEST__INIT;
    request.version = BF_PROTOCOL_VERSION;
    request.client = "bot";
    request.request_id = (char *)request_id;
    request.command_case = command;
    return request;
}

static void
send_request (zsock_t *socket, const char *const *frames, const request_t *request)
{
    size_t size = protobuf_c_message_get_packed_size (&request->base);
    uint8_t *bytes = malloc (size + 1);
    assert_non_null (bytes);
    protobuf_c_message_pack (&request->base, bytes);
    send_behind (socket, frames, bytes, size);
    free (bytes);
}

static void
send_status (zsock_t *socket, const char *const *frames, const char *request_id)
{
    Belfry__V1__Status status = BELFRY__V1__STATUS__INIT;
    request_t request = request_of (request_id, BELFRY__V1__REQUEST__COMMAND_STATUS);
    request.status = &status;
    send_request (socket, frames, &request);
}

static void
send_claim (zsock_t *socket, const char *request_id)
{
    static char *types[] = {"mail"};
    Belfry__V1__Claim wanted = BELFRY__V1__CLAIM__INIT;
    wanted.types = types;
    wanted.n_types = 1;
    wanted.wait_us = BF_MINUTE_US;
    request_t request = request_of (request_id, BELFRY__V1__REQUEST__COMMAND_CLAIM);
    request.claim = &wanted;
    send_request (socket, NULL, &request);
}

/* The next reply, behind exactly these frames. The caller frees it. */
static reply_t *
receive (zsock_t *socket, const char *const *frames)
{
    reply_t *reply = NULL;
    for (size_t i = 0; i < FRAMES_MAX && !reply; i++) {
        zmq_msg_t frame;
        zmq_msg_init (&frame);
        if (zmq_msg_recv (&frame, zsock_resolve (socket), 0) < 0) {
            fail_msg ("no reply: %s", zmq_strerror (zmq_errno ()));
        }
        size_t size = zmq_msg_size (&frame);
        if (frames && frames[i]) {
            assert_true (zmq_msg_more (&frame));
            assert_int_equal (size, strlen (frames[i]));
            assert_memory_equal (zmq_msg_data (&frame), frames[i], size);
        } else {
            assert_false (zmq_msg_more (&frame));
            reply = belfry__v1__reply__unpack (NULL, size, zmq_msg_data (&frame));
            assert_non_null (reply);
        }
        zmq_msg_close (&frame);
    }
    assert_non_null (reply);
    return reply;
}

static void
expect_reply (zsock_t *socket, const char *const *frames, const char *request_id, int code)
{
    reply_t *reply = receive (socket, frames);
    assert_int_equal (reply->code, code);
    assert_string_equal (reply->request_id, request_id);
    assert_int_equal (*reply->text != '\0', code != BELFRY__V1__CODE__CODE_OK);
    belfry__v1__reply__free_unpacked (reply, NULL);
}

/* --- the others ---------------------------------------------------------------------- */

static const Belfry__Internal__Call *
expect_call (fixture *self, const char *request_id)
{
    store_item *item = neighbour_item (self->store);
    assert_int_equal (item->item_case, BELFRY__INTERNAL__STORE_ITEM__ITEM_CALL);
    assert_string_equal (item->call->request->client, "bot");
    assert_string_equal (item->call->request->request_id, request_id);
    return item->call;
}

static const Belfry__Internal__ClaimCall *
expect_claim (fixture *self, const char *request_id)
{
    Belfry__Internal__DispatcherItem *item = neighbour_item (self->dispatcher);
    assert_int_equal (item->item_case, BELFRY__INTERNAL__DISPATCHER_ITEM__ITEM_CLAIM);
    assert_string_equal (item->claim->client, "bot");
    assert_string_equal (item->claim->request_id, request_id);
    return item->claim;
}

static void
answer_bytes (fixture *self, uint64_t call, uint8_t *bytes, size_t size, uint64_t lease)
{
    Belfry__Internal__Attempt attempt = BELFRY__INTERNAL__ATTEMPT__INIT;
    attempt.job = lease;
    attempt.ordinal = 1;
    attempt.attempt = 1;
    Belfry__Internal__Attempt *attempts = &attempt;
    Belfry__Internal__Answer answer = BELFRY__INTERNAL__ANSWER__INIT;
    answer.call = call;
    answer.reply.data = bytes;
    answer.reply.len = size;
    answer.n_leases = lease > 0;
    answer.leases = &attempts;
    Belfry__Internal__GatewayItem item = BELFRY__INTERNAL__GATEWAY_ITEM__INIT;
    item.item_case = BELFRY__INTERNAL__GATEWAY_ITEM__ITEM_ANSWER;
    item.answer = &answer;
    Belfry__Internal__GatewayItem *items = &item;
    Belfry__Internal__ToGateway message = BELFRY__INTERNAL__TO_GATEWAY__INIT;
    message.n_items = 1;
    message.items = &items;
    assert_int_equal (bf_inbox_send (self->gateway, &message.base), BF_OK);
}

/* OK; lease: a job of which it hands out a lease, or 0. */
static void
answer (fixture *self, uint64_t call, const char *request_id, uint64_t lease)
{
    reply_t reply = BELFRY__V1__REPLY__INIT;
    reply.request_id = (char *)request_id;
    reply.code = BELFRY__V1__CODE__CODE_OK;
    uint8_t bytes[256];
    size_t size = belfry__v1__reply__pack (&reply, bytes);
    answer_bytes (self, call, bytes, size, lease);
}

static void
expect_returned (fixture *self, uint64_t lease, const char *who, const char *request_id)
{
    store_item *item = neighbour_item (self->store);
    assert_int_equal (item->item_case, BELFRY__INTERNAL__STORE_ITEM__ITEM_RETURNED);
    assert_int_equal (item->returned->n_attempts, 1);
    assert_int_equal (item->returned->attempts[0]->job, lease);
    assert_string_equal (item->returned->client, who);
    assert_string_equal (item->returned->request_id, request_id);
}

/* A whole round trip: this client is served. */
static void
check_served (fixture *self, zsock_t *socket, const char *const *frames)
{
    send_status (socket, frames, "served");
    answer (self, expect_call (self, "served")->call, "served", 0);
    expect_reply (socket, frames, "served", BELFRY__V1__CODE__CODE_OK);
}

/* --- tests --------------------------------------------------------------------------- */

static void
test_framings (void **state)
{
    fixture *self = *state;
    static const struct {
        const char *what;
        int type;
        bool correlate;
        const char *frames[FRAMES_MAX];
    } cases[] = {
        {"DEALER", ZMQ_DEALER, false, {NULL}},
        {"DEALER with a delimiter", ZMQ_DEALER, false, {"", NULL}},
        {"REQ", ZMQ_REQ, false, {NULL}},
        {"REQ that correlates", ZMQ_REQ, true, {NULL}},
        {"behind a proxy", ZMQ_DEALER, false, {"far", "farther", "", NULL}},
        {"8 frames in all", ZMQ_DEALER, false, {"a", "b", "c", "d", "e", "f", NULL}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (int endpoint = 0; endpoint < ENDPOINTS; endpoint++) {
            zsock_t *socket = bf_actor_socket (cases[i].type);
            assert_int_equal (bf_actor_option (socket, ZMQ_RCVTIMEO, PATIENCE_MS), BF_OK);
            if (cases[i].correlate) {
                assert_int_equal (bf_actor_option (socket, ZMQ_REQ_CORRELATE, 1), BF_OK);
            }
            assert_int_equal (zsock_connect (socket, "%s", self->endpoints[endpoint]), 0);
            check_served (self, socket, cases[i].frames);
            check_served (self, socket, cases[i].frames);
            zsock_destroy (&socket);
        }
    }
}

static void
test_routes (void **state)
{
    fixture *self = *state;
    zsock_t *socket = client (self, TCP, ZMQ_DEALER);
    send_claim (socket, "r-1");
    const Belfry__Internal__ClaimCall *claim = expect_claim (self, "r-1");
    assert_string_equal (claim->claim->ns, "default"); /* normalised */
    assert_int_equal (claim->claim->max, 1);
    assert_string_equal (claim->claim->worker, "bot");

    char *tokens[] = {"256.1.1"};
    Belfry__V1__Heartbeat beat = BELFRY__V1__HEARTBEAT__INIT;
    beat.n_tokens = 1;
    beat.tokens = tokens;
    request_t request = request_of ("r-2", BELFRY__V1__REQUEST__COMMAND_HEARTBEAT);
    request.heartbeat = &beat;
    send_request (socket, NULL, &request);
    Belfry__Internal__RetryItem *item = neighbour_item (self->retry);
    assert_int_equal (item->item_case, BELFRY__INTERNAL__RETRY_ITEM__ITEM_CALL);
    assert_string_equal (item->call->request->heartbeat->tokens[0], "256.1.1");

    Belfry__V1__Fail failed = BELFRY__V1__FAIL__INIT;
    failed.token = tokens[0];
    request = request_of ("r-3", BELFRY__V1__REQUEST__COMMAND_FAIL);
    request.fail = &failed;
    send_request (socket, NULL, &request);
    item = neighbour_item (self->retry);
    assert_string_equal (item->call->request->request_id, "r-3");
    assert_string_equal (item->call->request->fail->token, "256.1.1");

    Belfry__V1__Complete complete = BELFRY__V1__COMPLETE__INIT;
    complete.token = tokens[0];
    request = request_of ("r-4", BELFRY__V1__REQUEST__COMMAND_COMPLETE);
    request.complete = &complete;
    send_request (socket, NULL, &request);
    assert_string_equal (expect_call (self, "r-4")->request->complete->token, "256.1.1");

    /* The claim is still parked. */
    send_status (socket, NULL, "r-5");
    assert_int_equal (expect_call (self, "r-5")->parked_claims, 1);
    zsock_destroy (&socket);
}

/* All others go to the store: a batch too, whatever is in it. */
static void
test_routes_to_the_store (void **state)
{
    static const char *const requests[] = {
        "schedule.jobs.type=mail schedule.jobs.every.interval_us=10000",
        "reschedule.filter.all=1 reschedule.at_us=1",
        "cancel.filter.type=mail cancel.dry_run=1",
        "confirm.job.id=1",
        "pause.job.id=1",
        "resume.job.id=1",
        "trigger.job.id=1",
        "batch.items.cancel.job.id=1",
        "batch.items.fail.token=256.1.1",
        "snooze.token=256.1.1 snooze.for_us=1",
        "redrive.run=256.1",
        "get.job.id=1",
        "list",
        "history",
        "replay",
        "stats",
        "snapshot",
        "prune.finals_us=1",
        "backup",
    };
    fixture *self = *state;
    zsock_t *socket = client (self, TCP, ZMQ_DEALER);
    bf_arena *arena = bf_arena_new (BF_DECODE_BYTES);
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
        bf_arena_reset (arena);
        request_t *request = request_make (arena, requests[i]);
        request->client = "bot";
        send_request (socket, NULL, request);
        const Belfry__Internal__Call *call = expect_call (self, "r");
        assert_int_equal (call->request->command_case, request->command_case);
        answer (self, call->call, "r", 0);
        expect_reply (socket, NULL, "r", BELFRY__V1__CODE__CODE_OK);
    }
    bf_arena_destroy (&arena);
    zsock_destroy (&socket);
}

/* What is wrong is answered, goes nowhere, and hurts nobody. */
static void
test_bad_requests (void **state)
{
    fixture *self = *state;
    zsock_t *bystander = client (self, TCP, ZMQ_REQ);
    static char large[BF_FRAME_BYTES + 1];
    char *wrong_type[] = {"no spaces"};
    Belfry__V1__Claim wanted = BELFRY__V1__CLAIM__INIT;
    wanted.types = wrong_type;
    wanted.n_types = 1;
    request_t claim = request_of ("r-1", BELFRY__V1__REQUEST__COMMAND_CLAIM);
    claim.claim = &wanted;
    request_t nothing = request_of ("r-2", BELFRY__V1__REQUEST__COMMAND__NOT_SET);
    request_t version = nothing;
    version.version = 2;
    uint8_t packed[3][64];
    size_t claim_size = belfry__v1__request__pack (&claim, packed[0]);
    size_t nothing_size = belfry__v1__request__pack (&nothing, packed[1]);
    size_t version_size = belfry__v1__request__pack (&version, packed[2]);
    memcpy (large, packed[1], nothing_size);
    const struct {
        const void *bytes;
        size_t size;
        const char *request_id; /* of the reply */
        int code;
    } cases[] = {
        {"", 0, "", BELFRY__V1__CODE__CODE_UNSUPPORTED_VERSION},
        {"\xff\xff\xff\xff\xff", 5, "", BELFRY__V1__CODE__CODE_MALFORMED},
        {"hello, is anybody there?", 24, "", BELFRY__V1__CODE__CODE_MALFORMED},
        {packed[0], claim_size, "r-1", BELFRY__V1__CODE__CODE_INVALID},
        {packed[1], nothing_size, "r-2", BELFRY__V1__CODE__CODE_INVALID},
        {packed[2], version_size, "r-2", BELFRY__V1__CODE__CODE_UNSUPPORTED_VERSION},
        {large, sizeof large, "r-2", BELFRY__V1__CODE__CODE_TOO_LARGE},
    };
    for (int endpoint = 0; endpoint < ENDPOINTS; endpoint++) {
        zsock_t *socket = client (self, (transport)endpoint, ZMQ_REQ);
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
            send_behind (socket, NULL, cases[i].bytes, cases[i].size);
            expect_reply (socket, NULL, cases[i].request_id, cases[i].code);
        }
        check_served (self, socket, NULL);
        check_served (self, bystander, NULL);
        zsock_destroy (&socket);
    }
    assert_true (neighbour_is_silent (self->store));
    assert_true (neighbour_is_silent (self->dispatcher));
    zsock_destroy (&bystander);
}

static void
test_bad_envelopes (void **state)
{
    fixture *self = *state;
    char long_frame[BF_PATH_FRAME_BYTES + 2] = "";
    memset (long_frame, 'x', BF_PATH_FRAME_BYTES + 1);
    const struct {
        const char *what;
        const char *frames[FRAMES_MAX];
        const char *back[FRAMES_MAX];
    } cases[] = {
        {"9 frames in all", {"a", "b", "c", "d", "e", "f", "g", NULL}, {NULL}},
        {"9 frames and a delimiter",
         {"1234", "", "c", "d", "e", "f", "g", NULL},
         {"1234", "", NULL}},
        {"10 frames, delimiter first",
         {"", "b", "c", "d", "e", "f", "g", "h", NULL},
         {"", NULL}},
        {"a long frame", {long_frame, NULL}, {NULL}},
        {"a long frame behind the delimiter", {"", long_frame, NULL}, {"", NULL}},
    };
    zsock_t *socket = client (self, TCP, ZMQ_DEALER);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        send_status (socket, cases[i].frames, "r-1");
        expect_reply (socket, cases[i].back, "", BELFRY__V1__CODE__CODE_MALFORMED);
    }
    /* As many frames as anybody likes: read to the end, and then the next message. */
    for (int i = 0; i < 20000; i++) {
        send_frame (socket, "", 0, true);
    }
    send_status (socket, NULL, "r-2");
    static const char *const delimiter[] = {"", NULL};
    expect_reply (socket, delimiter, "", BELFRY__V1__CODE__CODE_MALFORMED);
    check_served (self, socket, NULL);
    zsock_destroy (&socket);
}

static void
test_answers_in_any_order (void **state)
{
    fixture *self = *state;
    zsock_t *first = client (self, TCP, ZMQ_DEALER);
    zsock_t *second = client (self, INPROC, ZMQ_DEALER);
    uint64_t calls[6];
    char ids[6][16];
    for (int i = 0; i < 6; i++) {
        snprintf (ids[i], sizeof ids[i], "r-%d", i);
        send_status (i % 2 ? second : first, NULL, ids[i]);
        calls[i] = expect_call (self, ids[i])->call;
    }
    static const int order[] = {4, 1, 0, 5, 3, 2};
    for (int i = 0; i < 6; i++) {
        answer (self, calls[order[i]], ids[order[i]], 0);
    }
    expect_reply (first, NULL, "r-4", BELFRY__V1__CODE__CODE_OK);
    expect_reply (first, NULL, "r-0", BELFRY__V1__CODE__CODE_OK);
    expect_reply (first, NULL, "r-2", BELFRY__V1__CODE__CODE_OK);
    expect_reply (second, NULL, "r-1", BELFRY__V1__CODE__CODE_OK);
    expect_reply (second, NULL, "r-5", BELFRY__V1__CODE__CODE_OK);
    expect_reply (second, NULL, "r-3", BELFRY__V1__CODE__CODE_OK);
    zsock_destroy (&second);
    zsock_destroy (&first);
}

static void
test_busy (void **state)
{
    fixture *self = *state;
    const bf_calls_limits limits = BF_CALLS_LIMITS;
    zsock_t *greedy = client (self, TCP, ZMQ_DEALER);
    uint64_t last = 0;
    for (size_t i = 0; i < limits.peer_calls[BF_CALL_COMMAND]; i++) {
        send_status (greedy, NULL, "r-1");
        last = expect_call (self, "r-1")->call;
    }
    send_status (greedy, NULL, "r-2");
    expect_reply (greedy, NULL, "r-2", BELFRY__V1__CODE__CODE_BUSY);
    for (size_t i = 0; i < limits.peer_calls[BF_CALL_CLAIM]; i++) {
        send_claim (greedy, "c-1");
        expect_claim (self, "c-1");
    }
    send_claim (greedy, "c-2");
    expect_reply (greedy, NULL, "c-2", BELFRY__V1__CODE__CODE_BUSY);

    zsock_t *modest = client (self, TCP, ZMQ_DEALER);
    check_served (self, modest, NULL);
    answer (self, last, "r-1", 0);
    expect_reply (greedy, NULL, "r-1", BELFRY__V1__CODE__CODE_OK);
    check_served (self, greedy, NULL);
    zsock_destroy (&modest);
    zsock_destroy (&greedy);
}

/* Large requests are counted by their bytes: a peer's 16 MiB. */
static void
test_busy_by_bytes (void **state)
{
    fixture *self = *state;
    static uint8_t payload[BF_PAYLOAD_BYTES];
    Belfry__V1__JobSpec job = BELFRY__V1__JOB_SPEC__INIT;
    job.type = "mail";
    job.payload.data = payload;
    job.payload.len = sizeof payload;
    job.trigger_case = BELFRY__V1__JOB_SPEC__TRIGGER_AFTER_US;
    job.after_us = 1;
    Belfry__V1__JobSpec *jobs[15];
    for (size_t i = 0; i < 15; i++) {
        jobs[i] = &job;
    }
    Belfry__V1__Schedule schedule = BELFRY__V1__SCHEDULE__INIT;
    schedule.n_jobs = 15;
    schedule.jobs = jobs;
    request_t request = request_of ("r-1", BELFRY__V1__REQUEST__COMMAND_SCHEDULE);
    request.schedule = &schedule;
    zsock_t *socket = client (self, INPROC, ZMQ_DEALER);
    /* 15 of 64 KiB: 17 of these are within 16 MiB, 18 are not. */
    for (int i = 0; i < 17; i++) {
        send_request (socket, NULL, &request);
        assert_int_equal (expect_call (self, "r-1")->request->schedule->n_jobs, 15);
    }
    request.request_id = "r-2";
    send_request (socket, NULL, &request);
    expect_reply (socket, NULL, "r-2", BELFRY__V1__CODE__CODE_BUSY);
    check_served (self, socket, NULL);
    zsock_destroy (&socket);
}

/* The worker went away: when libzmq has noticed, its leases come back. */
static void
test_undelivered_leases_come_back (void **state)
{
    fixture *self = *state;
    for (int endpoint = 0; endpoint < ENDPOINTS; endpoint++) {
        zsock_t *socket = client (self, (transport)endpoint, ZMQ_DEALER);
        static uint64_t calls[120];
        for (size_t i = 0; i < 120; i++) {
            send_claim (socket, "r-1");
            calls[i] = expect_claim (self, "r-1")->call;
        }
        zsock_destroy (&socket);
        size_t sent = 0;
        zmq_pollitem_t returned = {.socket = zsock_resolve (neighbour_socket (self->store)),
                                   .events = ZMQ_POLLIN};
        do {
            assert_in_range (sent, 0, 119);
            answer (self, calls[sent], "r-1", 1000 + sent);
            sent++;
        } while (zmq_poll (&returned, 1, 25) == 0);
        expect_returned (self, 1000 + sent - 1, "bot", "r-1");
        /* And from now on, each. */
        for (; sent < 120; sent++) {
            answer (self, calls[sent], "r-1", 1000 + sent);
            expect_returned (self, 1000 + sent, "bot", "r-1");
        }
    }
}

static void
test_forgotten_call (void **state)
{
    fixture *self = *state;
    zsock_t *socket = client (self, TCP, ZMQ_DEALER);
    send_claim (socket, "r-1");
    uint64_t call = expect_claim (self, "r-1")->call;
    answer_bytes (self, call, NULL, 0, 0);
    /* Nobody to give it to; the store learns that, and nothing else happens. */
    answer (self, call, "r-1", 256);
    expect_returned (self, 256, "", "");
    answer (self, call + 1000, "r-1", 0);
    check_served (self, socket, NULL);
    send_status (socket, NULL, "r-2");
    assert_int_equal (expect_call (self, "r-2")->parked_claims, 0);
    zsock_destroy (&socket);
}

static void
test_answer_too_large (void **state)
{
    fixture *self = *state;
    static uint8_t large[BF_FRAME_BYTES + 1];
    zsock_t *socket = client (self, TCP, ZMQ_DEALER);
    send_claim (socket, "r-1");
    answer_bytes (self, expect_claim (self, "r-1")->call, large, sizeof large, 256);
    expect_reply (socket, NULL, "r-1", BELFRY__V1__CODE__CODE_TOO_LARGE);
    expect_returned (self, 256, "bot", "r-1");
    answer_bytes (self, 1000, large, sizeof large, 512);
    expect_returned (self, 512, "", "");
    zsock_destroy (&socket);
}

static void
expect_release (fixture *self)
{
    Belfry__Internal__DispatcherItem *item = neighbour_item (self->dispatcher);
    assert_int_equal (item->item_case, BELFRY__INTERNAL__DISPATCHER_ITEM__ITEM_RELEASE);
}

static void
test_drain (void **state)
{
    fixture *self = *state;
    zsock_t *socket = client (self, TCP, ZMQ_DEALER);
    send_status (socket, NULL, "r-1");
    uint64_t command = expect_call (self, "r-1")->call;
    send_claim (socket, "r-2");
    uint64_t claim = expect_claim (self, "r-2")->call;

    assert_true (bf_actor_say (bf_actor_pipe (self->actor), "DRAIN"));
    expect_release (self);
    send_status (socket, NULL, "r-3");
    expect_reply (socket, NULL, "r-3", BELFRY__V1__CODE__CODE_STOPPING);
    send_claim (socket, "r-4");
    expect_reply (socket, NULL, "r-4", BELFRY__V1__CODE__CODE_STOPPING);
    assert_true (neighbour_is_silent (self->store));

    answer (self, claim, "r-2", 0);
    expect_reply (socket, NULL, "r-2", BELFRY__V1__CODE__CODE_OK);
    assert_int_equal (zsock_events (bf_actor_pipe (self->actor)) & ZMQ_POLLIN, 0);
    answer (self, command, "r-1", 0);
    expect_reply (socket, NULL, "r-1", BELFRY__V1__CODE__CODE_OK);
    neighbour_hears (self->actor, "DRAINED");
    zsock_destroy (&socket);
}

static void
test_drain_idle (void **state)
{
    fixture *self = *state;
    assert_true (bf_actor_say (bf_actor_pipe (self->actor), "DRAIN"));
    expect_release (self);
    neighbour_hears (self->actor, "DRAINED");
}

/* What was on its way out when it stops still arrives. */
static void
test_stop_flushes (void **state)
{
    fixture *self = *state;
    zsock_t *socket = client (self, TCP, ZMQ_DEALER);
    send_status (socket, NULL, "r-1");
    uint64_t call = expect_call (self, "r-1")->call;
    assert_true (bf_actor_say (bf_actor_pipe (self->actor), "DRAIN"));
    answer (self, call, "r-1", 0);
    neighbour_hears (self->actor, "DRAINED");
    bf_actor_stop (&self->actor);
    expect_reply (socket, NULL, "r-1", BELFRY__V1__CODE__CODE_OK);
    zsock_destroy (&socket);
}

static void
test_taken_endpoint_is_an_error (void **state)
{
    fixture *self = *state;
    const char *commands[] = {self->endpoints[TCP], NULL};
    bf_gateway_args second = {.birth = {.name = "gateway-2"},
                              .scheduler = neighbour_scheduler (),
                              .commands = commands};
    bf_actor *actor = NULL;
    bf_error error = {0};
    assert_int_equal (bf_actor_start (&actor, bf_gateway_actor, &second.birth, &error),
                      BF_EBIND);
    assert_null (actor);
    assert_non_null (strstr (error.text, self->endpoints[TCP]));
    zlist_destroy (&second.commands_bound);
}

#define TEST(name) cmocka_unit_test_setup_teardown (name, set_up, tear_down)

int
main (void)
{
    const struct CMUnitTest tests[] = {
        TEST (test_framings),
        TEST (test_routes),
        TEST (test_routes_to_the_store),
        TEST (test_bad_requests),
        TEST (test_bad_envelopes),
        TEST (test_answers_in_any_order),
        TEST (test_busy),
        TEST (test_busy_by_bytes),
        TEST (test_undelivered_leases_come_back),
        TEST (test_forgotten_call),
        TEST (test_answer_too_large),
        TEST (test_drain),
        TEST (test_drain_idle),
        TEST (test_stop_flushes),
        TEST (test_taken_endpoint_is_an_error),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
