/* SPDX-License-Identifier: MPL-2.0
 *
 * Waiters, queues and the lines between them. Everything that can fail for want of memory
 * happens when a waiter joins; parking, unparking and leaving only move links.
 */
#include "core/lines.h"

#include <stdlib.h>
#include <string.h>

bf_err
bf_lines_init (bf_lines *self, uint64_t seed)
{
    self->waiters_by_call = bf_map_new (seed);
    self->waiters_by_key = bf_map_new (seed);
    self->queues_by_id = bf_map_new (seed);
    self->queues_by_key = bf_map_new (seed);
    if (self->waiters_by_call == NULL || self->waiters_by_key == NULL ||
        self->queues_by_id == NULL || self->queues_by_key == NULL) {
        bf_lines_clear (self);
        return BF_ENOMEM;
    }
    return BF_OK;
}

static void
queue_free (bf_line_queue *queue)
{
    bf_heads_clear (&queue->heads);
    free (queue);
}

static void
waiter_free (bf_waiter *waiter)
{
    free (waiter->runs);
    free (waiter->key);
    free (waiter);
}

void
bf_lines_clear (bf_lines *self)
{
    while (self->first != NULL) {
        bf_waiter *waiter = self->first;
        self->first = waiter->later;
        bf_heap_remove (&self->by_until, &waiter->node);
        waiter_free (waiter);
    }
    bf_heap_clear (&self->by_until);
    size_t cursor = 0;
    bf_line_queue *queue;
    while (self->queues_by_key != NULL &&
           (queue = bf_map_each (self->queues_by_key, &cursor)) != NULL) {
        queue_free (queue);
    }
    bf_map_destroy (&self->waiters_by_call);
    bf_map_destroy (&self->waiters_by_key);
    bf_map_destroy (&self->queues_by_id);
    bf_map_destroy (&self->queues_by_key);
    *self = (bf_lines){0};
}

bf_waiter *
bf_lines_waiter (const bf_lines *self, uint64_t call)
{
    return bf_map_get (self->waiters_by_call, &call, sizeof call);
}

bf_line_queue *
bf_lines_queue (const bf_lines *self, uint32_t id)
{
    return bf_map_get (self->queues_by_id, &id, sizeof id);
}

/* "first NUL second NUL": different pairs never look the same. NULL without memory. */
static char *
pair_new (const char *first, const char *second, size_t *size)
{
    size_t first_size = strlen (first) + 1;
    size_t second_size = strlen (second) + 1;
    char *pair = malloc (first_size + second_size);
    if (pair != NULL) {
        memcpy (pair, first, first_size);
        memcpy (pair + first_size, second, second_size);
        *size = first_size + second_size;
    }
    return pair;
}

bf_err
bf_lines_same (const bf_lines *self, const bf_claim *claim, bf_waiter **waiter)
{
    size_t size;
    char *key = pair_new (claim->client, claim->request_id, &size);
    if (key == NULL) {
        return BF_ENOMEM;
    }
    *waiter = bf_map_get (self->waiters_by_key, key, size);
    free (key);
    return BF_OK;
}

bool
bf_lines_asks_same (const bf_waiter *waiter, const bf_claim *claim)
{
    uint32_t max = claim->max > 0 ? claim->max : 1;
    if (waiter->n_places != claim->n_types || waiter->max != max) {
        return false;
    }
    size_t ns_size = strlen (claim->ns) + 1;
    for (size_t i = 0; i < waiter->n_places; i++) {
        const char *key = waiter->places[i].queue->key;
        if (strcmp (key, claim->ns) != 0 || strcmp (key + ns_size, claim->types[i]) != 0) {
            return false;
        }
    }
    return true;
}

bool
bf_lines_awaits_refill (const bf_waiter *waiter)
{
    bool awaits = false;
    for (size_t i = 0; i < waiter->n_places; i++) {
        awaits = awaits || waiter->places[i].queue->asked;
    }
    return awaits;
}

void
bf_lines_postpone (bf_lines *self, bf_waiter *waiter)
{
    bf_heap_move (&self->by_until, &waiter->node, INT64_MAX);
}

