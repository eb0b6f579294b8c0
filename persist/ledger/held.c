/* SPDX-License-Identifier: MPL-2.0
 *
 * What a full disk puts off. Nothing of it is lost with a batch: it is forgotten only when
 * the commit behind its telling is through.
 */
#include "persist/ledger/held.h"

#include <stdlib.h>

#include "persist/ledger/commands.h"
#include "persist/ledger/outcome.h"

#define CLAIMS_US BF_SECOND_US
#define FIRST_CAPACITY 64

bf_err
bf_held_claim (bf_ledger *self, uint64_t call, bf_error *error)
{
    bf_held *held = &self->held;
    if (held->n_claims == held->capacity) {
        size_t capacity = held->capacity > 0 ? held->capacity * 2 : FIRST_CAPACITY;
        uint64_t *claims = realloc (held->claims, capacity * sizeof *claims);
        if (!claims) {
            return bf_fail_plain (error, BF_ENOMEM);
        }
        held->claims = claims;
        held->capacity = capacity;
    }
    if (held->n_claims == 0) {
        held->claims_until.us = bf_us_add (self->now.boot.us, CLAIMS_US);
    }
    held->claims[held->n_claims++] = call;
    return BF_OK;
}

bool
bf_held_drops (bf_ledger *self, const Belfry__Internal__StoreItem *item)
{
    if (!bf_ledger_is_exhausted (self)) {
        return false;
    }
    switch (item->item_case) {
    case BELFRY__INTERNAL__STORE_ITEM__ITEM_OVERDUE:
        self->held.overdue = item->overdue->batch;
        return true;
    case BELFRY__INTERNAL__STORE_ITEM__ITEM_STEPPED:
        self->held.stepped_us = bf_us_add (self->held.stepped_us, item->stepped->delta_us);
        return true;
    case BELFRY__INTERNAL__STORE_ITEM__ITEM_RETURNED:
        return true;
    default:
        return false;
    }
}

static bf_err
tell_claims (bf_ledger *self, bf_error *error)
{
    const bf_held *held = &self->held;
    bf_err rc = BF_OK;
    for (size_t i = 0; rc == BF_OK && i < held->n_claims; i++) {
        rc = bf_outcome_resolved (self, held->claims[i], false, error);
    }
    return rc;
}

bf_err
bf_held_tell (bf_ledger *self, bf_error *error)
{
    bf_held *held = &self->held;
    held->n_before = held->n_claims;
    held->n_telling = 0;
    held->stepped_before_us = held->stepped_us;
    bf_err rc = BF_OK;
    if (!self->scarce || self->now.boot.us >= held->claims_until.us) {
        held->n_telling = held->n_claims;
        rc = tell_claims (self, error);
    }
    if (bf_ledger_is_exhausted (self)) {
        return rc;
    }
    if (rc == BF_OK && held->overdue != 0) {
        rc = bf_outcome_retry_settled (self, held->overdue, error);
    }
    if (rc == BF_OK && held->stepped_us != 0) {
        Belfry__Internal__Stepped stepped = BELFRY__INTERNAL__STEPPED__INIT;
        stepped.delta_us = held->stepped_us;
        rc = bf_note_stepped (self, &stepped, error);
    }
    return rc;
}

void
bf_held_told (bf_ledger *self)
{
    bf_held *held = &self->held;
    held->n_claims -= held->n_telling;
    for (size_t i = 0; i < held->n_claims; i++) {
        held->claims[i] = held->claims[i + held->n_telling];
    }
    if (held->n_telling > 0) {
        /* What this batch put off beside what it told. */
        held->claims_until.us = bf_us_add (self->now.boot.us, CLAIMS_US);
    }
    held->n_telling = 0;
    held->n_before = held->n_claims;
    if (!bf_ledger_is_exhausted (self)) {
        held->overdue = 0;
        held->stepped_us = 0;
    }
    held->stepped_before_us = held->stepped_us;
}

void
bf_held_undo (bf_ledger *self)
{
    self->held.n_claims = self->held.n_before;
    self->held.n_telling = 0;
    self->held.stepped_us = self->held.stepped_before_us;
}

void
bf_held_free (bf_ledger *self)
{
    free (self->held.claims);
}
