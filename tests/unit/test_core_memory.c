/* SPDX-License-Identifier: MPL-2.0
 *
 * Out of memory, everywhere in core/: each scenario is played again and again, and in the
 * nth round the nth allocation fails. What fails must say so and change nothing; repeated,
 * it must succeed; and at the end nothing is lost.
 *
 * This program brings its own malloc, calloc and realloc, which hand on to the sanitizer's
 * or to the C library's.
 */
#include <stdlib.h>
#include <string.h>

#include "core/base/arena.h"
#include "core/base/heap.h"
#include "core/base/list.h"
#include "core/base/map.h"
#include "core/calendar/recurrence.h"
#include "core/calendar/rrule.h"
#include "core/calendar/zone.h"
#include "core/dispatch.h"
#include "core/leases.h"
#include "core/timers.h"
#include "tests/support/cmocka.h"
#include "tests/support/zone_file.h"

/* clang-format off: one line each. */
#define PLAIN __attribute__ ((no_sanitize ("address", "undefined", "thread")))
extern void *__interceptor_malloc (size_t size) __attribute__ ((weak));
extern void *__interceptor_calloc (size_t count, size_t size) __attribute__ ((weak));
extern void *__interceptor_realloc (void *memory, size_t size) __attribute__ ((weak));
extern void *__libc_malloc (size_t size);
extern void *__libc_calloc (size_t count, size_t size);
extern void *__libc_realloc (void *memory, size_t size);
/* clang-format on */

/* The allocation that fails; 0 for none. */
static size_t failing;
static bool failed;

PLAIN static bool
fails (void)
{
    if (failing == 0 || --failing > 0) {
        return false;
    }
    failed = true;
    return true;
}

PLAIN void *
malloc (size_t size)
{
    if (fails ()) {
        return NULL;
    }
    return __interceptor_malloc != NULL ? __interceptor_malloc (size)
                                        : __libc_malloc (size);
}

PLAIN void *
calloc (size_t count, size_t size)
{
    if (fails ()) {
        return NULL;
    }
    return __interceptor_calloc != NULL ? __interceptor_calloc (count, size)
                                        : __libc_calloc (count, size);
}

PLAIN void *
realloc (void *memory, size_t size)
{
    if (fails ()) {
        return NULL;
    }
    return __interceptor_realloc != NULL ? __interceptor_realloc (memory, size)
                                         : __libc_realloc (memory, size);
}

/* Plays it with the first, second, … allocation failing, until none is left to fail. */
static void
play (void (*scenario) (void), size_t least)
{
    size_t round = 0;
    do {
        failed = false;
        failing = ++round;
        scenario ();
        failing = 0;
    } while (failed);
    /* Otherwise this file tests nothing. */
    assert_true (round > least);
}

/* Once more where there was no memory, which there is then. */
#define INSIST(call)                                  \
    do {                                              \
        bf_err insist_err = (call);                   \
        if (insist_err != BF_OK) {                    \
            assert_int_equal (insist_err, BF_ENOMEM); \
            assert_true (failed);                     \
            assert_int_equal ((call), BF_OK);         \
        }                                             \
    } while (0)

static void
list_scenario (void)
{
    bf_list list = {0};
    for (size_t i = 0; i < 100; i++) {
        bf_err err = bf_list_push (&list, &list);
        if (err != BF_OK) {
            assert_int_equal (list.count, i);
            INSIST (bf_list_push (&list, &list));
        }
    }
    assert_int_equal (list.count, 100);
    bf_list_clear (&list);
}

static void
heap_scenario (void)
{
    bf_heap_node nodes[200] = {0};
    bf_heap heap = {0};
    for (size_t i = 0; i < 200; i++) {
        nodes[i].at = 200 - (int64_t)i;
        INSIST (bf_heap_push (&heap, &nodes[i]));
    }
    for (size_t i = 200; i-- > 0;) {
        assert_ptr_equal (bf_heap_pop (&heap), &nodes[i]);
    }
    bf_heap_clear (&heap);
}

