/* SPDX-License-Identifier: MPL-2.0
 *
 * Retry's core: when a lease runs out, what a heartbeat finds, and what becomes of a
 * proposal.
 */
#include "core/leases.h"

#include <stdlib.h>

#include "core/base/hash.h"
#include "tests/support/cmocka.h"

static const bf_boot never = {INT64_MAX};

static bf_token
token (uint64_t job)
{
    return (bf_token){.job = job, .ordinal = 1, .attempt = 1};
}

static void
open_lease (bf_leases *leases, bf_token opened, int64_t from, int64_t lease, bf_boot run)
{
    assert_int_equal (
        bf_leases_open (leases, opened, (bf_boot){from}, (bf_span){lease}, run, false),
        BF_OK);
}

static void
test_end (void **state)
{
    (void)state;
    static const struct {
        int64_t from;
        int64_t lease;
        int64_t run_until;
        int64_t end;
        bool run_timeout;
    } rows[] = {
        {100, 50, INT64_MAX, 150, false},
        {100, 50, 151, 150, false},
        {100, 50, 150, 150, true},
        {100, 50, 120, 120, true},
        {100, 50, 90, 90, true},
        {INT64_MAX - 10, 50, INT64_MAX - 1, INT64_MAX - 1, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        bf_leases *leases = bf_leases_new (i);
        bf_overdue overdue[2];
        uint64_t batch = 0;
        assert_true (bf_leases_next (leases).us == INT64_MAX);
        open_lease (leases, token (1), rows[i].from, rows[i].lease,
                    (bf_boot){rows[i].run_until});
        assert_true (bf_leases_next (leases).us == rows[i].end);
        bf_boot early = {rows[i].end - 1}, due = {rows[i].end};
        assert_int_equal (bf_leases_overdue (leases, early, overdue, 2, &batch), 0);
        assert_int_equal (batch, 0);
        assert_int_equal (bf_leases_overdue (leases, due, overdue, 2, &batch), 1);
        assert_int_equal (batch, 1);
        assert_int_equal (overdue[0].token.job, 1);
        assert_int_equal (overdue[0].run_timeout, rows[i].run_timeout);
        assert_int_equal (bf_leases_count (leases), 1);
        bf_leases_destroy (&leases);
        assert_null (leases);
        bf_leases_destroy (&leases);
    }
}

static void
test_pulse (void **state)
{
    (void)state;
    bf_leases *leases = bf_leases_new (1);
    bf_boot until = {77};
    assert_int_equal (bf_leases_pulse (leases, token (1), (bf_boot){0}, &until),
                      BF_LEASE_UNKNOWN);
    assert_true (until.us == 77);
    open_lease (leases, token (1), 100, 50, (bf_boot){220});

    static const struct {
        int64_t now;
        int64_t until;
    } rows[] = {{110, 160}, {159, 209}, {165, 215}, {180, 220}, {230, 220}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal (
            bf_leases_pulse (leases, token (1), (bf_boot){rows[i].now}, &until),
            BF_LEASE_EXTENDED);
        assert_true (until.us == rows[i].until);
        assert_true (bf_leases_next (leases).us == rows[i].until);
    }
    bf_leases_flag (leases, token (2));
    bf_leases_flag (leases, token (1));
    assert_int_equal (bf_leases_pulse (leases, token (1), (bf_boot){150}, &until),
                      BF_LEASE_FLAGGED);
    assert_true (until.us == 200);
    bf_leases_destroy (&leases);
}

/* The store is told when the end has moved by a quarter of the lease since it was. */
static void
test_tell (void **state)
{
    (void)state;
    static const struct {
        int64_t now;
        bool tell;
    } rows[] = {{100, false}, {110, false}, {124, false}, {125, true}, {125, false},
                {149, false}, {120, false}, {150, true},  {190, true}, {195, false},
                {280, true},  {290, false}, {500, false}};
    bf_leases *leases = bf_leases_new (1);
    assert_false (bf_leases_tell (leases, token (1)));
    open_lease (leases, token (1), 100, 100, (bf_boot){330});
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        bf_boot until;
        bf_leases_pulse (leases, token (1), (bf_boot){rows[i].now}, &until);
        if (bf_leases_tell (leases, token (1)) != rows[i].tell) {
            fail_msg ("at %d", (int)rows[i].now);
        }
    }
    /* Of a lease that starts over the row tells itself. */
    open_lease (leases, token (1), 600, 100, never);
    assert_false (bf_leases_tell (leases, token (1)));
    bf_leases_destroy (&leases);
}

