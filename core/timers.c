/* SPDX-License-Identifier: MPL-2.0
 *
 * The clock's core. Per source: a heap by due time, and a hash table by (job, ordinal)
 * whose chains run through the same nodes, so that a timer costs one allocation of 48
 * bytes. The clock actor is its caller.
 */
#include "core/timers.h"

#include <stdlib.h>

#include "core/absence.h"
#include "core/base/hash.h"
#include "core/base/heap.h"
#include "core/late.h"

/* A power of two. */
#define FIRST_BUCKETS 64

typedef struct entry entry_t;

struct entry {
    bf_heap_node node; /* at: due_us, id: job; first, so that a node is its entry */
    entry_t *next;     /* in its bucket */
    uint32_t ordinal;
    uint32_t queue;
    int64_t slot_us; /* 0 where it is due_us */
};

/* A place in a source's order of rows. */
typedef struct {
    int64_t due_us;
    uint64_t job;
    uint32_t ordinal;
} place_t;

typedef struct {
    bf_heap heap;
    size_t owed;        /* of them, those put off whose slot was due before… */
    int64_t owed_until; /* …this: the end of the last absence, when it was asked for */
    entry_t **buckets;
    size_t n_buckets;
    place_t horizon; /* every row up to here is held… */
    bool end;        /* …or every row that there is */
    bool asked;      /* a refill is under way… */
    place_t from;    /* …from here */
    size_t outdated; /* answers still to come to what was asked before a reset */
} source_t;

struct bf_timers {
    source_t sources[BF_SOURCES];
    size_t capacity; /* of each source */
    uint64_t seed;
    uint64_t last_batch;
    bool unsettled; /* the last batch */
    bf_absences absences;
};

bool
bf_source_is_wall (bf_timer_source source)
{
    return source == BF_SOURCE_SLOT_WALL || source == BF_SOURCE_REMIND_WALL;
}

static const place_t beginning = {.due_us = INT64_MIN};

static int
compare (place_t a, place_t b)
{
    if (a.due_us != b.due_us) {
        return a.due_us < b.due_us ? -1 : 1;
    }
    if (a.job != b.job) {
        return a.job < b.job ? -1 : 1;
    }
    return a.ordinal < b.ordinal ? -1 : a.ordinal > b.ordinal;
}

static place_t
place_of (const bf_heap_node *node)
{
    const entry_t *entry = (const entry_t *)node;
    return (place_t){.due_us = node->at, .job = node->id, .ordinal = entry->ordinal};
}

static int
compare_nodes (const void *a, const void *b)
{
    bf_heap_node *const *left = a;
    bf_heap_node *const *right = b;
    return compare (place_of (*left), place_of (*right));
}

bf_timers *
bf_timers_new (size_t capacity, uint64_t seed)
{
    BF_INVARIANT (capacity >= 4);
    bf_timers *self = calloc (1, sizeof *self);
    if (self == NULL) {
        return NULL;
    }
    self->capacity = capacity;
    self->seed = seed;
    for (size_t i = 0; i < BF_SOURCES; i++) {
        source_t *source = &self->sources[i];
        source->horizon = beginning;
        source->n_buckets = FIRST_BUCKETS;
        source->buckets = calloc (FIRST_BUCKETS, sizeof (entry_t *));
        if (source->buckets == NULL) {
            bf_timers_destroy (&self);
            return NULL;
        }
    }
    return self;
}

void
bf_timers_destroy (bf_timers **self_p)
{
    bf_timers *self = *self_p;
    if (self == NULL) {
        return;
    }
    bf_timers_reset (self);
    for (size_t i = 0; i < BF_SOURCES; i++) {
        free (self->sources[i].buckets);
    }
    free (self);
    *self_p = NULL;
}

void
bf_timers_reset (bf_timers *self)
{
    for (size_t i = 0; i < BF_SOURCES; i++) {
        source_t *source = &self->sources[i];
        for (size_t j = 0; j < source->heap.count; j++) {
            free (source->heap.nodes[j]);
        }
        source->heap.count = 0;
        source->owed = 0;
        bf_heap_clear (&source->heap);
        for (size_t j = 0; source->buckets != NULL && j < source->n_buckets; j++) {
            source->buckets[j] = NULL;
        }
        source->horizon = beginning;
        source->end = false;
        source->outdated += source->asked;
        source->asked = false;
    }
    self->unsettled = false;
}

