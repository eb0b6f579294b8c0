/* SPDX-License-Identifier: MPL-2.0
 *
 * A real belfryd in a temporary directory, for system tests: started on ports that the
 * kernel chooses, stopped, killed, started again on the same data; with clients and
 * subscribers that speak the plain protocol. Programs come from the environment that CTest
 * sets (BELFRYD, BELFRY). Whatever goes wrong here fails the test and prints the daemon's
 * log. One thread.
 *
 * A test that passes ends its daemon (rig_stop, rig_kill). One that still runs in
 * rig_destroy is taken for a failed test, and its log is printed.
 */
#ifndef BF_TESTS_RIG_H
#define BF_TESTS_RIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/list.h"
#include "tests/support/process.h"

#include "belfry.pb-c.h"

/* How long anything that must happen may take: far more than it needs, for a sanitizer on
 * a busy machine. */
#define RIG_DEADLINE_MS 20000

/* The endpoints of one door. tcp is new at every start; ipc stays, so that a client can
 * reconnect to it after a restart. NULL where other arguments replaced them. */
typedef struct {
    char *tcp;
    char *ipc;
} rig_door;

typedef struct {
    char *directory; /* temporary, holds everything else */
    char *data;      /* the daemon's --data, made by the daemon */
    char *log;       /* its stderr over all its starts */
    rig_door commands;
    rig_door feed;
    rig_door monitor;
    process daemon;
    void *context;   /* plain libzmq, for the peers of peer.h and any socket of a test */
    bf_list sockets; /* of clients and subscribers; closed in rig_destroy */
    /* The variable that names the daemon; NULL for BELFRYD. */
    const char *program;
    /* What it is started by, such as env with its arguments, ended by NULL; it must exec.
     * NULL for nothing. */
    const char *const *starter;
} rig;

/* Makes the directory; starts nothing. */
rig *rig_new (void);

/* Kills the daemon where it still runs, closes all sockets, removes the directory. */
void rig_destroy (rig **self_p);

/* Starts belfryd and waits for its ready line. extra: further arguments, ended by NULL, or
 * NULL for none; where they name --commands, --feed or --monitor, the rig adds no endpoint
 * of its own for that door. */
void rig_start (rig *self, const char *const *extra);

/* Starts belfryd where it must refuse to, and returns its exit code. */
int rig_refused (rig *self, const char *const *extra);

/* SIGTERM, and waits; the exit code must be 0. */
void rig_stop (rig *self);

/* SIGKILL, and waits. */
void rig_kill (rig *self);

/* Waits until it ends by itself, and returns its exit code. */
int rig_wait (rig *self);

/* What the daemon wrote to stderr so far, the caller's to free. */
char *rig_log_text (const rig *self);

/* Runs `belfry ARGS…` (ended by NULL) against the daemon and returns its exit code; its
 * stdout goes to *output (the caller's to free; may be NULL), its stderr to the log. */
int rig_belfry (rig *self, const char *const *args, char **output);

/* Fails the test with this sentence, after printing the log. */
_Noreturn void rig_fail (const rig *self, const char *sentence);

/* A cmocka group setup, before the first daemon: without it ASan keeps what was freed, and
 * the daemon's RSS says nothing. */
int rig_bound_sanitizer (void **state);

#endif
