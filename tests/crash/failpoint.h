/* SPDX-License-Identifier: MPL-2.0
 *
 * How a test tells a program with failpoints (core/base/failpoint.h) where to end: a file
 * that both have mapped, named by the environment variable BELFRY_FAILPOINT. So a daemon
 * can first serve in peace.
 */
#ifndef BF_TESTS_CRASH_FAILPOINT_H
#define BF_TESTS_CRASH_FAILPOINT_H

#include <stdatomic.h>

#define FAILPOINT_VARIABLE "BELFRY_FAILPOINT"

typedef enum { FAILPOINT_KILL = 1, FAILPOINT_STOP, FAILPOINT_ERROR } failpoint_action;

/* A file of zeroes is an order that asks for nothing. */
typedef struct {
    atomic_int armed; /* set last, cleared by the program when it acts */
    int action;       /* a failpoint_action */
    char name[64];    /* of the point */
    atomic_long left; /* how often it is passed before */
} failpoint_order;

#endif
