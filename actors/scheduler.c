/* SPDX-License-Identifier: MPL-2.0
 *
 * The supervisor: a thread that starts the actors in order, watches their pipes, and stops
 * them in order. The functions of belfry_scheduler.h run on the host's threads and only
 * start and join it.
 *
 *   start  store -> feed -> clock -> retry -> dispatcher -> gateway
 *   stop   gateway (drained) -> clock -> dispatcher -> retry -> store -> feed
 *
 * The store starts first, because it holds the lock of the directory: a second daemon must
 * be told so before it touches a socket there. It stops after everybody who speaks to it,
 * and the feed after it, to publish its last events.
 */
#include "actors/belfry_scheduler.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <czmq.h>

#include "actors/actor.h"
#include "actors/clock.h"
#include "actors/dispatcher.h"
#include "actors/endpoint.h"
#include "actors/feed.h"
#include "actors/gateway.h"
#include "actors/loop.h"
#include "actors/retry.h"
#include "actors/store.h"
#include "actors/wiring.h"
#include "core/base/log.h"

/* Calls under way get so long for their answers. A commit takes milliseconds; only a disk
 * that hangs takes longer, and then the clients repeat them to the successor. */
#define DRAIN_US (5 * BF_SECOND_US)

typedef enum { STORE, FEED, CLOCK, RETRY, DISPATCHER, GATEWAY, CHILDREN } child_name;

static const child_name stop_order[CHILDREN] = {
    GATEWAY, CLOCK, DISPATCHER, RETRY, STORE, FEED,
};

typedef struct {
    zactor_fn *function;
    bf_actor_birth *birth;
    bf_actor *actor; /* NULL before its start and after its end */
} child;

struct belfry_scheduler {
    bf_actor_birth birth; /* the supervisor's; first, it is the thread's args */
    bf_actor *supervisor;
    uint64_t number;
    char *directory;
    char *zoneinfo;  /* NULL for the usual one */
    char **commands; /* each ends with NULL, none is NULL */
    char **feed;
    char **monitor;
    char *endpoints; /* written before the birth, then constant */
    int ended_fd;
    bf_error failure; /* the supervisor's until it is joined */
    child children[CHILDREN];
    bf_store_args store_args;
    bf_feed_args feed_args;
    bf_clock_args clock_args;
    bf_retry_args retry_args;
    bf_dispatcher_args dispatcher_args;
    bf_gateway_args gateway_args;
};

/* --- the supervisor's thread ------------------------------------------------------- */

static void
children_prepare (belfry_scheduler *self)
{
    uint64_t number = self->number;
    self->store_args.birth.name = "store";
    self->store_args.scheduler = number;
    self->store_args.directory = self->directory;
    self->store_args.zoneinfo = self->zoneinfo;
    self->feed_args = (bf_feed_args){.birth.name = "feed",
                                     .scheduler = number,
                                     .feed = (const char *const *)self->feed,
                                     .monitor = (const char *const *)self->monitor};
    self->clock_args = (bf_clock_args){
        .birth.name = "clock", .scheduler = number, .zoneinfo = self->zoneinfo};
    self->retry_args = (bf_retry_args){.birth.name = "retry", .scheduler = number};
    self->dispatcher_args =
        (bf_dispatcher_args){.birth.name = "dispatcher", .scheduler = number};
    self->gateway_args = (bf_gateway_args){.birth.name = "gateway",
                                           .scheduler = number,
                                           .commands = (const char *const *)self->commands};
    self->children[STORE] = (child){bf_store_actor, &self->store_args.birth, NULL};
    self->children[FEED] = (child){bf_feed_actor, &self->feed_args.birth, NULL};
    self->children[CLOCK] = (child){bf_clock_actor, &self->clock_args.birth, NULL};
    self->children[RETRY] = (child){bf_retry_actor, &self->retry_args.birth, NULL};
    self->children[DISPATCHER] =
        (child){bf_dispatcher_actor, &self->dispatcher_args.birth, NULL};
    self->children[GATEWAY] = (child){bf_gateway_actor, &self->gateway_args.birth, NULL};
}

static void
children_stop (belfry_scheduler *self)
{
    for (size_t i = 0; i < CHILDREN; i++) {
        bf_actor_stop (&self->children[stop_order[i]].actor);
    }
}

/* After a start that failed half way there are sockets connected to inboxes that were never
 * bound, and libzmq keeps those until somebody binds. */
static void
inboxes_flush (const belfry_scheduler *self)
{
    for (bf_inbox i = 0; i < BF_INBOXES; i++) {
        zsock_t *socket = bf_inbox_bind (self->number, i);
        zsock_destroy (&socket);
    }
}

static bf_err
children_start (belfry_scheduler *self, bf_error *error)
{
    bf_err rc = BF_OK;
    for (size_t i = 0; rc == BF_OK && i < CHILDREN; i++) {
        child *one = &self->children[i];
        rc = bf_actor_start (&one->actor, one->function, one->birth, error);
    }
    if (rc != BF_OK) {
        children_stop (self);
        inboxes_flush (self);
    }
    return rc;
}

