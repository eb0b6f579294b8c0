/* SPDX-License-Identifier: MPL-2.0
 *
 * A worker's day: claim, beat, settle. Each lease has its plan, drawn as it comes. Towards
 * the end of a seed every worker is good and quick.
 */
#include "tests/simulation/bots/worker.h"

#include <stdio.h>
#include <string.h>

#include "tests/simulation/bots/commands.h"
#include "tests/simulation/bots/specs.h"
#include "tests/simulation/cover.h"

/* Work takes up to so many leases, but not longer than that. */
#define WORK_LEASES 3
#define WORK_MOST_US (20 * SECOND_US)
#define BEAT_LEAST_US (20 * MS_US)
#define BATCH_MOST 6
/* Where too much is in flight. */
#define LATER_US (200 * MS_US)

enum { WHAT_CLAIM, WHAT_BEAT, WHAT_SETTLE, WHAT_ANY };

void
worker_begin (bot_worker *self, bot_party *party, unsigned who)
{
    self->random = sim_random_new (world_seed (party->world), 1000 + who);
    client_begin (&self->client, party, &self->random, who);
    self->claim_us = party_now (party) + sim_scaled (&self->random, MS_US, SECOND_US);
    self->crash_us = party_now (party) + sim_scaled (&self->random, MINUTE_US, HOUR_US);
}

void
worker_end (bot_worker *self)
{
    client_end (&self->client);
}

/* --- leases ------------------------------------------------------------------------------
 */

static bot_lease *
find_lease (bot_worker *self, const char *token)
{
    for (size_t i = 0; i < self->count; i++) {
        if (strcmp (self->leases[i].token, token) == 0) {
            return &self->leases[i];
        }
    }
    return NULL;
}

static void
stop_relying (bot_worker *self, bot_lease *lease)
{
    if (lease->relied) {
        lease->relied = false;
        checker_stopped (self->client.party->checker, self->client.name, lease->token);
    }
}

static void
drop_lease (bot_worker *self, bot_lease *lease)
{
    if (lease != NULL) {
        stop_relying (self, lease);
        *lease = self->leases[--self->count];
    }
}

static worker_plan
draw_plan (bot_worker *self, bool finishing)
{
    static const unsigned wild[] = {60, 22, 12, 6};
    static const unsigned tame[] = {80, 20, 0, 0};
    return (worker_plan)sim_pick (&self->random, finishing ? tame : wild, 4);
}

static void
adopt (bot_worker *self, const Belfry__V1__Lease *given, bool repeated)
{
    bot_party *party = self->client.party;
    if (find_lease (self, given->token) != NULL || self->count == WORKER_LEASES ||
        strlen (given->token) >= NOTE_BYTES) {
        return;
    }
    int64_t now = party_now (party);
    bool finishing = party_is_finishing (party);
    bot_lease *lease = &self->leases[self->count++];
    *lease = (bot_lease){.plan = draw_plan (self, finishing),
                         .beats = finishing || sim_chance (&self->random, 850),
                         .relied = true,
                         .lease_us = given->lease_us,
                         .until_us = now + given->lease_us};
    snprintf (lease->token, sizeof lease->token, "%s", given->token);
    int64_t work = given->lease_us * WORK_LEASES;
    work = finishing ? LATER_US : work < WORK_MOST_US ? work : WORK_MOST_US;
    lease->settle_us = now + sim_scaled (&self->random, MS_US, work);
    if (!lease->beats) {
        lease->settle_us += given->lease_us * sim_between (&self->random, 50, 250) / 100;
    }
    lease->beat_us = repeated ? now : now + given->lease_us / 3;
    checker_working (party->checker, self->client.name, lease->token);
}

/* --- beating -----------------------------------------------------------------------------
 */

static void
beat (bot_worker *self)
{
    bot_party *party = self->client.party;
    int64_t now = party_now (party);
    Belfry__V1__Heartbeat *heartbeat = MAKE (party, heartbeat);
    heartbeat->tokens =
        bf_arena_alloc (party->arena, (WORKER_LEASES + 1) * sizeof (char *));
    for (size_t i = 0; i < self->count; i++) {
        bot_lease *lease = &self->leases[i];
        if (lease->beats && !lease->settling && lease->relied) {
            heartbeat->tokens[heartbeat->n_tokens++] = spec_text (party, lease->token);
            int64_t wait = lease->lease_us / 3;
            lease->beat_us = now + (wait > BEAT_LEAST_US ? wait : BEAT_LEAST_US);
        }
    }
    const char *old = notebook_old_token (party->notebook, &self->random);
    if (old != NULL && sim_chance (&self->random, 50)) {
        heartbeat->tokens[heartbeat->n_tokens++] = spec_text (party, old);
    }
    if (heartbeat->n_tokens > 0 && client_waiting (&self->client, WHAT_BEAT) < 3) {
        client_send (
            &self->client,
            command_request (party, BELFRY__V1__REQUEST__COMMAND_HEARTBEAT, heartbeat),
            WHAT_BEAT, false);
    }
}

