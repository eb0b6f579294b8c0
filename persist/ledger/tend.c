/* SPDX-License-Identifier: MPL-2.0
 *
 * The chores in turn.
 */
#include "persist/ledger/tend.h"

static const bf_chore *const chores[] = {
    &bf_backup_chore,
    &bf_operations_chore,
    &bf_replan_chore,
    &bf_retention_chore,
};

#define N_CHORES (sizeof chores / sizeof chores[0])

bf_err
bf_ledger_tend (bf_ledger *self, bf_error *error)
{
    for (size_t i = 0; i < N_CHORES; i++) {
        size_t which = (self->next_chore + i) % N_CHORES;
        if (chores[which]->next (self).us <= self->now.boot.us) {
            self->next_chore = (which + 1) % N_CHORES;
            return bf_ledger_note (self, chores[which]->tend (self, error));
        }
    }
    return BF_OK;
}

bf_boot
bf_ledger_next_tend (const bf_ledger *self)
{
    bf_boot next = {INT64_MAX};
    for (size_t i = 0; i < N_CHORES; i++) {
        bf_boot at = chores[i]->next (self);
        next = at.us < next.us ? at : next;
    }
    return next;
}
