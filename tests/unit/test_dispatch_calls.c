/* SPDX-License-Identifier: MPL-2.0
 *
 * The dispatcher's core: what becomes of calls. Repeats, the end of their time, leaving,
 * and the end of everything.
 */
#include "tests/support/dispatch_rig.h"

static void
test_only_what_is_with_the_store_is_resolved (void **state)
{
    rig_t *rig = *state;
    queue (rig, 1, "turn", false);
    park (rig, 1, 0, "turn", NULL);
    answered (rig, 1);
    held_nothing (rig, 1);
    assert_int_equal (bf_dispatch_waiting (rig->dispatch), 1);
    /* A max of 0 counts as 1. */
    ready (rig, 1, 10, 1);
    serve (rig, "propose 0; 1: 1.1\n");
}

static void
test_repeated_while_parked (void **state)
{
    rig_t *rig = *state;
    queue (rig, 1, "turn", false);
    park (rig, 1, 1, "turn", NULL);
    park (rig, 2, 1, "turn", NULL);
    claim (rig, 3, "r1", 1, "turn", NULL);
    expect (rig, "superseded 1\n");
    claim (rig, 4, "r1", 1, "turn", NULL);
    expect (rig, "superseded 3\n");
    assert_int_equal (bf_dispatch_waiting (rig->dispatch), 2);
    answered (rig, 1);
    answered (rig, 3);
    assert_int_equal (bf_dispatch_waiting (rig->dispatch), 2);
    ready (rig, 1, 10, 1);
    serve (rig, "propose 0; 4: 1.1\n");
}

/* Without a max, as before. */
static void
test_repeated_without_max (void **state)
{
    rig_t *rig = *state;
    queue (rig, 1, "turn", false);
    park (rig, 1, 0, "turn", NULL);
    claim (rig, 2, "r1", 0, "turn", NULL);
    expect (rig, "superseded 1\n");
    claim (rig, 3, "r1", 1, "turn", NULL);
    expect (rig, "superseded 2\n");
}

static void
test_repeated_while_recalled (void **state)
{
    rig_t *rig = *state;
    queue (rig, 1, "turn", false);
    claim (rig, 1, "r1", 1, "turn", NULL);
    expect (rig, "recall 1\n");
    claim (rig, 2, "r1", 1, "turn", NULL);
    expect (rig, "");
    claim (rig, 3, "r1", 1, "turn", NULL);
    expect (rig, "superseded 2\n");
    held_nothing (rig, 2);
    held_nothing (rig, 3);
    expect (rig, "");
    held_nothing (rig, 1);
    expect (rig, "superseded 1\n");
    assert_int_equal (bf_dispatch_waiting (rig->dispatch), 1);
    due (rig, 1, "a", "propose 1; 3: t0\n");
    answered (rig, 3);
    assert_int_equal (bf_dispatch_waiting (rig->dispatch), 0);
}

static void
test_repeated_while_proposed (void **state)
{
    rig_t *rig = *state;
    queue (rig, 1, "turn", false);
    park (rig, 1, 1, "turn", NULL);
    ready (rig, 1, 10, 1);
    serve (rig, "propose 0; 1: 1.1\n");
    claim (rig, 2, "r1", 1, "turn", NULL);
    expect (rig, "");
    /* The older call had the answer: the store repeats it for the newer one. */
    answered (rig, 1);
    expect (rig, "recall 2\n");
    assert_int_equal (bf_dispatch_waiting (rig->dispatch), 1);
    answered (rig, 2);
    assert_int_equal (bf_dispatch_waiting (rig->dispatch), 0);
    expect (rig, "");
}

static void
test_repeated_while_proposed_in_vain (void **state)
{
    rig_t *rig = *state;
    queue (rig, 1, "turn", false);
    park (rig, 1, 1, "turn", NULL);
    park (rig, 2, 1, "turn", NULL);
    due (rig, 1, "a", "propose 1; 1: t0\n");
    claim (rig, 3, "r1", 1, "turn", NULL);
    held_nothing (rig, 1);
    expect (rig, "superseded 1\n");
    ready (rig, 1, 10, 1);
    serve (rig, "propose 0; 3: 1.1\n");
}

