/* SPDX-License-Identifier: MPL-2.0
 *
 * When? The store says what to arm, core/timers.h keeps it in order, and two timerfds wake
 * this thread at the microsecond: one on the wall clock, which also tells when that clock
 * is set, one on the boot clock. What is due goes to the dispatcher, one batch at a time;
 * the next one waits until the store has committed the last. While nothing is due nothing
 * wakes up here, except that it looks now and then while the store owes it an answer: that
 * takes its time, and nobody was away meanwhile. What came due while nobody could look is
 * marked, and when it is through, the store is told that the clock has caught up.
 *
 * When is also a matter of time zones: where their files change it tells the store, once
 * they have come to rest.
 */
#include "actors/clock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "actors/loop.h"
#include "actors/wiring.h"
#include "actors/zonewatch.h"
#include "core/base/log.h"
#include "core/timers.h"
#include "messages/translate.h"

/* A wall clock that moved by this much against the boot clock was set: NTP's slow
 * corrections move both alike. */
#define STEP_US (100 * BF_MS_US)

/* So long the zones' files must be left alone before the store looks at them: an upgrade
 * replaces one after the other. But not for ever. */
#define ZONES_QUIET_US (2 * BF_SECOND_US)
#define ZONES_WAIT_US (30 * BF_SECOND_US)

/* In alarm_t.set_us: whatever it was set to, it is no longer. */
#define NOT_SET INT64_MIN

/* A timerfd, how it is set, and to what. */
typedef struct {
    int fd;
    int flags;
    int64_t set_us; /* INT64_MAX for never */
} alarm_t;

typedef struct {
    zsock_t *pipe;
    zsock_t *inbox;
    zsock_t *store;
    zsock_t *dispatcher;
    alarm_t wall;
    alarm_t boot;
    bf_timers *timers;
    bf_arena *arena; /* of one message in, or of one out */
    /* Wall clock minus boot clock, as far as the store knows. */
    int64_t offset_us;
    bf_timer due[BF_TIMERS_BATCH];
    bf_zonewatch *zones; /* NULL: they cannot be watched */
    bf_boot zones_due; /* when the store hears that they changed; INT64_MAX: they did not */
    bf_boot zones_limit; /* not later than then */
    bool terminated;
} self_t;

static bf_err
alarm_open (alarm_t *self, int clock, int flags, bf_error *error)
{
    self->fd = timerfd_create (clock, TFD_NONBLOCK | TFD_CLOEXEC);
    if (self->fd < 0) {
        return bf_fail (error, BF_EINTERNAL, "no timer from the kernel: %s",
                        strerror (errno));
    }
    self->flags = flags;
    self->set_us = NOT_SET;
    return BF_OK;
}

static void
alarm_close (alarm_t *self)
{
    if (self->fd >= 0) {
        close (self->fd);
    }
}

/* Sets it to an instant of its clock, to the microsecond. ECANCELED, 0, or another errno.
 * After ECANCELED it is set all the same, but the clock was as well since it was set last.
 */
static int
alarm_set (alarm_t *self, int64_t due_us)
{
    if (due_us == self->set_us) {
        return 0;
    }
    struct itimerspec setting = {0};
    if (due_us != INT64_MAX) {
        /* What was due long ago is due now; all zeroes would mean never. */
        int64_t us = due_us > 0 ? due_us : 1;
        setting.it_value.tv_sec = (time_t)(us / BF_SECOND_US);
        setting.it_value.tv_nsec = (long)(us % BF_SECOND_US) * 1000;
    }
    if (timerfd_settime (self->fd, self->flags, &setting, NULL) != 0) {
        self->set_us = NOT_SET;
        return errno;
    }
    self->set_us = due_us;
    return 0;
}

/* It rang, or its clock was set: either way it has to be set again. */
static void
alarm_clear (alarm_t *self)
{
    uint64_t times;
    if (read (self->fd, &times, sizeof times) >= 0 || errno != EAGAIN) {
        self->set_us = NOT_SET;
    }
}

static int64_t
wall_offset (void)
{
    bf_now now = bf_now_read ();
    return now.wall.us - now.boot.us;
}

static void
self_destroy (self_t **self_p)
{
    self_t *self = *self_p;
    if (!self) {
        return;
    }
    bf_zonewatch_destroy (&self->zones);
    bf_timers_destroy (&self->timers);
    bf_arena_destroy (&self->arena);
    alarm_close (&self->boot);
    alarm_close (&self->wall);
    zsock_destroy (&self->dispatcher);
    zsock_destroy (&self->store);
    zsock_destroy (&self->inbox);
    free (self);
    *self_p = NULL;
}

