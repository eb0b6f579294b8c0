/* SPDX-License-Identifier: MPL-2.0
 *
 * What the ledger's files share, and nobody else sees: its memory, rows as structs, and the
 * few verbs that every command is made of. A command reads rows, asks core/ for the move,
 * changes the row through the verbs of moves.h, and fills an answer; it never writes SQL of
 * its own.
 */
#ifndef BF_LEDGER_PRIVATE_H
#define BF_LEDGER_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/arena.h"
#include "core/base/map.h"
#include "core/event.h"
#include "core/job.h"
#include "core/run.h"
#include "core/timers.h"
#include "core/token.h"
#include "persist/ledger.h"
#include "persist/ledger/scale.h"
#include "persist/statement.h"

#include "belfry.pb-c.h"
#include "internal.pb-c.h"

/* Ids are a counter above the shard's 8 bits. */
#define BF_SHARD 0
#define BF_ID_STEP 256

/* Distinct namespaces and types that a store will ever know: each costs memory for good. */
#define BF_NAMES 16384

/* One batch's memory at most: rows read, replies, what is told. How much an item takes is
 * known only once it is judged, so the store actor ends a batch early when it has taken a
 * quarter of this (bf_ledger_used); the rest is for the item that went over. */
#define BF_BATCH_BYTES ((size_t)256 * 1024 * 1024)
/* What the parts of one call (the jobs of a Schedule, the commands of a Batch) may take
 * together: a part may load a payload, or cancel a thousand runs. The part that goes over
 * is the last one. */
#define BF_CALL_BYTES (BF_BATCH_BYTES / 8)
/* Kept aside while a call is judged: for its answer, or for the refusal of a call that took
 * everything else; and for what the commit itself has to say. */
#define BF_ASIDE_BYTES (BF_BATCH_BYTES / 8)
/* An item of many timers or leases ends early when the batch has come to this: what is left
 * of it comes again with another batch. A full proposal writes two events a timer. */
#define BF_FULL_BYTES (BF_BATCH_BYTES / 4)
#define BF_FULL_EVENTS 4000

#define BF_LATENESS_BUCKETS 13
#define BF_BATCH_BUCKETS 11

/* What happened since the ledger was opened: see StatsReply. */
typedef struct {
    uint64_t lateness[BF_LATENESS_BUCKETS];
    uint64_t fired;
    uint64_t missed;
    uint64_t skipped;
    uint64_t overlap_skipped;
    uint64_t buffer_dropped;
    uint64_t cancelled_others;
    uint64_t terminated_others;
    uint64_t succeeded;
    uint64_t failed;
    uint64_t dead;
    uint64_t expired;
} bf_happened;

/* Counters of the row `meta`: changed in memory, written once per commit, taken back with a
 * savepoint. */
typedef struct {
    uint64_t next_id;
    uint64_t head_seq;
    uint64_t open_jobs;
    uint64_t final_jobs;
    uint64_t ready_runs;
    uint64_t leased_runs;
    uint64_t answers;
    uint64_t answer_bytes;
    /* Not in the row: since the ledger was opened. */
    uint64_t pruned_jobs;
    uint64_t pruned_events;
    bf_happened happened;
} bf_counters;

/* A namespace or a type. Its number is its place in the list, from 1. */
typedef struct {
    uint32_t id;
    char *text;
} bf_name;

typedef struct {
    uint32_t id;
    uint32_t ns;
    uint32_t name;
    uint64_t ready; /* runs in it, by their state */
    uint64_t leased;
} bf_queue;

/* How a step changed a queue's depth. */
typedef struct {
    uint32_t queue;
    bf_run_state state;
    int change;
} bf_depth_undo;

/* Transactions since the ledger was opened. */
typedef struct {
    uint64_t count;
    uint64_t batches[BF_BATCH_BUCKETS]; /* by the number of their items */
    uint64_t items;                     /* of the batch that stands */
} bf_commits;

/* The last seq of a topic. */
typedef struct {
    uint32_t kind;
    uint32_t type;
    uint64_t seq;
    uint64_t saved_seq; /* what the table says */
} bf_topic;

/* A topic's seq before a step moved it on. */
typedef struct {
    bf_topic *topic;
    uint64_t seq;
} bf_topic_undo;

/* What a step may have to take back. */
typedef struct {
    bf_counters counters;
    size_t gateway, feed, clock, dispatcher, retry, names, queues, topics_made,
        topics_touched, depths_touched;
    int64_t changes; /* of rows, that stood then */
} bf_mark;

/* How old the oldest rows are, and how far pruning is; ledger/retention.c. */
typedef struct {
    int64_t final_us; /* no final job ended earlier; INT64_MAX: there is none */
    int64_t event_us; /* when the two oldest events were written; INT64_MAX: there is one */
    uint64_t oldest_seq;
    /* This cycle has looked at final jobs up to here, and has passed some over: the oldest
     * of them, or INT64_MAX. */
    int64_t behind_us;
    uint64_t behind_id;
    int64_t passed_us;
    bool more_finals; /* the last slice was full */
    bool more_events;
    bool events_first;      /* the other duty had the last turn */
    int64_t finals_rest_us; /* boot time: since when either duty has rested */
    int64_t events_rest_us;
} bf_expiry;

