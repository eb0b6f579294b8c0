/* SPDX-License-Identifier: MPL-2.0
 *
 * For the tests of the dispatcher's core: a recorder that stands for the store and the
 * gateway. Each callback becomes a line, and a test reads like the conversation.
 */
#ifndef BF_TESTS_DISPATCH_RIG_H
#define BF_TESTS_DISPATCH_RIG_H

#include "core/dispatch.h"

#include <stdio.h>
#include <string.h>

#include "tests/support/cmocka.h"

typedef struct {
    bf_dispatch *dispatch;
    char said[16384];
    size_t used;
} rig_t;

__attribute__ ((format (printf, 2, 3))) static inline void
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
static inline void
on_propose (void *context, uint64_t batch, const bf_timer *timers, size_t n_timers,
            const bf_assignment *assignments, size_t n_assignments)
{
    rig_t *rig = context;
    assert_true ((timers != NULL) == (n_timers > 0));
    for (size_t i = 0; i < n_timers; i++) {
        assert_true (timers[i].slot_us == (int64_t)timers[i].job * 10);
        assert_true (timers[i].reached_us == (int64_t)timers[i].job * 20);
    }
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

static inline void
on_recall (void *context, uint64_t call)
{
    say (context, "recall %d\n", (int)call);
}

static inline void
on_answer_empty (void *context, uint64_t call)
{
    say (context, "empty %d\n", (int)call);
}

static inline void
on_superseded (void *context, uint64_t call)
{
    say (context, "superseded %d\n", (int)call);
}

static inline void
on_refill (void *context, uint32_t queue, uint32_t limit)
{
    assert_int_equal (limit, BF_HEADS);
    say (context, "refill %d\n", (int)queue);
}

static inline int
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

static inline int
tear_down (void **state)
{
    rig_t *rig = *state;
    bf_dispatch_destroy (&rig->dispatch);
    assert_null (rig->dispatch);
    bf_dispatch_destroy (&rig->dispatch);
    return 0;
}

/* What was said since the last time, all of it. */
static inline void
expect (rig_t *rig, const char *said)
{
    assert_string_equal (rig->said, said);
    rig->used = 0;
    rig->said[0] = '\0';
}

/* The claims of these tests wait until 200. */
enum { UNTIL = 200 };

static inline void
claim_until (rig_t *rig, int64_t until, uint64_t call, const char *request, uint32_t max,
             const char *first, const char *second)
{
    const char *types[] = {first, second};
    const bf_claim wanted = {.call = call,
                             .client = "bot",
                             .request_id = request,
                             .ns = "default",
                             .types = types,
                             .n_types = second != NULL ? 2 : 1,
                             .max = max,
                             .until = {until}};
    assert_int_equal (bf_dispatch_claim (rig->dispatch, &wanted), BF_OK);
}

static inline void
claim (rig_t *rig, uint64_t call, const char *request, uint32_t max, const char *first,
       const char *second)
{
    claim_until (rig, UNTIL, call, request, max, first, second);
}

static inline void
held_nothing (rig_t *rig, uint64_t call)
{
    bf_dispatch_resolved (rig->dispatch, call, false);
}

static inline void
answered (rig_t *rig, uint64_t call)
{
    bf_dispatch_resolved (rig->dispatch, call, true);
}

/* A claim, recalled and parked; call N is request "rN". */
static inline void
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

static inline void
queue (rig_t *rig, uint32_t id, const char *type, bool more)
{
    assert_int_equal (bf_dispatch_queue (rig->dispatch, id, "default", type, more), BF_OK);
}

static inline bf_ready
run (uint32_t id, int64_t ready_us, uint64_t job)
{
    return (bf_ready){.queue = id, .ready_us = ready_us, .job = job, .ordinal = 1};
}

static inline void
ready (rig_t *rig, uint32_t id, int64_t ready_us, uint64_t job)
{
    assert_int_equal (bf_dispatch_ready (rig->dispatch, run (id, ready_us, job)), BF_OK);
}

static inline void
serve (rig_t *rig, const char *said)
{
    bf_dispatch_serve (rig->dispatch);
    expect (rig, said);
}

/* One timer for each letter: 'a' is queue 1, 'b' queue 2, … */
static inline void
due (rig_t *rig, uint64_t batch, const char *queues, const char *said)
{
    bf_timer timers[64];
    size_t count = strlen (queues);
    for (size_t i = 0; i < count; i++) {
        timers[i] = (bf_timer){.source = i % 2 == 0 ? BF_SOURCE_SLOT_WALL : BF_SOURCE_RUN,
                               .job = i + 1,
                               .queue = (uint32_t)(queues[i] - 'a') + 1,
                               .slot_us = (int64_t)(i + 1) * 10,
                               .reached_us = (int64_t)(i + 1) * 20};
    }
    assert_int_equal (bf_dispatch_due (rig->dispatch, batch, timers, count), BF_OK);
    expect (rig, said);
}

#define case_of(test) cmocka_unit_test_setup_teardown (test, set_up, tear_down)

#endif
