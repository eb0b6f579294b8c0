/* SPDX-License-Identifier: MPL-2.0
 *
 * What to do with a frame of the feed: tell it, drop it, or replay first? Pure: no socket,
 * no clock. watch.c does what this says.
 *
 * Seq has no gaps, so whoever subscribes to everything sees a lost frame in the next one.
 * Whoever chose topics sees it in prev_seq, the seq of the event before with the same
 * topic; what was lost at the end of a topic only shows as a head that is ahead, which for
 * them is also the normal case: so they look now and then.
 */
#ifndef BF_CLIENT_STREAM_H
#define BF_CLIENT_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    BF_STREAM_TOPICS = 256, /* known ahead of `covered`; beyond it a replay starts over */
    BF_STREAM_TOPIC_BYTES = 136, /* kind and type, up to 64 each, two spaces, NUL */
    BF_STREAM_BEATS = 2,         /* a head must be ahead so often before it counts */
    BF_STREAM_SETTLING = 2, /* beats after a connect that are not trusted: the publisher may
                             * know the heartbeat's subscription before the others */
};
#define BF_STREAM_LOOK_US INT64_C (30000000) /* how often a chosen stream looks at most */

typedef enum {
    BF_STREAM_DROP,      /* it was told before, or says nothing new */
    BF_STREAM_TELL,      /* the state has taken it as told */
    BF_STREAM_REPLAY,    /* something is missing before it: replay after `covered` */
    BF_STREAM_RESTARTED, /* of another history: the state has begun anew; say so, replay */
} bf_stream_step;

/* `told` is the seq of the last event told of this topic, ahead of `covered`. */
typedef struct {
    char topic[BF_STREAM_TOPIC_BYTES];
    uint64_t told;
} bf_stream_topic;

typedef struct {
    bool chosen;         /* topics were chosen, so seq has gaps */
    uint64_t epoch;      /* 0: not known yet */
    uint64_t covered;    /* every event up to it was told, or was not asked for */
    uint32_t ahead;      /* beats in a row whose head was ahead */
    uint32_t settling;   /* beats until the connection is trusted */
    int64_t replayed_us; /* when the last replay ended */
    size_t topics_size;
    bf_stream_topic topics[BF_STREAM_TOPICS]; /* chosen only */
} bf_stream;

void bf_stream_begin (bf_stream *stream, bool chosen, uint64_t epoch, uint64_t after_seq);

/* The feed was connected, or connected again: frames may have been lost. */
void bf_stream_connected (bf_stream *stream);

/* A frame of the feed. One that names no history (epoch 0) is damaged, and lost like any
 * other: taken for the first of its history, it would hide that another one follows. */
bf_stream_step bf_stream_frame (bf_stream *stream, uint64_t epoch, uint64_t seq,
                                uint64_t prev_seq, const char *topic);

/* A heartbeat of the feed; without a history, as a frame. */
bf_stream_step bf_stream_beat (bf_stream *stream, uint64_t epoch, uint64_t head_seq,
                               int64_t now_us);

/* What a page of replay says of the history it is from: DROP (go on) or RESTARTED.
 * `epoch` is not 0. */
bf_stream_step bf_stream_page (bf_stream *stream, uint64_t epoch);

/* An event of a replay: TELL or DROP. */
bf_stream_step bf_stream_replayed (bf_stream *stream, uint64_t seq, const char *topic);

/* A page is done: everything up to `covered` was in it. */
void bf_stream_cover (bf_stream *stream, uint64_t covered, int64_t now_us);

#endif
