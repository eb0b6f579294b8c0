/* SPDX-License-Identifier: MPL-2.0
 *
 * What the files of the seam share: the process's threads, and its sockets.
 */
#ifndef BF_SIMULATION_SEAM_PRIVATE_H
#define BF_SIMULATION_SEAM_PRIVATE_H

#include <czmq.h>

#include "actors/wiring.h"
#include "tests/simulation/seam/fiber.h"
#include "tests/simulation/seam/seam.h"

/* The process, while there is one. */
extern process_outside process;

/* --- queues of bytes ------------------------------------------------------------------ */

typedef struct piece piece;
struct piece {
    piece *next;
    unsigned peer; /* of a request */
    size_t size;
    uint8_t bytes[];
};

typedef struct {
    piece *first;
    piece *last;
    size_t count;
} pieces;

void pieces_push (pieces *self, unsigned peer, const void *bytes, size_t size);
/* The caller frees; NULL where there is none. */
piece *pieces_pop (pieces *self);
void pieces_clear (pieces *self);

/* --- sockets.c, doors.c -----------------------------------------------------------------
 */

typedef enum {
    SOCKET_INBOX,
    SOCKET_SENDER,
    SOCKET_PIPE,
    SOCKET_ROUTER,
    SOCKET_PUB
} socket_kind;

/* What the actors hold as a zsock_t. */
typedef struct seam_socket seam_socket;
struct seam_socket {
    socket_kind kind;
    bf_inbox inbox;     /* INBOX, SENDER */
    seam_socket *other; /* PIPE: its other end; NULL where that is closed */
    pieces queue;       /* PIPE, ROUTER: what came */
    bool feed;          /* PUB: the feed's, not the monitor's */
    pieces frames;      /* ROUTER, PUB: of a message that is being sent */
    bool refused;       /* ROUTER: the rest of this message goes nowhere */
};

seam_socket *seam_socket_new (socket_kind kind);
bool seam_socket_readable (const seam_socket *self);
/* Something waits in an inbox. */
bool seam_inboxes_hold (void);
void seam_inboxes_clear (void);
void seam_door_closed (const seam_socket *self);

/* --- clocks.c
 * ------------------------------------------------------------------------------ */

#define FIRST_ALARM 1000000 /* far from the kernel's descriptors */

bool seam_alarm_is (int fd);
bool seam_alarm_readable (int fd, bf_now now);
void seam_alarms_clear (void);

/* --- zones.c ----------------------------------------------------------------------------
 */

#define ZONES_FD (FIRST_ALARM - 1)

bool seam_zones_readable (int fd);

/* --- threads.c
 * ----------------------------------------------------------------------------- */

/* Whether what this process does still counts: it was not killed, the disk turns. */
bool seam_is_alive (void);
/* Another thread may run here. */
void seam_pause (void);
/* Waits until one of the items is readable, or `until` has come, or the process is killed;
 * in its last case false. */
bool seam_wait (zmq_pollitem_t *items, int count, bf_boot until);

#endif