/* Without a watch, jobs go by the zones as they are at the next start. */
static void
zones_watch (self_t *self, const char *directory)
{
    bf_error error = {0};
    self->zones_due.us = INT64_MAX;
    if (bf_zonewatch_open (&self->zones, directory, &error) != BF_OK) {
        bf_log (BF_LOG_WARNING, "clock",
                "time zones that change are noticed at the next start only", "text=\"%s\"",
                error.text);
    }
}

static bf_err
self_new (self_t **self_p, zsock_t *pipe, const bf_clock_args *args, bf_error *error)
{
    self_t *self = calloc (1, sizeof *self);
    if (!self) {
        return bf_fail (error, BF_ENOMEM, "%s", bf_err_text (BF_ENOMEM));
    }
    self->pipe = pipe;
    self->wall.fd = -1;
    self->boot.fd = -1;
    self->inbox = bf_inbox_bind (args->scheduler, BF_INBOX_CLOCK);
    self->store = bf_inbox_connect (args->scheduler, BF_INBOX_STORE);
    self->dispatcher = bf_inbox_connect (args->scheduler, BF_INBOX_DISPATCHER);
    self->timers = bf_timers_new (BF_TIMERS_CAPACITY, bf_loop_seed ());
    self->arena = bf_arena_new (BF_LOOP_ARENA_BYTES);
    bf_err rc = BF_OK;
    if (!self->inbox || !self->store || !self->dispatcher || !self->timers ||
        !self->arena) {
        rc = bf_fail (error, BF_ENOMEM, "no memory or sockets for the clock");
    }
    if (rc == BF_OK) {
        rc = alarm_open (&self->wall, CLOCK_REALTIME,
                         TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, error);
    }
    if (rc == BF_OK) {
        rc = alarm_open (&self->boot, CLOCK_BOOTTIME, TFD_TIMER_ABSTIME, error);
    }
    if (rc != BF_OK) {
        self_destroy (&self);
        return rc;
    }
    self->offset_us = wall_offset ();
    zones_watch (self, args->zoneinfo);
    *self_p = self;
    return BF_OK;
}

/* Sends one item to the store. */
static bf_err
tell_store (self_t *self, Belfry__Internal__StoreItem *item)
{
    Belfry__Internal__ToStore message = BELFRY__INTERNAL__TO_STORE__INIT;
    message.n_items = 1;
    message.items = &item;
    return bf_inbox_send (self->store, &message.base);
}

static void
handle_pipe (self_t *self)
{
    if (bf_loop_ended (self->pipe, NULL)) {
        self->terminated = true;
    }
}

static bf_err
take_refill (self_t *self, const Belfry__Internal__TimersRefilled *refill)
{
    BF_INVARIANT (refill->source < BF_SOURCES);
    bf_timer *timers = bf_arena_alloc (self->arena, refill->n_timers * sizeof *timers);
    if (!timers) {
        return BF_ENOMEM;
    }
    for (size_t index = 0; index < refill->n_timers; index++) {
        timers[index] = bf_timer_from_wire (refill->timers[index]);
    }
    return bf_timers_refilled (self->timers, (bf_timer_source)refill->source, timers,
                               refill->n_timers, refill->end);
}

static bf_err
handle_item (self_t *self, const Belfry__Internal__ClockItem *item)
{
    switch (item->item_case) {
    case BELFRY__INTERNAL__CLOCK_ITEM__ITEM_ARM:
        return bf_timers_arm (self->timers, bf_timer_from_wire (item->arm));
    case BELFRY__INTERNAL__CLOCK_ITEM__ITEM_DISARM:
        bf_timers_disarm (self->timers, bf_timer_from_wire (item->disarm));
        return BF_OK;
    case BELFRY__INTERNAL__CLOCK_ITEM__ITEM_REFILLED:
        return take_refill (self, item->refilled);
    case BELFRY__INTERNAL__CLOCK_ITEM__ITEM_SETTLED:
        bf_timers_settled (self->timers, item->settled);
        return BF_OK;
    case BELFRY__INTERNAL__CLOCK_ITEM__ITEM_RESET:
        bf_timers_reset (self->timers);
        if (item->since_boot_us != 0) {
            bf_timers_away (self->timers, (bf_boot){item->since_boot_us}, bf_now_read ());
        }
        return BF_OK;
    default:
        return BF_EINTERNAL;
    }
}

