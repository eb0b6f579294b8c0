/* SPDX-License-Identifier: MPL-2.0
 *
 * actors/scheduler: the order in which it starts and stops its actors, and what it does
 * when one of them fails. The actors are defined here and do as they are told, so that the
 * linker never takes the real ones.
 */
#include "actors/belfry_scheduler.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <czmq.h>

#include "actors/actor.h"
#include "actors/clock.h"
#include "actors/dispatcher.h"
#include "actors/feed.h"
#include "actors/gateway.h"
#include "actors/retry.h"
#include "actors/store.h"
#include "core/base/time.h"
#include "tests/support/cmocka.h"

#define DEADLINE_MS 10000
#define LOG_BYTES 1024

static struct {
    pthread_mutex_t mutex;
    char log[LOG_BYTES];    /* "+store +feed … -feed " */
    const char *unborn;     /* whose start fails */
    const char *failing;    /* who fails at once after its start */
    const char *speechless; /* who then only ends, without FAILED */
    atomic_bool deaf;       /* the gateway never says DRAINED */
} told = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static void
note (const char *sign, const char *name)
{
    pthread_mutex_lock (&told.mutex);
    size_t used = strlen (told.log);
    snprintf (told.log + used, LOG_BYTES - used, "%s%s ", sign, name);
    pthread_mutex_unlock (&told.mutex);
}

/* What happened so far. */
static const char *
log_text (void)
{
    static char copy[LOG_BYTES];
    pthread_mutex_lock (&told.mutex);
    strcpy (copy, told.log);
    pthread_mutex_unlock (&told.mutex);
    return copy;
}

static bool
is_told (const char *who, const bf_actor_birth *birth)
{
    return who && streq (who, birth->name);
}

static void
serve (zsock_t *pipe, const bf_actor_birth *birth)
{
    for (;;) {
        char *command = bf_actor_command (pipe);
        if (!command || streq (command, "$TERM")) {
            free (command);
            return;
        }
        note ("!", birth->name);
        if (streq (command, "DRAIN") && !atomic_load (&told.deaf)) {
            bf_actor_say (pipe, "DRAINED");
        }
        free (command);
    }
}

static void
act (zsock_t *pipe, bf_actor_birth *birth)
{
    if (is_told (told.unborn, birth)) {
        bf_fail (&birth->error, BF_ENEWER, "told so");
        bf_actor_say (pipe, "BORN");
        return;
    }
    note ("+", birth->name);
    bf_actor_say (pipe, "BORN");
    if (is_told (told.failing, birth)) {
        bf_fail (&birth->failure, BF_EIO, "told so");
        bf_actor_say (pipe, "FAILED");
    } else if (!is_told (told.speechless, birth)) {
        serve (pipe, birth);
    }
    note ("-", birth->name);
}

#define FAKE(name)                                      \
    void bf_##name##_actor (zsock_t *pipe, void *args)  \
    {                                                   \
        act (pipe, &((bf_##name##_args *)args)->birth); \
    }

FAKE (store)
FAKE (clock)
FAKE (retry)
FAKE (dispatcher)

void
bf_feed_actor (zsock_t *pipe, void *args)
{
    bf_feed_args *feed = args;
    feed->feed_bound = zlist_new ();
    feed->monitor_bound = zlist_new ();
    act (pipe, &feed->birth);
}

void
bf_gateway_actor (zsock_t *pipe, void *args)
{
    bf_gateway_args *gateway = args;
    gateway->commands_bound = zlist_new ();
    act (pipe, &gateway->birth);
}

static const belfry_scheduler_options options = {.directory = "nowhere"};

static int
setup (void **state)
{
    (void)state;
    pthread_mutex_lock (&told.mutex);
    told.log[0] = '\0';
    pthread_mutex_unlock (&told.mutex);
    told.unborn = told.failing = told.speechless = NULL;
    atomic_store (&told.deaf, false);
    return 0;
}

static belfry_scheduler *
start (void)
{
    belfry_scheduler *self = NULL;
    assert_int_equal (belfry_scheduler_start (&self, &options, NULL, 0), BELFRY_STOPPED);
    assert_non_null (self);
    return self;
}

static bool
has_ended (const belfry_scheduler *self, int wait_ms)
{
    struct pollfd item = {.fd = belfry_scheduler_fd (self), .events = POLLIN};
    return poll (&item, 1, wait_ms) == 1;
}

#define STARTED "+store +feed +clock +retry +dispatcher +gateway "

static void
test_order (void **state)
{
    (void)state;
    belfry_scheduler *self = start ();
    assert_string_equal (log_text (), STARTED);
    assert_string_equal (belfry_scheduler_endpoints (self), "commands= feed= monitor=");
    assert_false (has_ended (self, 0));
    assert_int_equal (belfry_scheduler_stop (&self), BELFRY_STOPPED);
    assert_string_equal (log_text (), STARTED "!gateway -gateway -clock -dispatcher -retry "
                                              "-store -feed ");
}

static void
test_start_fails (void **state)
{
    (void)state;
    static const struct {
        const char *unborn;
        const char *log;
    } rows[] = {
        {"store", ""},
        {"feed", "+store -store "},
        {"retry", "+store +feed +clock -clock -store -feed "},
        {"gateway",
         "+store +feed +clock +retry +dispatcher -clock -dispatcher -retry -store "
         "-feed "},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        setup (NULL);
        told.unborn = rows[i].unborn;
        belfry_scheduler *self = NULL;
        char text[64];
        assert_int_equal (belfry_scheduler_start (&self, &options, text, sizeof text),
                          BELFRY_NEWER);
        assert_null (self);
        assert_string_equal (text, "told so");
        assert_string_equal (log_text (), rows[i].log);
    }
}

/* Nobody goes on without the one that failed; the host is told, and reads why. */
static void
test_actor_fails (void **state)
{
    (void)state;
    told.failing = "store";
    belfry_scheduler *self = start ();
    assert_true (has_ended (self, DEADLINE_MS));
    assert_non_null (strstr (log_text (), "-gateway -clock -dispatcher -retry -feed "));
    assert_null (strchr (log_text (), '!'));
    assert_int_equal (belfry_scheduler_stop (&self), BELFRY_DISK);
}

static void
test_actor_ends (void **state)
{
    (void)state;
    told.speechless = "clock";
    belfry_scheduler *self = start ();
    assert_true (has_ended (self, DEADLINE_MS));
    assert_int_equal (belfry_scheduler_stop (&self), BELFRY_FAILED);
}

/* A gateway whose calls have no answers holds the stop up for its time, not for ever. */
static void
test_drain_is_bounded (void **state)
{
    (void)state;
    atomic_store (&told.deaf, true);
    belfry_scheduler *self = start ();
    int64_t from_us = bf_now_read ().boot.us;
    assert_int_equal (belfry_scheduler_stop (&self), BELFRY_STOPPED);
    int64_t took_us = bf_now_read ().boot.us - from_us;
    assert_in_range (took_us, 5 * BF_SECOND_US, 15 * BF_SECOND_US);
}

#define TEST(name) cmocka_unit_test_setup (name, setup)

int
main (void)
{
    const struct CMUnitTest tests[] = {
        TEST (test_order),      TEST (test_start_fails),      TEST (test_actor_fails),
        TEST (test_actor_ends), TEST (test_drain_is_bounded),
    };
    int failed = cmocka_run_group_tests (tests, NULL, NULL);
    zsys_shutdown ();
    return failed;
}
