/* SPDX-License-Identifier: MPL-2.0
 *
 * What the files of libbelfry share and nobody else sees: the handle, and the link, which
 * is one DEALER socket with all that is needed to make and repeat calls on it. A handle has
 * one link; the heartbeat thread has another, because a socket belongs to one thread.
 */
#ifndef BF_CLIENT_H
#define BF_CLIENT_H

#include <stdatomic.h>

#include "clients/c/belfry_wire.h"

enum {
    BF_CLIENT_NAME_BYTES = 65, /* 64 and the NUL */
    BF_CLIENT_ID_BYTES = 65,
    BF_CLIENT_ENDPOINT_BYTES = 256, /* an ipc path has at most 107 bytes */
    BF_CLIENT_TEXT_BYTES = 768,
    BF_CLIENT_FRAME_BYTES = 1024 * 1024, /* a request or a reply */
    BF_CLIENT_TOKEN_BYTES = 64,
};

/* What a wait answers when its wake descriptor became readable; no error, never returned to
 * a user. */
#define BF_CLIENT_WOKEN 1

typedef enum { BF_DOOR_COMMANDS, BF_DOOR_FEED, BF_DOOR_MONITOR, BF_DOORS } bf_door;

typedef struct {
    void *socket; /* DEALER; NULL until it is needed, and after a try that had no answer */
    char endpoint[BF_CLIENT_ENDPOINT_BYTES]; /* last tried; empty before */
    char id_prefix[32];                      /* grows with time, random behind it */
    uint32_t calls;                          /* the counter behind the prefix */
    bool taken;                              /* a peer took the request of the last try */
    char text[BF_CLIENT_TEXT_BYTES];         /* why the last call failed */
} bf_link;

struct belfry {
    void *context;
    bool owns_context;
    char *doors[BF_DOORS]; /* as the options said; NULL: find out */
    char *directory;
    char client[BF_CLIENT_NAME_BYTES];
    int64_t timeout_us;
    int tries;
    int stop_fd; /* an eventfd, readable once belfry_stop was called */
    bf_link link;
};

/* How long a call may go on. */
typedef struct {
    int64_t try_us;   /* one socket waits so long for its answer */
    int tries;        /* so many sockets; pauses are within their time. 0: for ever, also
                       * while no endpoint is found, once there was one */
    int64_t renew_us; /* sends the same bytes again so often within a try; 0: never */
    int wake_fd;      /* ends the wait with BF_CLIENT_WOKEN; -1 for none */
} bf_patience;

/* call.c */

/* The belfry_error of a Code of the wire; BELFRY_BAD_ANSWER for one that is not known here.
 */
int bf_client_error_of (int code);

/* client.c */

/* Fills link->text and returns `error`. */
__attribute__ ((format (printf, 3, 4))) int bf_client_fail (bf_link *link, int error,
                                                            const char *format, ...);

/* Elapsed time; the epoch means nothing. */
int64_t bf_client_elapsed_us (void);

/* Whether belfry_stop was called, and forget that it was. */
bool bf_client_stopped (const belfry *self);
void bf_client_resume (belfry *self);

/* A zeromq time-out until `until_us`: rounded up, 0 where it is past, clamped to a minute
 * so that far deadlines cannot overflow. */
long bf_client_wait_ms (int64_t until_us);

/* endpoints.c */

/* Where a door is: of a list the endpoint behind the one that `endpoint` holds, which was
 * tried before, else the first choice. NO_ENDPOINT with a text that says where it looked.
 */
int bf_endpoint_find (const belfry *self, bf_link *link, bf_door door,
                      char endpoint[BF_CLIENT_ENDPOINT_BYTES]);

/* Which of a list "EP,EP" to take: the one behind `before`, the first again behind the
 * last; where `before` is none of them, ipc where there is one, else the first. Length 0
 * for an empty list. */
const char *bf_endpoint_choose (const char *list, const char *before, size_t *length);

/* link.c */

/* Prepares a link; no socket yet. */
void bf_link_begin (bf_link *link);
void bf_link_close (bf_link *link);

/* Sets what every socket of the library has; LINGER 0. */
void bf_socket_configure (void *socket);

/* Closes and opens it anew, at the endpoint that is found now. NO_ENDPOINT, SYSTEM. */
int bf_link_connect (const belfry *self, bf_link *link);

/* A new request id on this link. */
void bf_link_name (bf_link *link, char id[BF_CLIENT_ID_BYTES]);

/* Sends without waiting. UNREACHABLE where no peer takes it. */
int bf_link_send (bf_link *link, const uint8_t *bytes, size_t size);

/* The reply to `request_id` (NULL: to any); others are dropped. UNREACHABLE when until_us
 * has passed. */
int bf_link_receive (bf_link *link, const char *request_id, int64_t until_us, int wake_fd,
                     Belfry__V1__Reply **reply_p);

/* The one call of everybody: a request that is complete, tried and repeated with this
 * patience. */
int bf_link_call (const belfry *self, bf_link *link, const Belfry__V1__Request *request,
                  bf_patience patience, Belfry__V1__Reply **reply_p);

/* What belfry_call allows a request: time-out and retries of the handle. */
bf_patience bf_link_patience (const belfry *self, const Belfry__V1__Request *request);

/* How often a parked claim is renewed: docs/protocol.md. */
#define BF_CLAIM_RENEW_US INT64_C (5000000)

/* Request with version, client and id filled in; `id` must outlive it. */
void bf_link_address (const belfry *self, bf_link *link, Belfry__V1__Request *request,
                      char id[BF_CLIENT_ID_BYTES]);

/* leave.c */

/* Repeats this claim without a wait, for at most a second: the daemon answers at once, and
 * parks it no longer. UNREACHABLE: it may still be parked. */
int bf_claim_leave (const belfry *self, bf_link *link, const Belfry__V1__Request *request,
                    Belfry__V1__Reply **reply_p);
/* The same, and the leases that come with it are given back. Keeps link->text. */
void bf_claim_abandon (const belfry *self, bf_link *link,
                       const Belfry__V1__Request *request);
/* Hands back a lease that nobody is going to work on: it is ready again at once. */
int bf_lease_give_back (const belfry *self, bf_link *link, const Belfry__V1__Lease *lease);

/* beat.c: the heartbeat thread of one belfry_work. */

typedef struct bf_beat bf_beat;

/* SYSTEM, NO_MEMORY. Uses the handle's endpoints, name and context, nothing else of it. */
int bf_beat_start (bf_beat **beat_p, const belfry *self, bf_link *link);
/* Keeps this lease alive from now on, instead of any other. */
void bf_beat_hold (bf_beat *beat, const char *token, int64_t lease_us);
void bf_beat_release (bf_beat *beat);
/* Of the lease that is held. Any thread. */
bool bf_beat_cancelled (const bf_beat *beat);
/* Ends the thread. Accepts NULL. */
void bf_beat_stop (bf_beat **beat_p);

#endif