static void
test_the_whole_token_counts (void **state)
{
    (void)state;
    static const bf_token others[] = {{2, 1, 1}, {1, 2, 1}, {1, 1, 2}};
    bf_leases *leases = bf_leases_new (1);
    bf_boot until;
    open_lease (leases, token (1), 0, 50, never);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        assert_int_equal (bf_leases_pulse (leases, others[i], (bf_boot){1}, &until),
                          BF_LEASE_UNKNOWN);
        bf_leases_close (leases, others[i]);
        bf_leases_flag (leases, others[i]);
    }
    assert_int_equal (bf_leases_pulse (leases, token (1), (bf_boot){1}, &until),
                      BF_LEASE_EXTENDED);
    bf_leases_close (leases, token (1));
    bf_leases_close (leases, token (1));
    assert_int_equal (bf_leases_count (leases), 0);
    assert_int_equal (bf_leases_pulse (leases, token (1), (bf_boot){1}, &until),
                      BF_LEASE_UNKNOWN);
    bf_leases_destroy (&leases);
}

static void
test_opened_again (void **state)
{
    (void)state;
    bf_leases *leases = bf_leases_new (1);
    bf_boot until;
    bf_overdue overdue[2];
    uint64_t batch = 0;
    assert_int_equal (bf_leases_open (leases, token (1), (bf_boot){0}, (bf_span){50},
                                      (bf_boot){40}, true),
                      BF_OK);
    open_lease (leases, token (1), 30, 100, never);
    assert_int_equal (bf_leases_count (leases), 1);
    assert_true (bf_leases_next (leases).us == 130);
    assert_int_equal (bf_leases_pulse (leases, token (1), (bf_boot){40}, &until),
                      BF_LEASE_EXTENDED);
    assert_true (until.us == 140);

    /* Also while it is proposed: it lives, and the batch has no more say in it. */
    assert_int_equal (bf_leases_overdue (leases, (bf_boot){140}, overdue, 2, &batch), 1);
    open_lease (leases, token (1), 150, 100, never);
    assert_int_equal (bf_leases_pulse (leases, token (1), (bf_boot){160}, &until),
                      BF_LEASE_EXTENDED);
    bf_leases_settled (leases, batch);
    assert_true (bf_leases_next (leases).us == 260);
    bf_leases_destroy (&leases);
}

