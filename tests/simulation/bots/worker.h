/* SPDX-License-Identifier: MPL-2.0
 *
 * Bots that claim runs, keep their leases alive, and settle them. Good ones by the book;
 * but every worker now and then holds a lease too long, forgets one, answers with a token
 * that is outdated, settles twice, or dies.
 */
#ifndef BF_SIMULATION_WORKER_H
#define BF_SIMULATION_WORKER_H

#include "tests/simulation/bots/client.h"

#define WORKER_LEASES 32

typedef enum {
    PLAN_COMPLETE,
    PLAN_FAIL,
    PLAN_SNOOZE,
    PLAN_FORGET, /* never settles */
} worker_plan;

typedef struct {
    char token[NOTE_BYTES];
    worker_plan plan;
    bool beats;    /* keeps the lease alive; else it holds the run, come what may */
    bool relied;   /* the checker was told that it holds it */
    bool settling; /* the call that settles it is under way */
    bool alone;    /* is not settled together with others */
    int64_t lease_us;
    int64_t until_us; /* as far as the worker can tell */
    int64_t beat_us;
    int64_t settle_us;
} bot_lease;

typedef struct {
    bot_client client;
    sim_random random;
    bot_lease leases[WORKER_LEASES];
    size_t count;
    int64_t claim_us; /* when it asks for more */
    int64_t crash_us;
    int64_t back_us; /* until then it is dead */
} bot_worker;

void worker_begin (bot_worker *self, bot_party *party, unsigned who);
void worker_end (bot_worker *self);
int64_t worker_wake (bot_worker *self);
void worker_reply (bot_worker *self, const Belfry__V1__Reply *reply);
/* No lease, and no call in flight other than claims. */
bool worker_is_idle (const bot_worker *self);

#endif
