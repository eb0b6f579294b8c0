/* SPDX-License-Identifier: MPL-2.0
 *
 * The process and its threads: what actors/actor.h and the waiting of actors/loop.h
 * promise, on fibers. Whoever waits is asked before each step whether it could run; which
 * of those that could does is chance. A killed process's threads find every wait ended at
 * once and leave by their usual ways, so that nothing leaks; what they say on the way is
 * dropped.
 */
#include <stdlib.h>
#include <string.h>

#include "actors/actor.h"
#include "actors/loop.h"
#include "core/base/log.h"
#include "tests/simulation/seam/private.h"

/* Main, supervisor, six actors, and room. */
#define TASKS 16

typedef struct task task;
struct task {
    fiber *fiber;
    const char *name;
    void (*function) (task *self);
    zmq_pollitem_t *items; /* waits for one of these, */
    int count;
    bf_boot until;     /* or until then, */
    const task *joins; /* or for the end of that one; */
    bool paused;       /* or for nothing */
};

struct bf_actor {
    task *task;
    zactor_fn *function;
    bf_actor_birth *birth;
    seam_socket *pipe;
    seam_socket *backend;
};

process_outside process;

static struct {
    task *tasks[TASKS];
    size_t count;
    task *running;
    bool killed;
    bool serves;
    seam_socket *orders; /* main's end: "stop", or that the scheduler has ended */
    seam_socket *asked;  /* the other end */
    belfry_scheduler_status status;
    char reason[256];
} state;

/* --- tasks -------------------------------------------------------------------------- */

static void
task_run (void *argument)
{
    task *self = argument;
    self->function (self);
}

static task *
task_new (const char *name, void (*function) (task *self))
{
    task *self = calloc (1, sizeof *self);
    if (!self || state.count == TASKS) {
        abort ();
    }
    self->name = name;
    self->function = function;
    self->fiber = fiber_new (task_run, self);
    self->paused = true;
    state.tasks[state.count++] = self;
    return self;
}

static void
task_destroy (task *self)
{
    for (size_t i = 0; i < state.count; i++) {
        if (state.tasks[i] == self) {
            memmove (&state.tasks[i], &state.tasks[i + 1],
                     (state.count - i - 1) * sizeof state.tasks[0]);
            state.count--;
            break;
        }
    }
    fiber_destroy (&self->fiber);
    free (self);
}

bool
seam_is_alive (void)
{
    return !state.killed && !disk_is_stopped (process.disk);
}

static bool
is_readable (const zmq_pollitem_t *item, bf_now now)
{
    return item->socket
               ? seam_socket_readable (item->socket)
               : seam_alarm_readable (item->fd, now) || seam_zones_readable (item->fd);
}

static bool
could_run (const task *self, bf_now now)
{
    if (fiber_has_ended (self->fiber)) {
        return false;
    }
    if (self->paused) {
        return true;
    }
    if (self->joins) {
        return fiber_has_ended (self->joins->fiber);
    }
    if (!seam_is_alive () || self->until.us <= now.boot.us) {
        return true;
    }
    for (int i = 0; i < self->count; i++) {
        if (is_readable (&self->items[i], now)) {
            return true;
        }
    }
    return false;
}

void
seam_pause (void)
{
    state.running->paused = true;
    fiber_yield ();
    state.running->paused = false;
}

bool
seam_wait (zmq_pollitem_t *items, int count, bf_boot until)
{
    task *self = state.running;
    self->items = items;
    self->count = count;
    self->until = until;
    fiber_yield ();
    self->items = NULL;
    self->count = 0;
    bf_now now = process.now (process.context);
    for (int i = 0; i < count; i++) {
        items[i].revents = is_readable (&items[i], now) ? ZMQ_POLLIN : 0;
    }
    return seam_is_alive ();
}

static void
join (const task *other)
{
    task *self = state.running;
    self->joins = other;
    fiber_yield ();
    self->joins = NULL;
}

