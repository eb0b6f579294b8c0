/* SPDX-License-Identifier: MPL-2.0
 *
 * Who waits where: the order of lines, and that waiters leave nothing behind.
 */
#include "core/lines.h"

#include <string.h>

#include "tests/support/cmocka.h"

static const char *const types[] = {"turn", "season"};

static bf_waiter *
join (bf_lines *lines, uint64_t call, const char *request)
{
    const bf_claim claim = {.call = call,
                            .client = "bot",
                            .request_id = request,
                            .ns = "default",
                            .types = types,
                            .n_types = 2,
                            .max = 1,
                            .until = {100}};
    assert_int_equal (bf_lines_join (lines, &claim), BF_OK);
    bf_waiter *waiter = NULL;
    assert_int_equal (bf_lines_same (lines, &claim, &waiter), BF_OK);
    assert_ptr_equal (waiter, bf_lines_waiter (lines, call));
    return waiter;
}

/* The calls in the line, checked in both directions. */
static void
assert_line (const bf_line_queue *queue, const char *calls)
{
    size_t count = strlen (calls);
    const bf_line_place *place = queue->first;
    for (size_t i = 0; i < count; i++) {
        assert_int_equal (place->waiter->call, calls[i] - '0');
        place = place->behind;
    }
    assert_null (place);
    place = queue->last;
    for (size_t i = count; i-- > 0;) {
        assert_int_equal (place->waiter->call, calls[i] - '0');
        place = place->ahead;
    }
    assert_null (place);
}

static void
test_order_of_arrival (void **state)
{
    (void)state;
    static const struct {
        char call;
        bool parks;
        const char *line;
    } steps[] = {
        {'3', true, "3"},    {'1', true, "13"},    {'5', true, "135"},
        {'4', true, "1345"}, {'2', true, "12345"}, {'1', false, "2345"},
        {'5', false, "234"}, {'3', false, "24"},   {'3', true, "234"},
        {'5', true, "2345"}, {'1', true, "12345"}, {'2', false, "1345"},
        {'1', false, "345"}, {'4', false, "35"},   {'3', false, "5"},
        {'5', false, ""},
    };
    static const char *const requests[] = {"1", "2", "3", "4", "5"};
    bf_lines lines = {0};
    assert_int_equal (bf_lines_init (&lines, 1), BF_OK);
    for (uint64_t call = 1; call <= 5; call++) {
        join (&lines, call, requests[call - 1]);
    }
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        bf_waiter *waiter = bf_lines_waiter (&lines, (uint64_t)(steps[i].call - '0'));
        if (steps[i].parks) {
            bf_lines_park (&lines, waiter);
        } else {
            bf_lines_unpark (&lines, waiter, BF_WAITER_PROPOSED);
        }
        assert_line (waiter->places[0].queue, steps[i].line);
        assert_line (waiter->places[1].queue, steps[i].line);
    }
    bf_lines_clear (&lines);
}

static void
test_nothing_is_left_behind (void **state)
{
    (void)state;
    bf_lines lines = {0};
    bf_line_queue *queue = NULL, *again = NULL;
    assert_int_equal (bf_lines_init (&lines, 1), BF_OK);
    bf_waiter *first = join (&lines, 1, "1");
    bf_waiter *second = join (&lines, 2, "2");
    assert_int_equal (bf_map_count (lines.queues_by_key), 2);
    assert_int_equal (bf_lines_announce (&lines, 7, "default", "turn", &queue), BF_OK);
    assert_ptr_equal (first->places[0].queue, queue);
    assert_int_equal (bf_lines_announce (&lines, 7, "default", "turn", &again), BF_OK);
    assert_ptr_equal (queue, again);

    assert_int_equal (bf_lines_repeat (&lines, first, 3), BF_OK);
    assert_int_equal (bf_lines_repeat (&lines, first, 4), BF_OK);
    assert_int_equal (bf_map_count (lines.waiters_by_call), 3);
    assert_null (bf_lines_waiter (&lines, 3));
    bf_lines_rename (&lines, first);
    assert_int_equal (first->call, 4);
    assert_int_equal (bf_map_count (lines.waiters_by_call), 2);
    assert_int_equal (bf_lines_repeat (&lines, first, 5), BF_OK);
    bf_lines_park (&lines, first);

    bf_lines_leave (&lines, first);
    assert_int_equal (bf_map_count (lines.queues_by_key), 2);
    bf_lines_leave (&lines, second);
    assert_int_equal (bf_map_count (lines.waiters_by_call), 0);
    assert_int_equal (bf_map_count (lines.waiters_by_key), 0);
    assert_int_equal (lines.by_until.count, 0);
    assert_null (lines.first);
    assert_null (lines.last);
    /* The queue stays, the mere name goes. */
    assert_int_equal (bf_map_count (lines.queues_by_key), 1);
    assert_ptr_equal (bf_lines_queue (&lines, 7), queue);
    assert_line (queue, "");
    bf_lines_clear (&lines);
}

int
main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_order_of_arrival),
        cmocka_unit_test (test_nothing_is_left_behind),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
