/* SPDX-License-Identifier: MPL-2.0
 *
 * A page of events for History and Replay: reading bodies, filtering, cutting by bytes.
 */
#ifndef BF_LEDGER_LOG_H
#define BF_LEDGER_LOG_H

#include "persist/ledger/private.h"

typedef struct {
    char **kinds;
    size_t n_kinds;
    char **types;
    size_t n_types;
    int64_t from_us;
    int64_t until_us; /* 0: open */
} bf_log_filter;

typedef struct {
    Belfry__V1__EventsReply *reply;
    size_t limit;
    size_t bytes;
    size_t examined;
    bool full;
    bool with_payload; /* of delivered runs: Replay */
} bf_log_page;

/* An empty page for `limit` events, with head, oldest and epoch filled in. */
bf_err bf_log_page_begin (bf_ledger *self, size_t limit, bf_log_page *page,
                          bf_error *error);

/* Reads one body; NULL (BF_ECORRUPT or BF_ENOMEM in error) where it cannot. */
Belfry__V1__Event *bf_log_event (bf_ledger *self, const void *body, size_t size,
                                 bf_error *error);

bool bf_log_matches (const bf_log_filter *filter, const Belfry__V1__Event *event);

/* Adds an event, or finds the page full: then the event belongs to the next page. */
bf_err bf_log_page_add (bf_ledger *self, bf_log_page *page, Belfry__V1__Event *event,
                        bf_error *error);

#endif
