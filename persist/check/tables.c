/* SPDX-License-Identifier: MPL-2.0
 *
 * What is of no one job: the counters of meta, the names, the answers, the operations, rows
 * without an owner, and the indexes that the scheduler lives on.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/time.h"
#include "messages/codec.h"
#include "persist/check/private.h"

/* What an answer costs beside its texts and its body; the ledger's answers.h. */
#define ANSWER_ROW_BYTES 48

static const char counted[] = "the rows say";

static void
read_meta (bf_checker *self, sqlite3_stmt *stmt)
{
    bf_check_summary *summary = self->summary;
    summary->stream_epoch = (uint64_t)sqlite3_column_int64 (stmt, 0);
    self->next_id = sqlite3_column_int64 (stmt, 1);
    summary->head_seq = (uint64_t)sqlite3_column_int64 (stmt, 2);
    self->total =
        (uint64_t)(sqlite3_column_int64 (stmt, 3) + sqlite3_column_int64 (stmt, 4) +
                   sqlite3_column_int64 (stmt, 5));
    if (summary->stream_epoch == 0) {
        bf_check_found (self, BF_CHECK_META, "meta", "stream_epoch is 0");
    }
    if (self->next_id < 1 || sqlite3_column_int64 (stmt, 2) < 0) {
        bf_check_found (self, BF_CHECK_META, "meta", "next_id is %lld and head_seq %lld",
                        (long long)self->next_id,
                        (long long)sqlite3_column_int64 (stmt, 2));
        summary->head_seq = 0;
    }
    if (sqlite3_column_bytes (stmt, 6) >= BF_BOOT_ID_BYTES) {
        bf_check_found (self, BF_CHECK_META, "meta", "boot_id is no id of a boot");
    }
}

void
bf_check_meta (bf_checker *self)
{
    sqlite3_stmt *stmt = bf_check_prepare (
        self, "SELECT stream_epoch, next_id, head_seq, open_jobs, final_jobs, answers, "
              "boot_id FROM meta WHERE id = 1");
    if (bf_check_step (self, stmt, "table meta")) {
        read_meta (self, stmt);
    } else {
        bf_check_found (self, BF_CHECK_META, "meta", "its row is missing");
    }
    sqlite3_finalize (stmt);
    uint64_t newest =
        (uint64_t)bf_check_number (self, "SELECT max(seq) FROM event", "table event");
    uint64_t oldest =
        (uint64_t)bf_check_number (self, "SELECT min(seq) FROM event", "table event");
    uint64_t head = self->summary->head_seq;
    if (newest != head) {
        bf_check_found (self, newest > head ? BF_CHECK_META : BF_CHECK_LOG, "meta",
                        "head_seq is %llu, but the newest event is %llu",
                        (unsigned long long)head, (unsigned long long)newest);
    }
    self->newest_seq = newest < head ? newest : head;
    self->summary->oldest_seq =
        oldest >= 1 && oldest <= self->newest_seq ? oldest : self->newest_seq + 1;
    self->total += self->newest_seq - self->summary->oldest_seq + 1;
}

/* --- names and queues --------------------------------------------------------------- */

static bool
name_add (bf_checker *self, uint32_t id, const char *text)
{
    char *copy = strdup (text);
    uint32_t *number = malloc (sizeof *number);
    if (!copy || !number || bf_list_push (&self->names, copy) != BF_OK) {
        free (copy);
        free (number);
        return false;
    }
    *number = id;
    if (bf_map_get (self->name_ids, text, strlen (text))) {
        bf_check_found (self, BF_CHECK_NAME, "table name", "\"%s\" is there twice", text);
        free (number);
        return true;
    }
    bool put = bf_map_put (self->name_ids, text, strlen (text), number) == BF_OK;
    if (!put) {
        free (number);
    }
    return put;
}

static void
load_names (bf_checker *self)
{
    sqlite3_stmt *stmt = bf_check_prepare (self, "SELECT id, text FROM name ORDER BY id");
    while (bf_check_step (self, stmt, "table name")) {
        int64_t id = sqlite3_column_int64 (stmt, 0);
        const char *text = (const char *)sqlite3_column_text (stmt, 1);
        if (id != (int64_t)self->names.count + 1) {
            bf_check_found (self, BF_CHECK_NAME, "table name",
                            "there is a hole before %lld", (long long)id);
            break;
        }
        if (!text || !bf_name_is_valid (text)) {
            bf_check_found (self, BF_CHECK_NAME, "table name", "\"%s\" is no name",
                            text ? text : "");
        }
        if (!name_add (self, (uint32_t)id, text ? text : "")) {
            bf_check_fail_memory (self);
        }
    }
    sqlite3_finalize (stmt);
}

