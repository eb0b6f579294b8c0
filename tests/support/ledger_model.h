/* SPDX-License-Identifier: MPL-2.0
 *
 * What the fixture of tests/support/ledger.h keeps beside the ledger, by other means than
 * the ledger's own: what the other actors have heard (ledger_heard.c), and the fold of the
 * log (ledger_fold.c). For those files alone.
 */
#ifndef BF_TESTS_LEDGER_MODEL_H
#define BF_TESTS_LEDGER_MODEL_H

#include "core/base/map.h"
#include "tests/support/ledger.h"

/* A job or a run, or, with `more`, a timer's source, a queue, or which stretch. */
typedef struct {
    uint64_t job;
    uint64_t ordinal;
    uint64_t more;
} place;

struct ledger_model {
    bf_map *timers;    /* bf_timer, what the clock holds */
    bf_map *ready;     /* place, what the dispatcher knows */
    bf_map *leases;    /* what retry holds */
    bf_map *jobs;      /* the fold, by place */
    bf_map *runs;      /* the same */
    bf_map *stretches; /* Belfry__V1__Stretch */
    bf_map *topics;    /* uint64_t, the last seq */
    bf_map *calendars; /* model_calendar by "namespace/name" */
    uint64_t seq;      /* folded up to here */
    uint64_t oldest;   /* the log begins here */
    bool pruned;       /* jobs or runs are gone */
};

/* An exclusion calendar as the log tells it: of what it excludes, a hash. */
typedef struct {
    uint32_t version;
    int64_t updated_us;
    uint64_t hash;
} model_calendar;

bf_map *model_map (void);
/* Frees the values, too; each is one block. */
void model_map_destroy (bf_map **map_p);
void *model_get (const bf_map *map, place at);
/* The block at this place, new and zeroed where there is none. */
void *model_at (bf_map *map, place at, size_t size);
void model_remove (bf_map *map, place at);

/* ledger_fold.c: reads what is new in the log; compares it with the tables. */
void model_fold (ledger *self);
void model_check_fold (ledger *self);
void model_forget_fold (ledger_model *self);

/* ledger_heard.c: clock, dispatcher and retry against the tables. */
void model_check_heard (ledger *self);

#endif
