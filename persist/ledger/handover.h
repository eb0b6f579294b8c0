/* SPDX-License-Identifier: MPL-2.0
 *
 * Telling the other actors what the rows say, from the beginning.
 */
#ifndef BF_LEDGER_HANDOVER_H
#define BF_LEDGER_HANDOVER_H

#include "persist/ledger/private.h"

/* Every queue, with whether runs wait in it, to the dispatcher; a reset to the clock. */
bf_err bf_handover_orders (bf_ledger *self, bf_error *error);
/* Every open lease, with its full length again, to retry. */
bf_err bf_handover_leases (bf_ledger *self, bf_error *error);

#endif
