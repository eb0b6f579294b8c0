/* SPDX-License-Identifier: MPL-2.0
 *
 * The dispatcher's core: what a claim goes through, who is served first and with what. A
 * recorder stands for the store and the gateway: each callback becomes a line, and a test
 * reads like the conversation. A random one, with a store that judges, is in
 * test_dispatch_walk.c.
 */
#include "core/dispatch.h"

#include <stdio.h>
#include <string.h>

#include "tests/support/cmocka.h"

typedef struct {
    bf_dispatch *dispatch;
    char said[16384];
    size_t used;
} rig_t;

__attribute__ ((format (printf, 2, 3))) static void
say (rig_t *rig, const char *format, ...)
{
    va_list arguments;
    va_start (arguments, format);
    int length =
        vsnprintf (rig->said + rig->used, sizeof rig->said - rig->used, format, arguments);
    va_end (arguments);
    rig->used += (size_t)length;
    assert_true (rig->used < sizeof rig->said);
}

/* "propose BATCH; CALL: runs as JOB.ORDINAL, timers as tINDEX; …" */
static void
on_propose (void *context, uint64_t batch, const bf_timer *timers, size_t n_timers,
            const bf_assignment *assignments, size_t n_assignments)
{
    rig_t *rig = context;
    assert_true ((timers != NULL) == (n_timers > 0));
    say (rig, "propose %d", (int)batch);
    for (size_t i = 0; i < n_assignments; i++) {
        const bf_assignment *given = &assignments[i];
        say (rig, "; %d:", (int)given->call);
        for (size_t j = 0; j < given->n_runs; j++) {
            say (rig, " %d.%d", (int)given->runs[j].job, (int)given->runs[j].ordinal);
        }
        for (size_t j = 0; j < given->n_timers; j++) {
            assert_true (given->timers[j] < n_timers);
            say (rig, " t%d", (int)given->timers[j]);
        }
    }
    say (rig, "\n");
}

static void
on_recall (void *context, uint64_t call)
{
    say (context, "recall %d\n", (int)call);
}

static void
on_answer_empty (void *context, uint64_t call)
{
    say (context, "empty %d\n", (int)call);
}

static void
on_superseded (void *context, uint64_t call)
{
    say (context, "superseded %d\n", (int)call);
}

static void
on_refill (void *context, uint32_t queue, uint32_t limit)
{
    assert_int_equal (limit, BF_HEADS);
    say (context, "refill %d\n", (int)queue);
}

static int
set_up (void **state)
{
    static rig_t rig;
    memset (&rig, 0, sizeof rig);
    const bf_dispatch_out out = {.context = &rig,
                                 .propose = on_propose,
                                 .recall = on_recall,
                                 .answer_empty = on_answer_empty,
                                 .superseded = on_superseded,
                                 .refill = on_refill};
    rig.dispatch = bf_dispatch_new (&out, 5);
    *state = &rig;
    return rig.dispatch != NULL ? 0 : -1;
}

static int
tear_down (void **state)
{
    rig_t *rig = *state;
    bf_dispatch_destroy (&rig->dispatch);
    assert_null (rig->dispatch);
    bf_dispatch_destroy (&rig->dispatch);
    return 0;
}

/* What was said since the last time, all of it. */
static void
expect (rig_t *rig, const char *said)
{
    assert_string_equal (rig->said, said);
    rig->used = 0;
    rig->said[0] = '\0';
}

/* The claims of these tests wait until 200. */
enum { UNTIL = 200 };

static void
claim (rig_t *rig, uint64_t call, const char *request, uint32_t max, const char *first,
       const char *second)
{
    const char *types[] = {first, second};
    const bf_claim wanted = {.call = call,
                             .client = "bot",
                             .request_id = request,
                             .ns = "default",
                             .types = types,
                             .n_types = second != NULL ? 2 : 1,
                             .max = max,
                             .until = {UNTIL}};
    assert_int_equal (bf_dispatch_claim (rig->dispatch, &wanted), BF_OK);
}

