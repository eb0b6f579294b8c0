/* SPDX-License-Identifier: MPL-2.0
 *
 * What the hot paths share: the two functions by whose names callgrind knows what to count.
 */
#ifndef BF_BENCH_INSTRUCTIONS_H
#define BF_BENCH_INSTRUCTIONS_H

#include <stdbool.h>
#include <stddef.h>

typedef void instructions_step (void *context);

/* Runs a step, and all that is below it is counted. */
void instructions_counted (instructions_step *step, void *context);
/* A path ends: what was counted since the one before belongs to it. */
void instructions_path_end (const char *name, size_t n_operations);

/* Ends the program with a sentence unless `holds`. */
__attribute__ ((format (printf, 2, 3))) void instructions_require (bool holds,
                                                                   const char *format, ...);

/* store_paths.c: schedule, fire, claim, complete, cancel; calendar_paths.c: cron_next. */
void instructions_store (void);
void instructions_calendar (void);

#endif