/* --- actors/actor.h ------------------------------------------------------------------- */

static bf_actor *actor_of_task (const task *self);

static struct {
    bf_actor *actors[TASKS];
    size_t count;
} actors;

static bf_actor *
actor_of_task (const task *self)
{
    for (size_t i = 0; i < actors.count; i++) {
        if (actors.actors[i]->task == self) {
            return actors.actors[i];
        }
    }
    abort ();
}

static void
actor_run (task *self)
{
    bf_actor *actor = actor_of_task (self);
    zsock_t *pipe = (zsock_t *)actor->backend;
    actor->function (pipe, actor->birth);
    bf_actor_say (pipe, "ENDED");
    zsock_destroy (&pipe);
}

bf_err
bf_actor_prepare (bf_error *error)
{
    (void)error;
    return BF_OK;
}

bf_err
bf_actor_start (bf_actor **self_p, zactor_fn *function, bf_actor_birth *birth,
                bf_error *error)
{
    bf_actor *self = calloc (1, sizeof *self);
    if (!self) {
        abort ();
    }
    self->function = function;
    self->birth = birth;
    self->pipe = seam_socket_new (SOCKET_PIPE);
    self->backend = seam_socket_new (SOCKET_PIPE);
    self->pipe->other = self->backend;
    self->backend->other = self->pipe;
    self->task = task_new (birth->name, actor_run);
    actors.actors[actors.count++] = self;
    /* A killed one, too, is born before it ends. */
    while (!self->pipe->queue.first) {
        seam_pause ();
    }
    free (pieces_pop (&self->pipe->queue));
    if (birth->error.code != BF_OK) {
        bf_err rc = birth->error.code;
        bf_actor_stop (&self);
        return bf_fail (error, rc, "%s", birth->error.text);
    }
    *self_p = self;
    return BF_OK;
}

void
bf_actor_stop (bf_actor **self_p)
{
    bf_actor *self = *self_p;
    if (!self) {
        return;
    }
    *self_p = NULL;
    bf_actor_say (bf_actor_pipe (self), "$TERM");
    join (self->task);
    task_destroy (self->task);
    zsock_t *pipe = bf_actor_pipe (self);
    zsock_destroy (&pipe);
    for (size_t i = 0; i < actors.count; i++) {
        if (actors.actors[i] == self) {
            actors.actors[i] = actors.actors[--actors.count];
            break;
        }
    }
    free (self);
}

zsock_t *
bf_actor_pipe (bf_actor *self)
{
    return (zsock_t *)self->pipe;
}

void
bf_actor_name (const char *name)
{
    (void)name;
}

bool
bf_actor_say (zsock_t *pipe, const char *command)
{
    seam_socket *self = (seam_socket *)pipe;
    if (!self->other) {
        return false;
    }
    pieces_push (&self->other->queue, 0, command, strlen (command));
    return true;
}

char *
bf_actor_command (zsock_t *pipe)
{
    seam_socket *self = (seam_socket *)pipe;
    zmq_pollitem_t item = bf_loop_socket (pipe);
    while (!self->queue.first && self->other) {
        if (!seam_wait (&item, 1, (bf_boot){INT64_MAX}) && !self->queue.first) {
            return NULL;
        }
    }
    piece *said = pieces_pop (&self->queue);
    char *command = said ? strndup ((const char *)said->bytes, said->size) : NULL;
    free (said);
    return command;
}

/* --- the waiting of actors/loop.h -------------------------------------------------------
 */

bool __wrap_bf_loop_wait (zmq_pollitem_t *items, int count, bf_boot next);

bool
__wrap_bf_loop_wait (zmq_pollitem_t *items, int count, bf_boot next)
{
    /* zmq_poll knows milliseconds only, rounded up. */
    bf_boot until = next;
    if (next.us != INT64_MAX) {
        int64_t now_us = process.now (process.context).boot.us;
        int64_t ms = next.us > now_us ? (next.us - now_us - 1) / BF_MS_US + 1 : 0;
        until.us = now_us + ms * BF_MS_US;
    }
    return seam_wait (items, count, until);
}

