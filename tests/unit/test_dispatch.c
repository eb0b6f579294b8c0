/* SPDX-License-Identifier: MPL-2.0
 *
 * The dispatcher's core: who is served first and with what. What becomes of the calls is in
 * test_dispatch_calls.c; a random conversation, with a store that judges, in
 * test_dispatch_walk.c.
 */
#include "tests/support/dispatch_rig.h"

static void
test_claim_before_work (void **state)
{
    rig_t *rig = *state;
    queue (rig, 1, "turn", false);
    assert_int_equal (bf_dispatch_waiting (rig->dispatch), 0);
    claim (rig, 1, "r1", 1, "turn", NULL);
    expect (rig, "recall 1\n");
    assert_int_equal (bf_dispatch_waiting (rig->dispatch), 1);
    ready (rig, 1, 10, 7);
    serve (rig, "");
    held_nothing (rig, 1);
    serve (rig, "propose 0; 1: 7.1\n");
    assert_int_equal (bf_dispatch_waiting (rig->dispatch), 1);
    serve (rig, "");
    answered (rig, 1);
    assert_int_equal (bf_dispatch_waiting (rig->dispatch), 0);
    serve (rig, "");
}

static void
test_recalled_and_answered (void **state)
{
    rig_t *rig = *state;
    queue (rig, 1, "turn", false);
    ready (rig, 1, 10, 7);
    claim (rig, 1, "r1", 1, "turn", NULL);
    answered (rig, 1);
    serve (rig, "recall 1\n");
    assert_int_equal (bf_dispatch_waiting (rig->dispatch), 0);
    answered (rig, 1);
    held_nothing (rig, 1);
    held_nothing (rig, 99);
    serve (rig, "");
}

static void
test_first_come_first_served (void **state)
{
    rig_t *rig = *state;
    queue (rig, 1, "turn", false);
    park (rig, 1, 1, "turn", NULL);
    park (rig, 2, 2, "turn", NULL);
    park (rig, 3, 5, "turn", NULL);
    ready (rig, 1, 30, 1);
    ready (rig, 1, 10, 9);
    ready (rig, 1, 20, 5);
    ready (rig, 1, 20, 4);
    serve (rig, "propose 0; 1: 9.1\npropose 0; 2: 4.1 5.1\npropose 0; 3: 1.1\n");
}

static void
test_nothing_held_keeps_the_place_in_line (void **state)
{
    rig_t *rig = *state;
    queue (rig, 1, "turn", false);
    for (uint64_t call = 1; call <= 4; call++) {
        park (rig, call, 1, "turn", NULL);
    }
    ready (rig, 1, 10, 1);
    ready (rig, 1, 10, 2);
    ready (rig, 1, 10, 3);
    serve (rig, "propose 0; 1: 1.1\npropose 0; 2: 2.1\npropose 0; 3: 3.1\n");
    held_nothing (rig, 3);
    held_nothing (rig, 1);
    held_nothing (rig, 2);
    for (uint64_t job = 4; job <= 7; job++) {
        ready (rig, 1, 20, job);
    }
    serve (rig, "propose 0; 1: 4.1\npropose 0; 2: 5.1\npropose 0; 3: 6.1\n"
                "propose 0; 4: 7.1\n");
}

static void
test_several_queues (void **state)
{
    rig_t *rig = *state;
    queue (rig, 1, "turn", false);
    queue (rig, 2, "season", false);
    ready (rig, 1, 20, 1);
    ready (rig, 2, 10, 2);
    ready (rig, 1, 30, 3);
    ready (rig, 2, 40, 4);
    park (rig, 1, 3, "turn", "season");
    serve (rig, "propose 0; 1: 2.1 1.1 3.1\n");
    park (rig, 2, 3, "season", "turn");
    serve (rig, "propose 0; 2: 4.1\n");
    /* It waits in both lines, and leaves both. */
    park (rig, 3, 1, "turn", "season");
    park (rig, 4, 1, "season", NULL);
    ready (rig, 2, 50, 5);
    serve (rig, "propose 0; 3: 5.1\n");
    ready (rig, 1, 50, 6);
    ready (rig, 2, 50, 7);
    serve (rig, "propose 0; 4: 7.1\n");
}

static void
test_the_same_type_twice (void **state)
{
    rig_t *rig = *state;
    queue (rig, 1, "turn", false);
    park (rig, 1, 2, "turn", "turn");
    due (rig, 1, "aaa", "propose 1; 1: t0 t1\n");
    held_nothing (rig, 1);
    ready (rig, 1, 10, 1);
    serve (rig, "propose 0; 1: 1.1\n");
}

static void
test_namespaces_are_apart (void **state)
{
    rig_t *rig = *state;
    assert_int_equal (bf_dispatch_queue (rig->dispatch, 1, "other", "turn", false), BF_OK);
    assert_int_equal (bf_dispatch_queue (rig->dispatch, 2, "defaultturn", "", false),
                      BF_OK);
    park (rig, 1, 1, "turn", NULL);
    ready (rig, 1, 10, 1);
    ready (rig, 2, 10, 2);
    serve (rig, "");
    due (rig, 1, "ab", "propose 1\n");
}

