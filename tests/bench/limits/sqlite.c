/* SPDX-License-Identifier: MPL-2.0
 *
 * Raw SQLite with exactly the statements and rows of the ledger, but no ledger: a tape of
 * it, played to an empty database that was opened as the daemon opens its own. Two of each:
 * the whole tape, and, as `…_writes`, only what changes rows, which shows what lookups and
 * savepoints cost. Beside it the ledger itself, without actors, under the same load.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/hash.h"
#include "persist/database.h"
#include "tests/bench/limits/limits.h"
#include "tests/bench/limits/rounds.h"
#include "tests/bench/limits/tape.h"

/* Commits of one job are a hundred times slower than those of many. */
#define SINGLES_PART 50
#define SINGLES_MIN 200
/* In one batch where the jobs are only there to have something done to them. */
#define BEFOREHAND 1000

typedef enum { SCHEDULE, CANCEL, FIRE, FIRE_AND_COMPLETE } load;

typedef struct {
    const char *limit;
    const char *ledger; /* what the ledger itself takes */
    const char *name;
    load load;
    size_t per_batch;
    bool together; /* a batch is one call; completions: a Batch for each claim */
} sqlite_case;

static const sqlite_case cases[] = {
    {"sqlite_schedule", "ledger_schedule", "batch_1", SCHEDULE, 1, false},
    {"sqlite_schedule", "ledger_schedule", "batch_256", SCHEDULE, 256, false},
    {"sqlite_schedule", "ledger_schedule", "batch_1000", SCHEDULE, 1000, true},
    {"sqlite_cancel", "ledger_cancel", "batch_256", CANCEL, 256, false},
    {"sqlite_fire", "ledger_fire", "batch_1", FIRE, 1, false},
    {"sqlite_fire_and_complete", "ledger_fire_and_complete", "batch_256", FIRE_AND_COMPLETE,
     256, false},
    {"sqlite_fire_and_complete", "ledger_fire_and_complete", "batch_256_together",
     FIRE_AND_COMPLETE, 256, true},
};

static size_t
jobs_of (const limits_options *options, const sqlite_case *about)
{
    if (about->per_batch > 1) {
        return options->jobs;
    }
    size_t part = options->jobs / SINGLES_PART;
    return part > SINGLES_MIN ? part : SINGLES_MIN;
}

/* What comes before the load itself. */
static void
prepare_ledger (rounds *ledger, const sqlite_case *about, size_t jobs)
{
    rounds_set_idle (ledger, about->per_batch == 1);
    if (about->load != SCHEDULE) {
        rounds_schedule (ledger, jobs, BEFOREHAND, true);
    }
}

static void
load_ledger (rounds *ledger, const sqlite_case *about, size_t jobs)
{
    if (about->load == SCHEDULE) {
        rounds_schedule (ledger, jobs, about->per_batch, about->together);
    } else if (about->load == CANCEL) {
        rounds_cancel (ledger, about->per_batch);
    } else if (about->load == FIRE) {
        rounds_fire (ledger, about->per_batch, ROUNDS_LEAVE);
    } else {
        rounds_fire (ledger, about->per_batch,
                     about->together ? ROUNDS_BATCHED : ROUNDS_EACH);
    }
}

static bf_database *
open_database (const char *directory)
{
    bf_error error = {0};
    bf_database *database = NULL;
    limits_require (bf_database_open (&database, directory, NULL, &error) == BF_OK, "%s",
                    error.text);
    return database;
}

/* --- measured ------------------------------------------------------------------------ */

static void
play_once (const limits_options *options, limits_case about, const tape *from,
           size_t before, size_t jobs, bool writes)
{
    char *directory = limits_directory_make (options->data);
    bf_database *database = open_database (directory);
    sqlite3 *handle = bf_database_handle (database);
    tape_player *player = tape_player_new (from, handle, writes);
    size_t batches = from->n_marks - before;
    double *took_us = limits_take (batches * sizeof *took_us);
    /* What comes before is not timed, and need not be durable. */
    rounds_synchronous (handle, "OFF");
    tape_play (player, 0, before, NULL);
    rounds_synchronous (handle, "FULL");
    int64_t began_ns = limits_now_ns ();
    tape_play (player, before, from->n_marks, took_us);
    double took_s = (double)(limits_now_ns () - began_ns) / 1e9;
    limits_report (about, "rate", "jobs/s", (double)jobs / took_s);
    limits_report_tail (about, took_us, batches);
    free (took_us);
    tape_player_free (&player);
    bf_database_abandon (&database);
    limits_directory_remove (&directory);
}

