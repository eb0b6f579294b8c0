/* SPDX-License-Identifier: MPL-2.0
 *
 * The recovery report. Two tallies: what is in, and what the batch under way adds to it,
 * which its rollback takes back. Both have a fixed size, however long the absence was.
 */
#include "persist/ledger/recovery.h"

#include <stdlib.h>
#include <string.h>

#include "messages/limits.h"
#include "persist/ledger/events.h"
#include "persist/ledger/names.h"
#include "persist/ledger/render.h"

/* Types that are counted one by one; the rest is counted together. */
#define TYPES 100
#define OTHERS TYPES /* its place */
#define ITEMS 100
/* The keys of the items together: with TYPES * 4 counts of up to 90 bytes, and ITEMS items
 * of up to 110 bytes beside their keys, an event stays under 64 KiB. */
#define KEY_BYTES 8192

/* What can be decided, by the wire's number. */
#define DECISIONS (BELFRY__V1__DECISION__DECISION_FAILED + 1)

typedef struct {
    uint64_t jobs;
    uint64_t slots;
} count_t;

typedef struct {
    uint64_t job;
    uint32_t type;
    Belfry__V1__Decision decision;
    bool goes_on; /* more of what an item of before tells */
    bf_stretch slots;
    size_t key; /* where it begins in `keys` */
} item_t;

typedef struct {
    uint32_t types[TYPES]; /* in the order of their coming */
    size_t n_types;
    count_t counts[TYPES + 1][DECISIONS];
    item_t items[ITEMS];
    size_t n_items;
    char keys[KEY_BYTES];
    size_t key_bytes;
} tally_t;

struct bf_recovery {
    tally_t in;
    tally_t batch;
    uint64_t since_seq; /* the log's head when the first decision was noted */
    bool told;          /* `in` and what the batch had by then are told in this batch */
    bool owed;          /* a report waits for room… */
    int64_t from_us;    /* …from when until when */
    int64_t until_us;
    bool was_owed; /* when the batch began */
    int64_t was_from_us, was_until_us;
};

static size_t
place_of_type (tally_t *self, uint32_t type)
{
    for (size_t i = 0; i < self->n_types; i++) {
        if (self->types[i] == type) {
            return i;
        }
    }
    if (self->n_types == TYPES) {
        return OTHERS;
    }
    self->types[self->n_types] = type;
    return self->n_types++;
}

static void
count_add (tally_t *self, size_t place, Belfry__V1__Decision decision, count_t more)
{
    self->counts[place][decision].jobs += more.jobs;
    self->counts[place][decision].slots += more.slots;
}

/* The item of the same job and decision. */
static item_t *
find_item (tally_t *self, const item_t *item)
{
    for (size_t i = self->n_items; i > 0; i--) {
        item_t *other = &self->items[i - 1];
        if (other->job == item->job && other->decision == item->decision) {
            return other;
        }
    }
    return NULL;
}

/* Adds an item, as long as there is room for it, or to the one that it goes on from. */
static void
item_add (tally_t *self, item_t item, const char *key)
{
    item_t *before = item.goes_on ? find_item (self, &item) : NULL;
    size_t size = strlen (key) + 1;
    if (before != NULL) {
        before->slots.last_us = item.slots.last_us;
        before->slots.count += item.slots.count;
    } else if (self->n_items < ITEMS && self->key_bytes + size <= KEY_BYTES) {
        item.key = self->key_bytes;
        memcpy (self->keys + self->key_bytes, key, size);
        self->key_bytes += size;
        self->items[self->n_items++] = item;
    }
}

/* Everything of `more`, which came later. */
static void
tally_merge (tally_t *self, const tally_t *more)
{
    for (size_t i = 0; i <= TYPES; i++) {
        bool used = i == OTHERS || i < more->n_types;
        size_t place = i == OTHERS ? OTHERS
                       : used      ? place_of_type (self, more->types[i])
                                   : 0;
        for (int k = 0; used && k < DECISIONS; k++) {
            count_add (self, place, (Belfry__V1__Decision)k, more->counts[i][k]);
        }
    }
    for (size_t i = 0; i < more->n_items; i++) {
        item_add (self, more->items[i], more->keys + more->items[i].key);
    }
}

static bool
tally_is_empty (const tally_t *self)
{
    return self->n_items == 0 && self->n_types == 0;
}

