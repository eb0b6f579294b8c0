/* SPDX-License-Identifier: MPL-2.0
 *
 * The dispatcher's core in a long random conversation with a store that judges on its rows,
 * gives less than was proposed, cancels behind its back and takes leases back; with bots
 * that repeat and run out of patience. No run may be lost or leased twice, no claim
 * forgotten, no timer unproposed.
 */
#include "core/dispatch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/hash.h"
#include "tests/support/cmocka.h"

enum {
    QUEUES = 3,
    JOBS = 300,
    CLIENTS = 12,
    CALLS = 40000,
    STEPS = 12000,
    SLICE = 25, /* rows in one answer to a refill */
    INBOX = 4096,
};

typedef enum { ABSENT, READY, LEASED } row_state;

typedef struct {
    row_state state;
    uint32_t ordinal;
    int64_t ready_us;
} row_t;

typedef enum { RECALL, PROPOSE, REFILL } item_kind;

/* One item of the store's inbox; a proposal for one claim, or timers for nobody. */
typedef struct {
    item_kind kind;
    uint64_t call; /* 0: nobody */
    uint32_t queue;
    bf_ready runs[8];
    size_t n_runs;
    uint64_t timer_jobs[32];
    size_t n_timers;
    uint64_t batch;
} item_t;

/* What a client waits for. */
typedef enum { NEVER_SENT, OUT, ANSWERED, EMPTY, SUPERSEDED } call_state;

typedef struct {
    bf_dispatch *dispatch;
    row_t rows[JOBS];
    item_t inbox[INBOX];
    size_t first, count;
    call_state calls[CALLS];
    bool answered_before[CLIENTS]; /* what the store remembers of the client's request */
    uint64_t current[CLIENTS];     /* the client's newest call; 0: idle */
    unsigned request[CLIENTS];
    uint64_t last_call;
    uint64_t last_batch;
    uint64_t settled;
    size_t client_of[CALLS];
    unsigned leased;
    int64_t now;
    uint64_t seed;
} walk_t;

static uint64_t
roll (walk_t *walk, uint64_t sides)
{
    walk->seed += UINT64_C (0x9e3779b97f4a7c15);
    return bf_mix (walk->seed) % sides;
}

static item_t *
post (walk_t *walk, item_kind kind)
{
    assert_true (walk->count < INBOX);
    item_t *item = &walk->inbox[(walk->first + walk->count++) % INBOX];
    memset (item, 0, sizeof *item);
    item->kind = kind;
    return item;
}

static void
on_propose (void *context, uint64_t batch, const bf_timer *timers, size_t n_timers,
            const bf_assignment *assignments, size_t n_assignments)
{
    walk_t *walk = context;
    bool given[32] = {false};
    for (size_t i = 0; i < n_assignments; i++) {
        const bf_assignment *from = &assignments[i];
        item_t *item = post (walk, PROPOSE);
        item->call = from->call;
        assert_int_equal (walk->calls[from->call], OUT);
        assert_true (from->n_runs + from->n_timers > 0 && from->n_runs <= 8);
        for (size_t j = 0; j < from->n_runs; j++) {
            item->runs[item->n_runs++] = from->runs[j];
        }
        for (size_t j = 0; j < from->n_timers; j++) {
            assert_false (given[from->timers[j]]);
            given[from->timers[j]] = true;
            item->timer_jobs[item->n_timers++] = timers[from->timers[j]].job;
        }
    }
    item_t *rest = post (walk, PROPOSE);
    rest->batch = batch;
    for (size_t i = 0; i < n_timers; i++) {
        if (!given[i]) {
            rest->timer_jobs[rest->n_timers++] = timers[i].job;
        }
    }
}

static void
on_recall (void *context, uint64_t call)
{
    post (context, RECALL)->call = call;
}

static void
end_call (walk_t *walk, uint64_t call, call_state state)
{
    assert_int_equal (walk->calls[call], OUT);
    walk->calls[call] = state;
    size_t client = walk->client_of[call];
    if (state != SUPERSEDED && walk->current[client] == call) {
        walk->current[client] = 0;
        walk->request[client]++;
        walk->answered_before[client] = false;
    }
}

static void
on_answer_empty (void *context, uint64_t call)
{
    end_call (context, call, EMPTY);
}

static void
on_superseded (void *context, uint64_t call)
{
    end_call (context, call, SUPERSEDED);
}

