/* SPDX-License-Identifier: MPL-2.0
 *
 * Where is the daemon? What the options say, else the environment, else the line that
 * belfryd writes to DIRECTORY/endpoints once it serves:
 *
 *     ready commands=EP,… feed=EP,… monitor=EP,…
 *
 * Looked up at every connect, because a daemon that starts again may get other ports.
 */
#include "clients/c/client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_BYTES = 4096 };

static const struct {
    const char *variable;
    const char *field; /* of the ready line */
} doors[BF_DOORS] = {
    [BF_DOOR_COMMANDS] = {"BELFRY_COMMANDS", "commands="},
    [BF_DOOR_FEED] = {"BELFRY_FEED", "feed="},
    [BF_DOOR_MONITOR] = {"BELFRY_MONITOR", "monitor="},
};

/* The endpoint of the list at or behind `at`; NULL behind the last. */
static const char *
endpoint_at (const char *at, size_t *length)
{
    at += strspn (at, ",");
    *length = strcspn (at, ", \r\n");
    return *length > 0 ? at : NULL;
}

const char *
bf_endpoint_choose (const char *list, const char *before, size_t *length)
{
    size_t size;
    size_t ipc_size = 0;
    const char *ipc = NULL;
    for (const char *at = list; (at = endpoint_at (at, &size)) != NULL; at += size) {
        if (strlen (before) == size && strncmp (at, before, size) == 0) {
            const char *next = endpoint_at (at + size, length);
            return next != NULL ? next : endpoint_at (list, length);
        }
        if (ipc == NULL && strncmp (at, "ipc://", strlen ("ipc://")) == 0) {
            ipc = at;
            ipc_size = size;
        }
    }
    if (ipc != NULL) {
        *length = ipc_size;
        return ipc;
    }
    return endpoint_at (list, length);
}

static int
copy_choice (bf_link *link, const char *list, const char *origin,
             char endpoint[BF_CLIENT_ENDPOINT_BYTES])
{
    size_t length;
    const char *choice = bf_endpoint_choose (list, endpoint, &length);
    if (length == 0 || length >= BF_CLIENT_ENDPOINT_BYTES) {
        return bf_client_fail (link, BELFRY_NO_ENDPOINT,
                               "%s names no endpoint such as tcp://127.0.0.1:5570", origin);
    }
    memcpy (endpoint, choice, length);
    endpoint[length] = '\0';
    return BELFRY_OK;
}

/* What was said of a door without looking at the file; NULL for nothing. */
static const char *
said (const belfry *self, bf_door door)
{
    if (self->doors[door] != NULL) {
        return self->doors[door];
    }
    const char *value = getenv (doors[door].variable);
    return value != NULL && *value != '\0' ? value : NULL;
}

/* The part of a ready line that begins after `field`, or NULL. */
static const char *
find_field (const char *line, const char *field)
{
    for (const char *at = line; (at = strchr (at, ' ')) != NULL;) {
        at++;
        if (strncmp (at, field, strlen (field)) == 0) {
            return at + strlen (field);
        }
    }
    return NULL;
}

/* Whether one of the endpoints of `wanted` is in the list of the file. */
static bool
lists_meet (const char *list, const char *wanted)
{
    for (const char *at = list;;) {
        size_t size = strcspn (at, ", \r\n");
        for (const char *other = wanted; size > 0;) {
            size_t other_size = strcspn (other, ",");
            if (other_size == size && strncmp (at, other, size) == 0) {
                return true;
            }
            if (other[other_size] == '\0') {
                break;
            }
            other += other_size + 1;
        }
        if (at[size] != ',') {
            return false;
        }
        at += size + 1;
    }
}

static int
find_in_file (const belfry *self, bf_link *link, bf_door door,
              char endpoint[BF_CLIENT_ENDPOINT_BYTES])
{
    char path[LINE_BYTES];
    char line[LINE_BYTES] = "";
    snprintf (path, sizeof path, "%s/endpoints", self->directory);
    FILE *file = fopen (path, "re");
    /* Half a line would name half an endpoint. */
    bool read = file != NULL && fgets (line, sizeof line, file) != NULL &&
                (strlen (line) + 1 < sizeof line || strchr (line, '\n') != NULL);
    if (file != NULL) {
        fclose (file);
    }
    if (!read) {
        return bf_client_fail (link, BELFRY_NO_ENDPOINT,
                               "no endpoint: %s is not set and %s cannot be read; start "
                               "belfryd, or say where it listens",
                               doors[door].variable, path);
    }
    const char *list = find_field (line, doors[door].field);
    if (list == NULL) {
        return bf_client_fail (link, BELFRY_NO_ENDPOINT, "%s has no %s line", path,
                               doors[door].field);
    }
    /* Commands from one daemon and the feed of another would look like a feed that never
     * catches up. */
    const char *commands = said (self, BF_DOOR_COMMANDS);
    const char *listed = find_field (line, doors[BF_DOOR_COMMANDS].field);
    if (door != BF_DOOR_COMMANDS && commands != NULL &&
        (listed == NULL || !lists_meet (listed, commands))) {
        return bf_client_fail (link, BELFRY_NO_ENDPOINT,
                               "no endpoint: set %s; %s belongs to another daemon than %s",
                               doors[door].variable, path, commands);
    }
    return copy_choice (link, list, path, endpoint);
}

int
bf_endpoint_find (const belfry *self, bf_link *link, bf_door door,
                  char endpoint[BF_CLIENT_ENDPOINT_BYTES])
{
    const char *list = said (self, door);
    if (list == NULL) {
        return find_in_file (self, link, door, endpoint);
    }
    const char *origin = self->doors[door] != NULL ? "the option" : doors[door].variable;
    return copy_choice (link, list, origin, endpoint);
}
