/* SPDX-License-Identifier: MPL-2.0
 *
 * What a watch does with a frame of the feed, move by move, without sockets.
 */
#include "clients/c/stream.h"

#include <string.h>

#include "tests/support/cmocka.h"

#define SECOND_US INT64_C (1000000)

typedef enum { END, FRAME, BEAT, CONNECT, COVER, REPLAYED, PAGE } move_kind;

#define NO_EPOCH UINT64_MAX

/* One thing that happens and what it must lead to. */
typedef struct {
    move_kind kind;
    uint64_t seq; /* of a frame; the head of a beat; what a COVER covers */
    uint64_t prev_seq;
    const char *topic; /* NULL: "a " */
    int64_t at_us;
    uint64_t epoch; /* 0: 7; NO_EPOCH: 0 */
    bf_stream_step expected;
    uint64_t covered; /* afterwards */
} move;

typedef struct {
    const char *name;
    bool chosen;
    uint64_t epoch;
    uint64_t after_seq;
    move moves[12];
} story;

#define DROP BF_STREAM_DROP
#define TELL BF_STREAM_TELL
#define REPLAY BF_STREAM_REPLAY
#define RESTARTED BF_STREAM_RESTARTED

/* clang-format off: a move a line. */
static const story stories[] = {
    {"all: one after another",
     false,
     0,
     0,
     {{FRAME, .seq = 1, .expected = TELL, .covered = 1},
      {FRAME, .seq = 2, .expected = TELL, .covered = 2},
      {BEAT, .seq = 2, .expected = DROP, .covered = 2}}},
    {"all: goes on where it was",
     false,
     7,
     41,
     {{FRAME, .seq = 40, .expected = DROP, .covered = 41},
      {FRAME, .seq = 41, .expected = DROP, .covered = 41},
      {FRAME, .seq = 42, .expected = TELL, .covered = 42}}},
    {"all: a gap is replayed, the frames of it dropped",
     false,
     0,
     0,
     {{FRAME, .seq = 1, .expected = TELL, .covered = 1},
      {FRAME, .seq = 3, .expected = REPLAY, .covered = 1},
      {REPLAYED, .seq = 1, .expected = DROP, .covered = 1},
      {REPLAYED, .seq = 2, .expected = TELL, .covered = 1},
      {REPLAYED, .seq = 3, .expected = TELL, .covered = 1},
      {COVER, .seq = 4, .covered = 4},
      {FRAME, .seq = 4, .expected = DROP, .covered = 4},
      {FRAME, .seq = 5, .expected = TELL, .covered = 5}}},
    {"all: a lost last frame shows in two beats",
     false,
     0,
     5,
     {{BEAT, .seq = 6, .expected = DROP, .covered = 5},
      {BEAT, .seq = 6, .expected = REPLAY, .covered = 5},
      {BEAT, .seq = 6, .expected = DROP, .covered = 5},
      {BEAT, .seq = 6, .expected = REPLAY, .covered = 5}}},
    {"all: a beat that is not ahead begins the count anew",
     false,
     0,
     5,
     {{BEAT, .seq = 6, .expected = DROP, .covered = 5},
      {FRAME, .seq = 6, .expected = TELL, .covered = 6},
      {BEAT, .seq = 6, .expected = DROP, .covered = 6},
      {BEAT, .seq = 7, .expected = DROP, .covered = 6}}},
    {"all: after a connect one beat is enough",
     false,
     0,
     5,
     {{CONNECT, .covered = 5}, {BEAT, .seq = 6, .expected = REPLAY, .covered = 5}}},
    {"all: after a connect nothing is asked where nothing is new",
     false,
     0,
     5,
     {{CONNECT, .covered = 5},
      {BEAT, .seq = 5, .expected = DROP, .covered = 5},
      {BEAT, .seq = 5, .expected = DROP, .covered = 5},
      {BEAT, .seq = 6, .expected = DROP, .covered = 5}}},
    {"all: another history in a frame",
     false,
     7,
     50,
     {{FRAME, .seq = 51, .expected = TELL, .covered = 51},
      {FRAME, .seq = 3, .epoch = 8, .expected = RESTARTED, .covered = 0},
      {FRAME, .seq = 1, .epoch = 8, .expected = TELL, .covered = 1}}},
    {"all: another history in a beat",
     false,
     7,
     50,
     {{BEAT, .seq = 3, .epoch = 8, .expected = RESTARTED, .covered = 0},
      {BEAT, .seq = 0, .epoch = 8, .expected = DROP, .covered = 0}}},
    {"all: another history in a page",
     false,
     7,
     50,
     {{PAGE, .epoch = 7, .expected = DROP, .covered = 50},
      {PAGE, .epoch = 8, .expected = RESTARTED, .covered = 0}}},
    {"all: what names no history is lost, also as the first of all",
     false,
     0,
     0,
     {{FRAME, .seq = 1, .epoch = NO_EPOCH, .expected = DROP, .covered = 0},
      {BEAT, .seq = 9, .epoch = NO_EPOCH, .expected = DROP, .covered = 0},
      {FRAME, .seq = 1, .epoch = 8, .expected = TELL, .covered = 1},
      {FRAME, .seq = 2, .epoch = NO_EPOCH, .expected = DROP, .covered = 1},
      {FRAME, .seq = 2, .epoch = 7, .expected = RESTARTED, .covered = 0}}},
    {"chosen: gaps in seq are normal",
     true,
     0,
     10,
     {{FRAME, .seq = 15, .prev_seq = 9, .expected = TELL, .covered = 10},
      {FRAME, .seq = 20, .prev_seq = 15, .expected = TELL, .covered = 10},
      {FRAME, .seq = 20, .prev_seq = 15, .expected = DROP, .covered = 10},
      {FRAME, .seq = 18, .prev_seq = 3, .topic = "b ", .expected = TELL, .covered = 10}}},
    {"chosen: a gap in one topic behind the seq of another",
     true,
     0,
     10,
     {{FRAME, .seq = 12, .prev_seq = 5, .expected = TELL, .covered = 10},
      {FRAME, .seq = 13, .prev_seq = 11, .topic = "b ", .expected = REPLAY, .covered = 10},
      {REPLAYED, .seq = 11, .topic = "b ", .expected = TELL, .covered = 10},
      {REPLAYED, .seq = 12, .expected = DROP, .covered = 10},
      {REPLAYED, .seq = 13, .topic = "b ", .expected = TELL, .covered = 10},
      {COVER, .seq = 13, .covered = 13},
      {FRAME, .seq = 14, .prev_seq = 12, .expected = TELL, .covered = 13},
      {FRAME, .seq = 15, .prev_seq = 13, .topic = "b ", .expected = TELL, .covered = 13}}},
    {"chosen: what was told beyond a replay is not told again",
     true,
     0,
     10,
     {{FRAME, .seq = 30, .prev_seq = 5, .expected = TELL, .covered = 10},
      {COVER, .seq = 20, .covered = 20},
      {FRAME, .seq = 30, .prev_seq = 5, .expected = DROP, .covered = 20},
      {FRAME, .seq = 31, .prev_seq = 30, .expected = TELL, .covered = 20}}},
    {"chosen: a head that is ahead is looked at every 30 s",
     true,
     0,
     10,
     {{COVER, .seq = 10, .at_us = 100 * SECOND_US, .covered = 10},
      {BEAT, .seq = 11, .at_us = 101 * SECOND_US, .expected = DROP, .covered = 10},
      {BEAT, .seq = 12, .at_us = 129 * SECOND_US, .expected = DROP, .covered = 10},
      {BEAT, .seq = 13, .at_us = 130 * SECOND_US, .expected = REPLAY, .covered = 10}}},
    {"chosen: after a connect two beats are not trusted",
     true,
     0,
     10,
     {{COVER, .seq = 10, .at_us = 100 * SECOND_US, .covered = 10},
      {CONNECT, .covered = 10},
      {BEAT, .seq = 11, .at_us = 101 * SECOND_US, .expected = REPLAY, .covered = 10},
      {COVER, .seq = 11, .at_us = 101 * SECOND_US, .covered = 11},
      {BEAT, .seq = 12, .at_us = 102 * SECOND_US, .expected = REPLAY, .covered = 11},
      {COVER, .seq = 12, .at_us = 102 * SECOND_US, .covered = 12},
      {BEAT, .seq = 13, .at_us = 103 * SECOND_US, .expected = DROP, .covered = 12}}},
    {"a replay never goes back", false, 0, 9, {{COVER, .seq = 4, .covered = 9}}},
};
/* clang-format on */

