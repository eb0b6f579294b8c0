/* SPDX-License-Identifier: MPL-2.0
 *
 * The table of calls in flight: its limits, and that nothing is left of what is over.
 */
#include "actors/calls.h"

#include <string.h>

#include "tests/support/cmocka.h"

/* Small enough to be used up here. */
static const bf_calls_limits small = {
    .calls = {4, 3}, .peer_calls = {3, 1}, .bytes = 1000, .peer_bytes = 600};

static int
set_up (void **state)
{
    *state = bf_calls_new (&small, 1);
    return *state ? 0 : -1;
}

static int
tear_down (void **state)
{
    bf_calls *calls = *state;
    bf_calls_destroy (&calls);
    assert_null (calls);
    return 0;
}

/* One more from the peer whose routing id is this text. */
static bf_err
add (bf_calls *calls, bf_call_kind kind, const char *peer, size_t bytes, uint64_t *id)
{
    bf_path path = {
        .count = 1, .sizes = {(uint8_t)strlen (peer)}, .bytes = (const uint8_t *)peer};
    return bf_calls_add (calls, kind, &path, "client", "request", bytes, id);
}

static void
test_keeps_copies (void **state)
{
    bf_calls *calls = *state;
    char frames[] = "peer\1\2\3\4body";
    bf_path path = {.count = 3, .sizes = {4, 4, 0}, .bytes = (const uint8_t *)frames};
    char client[] = "bot";
    char request_id[] = "r-1";
    uint64_t id = 0;
    assert_int_equal (
        bf_calls_add (calls, BF_CALL_CLAIM, &path, client, request_id, 10, &id), BF_OK);
    assert_int_not_equal (id, 0);
    memset (frames, 'x', sizeof frames);
    memset (client, 'x', sizeof client - 1);
    memset (request_id, 'x', sizeof request_id - 1);

    const bf_call *call = bf_calls_find (calls, id);
    assert_non_null (call);
    assert_int_equal (call->id, id);
    assert_int_equal (call->kind, BF_CALL_CLAIM);
    assert_string_equal (call->client, "bot");
    assert_string_equal (call->request_id, "r-1");
    assert_int_equal (call->path.count, 3);
    assert_int_equal (call->path.sizes[2], 0);
    assert_memory_equal (call->path.bytes, "peer\1\2\3\4", 8);
    assert_null (bf_calls_find (calls, id + 1));
}

static void
test_removed_is_gone (void **state)
{
    bf_calls *calls = *state;
    uint64_t first = 0;
    uint64_t second = 0;
    assert_int_equal (add (calls, BF_CALL_COMMAND, "a", 1, &first), BF_OK);
    bf_calls_remove (calls, first);
    bf_calls_remove (calls, first);
    assert_null (bf_calls_find (calls, first));
    assert_int_equal (bf_calls_count (calls, BF_CALL_COMMAND), 0);
    assert_int_equal (bf_calls_peers (calls), 0);
    assert_int_equal (add (calls, BF_CALL_COMMAND, "a", 1, &second), BF_OK);
    assert_int_not_equal (second, first);
}

typedef struct {
    bf_call_kind kind;
    const char *peer;
    size_t bytes;
} request;

