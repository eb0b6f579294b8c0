/* SPDX-License-Identifier: MPL-2.0
 *
 * SetCalendar, DeleteCalendar, ListCalendars. What a change means for jobs is replan.h's.
 */
#include <string.h>

#include "messages/codec.h"
#include "messages/limits.h"
#include "persist/ledger/commands.h"
#include "persist/ledger/names.h"
#include "persist/ledger/recurrences.h"
#include "persist/ledger/replan.h"
#include "persist/ledger/sql.h"

typedef Belfry__V1__ExclusionCalendar image_t;

bf_err
bf_calendar_unpack (bf_ledger *self, const void *body, size_t size, const char *ns,
                    const char *name, Belfry__V1__ExclusionCalendar **image_p,
                    bf_error *error)
{
    ProtobufCAllocator allocator = bf_arena_allocator (self->arena);
    Belfry__V1__ExclusionCalendar *image =
        belfry__v1__exclusion_calendar__unpack (&allocator, size, body);
    if (!image && !bf_arena_failed (self->arena)) {
        return bf_fail (error, BF_ECORRUPT,
                        "exclusion calendar %s cannot be read: the database is damaged",
                        name);
    }
    char *own_ns = bf_arena_string (self->arena, ns);
    char *own_name = bf_arena_string (self->arena, name);
    if (!image || !own_ns || !own_name) {
        return bf_fail_plain (error, BF_ENOMEM);
    }
    image->ns = own_ns;
    image->name = own_name;
    *image_p = image;
    return BF_OK;
}

bf_err
bf_calendar_image (bf_ledger *self, uint64_t id, Belfry__V1__ExclusionCalendar **image,
                   bf_error *error)
{
    sqlite3_stmt *stmt = bf_statement (self->statements, SQL_EXCLUSION_SELECT);
    sqlite3_bind_int64 (stmt, 1, (sqlite3_int64)id);
    bool row = false;
    bf_err rc = bf_step_row (self->statements, stmt, &row, error);
    if (rc == BF_OK) {
        BF_INVARIANT (row);
        uint32_t ns = (uint32_t)sqlite3_column_int64 (stmt, 0);
        bool known = ns >= 1 && ns <= self->names.count;
        rc = known ? bf_calendar_unpack (
                         self, sqlite3_column_blob (stmt, 4),
                         (size_t)sqlite3_column_bytes (stmt, 4), bf_name_text (self, ns),
                         (const char *)sqlite3_column_text (stmt, 1), image, error)
                   : bf_fail (error, BF_ECORRUPT,
                              "an exclusion calendar is of namespace %u, which there is "
                              "not: the database is damaged",
                              ns);
    }
    if (rc == BF_OK) {
        (*image)->version = (uint32_t)sqlite3_column_int64 (stmt, 2);
        (*image)->updated_us = sqlite3_column_int64 (stmt, 3);
    }
    bf_statement_reset (stmt);
    return rc;
}

static bf_err
answer_with (bf_ledger *self, bf_answer *answer, image_t *image, bool unchanged,
             bf_error *error)
{
    Belfry__V1__CalendarsReply *reply = bf_arena_alloc (self->arena, sizeof *reply);
    image_t **list = bf_arena_alloc (self->arena, sizeof (*list));
    if (!reply || !list) {
        return bf_fail_plain (error, BF_ENOMEM);
    }
    belfry__v1__calendars_reply__init (reply);
    reply->calendars = list;
    reply->calendars[0] = image;
    reply->n_calendars = 1;
    reply->unchanged = unchanged;
    answer->calendars = reply;
    answer->result = BELFRY__V1__REPLY__RESULT_CALENDARS;
    return BF_OK;
}

static bf_err
check_version (const char *name, uint32_t is, uint32_t wanted, bf_error *error)
{
    if (wanted == 0 || wanted == is) {
        return BF_OK;
    }
    if (is == 0) {
        return bf_fail (error, BF_EVERSIONED,
                        "there is no exclusion calendar %s, so none has version %u: leave "
                        "if_version out to make one",
                        name, wanted);
    }
    return bf_fail (error, BF_EVERSIONED,
                    "exclusion calendar %s has version %u, not %u: somebody gave it other "
                    "content, read it and decide again",
                    name, is, wanted);
}

static bf_err
check_room (bf_ledger *self, bf_error *error)
{
    sqlite3_stmt *stmt = bf_statement (self->statements, SQL_EXCLUSION_COUNT);
    bool row = false;
    bf_err rc = bf_step_row (self->statements, stmt, &row, error);
    int64_t count = rc == BF_OK && row ? sqlite3_column_int64 (stmt, 0) : 0;
    bf_statement_reset (stmt);
    if (rc == BF_OK && count >= BF_CALENDARS) {
        return bf_fail (error, BF_ELIMIT,
                        "there are %d exclusion calendars, the most that there may be: "
                        "delete one first",
                        BF_CALENDARS);
    }
    return rc;
}

