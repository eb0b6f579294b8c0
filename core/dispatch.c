/* SPDX-License-Identifier: MPL-2.0
 *
 * The dispatcher's core: the matching of claims with runs and timers. Which claims wait
 * where is core/lines.h, which runs are ready is core/heads.h. The dispatcher actor is its
 * caller.
 *
 * Without memory for a proposal nothing is taken: claims and runs stay where they are, and
 * the next bf_dispatch_serve tries again.
 */
#include "core/dispatch.h"

#include <stdlib.h>

#include "core/lines.h"

/* Below this a refill is worth asking for. */
#define LOW_HEADS (BF_HEADS / 4)

struct bf_dispatch {
    bf_dispatch_out out;
    bf_lines lines;
    bf_map *in_flight;      /* waiter by run: proposed, and not judged yet */
    bf_line_queue *stirred; /* queues whose heads or line changed since they were served */
    bool released;
    uint64_t rounds; /* how many batches of timers were shared out */
};

/* A run's name as a key, without padding. */
typedef struct {
    uint64_t job;
    uint64_t ordinal;
} run_key_t;

bf_dispatch *
bf_dispatch_new (const bf_dispatch_out *out, uint64_t seed)
{
    bf_dispatch *self = calloc (1, sizeof *self);
    if (self == NULL) {
        return NULL;
    }
    self->out = *out;
    self->in_flight = bf_map_new (seed);
    if (self->in_flight == NULL || bf_lines_init (&self->lines, seed) != BF_OK) {
        bf_dispatch_destroy (&self);
    }
    return self;
}

void
bf_dispatch_destroy (bf_dispatch **self_p)
{
    bf_dispatch *self = *self_p;
    if (self == NULL) {
        return;
    }
    bf_lines_clear (&self->lines);
    bf_map_destroy (&self->in_flight);
    free (self);
    *self_p = NULL;
}

/* Names that nobody announced have nothing to serve, and may vanish with their waiters. */
static void
stir (bf_dispatch *self, bf_line_queue *queue)
{
    if (queue->announced && !queue->stirred) {
        queue->stirred = true;
        queue->next_stirred = self->stirred;
        self->stirred = queue;
    }
}

/* The same request again. A parked waiter gets another return path, and less time where the
 * repeat wants it; an earlier end is how a client leaves the line. While the store
 * judges the older call, its answer belongs to that call, so the newer one has to wait. */
static bf_err
repeat (bf_dispatch *self, bf_waiter *waiter, const bf_claim *claim)
{
    bool superseding = waiter->repeated;
    uint64_t old = waiter->next_call;
    bf_err err = bf_lines_repeat (&self->lines, waiter, claim->call);
    if (err != BF_OK) {
        return err;
    }
    bf_lines_hurry (&self->lines, waiter, claim->until);
    if (waiter->state == BF_WAITER_PARKED) {
        superseding = true;
        old = waiter->call;
        bf_lines_rename (&self->lines, waiter);
    }
    if (superseding) {
        self->out.superseded (self->out.context, old);
    }
    return BF_OK;
}

bf_err
bf_dispatch_claim (bf_dispatch *self, const bf_claim *claim)
{
    bf_waiter *waiter;
    bf_err err = bf_lines_same (&self->lines, claim, &waiter);
    if (err != BF_OK) {
        return err;
    }
    if (waiter != NULL) {
        return bf_lines_asks_same (waiter, claim) ? repeat (self, waiter, claim)
                                                  : BF_EREUSED;
    }
    err = bf_lines_join (&self->lines, claim);
    if (err == BF_OK) {
        self->out.recall (self->out.context, claim->call);
    }
    return err;
}

static void
answer_empty (bf_dispatch *self, bf_waiter *waiter)
{
    uint64_t call = waiter->call;
    bf_lines_leave (&self->lines, waiter);
    self->out.answer_empty (self->out.context, call);
}