static void
beaten (bot_worker *self, const bot_call *call, const Belfry__V1__HeartbeatReply *reply)
{
    int64_t now = party_now (self->client.party);
    for (size_t i = 0; i < reply->n_items; i++) {
        const Belfry__V1__HeartbeatReply__Item *item = reply->items[i];
        bot_lease *lease = find_lease (self, item->token);
        if (lease == NULL || lease->settling) {
            continue;
        }
        if (item->code != BELFRY__V1__CODE__CODE_OK) {
            stop_relying (self, lease);
            if (sim_chance (&self->random, 700)) {
                drop_lease (self, lease);
            }
            continue;
        }
        /* The scheduler counts from when it read it, which was later than this. */
        int64_t until = call->first_us + lease->lease_us;
        lease->until_us = until > lease->until_us ? until : lease->until_us;
        if (item->cancel && sim_chance (&self->random, 500)) {
            lease->plan = sim_chance (&self->random, 700) ? PLAN_FAIL : PLAN_SNOOZE;
            lease->settle_us = now;
        }
    }
}

/* --- settling ----------------------------------------------------------------------------
 */

static Belfry__V1__Request *
settle_by (bot_worker *self, worker_plan plan, const char *token)
{
    bot_party *party = self->client.party;
    switch (plan) {
    case PLAN_FAIL:
        return command_request (party, BELFRY__V1__REQUEST__COMMAND_FAIL,
                                command_fail (party, &self->random, token));
    case PLAN_SNOOZE:
        return command_request (party, BELFRY__V1__REQUEST__COMMAND_SNOOZE,
                                command_snooze (party, &self->random, token));
    default:
        return command_request (party, BELFRY__V1__REQUEST__COMMAND_COMPLETE,
                                command_complete (party, &self->random, token));
    }
}

static void
settle_one (bot_worker *self, bot_lease *lease)
{
    if (lease->plan == PLAN_FORGET) {
        cover_hit (COVER_FAULT, "worker", "forgot a lease");
        drop_lease (self, lease);
    } else if (client_send (&self->client, settle_by (self, lease->plan, lease->token),
                            WHAT_SETTLE, true)) {
        lease->settling = true;
        stop_relying (self, lease);
    } else {
        lease->settle_us = party_now (self->client.party) + LATER_US;
    }
}

static bool
goes_in_batch (const bot_lease *lease, int64_t now)
{
    return lease->settle_us <= now && !lease->settling && !lease->alone &&
           lease->plan != PLAN_FORGET;
}

/* Several that are due, in one Batch. False where there are not several. */
static bool
settle_together (bot_worker *self)
{
    bot_party *party = self->client.party;
    int64_t now = party_now (party);
    bot_lease *chosen[BATCH_MOST];
    size_t count = 0;
    Belfry__V1__Batch *batch = MAKE (party, batch);
    batch->items = bf_arena_alloc (party->arena, BATCH_MOST * sizeof *batch->items);
    for (size_t i = 0; i < self->count && count < BATCH_MOST; i++) {
        bot_lease *lease = &self->leases[i];
        if (!goes_in_batch (lease, now)) {
            continue;
        }
        Belfry__V1__Request *request = settle_by (self, lease->plan, lease->token);
        Belfry__V1__BatchItem *item = MAKE (party, batch_item);
        /* Numbers and pointers are the same in both. */
        item->command_case = (Belfry__V1__BatchItem__CommandCase)request->command_case;
        item->complete = request->complete;
        chosen[count] = lease;
        batch->items[count++] = item;
    }
    batch->n_items = count;
    if (count < 2 ||
        !client_send (&self->client,
                      command_request (party, BELFRY__V1__REQUEST__COMMAND_BATCH, batch),
                      WHAT_SETTLE, true)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        chosen[i]->settling = true;
        stop_relying (self, chosen[i]);
    }
    return true;
}