/* Whether the report will have room for this item, behind those that are in. */
static bool
item_fits (bf_recovery *self, const item_t *item, const char *key)
{
    if (item->goes_on && find_item (&self->batch, item) != NULL) {
        return true;
    }
    if (self->told) {
        return !item->goes_on;
    }
    if (item->goes_on) {
        return find_item (&self->in, item) != NULL;
    }
    return self->in.n_items + self->batch.n_items < ITEMS &&
           self->in.key_bytes + self->batch.key_bytes + strlen (key) < KEY_BYTES;
}

static void
note (bf_recovery *self, const bf_job_row *job, Belfry__V1__Decision decision,
      bf_stretch slots, bool goes_on)
{
    const char *key = job->key ? job->key : "";
    count_t more = {goes_on ? 0 : 1, slots.count};
    count_add (&self->batch, place_of_type (&self->batch, job->type), decision, more);
    item_t item = {
        .job = job->id,
        .type = job->type,
        .decision = decision,
        .goes_on = goes_on,
        .slots = slots,
    };
    if (item_fits (self, &item, key)) {
        item_add (&self->batch, item, item.goes_on ? "" : key);
    }
}

/* What became of the slot that was to fire. */
static Belfry__V1__Decision
decision_on_slot (const bf_late_verdict *verdict, bool made)
{
    if (!made) {
        return BELFRY__V1__DECISION__DECISION_SKIPPED;
    }
    return verdict->act == BF_SLOT_FAIL ? BELFRY__V1__DECISION__DECISION_FAILED
                                        : BELFRY__V1__DECISION__DECISION_FIRED;
}

static bf_err
begin (bf_ledger *self, bf_error *error)
{
    if (!self->recovery) {
        self->recovery = calloc (1, sizeof *self->recovery);
        if (!self->recovery) {
            return bf_fail_plain (error, BF_ENOMEM);
        }
    }
    bf_recovery *recovery = self->recovery;
    bool first = tally_is_empty (&recovery->batch) &&
                 (recovery->told || tally_is_empty (&recovery->in));
    if (first) {
        recovery->since_seq = self->saved.head_seq;
    }
    return BF_OK;
}

/* As the wall clock now counts: the report is of many jobs, whatever clock each is on. */
static bf_stretch
for_people (const bf_ledger *self, const bf_job_row *job, bf_stretch slots)
{
    if (job->clock == BF_CLOCK_BOOT) {
        slots.first_us = bf_wall_from_scale (self, slots.first_us);
        slots.last_us = bf_wall_from_scale (self, slots.last_us);
    }
    return slots;
}

bf_err
bf_recovery_note (bf_ledger *self, const bf_job_row *job, const bf_late_verdict *verdict,
                  bool made, uint64_t caught_seq, bf_error *error)
{
    if (!verdict->late && verdict->dropped.count == 0) {
        return BF_OK;
    }
    bf_err rc = begin (self, error);
    if (rc != BF_OK) {
        return rc;
    }
    /* The decision before it, if it was noted here and not before a restart. */
    bool goes_on = caught_seq > self->recovery->since_seq;
    if (verdict->dropped.count > 0) {
        note (self->recovery, job,
              verdict->skipped ? BELFRY__V1__DECISION__DECISION_SKIPPED
                               : BELFRY__V1__DECISION__DECISION_MISSED,
              for_people (self, job, verdict->dropped), goes_on);
    }
    if (verdict->late) {
        bf_stretch slot = {verdict->slot_us, verdict->slot_us, 1};
        slot = made ? slot : verdict->alike;
        note (self->recovery, job, decision_on_slot (verdict, made),
              for_people (self, job, slot), goes_on);
    }
    return BF_OK;
}

/* The messages of one report, together. */
typedef struct {
    Belfry__V1__Recovery wire;
    Belfry__V1__Recovery__Count counts[(TYPES + 1) * DECISIONS];
    Belfry__V1__Recovery__Count *count_list[(TYPES + 1) * DECISIONS];
    Belfry__V1__Recovery__Item items[ITEMS];
    Belfry__V1__Recovery__Item *item_list[ITEMS];
    Belfry__V1__Slots slots[ITEMS];
} report_t;

static void
render_counts (const bf_ledger *self, const tally_t *tally, report_t *report)
{
    for (size_t i = 0; i <= TYPES; i++) {
        for (int k = 0; k < DECISIONS; k++) {
            const count_t *count = &tally->counts[i][k];
            if (count->slots == 0) {
                continue;
            }
            size_t n = report->wire.n_counts++;
            Belfry__V1__Recovery__Count *wire = &report->counts[n];
            belfry__v1__recovery__count__init (wire);
            if (i != OTHERS) {
                wire->type = (char *)bf_name_text (self, tally->types[i]);
            }
            wire->decision = (Belfry__V1__Decision)k;
            wire->jobs = count->jobs;
            wire->slots = count->slots;
            report->count_list[n] = wire;
        }
    }
    report->wire.counts = report->count_list;
}