static bf_stream_step
make_move (bf_stream *stream, const move *made)
{
    const char *topic = made->topic != NULL ? made->topic : "a ";
    uint64_t epoch = made->epoch == NO_EPOCH ? 0 : made->epoch != 0 ? made->epoch : 7;
    switch (made->kind) {
    case FRAME:
        return bf_stream_frame (stream, epoch, made->seq, made->prev_seq, topic);
    case BEAT:
        return bf_stream_beat (stream, epoch, made->seq, made->at_us);
    case REPLAYED:
        return bf_stream_replayed (stream, made->seq, topic);
    case PAGE:
        return bf_stream_page (stream, epoch);
    case CONNECT:
        bf_stream_connected (stream);
        break;
    case COVER:
        bf_stream_cover (stream, made->seq, made->at_us);
        break;
    case END:
        break;
    }
    return made->expected;
}

static void
test_stories (void **state)
{
    (void)state;
    static bf_stream stream;
    for (size_t index = 0; index < sizeof stories / sizeof stories[0]; index++) {
        const story *told = &stories[index];
        bf_stream_begin (&stream, told->chosen, told->epoch, told->after_seq);
        for (size_t step = 0; told->moves[step].kind != END; step++) {
            const move *made = &told->moves[step];
            bf_stream_step found = make_move (&stream, made);
            if (found != made->expected || stream.covered != made->covered) {
                fail_msg ("%s, move %zu: step %d (expected %d), covered %llu (expected "
                          "%llu)",
                          told->name, step, (int)found, (int)made->expected,
                          (unsigned long long)stream.covered,
                          (unsigned long long)made->covered);
            }
        }
    }
}

