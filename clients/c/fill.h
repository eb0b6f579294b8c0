/* SPDX-License-Identifier: MPL-2.0
 *
 * The plain structs of belfry.h as messages of the wire, and the answers back again. What
 * is filled borrows every text and list of the caller's; it is only to be packed.
 */
#ifndef BF_CLIENT_FILL_H
#define BF_CLIENT_FILL_H

#include "clients/c/belfry_wire.h"

/* "" for NULL. */
char *bf_fill_text (const char *text);
/* Of a list that ends with NULL; 0 for NULL. */
size_t bf_fill_count (const char *const *list);

/* A JobSpec and what it points to, so that one allocation holds a job. */
typedef struct {
    Belfry__V1__JobSpec spec;
    Belfry__V1__RetryPolicy retry;
    Belfry__V1__Every every;
} bf_spec_room;

void bf_fill_spec (bf_spec_room *room, const belfry_job *job);

Belfry__V1__JobRef bf_fill_ref (belfry_ref job);

/* The trigger of `reschedule`; `every` is where it lies, if it is that. */
void bf_fill_when (Belfry__V1__Reschedule *reschedule, Belfry__V1__Every *every,
                   belfry_when when);

/* From an item of a reply to what callers get; `reply` for what is said once. */
belfry_answer bf_fill_answer (const Belfry__V1__Reply *reply,
                              const Belfry__V1__JobsReply__Item *item);
belfry_run_answer bf_fill_run_answer (const Belfry__V1__Reply *reply,
                                      const Belfry__V1__Run *run, bool unchanged);

#endif
