/* SPDX-License-Identifier: MPL-2.0
 *
 * The clock actor between a store and a dispatcher that the test plays.
 */
#include "actors/clock.h"

#include <string.h>

#include "core/base/time.h"
#include "core/timers.h"
#include "messages/translate.h"
#include "tests/support/cmocka.h"
#include "tests/support/neighbour.h"

typedef Belfry__Internal__ClockItem clock_item;
typedef Belfry__Internal__StoreItem store_item;
typedef Belfry__Internal__DispatcherItem dispatcher_item;

typedef struct {
    bf_clock_args args;
    bf_actor *actor;
    neighbour *store;
    neighbour *dispatcher;
    zsock_t *clock;
} fixture;

static void
tell (fixture *self, clock_item *item)
{
    Belfry__Internal__ToClock message = BELFRY__INTERNAL__TO_CLOCK__INIT;
    message.n_items = 1;
    message.items = &item;
    assert_int_equal (bf_inbox_send (self->clock, &message.base), BF_OK);
}

static void
arm (fixture *self, bf_timer timer)
{
    Belfry__Internal__Timer wire;
    bf_timer_to_wire (timer, &wire);
    clock_item item = BELFRY__INTERNAL__CLOCK_ITEM__INIT;
    item.item_case = BELFRY__INTERNAL__CLOCK_ITEM__ITEM_ARM;
    item.arm = &wire;
    tell (self, &item);
}

static void
disarm (fixture *self, bf_timer timer)
{
    Belfry__Internal__Timer wire;
    bf_timer_to_wire (timer, &wire);
    clock_item item = BELFRY__INTERNAL__CLOCK_ITEM__INIT;
    item.item_case = BELFRY__INTERNAL__CLOCK_ITEM__ITEM_DISARM;
    item.disarm = &wire;
    tell (self, &item);
}

static void
settle (fixture *self, uint64_t batch)
{
    clock_item item = BELFRY__INTERNAL__CLOCK_ITEM__INIT;
    item.item_case = BELFRY__INTERNAL__CLOCK_ITEM__ITEM_SETTLED;
    item.settled = batch;
    tell (self, &item);
}

static void
reset (fixture *self)
{
    clock_item item = BELFRY__INTERNAL__CLOCK_ITEM__INIT;
    item.item_case = BELFRY__INTERNAL__CLOCK_ITEM__ITEM_RESET;
    item.reset = true;
    tell (self, &item);
}

/* Answers a refill with timers of one source, in order. */
static void
refill (fixture *self, bf_timer_source source, const bf_timer *timers, size_t count,
        bool end)
{
    Belfry__Internal__Timer wire[BF_TIMERS_BATCH + 1];
    Belfry__Internal__Timer *pointers[BF_TIMERS_BATCH + 1];
    for (size_t i = 0; i < count; i++) {
        bf_timer_to_wire (timers[i], &wire[i]);
        pointers[i] = &wire[i];
    }
    Belfry__Internal__TimersRefilled refilled = BELFRY__INTERNAL__TIMERS_REFILLED__INIT;
    refilled.source = source;
    refilled.n_timers = count;
    refilled.timers = pointers;
    refilled.end = end;
    clock_item item = BELFRY__INTERNAL__CLOCK_ITEM__INIT;
    item.item_case = BELFRY__INTERNAL__CLOCK_ITEM__ITEM_REFILLED;
    item.refilled = &refilled;
    tell (self, &item);
}

/* The next thing the store hears is that this source wants more after that place. That the
 * clock has caught up may come before it: on a busy machine it may be away at any time. */
static void
expect_refill (fixture *self, bf_timer_source source, int64_t after_us)
{
    store_item *item = neighbour_item (self->store);
    while (item->item_case == BELFRY__INTERNAL__STORE_ITEM__ITEM_CAUGHT_UP) {
        item = neighbour_item (self->store);
    }
    assert_int_equal (item->item_case, BELFRY__INTERNAL__STORE_ITEM__ITEM_REFILL_TIMERS);
    assert_int_equal (item->refill_timers->after->source, source);
    assert_int_equal (item->refill_timers->after->due_us, after_us);
    assert_int_equal (item->refill_timers->limit, BF_TIMERS_REFILL);
}

static const Belfry__Internal__Due *
expect_due (fixture *self)
{
    dispatcher_item *item = neighbour_item (self->dispatcher);
    assert_int_equal (item->item_case, BELFRY__INTERNAL__DISPATCHER_ITEM__ITEM_DUE);
    return item->due;
}

