/* SPDX-License-Identifier: MPL-2.0
 *
 * A program that calls the scheduler, as docs/protocol.md says it should: each call is
 * encoded once, and the same bytes go out again after a while, until there is an answer.
 * And as programs are: it loses patience, asks again long after it was told, uses an id for
 * two calls, forgets everything when it crashes, and hangs up.
 */
#ifndef BF_SIMULATION_CLIENT_H
#define BF_SIMULATION_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/simulation/bots/party.h"

#include "belfry.pb-c.h"

/* Calls in flight together. */
#define CLIENT_CALLS 32
/* Calls that are over, and may be repeated all the same. */
#define CLIENT_OLD 16

typedef struct {
    char request_id[48];
    uint8_t *bytes;
    size_t size;
    Belfry__V1__Request *request; /* as read from the bytes */
    int what;                     /* the caller's: what to do with the answer */
    bool insists;                 /* never gives up */
    bool lied;                    /* its id was used for another call, too */
    unsigned tries;
    unsigned refusals; /* BUSY and the like, one after the other */
    int64_t first_us;  /* when it was sent first */
    int64_t due_us;    /* when it goes out again */
} bot_call;

typedef struct {
    bot_party *party;
    sim_random *random;
    unsigned who;
    char name[16];
    unsigned life;
    uint64_t last_id;
    bot_call *calls[CLIENT_CALLS];
    size_t count;
    bot_call *old[CLIENT_OLD];
    uint64_t old_count; /* ever put in */
    int64_t relapse_us; /* when an old call goes out again; INT64_MAX for never */
} bot_client;

/* who: also the peer. */
void client_begin (bot_client *self, bot_party *party, sim_random *random, unsigned who);
void client_end (bot_client *self);

/* Version, client and request_id are set here. False: too many calls in flight; nothing was
 * sent. */
bool client_send (bot_client *self, Belfry__V1__Request *request, int what, bool insists);
/* Bytes that are no request, or one that the checker need not know: a request_id in them
 * begins with CLIENT_GARBAGE. Nobody waits for an answer. */
#define CLIENT_GARBAGE 'x'
void client_send_garbage (bot_client *self, const void *bytes, size_t size);

/* Sends again what is due. Gives up some. */
void client_wake (bot_client *self);
/* When client_wake is wanted next; INT64_MAX for never. */
int64_t client_due (const bot_client *self);

/* Until the next new call: longer where nobody seems to listen. */
int64_t client_pause (const bot_client *self, int64_t least_us, int64_t most_us);
/* Somebody listens again: what waits to be repeated need not wait long. */
void client_revive (bot_client *self);

/* The call that this reply ends, else NULL. The caller closes it. */
bot_call *client_reply (bot_client *self, const Belfry__V1__Reply *reply);
void client_close (bot_client *self, bot_call *call);

/* Calls in flight of this kind. */
size_t client_waiting (const bot_client *self, int what);
/* Leaves a parked claim: the same call, that now waits no longer. */
void client_leave (bot_client *self, bot_call *call);

/* The program dies. With a ledger it goes on with its calls, on a new connection; without
 * one it has never heard of them. */
void client_crash (bot_client *self, bool ledger);

/* A message of this kind, empty. */
void *client_make (bot_party *party, const ProtobufCMessageDescriptor *descriptor);
#define MAKE(party, message) client_make (party, &belfry__v1__##message##__descriptor)

#endif