static void
held_nothing (rig_t *rig, uint64_t call)
{
    bf_dispatch_resolved (rig->dispatch, call, false);
}

static void
answered (rig_t *rig, uint64_t call)
{
    bf_dispatch_resolved (rig->dispatch, call, true);
}

/* A claim, recalled and parked; call N is request "rN". */
static void
park (rig_t *rig, uint64_t call, uint32_t max, const char *first, const char *second)
{
    char request[16], said[64];
    snprintf (request, sizeof request, "r%d", (int)call);
    snprintf (said, sizeof said, "recall %d\n", (int)call);
    claim (rig, call, request, max, first, second);
    expect (rig, said);
    held_nothing (rig, call);
    expect (rig, "");
}

static void
queue (rig_t *rig, uint32_t id, const char *type, bool more)
{
    assert_int_equal (bf_dispatch_queue (rig->dispatch, id, "default", type, more), BF_OK);
}

static bf_ready
run (uint32_t id, int64_t ready_us, uint64_t job)
{
    return (bf_ready){.queue = id, .ready_us = ready_us, .job = job, .ordinal = 1};
}

static void
ready (rig_t *rig, uint32_t id, int64_t ready_us, uint64_t job)
{
    assert_int_equal (bf_dispatch_ready (rig->dispatch, run (id, ready_us, job)), BF_OK);
}

static void
serve (rig_t *rig, const char *said)
{
    bf_dispatch_serve (rig->dispatch);
    expect (rig, said);
}

/* One timer for each letter: 'a' is queue 1, 'b' queue 2, … */
static void
due (rig_t *rig, uint64_t batch, const char *queues, const char *said)
{
    bf_timer timers[64];
    size_t count = strlen (queues);
    for (size_t i = 0; i < count; i++) {
        timers[i] = (bf_timer){.source = i % 2 == 0 ? BF_SOURCE_SLOT_WALL : BF_SOURCE_RUN,
                               .job = i + 1,
                               .queue = (uint32_t)(queues[i] - 'a') + 1};
    }
    assert_int_equal (bf_dispatch_due (rig->dispatch, batch, timers, count), BF_OK);
    expect (rig, said);
}

static void
test_claim_before_work (void **state)
{
    rig_t *rig = *state;
    queue (rig, 1, "turn", false);
    assert_int_equal (bf_dispatch_waiting (rig->dispatch), 0);
    claim (rig, 1, "r1", 1, "turn", NULL);
    expect (rig, "recall 1\n");
    assert_int_equal (bf_dispatch_waiting (rig->dispatch), 1);
    ready (rig, 1, 10, 7);
    serve (rig, "");
    held_nothing (rig, 1);
    serve (rig, "propose 0; 1: 7.1\n");
    assert_int_equal (bf_dispatch_waiting (rig->dispatch), 1);
    serve (rig, "");
    answered (rig, 1);
    assert_int_equal (bf_dispatch_waiting (rig->dispatch), 0);
    serve (rig, "");
}

static void
test_recalled_and_answered (void **state)
{
    rig_t *rig = *state;
    queue (rig, 1, "turn", false);
    ready (rig, 1, 10, 7);
    claim (rig, 1, "r1", 1, "turn", NULL);
    answered (rig, 1);
    serve (rig, "recall 1\n");
    assert_int_equal (bf_dispatch_waiting (rig->dispatch), 0);
    answered (rig, 1);
    held_nothing (rig, 1);
    held_nothing (rig, 99);
    serve (rig, "");
}

static void
test_first_come_first_served (void **state)
{
    rig_t *rig = *state;
    queue (rig, 1, "turn", false);
    park (rig, 1, 1, "turn", NULL);
    park (rig, 2, 2, "turn", NULL);
    park (rig, 3, 5, "turn", NULL);
    ready (rig, 1, 30, 1);
    ready (rig, 1, 10, 9);
    ready (rig, 1, 20, 5);
    ready (rig, 1, 20, 4);
    serve (rig, "propose 0; 1: 9.1\npropose 0; 2: 4.1 5.1\npropose 0; 3: 1.1\n");
}

