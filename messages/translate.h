/* SPDX-License-Identifier: MPL-2.0
 *
 * Between the wire's structs and core's. The numbers of states, reasons, origins,
 * deliveries and backoffs are the same on both sides; a static assertion in translate.c
 * holds each pair together.
 */
#ifndef BF_MESSAGES_TRANSLATE_H
#define BF_MESSAGES_TRANSLATE_H

#include <stdbool.h>

#include "core/dispatch.h"
#include "core/job.h"
#include "core/timers.h"
#include "core/token.h"

#include "belfry.pb-c.h"
#include "internal.pb-c.h"

/* Whether a JobSpec of the disk has all that the law needs, each number in its range: what
 * was stored was normalised, so that anything else is damage. */
bool bf_spec_is_whole (const Belfry__V1__JobSpec *spec);

/* What is kept of a normalised JobSpec, in its row and in the log: neither ns, key, type
 * and payload, which have places of their own, nor what is default. Shares all that it
 * points to. Contract: a default that changes some day stays what it was in what is kept,
 * by a step of the schema that writes it out. */
Belfry__V1__JobSpec bf_spec_kept (const Belfry__V1__JobSpec *spec);
/* Fills the defaults in again, in place; what is whole stays as it is. May point to a
 * policy that is shared: not for protobuf's free_unpacked. */
void bf_spec_resolve (Belfry__V1__JobSpec *spec);

/* What the law needs of a normalised JobSpec; borrows its list of delays. */
bf_spec bf_spec_from_wire (const Belfry__V1__JobSpec *spec);

/* Fields are copied, nothing is allocated; `wire` is initialised. */
void bf_timer_to_wire (bf_timer timer, Belfry__Internal__Timer *wire);
bf_timer bf_timer_from_wire (const Belfry__Internal__Timer *wire);
void bf_ready_to_wire (bf_ready ready, Belfry__Internal__ReadyRun *wire);
bf_ready bf_ready_from_wire (const Belfry__Internal__ReadyRun *wire);
void bf_attempt_to_wire (bf_token token, Belfry__Internal__Attempt *wire);
bf_token bf_attempt_from_wire (const Belfry__Internal__Attempt *wire);

#endif
