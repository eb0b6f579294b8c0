/* SPDX-License-Identifier: MPL-2.0
 *
 * How a test sets the wall clock of a daemon that has tests/crash/clock_shim.c preloaded: a
 * file that both have mapped, named by the environment variable BELFRY_CLOCK.
 */
#ifndef BF_TESTS_CRASH_CLOCK_SHIM_H
#define BF_TESTS_CRASH_CLOCK_SHIM_H

#include <stdatomic.h>

#define CLOCK_VARIABLE "BELFRY_CLOCK"

/* A file of zeroes is the machine's own clock. */
typedef struct {
    atomic_llong moved_us; /* the daemon's wall clock minus the machine's */
    atomic_uint steps;     /* counted up after moved_us; a futex */
    atomic_uint rung;      /* steps that its timers have been told; a futex */
} clock_order;

#endif
