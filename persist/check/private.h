/* SPDX-License-Identifier: MPL-2.0
 *
 * What the files of the check share. Each phase is one file; it reports what it finds with
 * bf_check_found and goes on. A phase returns an error only where nothing further can be
 * read at all.
 *
 *   source   opens: lock, header, SQLite
 *   pages    integrity_check, the tables' own text
 *   tables   meta, names, answers, operations, rows without an owner
 *   rows     every job with its runs and stretches, against its newest images
 *   rules    what a row must be in itself
 *   zones    time zones, exclusion calendars, and who goes by them
 *   chains   the events of one job, from the newest back
 *   fold     every event, from the newest back, against chains, rows and topics
 */
#ifndef BF_CHECK_PRIVATE_H
#define BF_CHECK_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sqlite3.h>

#include "core/base/arena.h"
#include "core/base/list.h"
#include "core/base/map.h"
#include "core/job.h"
#include "persist/check/check.h"
#include "persist/check/pruned.h"

#include "belfry.pb-c.h"
#include "internal.pb-c.h"

#define BF_CHECK_ROW_BYTES 64

/* A definition is at most a frame, an event two of its strings more. */
#define BF_CHECK_ARENA_BYTES ((size_t)32 * 1024 * 1024)

typedef struct {
    uint32_t ns;
    uint32_t name;
} bf_check_queue;

/* Statements that are run again and again. */
typedef enum {
    CHECK_EVENT_AT,
    CHECK_RUNS_OF,
    CHECK_STRETCHES_OF,
    CHECK_JOB_EXISTS,
    CHECK_RUN_AT,
    CHECK_STRETCH_AT,
    CHECK_NEWER_OF_KEY,
    CHECK_TAG,
    CHECK_ZONED,
    CHECK_EXCLUDED,
    CHECK_STATEMENTS
} bf_check_sql;

/* Counted while the rows go by. */
typedef struct {
    uint64_t open_jobs;
    uint64_t final_jobs;
    uint64_t timed_jobs;
    uint64_t timed_reminders;
    uint64_t timed_runs;
    uint64_t open_runs;
    uint64_t dead_runs; /* that were not redriven */
    uint64_t ready_runs;
    uint64_t leased_runs;
    uint64_t tags;
    uint64_t zoned;
    uint64_t excluded;
} bf_check_gauges;

typedef struct {
    /* source.c */
    sqlite3 *db;
    char *path;      /* of the database, absolute */
    char *directory; /* NULL for a plain file */
    char *wal_path;
    int lock_fd;
    bool had_wal;

    const bf_check_watch *watch;
    bf_check_summary *summary;
    const char *phase;
    uint64_t done;
    uint64_t total;

    sqlite3_stmt *statements[CHECK_STATEMENTS];
    bf_arena *arena;   /* of one job */
    bf_arena *scratch; /* of one event */
    bf_list names;     /* char *, by id - 1 */
    bf_map *name_ids;  /* uint32_t *, by text */
    bf_list queues;    /* bf_check_queue *, by id - 1 */
    int64_t next_id;
    uint64_t newest_seq; /* summary->head_seq, or the last event before it that is there */
    bf_check_gauges gauges;
    uint8_t
        *chained; /* one bit for each event from oldest_seq on: it is in its job's chain */
    bf_pruned *pruned;
    bf_map *zones;          /* zones.c: by name */
    bf_map *exclusions;     /* by namespace and name */
    bf_map *replanned;      /* bf_check_replanned by job */
    int64_t last_commit_us; /* wall time, about */
    bf_err failure;         /* what ends the whole check */
    bf_error failure_text;
} bf_checker;

/* A job as its row has it; strings and bytes in the arena. */
typedef struct {
    char row[BF_CHECK_ROW_BYTES]; /* "job 256" */
    uint64_t id;
    uint32_t ns;
    uint32_t type;
    uint32_t queue;
    const char *key; /* "" for none */
    int64_t state;
    int64_t reason;
    int64_t paused;
    int64_t clock;
    int64_t due_us;
    int64_t wake_us;
    int64_t armed_us;
    int64_t anchor_us;
    int64_t version;
    int64_t runs;
    int64_t open_runs;
    int64_t slots_open;
    int64_t blocked;
    int64_t fired;
    int64_t missed;
    int64_t skipped;
    int64_t overlap_skipped;
    int64_t buffer_dropped;
    int64_t cancelled_others;
    int64_t terminated_others;
    int64_t others_below;
    int64_t created_us;
    int64_t updated_us;
    int64_t final_us;
    bool is_final; /* final_us is not NULL */
    int64_t remind_us;
    uint64_t last_seq;
    int64_t payload_hash;
    int64_t real_hash; /* of the payload as it is */
    int64_t payload_bytes;
    const Belfry__V1__JobSpec *definition; /* NULL where it cannot be read */
} bf_check_job;

typedef struct {
    char row[BF_CHECK_ROW_BYTES]; /* "run 256.1" */
    uint64_t job;
    uint32_t ordinal;
    uint32_t queue;
    uint32_t type;
    int64_t state;
    int64_t origin;
    int64_t decides;
    int64_t job_version;
    int64_t clock;
    int64_t due_us;
    int64_t lateness_us;
    int64_t attempt;
    int64_t failures;
    int64_t redriven_by;
    int64_t timer_us;
    bool has_timer;
    bool has_lease;
    bool has_run_until;
    const char *worker;
    int64_t created_us;
    int64_t claimed_us;
    int64_t final_us;
    bool is_final;
    const char *reason;
    uint64_t last_seq;
    int64_t result_bytes;
    int64_t result_hash;
    int64_t remind_before_us;
} bf_check_run;