void
bf_lines_resume (bf_lines *self, bf_line_queue *queue)
{
    for (bf_line_place *place = queue->first; place != NULL; place = place->behind) {
        bf_heap_move (&self->by_until, &place->waiter->node, place->waiter->until.us);
    }
}

/* The queue of that name, announced or not. */
static bf_err
name_queue (bf_lines *self, const char *ns, const char *type, bf_line_queue **queue_p)
{
    size_t size;
    char *key = pair_new (ns, type, &size);
    if (key == NULL) {
        return BF_ENOMEM;
    }
    bf_line_queue *queue = bf_map_get (self->queues_by_key, key, size);
    if (queue == NULL) {
        queue = calloc (1, sizeof *queue + size);
        if (queue != NULL) {
            queue->key_size = size;
            memcpy (queue->key, key, size);
            if (bf_map_put (self->queues_by_key, key, size, queue) != BF_OK) {
                free (queue);
                queue = NULL;
            }
        }
    }
    free (key);
    *queue_p = queue;
    return queue != NULL ? BF_OK : BF_ENOMEM;
}

static void
forget_queue (bf_lines *self, bf_line_queue *queue)
{
    if (!queue->announced && queue->places == 0) {
        bf_map_remove (self->queues_by_key, queue->key, queue->key_size);
        queue_free (queue);
    }
}

bf_err
bf_lines_announce (bf_lines *self, uint32_t id, const char *ns, const char *type,
                   bf_line_queue **queue_p)
{
    bf_line_queue *queue = bf_lines_queue (self, id);
    if (queue == NULL) {
        bf_err err = name_queue (self, ns, type, &queue);
        if (err != BF_OK) {
            return err;
        }
        err = bf_map_put (self->queues_by_id, &id, sizeof id, queue);
        if (err != BF_OK) {
            forget_queue (self, queue);
            return err;
        }
        queue->id = id;
        queue->announced = true;
    }
    *queue_p = queue;
    return BF_OK;
}

static void
append (bf_lines *self, bf_waiter *waiter)
{
    waiter->earlier = self->last;
    if (self->last != NULL) {
        self->last->later = waiter;
    } else {
        self->first = waiter;
    }
    self->last = waiter;
}

static void
detach (bf_lines *self, bf_waiter *waiter)
{
    if (waiter->earlier != NULL) {
        waiter->earlier->later = waiter->later;
    } else {
        self->first = waiter->later;
    }
    if (waiter->later != NULL) {
        waiter->later->earlier = waiter->earlier;
    } else {
        self->last = waiter->earlier;
    }
}

/* The waiter with its own memory, in nobody's lists. NULL without memory. */
static bf_waiter *
waiter_new (const bf_claim *claim, uint64_t arrival)
{
    bf_waiter *waiter =
        calloc (1, sizeof *waiter + claim->n_types * sizeof (bf_line_place));
    if (waiter == NULL) {
        return NULL;
    }
    waiter->node = (bf_heap_node){.at = INT64_MAX, .id = arrival};
    waiter->call = claim->call;
    waiter->until = claim->until;
    waiter->max = claim->max > 0 ? claim->max : 1;
    waiter->state = BF_WAITER_RECALLING;
    waiter->key = pair_new (claim->client, claim->request_id, &waiter->key_size);
    if (waiter->key == NULL) {
        waiter_free (waiter);
        return NULL;
    }
    return waiter;
}

static void
forget_call (bf_lines *self, uint64_t call)
{
    bf_map_remove (self->waiters_by_call, &call, sizeof call);
}

bf_err
bf_lines_join (bf_lines *self, const bf_claim *claim)
{
    bf_waiter *waiter = waiter_new (claim, ++self->arrivals);
    if (waiter == NULL) {
        return BF_ENOMEM;
    }
    append (self, waiter);
    bf_err err = bf_heap_push (&self->by_until, &waiter->node);
    if (err == BF_OK) {
        err = bf_map_put (self->waiters_by_key, waiter->key, waiter->key_size, waiter);
    }
    if (err == BF_OK) {
        err =
            bf_map_put (self->waiters_by_call, &waiter->call, sizeof waiter->call, waiter);
    }
    while (err == BF_OK && waiter->n_places < claim->n_types) {
        bf_line_place *place = &waiter->places[waiter->n_places];
        err = name_queue (self, claim->ns, claim->types[waiter->n_places], &place->queue);
        if (err == BF_OK) {
            place->waiter = waiter;
            place->queue->places++;
            waiter->n_places++;
        }
    }
    if (err != BF_OK) {
        bf_lines_leave (self, waiter);
    }
    return err;
}

