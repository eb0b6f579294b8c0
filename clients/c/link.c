/* SPDX-License-Identifier: MPL-2.0
 *
 * The call: one request goes out on a DEALER, one reply with its request_id comes back. A
 * try that gets no answer closes its socket and is repeated, under the same request_id, on
 * a new one: the daemon remembers what it answered, so a repeat is always safe.
 */
#include "clients/c/client.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include <zmq.h>

#include "core/base/time.h"

/* Pauses after BUSY, STOPPING, and while nothing listens. */
#define PAUSE_FIRST_US INT64_C (50000)
#define PAUSE_MAX_US INT64_C (1000000)

/* What is needed of one call while it is repeated. */
typedef struct {
    const belfry *self;
    bf_link *link;
    const char *request_id;
    const uint8_t *bytes;
    size_t size;
    bf_patience patience;
    int64_t end_us; /* of all tries */
    int failures;   /* tries that had no answer */
    int64_t pause_us;
} call_state;

void
bf_link_begin (bf_link *link)
{
    uint32_t salt = 0;
    /* Without random bits the time alone makes the prefix. */
    ssize_t size = getrandom (&salt, sizeof salt, GRND_NONBLOCK);
    (void)size;
    memset (link, 0, sizeof *link);
    snprintf (link->id_prefix, sizeof link->id_prefix, "%014llx-%08x",
              (unsigned long long)bf_now_read ().wall.us, (unsigned)salt);
}

void
bf_link_close (bf_link *link)
{
    if (link->socket != NULL) {
        zmq_close (link->socket);
        link->socket = NULL;
    }
}

void
bf_link_name (bf_link *link, char id[BF_CLIENT_ID_BYTES])
{
    link->calls++;
    snprintf (id, BF_CLIENT_ID_BYTES, "%s-%08x", link->id_prefix, (unsigned)link->calls);
}

void
bf_link_address (const belfry *self, bf_link *link, Belfry__V1__Request *request,
                 char id[BF_CLIENT_ID_BYTES])
{
    bf_link_name (link, id);
    request->version = 1;
    request->client = (char *)self->client;
    request->request_id = id;
}

static void
set_int (void *socket, int option, int value)
{
    zmq_setsockopt (socket, option, &value, sizeof value);
}

void
bf_socket_configure (void *socket)
{
    int64_t largest = BF_CLIENT_FRAME_BYTES;
    zmq_setsockopt (socket, ZMQ_MAXMSGSIZE, &largest, sizeof largest);
    set_int (socket, ZMQ_LINGER, 0);
    set_int (socket, ZMQ_RECONNECT_IVL, 50);
    set_int (socket, ZMQ_RECONNECT_IVL_MAX, 1000);
    set_int (socket, ZMQ_HANDSHAKE_IVL, 5000);
    /* A peer that vanished without a word is noticed within 8 s. */
    set_int (socket, ZMQ_HEARTBEAT_IVL, 2000);
    set_int (socket, ZMQ_HEARTBEAT_TIMEOUT, 8000);
    set_int (socket, ZMQ_IPV6, 1);
}

int
bf_link_connect (const belfry *self, bf_link *link)
{
    bf_link_close (link);
    int rc = bf_endpoint_find (self, link, BF_DOOR_COMMANDS, link->endpoint);
    if (rc != BELFRY_OK) {
        return rc;
    }
    void *socket = zmq_socket (self->context, ZMQ_DEALER);
    if (socket == NULL) {
        return bf_client_fail (link, BELFRY_SYSTEM, "no socket: %s",
                               zmq_strerror (zmq_errno ()));
    }
    bf_socket_configure (socket);
    /* Nothing is queued for a peer that is not there, so a send says whether it is. */
    set_int (socket, ZMQ_IMMEDIATE, 1);
    if (zmq_connect (socket, link->endpoint) != 0) {
        rc = bf_client_fail (link, BELFRY_NO_ENDPOINT, "cannot connect to '%s': %s",
                             link->endpoint, zmq_strerror (zmq_errno ()));
        zmq_close (socket);
        return rc;
    }
    link->socket = socket;
    return BELFRY_OK;
}

/* Until the socket is ready for `events`. BELFRY_OK, BF_CLIENT_WOKEN, or UNREACHABLE when
 * the time has passed. */
