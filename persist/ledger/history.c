/* SPDX-License-Identifier: MPL-2.0
 *
 * History: what happened, newest first. Of one job by walking prev_job_seq, so that no
 * index on the log is needed; of all by seq, which grows with time.
 */
#include "messages/limits.h"
#include "persist/ledger/commands.h"
#include "persist/ledger/log.h"
#include "persist/ledger/sql.h"

static bf_err
event_at (bf_ledger *self, uint64_t seq, Belfry__V1__Event **event, bf_error *error)
{
    sqlite3_stmt *stmt = bf_statement (self->statements, SQL_EVENT_SELECT);
    sqlite3_bind_int64 (stmt, 1, (sqlite3_int64)seq);
    bool row = false;
    bf_err rc = bf_step_row (self->statements, stmt, &row, error);
    *event = NULL;
    if (rc == BF_OK && row) {
        *event = bf_log_event (self, sqlite3_column_blob (stmt, 0),
                               (size_t)sqlite3_column_bytes (stmt, 0), error);
        bf_statement_reset (stmt);
        rc = *event ? BF_OK : error->code;
    }
    return rc;
}

/* The chain ends at 0, or where retention has cut it. It is walked to its end whatever the
 * span of time, because the wall clock may have been set back. */
static bf_err
walk_job (bf_ledger *self, uint64_t job, uint64_t seq, const bf_log_filter *filter,
          bf_log_page *page, bf_error *error)
{
    while (seq != 0 && page->examined < BF_PAGE_EXAMINED) {
        Belfry__V1__Event *event;
        bf_err rc = event_at (self, seq, &event, error);
        if (rc != BF_OK || !event || event->job != job) {
            page->reply->next_cursor = 0;
            return rc;
        }
        page->examined++;
        if (bf_log_matches (filter, event)) {
            rc = bf_log_page_add (self, page, event, error);
            if (rc != BF_OK || page->full) {
                page->reply->next_cursor = seq;
                return rc;
            }
        }
        seq = event->prev_job_seq;
    }
    page->reply->next_cursor = seq;
    return BF_OK;
}

/* From `last` downwards, that one included. */
static bf_err
walk_log (bf_ledger *self, uint64_t last, const bf_log_filter *filter, bf_log_page *page,
          bf_error *error)
{
    sqlite3_stmt *stmt = bf_statement (self->statements, SQL_EVENT_UP_TO);
    sqlite3_bind_int64 (stmt, 1, (sqlite3_int64)last);
    sqlite3_bind_int64 (stmt, 2, BF_PAGE_EXAMINED + 1);
    bool row = false;
    bf_err rc = bf_step_row (self->statements, stmt, &row, error);
    while (rc == BF_OK && row) {
        page->reply->next_cursor = (uint64_t)sqlite3_column_int64 (stmt, 0);
        if (page->examined++ == BF_PAGE_EXAMINED) {
            break;
        }
        Belfry__V1__Event *event =
            bf_log_event (self, sqlite3_column_blob (stmt, 1),
                          (size_t)sqlite3_column_bytes (stmt, 1), error);
        rc = event ? BF_OK : error->code;
        if (rc == BF_OK && bf_log_matches (filter, event)) {
            rc = bf_log_page_add (self, page, event, error);
        }
        if (rc != BF_OK || page->full) {
            break;
        }
        rc = bf_step_row (self->statements, stmt, &row, error);
    }
    if (!row) {
        page->reply->next_cursor = 0;
    }
    bf_statement_reset (stmt);
    return rc;
}

bf_err
bf_query_history (bf_ledger *self, const Belfry__V1__Request *request,
                  Belfry__V1__Reply *reply, bf_error *error)
{
    const Belfry__V1__History *in = request->history;
    bf_log_filter filter = {
        .kinds = in->kinds,
        .n_kinds = in->n_kinds,
        .types = (char **)&in->type,
        .n_types = in->type[0] ? 1 : 0,
        .from_us = in->from_us,
        .until_us = in->until_us,
    };
    bf_log_page page;
    bf_err rc = bf_log_page_begin (self, in->limit, &page, error);
    if (rc != BF_OK) {
        return rc;
    }
    reply->result_case = BELFRY__V1__REPLY__RESULT_EVENTS;
    reply->events = page.reply;
    if (!in->job) {
        uint64_t last = in->cursor ? in->cursor : self->counters.head_seq;
        return walk_log (self, last, &filter, &page, error);
    }
    bf_job_row job;
    rc = bf_ref_load (self, in->job, 0, &job, error);
    return rc == BF_OK ? walk_job (self, job.id, in->cursor ? in->cursor : job.last_seq,
                                   &filter, &page, error)
                       : rc;
}
