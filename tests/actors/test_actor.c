/* SPDX-License-Identifier: MPL-2.0
 *
 * actors/actor: what a start and a stop promise, and what of the host they leave alone.
 */
/* pthread_getname_np, prlimit's limits by name. */
#define _GNU_SOURCE

#include "actors/actor.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "tests/support/cmocka.h"

typedef struct {
    bf_actor_birth birth;
    bf_err result; /* of the birth */
    bool silent;   /* returns without a birth signal */
    int linger_ms; /* between $TERM and the end */
    char name[32];
    sigset_t blocked;
    atomic_bool ended;
} subject_args;

static void
subject_actor (zsock_t *pipe, void *args)
{
    subject_args *self = args;
    pthread_getname_np (pthread_self (), self->name, sizeof self->name);
    pthread_sigmask (SIG_SETMASK, NULL, &self->blocked);
    if (self->result != BF_OK) {
        bf_fail (&self->birth.error, self->result, "it did not want to");
    }
    if (self->result != BF_OK && self->silent) {
        atomic_store (&self->ended, true);
        return;
    }
    bf_actor_say (pipe, "BORN");
    for (bool over = self->result != BF_OK; !over;) {
        char *command = bf_actor_command (pipe);
        over = !command || streq (command, "$TERM");
        if (!over) {
            bf_actor_say (pipe, command);
        }
        free (command);
    }
    struct timespec wait = {.tv_nsec = self->linger_ms * 1000000L};
    nanosleep (&wait, NULL);
    atomic_store (&self->ended, true);
}

static void
test_life (void **state)
{
    (void)state;
    subject_args args = {.birth.name = "a-name-that-is-too-long", .linger_ms = 20};
    bf_actor *actor = NULL;
    assert_int_equal (bf_actor_start (&actor, subject_actor, &args.birth, NULL), BF_OK);
    assert_non_null (actor);
    assert_string_equal (args.name, "a-name-that-is-");
    assert_true (bf_actor_say (bf_actor_pipe (actor), "DRAIN"));
    char *answer = bf_actor_command (bf_actor_pipe (actor));
    assert_string_equal (answer, "DRAIN");
    free (answer);
    bf_actor_stop (&actor);
    assert_null (actor);
    /* Not "is ending": it is over, whatever it had to do after $TERM. */
    assert_true (atomic_load (&args.ended));
    bf_actor_stop (&actor);
}

static void
test_signals_stay_blocked (void **state)
{
    (void)state;
    sigset_t before;
    sigset_t after;
    pthread_sigmask (SIG_SETMASK, NULL, &before);
    subject_args args = {.birth.name = "subject"};
    bf_actor *actor = NULL;
    assert_int_equal (bf_actor_start (&actor, subject_actor, &args.birth, NULL), BF_OK);
    const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGCHLD, SIGALRM, SIGPROF, SIGUSR1};
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        assert_int_equal (sigismember (&args.blocked, signals[i]), 1);
    }
    pthread_sigmask (SIG_SETMASK, NULL, &after);
    for (int i = 1; i < SIGRTMAX; i++) {
        assert_int_equal (sigismember (&after, i), sigismember (&before, i));
    }
    bf_actor_stop (&actor);
}

/* The failed actor's code and sentence come back, with or without its signal. */
static void
test_birth_fails (void **state)
{
    (void)state;
    for (int silent = 0; silent < 2; silent++) {
        subject_args args = {
            .birth.name = "subject", .result = BF_EBIND, .silent = silent == 1};
        bf_actor *actor = NULL;
        bf_error error = {0};
        assert_int_equal (bf_actor_start (&actor, subject_actor, &args.birth, &error),
                          BF_EBIND);
        assert_null (actor);
        assert_int_equal (error.code, BF_EBIND);
        assert_string_equal (error.text, "it did not want to");
        assert_true (atomic_load (&args.ended));
    }
}

static void
on_alarm (int number)
{
    (void)number;
}

/* A signal that the host takes while it stops an actor does not let the stop return early.
 */
static void
test_stop_under_signals (void **state)
{
    (void)state;
    struct sigaction action = {.sa_handler = on_alarm};
    struct sigaction before;
    sigaction (SIGALRM, &action, &before);
    struct itimerval often = {{.tv_usec = 1000}, {.tv_usec = 1000}};
    setitimer (ITIMER_REAL, &often, NULL);
    for (int i = 0; i < 5; i++) {
        subject_args args = {.birth.name = "subject", .linger_ms = 10};
        bf_actor *actor = NULL;
        assert_int_equal (bf_actor_start (&actor, subject_actor, &args.birth, NULL), BF_OK);
        bf_actor_stop (&actor);
        assert_true (atomic_load (&args.ended));
    }
    setitimer (ITIMER_REAL, &(struct itimerval){0}, NULL);
    sigaction (SIGALRM, &before, NULL);
}

