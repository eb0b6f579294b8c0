/* SPDX-License-Identifier: MPL-2.0
 *
 * What was measured: one row a metric, the median of its runs.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/limits/limits.h"

#define ROWS 64

typedef struct {
    limits_case about;
    const char *metric;
    const char *unit;
    double values[LIMITS_RUNS];
    size_t count;
} row;

static row rows[ROWS];
static size_t n_rows;

static bool
is_same (const row *self, limits_case about, const char *metric)
{
    return strcmp (self->about.limit, about.limit) == 0 &&
           strcmp (self->about.name, about.name) == 0 && strcmp (self->metric, metric) == 0;
}

static row *
row_of (limits_case about, const char *metric, const char *unit)
{
    for (size_t i = 0; i < n_rows; i++) {
        if (is_same (&rows[i], about, metric)) {
            return &rows[i];
        }
    }
    limits_require (n_rows < ROWS, "too many metrics");
    rows[n_rows] = (row){.about = about, .metric = metric, .unit = unit};
    return &rows[n_rows++];
}

void
limits_report (limits_case about, const char *metric, const char *unit, double value)
{
    row *self = row_of (about, metric, unit);
    limits_require (self->count < LIMITS_RUNS, "too many runs");
    self->values[self->count++] = value;
}

void
limits_report_tail (limits_case about, double *took_us, size_t count)
{
    qsort (took_us, count, sizeof *took_us, limits_ascending);
    limits_report (about, "p50", "us", took_us[(count - 1) / 2]);
    limits_report (about, "p99", "us", took_us[count - 1 - count / 100]);
    if (count >= 1000) {
        limits_report (about, "p999", "us", took_us[count - 1 - count / 1000]);
    }
    limits_report (about, "max", "us", took_us[count - 1]);
}

static void
print_json (const row *self, double median, double least, double most)
{
    printf ("{\"limit\":\"%s\",\"case\":\"%s\",", self->about.limit, self->about.name);
    if (self->about.workload) {
        printf ("\"workload\":\"%s\",", self->about.workload);
    }
    printf ("\"metric\":\"%s\",\"unit\":\"%s\",\"value\":%.6g,\"min\":%.6g,\"max\":%.6g,"
            "\"runs\":%zu}\n",
            self->metric, self->unit, median, least, most, self->count);
}

static void
print_line (const row *self, double median, double least, double most)
{
    printf ("%-26s %-20s %-10s %-5s %12.1f %12.1f %12.1f  %s\n", self->about.limit,
            self->about.name, self->about.workload ? self->about.workload : "-",
            self->metric, median, least, most, self->unit);
}

void
limits_report_end (bool json)
{
    for (size_t i = 0; i < n_rows; i++) {
        row *self = &rows[i];
        qsort (self->values, self->count, sizeof self->values[0], limits_ascending);
        double median = self->values[self->count / 2];
        if (self->count % 2 == 0) {
            median = (median + self->values[self->count / 2 - 1]) / 2;
        }
        double least = self->values[0], most = self->values[self->count - 1];
        if (json) {
            print_json (self, median, least, most);
        } else {
            print_line (self, median, least, most);
        }
    }
    n_rows = 0;
    fflush (stdout);
}
