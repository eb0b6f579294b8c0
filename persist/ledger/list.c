/* SPDX-License-Identifier: MPL-2.0
 *
 * List: jobs in the order of their ids, filtered, a page at a time.
 */
#include "messages/limits.h"
#include "persist/ledger/commands.h"
#include "persist/ledger/filter.h"
#include "persist/ledger/render.h"
#include "persist/ledger/rows.h"

/* What the rows looked at for one page may take: definitions with long tags reach it before
 * BF_PAGE_EXAMINED. */
#define EXAMINED_BYTES ((size_t)16 * 1024 * 1024)

/* Asked for at once, at least: most of them may not match. */
#define CANDIDATES 100

/* The fields that a List and a Filter share. */
static Belfry__V1__Filter
filter_in (const Belfry__V1__List *in)
{
    Belfry__V1__Filter filter = BELFRY__V1__FILTER__INIT;
    filter.ns = in->ns;
    filter.type = in->type;
    filter.n_states = in->n_states;
    filter.states = in->states;
    filter.n_tags = in->n_tags;
    filter.tags = in->tags;
    filter.key_prefix = in->key_prefix;
    return filter;
}

/* A page in the making. */
typedef struct {
    const Belfry__V1__List *in;
    Belfry__V1__ListReply *reply;
    uint64_t cursor; /* the last id that needs no second look */
    size_t examined;
    size_t bytes; /* of the reply */
    size_t start; /* of the arena's use */
    bool full;
} page_t;

/* *taken false: the page has no room for it. */
static bf_err
page_add (bf_ledger *self, page_t *page, bf_job_row *job, bool *taken, bf_error *error)
{
    Belfry__V1__Job *wire = bf_render_job (self, job, BF_REPLY);
    if (!wire) {
        return bf_fail_plain (error, BF_ENOMEM);
    }
    if (page->in->with_payload) {
        bf_err rc = bf_job_load_payload (self, job, error);
        if (rc != BF_OK) {
            return rc;
        }
        wire->spec->payload = job->payload;
    }
    size_t bytes = belfry__v1__job__get_packed_size (wire);
    *taken = page->bytes + bytes <= BF_ANSWER_BYTES || page->reply->n_jobs == 0;
    if (*taken) {
        page->bytes += bytes;
        page->reply->jobs[page->reply->n_jobs++] = wire;
    }
    page->full = !*taken || page->reply->n_jobs == page->in->limit;
    return BF_OK;
}

/* Loads and shows those of the candidates that match; *rest says that it ended before the
 * last of them. */
static bf_err
page_take (bf_ledger *self, page_t *page, const bf_filter *filter,
           const bf_candidates *found, bool *rest, bf_error *error)
{
    size_t i = 0;
    bf_err rc = BF_OK;
    while (rc == BF_OK && i < found->count && !page->full &&
           bf_arena_used (self->arena) - page->start < EXAMINED_BYTES) {
        bf_job_row job;
        bool taken = true;
        rc = bf_job_load (self, found->ids[i], &job, error);
        if (rc == BF_OK && bf_filter_matches (filter, &job)) {
            rc = page_add (self, page, &job, &taken, error);
        }
        if (rc == BF_OK && taken) {
            page->cursor = job.id;
            i++;
        }
    }
    *rest = i < found->count;
    return rc;
}

/* Reads rows until the page is full, or enough were examined or took enough memory. */
static bf_err
page_fill (bf_ledger *self, page_t *page, bf_filter *filter, bf_error *error)
{
    bool more = true;
    bf_err rc = BF_OK;
    while (rc == BF_OK && more && !page->full && page->examined < BF_PAGE_EXAMINED &&
           bf_arena_used (self->arena) - page->start < EXAMINED_BYTES) {
        bf_candidates found;
        bool rest = false;
        /* One more than there is room for, to know whether another page follows. */
        size_t room = page->in->limit - page->reply->n_jobs + 1;
        rc = bf_filter_seek (self, filter, page->cursor,
                             room > CANDIDATES ? room : CANDIDATES,
                             BF_PAGE_EXAMINED - page->examined, &found, error);
        if (rc == BF_OK) {
            rc = page_take (self, page, filter, &found, &rest, error);
        }
        if (rc == BF_OK && !rest) {
            page->cursor = found.cursor;
        }
        page->examined += found.examined;
        more = rest || !found.end;
    }
    page->reply->next_cursor = more ? page->cursor : 0;
    return rc;
}

bf_err
bf_query_list (bf_ledger *self, const Belfry__V1__Request *request,
               Belfry__V1__Reply *reply, bf_error *error)
{
    const Belfry__V1__List *in = request->list;
    Belfry__V1__Filter wanted = filter_in (in);
    bf_filter filter = bf_filter_of (self, &wanted, BF_STATES_ALL);
    page_t page = {
        .in = in,
        .reply = bf_arena_alloc (self->arena, sizeof *page.reply),
        .cursor = in->cursor,
        .start = bf_arena_used (self->arena),
    };
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
    return page_fill (self, &page, &filter, error);
}