/* Its runs are judged. A run that became ready again meanwhile may be another's by now. */
static void
land (bf_dispatch *self, bf_waiter *waiter)
{
    for (size_t i = 0; i < waiter->n_runs; i++) {
        run_key_t key = {.job = waiter->runs[i].job, .ordinal = waiter->runs[i].ordinal};
        if (bf_map_get (self->in_flight, &key, sizeof key) == waiter) {
            bf_map_remove (self->in_flight, &key, sizeof key);
        }
    }
    free (waiter->runs);
    waiter->runs = NULL;
    waiter->n_runs = 0;
}

static void
wait_on (bf_dispatch *self, bf_waiter *waiter)
{
    if (waiter->repeated) {
        uint64_t old = waiter->call;
        bf_lines_rename (&self->lines, waiter);
        self->out.superseded (self->out.context, old);
    }
    if (self->released) {
        answer_empty (self, waiter);
        return;
    }
    /* Also where its time is up: what is ready now is its own. The tick answers the rest.
     */
    bf_lines_park (&self->lines, waiter);
    for (size_t i = 0; i < waiter->n_places; i++) {
        stir (self, waiter->places[i].queue);
    }
}

void
bf_dispatch_resolved (bf_dispatch *self, uint64_t call, bool done)
{
    bf_waiter *waiter = bf_lines_waiter (&self->lines, call);
    if (waiter == NULL || waiter->call != call || waiter->state == BF_WAITER_PARKED) {
        return;
    }
    land (self, waiter);
    if (!done) {
        wait_on (self, waiter);
    } else if (waiter->repeated) {
        /* The older call got the answer; the store remembers it for the newer one. */
        bf_lines_rename (&self->lines, waiter);
        waiter->state = BF_WAITER_RECALLING;
        self->out.recall (self->out.context, waiter->call);
    } else {
        bf_lines_leave (&self->lines, waiter);
    }
}

bf_err
bf_dispatch_queue (bf_dispatch *self, uint32_t id, const char *ns, const char *type,
                   bool more)
{
    bf_line_queue *queue;
    bf_err err = bf_lines_announce (&self->lines, id, ns, type, &queue);
    if (err != BF_OK) {
        return err;
    }
    if (more) {
        bf_heads_doubt (&queue->heads);
    } else {
        queue->heads.more = false;
    }
    stir (self, queue);
    return BF_OK;
}

bf_err
bf_dispatch_ready (bf_dispatch *self, bf_ready run)
{
    bf_line_queue *queue = bf_lines_queue (&self->lines, run.queue);
    if (queue == NULL) {
        return BF_ENOTFOUND;
    }
    /* In flight: it was handed out and came back before its claim was resolved. */
    run_key_t key = {.job = run.job, .ordinal = run.ordinal};
    bf_map_remove (self->in_flight, &key, sizeof key);
    bf_heads_add (&queue->heads, run);
    stir (self, queue);
    return BF_OK;
}

bf_err
bf_dispatch_refilled (bf_dispatch *self, uint32_t id, const bf_ready *runs, size_t count,
                      bool more)
{
    bf_line_queue *queue = bf_lines_queue (&self->lines, id);
    if (queue == NULL) {
        return BF_ENOTFOUND;
    }
    queue->asked = false;
    bf_lines_resume (&self->lines, queue);
    bf_heads_clear (&queue->heads);
    queue->heads.more = more;
    for (size_t i = 0; i < count; i++) {
        run_key_t key = {.job = runs[i].job, .ordinal = runs[i].ordinal};
        if (bf_map_get (self->in_flight, &key, sizeof key) != NULL) {
            bf_heads_known (&queue->heads, runs[i]);
        } else if (!bf_heads_append (&queue->heads, runs[i])) {
            break;
        }
    }
    stir (self, queue);
    return BF_OK;
}

static bf_line_queue *
oldest_queue (const bf_waiter *waiter)
{
    bf_line_queue *oldest = NULL;
    for (size_t i = 0; i < waiter->n_places; i++) {
        bf_line_queue *queue = waiter->places[i].queue;
        const bf_ready *head = bf_heads_peek (&queue->heads);
        if (head != NULL &&
            (oldest == NULL ||
             bf_ready_compare (*head, *bf_heads_peek (&oldest->heads)) < 0)) {
            oldest = queue;
        }
    }
    return oldest;
}