static void
map_scenario (void)
{
    bf_map *map = bf_map_new (1);
    if (map == NULL) {
        assert_true (failed);
        return;
    }
    for (uint64_t i = 0; i < 100; i++) {
        INSIST (bf_map_put (map, &i, sizeof i, map));
        assert_int_equal (bf_map_count (map), i + 1);
    }
    for (uint64_t i = 0; i < 100; i++) {
        assert_ptr_equal (bf_map_get (map, &i, sizeof i), map);
    }
    bf_map_destroy (&map);
}

static void
arena_scenario (void)
{
    bf_arena *arena = bf_arena_new (1 << 20);
    if (arena == NULL) {
        assert_true (failed);
        return;
    }
    for (size_t i = 0; i < 40; i++) {
        size_t used = bf_arena_used (arena);
        char *text = bf_arena_printf (arena, "%2000zu", i);
        if (text == NULL) {
            assert_true (failed);
            assert_int_equal (bf_arena_used (arena), used);
            text = bf_arena_printf (arena, "%2000zu", i);
        }
        assert_int_equal (strlen (text), 2000);
    }
    bf_arena_destroy (&arena);
}

/* Answers every wish of the source from a list of rows due at 0, 1, …. */
static void
refill (bf_timers *timers, const bf_timer *rows, size_t count)
{
    bf_timer after;
    while (bf_timers_want (timers, BF_SOURCE_RUN, &after)) {
        size_t from = after.due_us == INT64_MIN ? 0 : (size_t)after.due_us + 1;
        size_t told = count - from < 30 ? count - from : 30;
        bf_err err = bf_timers_refilled (timers, BF_SOURCE_RUN, rows + from, told,
                                         from + told == count);
        assert_true (err == BF_OK || (err == BF_ENOMEM && failed));
    }
}

static void
timers_scenario (void)
{
    enum { ROWS = 150 };
    bf_timer rows[ROWS], out[10];
    uint64_t batch;
    size_t count, seen = 0;
    bf_timers *timers = bf_timers_new (128, 1);
    if (timers == NULL) {
        assert_true (failed);
        return;
    }
    for (size_t i = 0; i < ROWS; i++) {
        rows[i] = (bf_timer){BF_SOURCE_RUN, i + 1, 1, (int64_t)i, 1, 0, 0};
    }
    refill (timers, rows, ROWS);
    while ((count = bf_timers_due (timers, (bf_now){.boot = {ROWS}}, out, 10, &batch)) >
           0) {
        for (size_t i = 0; i < count; i++) {
            assert_int_equal (out[i].job, ++seen);
        }
        bf_timers_settled (timers, batch);
        refill (timers, rows, ROWS);
    }
    assert_int_equal (seen, ROWS);
    for (size_t i = 0; i < 100; i++) {
        INSIST (bf_timers_arm (timers, rows[i]));
    }
    for (size_t i = 0; i < 100; i += count) {
        count = bf_timers_due (timers, (bf_now){.boot = {ROWS}}, out, 10, &batch);
        assert_int_equal (count, 10);
        assert_int_equal (out[9].job, i + 10);
        bf_timers_settled (timers, batch);
    }
    bf_timers_destroy (&timers);
}

static void
leases_scenario (void)
{
    bf_leases *leases = bf_leases_new (1);
    if (leases == NULL) {
        assert_true (failed);
        return;
    }
    for (uint64_t job = 1; job <= 100; job++) {
        bf_token token = {job, 1, 1};
        bf_err err = bf_leases_open (leases, token, (bf_boot){0}, (bf_span){10},
                                     (bf_boot){INT64_MAX}, false);
        if (err != BF_OK) {
            assert_int_equal (bf_leases_count (leases), job - 1);
            INSIST (bf_leases_open (leases, token, (bf_boot){0}, (bf_span){10},
                                    (bf_boot){INT64_MAX}, false));
        }
    }
    bf_overdue overdue[200];
    uint64_t batch;
    assert_int_equal (bf_leases_overdue (leases, (bf_boot){10}, overdue, 200, &batch), 100);
    bf_leases_settled (leases, batch);
    bf_leases_destroy (&leases);
}