static void
load_queues (bf_checker *self)
{
    sqlite3_stmt *stmt =
        bf_check_prepare (self, "SELECT id, ns, name FROM queue ORDER BY id");
    while (bf_check_step (self, stmt, "table queue")) {
        int64_t id = sqlite3_column_int64 (stmt, 0);
        int64_t ns = sqlite3_column_int64 (stmt, 1);
        int64_t name = sqlite3_column_int64 (stmt, 2);
        int64_t names = (int64_t)self->names.count;
        if (id != (int64_t)self->queues.count + 1) {
            bf_check_found (self, BF_CHECK_NAME, "table queue",
                            "there is a hole before %lld", (long long)id);
            break;
        }
        if (ns < 1 || ns > names || name < 1 || name > names) {
            bf_check_found (self, BF_CHECK_NAME, "table queue",
                            "%lld is of ns %lld and type %lld, which are not both names",
                            (long long)id, (long long)ns, (long long)name);
        }
        bf_check_queue *queue = malloc (sizeof *queue);
        if (!queue || bf_list_push (&self->queues, queue) != BF_OK) {
            free (queue);
            bf_check_fail_memory (self);
            break;
        }
        *queue = (bf_check_queue){(uint32_t)ns, (uint32_t)name};
    }
    sqlite3_finalize (stmt);
}

void
bf_check_names (bf_checker *self)
{
    load_names (self);
    load_queues (self);
}

/* --- answers and operations --------------------------------------------------------- */

static void
check_answer (bf_checker *self, sqlite3_stmt *stmt)
{
    char row[BF_CHECK_ROW_BYTES];
    snprintf (row, sizeof row, "answer %lld", (long long)sqlite3_column_int64 (stmt, 0));
    bf_arena_reset (self->scratch);
    const Belfry__Internal__StoredAnswer *answer =
        (const Belfry__Internal__StoredAnswer *)bf_check_unpack (
            &belfry__internal__stored_answer__descriptor, self->scratch, stmt, 1);
    if (!answer ||
        !protobuf_c_enum_descriptor_get_value (&belfry__v1__code__descriptor,
                                               (int)answer->code) ||
        (answer->result != 0 && !protobuf_c_message_descriptor_get_field (
                                    &belfry__v1__reply__descriptor, answer->result))) {
        bf_check_found (self, BF_CHECK_ANSWER, row, "body cannot be read");
    } else if (answer->seq > self->summary->head_seq) {
        bf_check_found (
            self, BF_CHECK_ANSWER, row, "seq is %llu, after head_seq, which is %llu",
            (unsigned long long)answer->seq, (unsigned long long)self->summary->head_seq);
    }
}

static void
check_answers (bf_checker *self)
{
    int64_t bytes = 0;
    sqlite3_stmt *stmt =
        bf_check_prepare (self, "SELECT id, body, 2 * (length (CAST (client AS BLOB)) + "
                                "length (CAST (request_id AS BLOB))) FROM answer");
    while (bf_check_step (self, stmt, "table answer")) {
        self->summary->answers++;
        bytes += sqlite3_column_int64 (stmt, 2) + sqlite3_column_bytes (stmt, 1) +
                 ANSWER_ROW_BYTES;
        check_answer (self, stmt);
        bf_check_count (self, 1);
    }
    sqlite3_finalize (stmt);
    bf_check_same (self, BF_CHECK_GAUGE, "meta", "answers",
                   bf_check_number (self, "SELECT answers FROM meta", "table meta"),
                   counted, (int64_t)self->summary->answers);
    bf_check_same (self, BF_CHECK_GAUGE, "meta", "answer_bytes",
                   bf_check_number (self, "SELECT answer_bytes FROM meta", "table meta"),
                   counted, bytes);
}

static void
check_operation (bf_checker *self, sqlite3_stmt *stmt)
{
    char row[BF_CHECK_ROW_BYTES];
    snprintf (row, sizeof row, "operation %lld", (long long)sqlite3_column_int64 (stmt, 0));
    bf_arena_reset (self->scratch);
    const Belfry__V1__Request *request = (const Belfry__V1__Request *)bf_check_unpack (
        &belfry__v1__request__descriptor, self->scratch, stmt, 1);
    const Belfry__V1__BulkReply *progress = (const Belfry__V1__BulkReply *)bf_check_unpack (
        &belfry__v1__bulk_reply__descriptor, self->scratch, stmt, 2);
    if (!request || request->command_case == BELFRY__V1__REQUEST__COMMAND__NOT_SET) {
        bf_check_found (self, BF_CHECK_OPERATION, row, "command cannot be read");
    } else {
        bf_check_same (self, BF_CHECK_OPERATION, row, "fingerprint",
                       sqlite3_column_int64 (stmt, 3), "that of its command is",
                       (int64_t)bf_request_fingerprint (request, self->scratch));
    }
    if (!progress) {
        bf_check_found (self, BF_CHECK_OPERATION, row, "progress cannot be read");
    } else if (progress->watermark >= (uint64_t)self->next_id ||
               progress->cursor > progress->watermark) {
        bf_check_found (self, BF_CHECK_OPERATION, row,
                        "it is at job %llu and works up to job %llu, which cannot be",
                        (unsigned long long)progress->cursor,
                        (unsigned long long)progress->watermark);
    }
}