static void
render_items (const bf_ledger *self, tally_t *tally, report_t *report)
{
    for (size_t i = 0; i < tally->n_items; i++) {
        const item_t *item = &tally->items[i];
        belfry__v1__slots__init (&report->slots[i]);
        report->slots[i].first_due_us = item->slots.first_us;
        report->slots[i].last_due_us = item->slots.last_us;
        report->slots[i].count = item->slots.count;
        belfry__v1__recovery__item__init (&report->items[i]);
        report->items[i].job = item->job;
        report->items[i].key = tally->keys + item->key;
        report->items[i].type = (char *)bf_name_text (self, item->type);
        report->items[i].decision = item->decision;
        report->items[i].slots = &report->slots[i];
        report->item_list[i] = &report->items[i];
    }
    report->wire.n_items = tally->n_items;
    report->wire.items = report->item_list;
}

static bf_err
tell (bf_ledger *self, int64_t from_us, int64_t until_us, bf_error *error)
{
    bf_recovery *recovery = self->recovery;
    tally_t *all = bf_arena_alloc (self->arena, sizeof *all);
    report_t *report = bf_arena_alloc (self->arena, sizeof *report);
    if (!all || !report) {
        return bf_fail_plain (error, BF_ENOMEM);
    }
    if (!recovery->told) {
        *all = recovery->in;
    }
    tally_merge (all, &recovery->batch);
    if (tally_is_empty (all)) {
        return BF_OK;
    }
    belfry__v1__recovery__init (&report->wire);
    /* What the clock cannot know of a start, the rows do: the last commit before it. */
    report->wire.from_us = from_us != 0 ? from_us : self->last_sign_us;
    report->wire.until_us = until_us;
    render_counts (self, all, report);
    render_items (self, all, report);
    bf_err rc = bf_ledger_write_begin (self, error);
    if (rc == BF_OK) {
        rc = bf_event_write (self, BF_EVENT_RECOVERY_REPORT, NULL, NULL,
                             &(bf_event_detail){.recovery = &report->wire}, error);
    }
    recovery->told = true;
    recovery->batch = (tally_t){0};
    return rc;
}

/* What bf_recovery_undo goes back to. */
static void
remember (bf_recovery *self)
{
    self->was_owed = self->owed;
    self->was_from_us = self->from_us;
    self->was_until_us = self->until_us;
}

/* Puts the report off; one that is owed already becomes longer. */
static void
owe (bf_recovery *self, int64_t from_us, int64_t until_us)
{
    self->from_us = self->owed ? self->from_us : from_us;
    self->until_us = until_us;
    self->owed = true;
}

bf_err
bf_recovery_report (bf_ledger *self, const Belfry__Internal__CaughtUp *caught_up,
                    bf_error *error)
{
    if (!self->recovery) {
        return BF_OK;
    }
    if (self->scarce) {
        owe (self->recovery, caught_up->from_us, caught_up->until_us);
        return BF_OK;
    }
    return tell (self, caught_up->from_us, caught_up->until_us, error);
}

bf_err
bf_recovery_settle (bf_ledger *self, bf_error *error)
{
    bf_recovery *recovery = self->recovery;
    if (!recovery) {
        return BF_OK;
    }
    remember (recovery);
    if (!recovery->owed || self->scarce) {
        return BF_OK;
    }
    recovery->owed = false;
    return tell (self, recovery->from_us, recovery->until_us, error);
}

void
bf_recovery_keep (bf_ledger *self)
{
    bf_recovery *recovery = self->recovery;
    if (!recovery) {
        return;
    }
    if (recovery->told) {
        recovery->in = (tally_t){0};
    }
    recovery->told = false;
    if (!tally_is_empty (&recovery->batch)) {
        tally_merge (&recovery->in, &recovery->batch);
        recovery->batch = (tally_t){0};
    }
    /* The next batch may be undone before bf_recovery_settle has its turn. */
    remember (recovery);
}

void
bf_recovery_undo (bf_ledger *self)
{
    bf_recovery *recovery = self->recovery;
    if (!recovery) {
        return;
    }
    recovery->batch = (tally_t){0};
    recovery->told = false;
    recovery->owed = recovery->was_owed;
    recovery->from_us = recovery->was_from_us;
    recovery->until_us = recovery->was_until_us;
}

void
bf_recovery_free (bf_ledger *self)
{
    free (self->recovery);
    self->recovery = NULL;
}