static void
test_nothing_held_keeps_the_place_in_line (void **state)
{
    rig_t *rig = *state;
    queue (rig, 1, "turn", false);
    for (uint64_t call = 1; call <= 4; call++) {
        park (rig, call, 1, "turn", NULL);
    }
    ready (rig, 1, 10, 1);
    ready (rig, 1, 10, 2);
    ready (rig, 1, 10, 3);
    serve (rig, "propose 0; 1: 1.1\npropose 0; 2: 2.1\npropose 0; 3: 3.1\n");
    held_nothing (rig, 3);
    held_nothing (rig, 1);
    held_nothing (rig, 2);
    for (uint64_t job = 4; job <= 7; job++) {
        ready (rig, 1, 20, job);
    }
    serve (rig, "propose 0; 1: 4.1\npropose 0; 2: 5.1\npropose 0; 3: 6.1\n"
                "propose 0; 4: 7.1\n");
}

static void
test_several_queues (void **state)
{
    rig_t *rig = *state;
    queue (rig, 1, "turn", false);
    queue (rig, 2, "season", false);
    ready (rig, 1, 20, 1);
    ready (rig, 2, 10, 2);
    ready (rig, 1, 30, 3);
    ready (rig, 2, 40, 4);
    park (rig, 1, 3, "turn", "season");
    serve (rig, "propose 0; 1: 2.1 1.1 3.1\n");
    park (rig, 2, 3, "season", "turn");
    serve (rig, "propose 0; 2: 4.1\n");
    /* It waits in both lines, and leaves both. */
    park (rig, 3, 1, "turn", "season");
    park (rig, 4, 1, "season", NULL);
    ready (rig, 2, 50, 5);
    serve (rig, "propose 0; 3: 5.1\n");
    ready (rig, 1, 50, 6);
    ready (rig, 2, 50, 7);
    serve (rig, "propose 0; 4: 7.1\n");
}

static void
test_the_same_type_twice (void **state)
{
    rig_t *rig = *state;
    queue (rig, 1, "turn", false);
    park (rig, 1, 2, "turn", "turn");
    due (rig, 1, "aaa", "propose 1; 1: t0 t1\n");
    held_nothing (rig, 1);
    ready (rig, 1, 10, 1);
    serve (rig, "propose 0; 1: 1.1\n");
}

static void
test_namespaces_are_apart (void **state)
{
    rig_t *rig = *state;
    assert_int_equal (bf_dispatch_queue (rig->dispatch, 1, "other", "turn", false), BF_OK);
    assert_int_equal (bf_dispatch_queue (rig->dispatch, 2, "defaultturn", "", false),
                      BF_OK);
    park (rig, 1, 1, "turn", NULL);
    ready (rig, 1, 10, 1);
    ready (rig, 2, 10, 2);
    serve (rig, "");
    due (rig, 1, "ab", "propose 1\n");
}

static void
test_queue_announced_later (void **state)
{
    rig_t *rig = *state;
    assert_int_equal (bf_dispatch_ready (rig->dispatch, run (1, 10, 1)), BF_ENOTFOUND);
    assert_int_equal (bf_dispatch_refilled (rig->dispatch, 1, NULL, 0, false),
                      BF_ENOTFOUND);
    park (rig, 1, 1, "turn", NULL);
    park (rig, 2, 1, "turn", "season");
    due (rig, 1, "a", "propose 1\n");
    serve (rig, "");
    queue (rig, 1, "turn", false);
    ready (rig, 1, 10, 1);
    serve (rig, "propose 0; 1: 1.1\n");
    due (rig, 2, "a", "propose 2; 2: t0\n");
    /* Announced with rows. */
    park (rig, 3, 1, "draw", NULL);
    queue (rig, 3, "draw", true);
    serve (rig, "refill 3\n");
}