/* The first head of the queue, to the waiter. False without memory. */
static bool
hand_out (bf_dispatch *self, bf_waiter *waiter, bf_line_queue *queue)
{
    const bf_ready *head = bf_heads_peek (&queue->heads);
    run_key_t key = {.job = head->job, .ordinal = head->ordinal};
    if (bf_map_put (self->in_flight, &key, sizeof key, waiter) != BF_OK) {
        return false;
    }
    waiter->runs[waiter->n_runs++] = bf_heads_take (&queue->heads);
    queue->consumed = true;
    return true;
}

/* Proposes for a parked waiter what its queues have, which is not nothing. False without
 * memory. */
static bool
serve_waiter (bf_dispatch *self, bf_waiter *waiter)
{
    waiter->runs = calloc (waiter->max, sizeof *waiter->runs);
    if (waiter->runs == NULL) {
        return false;
    }
    bf_line_queue *queue;
    while (waiter->n_runs < waiter->max && (queue = oldest_queue (waiter)) != NULL &&
           hand_out (self, waiter, queue)) {
    }
    if (waiter->n_runs == 0) {
        land (self, waiter);
        return false;
    }
    bf_lines_unpark (&self->lines, waiter, BF_WAITER_PROPOSED);
    bf_assignment assignment = {
        .call = waiter->call, .runs = waiter->runs, .n_runs = waiter->n_runs};
    self->out.propose (self->out.context, 0, NULL, 0, &assignment, 1);
    return true;
}

static bool
serve_queue (bf_dispatch *self, bf_line_queue *queue)
{
    while (queue->first != NULL && bf_heads_peek (&queue->heads) != NULL) {
        if (!serve_waiter (self, queue->first->waiter)) {
            return false;
        }
    }
    if (queue->heads.more && !queue->asked && queue->heads.count < LOW_HEADS &&
        (queue->first != NULL || queue->consumed)) {
        queue->asked = true;
        queue->consumed = false;
        self->out.refill (self->out.context, queue->id, BF_HEADS);
    }
    return true;
}

void
bf_dispatch_serve (bf_dispatch *self)
{
    while (self->stirred != NULL) {
        bf_line_queue *queue = self->stirred;
        self->stirred = queue->next_stirred;
        queue->stirred = false;
        if (!serve_queue (self, queue)) {
            stir (self, queue);
            return;
        }
    }
}

/* Where a batch of timers goes, in three arrays of `count`. */
typedef struct {
    bf_waiter **owners; /* of each timer; NULL for nobody */
    uint32_t *indexes;  /* of the timers, by owner */
    bf_assignment *assignments;
    size_t n_assignments;
} shares_t;

static void
shares_free (shares_t *shares)
{
    free (shares->owners);
    free (shares->indexes);
    free (shares->assignments);
}

static bool
shares_new (shares_t *shares, size_t count)
{
    *shares = (shares_t){.owners = calloc (count, sizeof (bf_waiter *)),
                         .indexes = calloc (count, sizeof (uint32_t)),
                         .assignments = calloc (count, sizeof (bf_assignment))};
    if (shares->owners == NULL || shares->indexes == NULL || shares->assignments == NULL) {
        shares_free (shares);
        return false;
    }
    return true;
}

/* The queue of a timer, where a waiter waits and no ready run goes first; or NULL. */
static bf_line_queue *
open_queue (bf_dispatch *self, bf_timer timer)
{
    bf_line_queue *queue = bf_lines_queue (&self->lines, timer.queue);
    if (queue == NULL || queue->first == NULL || queue->heads.count > 0 ||
        queue->heads.more) {
        return NULL;
    }
    if (queue->round != self->rounds) {
        queue->round = self->rounds;
        queue->fresh = queue->first;
        queue->filling = queue->first;
    }
    return queue;
}