static void
test_queue_announced_later (void **state)
{
    rig_t *rig = *state;
    assert_int_equal (bf_dispatch_ready (rig->dispatch, run (1, 10, 1)), BF_ENOTFOUND);
    assert_int_equal (bf_dispatch_refilled (rig->dispatch, 1, NULL, 0, false),
                      BF_ENOTFOUND);
    park (rig, 1, 1, "turn", NULL);
    park (rig, 2, 1, "turn", "season");
    due (rig, 1, "a", "propose 1\n");
    serve (rig, "");
    queue (rig, 1, "turn", false);
    ready (rig, 1, 10, 1);
    serve (rig, "propose 0; 1: 1.1\n");
    due (rig, 2, "a", "propose 2; 2: t0\n");
    /* Announced with rows. */
    park (rig, 3, 1, "draw", NULL);
    queue (rig, 3, "draw", true);
    serve (rig, "refill 3\n");
}

static void
test_timers_go_to_waiting_claims (void **state)
{
    rig_t *rig = *state;
    queue (rig, 1, "turn", false);
    queue (rig, 2, "season", false);
    due (rig, 1, "ab", "propose 1\n");
    park (rig, 1, 1, "turn", NULL);
    park (rig, 2, 3, "turn", "season");
    park (rig, 3, 2, "season", NULL);
    /* One each, then up to max: t3 is the first that finds nobody without, and goes to the
     * longest waiting with room. */
    due (rig, 2, "aabbaaa", "propose 2; 1: t0; 2: t1 t3 t4; 3: t2\n");
    held_nothing (rig, 1);
    answered (rig, 2);
    held_nothing (rig, 3);
    due (rig, 3, "ba", "propose 3; 3: t0; 1: t1\n");
    due (rig, 4, "ab", "propose 4\n");
}

static void
test_timers_are_spread_before_claims_are_filled (void **state)
{
    rig_t *rig = *state;
    queue (rig, 1, "turn", false);
    for (uint64_t call = 1; call <= 3; call++) {
        park (rig, call, 2, "turn", NULL);
    }
    due (rig, 1, "aaaa", "propose 1; 1: t0 t3; 2: t1; 3: t2\n");
    answered (rig, 1);
    held_nothing (rig, 2);
    held_nothing (rig, 3);
    due (rig, 2, "aaaaaa", "propose 2; 2: t0 t2; 3: t1 t3\n");
}

static void
test_ready_runs_go_before_timers (void **state)
{
    rig_t *rig = *state;
    queue (rig, 1, "turn", false);
    queue (rig, 2, "season", true);
    park (rig, 1, 1, "turn", NULL);
    park (rig, 2, 1, "turn", NULL);
    park (rig, 3, 1, "season", NULL);
    ready (rig, 1, 10, 1);
    due (rig, 1, "aab", "refill 2\npropose 0; 1: 1.1\npropose 1; 2: t0\n");
    /* Three heads and nobody there, then somebody: the heads go first. */
    ready (rig, 1, 20, 2);
    ready (rig, 1, 20, 3);
    park (rig, 4, 1, "turn", NULL);
    due (rig, 2, "a", "propose 0; 4: 2.1\npropose 2\n");
}

static void
test_refill (void **state)
{
    rig_t *rig = *state;
    queue (rig, 1, "turn", true);
    serve (rig, "");
    park (rig, 1, 2, "turn", NULL);
    serve (rig, "refill 1\n");
    queue (rig, 1, "turn", true);
    serve (rig, "");
    const bf_ready rows[] = {run (1, 10, 1), run (1, 20, 2), run (1, 30, 3)};
    /* Beyond what is known: the refill will tell it. */
    ready (rig, 1, 30, 3);
    assert_int_equal (bf_dispatch_refilled (rig->dispatch, 1, rows, 3, true), BF_OK);
    serve (rig, "propose 0; 1: 1.1 2.1\nrefill 1\n");
    /* The rows still have what is in flight: it is not offered again. */
    assert_int_equal (bf_dispatch_refilled (rig->dispatch, 1, rows, 3, false), BF_OK);
    park (rig, 2, 5, "turn", NULL);
    serve (rig, "propose 0; 2: 3.1\n");
    answered (rig, 1);
    answered (rig, 2);
    park (rig, 3, 5, "turn", NULL);
    serve (rig, "");
    ready (rig, 1, 40, 4);
    serve (rig, "propose 0; 3: 4.1\n");
}

