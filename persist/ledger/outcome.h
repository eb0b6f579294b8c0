/* SPDX-License-Identifier: MPL-2.0
 *
 * Adding to what a batch has to say: one function per receiver. `value` is the member of
 * the item's oneof and lives in the batch's arena.
 */
#ifndef BF_LEDGER_OUTCOME_H
#define BF_LEDGER_OUTCOME_H

#include "persist/ledger/private.h"

bf_err bf_outcome_gateway (bf_ledger *self, Belfry__Internal__Answer *answer,
                           bf_error *error);
bf_err bf_outcome_feed (bf_ledger *self, Belfry__Internal__FeedItem__ItemCase member,
                        void *value, bf_error *error);
bf_err bf_outcome_clock (bf_ledger *self, Belfry__Internal__ClockItem__ItemCase member,
                         void *value, bf_error *error);
bf_err bf_outcome_dispatcher (bf_ledger *self,
                              Belfry__Internal__DispatcherItem__ItemCase member,
                              void *value, bf_error *error);
bf_err bf_outcome_retry (bf_ledger *self, Belfry__Internal__RetryItem__ItemCase member,
                         void *value, bf_error *error);

/* The items without a message of their own: clock.reset, clock.settled, retry.settled. */
bf_err bf_outcome_clock_reset (bf_ledger *self, bf_error *error);
bf_err bf_outcome_clock_settled (bf_ledger *self, uint64_t batch, bf_error *error);
bf_err bf_outcome_retry_settled (bf_ledger *self, uint64_t batch, bf_error *error);

/* A claim is judged: it has its answer, or nothing held and it waits on. */
bf_err bf_outcome_resolved (bf_ledger *self, uint64_t call, bool done, bf_error *error);

/* Arm or disarm one timer; due_us in the clock that the source counts on, raw. */
bf_err bf_outcome_timer (bf_ledger *self, bool arm, bf_timer timer, bf_error *error);

#endif