/* Of one job's runs, counted. */
typedef struct {
    int64_t count;
    int64_t newest;
    int64_t open;
    int64_t leased;
    int64_t slots_open;
    int64_t blocked;
} bf_check_tally;

/* --- check.c */

/* Tells of something that is wrong; `row` is where. */
__attribute__ ((format (printf, 4, 5))) void bf_check_found (bf_checker *self,
                                                             bf_check_kind kind,
                                                             const char *row,
                                                             const char *format, ...);

/* A column's value where another was expected: nothing to say if they are equal. `why` ends
 * the sentence: "state is 3, but its newest event says 2". */
void bf_check_same (bf_checker *self, bf_check_kind kind, const char *row,
                    const char *column, int64_t is, const char *why, int64_t expected);
void bf_check_same_text (bf_checker *self, bf_check_kind kind, const char *row,
                         const char *column, const char *is, const char *why,
                         const char *expected);

/* Rows that went by. */
void bf_check_phase (bf_checker *self, const char *phase);
void bf_check_count (bf_checker *self, uint64_t rows);

/* The next row of a query. False at its end, and where it cannot be read: a damaged page is
 * a finding of `table`, anything else the check's failure. Resets at the end. */
bool bf_check_step (bf_checker *self, sqlite3_stmt *stmt, const char *table);
/* NULL where it cannot be prepared, with the failure set. The caller finalises. */
sqlite3_stmt *bf_check_prepare (bf_checker *self, const char *sql);
/* One of the kept statements, reset. */
sqlite3_stmt *bf_check_statement (bf_checker *self, bf_check_sql which);
/* The first column of the first row; 0 where there is none. */
int64_t bf_check_number (bf_checker *self, const char *sql, const char *table);

/* Ends the check. */
void bf_check_fail (bf_checker *self, bf_err code, const char *format, ...)
    __attribute__ ((format (printf, 3, 4)));
void bf_check_fail_memory (bf_checker *self);

/* Reads a packed message into an arena; NULL where it cannot be read. */
ProtobufCMessage *bf_check_unpack (const ProtobufCMessageDescriptor *descriptor,
                                   bf_arena *arena, sqlite3_stmt *stmt, int column);

/* "?" for a number that no name has. */
const char *bf_check_name (const bf_checker *self, uint32_t id);

/* --- the phases */

bf_err bf_check_open (bf_checker *self, const char *path, bf_error *error);
void bf_check_close (bf_checker *self);

/* False: the tables are not such that anything further could be read. */
bool bf_check_pages (bf_checker *self);
/* Before the rows: names and queues into memory. After them: what was counted. */
void bf_check_names (bf_checker *self);
void bf_check_meta (bf_checker *self);
void bf_check_tables (bf_checker *self);
void bf_check_gauges_meta (bf_checker *self);
void bf_check_jobs (bf_checker *self);
void bf_check_log (bf_checker *self);

/* --- rules.c */

void bf_check_job_rules (bf_checker *self, const bf_check_job *job,
                         const bf_check_tally *tally);
void bf_check_run_rules (bf_checker *self, const bf_check_job *job,
                         const bf_check_run *run);

/* --- zones.c */

/* The last time that a job was planned anew by other rules: its times since. */
typedef struct {
    uint64_t seq;
    int64_t due_us;
    int64_t armed_us;
    int64_t wake_us;
    int64_t remind_us;
} bf_check_replanned;

/* Before the jobs: zones and exclusion calendars, and whom their changes moved. */
void bf_check_zones (bf_checker *self);
void bf_check_zones_clear (bf_checker *self);
/* NULL: none that the log still tells of. */
const bf_check_replanned *bf_check_replanned_of (const bf_checker *self, uint64_t job);
/* An open job in the tables of those who are to be planned anew. */
void bf_check_zoned (bf_checker *self, const bf_check_job *job, const bf_trigger *trigger);
/* The slot of a job that goes by a zone or by exclusion calendars. */
void bf_check_zoned_slot (bf_checker *self, const bf_check_job *job,
                          const bf_trigger *trigger);

/* --- chains.c */

/* What the events of one job say of it; in the arena. NULL where none does. */
typedef struct {
    const Belfry__V1__Event *newest; /* the last of all */
    const Belfry__V1__Event *image;  /* the last with the job's image */
    const Belfry__V1__Event *spec;   /* the last with its definition */
} bf_check_chain;

bool bf_check_is_kept (const bf_checker *self, uint64_t seq);
bool bf_check_is_chained (const bf_checker *self, uint64_t seq);
/* The event, or NULL where it is not there. *event lives in `arena`. */
const Belfry__V1__Event *bf_check_event (bf_checker *self, uint64_t seq, bf_arena *arena);
/* Follows prev_job_seq from the row's last_seq back, and marks what it meets. */
void bf_check_follow (bf_checker *self, const bf_check_job *job, bf_check_chain *chain);

#endif
