/* SPDX-License-Identifier: MPL-2.0
 *
 * Only what changed is touched: a job without tags, or one whose counters alone move, pays
 * nothing.
 */
#include "persist/ledger/tags.h"

#include <string.h>

#include "persist/ledger/sql.h"

/* The tags that the table has, or should have, of a job. */
typedef struct {
    char *const *items;
    size_t count;
} tags_t;

static bool
has (tags_t tags, const char *tag)
{
    for (size_t i = 0; i < tags.count; i++) {
        if (strcmp (tags.items[i], tag) == 0) {
            return true;
        }
    }
    return false;
}

/* Runs the statement for every tag of `of` that is not in `but`. */
static bf_err
each_but (bf_ledger *self, bf_sql statement, uint64_t job, tags_t of, tags_t but,
          bf_error *error)
{
    bf_err rc = BF_OK;
    for (size_t i = 0; rc == BF_OK && i < of.count; i++) {
        if (has (but, of.items[i])) {
            continue;
        }
        sqlite3_stmt *stmt = bf_statement (self->statements, statement);
        sqlite3_bind_text (stmt, 1, of.items[i], -1, SQLITE_STATIC);
        sqlite3_bind_int64 (stmt, 2, (sqlite3_int64)job);
        rc = bf_step_done (self->statements, stmt, error);
    }
    return rc;
}

bf_err
bf_tags_follow (bf_ledger *self, bf_job_row *job, bf_error *error)
{
    bool is_open = bf_job_is_open (job->state);
    if (is_open == job->was_open && job->tags == job->was_tags) {
        return BF_OK;
    }
    tags_t before = {job->was_tags, job->was_open ? job->n_was_tags : 0};
    tags_t now = {job->tags, is_open ? job->n_tags : 0};
    bf_err rc = each_but (self, SQL_TAG_DELETE, job->id, before, now, error);
    if (rc == BF_OK) {
        rc = each_but (self, SQL_TAG_INSERT, job->id, now, before, error);
    }
    job->was_open = is_open;
    job->was_tags = job->tags;
    job->n_was_tags = job->n_tags;
    return rc;
}
