/* SPDX-License-Identifier: MPL-2.0
 *
 * Bots that follow everything, as docs/protocol.md says: frames as long as they come
 * without a gap, Replay where there is one, Snapshot where it is too late for that.
 */
#ifndef BF_SIMULATION_SUBSCRIBER_H
#define BF_SIMULATION_SUBSCRIBER_H

#include "tests/simulation/bots/client.h"

typedef struct {
    bot_client client;
    sim_random random;
    unsigned index;     /* as the checker counts them */
    bool mirrors;       /* keeps a copy, and reads it anew when it came too late */
    uint64_t epoch;     /* 0: not known yet */
    uint64_t covered;   /* every event up to it was handled */
    uint64_t told;      /* to the checker */
    uint64_t saved;     /* what a crash leaves of `covered` */
    uint64_t page_head; /* head_seq of the first page of the Snapshot that is read */
    int64_t look_us;    /* when it asks without being told to */
    int64_t crash_us;
} bot_subscriber;

void subscriber_begin (bot_subscriber *self, bot_party *party, unsigned who,
                       unsigned index);
void subscriber_end (bot_subscriber *self);
int64_t subscriber_wake (bot_subscriber *self);
void subscriber_reply (bot_subscriber *self, const Belfry__V1__Reply *reply);
void subscriber_frame (bot_subscriber *self, const char *topic, const uint8_t *bytes,
                       size_t size);

#endif
