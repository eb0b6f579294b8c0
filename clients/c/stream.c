/* SPDX-License-Identifier: MPL-2.0
 *
 * See stream.h. Pure: called by watch.c alone.
 */
#include "clients/c/stream.h"

#include <stdio.h>
#include <string.h>

void
bf_stream_begin (bf_stream *stream, bool chosen, uint64_t epoch, uint64_t after_seq)
{
    *stream = (bf_stream){.chosen = chosen, .epoch = epoch, .covered = after_seq};
}

void
bf_stream_connected (bf_stream *stream)
{
    stream->settling = BF_STREAM_SETTLING;
}

/* True where it is of the history that the state is in, or the first one that is seen.
 * `epoch` is not 0. */
static bool
epoch_is_ours (bf_stream *stream, uint64_t epoch)
{
    if (stream->epoch == 0) {
        stream->epoch = epoch;
    }
    return stream->epoch == epoch;
}

static bf_stream_step
restart (bf_stream *stream, uint64_t epoch)
{
    uint32_t settling = stream->settling;
    bf_stream_begin (stream, stream->chosen, epoch, 0);
    stream->settling = settling;
    return BF_STREAM_RESTARTED;
}

static bf_stream_topic *
find_topic (bf_stream *stream, const char *topic)
{
    for (size_t index = 0; index < stream->topics_size; index++) {
        if (strcmp (stream->topics[index].topic, topic) == 0) {
            return &stream->topics[index];
        }
    }
    return NULL;
}

/* What no gap can hide before: every event of the topic up to this seq was told. */
static uint64_t
told_of (bf_stream *stream, const char *topic)
{
    const bf_stream_topic *known = find_topic (stream, topic);
    return known != NULL && known->told > stream->covered ? known->told : stream->covered;
}

/* False where the topic is new and there is no room for it. */
static bool
take_as_told (bf_stream *stream, uint64_t seq, const char *topic)
{
    bf_stream_topic *known = find_topic (stream, topic);
    if (known == NULL) {
        if (stream->topics_size == BF_STREAM_TOPICS ||
            strlen (topic) >= BF_STREAM_TOPIC_BYTES) {
            return false;
        }
        known = &stream->topics[stream->topics_size++];
        snprintf (known->topic, sizeof known->topic, "%s", topic);
    }
    known->told = seq;
    return true;
}

bf_stream_step
bf_stream_frame (bf_stream *stream, uint64_t epoch, uint64_t seq, uint64_t prev_seq,
                 const char *topic)
{
    if (epoch == 0) {
        return BF_STREAM_DROP;
    }
    if (!epoch_is_ours (stream, epoch)) {
        return restart (stream, epoch);
    }
    if (!stream->chosen) {
        if (seq <= stream->covered) {
            return BF_STREAM_DROP;
        }
        if (seq != stream->covered + 1) {
            return BF_STREAM_REPLAY;
        }
        stream->covered = seq;
        return BF_STREAM_TELL;
    }
    uint64_t told = told_of (stream, topic);
    if (seq <= told) {
        return BF_STREAM_DROP;
    }
    if (prev_seq > told || !take_as_told (stream, seq, topic)) {
        return BF_STREAM_REPLAY;
    }
    return BF_STREAM_TELL;
}

bf_stream_step
bf_stream_beat (bf_stream *stream, uint64_t epoch, uint64_t head_seq, int64_t now_us)
{
    if (epoch == 0) {
        return BF_STREAM_DROP;
    }
    if (!epoch_is_ours (stream, epoch)) {
        return restart (stream, epoch);
    }
    bool settling = stream->settling > 0;
    if (settling) {
        stream->settling--;
    }
    if (head_seq <= stream->covered) {
        stream->ahead = 0;
        return BF_STREAM_DROP;
    }
    stream->ahead++;
    bool time_to_look =
        !stream->chosen || now_us - stream->replayed_us >= BF_STREAM_LOOK_US;
    if (settling || (stream->ahead >= BF_STREAM_BEATS && time_to_look)) {
        stream->ahead = 0;
        return BF_STREAM_REPLAY;
    }
    return BF_STREAM_DROP;
}

bf_stream_step
bf_stream_page (bf_stream *stream, uint64_t epoch)
{
    return epoch_is_ours (stream, epoch) ? BF_STREAM_DROP : restart (stream, epoch);
}

bf_stream_step
bf_stream_replayed (bf_stream *stream, uint64_t seq, const char *topic)
{
    uint64_t told = stream->chosen ? told_of (stream, topic) : stream->covered;
    return seq > told ? BF_STREAM_TELL : BF_STREAM_DROP;
}

void
bf_stream_cover (bf_stream *stream, uint64_t covered, int64_t now_us)
{
    if (covered > stream->covered) {
        stream->covered = covered;
    }
    stream->replayed_us = now_us;
    stream->ahead = 0;
    size_t kept = 0;
    for (size_t index = 0; index < stream->topics_size; index++) {
        if (stream->topics[index].told > stream->covered) {
            stream->topics[kept++] = stream->topics[index];
        }
    }
    stream->topics_size = kept;
}
