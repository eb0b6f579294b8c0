/* SPDX-License-Identifier: MPL-2.0
 *
 * A belfryd of our own, on a fresh directory that goes with it. It is seen only from
 * outside: its ready line, and what the kernel tells of the process.
 */
#ifndef BF_BENCH_DAEMON_H
#define BF_BENCH_DAEMON_H

#include <stddef.h>
#include <stdint.h>

#include <sys/types.h>

#include "core/base/errors.h"

typedef struct bf_bench_daemon {
    pid_t pid; /* 0 where none runs */
    char
        directory[4096]; /* fresh, below what the caller named; empty where none was made */
    char commands[512];  /* its first endpoint of each door */
    char feed[512];
    const char *program;
    const char *const *options;
} bf_bench_daemon;

/* Starts `program` on a new directory below `below` and waits until it serves. `options`:
 * further arguments, a NULL behind them; may be NULL. Both are borrowed until the end. */
bf_err bf_bench_daemon_start (bf_bench_daemon *self, const char *program, const char *below,
                              const char *const *options, bf_error *error);

/* Kills it, without a word, and starts it again on the same directory. *took_us: from then
 * until it serves. The endpoints may be others. */
bf_err bf_bench_daemon_restart (bf_bench_daemon *self, int64_t *took_us, bf_error *error);

/* Kills it and removes its directory. Does nothing where there is none. */
void bf_bench_daemon_end (bf_bench_daemon *self);

#endif
