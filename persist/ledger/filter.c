/* SPDX-License-Identifier: MPL-2.0
 *
 * Filters. The way is chosen by what the filter says, without statistics:
 *
 *   - a tag, open jobs only:        table tag, in the order of ids already
 *   - a namespace and a key prefix: index job_key, gathered and sorted, unless too many
 *   - open or dead jobs, few types: index job_state, its streams merged
 *   - anything else:                the table itself
 *
 * Keys do not come in the order of ids. To go through them in their own order would need a
 * cursor of another kind, for pages as for operations, so a prefix pays only where all its
 * keys are gathered at once: the usual case, the few jobs of one game or one user. Where
 * they are more than BF_FILTER_KEYS the prefix is left to the rows: so many keys are then
 * read for nothing, once.
 */
#include "persist/ledger/filter.h"

#include <stdlib.h>
#include <string.h>

#include "persist/ledger/names.h"
#include "persist/ledger/rows.h"
#include "persist/ledger/sql.h"

/* --- what matches ------------------------------------------------------------------- */

bf_filter
bf_filter_of (const bf_ledger *self, const Belfry__V1__Filter *in, uint32_t states)
{
    bf_filter filter = {
        .states = in->n_states > 0 ? 0 : states,
        .tags = in->tags,
        .n_tags = in->n_tags,
        .key_prefix = in->key_prefix,
    };
    for (size_t i = 0; i < in->n_states; i++) {
        filter.states |= BF_STATE_BIT (in->states[i]);
    }
    if (in->ns[0]) {
        filter.ns = bf_name_find (self, in->ns);
        filter.nothing |= filter.ns == 0;
    }
    if (in->type[0]) {
        filter.type = bf_name_find (self, in->type);
        filter.nothing |= filter.type == 0;
    }
    return filter;
}

static bool
columns_match (const bf_filter *filter, uint32_t ns, uint32_t type, int state,
               const char *key)
{
    const char *prefix = filter->key_prefix;
    return (filter->ns == 0 || filter->ns == ns) &&
           (filter->type == 0 || filter->type == type) &&
           (filter->states & BF_STATE_BIT (state)) != 0 &&
           (prefix[0] == '\0' || (key && strncmp (key, prefix, strlen (prefix)) == 0));
}

static bool
tags_match (const bf_filter *filter, const bf_job_row *job)
{
    for (size_t i = 0; i < filter->n_tags; i++) {
        bool found = false;
        for (size_t k = 0; !found && k < job->n_tags; k++) {
            found = strcmp (filter->tags[i], job->tags[k]) == 0;
        }
        if (!found) {
            return false;
        }
    }
    return true;
}

bool
bf_filter_matches (const bf_filter *filter, const bf_job_row *job)
{
    return !filter->nothing &&
           columns_match (filter, job->ns, job->type, (int)job->state, job->key) &&
           tags_match (filter, job);
}

/* --- the way ------------------------------------------------------------------------ */

static size_t
count_states (uint32_t states)
{
    size_t count = 0;
    for (uint32_t rest = states; rest != 0; rest &= rest - 1) {
        count++;
    }
    return count;
}

static bool
is_within (uint32_t states, uint32_t all)
{
    return (states & ~all) == 0;
}

bf_way
bf_filter_way (const bf_filter *filter, size_t types)
{
    if (filter->n_tags > 0 && is_within (filter->states, BF_STATES_OPEN)) {
        return BF_WAY_TAG;
    }
    if (filter->key_prefix[0] != '\0' && filter->ns != 0 && !filter->keys_are_many) {
        return BF_WAY_KEY;
    }
    if (is_within (filter->states, BF_STATES_INDEXED) &&
        types * count_states (filter->states) <= BF_FILTER_STREAMS) {
        return BF_WAY_STATE;
    }
    return BF_WAY_ID;
}

/* The types that the filter may meet, each once; one too many says that they are too many.
 */
typedef struct {
    uint32_t ids[BF_FILTER_STREAMS + 1];
    size_t count;
} types_t;

static bool
types_have (const types_t *types, uint32_t id)
{
    for (size_t i = 0; i < types->count; i++) {
        if (types->ids[i] == id) {
            return true;
        }
    }
    return false;
}

