/* SPDX-License-Identifier: MPL-2.0
 *
 * What the daemon does between the bytes of a request and the bytes of its answer, without
 * sockets and threads, in batches of 256: the gateway's decoding, its message to the store,
 * that one's batch, and its messages to all the others, of which the gateway's is read
 * again. Timers and ready runs go back in as the dispatcher would propose them.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/arena.h"
#include "core/timers.h"
#include "messages/codec.h"
#include "messages/pack.h"
#include "messages/translate.h"
#include "persist/ledger.h"
#include "tests/bench/instructions/instructions.h"
#include "tests/support/temp.h"

#define BATCH 256
/* Of each path; the first is not counted: it prepares statements and fills caches. */
#define BATCHES 9
#define JOBS ((size_t)BATCHES * BATCH)
#define ARENA_BYTES ((size_t)256 * 1024 * 1024)
#define PAYLOAD_BYTES 200
#define REQUEST_BYTES 512
/* 2026-01-01T00:00:00Z, and 1,000 s after the boot. */
#define WALL_US INT64_C (1767225600000000)
#define BOOT_US INT64_C (1000000000)

typedef enum { TO_RETRY, TO_DISPATCHER, TO_GATEWAY, TO_CLOCK, TO_FEED, RECEIVERS } receiver;

/* One batch on its way: requests, or, where there are none, timers. */
typedef struct {
    bf_ledger *ledger;
    bf_arena *requests; /* the gateway's */
    bf_arena *items;    /* the store's */
    bf_arena *answers;  /* the gateway's again */
    bf_now now;
    uint64_t n_calls;
    size_t n_frames;
    size_t frame_sizes[BATCH];
    uint8_t frames[BATCH][REQUEST_BYTES];
    size_t n_proposed; /* jobs whose timers or runs go into this batch */
    Belfry__Internal__StoreItem *in[BATCH];
    size_t n_in;
    bf_packed said[RECEIVERS];
    const Belfry__Internal__ToGateway *answered;
    /* By job, in the order of their making: what came out. */
    size_t n_timers, n_ready, n_tokens;
    bf_timer timers[2 * JOBS];
    bf_ready ready[JOBS];
    char tokens[JOBS][BF_TOKEN_BYTES];
} daemon_t;

typedef void prepare_frame (daemon_t *self, size_t job, Belfry__V1__Request *request);

static void *
take (bf_arena *arena, size_t size)
{
    void *memory = bf_arena_alloc (arena, size);
    instructions_require (memory != NULL, "no memory for a batch");
    return memory;
}

static void
require_ok (bf_err rc, const bf_error *error, const char *what)
{
    instructions_require (rc == BF_OK, "%s: %s: %s", what, bf_err_name (rc), error->text);
}

/* --- into the store --------------------------------------------------------------------
 */

static void
add_item (daemon_t *self, Belfry__Internal__StoreItem__ItemCase kind, void *what)
{
    Belfry__Internal__StoreItem *item = take (self->requests, sizeof *item);
    belfry__internal__store_item__init (item);
    item->item_case = kind;
    /* One pointer of a union. */
    item->call = what;
    self->in[self->n_in++] = item;
}

/* As actors/gateway.c. */
static void
add_call (daemon_t *self, uint64_t id, Belfry__V1__Request *request)
{
    Belfry__Internal__Call *call = take (self->requests, sizeof *call);
    belfry__internal__call__init (call);
    call->call = id;
    call->request = request;
    call->fingerprint = bf_request_fingerprint (request, self->requests);
    add_item (self, BELFRY__INTERNAL__STORE_ITEM__ITEM_CALL, call);
}

/* As actors/dispatcher.c, with a ready run for each claim. */
static Belfry__Internal__Assignment *
assign (daemon_t *self, uint64_t id, Belfry__V1__Request *request, bf_ready ready)
{
    Belfry__Internal__ClaimCall *claim = take (self->requests, sizeof *claim);
    belfry__internal__claim_call__init (claim);
    claim->call = id;
    claim->client = request->client;
    claim->request_id = request->request_id;
    claim->claim = request->claim;
    Belfry__Internal__Assignment *wire = take (self->requests, sizeof *wire);
    belfry__internal__assignment__init (wire);
    wire->claim = claim;
    wire->n_runs = 1;
    wire->runs = take (self->requests, sizeof *wire->runs);
    wire->runs[0] = take (self->requests, sizeof *wire->runs[0]);
    bf_ready_to_wire (ready, wire->runs[0]);
    return wire;
}

