/* SPDX-License-Identifier: MPL-2.0
 *
 * The witness of a daemon that is killed again and again: a rig whose daemon is under load
 * (tests/support/load.h), the answers that were given, the events that were published, and
 * the log as it is read after each start (tests/support/story.h). It fails the test where
 * an answer or a published event is not in the log, where a repeat is answered otherwise,
 * and, at the end, where a call had no effect or more than one, or where the tables are not
 * what the log tells. BELFRY_SEED=N replays the calls of a run (not the races inside the
 * daemon). One thread.
 */
#ifndef BF_TESTS_WITNESS_H
#define BF_TESTS_WITNESS_H

#include <stddef.h>
#include <stdint.h>

#include "tests/support/load.h"
#include "tests/support/peer.h"
#include "tests/support/rig.h"
#include "tests/support/story.h"

/* What was heard on the feed. */
typedef struct {
    uint64_t seq;
    uint64_t digest;
} witness_heard;

typedef struct {
    rig *rig;
    load *load;
    story *story;
    peer *reader;
    peer *feed;
    witness_heard *heard;
    size_t heard_count;
    size_t heard_capacity;
    /* Events of each kind that the test itself was promised, by its own calls. */
    size_t elsewhere[STORY_KINDS];
} witness;

witness *witness_new (void);
void witness_destroy (witness **self_p);

/* Takes what the feed has published so far. */
void witness_listen (witness *self);

/* After a start: reads the log, checks all that was ever answered or published, and has the
 * load connect and send again what has no answer. */
void witness_serve (witness *self);

/* At the end: waits until everything is answered and every run is final, asks so many of
 * the calls once more, checks all, stops the daemon, and checks its tables. */
void witness_end (witness *self, size_t repeats);

/* Prints the figures. */
void witness_report (const witness *self, size_t kills, int64_t from_us);

#endif