/* --- the process
 * ---------------------------------------------------------------------------- */

static void
main_run (task *self)
{
    (void)self;
    belfry_scheduler *scheduler = NULL;
    state.status = belfry_scheduler_start (&scheduler, &process.options, state.reason,
                                           sizeof state.reason);
    if (state.status != BELFRY_STOPPED) {
        return;
    }
    state.serves = true;
    char *order = bf_actor_command ((zsock_t *)state.orders);
    free (order);
    state.serves = false;
    state.status = belfry_scheduler_stop (&scheduler);
}

void
process_start (const process_outside *outside)
{
    process = *outside;
    memset (&state, 0, sizeof state);
    state.orders = seam_socket_new (SOCKET_PIPE);
    state.asked = seam_socket_new (SOCKET_PIPE);
    state.orders->other = state.asked;
    state.asked->other = state.orders;
    task_new ("main", main_run);
}

bool
process_exists (void)
{
    return state.count > 0;
}

bool
process_serves (void)
{
    return state.serves && seam_is_alive ();
}

belfry_scheduler_status
process_status (void)
{
    return state.status;
}

const char *
process_reason (void)
{
    return state.reason;
}

void
process_stop (void)
{
    bf_actor_say ((zsock_t *)state.asked, "stop");
}

void
process_kill (void)
{
    state.killed = true;
}

/* The supervisor tells its host by an eventfd that it has ended by itself. */
int __wrap_eventfd_write (int fd, uint64_t value);

int
__wrap_eventfd_write (int fd, uint64_t value)
{
    (void)fd;
    (void)value;
    bf_actor_say ((zsock_t *)state.asked, "ended");
    return 0;
}

bool
process_can_step (void)
{
    bf_now now = process.now (process.context);
    for (size_t i = 0; i < state.count; i++) {
        if (could_run (state.tasks[i], now)) {
            return true;
        }
    }
    return false;
}

/* Main was the last: what it leaves behind goes. */
static void
bury (void)
{
    task_destroy (state.tasks[0]);
    zsock_t *orders = (zsock_t *)state.orders;
    zsock_t *asked = (zsock_t *)state.asked;
    zsock_destroy (&orders);
    zsock_destroy (&asked);
    seam_inboxes_clear ();
    seam_alarms_clear ();
}

const char *
process_step (void)
{
    bf_now now = process.now (process.context);
    task *candidates[TASKS];
    size_t count = 0;
    for (size_t i = 0; i < state.count; i++) {
        if (could_run (state.tasks[i], now)) {
            candidates[count++] = state.tasks[i];
        }
    }
    if (count == 0) {
        return "nobody";
    }
    task *chosen = candidates[sim_below (process.random, count)];
    const char *name = chosen->name;
    state.running = chosen;
    chosen->paused = false;
    fiber_resume (chosen->fiber);
    state.running = NULL;
    if (state.count == 1 && fiber_has_ended (state.tasks[0]->fiber)) {
        bury ();
    }
    return name;
}

bf_now
process_next (void)
{
    bf_now next = process_alarms ();
    for (size_t i = 0; i < state.count; i++) {
        const task *one = state.tasks[i];
        if (!fiber_has_ended (one->fiber) && !one->joins && one->until.us < next.boot.us) {
            next.boot = one->until;
        }
    }
    return next;
}

bool
process_is_quiet (void)
{
    return state.serves && !process_can_step () && !seam_inboxes_hold ();
}

/* The log is the trace's. */
__attribute__ ((format (printf, 4, 5))) void __wrap_bf_log (bf_log_level level,
                                                            const char *actor,
                                                            const char *text,
                                                            const char *format, ...);

void
__wrap_bf_log (bf_log_level level, const char *actor, const char *text, const char *format,
               ...)
{
    (void)level;
    (void)format;
    process.log (process.context, actor, text);
}