static void
on_refill (void *context, uint32_t queue, uint32_t limit)
{
    assert_int_equal (limit, BF_HEADS);
    post (context, REFILL)->queue = queue;
}

static uint32_t
queue_of (uint64_t job)
{
    return (uint32_t)(job % QUEUES) + 1;
}

static bf_ready
ready_of (const walk_t *walk, uint64_t job)
{
    return (bf_ready){.queue = queue_of (job),
                      .ready_us = walk->rows[job].ready_us,
                      .job = job,
                      .ordinal = walk->rows[job].ordinal};
}

static void
make_ready (walk_t *walk, uint64_t job, bool old_place)
{
    row_t *row = &walk->rows[job];
    row->state = READY;
    if (!old_place) {
        row->ready_us = walk->now;
    }
    assert_int_equal (bf_dispatch_ready (walk->dispatch, ready_of (walk, job)), BF_OK);
}

static int
compare (const void *a, const void *b)
{
    const bf_ready *left = a, *right = b;
    if (left->ready_us != right->ready_us) {
        return left->ready_us < right->ready_us ? -1 : 1;
    }
    return left->job < right->job ? -1 : 1;
}

static void
judge_refill (walk_t *walk, uint32_t queue)
{
    bf_ready runs[JOBS];
    size_t count = 0;
    for (uint64_t job = 0; job < JOBS; job++) {
        if (queue_of (job) == queue && walk->rows[job].state == READY) {
            runs[count++] = ready_of (walk, job);
        }
    }
    qsort (runs, count, sizeof runs[0], compare);
    size_t told = count < SLICE ? count : SLICE;
    assert_int_equal (
        bf_dispatch_refilled (walk->dispatch, queue, runs, told, told < count), BF_OK);
}

static void
lease (walk_t *walk, uint64_t job)
{
    assert_int_equal (walk->rows[job].state, READY);
    walk->rows[job].state = LEASED;
    walk->leased++;
}

/* Leases what still holds, sometimes less: what is left of it is ready, and told. */
static void
judge_proposal (walk_t *walk, const item_t *item)
{
    size_t most = roll (walk, 4) == 0 ? 1 : 32, given = 0;
    for (size_t i = 0; i < item->n_runs; i++) {
        const row_t *row = &walk->rows[item->runs[i].job];
        if (row->state != READY || row->ordinal != item->runs[i].ordinal) {
            continue;
        }
        if (given < most) {
            lease (walk, item->runs[i].job);
            given++;
        } else {
            make_ready (walk, item->runs[i].job, true);
        }
    }
    for (size_t i = 0; i < item->n_timers; i++) {
        row_t *row = &walk->rows[item->timer_jobs[i]];
        assert_int_equal (row->state, ABSENT);
        row->ordinal++;
        row->ready_us = walk->now;
        row->state = READY;
        if (item->call != 0 && given < most && roll (walk, 5) > 0) {
            lease (walk, item->timer_jobs[i]);
            given++;
        } else {
            make_ready (walk, item->timer_jobs[i], true);
        }
    }
    if (item->batch > 0) {
        walk->settled = item->batch;
    }
    if (item->call != 0) {
        if (given > 0) {
            walk->answered_before[walk->client_of[item->call]] = true;
            end_call (walk, item->call, ANSWERED);
        }
        bf_dispatch_resolved (walk->dispatch, item->call, given > 0);
    }
}

static void
judge (walk_t *walk)
{
    item_t item = walk->inbox[walk->first];
    walk->first = (walk->first + 1) % INBOX;
    walk->count--;
    if (item.kind == REFILL) {
        judge_refill (walk, item.queue);
    } else if (item.kind == PROPOSE) {
        judge_proposal (walk, &item);
    } else {
        bool done = walk->answered_before[walk->client_of[item.call]];
        if (done) {
            end_call (walk, item.call, ANSWERED);
        }
        bf_dispatch_resolved (walk->dispatch, item.call, done);
    }
}

static void
send_claim (walk_t *walk, size_t client)
{
    static const char *const types[] = {"a", "b", "c", "never"};
    /* A repeat asks for the same as the request that it repeats. */
    uint64_t same = bf_mix (walk->request[client] * 64 + client);
    const char *wanted[2] = {types[same % 4], types[same / 4 % 3]};
    char name[16], request[16];
    snprintf (name, sizeof name, "bot%zu", client);
    snprintf (request, sizeof request, "%u", walk->request[client]);
    uint64_t call = ++walk->last_call;
    assert_true (call < CALLS);
    const bf_claim claim = {.call = call,
                            .client = name,
                            .request_id = request,
                            .ns = "default",
                            .types = wanted,
                            .n_types = 2,
                            .max = (uint32_t)(same / 16 % 8) + 1,
                            .until = {walk->now + (int64_t)roll (walk, 400)}};
    walk->calls[call] = OUT;
    walk->client_of[call] = client;
    walk->current[client] = call;
    assert_int_equal (bf_dispatch_claim (walk->dispatch, &claim), BF_OK);
}

