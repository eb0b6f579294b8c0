/* SPDX-License-Identifier: MPL-2.0
 *
 * What texts of the command line must look like, so that a mistake is told in the words of
 * the command line and not in those of the wire.
 */
#include "apps/belfry/options.h"

#include <string.h>

#include "messages/codec.h"

const bf_cli_form bf_cli_form_name = {bf_name_is_valid, "[A-Za-z0-9_.-]{1,64}"};

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
