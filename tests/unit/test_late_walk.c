/* SPDX-License-Identifier: MPL-2.0
 *
 * A job that is judged over and over while its scheduler comes and goes, against a walk
 * over its slots one by one: each has one fate, none is early, none that was in time is
 * lost, and of those that were late the policy has what it promises.
 */
#include "core/late.h"

#include <string.h>

#include "tests/support/cmocka.h"

/* xorshift64 of Marsaglia: the same lives in every run. */
static uint64_t seed;

static int64_t
up_to (int64_t most)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (int64_t)(seed % (uint64_t)(most + 1));
}

/* What became of a slot. */
typedef enum { OPEN, MISSED, SKIPPED, FIRED, FIRED_LATE, FAILED } fate;

#define SLOTS 64
#define ABSENCES 4

/* A job of SLOTS slots at most, and the times at which its scheduler was away: from
 * away[i].from_us, until away[i].back_us it could fire nothing. */
typedef struct {
    bf_late_policy policy;
    int64_t slots_us[SLOTS];
    size_t n_slots;
    bf_grid grid;
    struct {
        int64_t from_us;
        int64_t back_us;
    } away[ABSENCES];
    size_t n_aways;
    fate fates[SLOTS];
    size_t next; /* the slot that the job waits for */
} life;

/* When this slot came within reach. */
static int64_t
reached (const life *self, size_t slot)
{
    int64_t due_us = self->slots_us[slot];
    for (size_t i = 0; i < self->n_aways; i++) {
        if (due_us >= self->away[i].from_us && due_us < self->away[i].back_us) {
            return self->away[i].back_us;
        }
    }
    return due_us;
}

static bool
is_late (const life *self, size_t slot)
{
    return reached (self, slot) - self->slots_us[slot] > self->policy.grace.us;
}

static void
make_life (life *self)
{
    static const bf_late policies[] = {BF_LATE_FIRE_ONCE, BF_LATE_FIRE_ALL, BF_LATE_SKIP,
                                       BF_LATE_FAIL};
    memset (self, 0, sizeof *self);
    int64_t interval_us = 5 + up_to (20);
    self->policy = (bf_late_policy){
        policies[up_to (3)], {up_to (2 * interval_us)}, 1 + (uint32_t)up_to (5)};
    bf_trigger trigger = {
        .kind = BF_TRIGGER_EVERY,
        .us = interval_us,
        .anchored = true,
        .anchor_us = up_to (900),
        .start_us = 100,
        .end_us = 100 + interval_us * (1 + up_to (SLOTS - 2)),
        .jitter = {up_to (interval_us - 1)},
    };
    self->grid = bf_grid_of (&trigger, NULL, trigger.anchor_us, 256 * (uint64_t)up_to (99));
    int64_t due_us = 0;
    while (bf_grid_next (&self->grid, due_us, &due_us)) {
        assert_true (self->n_slots < SLOTS);
        self->slots_us[self->n_slots++] = due_us;
    }
    /* Far enough apart for what one left to be done before the next. */
    int64_t us = 0;
    for (self->n_aways = 0; self->n_aways < ABSENCES; self->n_aways++) {
        us += up_to (12 * interval_us);
        self->away[self->n_aways].from_us = us;
        us += up_to (12 * interval_us);
        self->away[self->n_aways].back_us = us;
        us += 1;
    }
}

/* The verdict's part of the slots, in their order, each open until now. */
static void
settle (life *self, const bf_late_verdict *verdict, int64_t now_us)
{
    const bf_stretch *dropped = &verdict->dropped;
    if (dropped->count > 0) {
        assert_int_equal (dropped->first_us, self->slots_us[self->next]);
    }
    for (uint64_t i = 0; i < dropped->count; i++) {
        assert_true (self->next < self->n_slots);
        assert_true (is_late (self, self->next));
        self->fates[self->next++] = verdict->skipped ? SKIPPED : MISSED;
    }
    if (dropped->count > 0) {
        assert_int_equal (dropped->last_us, self->slots_us[self->next - 1]);
    }
    if (verdict->act == BF_SLOT_NONE) {
        assert_true (dropped->count > 0);
        return;
    }
    assert_true (self->next < self->n_slots);
    assert_int_equal (verdict->slot_us, self->slots_us[self->next]);
    assert_true (verdict->slot_us <= now_us);
    assert_int_equal (verdict->late, is_late (self, self->next));
    self->fates[self->next++] = verdict->act == BF_SLOT_FAIL ? FAILED
                                : verdict->late              ? FIRED_LATE
                                                             : FIRED;
}

