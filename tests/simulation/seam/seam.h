/* SPDX-License-Identifier: MPL-2.0
 *
 * The scheduler as a process of the simulated machine. Everything that its actors use of
 * the outside is replaced at link time: threads are fibers (threads.c), sockets are queues
 * (sockets.c, doors.c), clocks and timers are the world's (clocks.c), and so are the files
 * of time zones (zones.c). The actors' own code runs as it is.
 *
 *   world --- process_start, process_step, process_receive ---> the scheduler
 *         <-- process_outside: clocks, chance, what goes out by the doors ---
 *
 * One process at a time.
 */
#ifndef BF_SIMULATION_SEAM_H
#define BF_SIMULATION_SEAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "actors/belfry_scheduler.h"
#include "core/base/time.h"
#include "tests/simulation/disk.h"
#include "tests/simulation/random.h"

/* What the process finds around it. */
typedef struct {
    void *context;
    disk *disk;
    sim_random *random;
    const char *boot_id;
    /* The clocks, at this moment. */
    bf_now (*now) (void *context);
    /* A thread works for so long. */
    void (*spend) (void *context, int64_t us);
    /* A reply leaves by the commands door; false where the peer is gone. */
    bool (*reply) (void *context, unsigned peer, const uint8_t *bytes, size_t size);
    /* A frame leaves by the feed or the monitor. */
    void (*publish) (void *context, bool feed, const char *topic, const uint8_t *event,
                     size_t size);
    /* One line of the log. */
    void (*log) (void *context, const char *actor, const char *text);
    /* Sets the reserve's room aside, or gives it back; false where there is none. */
    bool (*reserve) (void *context, bool aside);
    /* The database is open: recovered, settled on the disk, and nothing done to it yet. */
    void (*opened) (void *context);
    /* The bytes of a zone's file, for the caller to free; NULL: there is none. */
    uint8_t *(*zone) (void *context, const char *name, size_t *size);
    belfry_scheduler_options options;
} process_outside;

/* Starts a process; it needs steps to come up. */
void process_start (const process_outside *outside);

/* Whether there is one; it is gone when its last thread has ended. */
bool process_exists (void);
/* Whether it serves: it has started, and nobody has stopped it. */
bool process_serves (void);
/* Why it has ended, or failed to start. */
belfry_scheduler_status process_status (void);
const char *process_reason (void);

/* Asks it to stop, as SIGTERM does. */
void process_stop (void);
/* SIGKILL: whatever its threads still do has no effect any more; they end with the next
 * steps. The disk must have been stopped. */
void process_kill (void);

/* Whether a thread could run at this moment; and lets one of them, drawn by chance. What it
 * ran, for the trace. */
bool process_can_step (void);
const char *process_step (void);

/* When a thread wants to run by itself, per clock; INT64_MAX for never. */
bf_now process_next (void);
/* The same of the clock actor's own alarms. */
bf_now process_alarms (void);
/* Every thread waits, and no message is under way between them. */
bool process_is_quiet (void);

/* A request arrives at the commands door. */
void process_receive (unsigned peer, const uint8_t *bytes, size_t size);
/* Files of the zones were written: who watches their directory is told. */
void process_zones_were_written (void);
/* The wall clock was set: alarms that wait on it are cancelled. */
void process_wall_was_set (void);

#endif