/* The longest waiting waiter of the queue that has got nothing of this batch yet. */
static bf_waiter *
fresh_waiter (bf_line_queue *queue)
{
    while (queue->fresh != NULL && queue->fresh->waiter->n_timers > 0) {
        queue->fresh = queue->fresh->behind;
    }
    return queue->fresh != NULL ? queue->fresh->waiter : NULL;
}

/* The longest waiting waiter of the queue that has room. */
static bf_waiter *
roomy_waiter (bf_line_queue *queue)
{
    while (queue->filling != NULL &&
           queue->filling->waiter->n_timers >= queue->filling->waiter->max) {
        queue->filling = queue->filling->behind;
    }
    return queue->filling != NULL ? queue->filling->waiter : NULL;
}

/* One timer for each waiting waiter, so that many workers start at once; then what is left,
 * up to each waiter's max. The cursors only move on: linear in timers and waiters. */
static void
share_out (bf_dispatch *self, shares_t *shares, const bf_timer *timers, size_t count)
{
    self->rounds++;
    for (int round = 1; round <= 2; round++) {
        for (size_t i = 0; i < count; i++) {
            bf_line_queue *queue = open_queue (self, timers[i]);
            if (queue == NULL || shares->owners[i] != NULL) {
                continue;
            }
            bf_waiter *waiter = round == 1 ? fresh_waiter (queue) : roomy_waiter (queue);
            if (waiter != NULL) {
                waiter->n_timers++;
                shares->owners[i] = waiter;
            }
        }
    }
}

/* The owners of the timers as assignments, in the order of their first timers. */
static void
list_shares (bf_dispatch *self, shares_t *shares, size_t count)
{
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        bf_waiter *waiter = shares->owners[i];
        if (waiter == NULL) {
            continue;
        }
        if (waiter->state == BF_WAITER_PARKED) {
            bf_lines_unpark (&self->lines, waiter, BF_WAITER_PROPOSED);
            shares->assignments[shares->n_assignments++] =
                (bf_assignment){.call = waiter->call,
                                .timers = shares->indexes + used,
                                .n_timers = waiter->n_timers};
            waiter->listed = used;
            used += waiter->n_timers;
            waiter->n_timers = 0;
        }
        shares->indexes[waiter->listed++] = (uint32_t)i;
    }
}

bf_err
bf_dispatch_due (bf_dispatch *self, uint64_t batch, const bf_timer *timers, size_t count)
{
    shares_t shares;
    bf_dispatch_serve (self);
    if (!shares_new (&shares, count)) {
        /* Nobody gets them now; once they are committed the runs are ready, and told. */
        self->out.propose (self->out.context, batch, timers, count, NULL, 0);
        return BF_OK;
    }
    share_out (self, &shares, timers, count);
    list_shares (self, &shares, count);
    self->out.propose (self->out.context, batch, timers, count, shares.assignments,
                       shares.n_assignments);
    shares_free (&shares);
    return BF_OK;
}

void
bf_dispatch_tick (bf_dispatch *self, bf_boot now)
{
    bf_dispatch_serve (self);
    bf_heap_node *node = bf_heap_peek (&self->lines.by_until);
    while (node != NULL && node->at <= now.us) {
        bf_waiter *waiter = (bf_waiter *)node;
        if (bf_lines_awaits_refill (waiter)) {
            bf_lines_postpone (&self->lines, waiter);
        } else {
            answer_empty (self, waiter);
        }
        node = bf_heap_peek (&self->lines.by_until);
    }
}

void
bf_dispatch_release (bf_dispatch *self)
{
    self->released = true;
    bf_waiter *waiter = self->lines.first;
    while (waiter != NULL) {
        bf_waiter *later = waiter->later;
        if (waiter->state == BF_WAITER_PARKED) {
            answer_empty (self, waiter);
        }
        waiter = later;
    }
}

bf_boot
bf_dispatch_next (const bf_dispatch *self)
{
    const bf_heap_node *node = bf_heap_peek (&self->lines.by_until);
    return (bf_boot){node != NULL ? node->at : INT64_MAX};
}

size_t
bf_dispatch_waiting (const bf_dispatch *self)
{
    return bf_map_count (self->lines.waiters_by_key);
}
