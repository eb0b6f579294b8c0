/* SPDX-License-Identifier: MPL-2.0
 *
 * One DEALER with many calls in flight. An answer finds its way by what its request_id
 * says: a letter for the kind of call and a number, both the caller's. One thread.
 */
#ifndef BF_BENCH_CALLS_H
#define BF_BENCH_CALLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "belfry.pb-c.h"
#include "core/base/errors.h"

typedef struct bf_bench_calls bf_bench_calls;

/* An answer whose code is OK, valid during the call; at_us is the wall clock just after it
 * arrived. */
typedef bf_err bf_bench_answer (void *context, char kind, size_t number,
                                const Belfry__V1__Reply *reply, int64_t at_us,
                                bf_error *error);

bf_err bf_bench_calls_open (bf_bench_calls **self_p, void *zeromq, const char *endpoint,
                            bf_error *error);
/* Accepts NULL. */
void bf_bench_calls_close (bf_bench_calls **self_p);

/* Fills in version, client and request_id, which mean nothing afterwards, and sends. */
bf_err bf_bench_calls_send (bf_bench_calls *self, char kind, size_t number,
                            Belfry__V1__Request *request, bf_error *error);

/* Sends the last request once more as it was, under its request_id. */
bf_err bf_bench_calls_repeat (bf_bench_calls *self, bf_error *error);

/* Hands over every answer that is there. A refusal is an error. */
bf_err bf_bench_calls_take (bf_bench_calls *self, bf_bench_answer *answer, void *context,
                            bf_error *error);

/* A signal handler: from then on bf_bench_calls_take is an error, so that every load ends
 * and what it has started goes with it. */
void bf_bench_stop (int signal);
bool bf_bench_is_stopped (void);

/* Waits until one of them has an answer, up to wait_ms. */
#define BF_BENCH_CALLS_MOST 16
void bf_bench_calls_wait (bf_bench_calls *const *all, size_t count, long wait_ms);

/* One call and its answer, which the caller frees. Only where no others are in flight. */
bf_err bf_bench_calls_ask (bf_bench_calls *self, Belfry__V1__Request *request,
                           Belfry__V1__Reply **reply_p, bf_error *error);

void *bf_bench_calls_socket (bf_bench_calls *self);

/* Without an answer yet. */
size_t bf_bench_calls_in_flight (const bf_bench_calls *self);

#endif