static void
fire (walk_t *walk)
{
    bf_timer timers[32];
    size_t count = 0;
    if (walk->settled != walk->last_batch) {
        return;
    }
    for (uint64_t i = roll (walk, 20); i > 0; i--) {
        uint64_t job = roll (walk, JOBS);
        bool twice = false;
        for (size_t j = 0; j < count; j++) {
            twice = twice || timers[j].job == job;
        }
        if (!twice && walk->rows[job].state == ABSENT) {
            timers[count++] = (bf_timer){.job = job, .queue = queue_of (job)};
        }
    }
    if (count > 0) {
        assert_int_equal (
            bf_dispatch_due (walk->dispatch, ++walk->last_batch, timers, count), BF_OK);
    }
}

/* A bot settles, a lease comes back, or a command cancels a run that is ready. */
static void
disturb (walk_t *walk)
{
    uint64_t job = roll (walk, JOBS);
    row_t *row = &walk->rows[job];
    if (row->state == LEASED) {
        if (roll (walk, 3) == 0) {
            make_ready (walk, job, roll (walk, 2) == 0);
        } else {
            row->state = ABSENT;
        }
    } else if (row->state == READY && roll (walk, 4) == 0) {
        row->state = ABSENT;
    }
}

static void
step (walk_t *walk)
{
    walk->now++;
    for (uint64_t i = roll (walk, 5); i > 0; i--) {
        switch (roll (walk, 6)) {
        case 0:
            send_claim (walk, (size_t)roll (walk, CLIENTS));
            break;
        case 1:
            fire (walk);
            break;
        case 2:
            disturb (walk);
            break;
        case 3:
            bf_dispatch_tick (walk->dispatch, (bf_boot){walk->now});
            break;
        default:
            if (walk->count > 0) {
                judge (walk);
            }
        }
    }
    bf_dispatch_serve (walk->dispatch);
}

/* No more timers: every ready run must find a claim. */
static void
drain (walk_t *walk)
{
    for (unsigned rounds = 0; rounds < 4000; rounds++) {
        size_t ready = 0;
        for (size_t job = 0; job < JOBS; job++) {
            ready += walk->rows[job].state == READY;
        }
        if (ready == 0 && walk->count == 0) {
            return;
        }
        walk->now++;
        bf_dispatch_tick (walk->dispatch, (bf_boot){walk->now});
        for (size_t client = 0; client < CLIENTS; client++) {
            if (walk->current[client] == 0) {
                send_claim (walk, client);
            }
        }
        while (walk->count > 0) {
            judge (walk);
        }
        bf_dispatch_serve (walk->dispatch);
    }
    fail_msg ("a run that is ready found no claim");
}

static void
test_walk (void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        walk_t *walk = calloc (1, sizeof *walk);
        assert_non_null (walk);
        walk->seed = seed << 32;
        const bf_dispatch_out out = {.context = walk,
                                     .propose = on_propose,
                                     .recall = on_recall,
                                     .answer_empty = on_answer_empty,
                                     .superseded = on_superseded,
                                     .refill = on_refill};
        walk->dispatch = bf_dispatch_new (&out, seed);
        for (uint32_t queue = 1; queue <= QUEUES; queue++) {
            const char type[2] = {(char)('a' + queue - 1), '\0'};
            assert_int_equal (
                bf_dispatch_queue (walk->dispatch, queue, "default", type, true), BF_OK);
        }
        for (unsigned i = 0; i < STEPS; i++) {
            step (walk);
        }
        drain (walk);
        bf_dispatch_release (walk->dispatch);
        while (walk->count > 0) {
            judge (walk);
        }
        assert_int_equal (bf_dispatch_waiting (walk->dispatch), 0);
        for (uint64_t call = 1; call <= walk->last_call; call++) {
            assert_int_not_equal (walk->calls[call], OUT);
        }
        assert_true (walk->leased > 2000);
        bf_dispatch_destroy (&walk->dispatch);
        free (walk);
    }
}

int
main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_walk),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
