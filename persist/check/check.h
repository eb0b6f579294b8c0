/* SPDX-License-Identifier: MPL-2.0
 *
 * Proof that a database is whole: its pages, its tables against themselves, its log against
 * its tables. Written on the tables and the packed events alone, so that a mistake of the
 * ledger is not made here, too. The offline verbs of `belfry` are its callers, and persist/
 * restore.c, which puts nothing back that it has not examined. It changes nothing.
 */
#ifndef BF_CHECK_CHECK_H
#define BF_CHECK_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/errors.h"

#define BF_CHECK_RESTORE "stop the daemon, keep a copy of its files, and restore a backup"
#define BF_CHECK_REPORT                                                                 \
    "if the disk is sound this is a bug: keep a copy of the files and report it; then " \
    "restore a backup"

/* What can be wrong. X (name, word, what to do) */
#define BF_CHECK_MAP(X)                                                                  \
    X (PAGES, "pages", "the file is damaged: " BF_CHECK_RESTORE)                         \
    X (SCHEMA, "schema", "the tables are not Belfry's: " BF_CHECK_RESTORE)               \
    X (META, "meta", BF_CHECK_REPORT)                                                    \
    X (GAUGE, "gauge", "only the counts that Status shows are wrong; " BF_CHECK_REPORT)  \
    X (COUNTER, "counter", BF_CHECK_REPORT)                                              \
    X (STATE, "state", BF_CHECK_REPORT)                                                  \
    X (TIMER, "timer", "it would fire at a wrong time or not at all; " BF_CHECK_REPORT)  \
    X (INDEX, "index", "rows would be overlooked; " BF_CHECK_RESTORE)                    \
    X (KEY, "key", BF_CHECK_REPORT)                                                      \
    X (NAME, "name", BF_CHECK_REPORT)                                                    \
    X (SPEC, "spec", "the job's definition is damaged: " BF_CHECK_RESTORE)               \
    X (PAYLOAD, "payload", "a payload or result is damaged: " BF_CHECK_RESTORE)          \
    X (TAG, "tag", "lists and filters by tag would err; " BF_CHECK_REPORT)               \
    X (CALENDAR, "calendar", "slots would be planned by wrong rules; " BF_CHECK_REPORT)  \
    X (IMAGE, "image", "table and log disagree; " BF_CHECK_REPORT)                       \
    X (MISSING, "missing", "a row is lost: " BF_CHECK_RESTORE)                           \
    X (ORPHAN, "orphan", BF_CHECK_REPORT)                                                \
    X (EVENT, "event", "an event is damaged: " BF_CHECK_RESTORE)                         \
    X (LOG, "log", "events are lost: " BF_CHECK_RESTORE)                                 \
    X (CHAIN, "chain", "histories would be cut; " BF_CHECK_REPORT)                       \
    X (TOPIC, "topic",                                                                   \
       "subscribers with a filter would replay in vain or miss a gap; " BF_CHECK_REPORT) \
    X (ANSWER, "answer", "a repeated call would err; " BF_CHECK_REPORT)                  \
    X (OPERATION, "operation", "a command by filter cannot go on; " BF_CHECK_REPORT)

typedef enum {
#define X(name, word, advice) BF_CHECK_##name,
    BF_CHECK_MAP (X)
#undef X
        BF_CHECK_KINDS
} bf_check_kind;

/* "image". Static. */
const char *bf_check_kind_name (bf_check_kind kind);

/* One thing that is wrong. */
typedef struct {
    bf_check_kind kind;
    const char *row;    /* "job 256", "run 256.1", "event 17", "meta", … */
    const char *what;   /* column, expected and found */
    const char *advice; /* what to do */
} bf_finding;

/* Findings told to the callback; the rest is only counted. */
#define BF_FINDINGS_TOLD 100

/* Either may be NULL. progress: total 0 where it is not known. */
typedef struct {
    void (*finding) (const bf_finding *finding, void *context);
    void (*progress) (const char *phase, uint64_t done, uint64_t total, void *context);
    void *context;
} bf_check_watch;

typedef struct {
    uint64_t findings;
    uint64_t jobs;
    uint64_t runs;
    uint64_t stretches;
    uint64_t events;
    uint64_t answers;
    uint64_t operations;
    uint64_t oldest_seq;
    uint64_t head_seq;
    uint64_t stream_epoch;
    uint64_t bytes; /* of the file */
    int schema;
} bf_check_summary;

/* Examines the data directory at `path`, which no daemon may be using (BF_ELOCKED), or the
 * plain file at `path`: a backup. DIRECTORY/belfry.db means its directory. BF_OK: examined
 * to the end; summary->findings says how it is. Otherwise it could not be: BF_ENOTFOUND (no
 * such file, or nothing in it), BF_EFOREIGN, BF_ENEWER, BF_EVERSION (of an older version),
 * BF_ESTATE (a half-written file, no backup), BF_ECORRUPT (not even its header and schema
 * can be read), BF_EIO, BF_ENOMEM.
 *
 * Memory: one bit for each event of the log, 32 bytes for each job whose pruning the log
 * still tells of, the names of namespaces and types, and one job at a time: 10 million
 * events take about 2 MiB, a million pruned jobs 64 MiB at most. */
bf_err bf_check (const char *path, const bf_check_watch *watch, bf_check_summary *summary,
                 bf_error *error);

#endif