static bf_err
handle_inbox (self_t *self)
{
    bf_err rc = BF_OK;
    for (int count = 0; count < BF_LOOP_MESSAGES && rc == BF_OK; count++) {
        zframe_t *frame = bf_inbox_receive (self->inbox);
        if (!frame) {
            break;
        }
        bf_arena_reset (self->arena);
        const Belfry__Internal__ToClock *message =
            (const Belfry__Internal__ToClock *)bf_loop_unpack (
                &frame, &belfry__internal__to_clock__descriptor, self->arena);
        if (!message) {
            return BF_ENOMEM;
        }
        if (message->sent_boot_us != 0) {
            bf_now sent = {{message->sent_wall_us}, {message->sent_boot_us}};
            bf_timers_hear (self->timers, sent, bf_now_read ());
        }
        for (size_t index = 0; index < message->n_items && rc == BF_OK; index++) {
            rc = handle_item (self, message->items[index]);
        }
    }
    return rc;
}

/* Tells the store where the wall clock was set. A thread that is stopped between its two
 * readings sees a step as well, so that a step must show twice. */
static bf_err
check_step (self_t *self)
{
    int64_t delta_us = 0;
    for (int look = 0; look < 2; look++) {
        delta_us = wall_offset () - self->offset_us;
        if (delta_us > -STEP_US && delta_us < STEP_US) {
            return BF_OK;
        }
    }
    self->offset_us += delta_us;
    bf_log (BF_LOG_INFO, "clock", "the wall clock was set", "delta_us=%lld",
            (long long)delta_us);
    Belfry__Internal__Stepped stepped = BELFRY__INTERNAL__STEPPED__INIT;
    stepped.delta_us = delta_us;
    Belfry__Internal__StoreItem item = BELFRY__INTERNAL__STORE_ITEM__INIT;
    item.item_case = BELFRY__INTERNAL__STORE_ITEM__ITEM_STEPPED;
    item.stepped = &stepped;
    return tell_store (self, &item);
}

/* Looks what is due, and sends it. */
static bf_err
send_due (self_t *self)
{
    uint64_t batch = 0;
    bf_now now = bf_now_read ();
    bf_timers_look (self->timers, now);
    size_t count = bf_timers_due (self->timers, now, self->due, BF_TIMERS_BATCH, &batch);
    if (count == 0) {
        return BF_OK;
    }
    bf_arena_reset (self->arena);
    Belfry__Internal__Timer *timers = bf_arena_alloc (self->arena, count * sizeof *timers);
    Belfry__Internal__Timer **pointers =
        bf_arena_alloc (self->arena, count * sizeof *pointers);
    if (timers == NULL || pointers == NULL) {
        return BF_ENOMEM;
    }
    for (size_t index = 0; index < count; index++) {
        bf_timer_to_wire (self->due[index], &timers[index]);
        pointers[index] = &timers[index];
    }
    Belfry__Internal__Due due = BELFRY__INTERNAL__DUE__INIT;
    due.batch = batch;
    due.n_timers = count;
    due.timers = pointers;
    Belfry__Internal__DispatcherItem item = BELFRY__INTERNAL__DISPATCHER_ITEM__INIT;
    item.item_case = BELFRY__INTERNAL__DISPATCHER_ITEM__ITEM_DUE;
    item.due = &due;
    Belfry__Internal__DispatcherItem *items = &item;
    Belfry__Internal__ToDispatcher message = BELFRY__INTERNAL__TO_DISPATCHER__INIT;
    message.n_items = 1;
    message.items = &items;
    return bf_inbox_send (self->dispatcher, &message.base);
}

static bf_err
send_caught_up (self_t *self)
{
    bf_wall from, until;
    if (!bf_timers_caught_up (self->timers, &from, &until)) {
        return BF_OK;
    }
    if (from.us != 0) {
        char since[BF_ISO_BYTES];
        bf_log (BF_LOG_WARNING, "clock", "was away: stopped, asleep, or set forward",
                "since=%s seconds=%lld", bf_wall_format (from, since),
                (long long)((until.us - from.us) / BF_SECOND_US));
    }
    Belfry__Internal__CaughtUp caught_up = BELFRY__INTERNAL__CAUGHT_UP__INIT;
    caught_up.from_us = from.us;
    caught_up.until_us = until.us;
    Belfry__Internal__StoreItem item = BELFRY__INTERNAL__STORE_ITEM__INIT;
    item.item_case = BELFRY__INTERNAL__STORE_ITEM__ITEM_CAUGHT_UP;
    item.caught_up = &caught_up;
    return tell_store (self, &item);
}

static bf_err
ask_refills (self_t *self)
{
    bf_err rc = BF_OK;
    for (int source = 0; source < BF_SOURCES && rc == BF_OK; source++) {
        bf_timer place;
        if (!bf_timers_want (self->timers, (bf_timer_source)source, &place)) {
            continue;
        }
        Belfry__Internal__Timer after;
        bf_timer_to_wire (place, &after);
        Belfry__Internal__RefillTimers refill = BELFRY__INTERNAL__REFILL_TIMERS__INIT;
        refill.after = &after;
        refill.limit = BF_TIMERS_REFILL;
        Belfry__Internal__StoreItem item = BELFRY__INTERNAL__STORE_ITEM__INIT;
        item.item_case = BELFRY__INTERNAL__STORE_ITEM__ITEM_REFILL_TIMERS;
        item.refill_timers = &refill;
        rc = tell_store (self, &item);
    }
    return rc;
}

