/* SPDX-License-Identifier: MPL-2.0
 *
 * A libzmq for targets of the C client: every socket has the same peer, which says what the
 * input says and is gone at its end. One thread; time passes where somebody would wait, and
 * only then.
 */
#ifndef BF_FUZZ_WIRE_H
#define BF_FUZZ_WIRE_H

#include "clients/c/belfry.h"
#include "tests/fuzz/fuzz.h"

/* A handle whose peer is this input: parts of a control byte and a message, of which the
 * first two bytes are the length (fuzz_part). The bytes are borrowed. */
belfry *wire_open (const uint8_t *bytes, size_t size);
/* Ends it; what the library has not closed by then is a leak. */
void wire_close (belfry **self_p);

/* Control bits of a message. */
enum {
    WIRE_NAMED = 1,    /* a reply gets the request_id that was asked last */
    WIRE_ENVELOPE = 2, /* an empty frame goes before it */
    WIRE_BEAT = 4,     /* on the feed: a heartbeat, not an event */
    WIRE_NEWS = 8,     /* the feed's connection came back */
    WIRE_SHORT = 16,   /* on the feed: the topic alone */
    WIRE_SILENCE = 32, /* nothing comes until the time is over */
    WIRE_STOP = 64,    /* belfry_stop was called meanwhile */
    WIRE_FEED = 128, /* a frame of the feed, not a reply; it waits while nobody reads it */
};

#endif