static void
add_timers (daemon_t *self, Belfry__Internal__Proposal *proposal)
{
    proposal->batch = self->n_proposed / BATCH + 1;
    proposal->n_timers = BATCH;
    proposal->timers = take (self->requests, BATCH * sizeof (void *));
    for (size_t i = 0; i < BATCH; i++) {
        proposal->timers[i] = take (self->requests, sizeof *proposal->timers[i]);
        bf_timer_to_wire (self->timers[self->n_proposed++], proposal->timers[i]);
    }
}

static void
take_requests (daemon_t *self)
{
    Belfry__Internal__Proposal *proposal = take (self->requests, sizeof *proposal);
    belfry__internal__proposal__init (proposal);
    proposal->assignments = take (self->requests, BATCH * sizeof (void *));
    for (size_t i = 0; i < self->n_frames; i++) {
        Belfry__V1__Request *request = NULL;
        bf_error error = {0};
        require_ok (bf_request_decode (self->frames[i], self->frame_sizes[i],
                                       self->requests, &request, &error),
                    &error, "decode");
        uint64_t id = ++self->n_calls;
        if (request->command_case == BELFRY__V1__REQUEST__COMMAND_CLAIM) {
            proposal->assignments[proposal->n_assignments++] =
                assign (self, id, request, self->ready[self->n_proposed++]);
        } else {
            add_call (self, id, request);
        }
    }
    if (self->n_frames == 0) {
        add_timers (self, proposal);
    }
    if (self->n_in == 0) {
        add_item (self, BELFRY__INTERNAL__STORE_ITEM__ITEM_PROPOSAL, proposal);
    }
}

/* What the store makes of a message: packed by its sender, unpacked by itself. */
static const Belfry__Internal__ToStore *
pass_on (daemon_t *self)
{
    Belfry__Internal__ToStore message = BELFRY__INTERNAL__TO_STORE__INIT;
    message.n_items = self->n_in;
    message.items = self->in;
    bf_packed packed;
    instructions_require (bf_packed_write (&packed, &message.base), "no memory");
    ProtobufCAllocator allocator = bf_arena_allocator (self->items);
    const Belfry__Internal__ToStore *got =
        belfry__internal__to_store__unpack (&allocator, packed.size, packed.bytes);
    instructions_require (got != NULL, "the store cannot read its message");
    bf_packed_free (&packed);
    return got;
}

/* --- and out of it ---------------------------------------------------------------------
 */