/* More topics than are remembered: a replay covers them, and there is room again. */
static void
test_topics_are_bounded (void **state)
{
    (void)state;
    static bf_stream stream;
    bf_stream_begin (&stream, true, 7, 0);
    for (uint64_t seq = 1; seq <= BF_STREAM_TOPICS; seq++) {
        char topic[16] = {'t', (char)('a' + seq % 16), (char)('a' + seq / 16), ' '};
        assert_int_equal (bf_stream_frame (&stream, 7, seq, 0, topic), BF_STREAM_TELL);
    }
    assert_int_equal (bf_stream_frame (&stream, 7, 1000, 0, "z "), BF_STREAM_REPLAY);
    bf_stream_cover (&stream, 999, 0);
    assert_int_equal (stream.topics_size, 0);
    assert_int_equal (bf_stream_frame (&stream, 7, 1000, 0, "z "), BF_STREAM_TELL);
}

/* A topic longer than any that is allowed is not cut, which could make two into one. */
static void
test_a_long_topic_is_not_kept (void **state)
{
    (void)state;
    static bf_stream stream;
    char topic[BF_STREAM_TOPIC_BYTES + 1];
    memset (topic, 'x', sizeof topic - 1);
    topic[sizeof topic - 1] = '\0';
    bf_stream_begin (&stream, true, 7, 0);
    assert_int_equal (bf_stream_frame (&stream, 7, 1, 0, topic), BF_STREAM_REPLAY);
}

int
main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_stories),
        cmocka_unit_test (test_topics_are_bounded),
        cmocka_unit_test (test_a_long_topic_is_not_kept),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
