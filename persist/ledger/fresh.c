/* SPDX-License-Identifier: MPL-2.0
 *
 * A table in which every row has one place, by its number: the newer of two that share one
 * wins, and nothing is ever searched. What it points to lives in the batch's arena.
 */
#include "persist/ledger/fresh.h"

#include <stdlib.h>

#include "core/base/hash.h"
#include "persist/ledger/rows.h"

/* A power of two: twice the rows that a full batch writes, or so. */
#define PLACES 4096

typedef struct {
    uint64_t batch; /* when it was put: another number is none */
    uint64_t job;
    uint32_t ordinal;
    const void *row; /* bf_job_row where ordinal is 0, bf_run_row elsewhere */
} place_t;

struct bf_fresh {
    uint64_t batch; /* goes on with every bf_fresh_forget */
    place_t places[PLACES];
};

bf_err
bf_fresh_open (bf_ledger *self, bf_error *error)
{
    self->fresh = calloc (1, sizeof *self->fresh);
    if (!self->fresh) {
        return bf_fail_plain (error, BF_ENOMEM);
    }
    self->fresh->batch = 1;
    return BF_OK;
}

void
bf_fresh_free (bf_ledger *self)
{
    free (self->fresh);
    self->fresh = NULL;
}

void
bf_fresh_forget (bf_ledger *self)
{
    self->fresh->batch++;
}

static place_t *
place_of (const bf_ledger *self, uint64_t job, uint32_t ordinal)
{
    return &self->fresh->places[bf_mix (job ^ ordinal) % PLACES];
}

static const void *
find (const bf_ledger *self, uint64_t job, uint32_t ordinal)
{
    const place_t *place = place_of (self, job, ordinal);
    bool here = place->batch == self->fresh->batch && place->job == job &&
                place->ordinal == ordinal;
    return here ? place->row : NULL;
}

static void
put (bf_ledger *self, uint64_t job, uint32_t ordinal, const void *row)
{
    *place_of (self, job, ordinal) = (place_t){self->fresh->batch, job, ordinal, row};
}

bf_err
bf_fresh_put_job (bf_ledger *self, const bf_job_row *job, bf_error *error)
{
    bf_job_row *row = bf_arena_alloc (self->arena, sizeof *row);
    if (!row) {
        return bf_fail_plain (error, BF_ENOMEM);
    }
    *row = *job;
    bf_job_was (row);
    put (self, job->id, 0, row);
    return BF_OK;
}

bf_err
bf_fresh_put_run (bf_ledger *self, const bf_run_row *run, bf_error *error)
{
    bf_run_row *row = bf_arena_alloc (self->arena, sizeof *row);
    if (!row) {
        return bf_fail_plain (error, BF_ENOMEM);
    }
    *row = *run;
    bf_run_was (row);
    put (self, run->job, run->ordinal, row);
    return BF_OK;
}

bool
bf_fresh_job (const bf_ledger *self, uint64_t id, bf_job_row *job)
{
    const bf_job_row *row = find (self, id, 0);
    if (row) {
        *job = *row;
    }
    return row != NULL;
}

bool
bf_fresh_run (const bf_ledger *self, uint64_t job, uint32_t ordinal, bf_run_row *run)
{
    const bf_run_row *row = find (self, job, ordinal);
    if (row) {
        *run = *row;
    }
    return row != NULL;
}