/* What a full disk puts off; ledger/held.c. */
typedef struct {
    uint64_t *claims; /* calls of claims that wait to hear that nothing held */
    size_t n_claims;
    size_t capacity;
    size_t n_before;      /* of claims, when the batch began */
    size_t n_telling;     /* of claims, told in this batch */
    bf_boot claims_until; /* told then, even without room */
    uint64_t overdue;     /* a batch of retry's that was dropped; 0: none */
    int64_t stepped_us;   /* steps of the clock that were not written, together */
    int64_t stepped_before_us;
} bf_held;

/* Decisions on what was late; ledger/recovery.c. */
typedef struct bf_recovery bf_recovery;

/* Rows as the batch has written them; ledger/fresh.c. */
typedef struct bf_fresh bf_fresh;

/* Zones, exclusion calendars and recurrences in memory; ledger/recurrences.c. */
typedef struct bf_recurrences bf_recurrences;

/* Whose slots are to be planned anew; ledger/replan.c. */
typedef struct {
    bool look; /* the zones' files are to be compared with the table… */
    char after[BF_ZONE_NAME_BYTES + 1]; /* …from behind this name on */
    bool pending; /* a zone or a calendar has jobs that were not looked at yet */
} bf_replan;

/* A backup under way; ledger/backup.c. */
typedef struct bf_backup_command bf_backup_command;

struct bf_ledger {
    bf_database *database;
    sqlite3 *db;
    bf_statements *statements;
    bf_arena *arena; /* one batch's */
    bf_outcome outcome;

    uint64_t stream_epoch;
    uint64_t answer_bytes_max;
    bf_scale scale;
    bf_wall started;      /* when it was opened */
    int64_t last_sign_us; /* wall time of the last commit before that; 0 for a new store */
    bf_now now;           /* of the batch */
    int64_t boot_us;      /* now.boot in the scale of the rows */

    bf_counters counters;
    bf_counters saved; /* as committed */
    bool wrote;        /* the transaction has begun */
    int64_t undone;    /* changes of rows that savepoints have taken back */
    bool failed;       /* an error after which the files must be left to recovery */
    bool scarce;       /* new work is refused */
    bool room_again; /* scarcity ended: what was dropped meanwhile must be told again… */
    bf_boot scarce_since; /* …since then */
    bf_held held;
    bf_recovery *recovery;     /* NULL until there is something to tell */
    bf_backup_command *backup; /* NULL: none */
    bf_recurrences *recurrences;
    bf_fresh *fresh;
    bf_replan replan;
    bf_replan replan_saved; /* as committed */
    bf_map *zones_warned;   /* names of zones whose files were found unreadable */
    size_t next_chore;      /* tend.c */
    bf_list operations;     /* by filter, under way; operations.c */
    size_t next_operation;  /* whose turn it is */
    bf_retention retention; /* defaults resolved */
    bf_expiry expiry;
    bf_expiry expiry_saved;  /* as committed */
    bf_boot exhausted_until; /* not even the reserve was enough: every write is refused */

    bf_list names; /* bf_name, by id - 1 */
    bf_map *names_by_text;
    bf_list queues; /* bf_queue, by id - 1 */
    bf_map *queues_by_name;
    bf_map *topics;         /* by (kind, type) */
    bf_list topics_made;    /* bf_topic, the same, in the order of their making */
    bf_list topics_touched; /* bf_topic_undo of this batch, in the arena */
    bf_list depths_touched; /* bf_depth_undo, likewise */
    bf_commits commits;
    bf_map *extended; /* bf_extension by run: heartbeats that wait for a commit */
    bf_mark batch;    /* what the whole batch has to take back */
};

/* A heartbeat that waits for a commit to go along with. */
typedef struct {
    bf_token token;
    int64_t until_us;
} bf_extension;

/* What became of a job's slots: Counts in belfry.proto. */
typedef struct {
    uint32_t fired;
    uint32_t missed;
    uint32_t skipped;
    uint32_t overlap_skipped;
    uint32_t buffer_dropped;
    uint32_t cancelled_others;
    uint32_t terminated_others;
    uint32_t open;    /* runs of slots, and redrives of them, that are open… */
    uint32_t blocked; /* …and those of them that are blocked */
} bf_slot_counts;

