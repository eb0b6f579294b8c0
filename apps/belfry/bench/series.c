/* SPDX-License-Identifier: MPL-2.0
 *
 * See series.h.
 */
#include "apps/belfry/bench/series.h"

#include <stdlib.h>

bf_err
bf_bench_series_open (bf_bench_series *self, size_t room, bf_error *error)
{
    *self = (bf_bench_series){.took_us = calloc (room, sizeof (double)), .room = room};
    return self->took_us ? BF_OK : bf_fail_plain (error, BF_ENOMEM);
}

void
bf_bench_series_close (bf_bench_series *self)
{
    free (self->took_us);
    *self = (bf_bench_series){0};
}

void
bf_bench_series_add (bf_bench_series *self, int64_t took_us)
{
    if (self->count < self->room) {
        self->took_us[self->count++] = (double)took_us;
    }
}

static int
ascending (const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

/* The least value that so many of a thousand are not above. */
static double
permille (const bf_bench_series *self, size_t of_thousand)
{
    size_t rank = (self->count * of_thousand + 999) / 1000;
    return self->took_us[rank > 0 ? rank - 1 : 0];
}

void
bf_bench_series_report (bf_bench_series *self, const bf_bench_site *site, const char *name)
{
    qsort (self->took_us, self->count, sizeof self->took_us[0], ascending);
    site->report (site->context, name, "p50", "us", permille (self, 500));
    site->report (site->context, name, "p90", "us", permille (self, 900));
    site->report (site->context, name, "p99", "us", permille (self, 990));
    site->report (site->context, name, "p999", "us", permille (self, 999));
    site->report (site->context, name, "max", "us", permille (self, 1000));
}
