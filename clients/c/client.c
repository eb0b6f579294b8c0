/* SPDX-License-Identifier: MPL-2.0
 *
 * The handle: made, named, stopped, closed. It holds what the options said and one link;
 * what is done with it is in the other files of this folder.
 */
#include "clients/c/client.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <unistd.h>

#include <zmq.h>

#include "core/base/time.h"

enum {
    TIMEOUT_DEFAULT_MS = 5000,
    RETRIES_DEFAULT = 2,
    WAIT_MAX_MS = 60000,
};

const char *
belfry_error_name (int error)
{
    switch (error) {
#define X(name, value, text) \
    case BELFRY_##name:      \
        return #name;
        BELFRY_ERROR_MAP (X)
#undef X
    }
    return "UNKNOWN";
}

const char *
belfry_error_sentence (int error)
{
    switch (error) {
#define X(name, value, text) \
    case BELFRY_##name:      \
        return text;
        BELFRY_ERROR_MAP (X)
#undef X
    }
    return "an error that this library does not know";
}

int
bf_client_fail (bf_link *link, int error, const char *format, ...)
{
    va_list arguments;
    va_start (arguments, format);
    vsnprintf (link->text, sizeof link->text, format, arguments);
    va_end (arguments);
    return error;
}

int64_t
bf_client_elapsed_us (void)
{
    return bf_now_read ().boot.us;
}

long
bf_client_wait_ms (int64_t until_us)
{
    int64_t left_us = until_us - bf_client_elapsed_us ();
    if (left_us <= 0) {
        return 0;
    }
    int64_t left_ms = (left_us + 999) / 1000;
    return left_ms < WAIT_MAX_MS ? (long)left_ms : WAIT_MAX_MS;
}

/* 1..64 bytes without control characters, as the protocol wants a client's name. */
static bool
name_is_valid (const char *name)
{
    size_t length = strlen (name);
    if (length == 0 || length >= BF_CLIENT_NAME_BYTES) {
        return false;
    }
    for (const char *at = name; *at != '\0'; at++) {
        if ((unsigned char)*at < 0x20 || *at == 0x7f) {
            return false;
        }
    }
    return true;
}

static int
name_client (belfry *self, const char *name)
{
    if (name != NULL) {
        if (!name_is_valid (name)) {
            return BELFRY_BAD_ARGUMENT;
        }
        snprintf (self->client, sizeof self->client, "%s", name);
        return BELFRY_OK;
    }
    uint64_t bits[2];
    if (getrandom (bits, sizeof bits, 0) != sizeof bits) {
        return BELFRY_SYSTEM;
    }
    snprintf (self->client, sizeof self->client, "%016llx%016llx",
              (unsigned long long)bits[0], (unsigned long long)bits[1]);
    return BELFRY_OK;
}

/* NULL stays NULL. */
static int
copy_text (char **copy_p, const char *text)
{
    if (text == NULL) {
        return BELFRY_OK;
    }
    *copy_p = strdup (text);
    return *copy_p != NULL ? BELFRY_OK : BELFRY_NO_MEMORY;
}

static int
take_options (belfry *self, const belfry_options *options)
{
    const char *directory = options->directory != NULL ? options->directory : "data";
    if (options->timeout_ms < 0) {
        return BELFRY_BAD_ARGUMENT;
    }
    int timeout_ms = options->timeout_ms != 0 ? options->timeout_ms : TIMEOUT_DEFAULT_MS;
    self->timeout_us = (int64_t)timeout_ms * 1000;
    int retries = options->retries != 0 ? options->retries : RETRIES_DEFAULT;
    self->tries = retries < 0 ? 1 : retries + 1;
    int rc = name_client (self, options->client);
    if (rc == BELFRY_OK) {
        rc = copy_text (&self->doors[BF_DOOR_COMMANDS], options->commands);
    }
    if (rc == BELFRY_OK) {
        rc = copy_text (&self->doors[BF_DOOR_FEED], options->feed);
    }
    if (rc == BELFRY_OK) {
        rc = copy_text (&self->doors[BF_DOOR_MONITOR], options->monitor);
    }
    if (rc == BELFRY_OK) {
        rc = copy_text (&self->directory, directory);
    }
    return rc;
}

int
belfry_open_in (belfry **self_p, void *zeromq_context, const belfry_options *options)
{
    static const belfry_options defaults = {0};

    if (self_p == NULL || zeromq_context == NULL) {
        return BELFRY_BAD_ARGUMENT;
    }
    belfry *self = calloc (1, sizeof *self);
    if (self == NULL) {
        return BELFRY_NO_MEMORY;
    }
    self->context = zeromq_context;
    self->stop_fd = -1;
    bf_link_begin (&self->link);
    int rc = take_options (self, options != NULL ? options : &defaults);
    if (rc == BELFRY_OK) {
        self->stop_fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
        rc = self->stop_fd >= 0 ? BELFRY_OK : BELFRY_SYSTEM;
    }
    if (rc != BELFRY_OK) {
        belfry_close (&self);
        return rc;
    }
    *self_p = self;
    return BELFRY_OK;
}

int
belfry_open (belfry **self_p, const belfry_options *options)
{
    if (self_p == NULL) {
        return BELFRY_BAD_ARGUMENT;
    }
    void *context = zmq_ctx_new ();
    if (context == NULL) {
        return BELFRY_SYSTEM;
    }
    /* Closing must never wait for a daemon that is gone. */
    zmq_ctx_set (context, ZMQ_BLOCKY, 0);
    belfry *self = NULL;
    int rc = belfry_open_in (&self, context, options);
    if (rc != BELFRY_OK) {
        zmq_ctx_term (context);
        return rc;
    }
    self->owns_context = true;
    *self_p = self;
    return BELFRY_OK;
}

void
belfry_close (belfry **self_p)
{
    if (self_p == NULL || *self_p == NULL) {
        return;
    }
    belfry *self = *self_p;
    *self_p = NULL;
    bf_link_close (&self->link);
    if (self->stop_fd >= 0) {
        close (self->stop_fd);
    }
    if (self->owns_context) {
        zmq_ctx_term (self->context);
    }
    for (size_t door = 0; door < BF_DOORS; door++) {
        free (self->doors[door]);
    }
    free (self->directory);
    free (self);
}

const char *
belfry_error_text (const belfry *self)
{
    return self->link.text;
}

const char *
belfry_endpoint (const belfry *self)
{
    return self->link.endpoint;
}

const char *
belfry_client (const belfry *self)
{
    return self->client;
}

void
belfry_stop (belfry *self)
{
    /* The eventfd is both the flag and the alarm, and write is safe in a signal handler. It
     * can only fail where the counter is full: then it is readable already. */
    uint64_t one = 1;
    ssize_t written = write (self->stop_fd, &one, sizeof one);
    (void)written;
}

bool
bf_client_stopped (const belfry *self)
{
    zmq_pollitem_t item = {.fd = self->stop_fd, .events = ZMQ_POLLIN};
    return zmq_poll (&item, 1, 0) == 1;
}

void
bf_client_resume (belfry *self)
{
    uint64_t count;
    ssize_t size = read (self->stop_fd, &count, sizeof count);
    (void)size;
}