static void
test_refill_replaces_what_was_kept (void **state)
{
    rig_t *rig = *state;
    queue (rig, 1, "turn", false);
    ready (rig, 1, 10, 1);
    ready (rig, 1, 20, 2);
    queue (rig, 1, "turn", true);
    const bf_ready rows[] = {run (1, 5, 9), run (1, 20, 2)};
    assert_int_equal (bf_dispatch_refilled (rig->dispatch, 1, rows, 2, false), BF_OK);
    park (rig, 1, 5, "turn", NULL);
    serve (rig, "propose 0; 1: 9.1 2.1\n");
}

static void
test_refill_before_the_heads_run_out (void **state)
{
    rig_t *rig = *state;
    static bf_ready rows[BF_HEADS];
    for (uint64_t i = 0; i < BF_HEADS; i++) {
        rows[i] = run (1, (int64_t)i, i + 1);
    }
    queue (rig, 1, "turn", true);
    assert_int_equal (bf_dispatch_refilled (rig->dispatch, 1, rows, BF_HEADS, true), BF_OK);
    uint64_t call = 1;
    for (; call <= BF_HEADS * 3 / 4; call++) {
        char said[64];
        park (rig, call, 1, "turn", NULL);
        snprintf (said, sizeof said, "propose 0; %d: %d.1\n", (int)call, (int)call);
        serve (rig, said);
        answered (rig, call);
    }
    park (rig, call, 1, "turn", NULL);
    serve (rig, "propose 0; 751: 751.1\nrefill 1\n");
}

static void
test_told_that_there_is_no_more (void **state)
{
    rig_t *rig = *state;
    queue (rig, 1, "turn", true);
    queue (rig, 1, "turn", false);
    park (rig, 1, 1, "turn", NULL);
    serve (rig, "");
    due (rig, 1, "a", "propose 1; 1: t0\n");
}

static void
test_came_back_before_its_claim_was_resolved (void **state)
{
    rig_t *rig = *state;
    queue (rig, 1, "turn", false);
    park (rig, 1, 2, "turn", NULL);
    park (rig, 2, 2, "turn", NULL);
    ready (rig, 1, 10, 1);
    serve (rig, "propose 0; 1: 1.1\n");
    ready (rig, 1, 20, 1);
    serve (rig, "propose 0; 2: 1.1\n");
    /* The first claim's end does not end the second one's hold on the run. */
    held_nothing (rig, 1);
    const bf_ready rows[] = {run (1, 20, 1)};
    assert_int_equal (bf_dispatch_refilled (rig->dispatch, 1, rows, 1, false), BF_OK);
    serve (rig, "");
    held_nothing (rig, 2);
    assert_int_equal (bf_dispatch_refilled (rig->dispatch, 1, rows, 1, false), BF_OK);
    serve (rig, "propose 0; 1: 1.1\n");
}

static void
test_came_back_and_is_refilled (void **state)
{
    rig_t *rig = *state;
    queue (rig, 1, "turn", false);
    park (rig, 1, 1, "turn", NULL);
    ready (rig, 1, 10, 1);
    serve (rig, "propose 0; 1: 1.1\n");
    /* It is not in flight any more, although that claim is not resolved. */
    ready (rig, 1, 20, 1);
    const bf_ready rows[] = {run (1, 20, 1)};
    assert_int_equal (bf_dispatch_refilled (rig->dispatch, 1, rows, 1, false), BF_OK);
    park (rig, 2, 1, "turn", NULL);
    serve (rig, "propose 0; 2: 1.1\n");
}

static void
test_in_flight_is_known (void **state)
{
    rig_t *rig = *state;
    queue (rig, 1, "turn", false);
    park (rig, 1, 1, "turn", NULL);
    ready (rig, 1, 10, 1);
    serve (rig, "propose 0; 1: 1.1\n");
    const bf_ready rows[] = {run (1, 10, 1)};
    assert_int_equal (bf_dispatch_refilled (rig->dispatch, 1, rows, 1, true), BF_OK);
    serve (rig, "refill 1\n");
    /* Within the horizon, so it need not wait for the refill. */
    ready (rig, 1, 10, 1);
    park (rig, 2, 1, "turn", NULL);
    serve (rig, "propose 0; 2: 1.1\n");
}

int
main (void)
{
    const struct CMUnitTest tests[] = {
        case_of (test_claim_before_work),
        case_of (test_recalled_and_answered),
        case_of (test_first_come_first_served),
        case_of (test_nothing_held_keeps_the_place_in_line),
        case_of (test_several_queues),
        case_of (test_the_same_type_twice),
        case_of (test_namespaces_are_apart),
        case_of (test_queue_announced_later),
        case_of (test_timers_go_to_waiting_claims),
        case_of (test_timers_are_spread_before_claims_are_filled),
        case_of (test_ready_runs_go_before_timers),
        case_of (test_refill),
        case_of (test_refill_replaces_what_was_kept),
        case_of (test_refill_before_the_heads_run_out),
        case_of (test_told_that_there_is_no_more),
        case_of (test_came_back_before_its_claim_was_resolved),
        case_of (test_came_back_and_is_refilled),
        case_of (test_in_flight_is_known),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