static int
await (bf_link *link, short events, int64_t until_us, int wake_fd)
{
    zmq_pollitem_t items[2] = {
        {.socket = link->socket, .events = events},
        {.fd = wake_fd, .events = ZMQ_POLLIN},
    };
    int count = wake_fd >= 0 ? 2 : 1;
    for (;;) {
        int ready = zmq_poll (items, count, bf_client_wait_ms (until_us));
        if (ready < 0 && zmq_errno () != EINTR) {
            return bf_client_fail (link, BELFRY_SYSTEM, "the socket failed: %s",
                                   zmq_strerror (zmq_errno ()));
        }
        if (ready > 0 && (items[0].revents & events) != 0) {
            return BELFRY_OK;
        }
        if (ready > 0 && items[1].revents != 0) {
            return BF_CLIENT_WOKEN;
        }
        if (bf_client_elapsed_us () >= until_us) {
            return BELFRY_UNREACHABLE;
        }
    }
}

int
bf_link_send (bf_link *link, const uint8_t *bytes, size_t size)
{
    if (zmq_send (link->socket, bytes, size, ZMQ_DONTWAIT) == (int)size) {
        return BELFRY_OK;
    }
    int error = zmq_errno ();
    if (error == EAGAIN || error == EINTR) {
        return BELFRY_UNREACHABLE;
    }
    return bf_client_fail (link, BELFRY_SYSTEM, "could not send: %s", zmq_strerror (error));
}

/* One message without waiting: its last frame is the body; what stands before is the return
 * path, which a DEALER may see as an empty delimiter. -1 where there is none. */
static int
receive_body (void *socket, zmq_msg_t *body)
{
    int more = 1;
    while (more) {
        if (zmq_msg_recv (body, socket, ZMQ_DONTWAIT) < 0) {
            if (zmq_errno () == EINTR) {
                continue;
            }
            return -1;
        }
        more = zmq_msg_more (body);
    }
    return 0;
}

/* A reply whose request could not even be read has no request_id: on our own socket it can
 * only mean our own request. */
static bool
reply_is_for (const Belfry__V1__Reply *reply, const char *request_id)
{
    return request_id == NULL || strcmp (reply->request_id, request_id) == 0 ||
           (reply->request_id[0] == '\0' && reply->code != BELFRY__V1__CODE__CODE_OK);
}

int
bf_link_receive (bf_link *link, const char *request_id, int64_t until_us, int wake_fd,
                 Belfry__V1__Reply **reply_p)
{
    for (;;) {
        int rc = await (link, ZMQ_POLLIN, until_us, wake_fd);
        if (rc != BELFRY_OK) {
            return rc;
        }
        zmq_msg_t body;
        zmq_msg_init (&body);
        if (receive_body (link->socket, &body) != 0) {
            zmq_msg_close (&body);
            continue;
        }
        Belfry__V1__Reply *reply =
            belfry__v1__reply__unpack (NULL, zmq_msg_size (&body), zmq_msg_data (&body));
        zmq_msg_close (&body);
        if (reply == NULL) {
            return bf_client_fail (link, BELFRY_BAD_ANSWER,
                                   "%s answered something that is not a Reply: is that "
                                   "belfryd's commands endpoint?",
                                   link->endpoint);
        }
        if (reply_is_for (reply, request_id)) {
            *reply_p = reply;
            return BELFRY_OK;
        }
        belfry_reply_free (&reply);
    }
}

static int64_t
sooner (int64_t one_us, int64_t other_us)
{
    return one_us < other_us ? one_us : other_us;
}

/* One socket's worth of patience: sends as soon as there is a peer, waits, and renews. */
static int
try_once (call_state *call, Belfry__V1__Reply **reply_p)
{
    int wake_fd = call->patience.wake_fd;
    int64_t renew_us = call->patience.renew_us;
    int64_t until_us =
        sooner (bf_client_elapsed_us () + call->patience.try_us, call->end_us);
    for (;;) {
        /* Nobody there at the beginning is found out within the handle's time-out, however
         * long the claim would wait. */
        int64_t reach_us =
            sooner (bf_client_elapsed_us () + call->self->timeout_us, until_us);
        int rc = await (call->link, ZMQ_POLLOUT, reach_us, wake_fd);
        if (rc == BELFRY_OK) {
            rc = bf_link_send (call->link, call->bytes, call->size);
        }
        call->link->taken = rc == BELFRY_OK;
        if (rc != BELFRY_OK) {
            return rc;
        }
        int64_t renewal_us = renew_us > 0 ? bf_client_elapsed_us () + renew_us : until_us;
        rc = bf_link_receive (call->link, call->request_id, sooner (renewal_us, until_us),
                              wake_fd, reply_p);
        if (rc != BELFRY_UNREACHABLE || bf_client_elapsed_us () >= until_us) {
            return rc;
        }
    }
}