enum { RUNS = 60, TIMERS = 6 };

/* The store's side of the dispatcher's scenario. */
typedef struct {
    bf_ready runs[RUNS];
    bool proposed[RUNS];
    size_t n_proposed;
    size_t n_timers;
    bool wanted;
    uint64_t resolving[64];
    size_t n_resolving;
} store_t;

static void
on_propose (void *context, uint64_t batch, const bf_timer *timers, size_t n_timers,
            const bf_assignment *assignments, size_t n_assignments)
{
    store_t *store = context;
    (void)batch;
    (void)timers;
    store->n_timers += n_timers;
    for (size_t i = 0; i < n_assignments; i++) {
        for (size_t j = 0; j < assignments[i].n_runs; j++) {
            assert_false (store->proposed[assignments[i].runs[j].job]);
            store->proposed[assignments[i].runs[j].job] = true;
            store->n_proposed++;
        }
        store->resolving[store->n_resolving++] = assignments[i].call;
    }
}

static void
on_call (void *context, uint64_t call)
{
    (void)context;
    (void)call;
}

static void
on_refill (void *context, uint32_t queue, uint32_t limit)
{
    store_t *store = context;
    assert_int_equal (queue, 1);
    assert_int_equal (limit, BF_HEADS);
    store->wanted = true;
}

/* Resolves what was proposed and answers a refill, until there is nothing to do. */
static void
converse (bf_dispatch *dispatch, store_t *store)
{
    do {
        while (store->n_resolving > 0) {
            bf_dispatch_resolved (dispatch, store->resolving[--store->n_resolving], false);
        }
        if (store->wanted) {
            bf_ready rest[RUNS];
            size_t count = 0;
            for (size_t i = 0; i < RUNS; i++) {
                if (!store->proposed[i]) {
                    rest[count++] = store->runs[i];
                }
            }
            store->wanted = false;
            assert_int_equal (bf_dispatch_refilled (dispatch, 1, rest, count, false),
                              BF_OK);
        }
        bf_dispatch_serve (dispatch);
    } while (store->n_resolving > 0 || store->wanted);
}

static void
claim (bf_dispatch *dispatch, uint64_t call, const char *request)
{
    static const char *const types[] = {"turn", "unheard of"};
    const bf_claim wanted = {.call = call,
                             .client = "bot",
                             .request_id = request,
                             .ns = "default",
                             .types = types,
                             .n_types = 2,
                             .max = 2,
                             .until = {99}};
    size_t waiting = bf_dispatch_waiting (dispatch);
    bf_err err = bf_dispatch_claim (dispatch, &wanted);
    if (err != BF_OK) {
        assert_int_equal (bf_dispatch_waiting (dispatch), waiting);
        INSIST (bf_dispatch_claim (dispatch, &wanted));
    }
}

