/* SPDX-License-Identifier: MPL-2.0
 *
 * The clock actor when it was away: at its start, when the machine slept, when the wall
 * clock is set forward, when the disk was full; and when it only had to wait for the store.
 * No test may send the machine to sleep, so
 * this program has a clock_gettime of its own, which the whole process then uses, and moves
 * both clocks.
 */
/* syscall. */
#define _GNU_SOURCE

#include "actors/clock.h"

#include <stdatomic.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "core/base/time.h"
#include "core/timers.h"
#include "messages/translate.h"
#include "tests/support/cmocka.h"
#include "tests/support/neighbour.h"

static atomic_llong wall_moved_us;
static atomic_llong boot_moved_us;

int
clock_gettime (clockid_t clock, struct timespec *now)
{
    int rc = (int)syscall (SYS_clock_gettime, clock, now);
    long long moved_us = clock == CLOCK_REALTIME   ? atomic_load (&wall_moved_us)
                         : clock == CLOCK_BOOTTIME ? atomic_load (&boot_moved_us)
                                                   : 0;
    if (rc == 0 && moved_us != 0) {
        long long us =
            (long long)now->tv_sec * BF_SECOND_US + now->tv_nsec / 1000 + moved_us;
        now->tv_sec = (time_t)(us / BF_SECOND_US);
        now->tv_nsec = (long)(us % BF_SECOND_US) * 1000;
    }
    return rc;
}

typedef struct {
    bf_clock_args args;
    bf_actor *actor;
    neighbour *store;
    neighbour *dispatcher;
    zsock_t *clock;
} fixture;

static void
tell (fixture *self, Belfry__Internal__ClockItem *item)
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
    Belfry__Internal__ClockItem item = BELFRY__INTERNAL__CLOCK_ITEM__INIT;
    item.item_case = BELFRY__INTERNAL__CLOCK_ITEM__ITEM_ARM;
    item.arm = &wire;
    tell (self, &item);
}

static void
settle (fixture *self, uint64_t batch)
{
    Belfry__Internal__ClockItem item = BELFRY__INTERNAL__CLOCK_ITEM__INIT;
    item.item_case = BELFRY__INTERNAL__CLOCK_ITEM__ITEM_SETTLED;
    item.settled = batch;
    tell (self, &item);
}

static void
reset (fixture *self, int64_t since_us)
{
    Belfry__Internal__ClockItem item = BELFRY__INTERNAL__CLOCK_ITEM__INIT;
    item.item_case = BELFRY__INTERNAL__CLOCK_ITEM__ITEM_RESET;
    item.reset = true;
    item.since_boot_us = since_us;
    tell (self, &item);
}

/* What comes with the next refill of this source: that one timer, or none. */
static void
refill (fixture *self, bf_timer_source source, const bf_timer *timer)
{
    Belfry__Internal__Timer wire, *pointer = &wire;
    Belfry__Internal__TimersRefilled refilled = BELFRY__INTERNAL__TIMERS_REFILLED__INIT;
    if (timer != NULL) {
        bf_timer_to_wire (*timer, &wire);
        refilled.n_timers = 1;
        refilled.timers = &pointer;
    }
    refilled.source = source;
    refilled.end = true;
    Belfry__Internal__ClockItem item = BELFRY__INTERNAL__CLOCK_ITEM__INIT;
    item.item_case = BELFRY__INTERNAL__CLOCK_ITEM__ITEM_REFILLED;
    item.refilled = &refilled;
    tell (self, &item);
}

static void
expect_refills (fixture *self)
{
    for (int source = 0; source < BF_SOURCES; source++) {
        Belfry__Internal__StoreItem *item = neighbour_item (self->store);
        assert_int_equal (item->item_case,
                          BELFRY__INTERNAL__STORE_ITEM__ITEM_REFILL_TIMERS);
    }
}

static Belfry__Internal__CaughtUp *
expect_caught_up (fixture *self)
{
    Belfry__Internal__StoreItem *item = neighbour_item (self->store);
    assert_int_equal (item->item_case, BELFRY__INTERNAL__STORE_ITEM__ITEM_CAUGHT_UP);
    return item->caught_up;
}

static bf_timer
expect_due (fixture *self, uint64_t *batch)
{
    Belfry__Internal__DispatcherItem *item = neighbour_item (self->dispatcher);
    assert_int_equal (item->item_case, BELFRY__INTERNAL__DISPATCHER_ITEM__ITEM_DUE);
    assert_int_equal (item->due->n_timers, 1);
    *batch = item->due->batch;
    return bf_timer_from_wire (item->due->timers[0]);
}

