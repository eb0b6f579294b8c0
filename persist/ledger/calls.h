/* SPDX-License-Identifier: MPL-2.0
 *
 * A client's command, from its request to its answer: seen before, allowed now, done or
 * undone, remembered, answered.
 */
#ifndef BF_LEDGER_CALLS_H
#define BF_LEDGER_CALLS_H

#include "persist/ledger/private.h"

bf_err bf_call_judge (bf_ledger *self, const Belfry__Internal__Call *call, bf_error *error);

#endif
