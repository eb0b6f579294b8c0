/* SPDX-License-Identifier: MPL-2.0
 *
 * The store interface: everything that is true, and the only way to change it. A batch is
 * one transaction; each item in it is one savepoint, judged through core/ on the rows as
 * they are. What the batch has to tell the others (replies, events, timers, ready runs,
 * leases) is collected in an outcome, which its caller releases only after the commit.
 *
 *   begin -> apply (item) … -> commit -> (caller sends the outcome) -> clear
 *
 * No sockets, no clock, no random numbers: time and seeds come in as arguments. One thread
 * at a time. The store actor and the simulation are its callers.
 */
#ifndef BF_PERSIST_LEDGER_H
#define BF_PERSIST_LEDGER_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/errors.h"
#include "core/base/list.h"
#include "core/base/time.h"
#include "persist/database.h"

#include "internal.pb-c.h"

typedef struct bf_ledger bf_ledger;

/* What is kept, and how long; 0 for the default, negative or UINT64_MAX for ever. */
typedef struct {
    bf_span finals;      /* final jobs and runs; default 30 days */
    uint64_t final_jobs; /* default: no limit */
    bf_span events;      /* default 30 days */
    uint64_t event_rows; /* default 10 million */
} bf_retention;

typedef struct {
    /* Marks a new history; used only where the tables are new. Any non-zero number that no
     * other store has. */
    uint64_t stream_epoch;
    /* This boot of the machine (bf_boot_id_read): decides how boot times of the rows are
     * read. */
    const char *boot_id;
    /* For hash maps. */
    uint64_t seed;
    /* Stored answers: bytes kept at most; 0 for the default of 256 MiB. */
    uint64_t answer_bytes;
    bf_retention retention;
    /* Where the files of time zones are; NULL for the usual directory. Copied. */
    const char *zoneinfo;
} bf_ledger_options;

/* What a batch has to say, in items of internal.proto, by receiver. The items live in the
 * ledger's arena until bf_ledger_clear. */
typedef struct {
    bf_list gateway;    /* Belfry__Internal__GatewayItem */
    bf_list feed;       /* Belfry__Internal__FeedItem */
    bf_list clock;      /* Belfry__Internal__ClockItem */
    bf_list dispatcher; /* Belfry__Internal__DispatcherItem */
    bf_list retry;      /* Belfry__Internal__RetryItem */
    bf_list warnings;   /* char *: sentences for the caller's log */
} bf_outcome;

/* Takes over the database, also on error. Reads what it keeps in memory (counters, names,
 * topics). */
bf_err bf_ledger_open (bf_ledger **self_p, bf_database **database_p,
                       const bf_ledger_options *options, bf_now now, bf_error *error);

/* Closes the database: with a checkpoint where nothing failed, abandoned otherwise. Accepts
 * NULL. */
void bf_ledger_close (bf_ledger **self_p);

/* Starts a batch. `now` holds for all of it. Errors as bf_ledger_apply. */
bf_err bf_ledger_begin (bf_ledger *self, bf_now now, bf_error *error);

/* The state of the scheduler for actors that have just started: queues, open leases, a
 * reset for the clock, the head for the feed; and the event scheduler.started. Call it in
 * the first batch. */
bf_err bf_ledger_recover (bf_ledger *self, bf_error *error);

/* The event scheduler.stopping, in the last batch. */
bf_err bf_ledger_retire (bf_ledger *self, bf_error *error);

/* Judges one item. BF_OK: judged, whatever the answer. BF_EDISKFULL: the batch is lost and
 * must be rolled back; apply it again with `scarce` set. Any other error: the batch is lost
 * and the store must stop. */
bf_err bf_ledger_apply (bf_ledger *self, const Belfry__Internal__StoreItem *item,
                        bf_error *error);

/* Work that nobody waits for in a batch: a slice of a command by filter, of pruning, or of
 * a backup, in a batch of its own (begin, tend, commit). A slice is short: some hundred
 * rows. Errors as bf_ledger_apply. */
bf_err bf_ledger_tend (bf_ledger *self, bf_error *error);
/* When bf_ledger_tend has something to do: 0 for now, INT64_MAX for never. Valid between
 * batches. */
bf_boot bf_ledger_next_tend (const bf_ledger *self);

/* Ends the batch. A batch that wrote nothing commits nothing. Errors: BF_EDISKFULL (rolled
 * back), any other: the outcome of the commit is unknown, send nothing and stop. */
bf_err bf_ledger_commit (bf_ledger *self, bf_error *error);

/* Bytes of memory that the batch has taken so far. They have a limit, beyond which an item
 * is BF_ENOMEM: end a batch long before that, and go on in another one. */
size_t bf_ledger_used (const bf_ledger *self);
/* Events that the batch has written so far: a measure of its time, which its items do not
 * show. One command may write a thousand. */
uint64_t bf_ledger_events (const bf_ledger *self);

/* Undoes the batch, counters and outcome included. */
void bf_ledger_rollback (bf_ledger *self);

/* Valid after commit until clear or the next begin. */
const bf_outcome *bf_ledger_outcome (const bf_ledger *self);
void bf_ledger_clear (bf_ledger *self);

/* While set, new work is refused with DISK_FULL and timers are not fired; what frees work
 * or space goes through. Leaving it adds a reset of the clock to the next batch's outcome,
 * for the timers that were dropped. */
void bf_ledger_set_scarce (bf_ledger *self, bool scarce);
bool bf_ledger_is_scarce (const bf_ledger *self);

/* The database, for reserve and checkpoints. Borrowed. */
bf_database *bf_ledger_database (bf_ledger *self);

#endif