static void
check_operations (bf_checker *self)
{
    sqlite3_stmt *stmt =
        bf_check_prepare (self, "SELECT id, command, progress, fingerprint FROM operation");
    while (bf_check_step (self, stmt, "table operation")) {
        self->summary->operations++;
        check_operation (self, stmt);
    }
    sqlite3_finalize (stmt);
}

/* --- rows without an owner ---------------------------------------------------------- */

static const struct {
    const char *table;
    const char *sql; /* job, and the rest of the key for people */
} orphans[] = {
    {"table run", "SELECT job, ordinal FROM run WHERE NOT EXISTS "
                  "(SELECT 1 FROM job WHERE id = job)"},
    {"table stretch", "SELECT job, after_ordinal FROM stretch WHERE NOT EXISTS "
                      "(SELECT 1 FROM job WHERE id = job)"},
    {"table tag", "SELECT job, tag FROM tag WHERE NOT EXISTS "
                  "(SELECT 1 FROM job WHERE id = job AND state <= 3)"},
    {"table zoned", "SELECT job, zone FROM zoned WHERE NOT EXISTS "
                    "(SELECT 1 FROM job WHERE id = job AND state <= 3)"},
    {"table excluded", "SELECT job, calendar FROM excluded WHERE NOT EXISTS "
                       "(SELECT 1 FROM job WHERE id = job AND state <= 3)"},
};

static void
check_orphans (bf_checker *self)
{
    for (size_t i = 0; i < sizeof orphans / sizeof orphans[0]; i++) {
        sqlite3_stmt *stmt = bf_check_prepare (self, orphans[i].sql);
        while (bf_check_step (self, stmt, orphans[i].table)) {
            const char *rest = (const char *)sqlite3_column_text (stmt, 1);
            bf_check_found (self, BF_CHECK_ORPHAN, orphans[i].table,
                            "row (%lld, %s) has no job that is open, or none at all",
                            (long long)sqlite3_column_int64 (stmt, 0), rest ? rest : "");
        }
        sqlite3_finalize (stmt);
    }
}

void
bf_check_tables (bf_checker *self)
{
    if (self->failure == BF_OK) {
        check_answers (self);
        check_operations (self);
        check_orphans (self);
    }
}

/* --- what was counted --------------------------------------------------------------- */

void
bf_check_gauges_meta (bf_checker *self)
{
    const bf_check_gauges *gauges = &self->gauges;
    const struct {
        bf_check_kind kind;
        const char *row;
        const char *column;
        const char *sql;
        uint64_t expected;
    } numbers[] = {
        {BF_CHECK_GAUGE, "meta", "open_jobs", "SELECT open_jobs FROM meta",
         gauges->open_jobs},
        {BF_CHECK_GAUGE, "meta", "final_jobs", "SELECT final_jobs FROM meta",
         gauges->final_jobs},
        {BF_CHECK_GAUGE, "meta", "ready_runs", "SELECT ready_runs FROM meta",
         gauges->ready_runs},
        {BF_CHECK_GAUGE, "meta", "leased_runs", "SELECT leased_runs FROM meta",
         gauges->leased_runs},
        {BF_CHECK_INDEX, "index job_due", "its length",
         "SELECT count(*) FROM job INDEXED BY job_due WHERE state = 2 AND paused = 0",
         gauges->timed_jobs},
        {BF_CHECK_INDEX, "index job_remind", "its length",
         "SELECT count(*) FROM job INDEXED BY job_remind WHERE remind_us <> 0 AND "
         "paused = 0",
         gauges->timed_reminders},
        {BF_CHECK_INDEX, "index run_timer", "its length",
         "SELECT count(*) FROM run INDEXED BY run_timer WHERE timer_us IS NOT NULL",
         gauges->timed_runs},
        {BF_CHECK_INDEX, "index run_ready", "its length",
         "SELECT count(*) FROM run INDEXED BY run_ready WHERE state = 2",
         gauges->ready_runs},
        {BF_CHECK_INDEX, "index run_open", "its length",
         "SELECT count(*) FROM run INDEXED BY run_open WHERE state <= 4",
         gauges->open_runs},
        {BF_CHECK_INDEX, "index run_dead", "its length",
         "SELECT count(*) FROM run INDEXED BY run_dead WHERE state = 6 AND redriven_by = 0",
         gauges->dead_runs},
        {BF_CHECK_TAG, "table tag", "its length", "SELECT count(*) FROM tag", gauges->tags},
        {BF_CHECK_CALENDAR, "table zoned", "its length", "SELECT count(*) FROM zoned",
         gauges->zoned},
        {BF_CHECK_CALENDAR, "table excluded", "its length", "SELECT count(*) FROM excluded",
         gauges->excluded},
    };
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        int64_t is = bf_check_number (self, numbers[i].sql, numbers[i].row);
        if (self->failure == BF_OK) {
            bf_check_same (self, numbers[i].kind, numbers[i].row, numbers[i].column, is,
                           counted, (int64_t)numbers[i].expected);
        }
    }
}