static size_t
bucket_of (const bf_timers *self, const source_t *source, uint64_t job, uint32_t ordinal)
{
    uint64_t hash = bf_mix (bf_mix (job ^ self->seed) + ordinal);
    return (size_t)hash & (source->n_buckets - 1);
}

static entry_t *
find (const bf_timers *self, const source_t *source, uint64_t job, uint32_t ordinal)
{
    entry_t *entry = source->buckets[bucket_of (self, source, job, ordinal)];
    while (entry != NULL && (entry->node.id != job || entry->ordinal != ordinal)) {
        entry = entry->next;
    }
    return entry;
}

/* Without memory the chains grow longer instead. */
static void
widen (bf_timers *self, source_t *source)
{
    size_t n_buckets = source->n_buckets * 2;
    entry_t **buckets = calloc (n_buckets, sizeof (entry_t *));
    if (buckets == NULL) {
        return;
    }
    free (source->buckets);
    source->buckets = buckets;
    source->n_buckets = n_buckets;
    for (size_t i = 0; i < source->heap.count; i++) {
        entry_t *entry = (entry_t *)source->heap.nodes[i];
        size_t bucket = bucket_of (self, source, entry->node.id, entry->ordinal);
        entry->next = buckets[bucket];
        buckets[bucket] = entry;
    }
}

static void
unchain (bf_timers *self, source_t *source, entry_t *entry)
{
    entry_t **link =
        &source->buckets[bucket_of (self, source, entry->node.id, entry->ordinal)];
    while (*link != entry) {
        link = &(*link)->next;
    }
    *link = entry->next;
}

static bool
is_owed (const source_t *source, const entry_t *entry)
{
    return entry->slot_us != 0 && entry->slot_us < source->owed_until;
}

/* Takes it out of everything but the heap. */
static void
unlink_entry (bf_timers *self, source_t *source, entry_t *entry)
{
    unchain (self, source, entry);
    source->owed -= is_owed (source, entry);
}

static void
drop (bf_timers *self, source_t *source, entry_t *entry)
{
    unlink_entry (self, source, entry);
    bf_heap_remove (&source->heap, &entry->node);
    free (entry);
}

/* Holds it, whatever the horizon. */
static bf_err
hold (bf_timers *self, source_t *source, bf_timer timer)
{
    entry_t *entry = find (self, source, timer.job, timer.ordinal);
    if (entry != NULL) {
        source->owed -= is_owed (source, entry);
        entry->queue = timer.queue;
        entry->slot_us = timer.slot_us;
        source->owed += is_owed (source, entry);
        bf_heap_move (&source->heap, &entry->node, timer.due_us);
        return BF_OK;
    }
    entry = malloc (sizeof *entry);
    if (entry == NULL) {
        return BF_ENOMEM;
    }
    *entry = (entry_t){.node = {.at = timer.due_us, .id = timer.job},
                       .ordinal = timer.ordinal,
                       .queue = timer.queue,
                       .slot_us = timer.slot_us};
    bf_err err = bf_heap_push (&source->heap, &entry->node);
    if (err != BF_OK) {
        free (entry);
        return err;
    }
    size_t bucket = bucket_of (self, source, timer.job, timer.ordinal);
    entry->next = source->buckets[bucket];
    source->buckets[bucket] = entry;
    source->owed += is_owed (source, entry);
    if (source->heap.count > source->n_buckets) {
        widen (self, source);
    }
    return BF_OK;
}

/* Over capacity: keeps the near half. Half, so that the cost of sorting is shared by as
 * many timers as must come before it happens again. */
static void
trim (bf_timers *self, source_t *source)
{
    if (source->heap.count <= self->capacity) {
        return;
    }
    bf_heap *heap = &source->heap;
    size_t keep = self->capacity / 2;
    qsort (heap->nodes, heap->count, sizeof heap->nodes[0], compare_nodes);
    for (size_t i = keep; i < heap->count; i++) {
        entry_t *entry = (entry_t *)heap->nodes[i];
        unlink_entry (self, source, entry);
        free (entry);
    }
    /* What is sorted is a heap already; only the positions are to be set. */
    heap->count = keep;
    for (size_t i = 0; i < keep; i++) {
        heap->nodes[i]->position = i + 1;
    }
    source->horizon = place_of (heap->nodes[keep - 1]);
    source->end = false;
}

