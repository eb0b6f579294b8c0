/* SPDX-License-Identifier: MPL-2.0
 *
 * Keeps the lease of the run in hand alive while its handler works, or blocks: a thread
 * with its own socket that sends a Heartbeat every third of the lease and listens for
 * "cancel". It is told which lease by the thread of belfry_work; the two share what is
 * under the mutex, and two flags.
 */
#include "clients/c/client.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <zmq.h>

/* A peer that takes no heartbeat is tried again so soon; one that takes them and says
 * nothing for so long gets a new connection. */
#define BEAT_AGAIN_US INT64_C (100000)
#define BEAT_SILENCE_US INT64_C (1000000)
#define PERIOD_MIN_US INT64_C (10000)

struct bf_beat {
    const belfry *self;
    pthread_t thread;
    int wake_fd; /* eventfd: what is under the mutex has changed */
    pthread_mutex_t mutex;
    char token[BF_CLIENT_TOKEN_BYTES]; /* under the mutex; empty while no lease is held */
    int64_t period_us;                 /* under the mutex */
    bool ending;                       /* under the mutex */
    atomic_bool cancelled;             /* of the lease that is held */
};

/* The thread's own. */
typedef struct {
    bf_link link;
    char token[BF_CLIENT_TOKEN_BYTES]; /* copied from the mutex's side */
    int64_t period_us;
    int64_t unanswered_us; /* when the first beat went out that has no answer; 0: none */
    int64_t next_us;       /* when to beat */
} rhythm;

static void
wake (bf_beat *beat)
{
    uint64_t one = 1;
    ssize_t size = write (beat->wake_fd, &one, sizeof one);
    (void)size;
}

/* False where the thread is to end. */
static bool
take_news (bf_beat *beat, rhythm *state)
{
    uint64_t count;
    ssize_t size = read (beat->wake_fd, &count, sizeof count);
    (void)size;
    pthread_mutex_lock (&beat->mutex);
    bool ending = beat->ending;
    if (strcmp (state->token, beat->token) != 0) {
        memcpy (state->token, beat->token, sizeof state->token);
        state->period_us = beat->period_us;
        state->next_us = bf_client_elapsed_us () + state->period_us;
        state->unanswered_us = 0;
    }
    pthread_mutex_unlock (&beat->mutex);
    return !ending;
}

/* Packs and sends one heartbeat; true where a peer took it. */
static bool
send_beat (bf_beat *beat, rhythm *state)
{
    char *tokens[1] = {state->token};
    Belfry__V1__Heartbeat heartbeat = BELFRY__V1__HEARTBEAT__INIT;
    heartbeat.tokens = tokens;
    heartbeat.n_tokens = 1;
    Belfry__V1__Request request = BELFRY__V1__REQUEST__INIT;
    request.command_case = BELFRY__V1__REQUEST__COMMAND_HEARTBEAT;
    request.heartbeat = &heartbeat;
    char id[BF_CLIENT_ID_BYTES];
    bf_link_address (beat->self, &state->link, &request, id);
    uint8_t
        bytes[512]; /* a token, a name and an id, each at most 64 bytes, and their tags */
    if (belfry__v1__request__get_packed_size (&request) > sizeof bytes) {
        return false;
    }
    size_t size = belfry__v1__request__pack (&request, bytes);
    return bf_link_send (&state->link, bytes, size) == BELFRY_OK;
}

static void
beat_once (bf_beat *beat, rhythm *state)
{
    int64_t now_us = bf_client_elapsed_us ();
    if (state->unanswered_us != 0 && now_us - state->unanswered_us >= BEAT_SILENCE_US) {
        bf_link_close (&state->link);
        state->unanswered_us = 0;
    }
    bool sent = false;
    if (state->link.socket != NULL ||
        bf_link_connect (beat->self, &state->link) == BELFRY_OK) {
        sent = send_beat (beat, state);
    }
    if (sent && state->unanswered_us == 0) {
        state->unanswered_us = now_us;
    }
    int64_t pause_us =
        sent || state->period_us < BEAT_AGAIN_US ? state->period_us : BEAT_AGAIN_US;
    state->next_us = now_us + pause_us;
}

/* The worker may meanwhile hold another lease: the flag belongs to the token. */
static void
raise_cancelled (bf_beat *beat, const char *token)
{
    pthread_mutex_lock (&beat->mutex);
    if (strcmp (beat->token, token) == 0) {
        atomic_store (&beat->cancelled, true);
    }
    pthread_mutex_unlock (&beat->mutex);
}