static void
test_timers_go_to_waiting_claims (void **state)
{
    rig_t *rig = *state;
    queue (rig, 1, "turn", false);
    queue (rig, 2, "season", false);
    due (rig, 1, "ab", "propose 1\n");
    park (rig, 1, 1, "turn", NULL);
    park (rig, 2, 3, "turn", "season");
    park (rig, 3, 2, "season", NULL);
    /* One each, then up to max: t3 is the first that finds nobody without, and goes to the
     * longest waiting with room. */
    due (rig, 2, "aabbaaa", "propose 2; 1: t0; 2: t1 t3 t4; 3: t2\n");
    held_nothing (rig, 1);
    answered (rig, 2);
    held_nothing (rig, 3);
    due (rig, 3, "ba", "propose 3; 3: t0; 1: t1\n");
    due (rig, 4, "ab", "propose 4\n");
}

static void
test_timers_are_spread_before_claims_are_filled (void **state)
{
    rig_t *rig = *state;
    queue (rig, 1, "turn", false);
    for (uint64_t call = 1; call <= 3; call++) {
        park (rig, call, 2, "turn", NULL);
    }
    due (rig, 1, "aaaa", "propose 1; 1: t0 t3; 2: t1; 3: t2\n");
    answered (rig, 1);
    held_nothing (rig, 2);
    held_nothing (rig, 3);
    due (rig, 2, "aaaaaa", "propose 2; 2: t0 t2; 3: t1 t3\n");
}

static void
test_ready_runs_go_before_timers (void **state)
{
    rig_t *rig = *state;
    queue (rig, 1, "turn", false);
    queue (rig, 2, "season", true);
    park (rig, 1, 1, "turn", NULL);
    park (rig, 2, 1, "turn", NULL);
    park (rig, 3, 1, "season", NULL);
    ready (rig, 1, 10, 1);
    due (rig, 1, "aab", "refill 2\npropose 0; 1: 1.1\npropose 1; 2: t0\n");
    /* Three heads and nobody there, then somebody: the heads go first. */
    ready (rig, 1, 20, 2);
    ready (rig, 1, 20, 3);
    park (rig, 4, 1, "turn", NULL);
    due (rig, 2, "a", "propose 0; 4: 2.1\npropose 2\n");
}

static void
test_refill (void **state)
{
    rig_t *rig = *state;
    queue (rig, 1, "turn", true);
    serve (rig, "");
    park (rig, 1, 2, "turn", NULL);
    serve (rig, "refill 1\n");
    queue (rig, 1, "turn", true);
    serve (rig, "");
    const bf_ready rows[] = {run (1, 10, 1), run (1, 20, 2), run (1, 30, 3)};
    /* Beyond what is known: the refill will tell it. */
    ready (rig, 1, 30, 3);
    assert_int_equal (bf_dispatch_refilled (rig->dispatch, 1, rows, 3, true), BF_OK);
    serve (rig, "propose 0; 1: 1.1 2.1\nrefill 1\n");
    /* The rows still have what is in flight: it is not offered again. */
    assert_int_equal (bf_dispatch_refilled (rig->dispatch, 1, rows, 3, false), BF_OK);
    park (rig, 2, 5, "turn", NULL);
    serve (rig, "propose 0; 2: 3.1\n");
    answered (rig, 1);
    answered (rig, 2);
    park (rig, 3, 5, "turn", NULL);
    serve (rig, "");
    ready (rig, 1, 40, 4);
    serve (rig, "propose 0; 3: 4.1\n");
}

static void
test_refill_replaces_what_was_kept (void **state)
{
    rig_t *rig = *state;
    queue (rig, 1, "turn", false);
    ready (rig, 1, 10, 1);
    ready (rig, 1, 20, 2);
    queue (rig, 1, "turn", true);
    const bf_ready rows[] = {run (1, 5, 9), run (1, 20, 2)};
    assert_int_equal (bf_dispatch_refilled (rig->dispatch, 1, rows, 2, false), BF_OK);
    park (rig, 1, 5, "turn", NULL);
    serve (rig, "propose 0; 1: 9.1 2.1\n");
}