static void
print_list (FILE *stream, const char *name, zlist_t *list)
{
    fprintf (stream, "%s=", name);
    const char *comma = "";
    for (char *text = zlist_first (list); text; text = zlist_next (list)) {
        fprintf (stream, "%s%s", comma, text);
        comma = ",";
    }
}

static bf_err
endpoints_format (belfry_scheduler *self, bf_error *error)
{
    size_t size;
    FILE *stream = open_memstream (&self->endpoints, &size);
    if (!stream) {
        return bf_fail_plain (error, BF_ENOMEM);
    }
    print_list (stream, "commands", self->gateway_args.commands_bound);
    print_list (stream, " feed", self->feed_args.feed_bound);
    print_list (stream, " monitor", self->feed_args.monitor_bound);
    return fclose (stream) == 0 ? BF_OK : bf_fail_plain (error, BF_ENOMEM);
}

/* Reads what a child says; true for the gateway's "DRAINED". Everything else that a child
 * says by itself means that it has ended. */
static bool
handle_child (belfry_scheduler *self, child *one)
{
    char *said = bf_actor_command (bf_actor_pipe (one->actor));
    bool drained = said && streq (said, "DRAINED");
    zstr_free (&said);
    if (drained) {
        return true;
    }
    /* Joined, so that what it wrote about its end can be read. */
    bf_actor_stop (&one->actor);
    const bf_error *reason = &one->birth->failure;
    if (reason->code != BF_OK) {
        self->failure = *reason;
    } else {
        bf_fail (&self->failure, BF_EINTERNAL, "the actor %s ended by itself",
                 one->birth->name);
    }
    bf_log (BF_LOG_ERROR, self->birth.name, "an actor has ended, stopping the others",
            "ended=%s error=%s text=\"%s\"", one->birth->name,
            bf_err_name (self->failure.code), self->failure.text);
    return false;
}

/* Why the supervisor woke: the parent, a child, or the time. */
typedef enum { WOKE_TERM, WOKE_DRAINED, WOKE_FAILED, WOKE_LATE } woke;

static woke
supervise (belfry_scheduler *self, zsock_t *pipe, bf_boot until)
{
    zmq_pollitem_t items[CHILDREN + 1];
    for (;;) {
        for (size_t i = 0; i < CHILDREN; i++) {
            items[i] = bf_loop_socket (bf_actor_pipe (self->children[i].actor));
        }
        /* While draining nobody listens to the parent: it has said all it can. */
        int count = CHILDREN;
        if (pipe) {
            items[count++] = bf_loop_socket (pipe);
        }
        if (!bf_loop_wait (items, count, until)) {
            return WOKE_TERM;
        }
        for (size_t i = 0; i < CHILDREN; i++) {
            if (items[i].revents && handle_child (self, &self->children[i])) {
                return WOKE_DRAINED;
            }
            if (self->failure.code != BF_OK) {
                return WOKE_FAILED;
            }
        }
        if (pipe && items[CHILDREN].revents && bf_loop_ended (pipe, NULL)) {
            return WOKE_TERM;
        }
        if (bf_now_read ().boot.us >= until.us) {
            return WOKE_LATE;
        }
    }
}

/* The gateway refuses new calls and answers those that it has. */
static void
drain (belfry_scheduler *self)
{
    bf_actor_say (bf_actor_pipe (self->children[GATEWAY].actor), "DRAIN");
    bf_boot until = {bf_now_read ().boot.us + DRAIN_US};
    if (supervise (self, NULL, until) == WOKE_LATE) {
        bf_log (BF_LOG_WARNING, self->birth.name,
                "some calls had no answer in time, their clients will repeat them",
                "waited_us=%lld", (long long)DRAIN_US);
    }
}

static void
supervisor_actor (zsock_t *pipe, void *args)
{
    belfry_scheduler *self = args;
    bf_error *error = &self->birth.error;
    children_prepare (self);
    if (children_start (self, error) != BF_OK || endpoints_format (self, error) != BF_OK) {
        children_stop (self);
        return;
    }
    bf_loop_born (pipe);
    if (supervise (self, pipe, (bf_boot){INT64_MAX}) == WOKE_TERM) {
        drain (self);
        children_stop (self);
        return;
    }
    children_stop (self);
    /* Tells the host, who then stops us. */
    eventfd_write (self->ended_fd, 1);
    while (!bf_loop_ended (pipe, NULL)) {
    }
}

/* --- the host's threads ------------------------------------------------------------ */

static void
strings_free (char **strings)
{
    for (size_t i = 0; strings && strings[i]; i++) {
        free (strings[i]);
    }
    free (strings);
}

