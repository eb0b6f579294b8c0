/* SPDX-License-Identifier: MPL-2.0
 *
 * Times that were taken, and what is told of them.
 */
#ifndef BF_BENCH_SERIES_H
#define BF_BENCH_SERIES_H

#include "apps/belfry/bench/site.h"

/* Microseconds. */
typedef struct {
    double *took_us;
    size_t count;
    size_t room;
} bf_bench_series;

bf_err bf_bench_series_open (bf_bench_series *self, size_t room, bf_error *error);
void bf_bench_series_close (bf_bench_series *self);

/* What is beyond the room is forgotten. */
void bf_bench_series_add (bf_bench_series *self, int64_t took_us);

/* p50, p90, p99, p999 and max. Sorts it. */
void bf_bench_series_report (bf_bench_series *self, const bf_bench_site *site,
                             const char *name);

#endif
