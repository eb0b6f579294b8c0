/* SPDX-License-Identifier: MPL-2.0
 *
 * What workers and subscribers say of themselves: who believes to have a lease, and who has
 * seen the log up to where.
 */
#include "tests/simulation/checker/private.h"

#include <inttypes.h>

/* A token is one attempt's, and one worker's: whoever relies on it was given it. */
void
checker_working (checker *self, const char *client, const char *token)
{
    uint64_t job;
    uint32_t ordinal;
    uint32_t attempt;
    if (!model_parse (token, &job, &ordinal, &attempt) || attempt == 0) {
        world_broken (self->world, "3", 0, "%s was given the token '%s'", client, token);
    }
    const char *holder = table_get (self->holders, token, strlen (token));
    if (holder && strcmp (holder, client) != 0) {
        world_broken (self->world, "3", job, "%s and %s were given the token %s", holder,
                      client, token);
    }
    if (!holder) {
        table_put (self->holders, token, strlen (token),
                   (void *)(uintptr_t)checker_keep_text (self, client));
    }
}

void
checker_stopped (checker *self, const char *client, const char *token)
{
    const char *holder = table_get (self->holders, token, strlen (token));
    if (!holder || strcmp (holder, client) != 0) {
        world_broken (self->world, "3", 0, "%s stops relying on %s, which it never had",
                      client, token);
    }
}

void
checker_subscribed (checker *self, unsigned who, uint64_t stream_epoch, uint64_t seq)
{
    uint64_t newest = self->published_head > self->head ? self->published_head : self->head;
    /* Replay tells what is committed before the feed does. */
    if (self->answered_head > newest) {
        newest = self->answered_head;
    }
    if (self->epoch != 0 && stream_epoch != self->epoch) {
        world_broken (self->world, "6", 0, "subscriber %u follows another stream_epoch",
                      who);
    }
    if (seq > newest) {
        world_broken (self->world, "6", 0,
                      "subscriber %u has seen %" PRIu64 ", the log ends at %" PRIu64, who,
                      seq, newest);
    }
}