bf_err
bf_timers_arm (bf_timers *self, bf_timer timer)
{
    source_t *source = &self->sources[timer.source];
    place_t place = {.due_us = timer.due_us, .job = timer.job, .ordinal = timer.ordinal};
    if (!source->end && compare (place, source->horizon) > 0) {
        bf_timers_disarm (self, timer);
        return BF_OK;
    }
    bf_err err = hold (self, source, timer);
    if (err == BF_OK) {
        trim (self, source);
    }
    return err;
}

void
bf_timers_disarm (bf_timers *self, bf_timer timer)
{
    source_t *source = &self->sources[timer.source];
    entry_t *entry = find (self, source, timer.job, timer.ordinal);
    if (entry != NULL) {
        drop (self, source, entry);
    }
}

bf_err
bf_timers_refilled (bf_timers *self, bf_timer_source which, const bf_timer *timers,
                    size_t count, bool end)
{
    source_t *source = &self->sources[which];
    if (source->outdated > 0) {
        source->outdated--;
        return BF_OK;
    }
    if (!source->asked) {
        return BF_OK;
    }
    source->asked = false;
    if (compare (source->horizon, source->from) != 0) {
        /* Trimmed meanwhile: between the horizon and this answer there may be rows. */
        return BF_OK;
    }
    for (size_t i = 0; i < count; i++) {
        bf_err err = hold (self, source, timers[i]);
        if (err != BF_OK) {
            return err;
        }
        source->horizon = (place_t){
            .due_us = timers[i].due_us, .job = timers[i].job, .ordinal = timers[i].ordinal};
    }
    source->end = end;
    trim (self, source);
    return BF_OK;
}

bool
bf_timers_want (bf_timers *self, bf_timer_source which, bf_timer *after)
{
    source_t *source = &self->sources[which];
    if (source->end || source->asked || source->heap.count >= self->capacity / 4) {
        return false;
    }
    source->asked = true;
    source->from = source->horizon;
    *after = (bf_timer){.source = which,
                        .job = source->horizon.job,
                        .ordinal = source->horizon.ordinal,
                        .due_us = source->horizon.due_us};
    return true;
}

/* The source whose first timer has been due for the longest time on its own clock;
 * BF_SOURCES where none is due. */
static size_t
latest_source (const bf_timers *self, bf_now now)
{
    size_t latest = BF_SOURCES;
    uint64_t most = 0;
    for (size_t i = 0; i < BF_SOURCES; i++) {
        const bf_heap_node *node = bf_heap_peek (&self->sources[i].heap);
        bool wall = bf_source_is_wall ((bf_timer_source)i);
        int64_t clock = wall ? now.wall.us : now.boot.us;
        if (node == NULL || node->at > clock) {
            continue;
        }
        /* Unsigned, because the distance of two int64 may not fit one. */
        uint64_t lateness = (uint64_t)clock - (uint64_t)node->at;
        if (latest == BF_SOURCES || lateness > most) {
            latest = i;
            most = lateness;
        }
    }
    return latest;
}

/* The due time of its slot. */
static int64_t
slot_of (const entry_t *entry)
{
    return entry->slot_us != 0 ? entry->slot_us : entry->node.at;
}

static int64_t
reached (const bf_timers *self, size_t which, const entry_t *entry)
{
    switch (which) {
    case BF_SOURCE_SLOT_WALL:
        return bf_absences_wall_reached (&self->absences, (bf_wall){slot_of (entry)});
    case BF_SOURCE_SLOT_BOOT:
        return bf_absences_boot_reached (&self->absences, (bf_boot){slot_of (entry)});
    default:
        return 0;
    }
}

size_t
bf_timers_due (bf_timers *self, bf_now now, bf_timer *timers, size_t size, uint64_t *batch)
{
    size_t count = 0;
    while (!self->unsettled && count < size) {
        size_t which = latest_source (self, now);
        if (which == BF_SOURCES) {
            break;
        }
        source_t *source = &self->sources[which];
        entry_t *entry = (entry_t *)bf_heap_peek (&source->heap);
        timers[count++] = (bf_timer){.source = (bf_timer_source)which,
                                     .job = entry->node.id,
                                     .ordinal = entry->ordinal,
                                     .due_us = entry->node.at,
                                     .queue = entry->queue,
                                     .slot_us = entry->slot_us,
                                     .reached_us = reached (self, which, entry)};
        drop (self, source, entry);
    }
    if (count > 0) {
        self->unsettled = true;
        *batch = ++self->last_batch;
    }
    return count;
}