static void
dispatch_scenario (void)
{
    store_t store = {0};
    const bf_dispatch_out out = {.context = &store,
                                 .propose = on_propose,
                                 .recall = on_call,
                                 .answer_empty = on_call,
                                 .superseded = on_call,
                                 .refill = on_refill};
    bf_dispatch *dispatch = bf_dispatch_new (&out, 1);
    if (dispatch == NULL) {
        assert_true (failed);
        return;
    }
    INSIST (bf_dispatch_queue (dispatch, 1, "default", "turn", false));
    INSIST (bf_dispatch_queue (dispatch, 2, "default", "season", false));
    claim (dispatch, 1, "r1");
    claim (dispatch, 2, "r2");
    bf_dispatch_resolved (dispatch, 1, false);
    claim (dispatch, 3, "r1");
    claim (dispatch, 4, "r2");
    bf_dispatch_resolved (dispatch, 2, false);
    assert_int_equal (bf_dispatch_waiting (dispatch), 2);

    const bf_timer timers[TIMERS] = {{.queue = 1}, {.queue = 1}, {.queue = 2}};
    assert_int_equal (bf_dispatch_due (dispatch, 1, timers, TIMERS), BF_OK);
    assert_int_equal (store.n_timers, TIMERS);
    converse (dispatch, &store);
    for (uint64_t job = 0; job < RUNS; job++) {
        store.runs[job] = (bf_ready){1, (int64_t)(job * 7 % RUNS), job, 1};
        assert_int_equal (bf_dispatch_ready (dispatch, store.runs[job]), BF_OK);
    }
    /* Ready runs go first: a claim that they could not be handed to gets no timer. */
    assert_int_equal (bf_dispatch_due (dispatch, 2, timers, TIMERS), BF_OK);
    converse (dispatch, &store);
    /* What could not be served then is served now. */
    converse (dispatch, &store);
    assert_int_equal (store.n_proposed, RUNS);

    /* All of it again, by way of a refill. */
    memset (store.proposed, 0, sizeof store.proposed);
    INSIST (bf_dispatch_queue (dispatch, 1, "default", "turn", true));
    converse (dispatch, &store);
    converse (dispatch, &store);
    assert_int_equal (store.n_proposed, 2 * RUNS);
    bf_dispatch_destroy (&dispatch);
}

static void
rrule_scenario (void)
{
    bf_rrule *rule = NULL;
    INSIST (bf_rrule_parse ("FREQ=DAILY EXDATE:20270101,20270102", &rule, NULL));
    bf_rrule_destroy (&rule);
}

static void
recurrence_scenario (void)
{
    const char *date = "12-24";
    bf_exclusion *exclusion = NULL;
    INSIST (bf_exclusion_new (&date, 1, NULL, 0, &exclusion, NULL, NULL));
    bf_recurrence_args args = {
        .kind = BF_RECURRENCE_RRULE,
        .text = "FREQ=WEEKLY;BYDAY=MO",
        .zone = bf_zone_utc (),
        .exclusions = (const bf_exclusion *const *)&exclusion,
        .n_exclusions = 1,
    };
    bf_recurrence *recurrence = NULL;
    INSIST (bf_recurrence_new (&args, &recurrence, NULL));
    bf_recurrence_destroy (&recurrence);
    bf_exclusion_destroy (&exclusion);
}

static void
zone_scenario (void)
{
    zone_file file;
    zone_file_make (&(zone_recipe){.version = '2', .footer = "CET-1CEST,M3.5.0,M10.5.0/3"},
                    &file);
    bf_zone *zone = NULL;
    bf_error error = {0};
    bf_err err = bf_zone_read (file.bytes, file.size, &zone, &error);
    if (err != BF_OK) {
        assert_int_equal (err, BF_ENOMEM);
        assert_int_equal (error.code, BF_ENOMEM);
        assert_true (failed);
        assert_null (zone);
        assert_int_equal (bf_zone_read (file.bytes, file.size, &zone, &error), BF_OK);
    }
    bf_zone_destroy (&zone);
}

#define SCENARIO(name, least)              \
    static void test_##name (void **state) \
    {                                      \
        (void)state;                       \
        play (name##_scenario, least);     \
    }

SCENARIO (list, 3)
SCENARIO (heap, 3)
SCENARIO (map, 100)
SCENARIO (arena, 5)
SCENARIO (timers, 250)
SCENARIO (leases, 200)
SCENARIO (dispatch, 60)
SCENARIO (recurrence, 3)
SCENARIO (rrule, 1)
SCENARIO (zone, 2)

int
main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_list),     cmocka_unit_test (test_heap),
        cmocka_unit_test (test_map),      cmocka_unit_test (test_arena),
        cmocka_unit_test (test_timers),   cmocka_unit_test (test_leases),
        cmocka_unit_test (test_dispatch), cmocka_unit_test (test_recurrence),
        cmocka_unit_test (test_rrule),    cmocka_unit_test (test_zone),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