static int
set_up (void **state)
{
    static fixture self;
    memset (&self, 0, sizeof self);
    self.args.birth.name = "clock";
    self.args.scheduler = neighbour_scheduler ();
    self.store = neighbour_new (self.args.scheduler, BF_INBOX_STORE);
    self.dispatcher = neighbour_new (self.args.scheduler, BF_INBOX_DISPATCHER);
    self.actor = neighbour_start (bf_clock_actor, &self.args.birth);
    self.clock = bf_inbox_connect (self.args.scheduler, BF_INBOX_CLOCK);
    assert_non_null (self.clock);
    *state = &self;
    return 0;
}

static int
tear_down (void **state)
{
    fixture *self = *state;
    bf_actor_stop (&self->actor);
    zsock_destroy (&self->clock);
    neighbour_free (self->dispatcher);
    neighbour_free (self->store);
    return 0;
}

/* As at start: the store says reset, the clock asks, there is nothing. */
static void
begin_empty (fixture *self)
{
    reset (self);
    for (int source = 0; source < BF_SOURCES; source++) {
        expect_refill (self, (bf_timer_source)source, INT64_MIN);
        refill (self, (bf_timer_source)source, NULL, 0, true);
    }
}

static void
test_due_on_time (void **state)
{
    fixture *self = *state;
    begin_empty (self);
    for (int source = 0; source < BF_SOURCES; source++) {
        bf_now now = bf_now_read ();
        bool is_wall = bf_source_is_wall ((bf_timer_source)source);
        int64_t due_us = (is_wall ? now.wall.us : now.boot.us) + 20 * BF_MS_US + 123;
        bf_timer timer = {.source = (bf_timer_source)source,
                          .job = 256,
                          .ordinal = source == BF_SOURCE_RUN ? 3 : 0,
                          .due_us = due_us,
                          .queue = 7};
        arm (self, timer);
        const Belfry__Internal__Due *due = expect_due (self);
        now = bf_now_read ();
        assert_true ((is_wall ? now.wall.us : now.boot.us) >= due_us);
        assert_int_equal (due->batch, source + 1);
        assert_int_equal (due->n_timers, 1);
        bf_timer arrived = bf_timer_from_wire (due->timers[0]);
        assert_int_equal (arrived.source, timer.source);
        assert_int_equal (arrived.job, timer.job);
        assert_int_equal (arrived.ordinal, timer.ordinal);
        assert_int_equal (arrived.due_us, timer.due_us);
        assert_int_equal (arrived.queue, timer.queue);
        settle (self, due->batch);
    }
}

static void
test_past_is_due_at_once (void **state)
{
    fixture *self = *state;
    begin_empty (self);
    static const int64_t past_us[] = {1, 0, -5};
    for (size_t i = 0; i < 3; i++) {
        arm (self, (bf_timer){.job = 256, .due_us = past_us[i]});
        const Belfry__Internal__Due *due = expect_due (self);
        assert_int_equal (due->timers[0]->due_us, past_us[i]);
        settle (self, due->batch);
    }
}

static void
test_disarmed_and_far_are_silent (void **state)
{
    fixture *self = *state;
    begin_empty (self);
    bf_now now = bf_now_read ();
    bf_timer gone = {
        .source = BF_SOURCE_SLOT_BOOT, .job = 256, .due_us = now.boot.us + 200 * BF_MS_US};
    bf_timer far = {.job = 512, .due_us = BF_WALL_MAX_US};
    bf_timer near = {.job = 768, .due_us = now.wall.us + 220 * BF_MS_US};
    arm (self, gone);
    arm (self, far);
    arm (self, near);
    disarm (self, gone);
    const Belfry__Internal__Due *due = expect_due (self);
    assert_int_equal (due->n_timers, 1);
    assert_int_equal (due->timers[0]->job, 768);
}

static void
test_armed_again_moves (void **state)
{
    fixture *self = *state;
    begin_empty (self);
    bf_now now = bf_now_read ();
    bf_timer timer = {.job = 256, .due_us = now.wall.us + BF_HOUR_US};
    arm (self, timer);
    timer.due_us = now.wall.us + 10 * BF_MS_US;
    arm (self, timer);
    const Belfry__Internal__Due *due = expect_due (self);
    assert_int_equal (due->n_timers, 1);
    assert_int_equal (due->timers[0]->due_us, timer.due_us);
}