/* Waits before the next try, longer each time. False where that would pass the end. */
static bool
pause_before_next (call_state *call, int *rc)
{
    int64_t until_us = bf_client_elapsed_us () + call->pause_us;
    if (until_us >= call->end_us) {
        return false;
    }
    call->pause_us = sooner (call->pause_us * 2, PAUSE_MAX_US);
    struct pollfd wake = {.fd = call->patience.wake_fd, .events = POLLIN};
    for (long wait_ms; (wait_ms = bf_client_wait_ms (until_us)) > 0;) {
        if (poll (&wake, 1, (int)wait_ms) > 0) {
            *rc = BF_CLIENT_WOKEN;
            return false;
        }
    }
    return true;
}

static bool
is_worth_repeating (const Belfry__V1__Reply *reply)
{
    return reply->code == BELFRY__V1__CODE__CODE_BUSY ||
           reply->code == BELFRY__V1__CODE__CODE_STOPPING;
}

static int
repeat_until_answered (call_state *call, Belfry__V1__Reply **reply_p)
{
    bf_link *link = call->link;
    for (;;) {
        /* Whoever waits for ever also waits for a daemon that is away and has taken its
         * endpoints file along. */
        bool known = link->endpoint[0] != '\0';
        int rc = link->socket != NULL ? BELFRY_OK : bf_link_connect (call->self, link);
        if (rc == BELFRY_NO_ENDPOINT && known && call->patience.tries == 0) {
            if (!pause_before_next (call, &rc)) {
                return rc;
            }
            continue;
        }
        if (rc == BELFRY_OK) {
            rc = try_once (call, reply_p);
        }
        if (rc == BELFRY_UNREACHABLE) {
            bf_link_close (link);
            call->failures++;
            if (call->failures == call->patience.tries ||
                bf_client_elapsed_us () >= call->end_us) {
                return rc;
            }
            continue;
        }
        if (*reply_p == NULL || !is_worth_repeating (*reply_p)) {
            return rc;
        }
        if (!pause_before_next (call, &rc)) {
            if (rc == BF_CLIENT_WOKEN) {
                belfry_reply_free (reply_p);
            }
            return rc;
        }
        belfry_reply_free (reply_p);
    }
}

int
bf_link_call (const belfry *self, bf_link *link, const Belfry__V1__Request *request,
              bf_patience patience, Belfry__V1__Reply **reply_p)
{
    size_t size = belfry__v1__request__get_packed_size (request);
    if (size > BF_CLIENT_FRAME_BYTES) {
        return bf_client_fail (link, BELFRY_TOO_LARGE,
                               "the request has %zu bytes, but at most %d go into one",
                               size, BF_CLIENT_FRAME_BYTES);
    }
    uint8_t *bytes = malloc (size);
    if (bytes == NULL) {
        return bf_client_fail (link, BELFRY_NO_MEMORY, "out of memory");
    }
    belfry__v1__request__pack (request, bytes);
    int64_t started_us = bf_client_elapsed_us ();
    call_state call = {
        .self = self,
        .link = link,
        .request_id = request->request_id,
        .bytes = bytes,
        .size = size,
        .patience = patience,
        .end_us =
            patience.tries == 0 ? INT64_MAX : started_us + patience.try_us * patience.tries,
        .pause_us = PAUSE_FIRST_US,
    };
    link->text[0] = '\0';
    link->taken = false;
    Belfry__V1__Reply *reply = NULL;
    int rc = repeat_until_answered (&call, &reply);
    free (bytes);
    if (rc == BELFRY_OK) {
        *reply_p = reply;
    } else if (rc == BELFRY_UNREACHABLE) {
        bf_client_fail (link, rc,
                        "no answer from %s in %.1f s: start belfryd there, or set "
                        "BELFRY_COMMANDS to where it listens",
                        link->endpoint,
                        (double)(bf_client_elapsed_us () - started_us) / 1e6);
    }
    return rc;
}

bf_patience
bf_link_patience (const belfry *self, const Belfry__V1__Request *request)
{
    bf_patience patience = {
        .try_us = self->timeout_us, .tries = self->tries, .wake_fd = -1};
    if (request->command_case == BELFRY__V1__REQUEST__COMMAND_CLAIM) {
        int64_t wait_us = request->claim->wait_us;
        patience.try_us += wait_us > 0 ? wait_us : 0;
        patience.renew_us = BF_CLAIM_RENEW_US;
    }
    return patience;
}