static void
zones_take (self_t *self)
{
    if (!bf_zonewatch_take (self->zones)) {
        return;
    }
    bf_boot now = bf_now_read ().boot;
    if (self->zones_due.us == INT64_MAX) {
        self->zones_limit.us = now.us + ZONES_WAIT_US;
    }
    int64_t quiet_us = now.us + ZONES_QUIET_US;
    self->zones_due.us = quiet_us < self->zones_limit.us ? quiet_us : self->zones_limit.us;
}

static bf_err
send_zones (self_t *self)
{
    if (bf_now_read ().boot.us < self->zones_due.us) {
        return BF_OK;
    }
    self->zones_due.us = INT64_MAX;
    bf_log (BF_LOG_INFO, "clock", "files of time zones changed", "quiet_us=%lld",
            (long long)ZONES_QUIET_US);
    Belfry__Internal__ZonesChanged changed = BELFRY__INTERNAL__ZONES_CHANGED__INIT;
    Belfry__Internal__StoreItem item = BELFRY__INTERNAL__STORE_ITEM__INIT;
    item.item_case = BELFRY__INTERNAL__STORE_ITEM__ITEM_ZONES_CHANGED;
    item.zones_changed = &changed;
    return tell_store (self, &item);
}

/* Sets both alarms. *stepped where the wall clock was set since it was looked at. */
static bf_err
set_alarms (self_t *self, bool *stepped)
{
    /* Never unset: only an alarm that is set notices that the clock is. */
    int64_t wall_us = bf_timers_next_wall (self->timers).us;
    int failed =
        alarm_set (&self->wall, wall_us < BF_WALL_MAX_US ? wall_us : BF_WALL_MAX_US);
    *stepped = failed == ECANCELED;
    if (!failed || *stepped) {
        failed = alarm_set (&self->boot, bf_timers_next_boot (self->timers).us);
    }
    if (failed) {
        bf_log (BF_LOG_ERROR, "clock", "a timer could not be set", "reason=\"%s\"",
                strerror (failed));
    }
    return failed ? BF_EINTERNAL : BF_OK;
}

/* After whatever woke it up. */
static bf_err
on_deadline (self_t *self)
{
    bf_err rc = BF_OK;
    bool stepped = true;
    while (stepped && rc == BF_OK) {
        rc = check_step (self);
        if (rc == BF_OK) {
            rc = send_due (self);
        }
        if (rc == BF_OK) {
            rc = send_caught_up (self);
        }
        if (rc == BF_OK) {
            rc = ask_refills (self);
        }
        if (rc == BF_OK) {
            rc = set_alarms (self, &stepped);
        }
    }
    bf_timers_sleep (self->timers);
    return rc;
}

static bf_err
run (self_t *self)
{
    bool stepped = false;
    bf_err rc = set_alarms (self, &stepped);
    while (rc == BF_OK && !self->terminated) {
        zmq_pollitem_t items[] = {
            bf_loop_socket (self->pipe),
            bf_loop_socket (self->inbox),
            bf_loop_fd (self->wall.fd),
            bf_loop_fd (self->boot.fd),
            bf_loop_fd (self->zones ? bf_zonewatch_fd (self->zones) : -1),
        };
        if (!bf_loop_wait (items, self->zones ? 5 : 4, self->zones_due)) {
            break;
        }
        if (items[0].revents != 0) {
            handle_pipe (self);
            continue;
        }
        if (items[1].revents != 0) {
            rc = handle_inbox (self);
        }
        if (items[2].revents != 0) {
            alarm_clear (&self->wall);
        }
        if (items[3].revents != 0) {
            alarm_clear (&self->boot);
        }
        if (items[4].revents != 0) {
            zones_take (self);
        }
        if (rc == BF_OK) {
            rc = send_zones (self);
        }
        if (rc == BF_OK) {
            rc = on_deadline (self);
        }
    }
    return rc;
}

void
bf_clock_actor (zsock_t *pipe, void *argument)
{
    bf_clock_args *args = argument;
    self_t *self = NULL;
    bf_err rc = self_new (&self, pipe, args, &args->birth.error);
    bf_loop_born (pipe);
    if (rc == BF_OK) {
        rc = run (self);
        if (rc != BF_OK) {
            bf_loop_fail (pipe, &args->birth, rc);
        }
    }
    self_destroy (&self);
}