static void
test_refill_before_the_heads_run_out (void **state)
{
    rig_t *rig = *state;
    static bf_ready rows[BF_HEADS];
    for (uint64_t i = 0; i < BF_HEADS; i++) {
        rows[i] = run (1, (int64_t)i, i + 1);
    }
    queue (rig, 1, "turn", true);
    assert_int_equal (bf_dispatch_refilled (rig->dispatch, 1, rows, BF_HEADS, true), BF_OK);
    uint64_t call = 1;
    for (; call <= BF_HEADS * 3 / 4; call++) {
        char said[64];
        park (rig, call, 1, "turn", NULL);
        snprintf (said, sizeof said, "propose 0; %d: %d.1\n", (int)call, (int)call);
        serve (rig, said);
        answered (rig, call);
    }
    park (rig, call, 1, "turn", NULL);
    serve (rig, "propose 0; 751: 751.1\nrefill 1\n");
}

static void
test_told_that_there_is_no_more (void **state)
{
    rig_t *rig = *state;
    queue (rig, 1, "turn", true);
    queue (rig, 1, "turn", false);
    park (rig, 1, 1, "turn", NULL);
    serve (rig, "");
    due (rig, 1, "a", "propose 1; 1: t0\n");
}

static void
test_came_back_before_its_claim_was_resolved (void **state)
{
    rig_t *rig = *state;
    queue (rig, 1, "turn", false);
    park (rig, 1, 2, "turn", NULL);
    park (rig, 2, 2, "turn", NULL);
    ready (rig, 1, 10, 1);
    serve (rig, "propose 0; 1: 1.1\n");
    ready (rig, 1, 20, 1);
    serve (rig, "propose 0; 2: 1.1\n");
    /* The first claim's end does not end the second one's hold on the run. */
    held_nothing (rig, 1);
    const bf_ready rows[] = {run (1, 20, 1)};
    assert_int_equal (bf_dispatch_refilled (rig->dispatch, 1, rows, 1, false), BF_OK);
    serve (rig, "");
    held_nothing (rig, 2);
    assert_int_equal (bf_dispatch_refilled (rig->dispatch, 1, rows, 1, false), BF_OK);
    serve (rig, "propose 0; 1: 1.1\n");
}

static void
test_came_back_and_is_refilled (void **state)
{
    rig_t *rig = *state;
    queue (rig, 1, "turn", false);
    park (rig, 1, 1, "turn", NULL);
    ready (rig, 1, 10, 1);
    serve (rig, "propose 0; 1: 1.1\n");
    /* It is not in flight any more, although that claim is not resolved. */
    ready (rig, 1, 20, 1);
    const bf_ready rows[] = {run (1, 20, 1)};
    assert_int_equal (bf_dispatch_refilled (rig->dispatch, 1, rows, 1, false), BF_OK);
    park (rig, 2, 1, "turn", NULL);
    serve (rig, "propose 0; 2: 1.1\n");
}

static void
test_in_flight_is_known (void **state)
{
    rig_t *rig = *state;
    queue (rig, 1, "turn", false);
    park (rig, 1, 1, "turn", NULL);
    ready (rig, 1, 10, 1);
    serve (rig, "propose 0; 1: 1.1\n");
    const bf_ready rows[] = {run (1, 10, 1)};
    assert_int_equal (bf_dispatch_refilled (rig->dispatch, 1, rows, 1, true), BF_OK);
    serve (rig, "refill 1\n");
    /* Within the horizon, so it need not wait for the refill. */
    ready (rig, 1, 10, 1);
    park (rig, 2, 1, "turn", NULL);
    serve (rig, "propose 0; 2: 1.1\n");
}

static void
test_only_what_is_with_the_store_is_resolved (void **state)
{
    rig_t *rig = *state;
    queue (rig, 1, "turn", false);
    park (rig, 1, 0, "turn", NULL);
    answered (rig, 1);
    held_nothing (rig, 1);
    assert_int_equal (bf_dispatch_waiting (rig->dispatch), 1);
    /* A max of 0 counts as 1. */
    ready (rig, 1, 10, 1);
    serve (rig, "propose 0; 1: 1.1\n");
}

