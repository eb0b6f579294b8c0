/* SPDX-License-Identifier: MPL-2.0
 *
 * What the actors' loops have in common.
 */
#include "actors/loop.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/cmocka.h"

static int
set_up (void **state)
{
    (void)state;
    return bf_actor_prepare (NULL) == BF_OK ? 0 : -1;
}

/* Never before `next`, or the actor would look too early and wait again. */
static void
test_wait_rounds_up (void **state)
{
    (void)state;
    zsock_t *socket = bf_actor_socket (ZMQ_PULL);
    assert_non_null (socket);
    zmq_pollitem_t item = bf_loop_socket (socket);
    static const int64_t spans_us[] = {1, 499, 999, 1000, 1001, 1999, 2500, 10001};
    for (size_t i = 0; i < sizeof spans_us / sizeof *spans_us; i++) {
        bf_boot next = {bf_now_read ().boot.us + spans_us[i]};
        assert_true (bf_loop_wait (&item, 1, next));
        assert_true (bf_now_read ().boot.us >= next.us);
        assert_int_equal (item.revents, 0);
    }
    zsock_destroy (&socket);
}

/* What lies in the past, or nothing can wait for that long. */
static void
test_wait_returns_for_input (void **state)
{
    (void)state;
    static const int64_t nexts_us[] = {INT64_MIN, 0, INT64_MAX - 1, INT64_MAX};
    int fds[2];
    assert_int_equal (pipe (fds), 0);
    assert_int_equal (write (fds[1], "x", 1), 1);
    zmq_pollitem_t item = bf_loop_fd (fds[0]);
    for (size_t i = 0; i < sizeof nexts_us / sizeof *nexts_us; i++) {
        item.revents = 0;
        assert_true (bf_loop_wait (&item, 1, (bf_boot){nexts_us[i]}));
        assert_int_equal (item.revents, ZMQ_POLLIN);
    }
    close (fds[0]);
    close (fds[1]);
}

static void
on_signal (int number)
{
    (void)number;
}

static void *
interrupt (void *argument)
{
    const pthread_t *thread = argument;
    for (int i = 0; i < 20; i++) {
        pthread_kill (*thread, SIGUSR1);
        sched_yield ();
    }
    return NULL;
}

/* A signal neither ends the wait nor shortens it. */
static void
test_wait_survives_signals (void **state)
{
    (void)state;
    struct sigaction action = {.sa_handler = on_signal};
    struct sigaction before;
    assert_int_equal (sigaction (SIGUSR1, &action, &before), 0);
    pthread_t self = pthread_self ();
    pthread_t other;
    zsock_t *socket = bf_actor_socket (ZMQ_PULL);
    zmq_pollitem_t item = bf_loop_socket (socket);
    bf_boot next = {bf_now_read ().boot.us + 50 * BF_MS_US};
    assert_int_equal (pthread_create (&other, NULL, interrupt, &self), 0);
    assert_true (bf_loop_wait (&item, 1, next));
    assert_true (bf_now_read ().boot.us >= next.us);
    pthread_join (other, NULL);
    zsock_destroy (&socket);
    sigaction (SIGUSR1, &before, NULL);
}

static void
test_seeds_differ (void **state)
{
    (void)state;
    assert_int_not_equal (bf_loop_seed (), bf_loop_seed ());
}

int
main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_wait_rounds_up),
        cmocka_unit_test (test_wait_returns_for_input),
        cmocka_unit_test (test_wait_survives_signals),
        cmocka_unit_test (test_seeds_differ),
    };
    return cmocka_run_group_tests (tests, set_up, NULL);
}
