/* SPDX-License-Identifier: MPL-2.0
 *
 * The tables of who goes by what: a row for each open job in its zone, and in each of its
 * exclusion calendars, so that a change looks at nobody else. Only what changed is touched.
 */
#include <string.h>

#include "persist/ledger/recurrences.h"
#include "persist/ledger/sql.h"

static bf_err
write_row (bf_ledger *self, bf_sql statement, const char *zone, uint64_t calendar,
           uint64_t job, bf_error *error)
{
    sqlite3_stmt *stmt = bf_statement (self->statements, statement);
    if (zone) {
        sqlite3_bind_text (stmt, 1, zone, -1, SQLITE_STATIC);
    } else {
        sqlite3_bind_int64 (stmt, 1, (sqlite3_int64)calendar);
    }
    sqlite3_bind_int64 (stmt, 2, (sqlite3_int64)job);
    return bf_step_done (self->statements, stmt, error);
}

/* A zone whose rules can change: the job has to be told when they do. */
static const char *
zone_name (const bf_trigger *trigger, bool is_open)
{
    bool zoned = is_open && bf_trigger_is_zoned (trigger);
    return zoned && !bf_zone_name_is_utc (trigger->tz) ? trigger->tz : NULL;
}

static bf_err
zones_follow (bf_ledger *self, const bf_job_row *job, const char *was, const char *is,
              bf_error *error)
{
    if (was && is && strcmp (was, is) == 0) {
        return BF_OK;
    }
    bf_err rc = was ? write_row (self, SQL_ZONED_DELETE, was, 0, job->id, error) : BF_OK;
    if (rc == BF_OK && is) {
        rc = bf_zone_keep (self, is, error);
    }
    return rc == BF_OK && is ? write_row (self, SQL_ZONED_INSERT, is, 0, job->id, error)
                             : rc;
}

static bool
has (const bf_trigger *trigger, const char *name)
{
    for (size_t i = 0; i < trigger->n_exclude; i++) {
        if (strcmp (trigger->exclude[i], name) == 0) {
            return true;
        }
    }
    return false;
}

/* Runs the statement for every calendar of `of` that is not in `but` (which may be NULL). A
 * calendar that is gone was let go while no open job named it. */
static bf_err
each_but (bf_ledger *self, bf_sql statement, const bf_job_row *job, const bf_trigger *of,
          const bf_trigger *but, bf_error *error)
{
    bf_err rc = BF_OK;
    for (size_t i = 0; rc == BF_OK && i < of->n_exclude; i++) {
        if (but && has (but, of->exclude[i])) {
            continue;
        }
        uint64_t id = 0;
        rc = bf_calendar_find (self, job->ns, of->exclude[i], &id, error);
        if (rc == BF_OK && id != 0) {
            rc = write_row (self, statement, NULL, id, job->id, error);
        }
    }
    return rc;
}

bf_err
bf_zoned_follow (bf_ledger *self, bf_job_row *job, bf_error *error)
{
    bool is_open = bf_job_is_open (job->state);
    const bf_trigger *now = &job->law.trigger;
    const bf_trigger *before = &job->was_trigger;
    if (is_open == job->was_open && now->tz == before->tz &&
        now->exclude == before->exclude && now->kind == before->kind) {
        return BF_OK;
    }
    bf_err rc = zones_follow (self, job, zone_name (before, job->was_open),
                              zone_name (now, is_open), error);
    if (rc == BF_OK && job->was_open) {
        rc = each_but (self, SQL_EXCLUDED_DELETE, job, before, is_open ? now : NULL, error);
    }
    if (rc == BF_OK && is_open) {
        rc = each_but (self, SQL_EXCLUDED_INSERT, job, now, job->was_open ? before : NULL,
                       error);
    }
    job->was_trigger = *now;
    return rc;
}
