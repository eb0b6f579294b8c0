/* SPDX-License-Identifier: MPL-2.0
 *
 * Replay: events after a seq, oldest first, as they were published.
 */
#include "messages/limits.h"
#include "persist/ledger/commands.h"
#include "persist/ledger/log.h"
#include "persist/ledger/sql.h"

static bf_err
read_on (bf_ledger *self, uint64_t after, const bf_log_filter *filter, bf_log_page *page,
         bf_error *error)
{
    sqlite3_stmt *stmt = bf_statement (self->statements, SQL_EVENT_AFTER);
    sqlite3_bind_int64 (stmt, 1, (sqlite3_int64)after);
    sqlite3_bind_int64 (stmt, 2, BF_PAGE_EXAMINED);
    bool row = false;
    bf_err rc = bf_step_row (self->statements, stmt, &row, error);
    while (rc == BF_OK && row) {
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
        page->reply->next_cursor = (uint64_t)sqlite3_column_int64 (stmt, 0);
        rc = bf_step_row (self->statements, stmt, &row, error);
    }
    bf_statement_reset (stmt);
    return rc;
}

bf_err
bf_query_replay (bf_ledger *self, const Belfry__V1__Request *request,
                 Belfry__V1__Reply *reply, bf_error *error)
{
    const Belfry__V1__Replay *in = request->replay;
    bf_log_filter filter = {
        .kinds = in->kinds,
        .n_kinds = in->n_kinds,
        .types = in->types,
        .n_types = in->n_types,
        .from_us = INT64_MIN,
    };
    bf_log_page page;
    bf_err rc = bf_log_page_begin (self, in->limit, &page, error);
    if (rc != BF_OK) {
        return rc;
    }
    reply->result_case = BELFRY__V1__REPLY__RESULT_EVENTS;
    reply->events = page.reply;
    page.with_payload = true;
    page.reply->next_cursor = in->after_seq;
    if (in->after_seq + 1 < page.reply->oldest_seq) {
        return bf_fail (
            error, BF_ETOOOLD,
            "events are kept from seq %llu on, %llu is gone: start from there, or "
            "from the state of the jobs",
            (unsigned long long)page.reply->oldest_seq,
            (unsigned long long)in->after_seq + 1);
    }
    return read_on (self, in->after_seq, &filter, &page, error);
}
