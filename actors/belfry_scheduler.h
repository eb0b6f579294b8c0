/* SPDX-License-Identifier: MPL-2.0
 *
 * The whole scheduler inside your own process: a supervisor thread that starts store, feed,
 * clock, retry, dispatcher and gateway, and stops them in reverse. `belfryd` is a program
 * around these functions. It never exits, aborts, forks or logs to stdout on its host's
 * behalf, and leaves the host's signal handlers and random() alone.
 *
 * One process may run several schedulers on different directories. Nothing else in the
 * process may open the database file: closing any descriptor of it would drop SQLite's
 * lock.
 */
#ifndef BELFRY_SCHEDULER_H
#define BELFRY_SCHEDULER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct belfry_scheduler belfry_scheduler;

/* What belfryd exits with. */
typedef enum {
    BELFRY_STOPPED = 0,
    BELFRY_FAILED = 1, /* out of memory, threads or descriptors, or a bug: the text says */
    BELFRY_USAGE = 2,
    BELFRY_LOCKED = 10,
    BELFRY_CORRUPT = 11,
    BELFRY_FOREIGN = 12,
    BELFRY_NEWER = 13,
    BELFRY_DISK = 14,
    BELFRY_BIND = 15,
    BELFRY_CONFIG = 16,
} belfry_scheduler_status;

/* Lists end with NULL and are copied; NULL for a list means none. Endpoints: inproc://NAME,
 * ipc://PATH, or tcp://ADDRESS:PORT, where a port of * lets the kernel choose. tcp beyond
 * loopback is refused unless `insecure`. */
typedef struct {
    const char *directory; /* created where it is missing; required */
    const char *const *commands;
    const char *const *feed;
    const char *const *monitor;
    bool insecure;
    /* What is kept, and for how long; what is older goes in small slices. 0 for the default
     * of each; a negative time, or UINT64_MAX, for no limit. */
    int64_t keep_finals_us;   /* final jobs and runs; default 30 days */
    uint64_t keep_final_jobs; /* default: no limit */
    int64_t keep_events_us;   /* default 30 days */
    uint64_t keep_event_rows; /* default 10 million */
    /* Where the files of time zones are, as tzdata installs them; NULL for
     * /usr/share/zoneinfo. Watched: when they change, jobs are planned anew. */
    const char *zoneinfo;
} belfry_scheduler_options;

/* Starts it, and returns when it serves. On failure *self_p is untouched and `text` (of
 * `size` bytes, may be NULL) says what was wrong and what to do. Any thread. */
belfry_scheduler_status belfry_scheduler_start (belfry_scheduler **self_p,
                                                const belfry_scheduler_options *options,
                                                char *text, size_t size);

/* Drains: refuses new commands, answers those under way, commits, closes. Waits until all
 * threads have ended. Accepts NULL. Not from a signal handler. Returns why it had ended
 * before, if it had: BELFRY_DISK and others, else STOPPED. */
belfry_scheduler_status belfry_scheduler_stop (belfry_scheduler **self_p);

/* "commands=EP,… feed=EP,… monitor=EP,…" with ports resolved. Owned by the scheduler. */
const char *belfry_scheduler_endpoints (const belfry_scheduler *self);

/* The zeromq context, for sockets that connect to its inproc endpoints (belfry_open_in).
 * Owned by the process. */
void *belfry_scheduler_context (void);

/* A descriptor that becomes readable when the scheduler has ended by itself (a disk that
 * fails); then call belfry_scheduler_stop. For poll; do not read it. */
int belfry_scheduler_fd (const belfry_scheduler *self);

#ifdef __cplusplus
}
#endif

#endif