bf_err
bf_lines_repeat (bf_lines *self, bf_waiter *waiter, uint64_t call)
{
    bf_err err = bf_map_put (self->waiters_by_call, &call, sizeof call, waiter);
    if (err == BF_OK) {
        if (waiter->repeated) {
            forget_call (self, waiter->next_call);
        }
        waiter->repeated = true;
        waiter->next_call = call;
    }
    return err;
}

void
bf_lines_hurry (bf_lines *self, bf_waiter *waiter, bf_boot until)
{
    if (until.us < waiter->until.us) {
        waiter->until = until;
        if (waiter->state == BF_WAITER_PARKED) {
            bf_heap_move (&self->by_until, &waiter->node, until.us);
        }
    }
}

void
bf_lines_rename (bf_lines *self, bf_waiter *waiter)
{
    forget_call (self, waiter->call);
    waiter->call = waiter->next_call;
    waiter->repeated = false;
}

void
bf_lines_leave (bf_lines *self, bf_waiter *waiter)
{
    bf_lines_unpark (self, waiter, waiter->state);
    for (size_t i = 0; i < waiter->n_places; i++) {
        waiter->places[i].queue->places--;
        forget_queue (self, waiter->places[i].queue);
    }
    bf_heap_remove (&self->by_until, &waiter->node);
    bf_map_remove (self->waiters_by_key, waiter->key, waiter->key_size);
    forget_call (self, waiter->call);
    if (waiter->repeated) {
        forget_call (self, waiter->next_call);
    }
    detach (self, waiter);
    waiter_free (waiter);
}

/* By arrival. The usual case is a new waiter, who goes to the end; one whose proposal came
 * to nothing was the longest waiting, and goes back to the front. */
static void
link_place (bf_line_place *place)
{
    bf_line_queue *queue = place->queue;
    uint64_t arrival = place->waiter->node.id;
    bf_line_place *ahead = queue->last;
    if (queue->first != NULL && queue->first->waiter->node.id > arrival) {
        ahead = NULL;
    }
    while (ahead != NULL && ahead->waiter->node.id > arrival) {
        ahead = ahead->ahead;
    }
    place->ahead = ahead;
    place->behind = ahead != NULL ? ahead->behind : queue->first;
    *(ahead != NULL ? &ahead->behind : &queue->first) = place;
    *(place->behind != NULL ? &place->behind->ahead : &queue->last) = place;
}

static void
unlink_place (bf_line_place *place)
{
    bf_line_queue *queue = place->queue;
    *(place->ahead != NULL ? &place->ahead->behind : &queue->first) = place->behind;
    *(place->behind != NULL ? &place->behind->ahead : &queue->last) = place->ahead;
    place->ahead = NULL;
    place->behind = NULL;
}

void
bf_lines_park (bf_lines *self, bf_waiter *waiter)
{
    BF_INVARIANT (waiter->state != BF_WAITER_PARKED);
    waiter->state = BF_WAITER_PARKED;
    bf_heap_move (&self->by_until, &waiter->node, waiter->until.us);
    for (size_t i = 0; i < waiter->n_places; i++) {
        link_place (&waiter->places[i]);
    }
}

void
bf_lines_unpark (bf_lines *self, bf_waiter *waiter, bf_waiter_state state)
{
    if (waiter->state == BF_WAITER_PARKED) {
        bf_heap_move (&self->by_until, &waiter->node, INT64_MAX);
        for (size_t i = 0; i < waiter->n_places; i++) {
            unlink_place (&waiter->places[i]);
        }
    }
    waiter->state = state;
}
