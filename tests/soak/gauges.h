/* SPDX-License-Identifier: MPL-2.0
 *
 * What a daemon holds of its machine, against what it may hold. Each bound says why it is
 * where it is; a broken one ends the soak.
 */
#ifndef BF_SOAK_GAUGES_H
#define BF_SOAK_GAUGES_H

#include <stddef.h>
#include <stdint.h>

#include "tests/support/rig.h"

typedef struct {
    size_t resident_bytes;
    size_t descriptors;
    size_t threads;
    size_t wal_bytes;
} gauges_reading;

typedef struct {
    size_t connections;     /* that we hold open to the daemon at most */
    gauges_reading born;    /* as it said that it is ready */
    gauges_reading settled; /* after its warming up; zero before */
    gauges_reading last;
    gauges_reading most; /* over all lives */
    int64_t born_us;
} gauges;

/* A daemon has just said that it is ready. */
void gauges_begin (gauges *self, const rig *daemon, size_t connections);

/* Reads, compares with every bound. */
void gauges_check (gauges *self, const rig *daemon);

#endif
