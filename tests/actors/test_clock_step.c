/* SPDX-License-Identifier: MPL-2.0
 *
 * The clock actor while the wall clock is set. Setting the machine's own clock is no test's
 * business, so this program has a clock_gettime and a timerfd_settime of its own, which the
 * whole process then uses: the first moves CLOCK_REALTIME as the test says, the second can
 * say ECANCELED as the kernel does when the clock was set.
 */
/* syscall. */
#define _GNU_SOURCE

#include "actors/clock.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "core/base/time.h"
#include "core/timers.h"
#include "messages/translate.h"
#include "tests/support/cmocka.h"
#include "tests/support/neighbour.h"

/* How far reading both clocks and a busy machine may blur a step. */
#define BLUR_US (50 * BF_MS_US)

static atomic_llong moved_us;
/* The next timerfd_settime finds that the clock was set by this. */
static atomic_llong cancel_us;

int
clock_gettime (clockid_t clock, struct timespec *now)
{
    int rc = (int)syscall (SYS_clock_gettime, clock, now);
    if (rc == 0 && clock == CLOCK_REALTIME) {
        long long us = (long long)now->tv_sec * BF_SECOND_US + now->tv_nsec / 1000 +
                       atomic_load (&moved_us);
        now->tv_sec = (time_t)(us / BF_SECOND_US);
        now->tv_nsec = (long)(us % BF_SECOND_US) * 1000;
    }
    return rc;
}

int
timerfd_settime (int fd, int flags, const struct itimerspec *new_value,
                 struct itimerspec *old_value)
{
    int rc = (int)syscall (SYS_timerfd_settime, fd, flags, new_value, old_value);
    long long step_us =
        flags & TFD_TIMER_CANCEL_ON_SET ? atomic_exchange (&cancel_us, 0) : 0;
    if (rc == 0 && step_us != 0) {
        atomic_fetch_add (&moved_us, step_us);
        errno = ECANCELED;
        rc = -1;
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

/* Something that means nothing: it only wakes the actor. */
static void
wake (fixture *self)
{
    Belfry__Internal__ClockItem item = BELFRY__INTERNAL__CLOCK_ITEM__INIT;
    item.item_case = BELFRY__INTERNAL__CLOCK_ITEM__ITEM_SETTLED;
    item.settled = 1000000;
    tell (self, &item);
}

/* What the store hears next, but that the clock has caught up: on a busy machine it may be
 * away at any time. */
static Belfry__Internal__StoreItem *
next_item (fixture *self)
{
    Belfry__Internal__StoreItem *item = neighbour_item (self->store);
    while (item->item_case == BELFRY__INTERNAL__STORE_ITEM__ITEM_CAUGHT_UP) {
        item = neighbour_item (self->store);
    }
    return item;
}

/* No rows; each source says that it has nothing beyond. */
static void
begin_empty (fixture *self)
{
    Belfry__Internal__ClockItem item = BELFRY__INTERNAL__CLOCK_ITEM__INIT;
    item.item_case = BELFRY__INTERNAL__CLOCK_ITEM__ITEM_RESET;
    item.reset = true;
    tell (self, &item);
    for (uint32_t source = 0; source < BF_SOURCES; source++) {
        Belfry__Internal__StoreItem *asked = next_item (self);
        assert_int_equal (asked->item_case,
                          BELFRY__INTERNAL__STORE_ITEM__ITEM_REFILL_TIMERS);
        Belfry__Internal__TimersRefilled refilled = BELFRY__INTERNAL__TIMERS_REFILLED__INIT;
        refilled.source = source;
        refilled.end = true;
        item.item_case = BELFRY__INTERNAL__CLOCK_ITEM__ITEM_REFILLED;
        item.refilled = &refilled;
        tell (self, &item);
    }
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
    begin_empty (&self);
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

static void
expect_step (fixture *self, int64_t delta_us)
{
    Belfry__Internal__StoreItem *item = next_item (self);
    assert_int_equal (item->item_case, BELFRY__INTERNAL__STORE_ITEM__ITEM_STEPPED);
    assert_in_range (item->stepped->delta_us - delta_us + BLUR_US, 0, 2 * BLUR_US);
}

static uint64_t
expect_due (fixture *self)
{
    Belfry__Internal__DispatcherItem *item = neighbour_item (self->dispatcher);
    assert_int_equal (item->item_case, BELFRY__INTERNAL__DISPATCHER_ITEM__ITEM_DUE);
    assert_int_equal (item->due->n_timers, 1);
    return item->due->timers[0]->job;
}

static void
test_step_is_told_once (void **state)
{
    fixture *self = *state;
    static const int64_t steps_us[] = {BF_HOUR_US, -2 * BF_DAY_US, 200 * BF_MS_US,
                                       -200 * BF_MS_US};
    for (size_t i = 0; i < sizeof steps_us / sizeof *steps_us; i++) {
        atomic_fetch_add (&moved_us, steps_us[i]);
        wake (self);
        expect_step (self, steps_us[i]);
        wake (self);
    }
}

static void
test_slew_is_no_step (void **state)
{
    fixture *self = *state;
    atomic_fetch_add (&moved_us, 40 * BF_MS_US);
    wake (self);
    atomic_fetch_add (&moved_us, -40 * BF_MS_US + BF_HOUR_US);
    wake (self);
    /* The first thing the store hears is the real step. */
    expect_step (self, BF_HOUR_US);
}

/* Forward over a timer: it is due at once. */
static void
test_step_forward_makes_due (void **state)
{
    fixture *self = *state;
    arm (self, (bf_timer){.job = 256, .due_us = bf_now_read ().wall.us + BF_HOUR_US});
    atomic_fetch_add (&moved_us, 2 * BF_HOUR_US);
    wake (self);
    expect_step (self, 2 * BF_HOUR_US);
    assert_int_equal (expect_due (self), 256);
}

/* Back: what was nearly due on the wall clock is not, what counts on the boot clock is. */
static void
test_step_back_delays_wall_only (void **state)
{
    fixture *self = *state;
    bf_now now = bf_now_read ();
    arm (self, (bf_timer){.job = 256, .due_us = now.wall.us + 300 * BF_MS_US});
    arm (self, (bf_timer){.source = BF_SOURCE_SLOT_BOOT,
                          .job = 512,
                          .due_us = now.boot.us + 310 * BF_MS_US});
    atomic_fetch_add (&moved_us, -BF_HOUR_US);
    wake (self);
    expect_step (self, -BF_HOUR_US);
    assert_int_equal (expect_due (self), 512);
    assert_true (neighbour_is_silent (self->dispatcher));
}

/* The clock is set between looking at it and setting the alarm: only the alarm knows. */
static void
test_step_while_arming (void **state)
{
    fixture *self = *state;
    /* By the clock before: it may still be setting its alarms for what came last. */
    int64_t due_us = bf_now_read ().wall.us + BF_HOUR_US;
    atomic_store (&cancel_us, 2 * BF_HOUR_US);
    arm (self, (bf_timer){.job = 256, .due_us = due_us});
    expect_step (self, 2 * BF_HOUR_US);
    assert_int_equal (expect_due (self), 256);
}

#define TEST(name) cmocka_unit_test_setup_teardown (name, set_up, tear_down)

int
main (void)
{
    const struct CMUnitTest tests[] = {
        TEST (test_step_is_told_once),      TEST (test_slew_is_no_step),
        TEST (test_step_forward_makes_due), TEST (test_step_back_delays_wall_only),
        TEST (test_step_while_arming),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