/* A timer of a run that is due now: when it comes, everything before was heard. Its batch
 * is settled. */
static void
catch_breath (fixture *self)
{
    uint64_t batch;
    arm (self, (bf_timer){.source = BF_SOURCE_RUN, .job = 1, .ordinal = 1, .due_us = 1});
    bf_timer timer = expect_due (self, &batch);
    assert_int_equal (timer.source, BF_SOURCE_RUN);
    assert_true (timer.reached_us == 0);
    settle (self, batch);
}

static int
set_up (void **state)
{
    static fixture self;
    memset (&self, 0, sizeof self);
    /* The kernel's alarms know nothing of this. */
    atomic_store (&wall_moved_us, 0);
    atomic_store (&boot_moved_us, 0);
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

/* Started with no rows, and told so. */
static void
begin_empty (fixture *self)
{
    reset (self, 0);
    expect_refills (self);
    for (int source = 0; source < BF_SOURCES; source++) {
        refill (self, (bf_timer_source)source, NULL);
    }
    assert_true (expect_caught_up (self)->from_us == 0);
}

/* Takes the due slots of job 256 on the wall clock and of job 512 on the boot clock, in
 * that order. Both came within reach after `back`. */
static bf_now
expect_both (fixture *self, bf_now back)
{
    uint64_t batch;
    Belfry__Internal__DispatcherItem *item = neighbour_item (self->dispatcher);
    assert_int_equal (item->item_case, BELFRY__INTERNAL__DISPATCHER_ITEM__ITEM_DUE);
    assert_int_equal (item->due->n_timers, 2);
    bf_timer wall = bf_timer_from_wire (item->due->timers[0]);
    bf_timer boot = bf_timer_from_wire (item->due->timers[1]);
    bf_now now = bf_now_read ();
    assert_int_equal (wall.job, 256);
    assert_int_equal (boot.job, 512);
    assert_in_range (wall.reached_us, back.wall.us, now.wall.us);
    assert_in_range (boot.reached_us, back.boot.us, now.boot.us);
    batch = item->due->batch;
    assert_true (neighbour_is_silent (self->store));
    settle (self, batch);
    return (bf_now){.wall = {wall.reached_us}, .boot = {boot.reached_us}};
}

/* Both were due while nobody ran. */
static void
test_start (void **state)
{
    fixture *self = *state;
    bf_now before = bf_now_read ();
    reset (self, 0);
    expect_refills (self);
    bf_timer wall = {.job = 256, .due_us = before.wall.us - BF_DAY_US};
    bf_timer boot = {.source = BF_SOURCE_SLOT_BOOT,
                     .job = 512,
                     .due_us = before.boot.us - BF_HOUR_US,
                     .slot_us = before.boot.us - BF_DAY_US};
    uint64_t batch;
    refill (self, BF_SOURCE_SLOT_WALL, &wall);
    bf_timer due = expect_due (self, &batch);
    assert_int_equal (due.job, 256);
    assert_true (due.slot_us == 0);
    int64_t back_us = due.reached_us;
    assert_in_range (back_us, before.wall.us, bf_now_read ().wall.us);
    refill (self, BF_SOURCE_SLOT_BOOT, &boot);
    refill (self, BF_SOURCE_RUN, NULL);
    refill (self, BF_SOURCE_REMIND_WALL, NULL);
    refill (self, BF_SOURCE_REMIND_BOOT, NULL);
    settle (self, batch);
    due = expect_due (self, &batch);
    assert_int_equal (due.job, 512);
    assert_true (due.slot_us == boot.slot_us);
    assert_in_range (due.reached_us, before.boot.us, bf_now_read ().boot.us);
    assert_true (neighbour_is_silent (self->store));
    settle (self, batch);
    const Belfry__Internal__CaughtUp *told = expect_caught_up (self);
    assert_true (told->from_us == 0);
    assert_true (told->until_us >= back_us);
}

/* The alarms are set, and it wakes ten seconds too late. */
static void
test_asleep (void **state)
{
    fixture *self = *state;
    begin_empty (self);
    bf_now before = bf_now_read ();
    bf_timer wall = {.job = 256, .due_us = before.wall.us + 5 * BF_SECOND_US};
    bf_timer boot = {.source = BF_SOURCE_SLOT_BOOT,
                     .job = 512,
                     .due_us = before.boot.us + 6 * BF_SECOND_US};
    arm (self, wall);
    arm (self, boot);
    arm (self, (bf_timer){.job = 768, .due_us = before.wall.us + BF_HOUR_US});
    catch_breath (self);
    atomic_fetch_add (&wall_moved_us, 10 * BF_SECOND_US);
    atomic_fetch_add (&boot_moved_us, 10 * BF_SECOND_US);
    bf_now back = bf_now_read ();
    arm (self, (bf_timer){.job = 1024, .due_us = back.wall.us + BF_HOUR_US});
    bf_now reached = expect_both (self, back);
    const Belfry__Internal__CaughtUp *told = expect_caught_up (self);
    assert_in_range (told->from_us, before.wall.us, wall.due_us);
    assert_true (told->until_us == reached.wall.us);
    /* Told once, and then it is on time again. */
    catch_breath (self);
    bf_now now = bf_now_read ();
    arm (self, (bf_timer){.job = 256, .due_us = now.wall.us});
    uint64_t batch;
    assert_true (expect_due (self, &batch).reached_us == 0);
}

/* With nothing to look for, a long sleep is none too many. */
static void
test_idle (void **state)
{
    fixture *self = *state;
    begin_empty (self);
    atomic_fetch_add (&wall_moved_us, BF_MINUTE_US);
    atomic_fetch_add (&boot_moved_us, BF_MINUTE_US);
    bf_now now = bf_now_read ();
    arm (self, (bf_timer){.job = 256, .due_us = now.wall.us - BF_SECOND_US});
    uint64_t batch;
    assert_true (expect_due (self, &batch).reached_us == 0);
}

/* A batch is out, and the slots of both clocks come due about that much later. Returns the
 * batch. */
static uint64_t
wait_for_store (fixture *self, bf_now now, int64_t ahead_us)
{
    uint64_t batch;
    arm (self, (bf_timer){.job = 256, .due_us = now.wall.us + ahead_us});
    arm (self, (bf_timer){.source = BF_SOURCE_SLOT_BOOT,
                          .job = 512,
                          .due_us = now.boot.us + ahead_us + 10 * BF_MS_US});
    arm (self, (bf_timer){.source = BF_SOURCE_RUN, .job = 1, .ordinal = 1, .due_us = 1});
    bf_timer timer = expect_due (self, &batch);
    assert_int_equal (timer.source, BF_SOURCE_RUN);
    return batch;
}

/* The store takes more than a second for a batch: nothing of that is late, because the
 * clock looks meanwhile, a few times a second. */
static void
test_slow_store (void **state)
{
    fixture *self = *state;
    begin_empty (self);
    catch_breath (self);
    int thread = neighbour_thread ("clock");
    bf_now now = bf_now_read ();
    uint64_t batch = wait_for_store (self, now, 150 * BF_MS_US);
    neighbour_effort before = neighbour_effort_of (thread);
    while (bf_now_read ().boot.us < now.boot.us + 1500 * BF_MS_US) {
        /* Time itself is what is tested here. */
        zclock_sleep (50);
    }
    long looks = neighbour_effort_of (thread).sleeps - before.sleeps;
    assert_in_range (looks, 3, 40);
    settle (self, batch);
    Belfry__Internal__DispatcherItem *item = neighbour_item (self->dispatcher);
    assert_int_equal (item->due->n_timers, 2);
    assert_true (item->due->timers[0]->reached_us == 0);
    assert_true (item->due->timers[1]->reached_us == 0);
    assert_true (neighbour_is_silent (self->store));
}

/* Nobody ran while a batch was out. */
static void
test_frozen_with_a_batch_out (void **state)
{
    fixture *self = *state;
    begin_empty (self);
    bf_now before = bf_now_read ();
    uint64_t batch = wait_for_store (self, before, 2 * BF_SECOND_US);
    atomic_fetch_add (&wall_moved_us, 5 * BF_SECOND_US);
    atomic_fetch_add (&boot_moved_us, 5 * BF_SECOND_US);
    bf_now back = bf_now_read ();
    settle (self, batch);
    bf_now reached = expect_both (self, back);
    const Belfry__Internal__CaughtUp *told = expect_caught_up (self);
    assert_in_range (told->from_us, before.wall.us, before.wall.us + 2 * BF_SECOND_US);
    assert_true (told->until_us == reached.wall.us);
}

/* Only what counts on the wall clock is late. */
static void
test_set_forward (void **state)
{
    fixture *self = *state;
    begin_empty (self);
    bf_now before = bf_now_read ();
    bf_timer wall = {.job = 256, .due_us = before.wall.us + BF_HOUR_US};
    arm (self, wall);
    catch_breath (self);
    atomic_fetch_add (&wall_moved_us, 2 * BF_HOUR_US);
    bf_now after = bf_now_read ();
    arm (self, (bf_timer){.source = BF_SOURCE_SLOT_BOOT,
                          .job = 512,
                          .due_us = after.boot.us + 300 * BF_MS_US});
    Belfry__Internal__StoreItem *item = neighbour_item (self->store);
    assert_int_equal (item->item_case, BELFRY__INTERNAL__STORE_ITEM__ITEM_STEPPED);
    assert_in_range (item->stepped->delta_us, 2 * BF_HOUR_US - BF_SECOND_US,
                     2 * BF_HOUR_US + BF_SECOND_US);
    uint64_t batch;
    bf_timer due = expect_due (self, &batch);
    assert_int_equal (due.job, 256);
    assert_in_range (due.reached_us, after.wall.us, bf_now_read ().wall.us);
    settle (self, batch);
    const Belfry__Internal__CaughtUp *told = expect_caught_up (self);
    assert_in_range (told->from_us, before.wall.us, wall.due_us);
    assert_true (told->until_us == due.reached_us);
    due = expect_due (self, &batch);
    assert_int_equal (due.job, 512);
}

/* What the store could not fire since then comes again, late. */
static void
test_full_disk (void **state)
{
    fixture *self = *state;
    begin_empty (self);
    bf_now before = bf_now_read ();
    bf_timer wall = {.job = 256, .due_us = before.wall.us - 9 * BF_MINUTE_US};
    bf_timer boot = {.source = BF_SOURCE_SLOT_BOOT,
                     .job = 512,
                     .due_us = before.boot.us - 8 * BF_MINUTE_US};
    reset (self, before.boot.us - 10 * BF_MINUTE_US);
    expect_refills (self);
    refill (self, BF_SOURCE_REMIND_WALL, NULL);
    refill (self, BF_SOURCE_REMIND_BOOT, NULL);
    refill (self, BF_SOURCE_RUN,
            &(bf_timer){.source = BF_SOURCE_RUN, .job = 1, .ordinal = 1, .due_us = 1});
    uint64_t batch;
    assert_true (expect_due (self, &batch).reached_us == 0);
    refill (self, BF_SOURCE_SLOT_WALL, &wall);
    refill (self, BF_SOURCE_SLOT_BOOT, &boot);
    settle (self, batch);
    bf_now reached = expect_both (self, before);
    const Belfry__Internal__CaughtUp *told = expect_caught_up (self);
    assert_true (told->until_us == reached.wall.us);
    assert_in_range (told->from_us, before.wall.us - 10 * BF_MINUTE_US - BF_SECOND_US,
                     before.wall.us - 10 * BF_MINUTE_US + BF_SECOND_US);
}

/* An idle clock was away when it reads only now what was sent before: a slot that came due
 * in between is late, though no plan was missed. */
static void
test_word_lay_unread (void **state)
{
    fixture *self = *state;
    begin_empty (self);
    catch_breath (self);
    bf_now sent = bf_now_read ();
    atomic_fetch_add (&wall_moved_us, BF_HOUR_US);
    atomic_fetch_add (&boot_moved_us, BF_HOUR_US);
    Belfry__Internal__Timer wire;
    bf_timer_to_wire ((bf_timer){.source = BF_SOURCE_SLOT_WALL,
                                 .job = 256,
                                 .due_us = sent.wall.us + BF_MINUTE_US},
                      &wire);
    Belfry__Internal__ClockItem item = BELFRY__INTERNAL__CLOCK_ITEM__INIT;
    item.item_case = BELFRY__INTERNAL__CLOCK_ITEM__ITEM_ARM;
    item.arm = &wire;
    Belfry__Internal__ClockItem *items = &item;
    Belfry__Internal__ToClock message = BELFRY__INTERNAL__TO_CLOCK__INIT;
    message.n_items = 1;
    message.items = &items;
    message.sent_wall_us = sent.wall.us;
    message.sent_boot_us = sent.boot.us;
    assert_int_equal (bf_inbox_send (self->clock, &message.base), BF_OK);
    uint64_t batch;
    bf_timer timer = expect_due (self, &batch);
    assert_int_equal (timer.job, 256);
    assert_true (timer.reached_us >= sent.wall.us + BF_HOUR_US);
    settle (self, batch);
    /* The two clocks are not read at the same instant. */
    assert_in_range (expect_caught_up (self)->from_us, sent.wall.us - 10 * BF_MS_US,
                     sent.wall.us);
}

#define TEST(name) cmocka_unit_test_setup_teardown (name, set_up, tear_down)

int
main (void)
{
    const struct CMUnitTest tests[] = {
        TEST (test_start),       TEST (test_asleep),
        TEST (test_idle),        TEST (test_slow_store),
        TEST (test_set_forward), TEST (test_frozen_with_a_batch_out),
        TEST (test_full_disk),   TEST (test_word_lay_unread),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