/* Records the load; *before: how many batches come before it. */
static tape *
record (const limits_options *options, const sqlite_case *about, rounds_workload workload,
        size_t jobs, size_t *before)
{
    char *directory = limits_directory_make (options->data);
    tape *onto = tape_new ();
    rounds *ledger = rounds_open (directory, workload, options->seed, onto);
    prepare_ledger (ledger, about, jobs);
    *before = onto->n_marks;
    load_ledger (ledger, about, jobs);
    rounds_close (&ledger);
    limits_directory_remove (&directory);
    return onto;
}

static void
measure (const limits_options *options, const sqlite_case *about, rounds_workload workload)
{
    const char *workload_name = rounds_workload_names[workload];
    size_t jobs = jobs_of (options, about);
    limits_say ("%s %s %s: %zu jobs", about->limit, about->name, workload_name, jobs);
    size_t before = 0;
    tape *onto = record (options, about, workload, jobs, &before);
    char *writes = limits_text ("%s_writes", about->name);
    for (int run = 0; run < options->runs; run++) {
        play_once (options, (limits_case){about->limit, about->name, workload_name}, onto,
                   before, jobs, false);
        play_once (options, (limits_case){about->limit, writes, workload_name}, onto,
                   before, jobs, true);
    }
    limits_report_end (options->json);
    free (writes);
    tape_free (&onto);
}

/* The same load, and everything that the ledger does beside its statements. */
static void
measure_ledger (const limits_options *options, const sqlite_case *about,
                rounds_workload workload)
{
    const char *workload_name = rounds_workload_names[workload];
    size_t jobs = jobs_of (options, about);
    limits_say ("%s %s %s: %zu jobs", about->ledger, about->name, workload_name, jobs);
    for (int run = 0; run < options->runs; run++) {
        char *directory = limits_directory_make (options->data);
        rounds *ledger = rounds_open (directory, workload, options->seed, NULL);
        prepare_ledger (ledger, about, jobs);
        rounds_set_durable (ledger, true);
        rounds_watch (ledger);
        load_ledger (ledger, about, jobs);
        limits_report ((limits_case){about->ledger, about->name, workload_name}, "rate",
                       "jobs/s", (double)jobs / rounds_took_s (ledger));
        rounds_close (&ledger);
        limits_directory_remove (&directory);
    }
    limits_report_end (options->json);
}

void
limits_sqlite (const limits_options *options)
{
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (rounds_workload k = 0; k < ROUNDS_WORKLOADS; k++) {
            if (limits_wanted (options, cases[i].limit)) {
                measure (options, &cases[i], k);
            }
            if (limits_wanted (options, cases[i].ledger)) {
                measure_ledger (options, &cases[i], k);
            }
        }
    }
}

/* --- listed -------------------------------------------------------------------------- */

/* How often each statement is run for a job, from batch `before` on. */
static void
list_statements (const sqlite_case *about, const tape *from, size_t before, size_t jobs)
{
    size_t *counts = tape_count (from, before, from->n_marks);
    printf ("%s %s, for a job:\n", about->limit, about->name);
    for (size_t i = 0; i < from->texts.count; i++) {
        if (counts[i] > 0) {
            printf ("%9.3f  %s\n", (double)counts[i] / (double)jobs,
                    (const char *)from->texts.items[i]);
        }
    }
    free (counts);
}

void
limits_sqlite_list (const limits_options *options)
{
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (!limits_wanted (options, cases[i].limit)) {
            continue;
        }
        size_t before = 0;
        tape *onto = record (options, &cases[i], ROUNDS_STEADY, options->jobs, &before);
        list_statements (&cases[i], onto, before, options->jobs);
        tape_free (&onto);
    }
}

/* --- checked ------------------------------------------------------------------------- */

/* What a database did, and what it has. */
typedef struct {
    uint64_t statements;
    uint64_t hash;
} witness;

static int
on_statement (unsigned kind, void *argument, void *stmt, void *text)
{
    (void)kind;
    (void)text;
    witness *self = argument;
    char *sql = sqlite3_expanded_sql (stmt);
    limits_require (sql != NULL, "no memory");
    self->statements++;
    self->hash = bf_mix (self->hash ^ bf_hash (sql, strlen (sql)));
    sqlite3_free (sql);
    return 0;
}

