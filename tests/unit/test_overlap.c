/* SPDX-License-Identifier: MPL-2.0
 *
 * The law of overlap, cell by cell, and a job whose slots come faster than its runs end,
 * against what each policy promises of who is open together.
 */
#include "core/overlap.h"

#include <stdbool.h>

#include "tests/support/cmocka.h"

#define RUNS BF_OVERLAP_RUNS

static void
test_crowds (void **state)
{
    (void)state;
    static const struct {
        uint32_t slots_open;
        uint32_t blocked;
        uint32_t open_runs;
        bf_crowd crowd;
    } rows[] = {
        {0, 0, 0, BF_CROWD_NONE},
        {0, 0, 7, BF_CROWD_NONE}, /* extras do not count… */
        {0, 0, RUNS - 1, BF_CROWD_NONE},
        {0, 0, RUNS, BF_CROWD_FULL}, /* …but for the room that they take */
        {1, 0, 1, BF_CROWD_RUNNING},
        {3, 0, 9, BF_CROWD_RUNNING},
        {RUNS - 1, 0, RUNS - 1, BF_CROWD_RUNNING},
        {2, 1, 2, BF_CROWD_WAITING},
        {RUNS - 1, RUNS - 2, RUNS - 1, BF_CROWD_WAITING},
        {RUNS, RUNS - 1, RUNS, BF_CROWD_FULL},
        {1, 0, UINT32_MAX, BF_CROWD_FULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal (
            bf_crowd_of (rows[i].slots_open, rows[i].blocked, rows[i].open_runs),
            rows[i].crowd);
    }
}

#define FIRE BF_OVERLAP_FIRE
#define BLOCK BF_OVERLAP_BLOCK
#define PASS BF_OVERLAP_PASS
#define DROP BF_OVERLAP_DROP
#define CANCEL BF_OVERLAP_CANCEL
#define TERMINATE BF_OVERLAP_TERMINATE

static void
test_acts (void **state)
{
    (void)state;
    static const struct {
        bf_overlap overlap;
        bf_overlap_act acts[BF_CROWDS]; /* none, running, waiting, full */
    } rows[] = {
        {BF_OVERLAP_SKIP, {FIRE, PASS, PASS, DROP}},
        {BF_OVERLAP_BUFFER_ONE, {FIRE, BLOCK, DROP, DROP}},
        {BF_OVERLAP_BUFFER_ALL, {FIRE, BLOCK, BLOCK, DROP}},
        {BF_OVERLAP_CANCEL_OTHER, {FIRE, CANCEL, CANCEL, DROP}},
        {BF_OVERLAP_TERMINATE_OTHER, {FIRE, TERMINATE, TERMINATE, DROP}},
        {BF_OVERLAP_ALLOW_ALL, {FIRE, FIRE, FIRE, DROP}},
    };
    assert_int_equal (sizeof rows / sizeof rows[0], BF_OVERLAP_LAST);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (int crowd = 0; crowd < BF_CROWDS; crowd++) {
            assert_int_equal (bf_overlap_judge (rows[i].overlap, (bf_crowd)crowd),
                              rows[i].acts[crowd]);
        }
    }
}

static void
test_names (void **state)
{
    (void)state;
    static const char *const overlaps[] = {"unknown",    "skip",         "buffer_one",
                                           "buffer_all", "cancel_other", "terminate_other",
                                           "allow_all",  "unknown"};
    static const char *const crowds[] = {"none", "running", "waiting", "full", "unknown"};
    static const char *const acts[] = {"unknown", "fire",   "block",     "pass",
                                       "drop",    "cancel", "terminate", "unknown"};
    for (size_t i = 0; i < sizeof overlaps / sizeof overlaps[0]; i++) {
        assert_string_equal (bf_overlap_name ((bf_overlap)i), overlaps[i]);
    }
    for (size_t i = 0; i < sizeof crowds / sizeof crowds[0]; i++) {
        assert_string_equal (bf_crowd_name ((bf_crowd)i), crowds[i]);
    }
    for (size_t i = 0; i < sizeof acts / sizeof acts[0]; i++) {
        assert_string_equal (bf_overlap_act_name ((bf_overlap_act)i), acts[i]);
    }
}

