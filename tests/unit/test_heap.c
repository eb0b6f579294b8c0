/* SPDX-License-Identifier: MPL-2.0
 *
 * The heap: order with ties by id, and a random walk of pushes, moves and removals that is
 * checked against a plain search.
 */
#include "core/base/heap.h"

#include <stdbool.h>
#include <stdlib.h>

#include "core/base/hash.h"
#include "tests/support/cmocka.h"

static void
test_order (void **state)
{
    (void)state;
    static const struct {
        int64_t at;
        uint64_t id;
    } sorted[] = {
        {INT64_MIN, 9}, {-5, 1}, {0, 3}, {7, 2}, {7, 4}, {7, UINT64_MAX}, {INT64_MAX, 0},
    };
    static const size_t order[] = {4, 0, 6, 2, 5, 1, 3};
    enum { COUNT = sizeof sorted / sizeof sorted[0] };
    bf_heap_node nodes[COUNT] = {0};
    bf_heap heap = {0};

    assert_null (bf_heap_peek (&heap));
    assert_null (bf_heap_pop (&heap));
    for (size_t i = 0; i < COUNT; i++) {
        bf_heap_node *node = &nodes[order[i]];
        node->at = sorted[order[i]].at;
        node->id = sorted[order[i]].id;
        assert_int_equal (bf_heap_push (&heap, node), BF_OK);
    }
    for (size_t i = 0; i < COUNT; i++) {
        assert_ptr_equal (bf_heap_peek (&heap), &nodes[i]);
        assert_ptr_equal (bf_heap_pop (&heap), &nodes[i]);
        assert_int_equal (nodes[i].position, 0);
    }
    assert_null (bf_heap_pop (&heap));
    bf_heap_clear (&heap);
}

static void
test_remove_is_harmless_outside (void **state)
{
    (void)state;
    bf_heap heap = {0};
    bf_heap_node nodes[2] = {{.at = 1}, {.at = 2}};
    assert_int_equal (bf_heap_push (&heap, &nodes[0]), BF_OK);
    bf_heap_remove (&heap, &nodes[1]);
    assert_int_equal (heap.count, 1);
    bf_heap_remove (&heap, &nodes[0]);
    bf_heap_remove (&heap, &nodes[0]);
    assert_int_equal (heap.count, 0);
    bf_heap_clear (&heap);
}

static void
test_clear_lets_nodes_go (void **state)
{
    (void)state;
    bf_heap heap = {0};
    bf_heap_node nodes[3] = {{.at = 1}, {.at = 2}, {.at = 3}};
    for (int life = 0; life < 2; life++) {
        for (size_t i = 0; i < 3; i++) {
            assert_int_equal (bf_heap_push (&heap, &nodes[i]), BF_OK);
        }
        bf_heap_clear (&heap);
        assert_null (bf_heap_peek (&heap));
        for (size_t i = 0; i < 3; i++) {
            assert_int_equal (nodes[i].position, 0);
        }
    }
}

enum { WALKERS = 200, STEPS = 20000 };

static const bf_heap_node *
smallest (const bf_heap_node *nodes)
{
    const bf_heap_node *best = NULL;
    for (size_t i = 0; i < WALKERS; i++) {
        const bf_heap_node *node = &nodes[i];
        if (node->position > 0 && (best == NULL || node->at < best->at ||
                                   (node->at == best->at && node->id < best->id))) {
            best = node;
        }
    }
    return best;
}

static void
test_random_walk (void **state)
{
    (void)state;
    static bf_heap_node nodes[WALKERS];
    bf_heap heap = {0};
    for (uint64_t step = 1; step <= STEPS; step++) {
        uint64_t dice = bf_mix (step);
        bf_heap_node *node = &nodes[dice % WALKERS];
        int64_t at = (int64_t)(dice >> 32) % 50;
        if (node->position == 0) {
            node->at = at;
            node->id = (uint64_t)(node - nodes);
            assert_int_equal (bf_heap_push (&heap, node), BF_OK);
        } else if (dice >> 60 < 8) {
            bf_heap_move (&heap, node, at);
        } else if (dice >> 60 < 12) {
            bf_heap_remove (&heap, node);
        } else {
            const bf_heap_node *best = smallest (nodes);
            assert_ptr_equal (bf_heap_pop (&heap), best);
        }
        assert_ptr_equal (bf_heap_peek (&heap), smallest (nodes));
    }
    bf_heap_clear (&heap);
}

int
main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_order),
        cmocka_unit_test (test_remove_is_harmless_outside),
        cmocka_unit_test (test_clear_lets_nodes_go),
        cmocka_unit_test (test_random_walk),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