void
bf_timers_settled (bf_timers *self, uint64_t batch)
{
    if (batch == self->last_batch) {
        self->unsettled = false;
    }
}

static int64_t
next_of (const bf_timers *self, bf_timer_source which)
{
    const bf_heap_node *node = bf_heap_peek (&self->sources[which].heap);
    return node != NULL && !self->unsettled ? node->at : INT64_MAX;
}

/* When to look all the same; INT64_MAX for never. */
static int64_t
look_of (const bf_timers *self, int64_t last_us)
{
    bool awaits = self->unsettled;
    for (size_t i = 0; i < BF_SOURCES; i++) {
        awaits |= self->sources[i].asked;
    }
    return awaits ? bf_us_add (last_us, BF_TIMERS_LOOK_US) : INT64_MAX;
}

/* The first timer of all sources that count on this clock. */
static int64_t
first_of (const bf_timers *self, bool wall)
{
    int64_t first = INT64_MAX;
    for (size_t i = 0; i < BF_SOURCES; i++) {
        bf_timer_source source = (bf_timer_source)i;
        if (bf_source_is_wall (source) == wall) {
            int64_t next = next_of (self, source);
            first = next < first ? next : first;
        }
    }
    return first;
}

bf_wall
bf_timers_next_wall (const bf_timers *self)
{
    int64_t first = first_of (self, true);
    int64_t look = look_of (self, self->absences.last.wall.us);
    return (bf_wall){first < look ? first : look};
}

bf_boot
bf_timers_next_boot (const bf_timers *self)
{
    int64_t first = first_of (self, false);
    int64_t look = look_of (self, self->absences.last.boot.us);
    return (bf_boot){first < look ? first : look};
}

void
bf_timers_look (bf_timers *self, bf_now now)
{
    bf_absences_look (&self->absences, now);
}

void
bf_timers_sleep (bf_timers *self)
{
    bf_now next = {.wall = bf_timers_next_wall (self), .boot = bf_timers_next_boot (self)};
    bf_absences_sleep (&self->absences, next);
}

void
bf_timers_hear (bf_timers *self, bf_now sent, bf_now now)
{
    bf_absences_hear (&self->absences, sent, now);
}

void
bf_timers_away (bf_timers *self, bf_boot since, bf_now now)
{
    bf_absences_add (&self->absences, since, now);
}

/* How many were put off whose slot was due before this. Counted once for each end of an
 * absence, and kept up to date from then on: this is asked for with every look. */
static size_t
owed_until (source_t *source, int64_t end_us)
{
    if (source->owed_until != end_us) {
        source->owed_until = end_us;
        source->owed = 0;
        for (size_t i = 0; i < source->heap.count; i++) {
            source->owed += is_owed (source, (const entry_t *)source->heap.nodes[i]);
        }
    }
    return source->owed;
}

/* Whether this source may still bring what was due before the end of the last absence. */
static bool
is_behind (bf_timers *self, size_t which)
{
    source_t *source = &self->sources[which];
    bool wall = bf_source_is_wall ((bf_timer_source)which);
    bf_now end = bf_absences_end (&self->absences);
    int64_t end_us = wall ? end.wall.us : end.boot.us;
    /* Rows that are paced were put off when they were judged, which was before this look.
     */
    bf_now now = self->absences.last;
    int64_t paced_us = bf_us_add (wall ? now.wall.us : now.boot.us, BF_LATE_PACE_US);
    int64_t held_us = end_us > paced_us ? end_us : paced_us;
    if (!source->end && source->horizon.due_us < held_us) {
        return true;
    }
    const bf_heap_node *first = bf_heap_peek (&source->heap);
    return (first != NULL && first->at < end_us) || owed_until (source, end_us) > 0;
}

bool
bf_timers_caught_up (bf_timers *self, bf_wall *from, bf_wall *until)
{
    if (self->absences.count == 0 || self->unsettled) {
        return false;
    }
    for (size_t i = 0; i < BF_SOURCES; i++) {
        if (is_behind (self, i)) {
            return false;
        }
    }
    bf_absences_forget (&self->absences, from, until);
    return true;
}
