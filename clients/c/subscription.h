/* SPDX-License-Identifier: MPL-2.0
 *
 * One connection to a feed: the SUB with its topics, and whether it was connected anew
 * meanwhile. What its frames mean is watch.c's.
 */
#ifndef BF_CLIENT_SUBSCRIPTION_H
#define BF_CLIENT_SUBSCRIPTION_H

#include <zmq.h>

#include "clients/c/client.h"

/* Zero-initialise. */
typedef struct {
    void *feed; /* SUB; NULL while there is none */
    void *news; /* PAIR: a frame for every connect */
    char endpoint[BF_CLIENT_ENDPOINT_BYTES];
} bf_subscription;

/* Closes it and opens it anew, at the endpoint that is found now. No kinds: everything.
 * NO_ENDPOINT, SYSTEM; the text goes to `link`. */
int bf_subscription_open (bf_subscription *subscription, const belfry *self, bf_link *link,
                          const belfry_watch_options *options);

void bf_subscription_close (bf_subscription *subscription);

/* Waits until there is a frame, or until_us. BELFRY_OK, UNREACHABLE when the time has
 * passed, BF_CLIENT_WOKEN after belfry_stop, SYSTEM. */
int bf_subscription_wait (bf_subscription *subscription, const belfry *self, bf_link *link,
                          int64_t until_us);

typedef enum { BF_FEED_EMPTY, BF_FEED_EVENT, BF_FEED_BEAT } bf_feed_frame;

/* The next frame without waiting; its message goes to the initialised `body`. */
bf_feed_frame bf_subscription_take (bf_subscription *subscription, zmq_msg_t *body);

/* Whether it was connected since the last look: frames may have been lost. */
bool bf_subscription_was_connected (bf_subscription *subscription);

#endif
