/* SPDX-License-Identifier: MPL-2.0
 *
 * The judge. It is told everything that happened outside of the scheduler (what clients
 * said and heard, what was published, when the machine was down, asleep or its clock set),
 * reads the tables from a copy of the disk, and proves the promises of README.md by a model
 * of its own. It shares no line with the scheduler but the public protocol and the schema:
 * nothing here includes core/, messages/ or persist/.
 */
#ifndef BF_SIMULATION_CHECKER_H
#define BF_SIMULATION_CHECKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sqlite3.h>

#include "tests/simulation/world.h"

#include "belfry.pb-c.h"

typedef struct checker checker;

checker *checker_new (world *world);
void checker_destroy (checker **self_p);

/* --- what clients said and heard ---------------------------------------------------- */

/* A request was sent, for the first time or again (the same client and request_id; the same
 * bytes unless the client lies on purpose). */
void checker_request (checker *self, const Belfry__V1__Request *request);
/* A client received this reply to a request of its. The same reply may come twice. */
void checker_reply (checker *self, const char *client, const Belfry__V1__Reply *reply);
/* A worker holds this lease since it read the reply, and stops relying on it. */
void checker_working (checker *self, const char *client, const char *token);
void checker_stopped (checker *self, const char *client, const char *token);
/* A subscriber has seen everything up to `seq`, with gaps closed by Replay; digest: FNV-1a
 * 64 over (seq, kind, job, run) of each. */
void checker_subscribed (checker *self, unsigned who, uint64_t stream_epoch, uint64_t seq);

/* --- what the scheduler did in public ------------------------------------------------ */

/* Handed to the feed's door in this order; not yet received by anybody. `extra`: on the
 * feed, not on the monitor. */
void checker_published (checker *self, bool feed, const char *topic, const uint8_t *event,
                        size_t size);
/* Left the commands door for a client (who may never get it). */
void checker_answered (checker *self, const Belfry__V1__Reply *reply);

/* --- what happened to the machine ------------------------------------------------------
 */

typedef enum {
    MACHINE_STARTED,   /* the scheduler serves */
    MACHINE_STOPPED,   /* it has ended, however */
    MACHINE_STALLED,   /* its threads could not run: from `since` until now */
    MACHINE_SUSPENDED, /* the same, with the whole machine */
    MACHINE_STEPPED,   /* the wall clock was set by `delta_us` */
    MACHINE_FULL,      /* no room on the disk (delta_us 1), or room again (0), since then */
} machine_fact;

/* since: true time, where the fact has a length; else now. */
void checker_machine (checker *self, machine_fact fact, int64_t since_us, int64_t delta_us);

/* --- judgement ----------------------------------------------------------------------- */

/* What a scheduler has left behind when it ended, however: recovered by the next one, which
 * has not written to it yet. */
void checker_left (checker *self, sqlite3 *db);
/* The tables as they are on the disk at this moment, in a connection of the checker's own
 * (a copy; closed by the caller). Called after every start, and at the end; `quiet`: the
 * scheduler was idle, every thread waiting, so that what it holds must match the tables. */
void checker_tables (checker *self, sqlite3 *db, bool quiet);
/* When the scheduler next wants to wake up by itself, per clock (INT64_MAX for never):
 * compared with the tables at a quiet moment. */
void checker_alarms (checker *self, int64_t wall_us, int64_t boot_us);
/* The end, healed, time advanced: every due run must have settled. */
void checker_finish (checker *self, sqlite3 *db);

/* The events of a job so far, one a line, for a person. */
void checker_story (checker *self, uint64_t job, void *file);

#endif