/* Judges what is due until the job waits, or its next slot has to wait for being paced. */
static void
judge_all (life *self, int64_t now_us)
{
    while (self->next < self->n_slots && self->slots_us[self->next] <= now_us) {
        bf_late_verdict verdict =
            bf_late_judge (&self->policy, &self->grid, self->slots_us[self->next],
                           reached (self, self->next), now_us);
        settle (self, &verdict, now_us);
        assert_int_equal (verdict.alike.count > 1,
                          verdict.act == BF_SLOT_FIRE && verdict.late &&
                              self->next < self->n_slots && is_late (self, self->next) &&
                              reached (self, self->next) == reached (self, self->next - 1));
    }
}

/* How often the slots from `first` on that were away together had this fate. */
static size_t
count_fates (const life *self, size_t first, size_t end, fate which)
{
    size_t count = 0;
    for (size_t i = first; i < end; i++) {
        count += self->fates[i] == which;
    }
    return count;
}

/* What the policy promises of slots first..end, all late and back at the same moment. */
static void
check_stretch (const life *self, size_t first, size_t end, bool followed)
{
    size_t count = end - first;
    size_t most = count < self->policy.catchup_max ? count : self->policy.catchup_max;
    switch (self->policy.late) {
    case BF_LATE_FIRE_ONCE:
        /* The last of them, or the one in time behind them. */
        assert_int_equal (count_fates (self, first, end, MISSED), count - !followed);
        assert_int_equal (self->fates[end - 1], followed ? MISSED : FIRED_LATE);
        break;
    case BF_LATE_FIRE_ALL:
        assert_int_equal (count_fates (self, end - most, end, FIRED_LATE), most);
        assert_int_equal (count_fates (self, first, end, MISSED), count - most);
        break;
    case BF_LATE_SKIP:
        assert_int_equal (count_fates (self, first, end, SKIPPED), count);
        break;
    case BF_LATE_FAIL:
        assert_int_equal (self->fates[end - 1], FAILED);
        assert_int_equal (count_fates (self, first, end, MISSED), count - 1);
        break;
    }
}

/* Every slot has one fate, and it is the policy's: in time they fire. at_back: the first
 * judgement was at the moment of being back, so that nothing came behind it. */
static void
check_fates (const life *self, bool at_back)
{
    for (size_t first = 0; first < self->n_slots;) {
        if (!is_late (self, first)) {
            assert_int_equal (self->fates[first], FIRED);
            first++;
            continue;
        }
        size_t end = first;
        while (end < self->n_slots && is_late (self, end) &&
               reached (self, end) == reached (self, first)) {
            end++;
        }
        int64_t judged_us = at_back ? reached (self, first) : INT64_MAX;
        bool followed = end < self->n_slots && self->slots_us[end] <= judged_us;
        check_stretch (self, first, end, followed);
        first = end;
    }
}

/* Judged at every moment that the scheduler is there. */
static void
test_lives (void **state)
{
    (void)state;
    seed = 20261123;
    for (int round = 0; round < 20000; round++) {
        life self;
        make_life (&self);
        int64_t now_us = 0;
        for (size_t i = 0; i < self.n_aways; i++) {
            for (; now_us < self.away[i].from_us; now_us++) {
                judge_all (&self, now_us);
            }
            now_us = self.away[i].back_us;
        }
        for (; self.next < self.n_slots; now_us++) {
            judge_all (&self, now_us);
        }
        check_fates (&self, true);
    }
}

/* Judged long after, by a scheduler that was busy: late is only what was away. */
static void
test_busy (void **state)
{
    (void)state;
    seed = 42;
    for (int round = 0; round < 5000; round++) {
        life self;
        make_life (&self);
        /* One time away; behind it everything is waited for until the end. */
        self.n_aways = 1;
        judge_all (&self, self.away[0].from_us - 1);
        judge_all (&self, INT64_C (1000000));
        assert_int_equal (self.next, self.n_slots);
        check_fates (&self, false);
    }
}

int
main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_lives),
        cmocka_unit_test (test_busy),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