static void
test_other_requests_are_other_claims (void **state)
{
    rig_t *rig = *state;
    static const struct {
        const char *client;
        const char *request;
    } rows[] = {{"bot", "r1"}, {"bot", "r"}, {"botr", "1"}, {"bo", "tr1"}, {"", "botr1"}};
    const char *type = "turn";
    for (uint64_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const bf_claim wanted = {.call = i + 1,
                                 .client = rows[i].client,
                                 .request_id = rows[i].request,
                                 .ns = "default",
                                 .types = &type,
                                 .n_types = 1,
                                 .max = 1,
                                 .until = {UNTIL}};
        assert_int_equal (bf_dispatch_claim (rig->dispatch, &wanted), BF_OK);
    }
    expect (rig, "recall 1\nrecall 2\nrecall 3\nrecall 4\nrecall 5\n");
    assert_int_equal (bf_dispatch_waiting (rig->dispatch), 5);
}

static void
test_time_is_up (void **state)
{
    rig_t *rig = *state;
    queue (rig, 1, "turn", false);
    assert_true (bf_dispatch_next (rig->dispatch).us == INT64_MAX);
    claim (rig, 1, "r1", 1, "turn", NULL);
    expect (rig, "recall 1\n");
    /* The store has it: no time-out yet. */
    assert_true (bf_dispatch_next (rig->dispatch).us == INT64_MAX);
    bf_dispatch_tick (rig->dispatch, (bf_boot){UNTIL});
    expect (rig, "");
    held_nothing (rig, 1);
    park (rig, 2, 1, "turn", NULL);
    assert_true (bf_dispatch_next (rig->dispatch).us == UNTIL);
    bf_dispatch_tick (rig->dispatch, (bf_boot){UNTIL - 1});
    expect (rig, "");
    ready (rig, 1, 10, 1);
    serve (rig, "propose 0; 1: 1.1\n");
    bf_dispatch_tick (rig->dispatch, (bf_boot){UNTIL});
    expect (rig, "empty 2\n");
    assert_true (bf_dispatch_next (rig->dispatch).us == INT64_MAX);
    assert_int_equal (bf_dispatch_waiting (rig->dispatch), 1);
    held_nothing (rig, 1);
    bf_dispatch_tick (rig->dispatch, (bf_boot){UNTIL});
    expect (rig, "empty 1\n");
    assert_int_equal (bf_dispatch_waiting (rig->dispatch), 0);
    due (rig, 1, "a", "propose 1\n");
}

static void
test_time_is_up_for_a_repeat (void **state)
{
    rig_t *rig = *state;
    claim (rig, 1, "r1", 1, "turn", NULL);
    claim (rig, 2, "r1", 1, "turn", NULL);
    expect (rig, "recall 1\n");
    held_nothing (rig, 1);
    bf_dispatch_tick (rig->dispatch, (bf_boot){UNTIL});
    expect (rig, "superseded 1\nempty 2\n");
    park (rig, 3, 1, "turn", NULL);
    claim (rig, 4, "r3", 1, "turn", NULL);
    bf_dispatch_tick (rig->dispatch, (bf_boot){UNTIL});
    expect (rig, "superseded 3\nempty 4\n");
}