static void
settle_due (bot_worker *self)
{
    int64_t now = party_now (self->client.party);
    if (sim_chance (&self->random, 400)) {
        settle_together (self);
    }
    for (size_t i = self->count; i-- > 0;) {
        bot_lease *lease = &self->leases[i];
        if (lease->settle_us <= now && !lease->settling) {
            settle_one (self, lease);
        }
    }
}

static const char *
settled_token (Belfry__V1__Request__CommandCase which, const void *message)
{
    return which == BELFRY__V1__REQUEST__COMMAND_COMPLETE
               ? ((const Belfry__V1__Complete *)message)->token
           : which == BELFRY__V1__REQUEST__COMMAND_FAIL
               ? ((const Belfry__V1__Fail *)message)->token
               : ((const Belfry__V1__Snooze *)message)->token;
}

static void
settled_together (bot_worker *self, const Belfry__V1__Batch *batch,
                  const Belfry__V1__Reply *reply)
{
    for (size_t i = 0; i < batch->n_items; i++) {
        const Belfry__V1__BatchItem *item = batch->items[i];
        bot_lease *lease = find_lease (
            self, settled_token ((Belfry__V1__Request__CommandCase)item->command_case,
                                 item->complete));
        if (lease == NULL) {
            continue;
        }
        if (reply->code == BELFRY__V1__CODE__CODE_OK) {
            drop_lease (self, lease);
        } else {
            /* One of them spoilt it: each for itself. */
            lease->settling = false;
            lease->alone = true;
            lease->settle_us = party_now (self->client.party);
        }
    }
}

static void
settled (bot_worker *self, const bot_call *call, const Belfry__V1__Reply *reply)
{
    const Belfry__V1__Request *request = call->request;
    if (request->command_case == BELFRY__V1__REQUEST__COMMAND_BATCH) {
        settled_together (self, request->batch, reply);
        return;
    }
    char token[NOTE_BYTES];
    snprintf (token, sizeof token, "%s",
              settled_token (request->command_case, request->complete));
    drop_lease (self, find_lease (self, token));
    if (!party_is_finishing (self->client.party) && sim_chance (&self->random, 80)) {
        cover_hit (COVER_FAULT, "worker", "settled twice");
        worker_plan plan = sim_chance (&self->random, 600) ? PLAN_COMPLETE : PLAN_FAIL;
        client_send (&self->client, settle_by (self, plan, token), WHAT_ANY, false);
    }
}

/* --- claiming ----------------------------------------------------------------------------
 */

static void
claim (bot_worker *self)
{
    bot_party *party = self->client.party;
    sim_random *random = &self->random;
    bool finishing = party_is_finishing (party);
    Belfry__V1__Claim *claim = MAKE (party, claim);
    claim->ns = finishing ? spec_text (party, sim_chance (random, 500) ? "side" : "")
                          : spec_ns (party, random);
    claim->types = bf_arena_alloc (party->arena, SPEC_TYPES * sizeof (char *));
    for (unsigned i = 0; i < SPEC_TYPES; i++) {
        bool lonely = i == SPEC_TYPES - 1;
        if (finishing || sim_chance (random, lonely ? 100 : 650)) {
            claim->types[claim->n_types++] = spec_type (party, i);
        }
    }
    if (claim->n_types == 0) {
        claim->types[claim->n_types++] = spec_any_type (party, random);
    }
    size_t room = WORKER_LEASES - self->count;
    claim->max =
        (uint32_t)(finishing ? (int64_t)room : sim_scaled (random, 1, (int64_t)room) - 1);
    if (finishing) {
        claim->wait_us = sim_between (random, SECOND_US, 20 * SECOND_US);
    } else if (sim_chance (random, 850)) {
        claim->wait_us = sim_chance (random, 150)
                             ? sim_scaled (random, MS_US, SECOND_US)
                             : sim_between (random, SECOND_US, MINUTE_US);
    }
    if (sim_chance (random, 300)) {
        claim->worker = spec_text (party, "a name for people");
    }
    client_send (&self->client,
                 command_request (party, BELFRY__V1__REQUEST__COMMAND_CLAIM, claim),
                 WHAT_CLAIM, false);
}

static void
claimed (bot_worker *self, const Belfry__V1__Reply *reply)
{
    size_t n_leases = 0;
    if (reply->code == BELFRY__V1__CODE__CODE_OK &&
        reply->result_case == BELFRY__V1__REPLY__RESULT_CLAIM) {
        n_leases = reply->claim->n_leases;
        for (size_t i = 0; i < n_leases; i++) {
            adopt (self, reply->claim->leases[i], reply->repeated);
        }
    }
    int64_t most = party_is_finishing (self->client.party) ? SECOND_US : 5 * SECOND_US;
    self->claim_us = party_now (self->client.party) +
                     sim_scaled (&self->random, n_leases > 0 ? MS_US : 10 * MS_US, most);
}

