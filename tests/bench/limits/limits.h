/* SPDX-License-Identifier: MPL-2.0
 *
 * What the probes share: options, a clock, memory, and the report. A probe measures one
 * limit of this machine, again for each run, and reports one number a run; what comes out
 * is the median of the runs. Whatever goes wrong ends the program: a limit that was not
 * measured is worse than none.
 */
#ifndef BF_LIMITS_LIMITS_H
#define BF_LIMITS_LIMITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LIMITS_PAYLOAD_BYTES 200
/* What a report may hold of one metric. */
#define LIMITS_RUNS 64

typedef struct {
    const char *data; /* a directory on the disk that is to be measured */
    size_t jobs;      /* of one run of the ledger's statements */
    size_t calls;     /* of one run of everything else: syncs, wake-ups, round trips */
    int runs;
    uint64_t seed;
    bool json;
    char *const *only; /* names of limits; none: all */
    int n_only;
} limits_options;

/* --- the probes: each reports under its own name ------------------------------------- */

void limits_disk (const limits_options *options);   /* disk.c */
void limits_timer (const limits_options *options);  /* timer.c */
void limits_wire (const limits_options *options);   /* wire.c */
void limits_sqlite (const limits_options *options); /* sqlite.c */
/* sqlite.c: plays a tape of `jobs` jobs and compares with the ledger that it was recorded
 * of: every statement with its values, and every row in the end. */
void limits_sqlite_check (const limits_options *options);

/* Prints how often the ledger runs each statement for a job. */
void limits_sqlite_list (const limits_options *options);

/* Says what this machine is; machine.c. */
void limits_machine (const limits_options *options);

/* Whether this limit is wanted. */
bool limits_wanted (const limits_options *options, const char *name);

/* --- report.c ------------------------------------------------------------------------ */

/* What is measured: `workload` is NULL where there is but one. */
typedef struct {
    const char *limit;
    const char *name; /* of the case */
    const char *workload;
} limits_case;

/* One run's value of one metric; kept until limits_report_end. */
void limits_report (limits_case about, const char *metric, const char *unit, double value);
/* Percentiles "p50", "p99", "p999" and "max", in microseconds. Sorts. */
void limits_report_tail (limits_case about, double *took_us, size_t count);
/* Prints the medians of everything that was reported, and forgets it. */
void limits_report_end (bool json);

/* --- basics.c ------------------------------------------------------------------------ */

int64_t limits_now_ns (void);
/* For qsort, of doubles. */
int limits_ascending (const void *a, const void *b);
uint64_t limits_draw (uint64_t *state);
/* Ends the program with this sentence unless it holds. */
__attribute__ ((format (printf, 2, 3))) void limits_require (bool holds, const char *format,
                                                             ...);
/* Zeroed. */
void *limits_take (size_t size);
void *limits_grow (void *memory, size_t size);
__attribute__ ((format (printf, 1, 2))) char *limits_text (const char *format, ...);
/* A new directory below another, which is the caller's to free and to remove. */
char *limits_directory_make (const char *below);
void limits_directory_remove (char **path_p);
/* One line on stderr about what is going on. */
__attribute__ ((format (printf, 1, 2))) void limits_say (const char *format, ...);

#endif