/* A claim that does not wait gets what is ready at that moment, here or in the rows. */
static void
test_no_wait_gets_what_is_ready (void **state)
{
    rig_t *rig = *state;
    queue (rig, 1, "turn", false);
    ready (rig, 1, 10, 1);
    claim (rig, 1, "r1", 1, "turn", NULL);
    expect (rig, "recall 1\n");
    held_nothing (rig, 1);
    bf_dispatch_tick (rig->dispatch, (bf_boot){UNTIL});
    expect (rig, "propose 0; 1: 1.1\n");
    answered (rig, 1);

    queue (rig, 1, "turn", true);
    claim (rig, 2, "r2", 1, "turn", NULL);
    expect (rig, "recall 2\n");
    held_nothing (rig, 2);
    bf_dispatch_tick (rig->dispatch, (bf_boot){UNTIL});
    expect (rig, "refill 1\n");
    assert_true (bf_dispatch_next (rig->dispatch).us == INT64_MAX);
    const bf_ready row = run (1, 20, 2);
    assert_int_equal (bf_dispatch_refilled (rig->dispatch, 1, &row, 1, false), BF_OK);
    bf_dispatch_tick (rig->dispatch, (bf_boot){UNTIL});
    expect (rig, "propose 0; 2: 2.1\n");

    queue (rig, 1, "turn", true);
    claim (rig, 3, "r3", 1, "turn", NULL);
    expect (rig, "recall 3\n");
    held_nothing (rig, 3);
    bf_dispatch_tick (rig->dispatch, (bf_boot){UNTIL});
    expect (rig, "refill 1\n");
    assert_int_equal (bf_dispatch_refilled (rig->dispatch, 1, NULL, 0, false), BF_OK);
    assert_true (bf_dispatch_next (rig->dispatch).us == UNTIL);
    bf_dispatch_tick (rig->dispatch, (bf_boot){UNTIL});
    expect (rig, "empty 3\n");
}

/* A repeat ends the wait sooner, never later, whatever the claim goes through. */
static void
test_a_repeat_ends_the_wait_sooner (void **state)
{
    static const struct {
        const char *name;
        int64_t until; /* of the repeat */
        int64_t due;   /* when the empty answer is */
    } rows[] = {
        {"at once", 0, 0},
        {"sooner", UNTIL - 1, UNTIL - 1},
        {"as before", UNTIL, UNTIL},
        {"later", UNTIL + 50, UNTIL},
    };
    rig_t *rig = *state;
    uint64_t call = 0;
    queue (rig, 1, "turn", false);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        /* Parked, with the store because it was recalled, and because of a proposal. */
        for (int stage = 0; stage < 3; stage++) {
            char request[32];
            uint64_t old = ++call, new = ++call;
            snprintf (request, sizeof request, "%s %d", rows[i].name, stage);
            claim (rig, old, request, 1, "turn", NULL);
            if (stage != 1) {
                held_nothing (rig, old);
            }
            if (stage == 2) {
                ready (rig, 1, 10, call);
                bf_dispatch_serve (rig->dispatch);
            }
            claim_until (rig, rows[i].until, new, request, 1, "turn", NULL);
            if (stage != 0) {
                held_nothing (rig, old);
            }
            int64_t next = bf_dispatch_next (rig->dispatch).us;
            if (next != rows[i].due) {
                fail_msg ("%s: due at %d", request, (int)next);
            }
            char said[32];
            snprintf (said, sizeof said, "superseded %d\nempty %d\n", (int)old, (int)new);
            bf_dispatch_tick (rig->dispatch, (bf_boot){rows[i].due});
            assert_non_null (strstr (rig->said, said));
            assert_int_equal (bf_dispatch_waiting (rig->dispatch), 0);
            rig->used = 0;
        }
    }
}

/* Whoever leaves takes what is ready at that moment, and holds up nobody behind it. */
/* A refill under way for one of its queues is enough, whichever it is. */
static void
test_time_is_up_during_a_refill (void **state)
{
    rig_t *rig = *state;
    queue (rig, 1, "turn", true);
    queue (rig, 2, "season", true);
    claim (rig, 1, "r1", 1, "turn", "season");
    held_nothing (rig, 1);
    expect (rig, "recall 1\n");
    bf_dispatch_tick (rig->dispatch, (bf_boot){UNTIL});
    expect (rig, "refill 2\nrefill 1\n");
    for (uint32_t id = 1; id <= 2; id++) {
        bf_dispatch_tick (rig->dispatch, (bf_boot){UNTIL});
        expect (rig, "");
        assert_int_equal (bf_dispatch_refilled (rig->dispatch, id, NULL, 0, false), BF_OK);
    }
    bf_dispatch_tick (rig->dispatch, (bf_boot){UNTIL});
    expect (rig, "empty 1\n");
}

