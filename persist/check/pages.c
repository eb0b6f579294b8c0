/* SPDX-License-Identifier: MPL-2.0
 *
 * What SQLite itself knows of a damaged file, row by row, and whether the tables and
 * indexes are word for word those that this version makes.
 */
#include <stdlib.h>
#include <string.h>

#include "persist/check/private.h"
#include "persist/schema.h"

/* More than are told, so that the count says something. */
#define PAGES_SQL "PRAGMA integrity_check(1000)"

/* SQLite instructions between two reports of progress: some milliseconds. */
#define PROGRESS_STEPS 200000

static int
on_progress (void *context)
{
    const bf_checker *self = context;
    if (self->watch->progress) {
        self->watch->progress (self->phase, 0, 0, self->watch->context);
    }
    return 0;
}

static void
check_pages (bf_checker *self)
{
    sqlite3_progress_handler (self->db, PROGRESS_STEPS, on_progress, self);
    sqlite3_stmt *stmt = bf_check_prepare (self, PAGES_SQL);
    while (bf_check_step (self, stmt, "the file")) {
        const char *text = (const char *)sqlite3_column_text (stmt, 0);
        if (text && strcmp (text, "ok") != 0) {
            bf_check_found (self, BF_CHECK_PAGES, "the file", "%s", text);
        }
    }
    sqlite3_finalize (stmt);
    sqlite3_progress_handler (self->db, 0, NULL, NULL);
}

/* An empty database of this version, in memory; NULL without it. */
static sqlite3 *
model_open (void)
{
    sqlite3 *model = NULL;
    int rc = sqlite3_open_v2 (
        ":memory:", &model,
        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
    for (int i = 0; i < bf_schema_version && rc == SQLITE_OK; i++) {
        rc = sqlite3_exec (model, bf_schema_steps[i], NULL, NULL, NULL);
    }
    if (rc != SQLITE_OK) {
        sqlite3_close (model);
        model = NULL;
    }
    return model;
}

static const char schema_sql[] =
    "SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL "
    "AND name NOT LIKE 'sqlite_%' ORDER BY name";

static const char *
text_of (sqlite3_stmt *stmt, int column)
{
    const char *text = (const char *)sqlite3_column_text (stmt, column);
    return text ? text : "";
}

/* Without memory this version's own schema cannot be read; the file is not to blame. */
static bool
step_ours (bf_checker *self, sqlite3_stmt *ours)
{
    int rc = sqlite3_step (ours);
    if (rc != SQLITE_ROW && rc != SQLITE_DONE) {
        bf_check_fail_memory (self);
    }
    return rc == SQLITE_ROW;
}

/* Both lists by name, side by side. */
static void
compare (bf_checker *self, sqlite3_stmt *ours, sqlite3_stmt *file)
{
    bool has_ours = step_ours (self, ours);
    bool has_file = bf_check_step (self, file, "sqlite_schema");
    while (self->failure == BF_OK && (has_ours || has_file)) {
        int order = !has_file  ? -1
                    : has_ours ? strcmp (text_of (ours, 0), text_of (file, 0))
                               : 1;
        if (order < 0) {
            bf_check_found (self, BF_CHECK_SCHEMA, text_of (ours, 0), "is missing");
        } else if (order > 0) {
            bf_check_found (self, BF_CHECK_SCHEMA, text_of (file, 0), "is not Belfry's");
        } else if (strcmp (text_of (ours, 1), text_of (file, 1)) != 0) {
            bf_check_found (self, BF_CHECK_SCHEMA, text_of (file, 0),
                            "is not defined as this version defines it");
        }
        if (order <= 0) {
            has_ours = step_ours (self, ours);
        }
        if (order >= 0) {
            has_file = bf_check_step (self, file, "sqlite_schema");
        }
    }
}

bool
bf_check_pages (bf_checker *self)
{
    uint64_t before = self->summary->findings;
    sqlite3 *model = model_open ();
    sqlite3_stmt *ours = NULL;
    if (!model || sqlite3_prepare_v2 (model, schema_sql, -1, &ours, NULL) != SQLITE_OK) {
        bf_check_fail_memory (self);
    } else {
        sqlite3_stmt *file = bf_check_prepare (self, schema_sql);
        compare (self, ours, file);
        sqlite3_finalize (file);
    }
    sqlite3_finalize (ours);
    sqlite3_close (model);
    bool ours_all = self->summary->findings == before;
    check_pages (self);
    return ours_all && self->failure == BF_OK;
}