/* xorshift64 of Marsaglia: the same lives in every run. */
static uint64_t seed;

static uint32_t
below (uint32_t bound)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (uint32_t)(seed % bound);
}

/* The open runs of a job's slots, and its extras. */
typedef struct {
    uint32_t running; /* ready, leased or waiting to be tried again */
    uint32_t blocked;
    uint32_t extras;
    uint32_t slots;
    uint32_t made;
    uint32_t dropped;
} life;

/* A slot comes. stays: of those that are asked to stop, a worker has one. */
static void
come (life *self, bf_overlap overlap, bool stays)
{
    uint32_t open = self->running + self->blocked;
    bf_overlap_act act =
        bf_overlap_judge (overlap, bf_crowd_of (open, self->blocked, open + self->extras));
    self->slots++;
    switch (act) {
    case BF_OVERLAP_PASS:
    case BF_OVERLAP_DROP:
        self->dropped++;
        return;
    case BF_OVERLAP_CANCEL:
        self->running = stays && self->running > 0 ? 1 : 0;
        self->blocked = 0;
        break;
    case BF_OVERLAP_TERMINATE:
        self->running = 0;
        self->blocked = 0;
        break;
    case BF_OVERLAP_FIRE:
    case BF_OVERLAP_BLOCK:
        break;
    }
    bool waits = act == BF_OVERLAP_BLOCK || (act == BF_OVERLAP_CANCEL && self->running > 0);
    self->made++;
    *(waits ? &self->blocked : &self->running) += 1;
}

/* A run of a slot ends; where only blocked ones are left the oldest goes. */
static void
end_one (life *self)
{
    self->running -= self->running > 0;
    if (self->running == 0 && self->blocked > 0) {
        self->blocked--;
        self->running++;
    }
}

static void
test_lives (void **state)
{
    (void)state;
    /* The most that are open together: running, and blocked. */
    static const struct {
        bf_overlap overlap;
        uint32_t running;
        uint32_t blocked;
    } most[] = {
        {BF_OVERLAP_SKIP, 1, 0},
        {BF_OVERLAP_BUFFER_ONE, 1, 1},
        {BF_OVERLAP_BUFFER_ALL, 1, RUNS - 1},
        {BF_OVERLAP_CANCEL_OTHER, 1, 1},
        {BF_OVERLAP_TERMINATE_OTHER, 1, 0},
        {BF_OVERLAP_ALLOW_ALL, RUNS, 0},
    };
    seed = 20261123;
    for (size_t i = 0; i < sizeof most / sizeof most[0]; i++) {
        life self = {0};
        uint32_t seen_running = 0;
        uint32_t seen_blocked = 0;
        for (int step = 0; step < 20000; step++) {
            /* Slots come faster at first than runs end, and later the other way round. */
            uint32_t coming = step < 10000 ? 7 : 3;
            if (below (10) < coming) {
                come (&self, most[i].overlap, below (2) == 0);
            } else {
                end_one (&self);
            }
            self.extras = below (20);
            seen_running = self.running > seen_running ? self.running : seen_running;
            seen_blocked = self.blocked > seen_blocked ? self.blocked : seen_blocked;
            /* Nobody is blocked behind nobody. */
            assert_true (self.blocked == 0 || self.running > 0);
            assert_true (self.running + self.blocked <= RUNS);
        }
        assert_int_equal (self.slots, self.made + self.dropped);
        bool bounded = most[i].running + most[i].blocked == RUNS;
        assert_in_range (seen_running, bounded ? 1 : most[i].running, most[i].running);
        assert_in_range (seen_blocked, bounded ? most[i].blocked * 9 / 10 : most[i].blocked,
                         most[i].blocked);
    }
}

int
main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_crowds),
        cmocka_unit_test (test_acts),
        cmocka_unit_test (test_names),
        cmocka_unit_test (test_lives),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
