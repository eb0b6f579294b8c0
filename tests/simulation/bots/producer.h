/* SPDX-License-Identifier: MPL-2.0
 *
 * Bots that make jobs, change their minds about them, and look at them; and an operator who
 * does so with many at once.
 */
#ifndef BF_SIMULATION_PRODUCER_H
#define BF_SIMULATION_PRODUCER_H

#include "tests/simulation/bots/client.h"

typedef struct {
    bot_client client;
    sim_random random;
    int64_t next_us;  /* when it has the next idea */
    int64_t crash_us; /* when its program dies */
} bot_producer;

void producer_begin (bot_producer *self, bot_party *party, unsigned who);
void producer_end (bot_producer *self);
/* What is due by now; when it wants to be woken next. */
int64_t producer_wake (bot_producer *self);
/* Somebody listens again. */
void producer_revive (bot_producer *self);
void producer_reply (bot_producer *self, const Belfry__V1__Reply *reply);

typedef struct {
    bot_client client;
    sim_random random;
    int64_t next_us;
    /* At the end: how far the clearing up is. */
    enum {
        OPERATOR_WORKS,
        OPERATOR_RESUMES, /* what is paused, and cancels what is endless */
        OPERATOR_WATCHES, /* what is left end by itself */
        OPERATOR_LOOKS,   /* at the head of the log, when all is done */
        OPERATOR_DONE,
    } stage;
    int64_t sweep_us; /* when it cancels all that is left */
} bot_operator;

void operator_begin (bot_operator *self, bot_party *party, unsigned who);
void operator_end (bot_operator *self);
/* others_done: nobody but the operator has calls in flight, other than claims, nor
 * leases. nobody_claims: nobody has claims either. */
int64_t operator_wake (bot_operator *self, bool others_done, bool nobody_claims);
void operator_revive (bot_operator *self);
void operator_reply (bot_operator *self, const Belfry__V1__Reply *reply);

#endif