static void
test_leaving (void **state)
{
    rig_t *rig = *state;
    queue (rig, 1, "turn", false);
    park (rig, 1, 1, "turn", NULL);
    park (rig, 2, 1, "turn", NULL);
    claim_until (rig, 0, 3, "r1", 1, "turn", NULL);
    bf_dispatch_tick (rig->dispatch, (bf_boot){0});
    expect (rig, "superseded 1\nempty 3\n");
    ready (rig, 1, 10, 1);
    serve (rig, "propose 0; 2: 1.1\n");
    answered (rig, 2);

    park (rig, 4, 1, "turn", NULL);
    ready (rig, 1, 10, 2);
    claim_until (rig, 0, 5, "r4", 1, "turn", NULL);
    bf_dispatch_tick (rig->dispatch, (bf_boot){0});
    expect (rig, "superseded 4\npropose 0; 5: 2.1\n");
    answered (rig, 5);
    assert_int_equal (bf_dispatch_waiting (rig->dispatch), 0);
}

/* The same request_id for something else is not a repeat. */
static void
test_reused_request (void **state)
{
    rig_t *rig = *state;
    park (rig, 1, 1, "turn", NULL);
    const char *others[] = {"other", "turn"};
    const bf_claim base = {.call = 2,
                           .client = "bot",
                           .request_id = "r1",
                           .ns = "default",
                           .types = &others[1],
                           .n_types = 1,
                           .max = 1,
                           .until = {UNTIL}};
    bf_claim type = base, ns = base, more = base, max = base;
    type.types = others;
    ns.ns = "elsewhere";
    more.types = others;
    more.n_types = 2;
    max.max = 2;
    const bf_claim *reused[] = {&type, &ns, &more, &max};
    for (size_t i = 0; i < sizeof reused / sizeof reused[0]; i++) {
        assert_int_equal (bf_dispatch_claim (rig->dispatch, reused[i]), BF_EREUSED);
        expect (rig, "");
    }
    assert_int_equal (bf_dispatch_claim (rig->dispatch, &base), BF_OK);
    expect (rig, "superseded 1\n");
}

static void
test_release (void **state)
{
    rig_t *rig = *state;
    queue (rig, 1, "turn", false);
    park (rig, 3, 1, "turn", NULL);
    park (rig, 1, 1, "turn", NULL);
    park (rig, 2, 1, "turn", NULL);
    claim (rig, 4, "r4", 1, "turn", NULL);
    expect (rig, "recall 4\n");
    ready (rig, 1, 10, 1);
    serve (rig, "propose 0; 3: 1.1\n");
    bf_dispatch_release (rig->dispatch);
    expect (rig, "empty 1\nempty 2\n");
    held_nothing (rig, 4);
    expect (rig, "empty 4\n");
    held_nothing (rig, 3);
    expect (rig, "empty 3\n");
    claim (rig, 5, "r5", 1, "turn", NULL);
    held_nothing (rig, 5);
    expect (rig, "recall 5\nempty 5\n");
    claim (rig, 6, "r6", 1, "turn", NULL);
    answered (rig, 6);
    expect (rig, "recall 6\n");
    assert_int_equal (bf_dispatch_waiting (rig->dispatch), 0);
}

int
main (void)
{
    const struct CMUnitTest tests[] = {
        case_of (test_only_what_is_with_the_store_is_resolved),
        case_of (test_repeated_while_parked),
        case_of (test_repeated_without_max),
        case_of (test_repeated_while_recalled),
        case_of (test_repeated_while_proposed),
        case_of (test_repeated_while_proposed_in_vain),
        case_of (test_other_requests_are_other_claims),
        case_of (test_time_is_up),
        case_of (test_time_is_up_for_a_repeat),
        case_of (test_no_wait_gets_what_is_ready),
        case_of (test_a_repeat_ends_the_wait_sooner),
        case_of (test_time_is_up_during_a_refill),
        case_of (test_leaving),
        case_of (test_reused_request),
        case_of (test_release),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