static void
test_batch_waits_for_settled (void **state)
{
    fixture *self = *state;
    static bf_timer timers[BF_TIMERS_BATCH + 1];
    for (size_t i = 0; i <= BF_TIMERS_BATCH; i++) {
        timers[i] = (bf_timer){.job = 256 * (i + 1), .due_us = (int64_t)i};
    }
    reset (self);
    for (int source = 0; source < BF_SOURCES; source++) {
        expect_refill (self, (bf_timer_source)source, INT64_MIN);
    }
    /* Not the end of the rows: it asks for what follows, after it would have sent. */
    refill (self, BF_SOURCE_SLOT_WALL, timers, BF_TIMERS_BATCH + 1, false);
    expect_refill (self, BF_SOURCE_SLOT_WALL, BF_TIMERS_BATCH);
    const Belfry__Internal__Due *due = expect_due (self);
    assert_int_equal (due->batch, 1);
    assert_int_equal (due->n_timers, BF_TIMERS_BATCH);
    assert_int_equal (due->timers[0]->due_us, 0);
    assert_true (neighbour_is_silent (self->dispatcher));

    bf_timer more = {.job = 7 << 20, .due_us = BF_TIMERS_BATCH + 1};
    refill (self, BF_SOURCE_SLOT_WALL, &more, 1, false);
    expect_refill (self, BF_SOURCE_SLOT_WALL, more.due_us);
    assert_true (neighbour_is_silent (self->dispatcher));

    settle (self, 1);
    due = expect_due (self);
    assert_int_equal (due->batch, 2);
    assert_int_equal (due->n_timers, 2);
    assert_int_equal (due->timers[0]->due_us, BF_TIMERS_BATCH);
}

static void
test_reset_forgets (void **state)
{
    fixture *self = *state;
    begin_empty (self);
    bf_now now = bf_now_read ();
    arm (self, (bf_timer){.job = 256, .due_us = now.wall.us + 300 * BF_MS_US});
    begin_empty (self);
    arm (self, (bf_timer){.job = 512, .due_us = now.wall.us + 310 * BF_MS_US});
    assert_int_equal (expect_due (self)->timers[0]->job, 512);
}

/* From arming to due the thread sleeps, and is not woken in between. */
static void
test_waiting_wakes_nobody (void **state)
{
    fixture *self = *state;
    begin_empty (self);
    int thread = neighbour_thread ("clock");
    bf_now now = bf_now_read ();
    bf_timer first = {.source = BF_SOURCE_RUN,
                      .job = 256,
                      .ordinal = 1,
                      .due_us = now.boot.us + 10 * BF_MS_US};
    arm (self, first);
    settle (self, expect_due (self)->batch);
    bf_timer second = first;
    second.due_us = bf_now_read ().boot.us + 400 * BF_MS_US;
    neighbour_effort before = neighbour_effort_of (thread);
    arm (self, second);
    expect_due (self);
    neighbour_check_idle (thread, before);
}

static void
test_nonsense_ends_it (void **state)
{
    fixture *self = *state;
    zmq_send (zsock_resolve (self->clock), "\xff\xff", 2, 0);
    neighbour_hears (self->actor, "FAILED");
    bf_actor_stop (&self->actor);
    assert_int_not_equal (self->args.birth.failure.code, BF_OK);
    assert_string_not_equal (self->args.birth.failure.text, "");
}

static void
test_taken_inbox_is_an_error (void **state)
{
    fixture *self = *state;
    bf_clock_args second = {.birth = {.name = "clock-2"},
                            .scheduler = self->args.scheduler};
    bf_actor *actor = NULL;
    bf_error error = {0};
    assert_int_not_equal (bf_actor_start (&actor, bf_clock_actor, &second.birth, &error),
                          BF_OK);
    assert_null (actor);
    assert_string_not_equal (error.text, "");
}

#define TEST(name) cmocka_unit_test_setup_teardown (name, set_up, tear_down)

int
main (void)
{
    const struct CMUnitTest tests[] = {
        TEST (test_due_on_time),
        TEST (test_past_is_due_at_once),
        TEST (test_disarmed_and_far_are_silent),
        TEST (test_armed_again_moves),
        TEST (test_batch_waits_for_settled),
        TEST (test_reset_forgets),
        TEST (test_waiting_wakes_nobody),
        TEST (test_nonsense_ends_it),
        TEST (test_taken_inbox_is_an_error),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