/* NULL without memory. */
static char **
strings_copy (const char *const *strings)
{
    size_t count = 0;
    while (strings && strings[count]) {
        count++;
    }
    char **copy = calloc (count + 1, sizeof *copy);
    for (size_t i = 0; copy && i < count; i++) {
        copy[i] = strdup (strings[i]);
        if (!copy[i]) {
            strings_free (copy);
            return NULL;
        }
    }
    return copy;
}

static void
self_destroy (belfry_scheduler **self_p)
{
    belfry_scheduler *self = *self_p;
    if (self) {
        *self_p = NULL;
        zlist_destroy (&self->gateway_args.commands_bound);
        zlist_destroy (&self->feed_args.feed_bound);
        zlist_destroy (&self->feed_args.monitor_bound);
        if (self->ended_fd != -1) {
            close (self->ended_fd);
        }
        strings_free (self->commands);
        strings_free (self->feed);
        strings_free (self->monitor);
        free (self->directory);
        free (self->zoneinfo);
        free (self->endpoints);
        free (self);
    }
}

static belfry_scheduler *
self_new (const belfry_scheduler_options *options, bf_error *error)
{
    static atomic_ullong number;
    belfry_scheduler *self = calloc (1, sizeof *self);
    if (!self) {
        bf_fail_plain (error, BF_ENOMEM);
        return NULL;
    }
    self->birth.name = "scheduler";
    self->number = atomic_fetch_add (&number, 1) + 1;
    self->directory = strdup (options->directory);
    self->zoneinfo = options->zoneinfo ? strdup (options->zoneinfo) : NULL;
    self->commands = strings_copy (options->commands);
    self->feed = strings_copy (options->feed);
    self->monitor = strings_copy (options->monitor);
    self->store_args.keep_finals_us = options->keep_finals_us;
    self->store_args.keep_final_jobs = options->keep_final_jobs;
    self->store_args.keep_events_us = options->keep_events_us;
    self->store_args.keep_event_rows = options->keep_event_rows;
    self->ended_fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (self->ended_fd == -1) {
        bf_fail (error, BF_ELIMIT, "no descriptor for the scheduler: %s", strerror (errno));
        self_destroy (&self);
    } else if (!self->directory || (options->zoneinfo && !self->zoneinfo) ||
               !self->commands || !self->feed || !self->monitor) {
        bf_fail_plain (error, BF_ENOMEM);
        self_destroy (&self);
    }
    return self;
}

static bf_err
options_check (const belfry_scheduler_options *options, bf_error *error)
{
    if (!options->directory || !*options->directory) {
        return bf_fail (error, BF_ECONFIG, "a data directory is needed");
    }
    bf_err rc = bf_endpoint_check (options->commands, options->insecure, error);
    if (rc == BF_OK) {
        rc = bf_endpoint_check (options->feed, options->insecure, error);
    }
    if (rc == BF_OK) {
        rc = bf_endpoint_check (options->monitor, options->insecure, error);
    }
    return rc;
}

static belfry_scheduler_status
status_of (bf_err rc)
{
    switch (rc) {
    case BF_OK:
        return BELFRY_STOPPED;
    case BF_ELOCKED:
        return BELFRY_LOCKED;
    case BF_ECORRUPT:
        return BELFRY_CORRUPT;
    case BF_EFOREIGN:
        return BELFRY_FOREIGN;
    case BF_ENEWER:
        return BELFRY_NEWER;
    case BF_EDISKFULL:
    case BF_EIO:
        return BELFRY_DISK;
    case BF_EBIND:
        return BELFRY_BIND;
    case BF_ECONFIG:
        return BELFRY_CONFIG;
    default:
        return BELFRY_FAILED;
    }
}

belfry_scheduler_status
belfry_scheduler_start (belfry_scheduler **self_p, const belfry_scheduler_options *options,
                        char *text, size_t size)
{
    bf_error error = {0};
    belfry_scheduler *self = NULL;
    bf_err rc = options_check (options, &error);
    if (rc == BF_OK) {
        self = self_new (options, &error);
        rc = error.code;
    }
    if (rc == BF_OK) {
        rc = bf_actor_start (&self->supervisor, supervisor_actor, &self->birth, &error);
    }
    if (rc == BF_OK) {
        *self_p = self;
    } else {
        self_destroy (&self);
    }
    if (text && size > 0) {
        snprintf (text, size, "%s", error.text);
    }
    return status_of (rc);
}

belfry_scheduler_status
belfry_scheduler_stop (belfry_scheduler **self_p)
{
    belfry_scheduler *self = *self_p;
    if (!self) {
        return BELFRY_STOPPED;
    }
    *self_p = NULL;
    bf_actor_stop (&self->supervisor);
    belfry_scheduler_status status = status_of (self->failure.code);
    self_destroy (&self);
    return status;
}

const char *
belfry_scheduler_endpoints (const belfry_scheduler *self)
{
    return self->endpoints;
}

void *
belfry_scheduler_context (void)
{
    return bf_actor_prepare (NULL) == BF_OK ? zsys_init () : NULL;
}

int
belfry_scheduler_fd (const belfry_scheduler *self)
{
    return self->ended_fd;
}