/* What is in flight, and whether one more then goes. */
static const struct {
    const char *what;
    request in_flight[5];
    size_t n_in_flight;
    request more;
    bf_err expected;
} cases[] = {
    {"commands of a peer: the last",
     {{BF_CALL_COMMAND, "a", 1}, {BF_CALL_COMMAND, "a", 1}},
     2,
     {BF_CALL_COMMAND, "a", 1},
     BF_OK},
    {"commands of a peer: one too many",
     {{BF_CALL_COMMAND, "a", 1}, {BF_CALL_COMMAND, "a", 1}, {BF_CALL_COMMAND, "a", 1}},
     3,
     {BF_CALL_COMMAND, "a", 1},
     BF_EBUSY},
    {"another peer is not affected",
     {{BF_CALL_COMMAND, "a", 1}, {BF_CALL_COMMAND, "a", 1}, {BF_CALL_COMMAND, "a", 1}},
     3,
     {BF_CALL_COMMAND, "b", 1},
     BF_OK},
    {"claims are counted apart",
     {{BF_CALL_COMMAND, "a", 1}, {BF_CALL_COMMAND, "a", 1}, {BF_CALL_COMMAND, "a", 1}},
     3,
     {BF_CALL_CLAIM, "a", 1},
     BF_OK},
    {"claims of a peer: one too many",
     {{BF_CALL_CLAIM, "a", 1}},
     1,
     {BF_CALL_CLAIM, "a", 1},
     BF_EBUSY},
    {"commands of all: one too many",
     {{BF_CALL_COMMAND, "a", 1},
      {BF_CALL_COMMAND, "b", 1},
      {BF_CALL_COMMAND, "c", 1},
      {BF_CALL_COMMAND, "d", 1}},
     4,
     {BF_CALL_COMMAND, "e", 1},
     BF_EBUSY},
    {"claims of all: one too many",
     {{BF_CALL_CLAIM, "a", 1}, {BF_CALL_CLAIM, "b", 1}, {BF_CALL_CLAIM, "c", 1}},
     3,
     {BF_CALL_CLAIM, "d", 1},
     BF_EBUSY},
    {"bytes of a peer: the last",
     {{BF_CALL_COMMAND, "a", 599}},
     1,
     {BF_CALL_COMMAND, "a", 1},
     BF_OK},
    {"bytes of a peer: one too many",
     {{BF_CALL_COMMAND, "a", 300}, {BF_CALL_COMMAND, "a", 300}},
     2,
     {BF_CALL_COMMAND, "a", 1},
     BF_EBUSY},
    {"bytes of all: the last",
     {{BF_CALL_COMMAND, "a", 600}},
     1,
     {BF_CALL_COMMAND, "b", 400},
     BF_OK},
    {"bytes of all: one too many",
     {{BF_CALL_COMMAND, "a", 600}},
     1,
     {BF_CALL_COMMAND, "b", 401},
     BF_EBUSY},
};

static void
test_limits (void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bf_calls *calls = bf_calls_new (&small, 1);
        assert_non_null (calls);
        uint64_t ids[5];
        for (size_t j = 0; j < cases[i].n_in_flight; j++) {
            const request *one = &cases[i].in_flight[j];
            assert_int_equal (add (calls, one->kind, one->peer, one->bytes, &ids[j]),
                              BF_OK);
        }
        const request *more = &cases[i].more;
        uint64_t id = 0;
        bf_err rc = add (calls, more->kind, more->peer, more->bytes, &id);
        if (rc != cases[i].expected) {
            fail_msg ("%s: %s", cases[i].what, bf_err_name (rc));
        }
        /* With one answered there is room again. */
        if (rc != BF_OK) {
            size_t peers = bf_calls_peers (calls);
            bf_calls_remove (calls, ids[0]);
            if (add (calls, more->kind, more->peer, more->bytes, &id) != BF_OK) {
                fail_msg ("%s: no room after an answer", cases[i].what);
            }
            assert_in_range (bf_calls_peers (calls), 1, peers);
        }
        bf_calls_destroy (&calls);
    }
}

static void
test_refused_leaves_nothing (void **state)
{
    bf_calls *calls = *state;
    uint64_t id = 7;
    assert_int_equal (add (calls, BF_CALL_COMMAND, "a", 601, &id), BF_EBUSY);
    assert_int_equal (id, 7);
    assert_int_equal (bf_calls_peers (calls), 0);
    assert_int_equal (bf_calls_count (calls, BF_CALL_COMMAND), 0);
}

/* A routing id may hold any bytes; 255 of them are the most. */
static void
test_long_ids_differ (void **state)
{
    bf_calls *calls = *state;
    uint8_t bytes[2][BF_PATH_FRAME_BYTES];
    memset (bytes, 0, sizeof bytes);
    bytes[1][BF_PATH_FRAME_BYTES - 1] = 1;
    for (size_t i = 0; i < 2; i++) {
        bf_path path = {.count = 1, .sizes = {BF_PATH_FRAME_BYTES}, .bytes = bytes[i]};
        uint64_t id = 0;
        assert_int_equal (bf_calls_add (calls, BF_CALL_CLAIM, &path, "c", "r", 1, &id),
                          BF_OK);
    }
    assert_int_equal (bf_calls_peers (calls), 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown (name, set_up, tear_down)

int
main (void)
{
    const struct CMUnitTest tests[] = {
        TEST (test_keeps_copies),       TEST (test_removed_is_gone),
        cmocka_unit_test (test_limits), TEST (test_refused_leaves_nothing),
        TEST (test_long_ids_differ),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