static void
test_repeated_while_parked (void **state)
{
    rig_t *rig = *state;
    queue (rig, 1, "turn", false);
    park (rig, 1, 1, "turn", NULL);
    park (rig, 2, 1, "turn", NULL);
    claim (rig, 3, "r1", 1, "turn", NULL);
    expect (rig, "superseded 1\n");
    claim (rig, 4, "r1", 1, "turn", NULL);
    expect (rig, "superseded 3\n");
    assert_int_equal (bf_dispatch_waiting (rig->dispatch), 2);
    answered (rig, 1);
    answered (rig, 3);
    assert_int_equal (bf_dispatch_waiting (rig->dispatch), 2);
    ready (rig, 1, 10, 1);
    serve (rig, "propose 0; 4: 1.1\n");
}

static void
test_repeated_while_recalled (void **state)
{
    rig_t *rig = *state;
    queue (rig, 1, "turn", false);
    claim (rig, 1, "r1", 1, "turn", NULL);
    expect (rig, "recall 1\n");
    claim (rig, 2, "r1", 1, "turn", NULL);
    expect (rig, "");
    claim (rig, 3, "r1", 1, "turn", NULL);
    expect (rig, "superseded 2\n");
    held_nothing (rig, 2);
    held_nothing (rig, 3);
    expect (rig, "");
    held_nothing (rig, 1);
    expect (rig, "superseded 1\n");
    assert_int_equal (bf_dispatch_waiting (rig->dispatch), 1);
    due (rig, 1, "a", "propose 1; 3: t0\n");
    answered (rig, 3);
    assert_int_equal (bf_dispatch_waiting (rig->dispatch), 0);
}

static void
test_repeated_while_proposed (void **state)
{
    rig_t *rig = *state;
    queue (rig, 1, "turn", false);
    park (rig, 1, 1, "turn", NULL);
    ready (rig, 1, 10, 1);
    serve (rig, "propose 0; 1: 1.1\n");
    claim (rig, 2, "r1", 1, "turn", NULL);
    expect (rig, "");
    /* The older call had the answer: the store repeats it for the newer one. */
    answered (rig, 1);
    expect (rig, "recall 2\n");
    assert_int_equal (bf_dispatch_waiting (rig->dispatch), 1);
    answered (rig, 2);
    assert_int_equal (bf_dispatch_waiting (rig->dispatch), 0);
    expect (rig, "");
}

static void
test_repeated_while_proposed_in_vain (void **state)
{
    rig_t *rig = *state;
    queue (rig, 1, "turn", false);
    park (rig, 1, 1, "turn", NULL);
    park (rig, 2, 1, "turn", NULL);
    due (rig, 1, "a", "propose 1; 1: t0\n");
    claim (rig, 3, "r1", 1, "turn", NULL);
    held_nothing (rig, 1);
    expect (rig, "superseded 1\n");
    ready (rig, 1, 10, 1);
    serve (rig, "propose 0; 3: 1.1\n");
}

static void
test_other_requests_are_other_claims (void **state)
{
    rig_t *rig = *state;
    static const struct {
        const char *client;
        const char *request;
    } rows[] = {{"bot", "r1"}, {"bot", "r"}, {"botr", "1"}, {"bo", "tr1"}, {"", "botr1"}};
    const char *type = "turn";
    for (uint64_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const bf_claim wanted = {.call = i + 1,
                                 .client = rows[i].client,
                                 .request_id = rows[i].request,
                                 .ns = "default",
                                 .types = &type,
                                 .n_types = 1,
                                 .max = 1,
                                 .until = {UNTIL}};
        assert_int_equal (bf_dispatch_claim (rig->dispatch, &wanted), BF_OK);
    }
    expect (rig, "recall 1\nrecall 2\nrecall 3\nrecall 4\nrecall 5\n");
    assert_int_equal (bf_dispatch_waiting (rig->dispatch), 5);
}