static void
types_collect (const bf_ledger *self, const bf_filter *filter, types_t *types)
{
    types->count = 0;
    if (filter->type != 0) {
        types->ids[types->count++] = filter->type;
        return;
    }
    for (size_t i = 0; i < self->queues.count && types->count <= BF_FILTER_STREAMS; i++) {
        const bf_queue *queue = self->queues.items[i];
        bool fits = filter->ns == 0 || filter->ns == queue->ns;
        if (fits && !types_have (types, queue->name)) {
            types->ids[types->count++] = queue->name;
        }
    }
}

/* --- rows --------------------------------------------------------------------------- */

/* Appends the ids that a bound statement gives, up to `max`. *last: of them. *cut: it may
 * have more. */
static bf_err
take_ids (bf_ledger *self, sqlite3_stmt *stmt, size_t max, bf_candidates *found,
          uint64_t *last, bool *cut, bf_error *error)
{
    size_t start = found->count;
    bool row = false;
    bf_err rc = bf_step_row (self->statements, stmt, &row, error);
    while (rc == BF_OK && row && found->count - start < max) {
        *last = (uint64_t)sqlite3_column_int64 (stmt, 0);
        found->ids[found->count++] = *last;
        rc = bf_step_row (self->statements, stmt, &row, error);
    }
    found->examined += found->count - start;
    *cut = rc == BF_OK && row;
    bf_statement_reset (stmt);
    return rc;
}

static bf_err
ids_new (bf_ledger *self, size_t count, bf_candidates *found, bf_error *error)
{
    found->ids = bf_arena_alloc (self->arena, count * sizeof *found->ids);
    return found->ids ? BF_OK : bf_fail_plain (error, BF_ENOMEM);
}

static bf_err
seek_tag (bf_ledger *self, const bf_filter *filter, uint64_t after, size_t max,
          bf_candidates *found, bf_error *error)
{
    bool cut = false;
    bf_err rc = ids_new (self, max, found, error);
    if (rc == BF_OK) {
        sqlite3_stmt *stmt = bf_statement (self->statements, SQL_TAG_JOBS);
        sqlite3_bind_text (stmt, 1, filter->tags[0], -1, SQLITE_STATIC);
        sqlite3_bind_int64 (stmt, 2, (sqlite3_int64)after);
        rc = take_ids (self, stmt, max, found, &found->cursor, &cut, error);
    }
    found->end = !cut;
    return rc;
}

static int
compare_ids (const void *a, const void *b)
{
    const uint64_t *left = a;
    const uint64_t *right = b;
    return *left < *right ? -1 : *left > *right;
}

/* The first `max` of what was collected, of which everything up to `sure` is there. */
static void
pick (bf_candidates *found, size_t max, uint64_t sure)
{
    size_t count = 0;
    if (found->count > 0) {
        qsort (found->ids, found->count, sizeof *found->ids, compare_ids);
    }
    while (count < found->count && count < max && found->ids[count] <= sure) {
        count++;
    }
    found->end = count == found->count && sure == UINT64_MAX;
    found->count = count;
    if (count > 0) {
        found->cursor = found->ids[count - 1];
    }
}

/* Notes in the filter where this is not the way. */
static bf_err
seek_key (bf_ledger *self, bf_filter *filter, uint64_t after, size_t max,
          bf_candidates *found, bf_error *error)
{
    size_t length = strlen (filter->key_prefix);
    size_t keys = 0;
    bool row = false;
    bf_err rc = ids_new (self, BF_FILTER_KEYS, found, error);
    if (rc != BF_OK) {
        return rc;
    }
    sqlite3_stmt *stmt = bf_statement (self->statements, SQL_JOB_KEYS);
    sqlite3_bind_int64 (stmt, 1, filter->ns);
    sqlite3_bind_text (stmt, 2, filter->key_prefix, -1, SQLITE_STATIC);
    rc = bf_step_row (self->statements, stmt, &row, error);
    while (rc == BF_OK && row && keys <= BF_FILTER_KEYS) {
        const char *key = (const char *)sqlite3_column_text (stmt, 1);
        if (!key || strncmp (key, filter->key_prefix, length) != 0) {
            break;
        }
        uint64_t id = (uint64_t)sqlite3_column_int64 (stmt, 0);
        if (id > after && keys < BF_FILTER_KEYS) {
            found->ids[found->count++] = id;
        }
        keys++;
        rc = bf_step_row (self->statements, stmt, &row, error);
    }
    bf_statement_reset (stmt);
    found->examined = keys;
    filter->keys_are_many = keys > BF_FILTER_KEYS;
    pick (found, max, UINT64_MAX);
    return rc;
}