/* $TERM is not lost, however much is queued before it. */
static void
test_term_behind_many (void **state)
{
    (void)state;
    subject_args args = {.birth.name = "subject"};
    bf_actor *actor = NULL;
    assert_int_equal (bf_actor_start (&actor, subject_actor, &args.birth, NULL), BF_OK);
    for (int i = 0; i < 5000; i++) {
        assert_true (bf_actor_say (bf_actor_pipe (actor), "X"));
    }
    bf_actor_stop (&actor);
    assert_true (atomic_load (&args.ended));
}

/* No descriptor left: an error, where zsys_create_pipe asserts. */
static void
test_no_descriptors (void **state)
{
    (void)state;
    struct rlimit before;
    getrlimit (RLIMIT_NOFILE, &before);
    struct rlimit none = {.rlim_cur = 3, .rlim_max = before.rlim_max};
    setrlimit (RLIMIT_NOFILE, &none);
    subject_args args = {.birth.name = "subject"};
    bf_actor *actor = NULL;
    bf_error error = {0};
    bf_err rc = bf_actor_start (&actor, subject_actor, &args.birth, &error);
    setrlimit (RLIMIT_NOFILE, &before);
    assert_int_equal (rc, BF_ELIMIT);
    assert_non_null (strstr (error.text, "ulimit -n"));
    assert_null (actor);
}

/* No memory for a thread's stack: an error, where zactor_new waits for ever. A sanitizer
 * needs its own address space, so that the limit is put on the stack's size. */
static void
test_no_thread (void **state)
{
    (void)state;
    pthread_attr_t before;
    pthread_attr_t huge;
    pthread_getattr_default_np (&before);
    pthread_attr_init (&huge);
    pthread_attr_setstacksize (&huge, (size_t)1 << 46);
    assert_int_equal (pthread_setattr_default_np (&huge), 0);
    subject_args args = {.birth.name = "subject"};
    bf_actor *actor = NULL;
    bf_error error = {0};
    bf_err rc = bf_actor_start (&actor, subject_actor, &args.birth, &error);
    pthread_setattr_default_np (&before);
    pthread_attr_destroy (&huge);
    pthread_attr_destroy (&before);
    assert_int_equal (rc, BF_ELIMIT);
    assert_non_null (strstr (error.text, "ulimit -u"));
    assert_null (actor);
}

/* The numbers of random() go on as if nothing had been started, sockets of every kind and
 * libzmq's own draws included. */
static void
test_random_untouched (void **state)
{
    (void)state;
    long expected[3];
    srandom (42);
    for (size_t i = 0; i < 3; i++) {
        expected[i] = random ();
    }
    srandom (42);
    assert_int_equal (random (), expected[0]);
    subject_args args = {.birth.name = "subject"};
    bf_actor *actor = NULL;
    assert_int_equal (bf_actor_start (&actor, subject_actor, &args.birth, NULL), BF_OK);
    assert_int_equal (random (), expected[1]);
    zsock_t *router = bf_actor_socket (ZMQ_ROUTER);
    assert_non_null (router);
    zsock_destroy (&router);
    bf_actor_stop (&actor);
    assert_int_equal (random (), expected[2]);
}

static void
test_handlers_untouched (void **state)
{
    (void)state;
    /* main has asked for it before anything else of czmq was called. */
    const int numbers[] = {SIGINT, SIGTERM};
    for (size_t i = 0; i < 2; i++) {
        struct sigaction now;
        sigaction (numbers[i], NULL, &now);
        assert_ptr_equal (now.sa_handler, on_alarm);
    }
}

static void
test_refused_option (void **state)
{
    (void)state;
    zsock_t *pub = bf_actor_socket (ZMQ_PUB);
    assert_int_equal (bf_actor_option (pub, ZMQ_ROUTER_MANDATORY, 1), BF_EINTERNAL);
    assert_int_equal (zsock_sndhwm (pub), 0);
    assert_int_equal (zsock_linger (pub), 0);
    zsock_destroy (&pub);
}

int
main (void)
{
    /* The host's own: they have to be there when everything is over. */
    signal (SIGINT, on_alarm);
    signal (SIGTERM, on_alarm);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_random_untouched),
        cmocka_unit_test (test_life),
        cmocka_unit_test (test_signals_stay_blocked),
        cmocka_unit_test (test_birth_fails),
        cmocka_unit_test (test_stop_under_signals),
        cmocka_unit_test (test_term_behind_many),
        cmocka_unit_test (test_no_descriptors),
        cmocka_unit_test (test_no_thread),
        cmocka_unit_test (test_refused_option),
        cmocka_unit_test (test_handlers_untouched),
    };
    int failed = cmocka_run_group_tests (tests, NULL, NULL);
    zsys_shutdown ();
    return failed;
}
