/* SPDX-License-Identifier: MPL-2.0
 *
 * belfry_watch: frames of the feed, heartbeats, and the pages of Replay that they make it
 * ask for, all from the input. What is told live has no gap and no repeat within one
 * history, is of a kind that was chosen, and has all of its texts.
 */
#include <string.h>

#include "clients/c/belfry_wire.h"
#include "tests/fuzz/mutate.h"
#include "tests/fuzz/wire.h"

typedef struct {
    const belfry_watch_options *options;
    bool live; /* the last that was told came from the feed */
    uint64_t seq;
    uint64_t epoch;
    size_t told;
} listener;

static void
check_live (listener *self, const belfry_event *event)
{
    if (!self->live || self->options->kinds != NULL || self->options->types != NULL) {
        return;
    }
    FUZZ_CHECK (event->stream_epoch == self->epoch, "another history without a notice");
    FUZZ_CHECK (event->seq == self->seq + 1, "%llu follows %llu",
                (unsigned long long)event->seq, (unsigned long long)self->seq);
}

static bool
is_chosen (const char *const *list, const char *name)
{
    bool chosen = list == NULL;
    for (size_t i = 0; list != NULL && list[i] != NULL; i++) {
        chosen |= strcmp (list[i], name) == 0;
    }
    return chosen;
}

static int
handle (const belfry_event *event, void *context)
{
    listener *self = context;
    FUZZ_CHECK (event->kind != NULL && event->ns != NULL && event->key != NULL &&
                    event->type != NULL && event->run != NULL && event->reason != NULL &&
                    event->content_type != NULL,
                "an event without its texts");
    FUZZ_CHECK ((event->notice == BELFRY_EVENT) == (belfry_event_message (event) != NULL),
                "notice %d", (int)event->notice);
    if (event->notice == BELFRY_EVENT) {
        FUZZ_CHECK (is_chosen (self->options->kinds, event->kind) &&
                        is_chosen (self->options->types, event->type),
                    "%s %s was not asked for", event->kind, event->type);
        FUZZ_CHECK (!self->options->monitor || event->payload_size == 0, "a payload");
        volatile size_t length = strlen (event->reason) + strlen (event->run);
        (void)length;
        if (!event->replayed) {
            check_live (self, event);
        }
    }
    if (event->notice == BELFRY_EVENTS_LOST) {
        FUZZ_CHECK (event->oldest_seq > 0, "events are lost before the first");
    }
    self->live = event->notice == BELFRY_EVENT && !event->replayed;
    self->seq = event->seq;
    self->epoch = event->stream_epoch;
    /* A handler may end the watch. */
    return ++self->told == 500;
}

/* One byte says how it watches. */
int
LLVMFuzzerTestOneInput (const uint8_t *bytes, size_t size)
{
    static const char *const kinds[] = {"run.fired", "job.scheduled", NULL};
    static const char *const types[] = {"mail", NULL};
    fuzz_input input = {bytes, size};
    uint8_t how = fuzz_byte (&input);
    belfry_watch_options options = {
        .kinds = (how & 1) != 0 ? kinds : NULL,
        .types = (how & 2) != 0 ? types : NULL,
        .monitor = (how & 4) != 0,
        .from_now = (how & 8) != 0,
        .after_seq = (how & 16) != 0 ? 3 : 0,
        .stream_epoch = (how & 32) != 0 ? 1 : 0,
    };
    listener self = {.options = &options};
    belfry *handle_p = wire_open (input.at, input.size);
    int rc = belfry_watch (handle_p, &options, handle, &self);
    FUZZ_CHECK (rc <= 0 && strcmp (belfry_error_name (rc), "UNKNOWN") != 0, "%d", rc);
    FUZZ_CHECK (rc == BELFRY_OK || rc == BELFRY_HANDLER ||
                    belfry_error_text (handle_p)[0] != '\0',
                "%d has no text", rc);
    wire_close (&handle_p);
    return 0;
}

/* Structure is changed in one of the messages: of the first few, by its control byte an
 * event, a heartbeat or a reply. */
size_t
LLVMFuzzerCustomMutator (uint8_t *bytes, size_t size, size_t room, unsigned seed)
{
    size_t at = 1;
    for (unsigned skip = seed / 8 % 6; skip > 0 && at + 3 <= size; skip--) {
        size_t next = at + 3 + (bytes[at + 1] | (size_t)bytes[at + 2] << 8);
        at = next + 3 <= size ? next : at;
    }
    size_t length = at + 3 <= size ? bytes[at + 1] | (size_t)bytes[at + 2] << 8 : 0;
    if (at + 3 > size || length > size - at - 3 || seed % 4 == 0) {
        return LLVMFuzzerMutate (bytes, size, room);
    }
    uint8_t *body = bytes + at + 3;
    size_t rest = size - at - 3 - length;
    uint8_t *copy = (uint8_t *)fuzz_text (body + length, rest);
    size_t most = room - at - 3 - rest;
    const ProtobufCMessageDescriptor *descriptor =
        (bytes[at] & WIRE_FEED) == 0   ? &belfry__v1__reply__descriptor
        : (bytes[at] & WIRE_BEAT) != 0 ? &belfry__v1__feed_heartbeat__descriptor
                                       : &belfry__v1__event__descriptor;
    length = fuzz_mutate (descriptor, body, length, most < 65535 ? most : 65535, seed / 4);
    bytes[at + 1] = (uint8_t)length;
    bytes[at + 2] = (uint8_t)(length >> 8);
    memcpy (body + length, copy, rest);
    free (copy);
    return at + 3 + length + rest;
}
