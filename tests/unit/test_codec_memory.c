/* SPDX-License-Identifier: MPL-2.0
 *
 * Frames that are made to cost: as deep, as long and as full as they can be. What is good
 * fits into the memory that a daemon gives the codec, and what is not is refused before it
 * costs any.
 */
#include "messages/codec.h"

#include <stdio.h>
#include <string.h>

#include "messages/limits.h"
#include "tests/support/cmocka.h"
#include "tests/support/frame.h"

static bf_arena *arena;      /* of the test */
static bf_arena *decoded_in; /* of the codec: what a daemon gives it */

static int
setup (void **state)
{
    (void)state;
    arena = bf_arena_new (64 * 1024 * 1024);
    decoded_in = bf_arena_new (BF_DECODE_BYTES);
    return arena == NULL || decoded_in == NULL;
}

static int
teardown (void **state)
{
    (void)state;
    bf_arena_destroy (&arena);
    bf_arena_destroy (&decoded_in);
    return 0;
}

/* Message in message in message: only the schema's depth is entered. */
static void
test_deep (void **state)
{
    (void)state;
    frame_t inner = frame_new (arena, BF_FRAME_BYTES);
    for (int depth = 0; depth < 500; depth++) {
        frame_t outer = frame_new (arena, inner.size + 8);
        frame_field (&outer, 10, inner.bytes, inner.size);
        inner = outer;
    }
    frame_t frame = frame_new (arena, inner.size + 16);
    frame_header (&frame);
    frame_field (&frame, 10, inner.bytes, inner.size);
    frame_refused (decoded_in, &frame, BF_EINVALID, "jobs has 0 items");

    /* batch { items { batch { items … */
    inner = frame_new (arena, 8);
    for (int depth = 0; depth < 500; depth++) {
        frame_t outer = frame_new (arena, inner.size + 8);
        frame_field (&outer, depth % 2 == 0 ? 17 : 1, inner.bytes, inner.size);
        inner = outer;
    }
    frame = frame_new (arena, inner.size + 16);
    frame_header (&frame);
    frame_field (&frame, 17, inner.bytes, inner.size);
    frame_refused (decoded_in, &frame, BF_EINVALID, "items[0] has no command");
}

/* A policy with the longest list: backoff LIST, 100 times 1 ms, packed. */
static void
put_retry (frame_t *job)
{
    frame_t delays = frame_new (arena, 200);
    for (int i = 0; i < BF_RETRY_DELAYS; i++) {
        frame_varint (&delays, (uint64_t)BF_RETRY_DELAY_MIN_US);
    }
    frame_t retry = frame_new (arena, 208);
    frame_put (&retry, "\x10\x04", 2);
    frame_field (&retry, 7, delays.bytes, delays.size);
    frame_field (job, 20, retry.bytes, retry.size);
}

/* The most that passes the scan: 1000 jobs of many fields, unknown ones besides, in a full
 * frame; in one Schedule, or each in one of its own in a batch. */
static frame_t
swollen (unsigned unknown_per_job, bool batch)
{
    frame_t all = frame_new (arena, BF_FRAME_BYTES);
    for (int i = 0; i < BF_JOBS_PER_CALL; i++) {
        frame_t job = frame_new (arena, 600);
        frame_field (&job, 1, "n", 1);
        frame_field (&job, 3, "t", 1);
        frame_field (&job, 4, "p", 1);
        frame_field (&job, 5, "c", 1);
        for (size_t tag = 0; tag < BF_TAGS; tag++) {
            frame_field (&job, 6, "abcdefgh" + tag, 1);
        }
        frame_put (&job, "\x38\x01\x58\x01\xb8\x01\x00", 7);
        put_retry (&job);
        for (unsigned more = 0; more < unknown_per_job; more++) {
            frame_put (&job, "\xc0\x07\x01", 3); /* field 120 */
        }
        char key[16];
        int length = snprintf (key, sizeof key, "%d", i);
        frame_field (&job, 2, key, (size_t)length);
        if (batch) {
            frame_t schedule = frame_new (arena, 640);
            frame_t item = frame_new (arena, 640);
            frame_field (&schedule, 1, job.bytes, job.size);
            frame_field (&item, 10, schedule.bytes, schedule.size);
            frame_field (&all, 1, item.bytes, item.size);
        } else {
            frame_field (&all, 1, job.bytes, job.size);
        }
    }
    frame_t frame = frame_new (arena, BF_FRAME_BYTES);
    frame_header (&frame);
    frame_field (&frame, batch ? 17 : 10, all.bytes, all.size);
    /* Field 1000 of the request fills the frame. */
    frame_varint (&frame, 1000 << 3 | 2);
    frame_varint (&frame, BF_FRAME_BYTES - frame.size - 3);
    frame.size = BF_FRAME_BYTES;
    return frame;
}

static void
test_memory_is_enough (void **state)
{
    (void)state;
    Belfry__V1__Request *request;
    bf_error error;
    for (int batch = 0; batch < 2; batch++) {
        bf_arena_reset (arena);
        frame_t frame = swollen (16, batch);
        if (frame_decode (decoded_in, frame.bytes, frame.size, &request, &error) != BF_OK) {
            fail_msg ("%s", error.text);
        }
        assert_int_equal (batch ? request->batch->n_items : request->schedule->n_jobs,
                          BF_JOBS_PER_CALL);
        assert_true (bf_arena_used (decoded_in) < BF_DECODE_BYTES / 2);
        frame = swollen (17, batch);
        frame_refused (decoded_in, &frame, BF_ELIMIT,
                       "too many unknown fields, allowed are 16384");
    }
}

/* Empty jobs, as many as fit into a frame, spread over a batch: counted before there is
 * memory for them. */
static void
test_jobs_over_a_batch (void **state)
{
    (void)state;
    frame_t batch = frame_new (arena, BF_FRAME_BYTES);
    for (int i = 0; i < BF_ITEMS_PER_BATCH; i++) {
        frame_t schedule = frame_new (arena, 1024);
        for (int job = 0; job < 500; job++) {
            frame_put (&schedule, "\x0a\x00", 2);
        }
        frame_t item = frame_new (arena, 1032);
        frame_field (&item, 10, schedule.bytes, schedule.size);
        frame_field (&batch, 1, item.bytes, item.size);
    }
    frame_t frame = frame_new (arena, BF_FRAME_BYTES);
    frame_header (&frame);
    frame_field (&frame, 17, batch.bytes, batch.size);
    frame_refused (decoded_in, &frame, BF_ELIMIT,
                   "items[2].schedule.jobs has too many items, allowed are 1000 in all");
}

/* List.states, packed, with nothing in it, as often as fits. */
static void
test_empty_lists (void **state)
{
    (void)state;
    frame_t list = frame_new (arena, BF_FRAME_BYTES);
    while (list.size < BF_FRAME_BYTES - 64) {
        frame_put (&list, "\x1a\x00", 2);
    }
    frame_t frame = frame_new (arena, BF_FRAME_BYTES);
    frame_header (&frame);
    frame_field (&frame, 31, list.bytes, list.size);
    frame_refused (decoded_in, &frame, BF_ELIMIT, "too many unknown fields");
}

int
main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown (test_deep, setup, teardown),
        cmocka_unit_test_setup_teardown (test_memory_is_enough, setup, teardown),
        cmocka_unit_test_setup_teardown (test_jobs_over_a_batch, setup, teardown),
        cmocka_unit_test_setup_teardown (test_empty_lists, setup, teardown),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