static void
test_time_is_up (void **state)
{
    rig_t *rig = *state;
    queue (rig, 1, "turn", false);
    assert_true (bf_dispatch_next (rig->dispatch).us == INT64_MAX);
    claim (rig, 1, "r1", 1, "turn", NULL);
    expect (rig, "recall 1\n");
    /* The store has it: no time-out yet. */
    assert_true (bf_dispatch_next (rig->dispatch).us == INT64_MAX);
    bf_dispatch_tick (rig->dispatch, (bf_boot){UNTIL});
    expect (rig, "");
    held_nothing (rig, 1);
    park (rig, 2, 1, "turn", NULL);
    assert_true (bf_dispatch_next (rig->dispatch).us == UNTIL);
    bf_dispatch_tick (rig->dispatch, (bf_boot){UNTIL - 1});
    expect (rig, "");
    ready (rig, 1, 10, 1);
    serve (rig, "propose 0; 1: 1.1\n");
    bf_dispatch_tick (rig->dispatch, (bf_boot){UNTIL});
    expect (rig, "empty 2\n");
    assert_true (bf_dispatch_next (rig->dispatch).us == INT64_MAX);
    assert_int_equal (bf_dispatch_waiting (rig->dispatch), 1);
    held_nothing (rig, 1);
    bf_dispatch_tick (rig->dispatch, (bf_boot){UNTIL});
    expect (rig, "empty 1\n");
    assert_int_equal (bf_dispatch_waiting (rig->dispatch), 0);
    due (rig, 1, "a", "propose 1\n");
}

static void
test_time_is_up_for_a_repeat (void **state)
{
    rig_t *rig = *state;
    claim (rig, 1, "r1", 1, "turn", NULL);
    claim (rig, 2, "r1", 1, "turn", NULL);
    expect (rig, "recall 1\n");
    held_nothing (rig, 1);
    bf_dispatch_tick (rig->dispatch, (bf_boot){UNTIL});
    expect (rig, "superseded 1\nempty 2\n");
    park (rig, 3, 1, "turn", NULL);
    claim (rig, 4, "r3", 1, "turn", NULL);
    bf_dispatch_tick (rig->dispatch, (bf_boot){UNTIL});
    expect (rig, "superseded 3\nempty 4\n");
}

/* A claim that does not wait gets what is ready at that moment, here or in the rows. */
static void
test_no_wait_gets_what_is_ready (void **state)
{
    rig_t *rig = *state;
    queue (rig, 1, "turn", false);
    ready (rig, 1, 10, 1);
    claim (rig, 1, "r1", 1, "turn", NULL);
    expect (rig, "recall 1\n");
    held_nothing (rig, 1);
    bf_dispatch_tick (rig->dispatch, (bf_boot){UNTIL});
    expect (rig, "propose 0; 1: 1.1\n");
    answered (rig, 1);

    queue (rig, 1, "turn", true);
    claim (rig, 2, "r2", 1, "turn", NULL);
    expect (rig, "recall 2\n");
    held_nothing (rig, 2);
    bf_dispatch_tick (rig->dispatch, (bf_boot){UNTIL});
    expect (rig, "refill 1\n");
    assert_true (bf_dispatch_next (rig->dispatch).us == INT64_MAX);
    const bf_ready row = run (1, 20, 2);
    assert_int_equal (bf_dispatch_refilled (rig->dispatch, 1, &row, 1, false), BF_OK);
    bf_dispatch_tick (rig->dispatch, (bf_boot){UNTIL});
    expect (rig, "propose 0; 2: 2.1\n");

    queue (rig, 1, "turn", true);
    claim (rig, 3, "r3", 1, "turn", NULL);
    expect (rig, "recall 3\n");
    held_nothing (rig, 3);
    bf_dispatch_tick (rig->dispatch, (bf_boot){UNTIL});
    expect (rig, "refill 1\n");
    assert_int_equal (bf_dispatch_refilled (rig->dispatch, 1, NULL, 0, false), BF_OK);
    assert_true (bf_dispatch_next (rig->dispatch).us == UNTIL);
    bf_dispatch_tick (rig->dispatch, (bf_boot){UNTIL});
    expect (rig, "empty 3\n");
}

