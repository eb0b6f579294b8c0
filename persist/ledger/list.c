/* SPDX-License-Identifier: MPL-2.0
 *
 * List: jobs in the order of their ids, filtered, a page at a time.
 */
#include <string.h>

#include "messages/limits.h"
#include "persist/ledger/commands.h"
#include "persist/ledger/names.h"
#include "persist/ledger/render.h"
#include "persist/ledger/rows.h"
#include "persist/ledger/sql.h"

/* What the rows looked at for one page may take: definitions with long tags reach it before
 * BF_PAGE_EXAMINED. */
#define EXAMINED_BYTES ((size_t)16 * 1024 * 1024)

/* The filter, with names as numbers; a name that no job ever had matches nothing. */
typedef struct {
    const Belfry__V1__List *in;
    uint32_t ns;
    uint32_t type;
    bool nothing;
} filter_t;

static filter_t
filter_of (const bf_ledger *self, const Belfry__V1__List *in)
{
    filter_t filter = {.in = in};
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
state_matches (const Belfry__V1__List *in, bf_job_state state)
{
    bool found = in->n_states == 0;
    for (size_t i = 0; i < in->n_states; i++) {
        found |= (bf_job_state)in->states[i] == state;
    }
    return found;
}

static bool
tags_match (const Belfry__V1__List *in, const Belfry__V1__JobSpec *spec)
{
    for (size_t i = 0; i < in->n_tags; i++) {
        bool found = false;
        for (size_t k = 0; k < spec->n_tags; k++) {
            found |= strcmp (in->tags[i], spec->tags[k]) == 0;
        }
        if (!found) {
            return false;
        }
    }
    return true;
}

/* What the columns decide; tags are in the definition and come last. */
static bool
row_matches (const filter_t *filter, const bf_job_row *job)
{
    const char *prefix = filter->in->key_prefix;
    return (filter->ns == 0 || filter->ns == job->ns) &&
           (filter->type == 0 || filter->type == job->type) &&
           state_matches (filter->in, job->state) &&
           (prefix[0] == '\0' ||
            (job->key && strncmp (job->key, prefix, strlen (prefix)) == 0));
}

/* A page in the making. */
typedef struct {
    Belfry__V1__ListReply *reply;
    size_t bytes;
    bool full;
} page_t;

static bf_err
page_add (bf_ledger *self, page_t *page, const filter_t *filter, bf_job_row *job,
          bf_error *error)
{
    Belfry__V1__Job *wire = bf_render_job (self, job, BF_REPLY);
    if (!wire) {
        return bf_fail_plain (error, BF_ENOMEM);
    }
    if (!tags_match (filter->in, wire->spec)) {
        return BF_OK;
    }
    if (filter->in->with_payload) {
        bf_err rc = bf_job_load_payload (self, job, error);
        if (rc != BF_OK) {
            return rc;
        }
        wire->spec->payload = job->payload;
    }
    size_t bytes = belfry__v1__job__get_packed_size (wire);
    if (page->bytes + bytes > BF_ANSWER_BYTES && page->reply->n_jobs > 0) {
        page->full = true;
        return BF_OK;
    }
    page->bytes += bytes;
    page->reply->jobs[page->reply->n_jobs++] = wire;
    page->full = page->reply->n_jobs == filter->in->limit;
    return BF_OK;
}

/* Reads rows until the page is full, or enough were examined or took enough memory. The
 * cursor is the last id that needs no second look. */
static bf_err
page_fill (bf_ledger *self, page_t *page, const filter_t *filter, bf_error *error)
{
    sqlite3_stmt *stmt = bf_statement (self->statements, SQL_JOB_LIST);
    sqlite3_bind_int64 (stmt, 1, (sqlite3_int64)filter->in->cursor);
    sqlite3_bind_int64 (stmt, 2, BF_PAGE_EXAMINED);
    uint64_t cursor = filter->in->cursor;
    size_t examined = 0;
    bool row = false;
    bf_err rc = bf_step_row (self->statements, stmt, &row, error);
    size_t start = bf_arena_used (self->arena);
    while (rc == BF_OK && row && !page->full &&
           bf_arena_used (self->arena) - start < EXAMINED_BYTES) {
        bf_job_row job;
        size_t before = page->reply->n_jobs;
        rc = bf_job_read (self, stmt, &job, error);
        if (rc == BF_OK && row_matches (filter, &job)) {
            rc = page_add (self, page, filter, &job, error);
        }
        bool put_off = page->full && page->reply->n_jobs == before;
        if (rc == BF_OK && !put_off) {
            cursor = job.id;
            examined++;
            rc = bf_step_row (self->statements, stmt, &row, error);
        }
    }
    bf_statement_reset (stmt);
    bool more = row || examined == BF_PAGE_EXAMINED;
    page->reply->next_cursor = more ? cursor : 0;
    return rc;
}

bf_err
bf_query_list (bf_ledger *self, const Belfry__V1__Request *request,
               Belfry__V1__Reply *reply, bf_error *error)
{
    const Belfry__V1__List *in = request->list;
    filter_t filter = filter_of (self, in);
    page_t page = {.reply = bf_arena_alloc (self->arena, sizeof *page.reply)};
    if (!page.reply) {
        return bf_fail_plain (error, BF_ENOMEM);
    }
    belfry__v1__list_reply__init (page.reply);
    page.reply->jobs = bf_arena_alloc (self->arena, in->limit * sizeof *page.reply->jobs);
    if (!page.reply->jobs) {
        return bf_fail_plain (error, BF_ENOMEM);
    }
    reply->result_case = BELFRY__V1__REPLY__RESULT_LIST;
    reply->list = page.reply;
    return filter.nothing ? BF_OK : page_fill (self, &page, &filter, error);
}
