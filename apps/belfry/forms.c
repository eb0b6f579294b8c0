/* SPDX-License-Identifier: MPL-2.0
 *
 * What texts of the command line must look like, so that a mistake is told in the words of
 * the command line and not in those of the wire.
 */
#include "apps/belfry/options.h"

#include <string.h>

#include "core/calendar/zone.h"
#include "core/event.h"
#include "messages/codec.h"
#include "messages/limits.h"

const bf_cli_form bf_cli_form_name = {bf_name_is_valid, "[A-Za-z0-9_.-]{1,64}"};

static bool
is_key (const char *text)
{
    return *text && strlen (text) <= BF_KEY_BYTES;
}

const bf_cli_form bf_cli_form_key = {is_key, "1 to 256 bytes"};

static bool
is_tag (const char *text)
{
    return *text && strlen (text) <= BF_TAG_BYTES;
}

const bf_cli_form bf_cli_form_tag = {is_tag, "1 to 64 bytes"};

const bf_cli_form bf_cli_form_zone = {bf_zone_name_is_valid,
                                      "the name of a time zone, such as Europe/Berlin"};

static bool
is_kind (const char *text)
{
    return bf_event_find (text) != 0;
}

const bf_cli_form bf_cli_form_kind = {
    is_kind, "a kind such as run.fired, run.dead or slot.missed (`belfry help kinds` lists "
             "them)"};

/* "tcp://127.0.0.1:5570": a transport that ZeroMQ knows here, and something behind it. */
static bool
is_endpoint (const char *text, size_t size)
{
    static const char *const transports[] = {"tcp://", "ipc://"};
    for (size_t index = 0; index < sizeof transports / sizeof transports[0]; index++) {
        size_t length = strlen (transports[index]);
        if (size > length && !strncmp (text, transports[index], length)) {
            return transports[index][0] != 't' ||
                   memchr (text + length, ':', size - length) != NULL;
        }
    }
    return false;
}

static bool
are_endpoints (const char *text)
{
    for (const char *at = text;;) {
        size_t size = strcspn (at, ",");
        if (!is_endpoint (at, size)) {
            return false;
        }
        if (at[size] == '\0') {
            return true;
        }
        at += size + 1;
    }
}

const bf_cli_form bf_cli_form_endpoints = {
    are_endpoints, "tcp://HOST:PORT or ipc://PATH, or several with commas between"};