static void
look_on (sqlite3 *handle, witness *self)
{
    *self = (witness){0, 0};
    sqlite3_trace_v2 (handle, SQLITE_TRACE_STMT, on_statement, self);
}

static void
look_away (sqlite3 *handle)
{
    sqlite3_trace_v2 (handle, 0, NULL, NULL);
}

/* Of every row of a table, in its order. */
static uint64_t
hash_table (sqlite3 *handle, const char *name)
{
    char *sql = limits_text ("SELECT * FROM %s", name);
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2 (handle, sql, -1, &stmt, NULL);
    limits_require (rc == SQLITE_OK, "%s: %s", sql, sqlite3_errmsg (handle));
    uint64_t hash = 0;
    for (rc = sqlite3_step (stmt); rc == SQLITE_ROW; rc = sqlite3_step (stmt)) {
        for (int i = 0; i < sqlite3_column_count (stmt); i++) {
            int type = sqlite3_column_type (stmt, i);
            const void *bytes = sqlite3_column_blob (stmt, i);
            size_t size = (size_t)sqlite3_column_bytes (stmt, i);
            hash = bf_mix (hash ^ bf_hash (bytes, size) ^ (uint64_t)type);
        }
    }
    limits_require (rc == SQLITE_DONE, "%s: %s", sql, sqlite3_errmsg (handle));
    sqlite3_finalize (stmt);
    free (sql);
    return hash;
}

static uint64_t
hash_all (sqlite3 *handle)
{
    static const char tables[] =
        "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name";
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2 (handle, tables, -1, &stmt, NULL);
    limits_require (rc == SQLITE_OK, "tables: %s", sqlite3_errmsg (handle));
    uint64_t hash = 0;
    while (sqlite3_step (stmt) == SQLITE_ROW) {
        const char *name = (const char *)sqlite3_column_text (stmt, 0);
        hash = bf_mix (hash ^ hash_table (handle, name));
    }
    sqlite3_finalize (stmt);
    return hash;
}

/* Plays the tape under the same eyes. */
static witness
witness_tape (const limits_options *options, const tape *from, size_t before,
              uint64_t *rows)
{
    witness seen;
    char *directory = limits_directory_make (options->data);
    bf_database *database = open_database (directory);
    sqlite3 *handle = bf_database_handle (database);
    tape_player *player = tape_player_new (from, handle, false);
    tape_play (player, 0, before, NULL);
    look_on (handle, &seen);
    tape_play (player, before, from->n_marks, NULL);
    look_away (handle);
    *rows = hash_all (handle);
    tape_player_free (&player);
    bf_database_abandon (&database);
    limits_directory_remove (&directory);
    return seen;
}

static void
check (const limits_options *options, const sqlite_case *about, rounds_workload workload)
{
    witness did;
    char *directory = limits_directory_make (options->data);
    tape *onto = tape_new ();
    rounds *ledger = rounds_open (directory, workload, options->seed, onto);
    prepare_ledger (ledger, about, options->jobs);
    size_t before = onto->n_marks;
    look_on (rounds_handle (ledger), &did);
    load_ledger (ledger, about, options->jobs);
    look_away (rounds_handle (ledger));
    tape_record (NULL);
    uint64_t rows = hash_all (rounds_handle (ledger));
    rounds_close (&ledger);
    limits_directory_remove (&directory);
    uint64_t played_rows = 0;
    witness played = witness_tape (options, onto, before, &played_rows);
    limits_require (played.statements == did.statements && played.hash == did.hash,
                    "%s %s %s: the tape's statements are not the ledger's: %llu and %llu",
                    about->limit, about->name, rounds_workload_names[workload],
                    (unsigned long long)played.statements,
                    (unsigned long long)did.statements);
    limits_require (played_rows == rows, "%s %s %s: the tape leaves other rows",
                    about->limit, about->name, rounds_workload_names[workload]);
    printf ("%s %s %s: %llu statements for %zu jobs, the same on the tape\n", about->limit,
            about->name, rounds_workload_names[workload],
            (unsigned long long)did.statements, options->jobs);
    tape_free (&onto);
}

void
limits_sqlite_check (const limits_options *options)
{
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (rounds_workload k = 0; k < ROUNDS_WORKLOADS; k++) {
            check (options, &cases[i], k);
        }
    }
}
