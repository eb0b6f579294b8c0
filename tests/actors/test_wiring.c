/* SPDX-License-Identifier: MPL-2.0
 *
 * actors/wiring: what is sent arrives, whatever the order of bind, connect and close.
 */
#include "actors/wiring.h"

#include <string.h>

#include "actors/actor.h"
#include "core/base/time.h"
#include "tests/support/cmocka.h"

#include "internal.pb-c.h"

/* Every test has scheduler numbers of its own, because an endpoint is free again only some
 * time after its socket was closed. */

/* Says that something was settled, so that messages can be told apart. */
static bf_err
send_number (zsock_t *socket, uint64_t number)
{
    Belfry__Internal__ClockItem item = BELFRY__INTERNAL__CLOCK_ITEM__INIT;
    item.item_case = BELFRY__INTERNAL__CLOCK_ITEM__ITEM_SETTLED;
    item.settled = number;
    Belfry__Internal__ClockItem *items[] = {&item};
    Belfry__Internal__ToClock message = BELFRY__INTERNAL__TO_CLOCK__INIT;
    message.n_items = 1;
    message.items = items;
    return bf_inbox_send (socket, &message.base);
}

/* The next one's number; 0 where there is none. */
static uint64_t
receive_number (zsock_t *inbox)
{
    zframe_t *frame = bf_inbox_receive (inbox);
    if (!frame) {
        return 0;
    }
    Belfry__Internal__ToClock *message =
        belfry__internal__to_clock__unpack (NULL, zframe_size (frame), zframe_data (frame));
    assert_non_null (message);
    assert_int_equal (message->n_items, 1);
    uint64_t number = message->items[0]->settled;
    belfry__internal__to_clock__free_unpacked (message, NULL);
    zframe_destroy (&frame);
    return number;
}

static void
test_delivery (void **state)
{
    (void)state;
    zsock_t *inbox = bf_inbox_bind (1, BF_INBOX_CLOCK);
    zsock_t *sender = bf_inbox_connect (1, BF_INBOX_CLOCK);
    assert_int_equal (receive_number (inbox), 0);
    assert_int_equal (send_number (sender, 7), BF_OK);
    assert_int_equal (receive_number (inbox), 7);
    assert_int_equal (receive_number (inbox), 0);
    zsock_destroy (&sender);
    zsock_destroy (&inbox);
}

/* Far beyond libzmq's default marks, and the sender gone before the first is read. */
static void
test_sender_ends_first (void **state)
{
    (void)state;
    zsock_t *inbox = bf_inbox_bind (3, BF_INBOX_CLOCK);
    zsock_t *sender = bf_inbox_connect (3, BF_INBOX_CLOCK);
    for (uint64_t i = 1; i <= 10000; i++) {
        assert_int_equal (send_number (sender, i), BF_OK);
    }
    zsock_destroy (&sender);
    for (uint64_t i = 1; i <= 10000; i++) {
        assert_int_equal (receive_number (inbox), i);
    }
    assert_int_equal (receive_number (inbox), 0);
    zsock_destroy (&inbox);
}

static void
test_connect_first (void **state)
{
    (void)state;
    zsock_t *sender = bf_inbox_connect (5, BF_INBOX_CLOCK);
    for (uint64_t i = 1; i <= 5000; i++) {
        assert_int_equal (send_number (sender, i), BF_OK);
    }
    zsock_t *inbox = bf_inbox_bind (5, BF_INBOX_CLOCK);
    for (uint64_t i = 1; i <= 5000; i++) {
        assert_int_equal (receive_number (inbox), i);
    }
    zsock_destroy (&sender);
    zsock_destroy (&inbox);
}

/* libzmq closes the inbox a moment after we do; from then on a send is an error, and it is
 * never a wait. */
static void
test_receiver_gone (void **state)
{
    (void)state;
    zsock_t *inbox = bf_inbox_bind (7, BF_INBOX_CLOCK);
    zsock_t *sender = bf_inbox_connect (7, BF_INBOX_CLOCK);
    assert_int_equal (send_number (sender, 1), BF_OK);
    assert_int_equal (receive_number (inbox), 1);
    zsock_destroy (&inbox);
    int64_t until_us = bf_now_read ().boot.us + 10 * BF_SECOND_US;
    bf_err rc = BF_OK;
    while (rc == BF_OK && bf_now_read ().boot.us < until_us) {
        rc = send_number (sender, 2);
    }
    assert_int_equal (rc, BF_EINTERNAL);
    zsock_destroy (&sender);
}

static void
test_schedulers_apart (void **state)
{
    (void)state;
    zsock_t *first = bf_inbox_bind (9, BF_INBOX_CLOCK);
    zsock_t *second = bf_inbox_bind (10, BF_INBOX_CLOCK);
    zsock_t *other = bf_inbox_bind (9, BF_INBOX_STORE);
    assert_non_null (first);
    assert_non_null (second);
    assert_non_null (other);
    assert_null (bf_inbox_bind (9, BF_INBOX_CLOCK));
    zsock_t *sender = bf_inbox_connect (10, BF_INBOX_CLOCK);
    assert_int_equal (send_number (sender, 3), BF_OK);
    assert_int_equal (receive_number (first), 0);
    assert_int_equal (receive_number (other), 0);
    assert_int_equal (receive_number (second), 3);
    zsock_destroy (&sender);
    zsock_destroy (&first);
    zsock_destroy (&second);
    zsock_destroy (&other);
}

int
main (void)
{
    bf_actor_prepare (NULL);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_delivery),         cmocka_unit_test (test_sender_ends_first),
        cmocka_unit_test (test_connect_first),    cmocka_unit_test (test_receiver_gone),
        cmocka_unit_test (test_schedulers_apart),
    };
    int failed = cmocka_run_group_tests (tests, NULL, NULL);
    zsys_shutdown ();
    return failed;
}