/* A job's row. Strings and bytes live in the batch's arena, or are the caller's. */
typedef struct {
    uint64_t id;
    uint32_t ns;
    uint32_t type;
    uint32_t queue;
    const char *key; /* NULL for none */
    bf_job_state state;
    bf_job_reason reason;
    bool paused;
    bf_clock clock;
    int64_t due_us;
    int64_t wake_us;
    int64_t armed_us;
    int64_t anchor_us;
    int64_t remind_us; /* when the next reminder of the slot is due; 0: none is left */
    uint32_t version;
    uint32_t runs;
    uint32_t open_runs;
    bf_slot_counts counts;
    uint32_t others_below; /* slot runs below were asked to stop by the overlap policy */
    int64_t created_us;
    int64_t updated_us;
    int64_t final_us; /* 0 while open */
    uint64_t last_seq;
    const Belfry__V1__JobSpec *definition; /* whole, but for ns, key, type and payload */
    ProtobufCBinaryData spec;              /* the same as it is kept, packed */
    uint64_t payload_hash;
    uint32_t payload_bytes;
    ProtobufCBinaryData payload; /* only where it was asked for */
    bf_spec law;                 /* what core/ needs of spec */
    char **tags;                 /* of spec */
    size_t n_tags;
    /* The row as it was read: what was armed for it, and which tags were in the table. */
    bool was_open;
    char **was_tags;
    size_t n_was_tags;
    bf_trigger was_trigger; /* likewise: which zone and which calendars */
    bool was_timed;
    bf_clock was_clock;
    int64_t was_wake_us;
    int64_t was_remind_us; /* 0: none was armed */
    uint32_t was_queue;
    bool moved;                 /* more than its counters changed */
    bf_reminded reminders_past; /* to be told: reminders.h */
    const char *reminders_why;
} bf_job_row;

typedef struct {
    uint64_t job;
    uint32_t ordinal;
    uint32_t queue;
    uint32_t type;
    bf_run_state state;
    bf_origin origin;
    bool decides; /* of a slot, or the redrive of one: its end may be the job's */
    uint32_t job_version;
    bf_clock clock;
    int64_t due_us;
    int64_t lateness_us;
    uint32_t attempt;
    uint32_t failures;
    uint32_t redriven_by;
    int64_t born_us;
    int64_t ready_us;
    int64_t timer_us;       /* 0: none */
    int64_t lease_until_us; /* LEASED only */
    int64_t lease_us;       /* the same: as its worker was told, however the job is now */
    int64_t run_until_us;   /* 0: none */
    const char *worker;     /* NULL: nobody yet */
    int64_t created_us;
    int64_t claimed_us;
    int64_t final_us;
    const char *reason; /* NULL: none */
    uint64_t last_seq;
    ProtobufCBinaryData result;
    int64_t remind_before_us; /* REMINDER: how long before its slot it was due; else 0 */
    /* The row as it was read; 0 for a run that is new. */
    bf_run_state was_state;
    uint32_t was_attempt;
    int64_t was_timer_us;
} bf_run_row;

/* What a command answers: filled by the command, stored, and rendered into a Reply from the
 * rows. */
typedef struct {
    bf_err code;
    bf_error error;
    uint64_t seq;
    uint32_t result; /* field number in Reply.result, 0 for none */
    bool unchanged;
    bf_list jobs;    /* Belfry__Internal__StoredJob */
    bf_list runs;    /* Belfry__Internal__Attempt */
    bf_list items;   /* bf_answer, in the arena: of a Batch, in the order of its commands */
    uint32_t failed; /* which item did, from 1 */
    Belfry__V1__BulkReply *bulk;           /* of a command by filter */
    Belfry__V1__BackupReply *backup;       /* of a Backup */
    Belfry__V1__CalendarsReply *calendars; /* of SetCalendar and DeleteCalendar */
} bf_answer;

/* persist/ledger.c: a savepoint with everything in memory that belongs to it.
 * bf_ledger_write_begin opens the batch's transaction at its first write. */
bf_err bf_ledger_write_begin (bf_ledger *self, bf_error *error);
/* For a step that refuses nothing once it has written: taken back without SQL. */
bf_err bf_ledger_mark (bf_ledger *self, bf_mark *mark, bf_error *error);
bf_err bf_ledger_unmark (bf_ledger *self, const bf_mark *mark, bf_error *error);
bf_err bf_ledger_savepoint (bf_ledger *self, bf_mark *mark, bf_error *error);
bf_err bf_ledger_release (bf_ledger *self, bf_error *error);
bf_err bf_ledger_undo (bf_ledger *self, const bf_mark *mark, bf_error *error);

/* True for errors that are the client's: the step is undone and answered. Everything else
 * ends the batch. */
bool bf_ledger_is_refusal (bf_err code);

/* What an error within a batch means for those to come; returns it. */
bf_err bf_ledger_note (bf_ledger *self, bf_err rc);

/* Whether an item that can be divided goes on in this batch. */
bool bf_ledger_has_room (const bf_ledger *self);

/* Not even the reserve was enough a moment ago: nothing is written. */
bool bf_ledger_is_exhausted (const bf_ledger *self);

#endif