/* The same number from each stream: what is beyond the end of one that has more is not sure
 * yet. */
static bf_err
seek_state (bf_ledger *self, const bf_filter *filter, const types_t *types, uint64_t after,
            size_t max, size_t examine, bf_candidates *found, bf_error *error)
{
    size_t streams = types->count * count_states (filter->states);
    size_t share = streams > 0 ? examine / streams : 0;
    size_t each = share < 1 ? 1 : share < max ? share : max;
    uint64_t sure = UINT64_MAX;
    bf_err rc = ids_new (self, streams * each, found, error);
    for (size_t i = 0; rc == BF_OK && i < types->count; i++) {
        for (int state = 1; rc == BF_OK && state <= BF_JOB_STATE_LAST; state++) {
            if (!(filter->states & BF_STATE_BIT (state))) {
                continue;
            }
            uint64_t last = after;
            bool cut = false;
            sqlite3_stmt *stmt = bf_statement (self->statements, SQL_JOB_OF_STATE);
            sqlite3_bind_int (stmt, 1, state);
            sqlite3_bind_int64 (stmt, 2, types->ids[i]);
            sqlite3_bind_int64 (stmt, 3, (sqlite3_int64)after);
            rc = take_ids (self, stmt, each, found, &last, &cut, error);
            sure = cut && last < sure ? last : sure;
        }
    }
    pick (found, max, sure);
    return rc;
}

static bf_err
seek_id (bf_ledger *self, const bf_filter *filter, uint64_t after, size_t max,
         size_t examine, bf_candidates *found, bf_error *error)
{
    bf_err rc = ids_new (self, max, found, error);
    if (rc != BF_OK) {
        return rc;
    }
    size_t start = found->examined;
    sqlite3_stmt *stmt = bf_statement (self->statements, SQL_JOB_COLUMNS);
    sqlite3_bind_int64 (stmt, 1, (sqlite3_int64)after);
    bool row = false;
    rc = bf_step_row (self->statements, stmt, &row, error);
    while (rc == BF_OK && row && found->count < max && found->examined - start < examine) {
        found->cursor = (uint64_t)sqlite3_column_int64 (stmt, 0);
        if (columns_match (filter, (uint32_t)sqlite3_column_int64 (stmt, 1),
                           (uint32_t)sqlite3_column_int64 (stmt, 2),
                           sqlite3_column_int (stmt, 3),
                           (const char *)sqlite3_column_text (stmt, 4))) {
            found->ids[found->count++] = found->cursor;
        }
        found->examined++;
        rc = bf_step_row (self->statements, stmt, &row, error);
    }
    bf_statement_reset (stmt);
    found->end = rc == BF_OK && !row;
    return rc;
}

bf_err
bf_filter_seek (bf_ledger *self, bf_filter *filter, uint64_t after, size_t max,
                size_t examine, bf_candidates *found, bf_error *error)
{
    const bf_candidates none = {.cursor = after};
    *found = none;
    found->end = filter->nothing;
    if (filter->nothing) {
        return BF_OK;
    }
    types_t types;
    types_collect (self, filter, &types);
    bf_way way = bf_filter_way (filter, types.count);
    if (way == BF_WAY_TAG) {
        return seek_tag (self, filter, after, max, found, error);
    }
    if (way == BF_WAY_KEY) {
        bf_err rc = seek_key (self, filter, after, max, found, error);
        if (rc != BF_OK || !filter->keys_are_many) {
            return rc;
        }
        /* What was read for nothing counts, and the rest goes to the other way. */
        size_t spent = found->examined;
        *found = none;
        found->examined = spent;
        examine = spent < examine ? examine - spent : 1;
        way = bf_filter_way (filter, types.count);
    }
    return way == BF_WAY_STATE
               ? seek_state (self, filter, &types, after, max, examine, found, error)
               : seek_id (self, filter, after, max, examine, found, error);
}
