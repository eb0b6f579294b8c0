/* SPDX-License-Identifier: MPL-2.0
 *
 * The public doors: which endpoints may be bound, and a socket with every option that a
 * socket in reach of strangers needs. Used by the scheduler (checks before anything
 * starts), feed and gateway (bind).
 */
#ifndef BF_ACTORS_ENDPOINT_H
#define BF_ACTORS_ENDPOINT_H

#include <stdbool.h>

#include <czmq.h>

#include "core/base/errors.h"

typedef enum { BF_TRANSPORT_TCP, BF_TRANSPORT_IPC, BF_TRANSPORT_INPROC } bf_transport;

/* sun_path of a socket's address, less its NUL. */
#define BF_IPC_PATH_BYTES 107
/* The longest: "ipc://" and a path, and the NUL. */
#define BF_ENDPOINT_BYTES 256

typedef struct {
    bf_transport transport;
    bool local; /* out of reach for other machines: ipc, inproc, tcp on loopback */
    bool ipv6;
    char text[BF_ENDPOINT_BYTES]; /* as zmq_bind takes it: "localhost" is a number here */
} bf_endpoint;

/* Reads `tcp://ADDRESS:PORT` (a port of * lets the kernel choose, IPv6 in brackets, an
 * interface's name for its address), `ipc://PATH` or `inproc://NAME`. BF_ECONFIG with a
 * sentence. */
bf_err bf_endpoint_parse (const char *text, bf_endpoint *endpoint, bf_error *error);

/* Parses a list that ends with NULL (or is NULL), and refuses what is not local unless
 * `insecure`. BF_ECONFIG. */
bf_err bf_endpoint_check (const char *const *endpoints, bool insecure, bf_error *error);

/* A ROUTER or PUB with its limits set, not bound yet. NULL where libzmq has no room for it
 * or refuses an option. Destroy with zsock_destroy. */
zsock_t *bf_door_new (int type);

/* Binds the door to every endpoint of a list that ends with NULL, and makes *bound a list
 * of what they became, ports resolved (strings; the caller's, zlist_destroy; also on
 * error). An ipc path where another process listens is refused rather than taken over, and
 * so is one that is anything but a socket. BF_ECONFIG, BF_EBIND with a sentence. */
bf_err bf_door_bind (zsock_t *door, const char *const *endpoints, zlist_t **bound,
                     bf_error *error);

#endif