static void
hear (bf_beat *beat, rhythm *state)
{
    Belfry__V1__Reply *reply = NULL;
    /* A slow answer to an earlier beat is as good: its items name their tokens. */
    int rc = bf_link_receive (&state->link, NULL, 0, -1, &reply);
    if (rc != BELFRY_OK) {
        if (rc != BELFRY_UNREACHABLE) {
            bf_link_close (&state->link);
        }
        return;
    }
    state->unanswered_us = 0;
    size_t items = reply->result_case == BELFRY__V1__REPLY__RESULT_HEARTBEAT
                       ? reply->heartbeat->n_items
                       : 0;
    for (size_t index = 0; index < items; index++) {
        const Belfry__V1__HeartbeatReply__Item *item = reply->heartbeat->items[index];
        bool lost = item->code == BELFRY__V1__CODE__CODE_STALE_TOKEN ||
                    item->code == BELFRY__V1__CODE__CODE_NOT_FOUND;
        if (item->cancel || lost) {
            raise_cancelled (beat, item->token);
        }
    }
    belfry_reply_free (&reply);
}

static void *
beat_loop (void *argument)
{
    bf_beat *beat = argument;
    rhythm state = {0};
    bf_link_begin (&state.link);
    while (take_news (beat, &state)) {
        zmq_pollitem_t items[2] = {
            {.fd = beat->wake_fd, .events = ZMQ_POLLIN},
            {.socket = state.link.socket, .events = ZMQ_POLLIN},
        };
        bool holding = state.token[0] != '\0';
        long wait_ms = holding ? bf_client_wait_ms (state.next_us) : -1;
        int count = state.link.socket != NULL ? 2 : 1;
        if (zmq_poll (items, count, wait_ms) < 0 && zmq_errno () != EINTR) {
            bf_link_close (&state.link);
            continue;
        }
        if (count == 2 && (items[1].revents & ZMQ_POLLIN) != 0) {
            hear (beat, &state);
        }
        if (holding && bf_client_elapsed_us () >= state.next_us) {
            beat_once (beat, &state);
        }
    }
    bf_link_close (&state.link);
    return NULL;
}

/* The host's signal handlers are to run on the host's threads. */
static int
create_thread (bf_beat *beat)
{
    sigset_t all;
    sigset_t before;
    sigfillset (&all);
    pthread_sigmask (SIG_SETMASK, &all, &before);
    int error = pthread_create (&beat->thread, NULL, beat_loop, beat);
    pthread_sigmask (SIG_SETMASK, &before, NULL);
    return error;
}

int
bf_beat_start (bf_beat **beat_p, const belfry *self, bf_link *link)
{
    bf_beat *beat = calloc (1, sizeof *beat);
    if (beat == NULL) {
        return bf_client_fail (link, BELFRY_NO_MEMORY, "out of memory");
    }
    beat->self = self;
    pthread_mutex_init (&beat->mutex, NULL);
    beat->wake_fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
    int error = beat->wake_fd >= 0 ? create_thread (beat) : errno;
    if (error != 0) {
        int rc = bf_client_fail (link, BELFRY_SYSTEM, "no thread for heartbeats: %s",
                                 strerror (error));
        if (beat->wake_fd >= 0) {
            close (beat->wake_fd);
        }
        pthread_mutex_destroy (&beat->mutex);
        free (beat);
        return rc;
    }
    *beat_p = beat;
    return BELFRY_OK;
}

static void
set_lease (bf_beat *beat, const char *token, int64_t lease_us)
{
    pthread_mutex_lock (&beat->mutex);
    snprintf (beat->token, sizeof beat->token, "%s", token);
    beat->period_us = lease_us / 3 > PERIOD_MIN_US ? lease_us / 3 : PERIOD_MIN_US;
    atomic_store (&beat->cancelled, false);
    pthread_mutex_unlock (&beat->mutex);
    wake (beat);
}

void
bf_beat_hold (bf_beat *beat, const char *token, int64_t lease_us)
{
    set_lease (beat, token, lease_us);
}

void
bf_beat_release (bf_beat *beat)
{
    set_lease (beat, "", 0);
}

bool
bf_beat_cancelled (const bf_beat *beat)
{
    return atomic_load (&beat->cancelled);
}

void
bf_beat_stop (bf_beat **beat_p)
{
    if (*beat_p == NULL) {
        return;
    }
    bf_beat *beat = *beat_p;
    *beat_p = NULL;
    pthread_mutex_lock (&beat->mutex);
    beat->ending = true;
    pthread_mutex_unlock (&beat->mutex);
    wake (beat);
    pthread_join (beat->thread, NULL);
    close (beat->wake_fd);
    pthread_mutex_destroy (&beat->mutex);
    free (beat);
}