#define PACK(self, receiver, Type, type, list)                                             \
    instructions_require (                                                                 \
        bf_packed_write (                                                                  \
            &(self)->said[receiver],                                                       \
            (const ProtobufCMessage *)&(Belfry__Internal__##Type){                         \
                .base = PROTOBUF_C_MESSAGE_INIT (&belfry__internal__##type##__descriptor), \
                .n_items = (list)->count,                                                  \
                .items = (void *)(list)->items}),                                          \
        "no memory")

static void
release (daemon_t *self)
{
    const bf_outcome *outcome = bf_ledger_outcome (self->ledger);
    PACK (self, TO_RETRY, ToRetry, to_retry, &outcome->retry);
    PACK (self, TO_DISPATCHER, ToDispatcher, to_dispatcher, &outcome->dispatcher);
    PACK (self, TO_GATEWAY, ToGateway, to_gateway, &outcome->gateway);
    PACK (self, TO_CLOCK, ToClock, to_clock, &outcome->clock);
    PACK (self, TO_FEED, ToFeed, to_feed, &outcome->feed);
    bf_ledger_clear (self->ledger);
    ProtobufCAllocator allocator = bf_arena_allocator (self->answers);
    self->answered = belfry__internal__to_gateway__unpack (
        &allocator, self->said[TO_GATEWAY].size, self->said[TO_GATEWAY].bytes);
    instructions_require (self->answered != NULL, "the gateway cannot read its message");
}

static void
walk (void *context)
{
    daemon_t *self = context;
    bf_error error = {0};
    take_requests (self);
    const Belfry__Internal__ToStore *message = pass_on (self);
    bf_arena_reset (self->requests);
    require_ok (bf_ledger_begin (self->ledger, self->now, &error), &error, "begin");
    for (size_t i = 0; i < message->n_items; i++) {
        require_ok (bf_ledger_apply (self->ledger, message->items[i], &error), &error,
                    "apply");
    }
    require_ok (bf_ledger_commit (self->ledger, &error), &error, "commit");
    release (self);
    bf_arena_reset (self->items);
}

/* --- what is not counted ---------------------------------------------------------------
 */

/* Every call must have been answered well: a refusal would be another path. */
static void
hear_answers (daemon_t *self)
{
    instructions_require (self->answered->n_items == self->n_frames, "%zu answers to %zu",
                          self->answered->n_items, self->n_frames);
    for (size_t i = 0; i < self->answered->n_items; i++) {
        const Belfry__Internal__Answer *answer = self->answered->items[i]->answer;
        Belfry__V1__Reply *reply =
            belfry__v1__reply__unpack (NULL, answer->reply.len, answer->reply.data);
        instructions_require (reply != NULL && reply->code == BELFRY__V1__CODE__CODE_OK,
                              "refused: %s", reply != NULL ? reply->text : "no reply");
        if (answer->n_leases > 0) {
            bf_token_format (bf_attempt_from_wire (answer->leases[0]),
                             self->tokens[self->n_tokens++]);
        }
        belfry__v1__reply__free_unpacked (reply, NULL);
    }
}

static void
hear_actors (daemon_t *self)
{
    Belfry__Internal__ToClock *clock = belfry__internal__to_clock__unpack (
        NULL, self->said[TO_CLOCK].size, self->said[TO_CLOCK].bytes);
    Belfry__Internal__ToDispatcher *dispatcher = belfry__internal__to_dispatcher__unpack (
        NULL, self->said[TO_DISPATCHER].size, self->said[TO_DISPATCHER].bytes);
    instructions_require (clock != NULL && dispatcher != NULL, "cannot read a message");
    for (size_t i = 0; i < clock->n_items; i++) {
        if (clock->items[i]->item_case == BELFRY__INTERNAL__CLOCK_ITEM__ITEM_ARM) {
            self->timers[self->n_timers++] = bf_timer_from_wire (clock->items[i]->arm);
        }
    }
    for (size_t i = 0; i < dispatcher->n_items; i++) {
        if (dispatcher->items[i]->item_case ==
            BELFRY__INTERNAL__DISPATCHER_ITEM__ITEM_READY) {
            self->ready[self->n_ready++] = bf_ready_from_wire (dispatcher->items[i]->ready);
        }
    }
    belfry__internal__to_clock__free_unpacked (clock, NULL);
    belfry__internal__to_dispatcher__free_unpacked (dispatcher, NULL);
}

static void
hear (daemon_t *self)
{
    hear_answers (self);
    hear_actors (self);
    bf_arena_reset (self->answers);
    for (size_t i = 0; i < RECEIVERS; i++) {
        bf_packed_free (&self->said[i]);
    }
}

static void
write_frames (daemon_t *self, size_t from, prepare_frame *prepare)
{
    for (size_t i = 0; prepare != NULL && i < BATCH; i++) {
        char id[32];
        snprintf (id, sizeof id, "%010" PRIu64, self->n_calls + i + 1);
        Belfry__V1__Request request = BELFRY__V1__REQUEST__INIT;
        request.version = 1;
        request.client = "bot";
        request.request_id = id;
        prepare (self, from + i, &request);
        size_t size = belfry__v1__request__get_packed_size (&request);
        instructions_require (size <= REQUEST_BYTES, "a request has %zu bytes", size);
        self->frame_sizes[i] = belfry__v1__request__pack (&request, self->frames[i]);
    }
    self->n_frames = prepare != NULL ? BATCH : 0;
}

/* `prepare` NULL: timers. `name` NULL: to get there, and not counted. */
static void
run_path (daemon_t *self, const char *name, prepare_frame *prepare, size_t from)
{
    self->n_proposed = 0;
    for (size_t i = 0; i < BATCHES; i++) {
        write_frames (self, from + i * BATCH, prepare);
        self->now.wall.us += BF_MS_US;
        self->now.boot.us += BF_MS_US;
        self->n_in = 0;
        if (name != NULL && i > 0) {
            instructions_counted (walk, self);
        } else {
            walk (self);
        }
        hear (self);
    }
    if (name != NULL) {
        instructions_path_end (name, JOBS - BATCH);
    }
}

/* --- the paths -------------------------------------------------------------------------
 */

static void
prepare_schedule (daemon_t *self, size_t job, Belfry__V1__Request *request)
{
    static uint8_t payload[PAYLOAD_BYTES];
    static char key[32];
    static Belfry__V1__JobSpec spec;
    static Belfry__V1__JobSpec *jobs[] = {&spec};
    static Belfry__V1__Schedule schedule;
    (void)self;
    memset (payload, 'p', sizeof payload);
    snprintf (key, sizeof key, "turn-%08zu", job);
    belfry__v1__job_spec__init (&spec);
    spec.type = "turn_timeout";
    spec.key = key;
    spec.trigger_case = BELFRY__V1__JOB_SPEC__TRIGGER_AT_US;
    spec.at_us = WALL_US + BF_HOUR_US + (int64_t)job * BF_MS_US;
    spec.payload = (ProtobufCBinaryData){.len = sizeof payload, .data = payload};
    belfry__v1__schedule__init (&schedule);
    schedule.n_jobs = 1;
    schedule.jobs = jobs;
    request->command_case = BELFRY__V1__REQUEST__COMMAND_SCHEDULE;
    request->schedule = &schedule;
}

static void
prepare_claim (daemon_t *self, size_t job, Belfry__V1__Request *request)
{
    static char type[] = "turn_timeout";
    static char *types[] = {type};
    static Belfry__V1__Claim claim;
    (void)self;
    (void)job;
    belfry__v1__claim__init (&claim);
    claim.n_types = 1;
    claim.types = types;
    claim.max = 1;
    claim.wait_us = 10 * BF_SECOND_US;
    request->command_case = BELFRY__V1__REQUEST__COMMAND_CLAIM;
    request->claim = &claim;
}

static void
prepare_complete (daemon_t *self, size_t job, Belfry__V1__Request *request)
{
    static Belfry__V1__Complete complete;
    belfry__v1__complete__init (&complete);
    complete.token = self->tokens[job];
    request->command_case = BELFRY__V1__REQUEST__COMMAND_COMPLETE;
    request->complete = &complete;
}

static void
prepare_cancel (daemon_t *self, size_t job, Belfry__V1__Request *request)
{
    static char key[32];
    static Belfry__V1__JobRef ref;
    static Belfry__V1__Cancel cancel;
    (void)self;
    snprintf (key, sizeof key, "turn-%08zu", job);
    belfry__v1__job_ref__init (&ref);
    ref.key = key;
    belfry__v1__cancel__init (&cancel);
    cancel.job = &ref;
    request->command_case = BELFRY__V1__REQUEST__COMMAND_CANCEL;
    request->cancel = &cancel;
}

static void
open_ledger (daemon_t *self, const char *directory)
{
    bf_database *database = NULL;
    bf_error error = {0};
    bf_ledger_options options = {
        .stream_epoch = 1,
        .boot_id = "11111111-1111-1111-1111-111111111111",
        .seed = 7,
    };
    self->now = (bf_now){{WALL_US}, {BOOT_US}};
    self->requests = bf_arena_new (ARENA_BYTES);
    self->items = bf_arena_new (ARENA_BYTES);
    self->answers = bf_arena_new (ARENA_BYTES);
    instructions_require (self->requests && self->items && self->answers, "no memory");
    require_ok (bf_database_open (&database, directory, NULL, &error), &error, "open");
    require_ok (bf_ledger_open (&self->ledger, &database, &options, self->now, &error),
                &error, "open");
    require_ok (bf_ledger_begin (self->ledger, self->now, &error), &error, "begin");
    require_ok (bf_ledger_recover (self->ledger, &error), &error, "recover");
    require_ok (bf_ledger_commit (self->ledger, &error), &error, "commit");
    bf_ledger_clear (self->ledger);
}

void
instructions_store (void)
{
    daemon_t *self = calloc (1, sizeof *self);
    instructions_require (self != NULL, "no memory");
    char *directory = temp_make ();
    open_ledger (self, directory);

    run_path (self, "schedule", prepare_schedule, 0);
    instructions_require (self->n_timers == JOBS, "%zu timers", self->n_timers);
    self->now.wall.us += 2 * BF_HOUR_US;
    self->now.boot.us += 2 * BF_HOUR_US;
    run_path (self, "fire", NULL, 0);
    instructions_require (self->n_ready == JOBS, "%zu runs are ready", self->n_ready);
    run_path (self, "claim", prepare_claim, 0);
    instructions_require (self->n_tokens == JOBS, "%zu leases", self->n_tokens);
    run_path (self, "complete", prepare_complete, 0);
    run_path (self, NULL, prepare_schedule, JOBS);
    run_path (self, "cancel", prepare_cancel, JOBS);

    bf_ledger_close (&self->ledger);
    bf_arena_destroy (&self->answers);
    bf_arena_destroy (&self->items);
    bf_arena_destroy (&self->requests);
    temp_remove (directory);
    free (self);
}