/* Only what the row has no columns for. */
static uint8_t *
pack_body (bf_ledger *self, const image_t *calendar, size_t *size)
{
    image_t body = BELFRY__V1__EXCLUSION_CALENDAR__INIT;
    body.n_dates = calendar->n_dates;
    body.dates = calendar->dates;
    body.n_windows = calendar->n_windows;
    body.windows = calendar->windows;
    return bf_pack (&body.base, self->arena, size);
}

static bf_err
insert (bf_ledger *self, uint32_t ns, const char *name, const uint8_t *body, size_t size,
        uint64_t *id, bf_error *error)
{
    bf_err rc = check_room (self, error);
    if (rc != BF_OK) {
        return rc;
    }
    sqlite3_stmt *stmt = bf_statement (self->statements, SQL_EXCLUSION_INSERT);
    sqlite3_bind_int64 (stmt, 1, ns);
    sqlite3_bind_text (stmt, 2, name, -1, SQLITE_STATIC);
    sqlite3_bind_int64 (stmt, 3, self->now.wall.us);
    /* Never NULL: an empty calendar excludes nothing. */
    sqlite3_bind_blob (stmt, 4, size > 0 ? body : (const uint8_t *)"", (int)size,
                       SQLITE_STATIC);
    rc = bf_step_done (self->statements, stmt, error);
    *id = (uint64_t)sqlite3_last_insert_rowid (self->db);
    return rc;
}

static bf_err
change (bf_ledger *self, uint64_t id, const uint8_t *body, size_t size, bf_error *error)
{
    sqlite3_stmt *stmt = bf_statement (self->statements, SQL_EXCLUSION_CHANGE);
    sqlite3_bind_int64 (stmt, 1, (sqlite3_int64)id);
    sqlite3_bind_int64 (stmt, 2, self->now.wall.us);
    sqlite3_bind_blob (stmt, 3, size > 0 ? body : (const uint8_t *)"", (int)size,
                       SQLITE_STATIC);
    sqlite3_bind_int64 (stmt, 4, (sqlite3_int64)self->counters.next_id);
    return bf_step_done (self->statements, stmt, error);
}

/* The calendar as it is, NULL for none; and its body. */
static bf_err
load (bf_ledger *self, uint32_t ns, const char *name, uint64_t *id, image_t **image,
      bf_error *error)
{
    *id = 0;
    *image = NULL;
    bf_err rc = ns != 0 ? bf_calendar_find (self, ns, name, id, error) : BF_OK;
    return rc == BF_OK && *id != 0 ? bf_calendar_image (self, *id, image, error) : rc;
}

/* before: NULL for none, which is different from all. */
static bf_err
compare (bf_ledger *self, const image_t *before, const uint8_t *body, size_t size,
         bool *same, bf_error *error)
{
    *same = false;
    if (!before) {
        return BF_OK;
    }
    size_t before_size = 0;
    const uint8_t *was = pack_body (self, before, &before_size);
    if (!was) {
        return bf_fail_plain (error, BF_ENOMEM);
    }
    *same = before_size == size && memcmp (was, body, size) == 0;
    return BF_OK;
}

bf_err
bf_command_set_calendar (bf_ledger *self, const Belfry__V1__Request *request,
                         bf_answer *answer, bf_error *error)
{
    const Belfry__V1__SetCalendar *in = request->set_calendar;
    const image_t *wanted = in->calendar;
    uint32_t ns = 0;
    uint64_t id = 0;
    size_t size = 0;
    image_t *image = NULL;
    const uint8_t *body = pack_body (self, wanted, &size);
    bf_err rc = body ? bf_name_intern (self, wanted->ns, &ns, error)
                     : bf_fail_plain (error, BF_ENOMEM);
    if (rc == BF_OK) {
        rc = load (self, ns, wanted->name, &id, &image, error);
    }
    if (rc == BF_OK) {
        rc =
            check_version (wanted->name, image ? image->version : 0, in->if_version, error);
    }
    bool same = false;
    if (rc == BF_OK) {
        rc = compare (self, image, body, size, &same, error);
    }
    if (rc != BF_OK || same) {
        return same ? answer_with (self, answer, image, true, error) : rc;
    }
    rc = image ? change (self, id, body, size, error)
               : insert (self, ns, wanted->name, body, size, &id, error);
    if (rc == BF_OK) {
        rc = bf_replan_calendar (self, id, error);
    }
    if (rc == BF_OK) {
        rc = bf_calendar_image (self, id, &image, error);
    }
    return rc == BF_OK ? answer_with (self, answer, image, false, error) : rc;
}