static void
test_proposed (void **state)
{
    (void)state;
    bf_leases *leases = bf_leases_new (1);
    bf_overdue overdue[8];
    bf_boot until;
    uint64_t batch = 0;
    for (uint64_t job = 1; job <= 5; job++) {
        open_lease (leases, token (job), (int64_t)job, 10, never);
    }
    assert_int_equal (bf_leases_overdue (leases, (bf_boot){13}, overdue, 2, &batch), 2);
    assert_int_equal (batch, 1);
    assert_int_equal (overdue[0].token.job, 1);
    assert_int_equal (overdue[1].token.job, 2);

    /* Deaf, one batch at a time, nothing to wake for. */
    assert_int_equal (bf_leases_pulse (leases, token (1), (bf_boot){13}, &until),
                      BF_LEASE_UNKNOWN);
    assert_int_equal (bf_leases_overdue (leases, (bf_boot){99}, overdue, 8, &batch), 0);
    assert_true (bf_leases_next (leases).us == INT64_MAX);
    bf_leases_settled (leases, 0);
    bf_leases_settled (leases, 2);
    assert_true (bf_leases_next (leases).us == INT64_MAX);
    assert_int_equal (bf_leases_count (leases), 5);

    /* The first was closed by the commit, the second was not: it lives again. */
    bf_leases_close (leases, token (1));
    bf_leases_settled (leases, 1);
    assert_true (bf_leases_next (leases).us == 12);
    assert_int_equal (bf_leases_pulse (leases, token (2), (bf_boot){14}, &until),
                      BF_LEASE_EXTENDED);
    assert_int_equal (bf_leases_overdue (leases, (bf_boot){99}, overdue, 8, &batch), 4);
    assert_int_equal (batch, 2);
    static const uint64_t order[] = {3, 4, 5, 2};
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal (overdue[i].token.job, order[i]);
        bf_leases_close (leases, overdue[i].token);
    }
    bf_leases_settled (leases, 2);
    assert_int_equal (bf_leases_count (leases), 0);
    assert_true (bf_leases_next (leases).us == INT64_MAX);
    bf_leases_destroy (&leases);
}

/* Proposed, and the store will not have it: a beat that came meanwhile has counted. */
static void
test_beat_while_proposed (void **state)
{
    (void)state;
    static const struct {
        int64_t run_until;
        int64_t end;
    } rows[] = {{INT64_MAX, 155}, {130, 130}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        bf_leases *leases = bf_leases_new (1);
        bf_overdue overdue[2];
        bf_boot until = {77};
        uint64_t batch = 0;
        open_lease (leases, token (1), 0, 50, (bf_boot){rows[i].run_until});
        assert_int_equal (bf_leases_overdue (leases, (bf_boot){100}, overdue, 2, &batch),
                          1);
        assert_int_equal (bf_leases_pulse (leases, token (1), (bf_boot){105}, &until),
                          BF_LEASE_UNKNOWN);
        assert_true (until.us == 77);
        assert_true (bf_leases_next (leases).us == INT64_MAX);
        bf_leases_settled (leases, batch);
        assert_true (bf_leases_next (leases).us == rows[i].end);
        assert_int_equal (
            bf_leases_overdue (leases, (bf_boot){rows[i].end - 1}, overdue, 2, &batch), 0);
        assert_int_equal (
            bf_leases_overdue (leases, (bf_boot){rows[i].end}, overdue, 2, &batch), 1);
        assert_int_equal (overdue[0].run_timeout, i == 1);
        bf_leases_destroy (&leases);
    }
}

static void
test_batches_are_bounded (void **state)
{
    (void)state;
    enum { MANY = 2500 };
    static const size_t sizes[] = {1000, 1000, 500, 0};
    static bf_overdue overdue[MANY];
    bf_leases *leases = bf_leases_new (1);
    for (uint64_t job = 1; job <= MANY; job++) {
        open_lease (leases, token (job), (int64_t)(bf_mix (job) % 1000), 10, never);
    }
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        uint64_t batch = 0;
        size_t count = bf_leases_overdue (leases, (bf_boot){5000}, overdue, MANY, &batch);
        assert_int_equal (count, sizes[i]);
        for (size_t j = 0; j < count; j++) {
            bf_leases_close (leases, overdue[j].token);
        }
        bf_leases_settled (leases, batch);
    }
    assert_int_equal (bf_leases_count (leases), 0);
    bf_leases_destroy (&leases);
}

int
main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_end),
        cmocka_unit_test (test_pulse),
        cmocka_unit_test (test_tell),
        cmocka_unit_test (test_the_whole_token_counts),
        cmocka_unit_test (test_opened_again),
        cmocka_unit_test (test_proposed),
        cmocka_unit_test (test_beat_while_proposed),
        cmocka_unit_test (test_batches_are_bounded),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
