/* SPDX-License-Identifier: MPL-2.0
 *
 * What an item of the store weighs: reads alike, commands by what is in them, the notes of
 * the other actors by their length.
 */
#include "actors/store_weight.h"

#include "messages/limits.h"
#include "tests/support/cmocka.h"
#include "tests/support/request.h"

static const struct {
    const char *request;
    size_t weight;
} calls[] = {
    {"schedule.jobs=#1", 1},
    {"schedule.jobs=#1000", 1000},
    {"reschedule.job.id=1", 1},
    {"cancel.job.id=1", 1},
    {"cancel.filter.all=1", 1},
    {"confirm.job.id=1", 1},
    {"pause.job.id=1", 1},
    {"resume.job.id=1", 1},
    {"trigger.job.id=1", 1},
    {"complete.token=1.1.1", 1},
    {"fail.token=1.1.1", 1},
    {"snooze.token=1.1.1", 1},
    {"redrive.run=1", 1},
    {"redrive.filter.all=1", 1},
    {"prune.finals_us=1", 1},
    {"backup", 1},
    {"batch.items[0].cancel.job.id=1", 2},
    {"batch.items[0].cancel.job.id=1 batch.items[1].fail.token=1.1.1", 3},
    {"batch.items[0].schedule.jobs=#7 batch.items[1].trigger.job.id=1", 9},
    {"batch.items[0].schedule.jobs=#500 batch.items[1].schedule.jobs=#500", 1001},
    {"heartbeat.tokens=1.1.1", 64},
    {"get.job.id=1", 64},
    {"list", 64},
    {"history", 64},
    {"replay", 64},
    {"status", 64},
    {"stats", 64},
    {"snapshot", 64},
};

static void
test_calls (void **state)
{
    (void)state;
    bf_arena *arena = bf_arena_new (BF_DECODE_BYTES);
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        bf_arena_reset (arena);
        Belfry__Internal__Call call = BELFRY__INTERNAL__CALL__INIT;
        Belfry__Internal__StoreItem item = BELFRY__INTERNAL__STORE_ITEM__INIT;
        call.request = request_make (arena, calls[i].request);
        item.item_case = BELFRY__INTERNAL__STORE_ITEM__ITEM_CALL;
        item.call = &call;
        if (bf_store_weight (&item) != calls[i].weight) {
            fail_msg ("'%s' weighs %zu", calls[i].request, bf_store_weight (&item));
        }
    }
    bf_arena_destroy (&arena);
}

static void
test_notes (void **state)
{
    (void)state;
    Belfry__Internal__StoreItem item = BELFRY__INTERNAL__STORE_ITEM__INIT;
    assert_int_equal (bf_store_weight (&item), 1);

    Belfry__Internal__Proposal proposal = BELFRY__INTERNAL__PROPOSAL__INIT;
    proposal.n_timers = 1000;
    proposal.n_assignments = 7;
    item.item_case = BELFRY__INTERNAL__STORE_ITEM__ITEM_PROPOSAL;
    item.proposal = &proposal;
    assert_int_equal (bf_store_weight (&item), 1008);

    Belfry__Internal__Overdue overdue = BELFRY__INTERNAL__OVERDUE__INIT;
    overdue.n_leases = 30;
    item.item_case = BELFRY__INTERNAL__STORE_ITEM__ITEM_OVERDUE;
    item.overdue = &overdue;
    assert_int_equal (bf_store_weight (&item), 31);

    item.item_case = BELFRY__INTERNAL__STORE_ITEM__ITEM_RECALL;
    assert_int_equal (bf_store_weight (&item), 64);
}

int
main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_calls),
        cmocka_unit_test (test_notes),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