static bf_err
check_unused (bf_ledger *self, uint64_t id, const char *name, bf_error *error)
{
    sqlite3_stmt *stmt = bf_statement (self->statements, SQL_EXCLUDED_JOBS);
    sqlite3_bind_int64 (stmt, 1, (sqlite3_int64)id);
    sqlite3_bind_int64 (stmt, 2, 0);
    sqlite3_bind_int64 (stmt, 3, INT64_MAX);
    sqlite3_bind_int64 (stmt, 4, 1);
    bool row = false;
    bf_err rc = bf_step_row (self->statements, stmt, &row, error);
    if (rc == BF_OK && row) {
        rc = bf_fail (error, BF_ESTATE,
                      "job %lld is open and names exclusion calendar %s: end or replace it "
                      "first",
                      (long long)sqlite3_column_int64 (stmt, 0), name);
    }
    bf_statement_reset (stmt);
    return rc;
}

bf_err
bf_command_delete_calendar (bf_ledger *self, const Belfry__V1__Request *request,
                            bf_answer *answer, bf_error *error)
{
    const Belfry__V1__DeleteCalendar *in = request->delete_calendar;
    uint64_t id = 0;
    image_t *image = NULL;
    bf_err rc = load (self, bf_name_find (self, in->ns), in->name, &id, &image, error);
    if (rc == BF_OK && !image) {
        return bf_fail (error, BF_ENOTFOUND,
                        "there is no exclusion calendar %s in namespace %s", in->name,
                        in->ns);
    }
    if (rc == BF_OK) {
        rc = check_version (in->name, image->version, in->if_version, error);
    }
    if (rc == BF_OK) {
        rc = check_unused (self, id, in->name, error);
    }
    if (rc == BF_OK) {
        sqlite3_stmt *stmt = bf_statement (self->statements, SQL_EXCLUSION_DELETE);
        sqlite3_bind_int64 (stmt, 1, (sqlite3_int64)id);
        rc = bf_step_done (self->statements, stmt, error);
    }
    if (rc == BF_OK) {
        rc = bf_replan_calendar_gone (self, in->ns, in->name, error);
    }
    return rc == BF_OK ? answer_with (self, answer, image, false, error) : rc;
}

/* The calendar of the row that stands. */
static bf_err
read_row (bf_ledger *self, sqlite3_stmt *stmt, image_t **image, bf_error *error)
{
    bf_err rc = bf_calendar_unpack (
        self, sqlite3_column_blob (stmt, 5), (size_t)sqlite3_column_bytes (stmt, 5),
        (const char *)sqlite3_column_text (stmt, 1),
        (const char *)sqlite3_column_text (stmt, 2), image, error);
    if (rc == BF_OK) {
        (*image)->version = (uint32_t)sqlite3_column_int64 (stmt, 3);
        (*image)->updated_us = sqlite3_column_int64 (stmt, 4);
    }
    return rc;
}

/* As many as fit, at least one; the cursor counts those before the page. */
static bf_err
read_page (bf_ledger *self, sqlite3_stmt *stmt, uint64_t cursor,
           Belfry__V1__CalendarsReply *reply, bf_error *error)
{
    size_t bytes = 0;
    bool row = false;
    bf_err rc = bf_step_row (self->statements, stmt, &row, error);
    while (rc == BF_OK && row) {
        image_t *image = NULL;
        rc = read_row (self, stmt, &image, error);
        if (rc != BF_OK) {
            break;
        }
        bytes += belfry__v1__exclusion_calendar__get_packed_size (image);
        if (reply->n_calendars == BF_CALENDARS ||
            (reply->n_calendars > 0 && bytes > BF_ANSWER_BYTES)) {
            reply->next_cursor = cursor + reply->n_calendars;
            break;
        }
        reply->calendars[reply->n_calendars++] = image;
        rc = bf_step_row (self->statements, stmt, &row, error);
    }
    bf_statement_reset (stmt);
    return rc;
}

bf_err
bf_query_list_calendars (bf_ledger *self, const Belfry__V1__Request *request,
                         Belfry__V1__Reply *reply, bf_error *error)
{
    const Belfry__V1__ListCalendars *in = request->list_calendars;
    Belfry__V1__CalendarsReply *out = bf_arena_alloc (self->arena, sizeof *out);
    image_t **list = bf_arena_alloc (self->arena, BF_CALENDARS * sizeof (*list));
    if (!out || !list) {
        return bf_fail_plain (error, BF_ENOMEM);
    }
    belfry__v1__calendars_reply__init (out);
    out->calendars = list;
    reply->calendars = out;
    reply->result_case = BELFRY__V1__REPLY__RESULT_CALENDARS;
    if (in->cursor > BF_CALENDARS) {
        return BF_OK;
    }
    sqlite3_stmt *stmt = bf_statement (self->statements, SQL_EXCLUSION_LIST);
    sqlite3_bind_text (stmt, 1, in->ns, -1, SQLITE_STATIC);
    sqlite3_bind_text (stmt, 2, in->name, -1, SQLITE_STATIC);
    sqlite3_bind_int64 (stmt, 3, (sqlite3_int64)in->cursor);
    return read_page (self, stmt, in->cursor, out, error);
}
