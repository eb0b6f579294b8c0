/* SPDX-License-Identifier: MPL-2.0
 *
 * The daemon's endpoints: bf_endpoint_parse and bf_endpoint_check. What is accepted can
 * stand in a list, is read again as itself, and is local only where it says so; what is
 * refused changes nothing.
 */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "actors/endpoint.h"

static void
check_accepted (const char *text, const bf_endpoint *endpoint)
{
    size_t size = strlen (endpoint->text);
    FUZZ_CHECK (size > 0 && size < BF_ENDPOINT_BYTES, "\"%s\"", text);
    FUZZ_CHECK (strpbrk (endpoint->text, ", \t\r\n") == NULL, "\"%s\"", endpoint->text);
    bf_endpoint again = {0};
    bf_error error = {0};
    FUZZ_CHECK (bf_endpoint_parse (endpoint->text, &again, &error) == BF_OK, "%s: %s", text,
                error.text);
    FUZZ_CHECK (again.transport == endpoint->transport && again.local == endpoint->local &&
                    again.ipv6 == endpoint->ipv6 &&
                    strcmp (again.text, endpoint->text) == 0,
                "\"%s\" became \"%s\"", text, again.text);
    /* Nothing of it is lost, but for the name of this machine. */
    FUZZ_CHECK (strcmp (text, endpoint->text) == 0 ||
                    strncmp (text, "tcp://localhost:", strlen ("tcp://localhost:")) == 0,
                "\"%s\" became \"%s\"", text, endpoint->text);
    if (endpoint->transport == BF_TRANSPORT_TCP) {
        FUZZ_CHECK (!endpoint->local || strncmp (endpoint->text, "tcp://127.", 10) == 0 ||
                        endpoint->ipv6,
                    "\"%s\" is local", text);
    } else {
        FUZZ_CHECK (endpoint->local, "\"%s\" is not local", text);
    }
}

int
LLVMFuzzerTestOneInput (const uint8_t *bytes, size_t size)
{
    char *text = fuzz_text (bytes, size);
    bf_endpoint endpoint;
    memset (&endpoint, 0x5a, sizeof endpoint);
    bf_endpoint before = endpoint;
    bf_error error = {0};
    const char *const list[] = {text, NULL};
    bf_err rc = bf_endpoint_parse (text, &endpoint, &error);
    if (rc == BF_OK) {
        check_accepted (text, &endpoint);
    } else {
        FUZZ_CHECK (rc == BF_ECONFIG && error.text[0] != '\0', "\"%s\"", text);
        FUZZ_CHECK (memcmp (&before, &endpoint, sizeof before) == 0, "\"%s\"", text);
    }
    bf_err guarded = bf_endpoint_check (list, false, &error);
    FUZZ_CHECK ((guarded == BF_OK) == (rc == BF_OK && endpoint.local), "\"%s\"", text);
    FUZZ_CHECK (bf_endpoint_check (list, true, &error) == rc, "\"%s\"", text);
    free (text);
    return 0;
}