/* The same request_id for something else is not a repeat. */
static void
test_reused_request (void **state)
{
    rig_t *rig = *state;
    park (rig, 1, 1, "turn", NULL);
    const char *others[] = {"other", "turn"};
    const bf_claim base = {.call = 2,
                           .client = "bot",
                           .request_id = "r1",
                           .ns = "default",
                           .types = &others[1],
                           .n_types = 1,
                           .max = 1,
                           .until = {UNTIL}};
    bf_claim type = base, ns = base, more = base, max = base;
    type.types = others;
    ns.ns = "elsewhere";
    more.types = others;
    more.n_types = 2;
    max.max = 2;
    const bf_claim *reused[] = {&type, &ns, &more, &max};
    for (size_t i = 0; i < sizeof reused / sizeof reused[0]; i++) {
        assert_int_equal (bf_dispatch_claim (rig->dispatch, reused[i]), BF_EREUSED);
        expect (rig, "");
    }
    assert_int_equal (bf_dispatch_claim (rig->dispatch, &base), BF_OK);
    expect (rig, "superseded 1\n");
}

static void
test_release (void **state)
{
    rig_t *rig = *state;
    queue (rig, 1, "turn", false);
    park (rig, 3, 1, "turn", NULL);
    park (rig, 1, 1, "turn", NULL);
    park (rig, 2, 1, "turn", NULL);
    claim (rig, 4, "r4", 1, "turn", NULL);
    expect (rig, "recall 4\n");
    ready (rig, 1, 10, 1);
    serve (rig, "propose 0; 3: 1.1\n");
    bf_dispatch_release (rig->dispatch);
    expect (rig, "empty 1\nempty 2\n");
    held_nothing (rig, 4);
    expect (rig, "empty 4\n");
    held_nothing (rig, 3);
    expect (rig, "empty 3\n");
    claim (rig, 5, "r5", 1, "turn", NULL);
    held_nothing (rig, 5);
    expect (rig, "recall 5\nempty 5\n");
    claim (rig, 6, "r6", 1, "turn", NULL);
    answered (rig, 6);
    expect (rig, "recall 6\n");
    assert_int_equal (bf_dispatch_waiting (rig->dispatch), 0);
}

#define case_of(test) cmocka_unit_test_setup_teardown (test, set_up, tear_down)

int
main (void)
{
    const struct CMUnitTest tests[] = {
        case_of (test_claim_before_work),
        case_of (test_recalled_and_answered),
        case_of (test_first_come_first_served),
        case_of (test_nothing_held_keeps_the_place_in_line),
        case_of (test_several_queues),
        case_of (test_the_same_type_twice),
        case_of (test_namespaces_are_apart),
        case_of (test_queue_announced_later),
        case_of (test_timers_go_to_waiting_claims),
        case_of (test_timers_are_spread_before_claims_are_filled),
        case_of (test_ready_runs_go_before_timers),
        case_of (test_refill),
        case_of (test_refill_replaces_what_was_kept),
        case_of (test_refill_before_the_heads_run_out),
        case_of (test_told_that_there_is_no_more),
        case_of (test_came_back_before_its_claim_was_resolved),
        case_of (test_came_back_and_is_refilled),
        case_of (test_in_flight_is_known),
        case_of (test_only_what_is_with_the_store_is_resolved),
        case_of (test_repeated_while_parked),
        case_of (test_repeated_while_recalled),
        case_of (test_repeated_while_proposed),
        case_of (test_repeated_while_proposed_in_vain),
        case_of (test_other_requests_are_other_claims),
        case_of (test_time_is_up),
        case_of (test_time_is_up_for_a_repeat),
        case_of (test_no_wait_gets_what_is_ready),
        case_of (test_reused_request),
        case_of (test_release),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