/* Whoever waits for work does not want it any more. */
static void
leave (bot_worker *self)
{
    for (size_t i = 0; i < self->client.count; i++) {
        bot_call *call = self->client.calls[i];
        if (call->what == WHAT_CLAIM && call->request->claim->wait_us > 0) {
            client_leave (&self->client, call);
        }
    }
}

/* --- its life ----------------------------------------------------------------------------
 */

static void
crash (bot_worker *self)
{
    bot_party *party = self->client.party;
    int64_t now = party_now (party);
    bool ledger = sim_chance (&self->random, 500);
    cover_hit (COVER_FAULT, "worker",
               ledger ? "crashed, has a ledger" : "crashed, forgot all");
    client_crash (&self->client, ledger);
    for (size_t i = self->count; i-- > 0 && !ledger;) {
        drop_lease (self, &self->leases[i]);
    }
    for (size_t i = 0; i < self->count; i++) {
        stop_relying (self, &self->leases[i]);
    }
    self->back_us = now + sim_scaled (&self->random, MS_US, MINUTE_US);
    self->crash_us = self->back_us + sim_scaled (&self->random, 10 * SECOND_US, HOUR_US);
}

static int64_t
earliest (const bot_worker *self)
{
    const bot_party *party = self->client.party;
    int64_t due = client_due (&self->client);
    for (size_t i = 0; i < self->count; i++) {
        const bot_lease *lease = &self->leases[i];
        int64_t next = lease->settling ? INT64_MAX : lease->settle_us;
        if (lease->relied) {
            next = lease->until_us < next ? lease->until_us : next;
            next = lease->beats && lease->beat_us < next ? lease->beat_us : next;
        }
        due = next < due ? next : due;
    }
    if (!party_is_finishing (party)) {
        due = self->crash_us < due ? self->crash_us : due;
    }
    bool claims = !party->drained && client_waiting (&self->client, WHAT_CLAIM) == 0;
    return claims && self->claim_us < due ? self->claim_us : due;
}

static void
work (bot_worker *self)
{
    int64_t now = party_now (self->client.party);
    bool beats = false;
    for (size_t i = 0; i < self->count; i++) {
        bot_lease *lease = &self->leases[i];
        if (lease->until_us <= now) {
            stop_relying (self, lease);
        }
        beats |= lease->relied && lease->beats && lease->beat_us <= now;
    }
    if (beats) {
        beat (self);
    }
    settle_due (self);
}

int64_t
worker_wake (bot_worker *self)
{
    bot_party *party = self->client.party;
    int64_t now = party_now (party);
    if (now < self->back_us) {
        return self->back_us;
    }
    if (self->crash_us <= now && !party_is_finishing (party)) {
        crash (self);
        return self->back_us;
    }
    bf_arena_reset (party->arena);
    client_wake (&self->client);
    work (self);
    if (party->drained || sim_chance (&self->random, 5)) {
        leave (self);
    } else if (client_waiting (&self->client, WHAT_CLAIM) == 0 && self->claim_us <= now) {
        if (self->count < WORKER_LEASES) {
            claim (self);
        } else {
            self->claim_us = now + LATER_US;
        }
    }
    return earliest (self);
}

void
worker_reply (bot_worker *self, const Belfry__V1__Reply *reply)
{
    bot_party *party = self->client.party;
    if (party_now (party) < self->back_us) {
        return;
    }
    bot_call *call = client_reply (&self->client, reply);
    if (call == NULL) {
        return;
    }
    bf_arena_reset (party->arena);
    switch (call->what) {
    case WHAT_CLAIM:
        claimed (self, reply);
        break;
    case WHAT_BEAT:
        if (reply->result_case == BELFRY__V1__REPLY__RESULT_HEARTBEAT) {
            beaten (self, call, reply->heartbeat);
        }
        break;
    case WHAT_SETTLE:
        settled (self, call, reply);
        break;
    default:
        break;
    }
    client_close (&self->client, call);
}

bool
worker_is_idle (const bot_worker *self)
{
    return self->count == 0 &&
           self->client.count == client_waiting (&self->client, WHAT_CLAIM);
}
