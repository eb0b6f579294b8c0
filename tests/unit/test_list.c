/* SPDX-License-Identifier: MPL-2.0
 *
 * The growable array: order over growth, taking back, and a second life after clear.
 */
#include "core/base/list.h"

#include "tests/support/cmocka.h"

static int things[1000];

static void
fill (bf_list *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        assert_int_equal (bf_list_push (list, &things[i]), BF_OK);
    }
}

static void
test_order (void **state)
{
    (void)state;
    bf_list list = {0};
    fill (&list, 1000);
    assert_int_equal (list.count, 1000);
    for (size_t i = 0; i < list.count; i++) {
        assert_ptr_equal (list.items[i], &things[i]);
    }
    bf_list_clear (&list);
    assert_null (list.items);
    assert_int_equal (list.count, 0);
    fill (&list, 1);
    assert_ptr_equal (list.items[0], &things[0]);
    bf_list_clear (&list);
}

static void
test_truncate (void **state)
{
    (void)state;
    static const struct {
        size_t before;
        size_t to;
        size_t after;
    } rows[] = {{0, 0, 0}, {5, 5, 5}, {5, 9, 5}, {5, 2, 2}, {5, 0, 0}, {40, 17, 17}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        bf_list list = {0};
        fill (&list, rows[i].before);
        bf_list_truncate (&list, rows[i].to);
        assert_int_equal (list.count, rows[i].after);
        assert_int_equal (bf_list_push (&list, &things[999]), BF_OK);
        assert_ptr_equal (list.items[rows[i].after], &things[999]);
        bf_list_clear (&list);
    }
}

int
main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_order),
        cmocka_unit_test (test_truncate),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
