/* SPDX-License-Identifier: MPL-2.0
 *
 * belfry_wire.h: any command of the wire, and what its reply means.
 */
#include "clients/c/client.h"

int
belfry_call (belfry *self, Belfry__V1__Request *request, Belfry__V1__Reply **reply_p)
{
    char id[BF_CLIENT_ID_BYTES];

    if (request->command_case == BELFRY__V1__REQUEST__COMMAND__NOT_SET) {
        return bf_client_fail (&self->link, BELFRY_BAD_ARGUMENT,
                               "the request has no command");
    }
    uint32_t version = request->version;
    char *client = request->client;
    char *request_id = request->request_id;
    bf_link_address (self, &self->link, request, id);
    if (client != NULL && client[0] != '\0') {
        request->client = client;
    }
    if (request_id != NULL && request_id[0] != '\0') {
        request->request_id = request_id;
    }
    bf_patience patience = bf_link_patience (self, request);
    bool parks = request->command_case == BELFRY__V1__REQUEST__COMMAND_CLAIM &&
                 request->claim->wait_us > 0;
    patience.wake_fd = parks ? self->stop_fd : -1;
    int rc = bf_link_call (self, &self->link, request, patience, reply_p);
    if (rc == BF_CLIENT_WOKEN) {
        rc = bf_claim_leave (self, &self->link, request, reply_p);
        bf_client_resume (self);
    } else if (rc == BELFRY_UNREACHABLE && parks && self->link.taken) {
        bf_claim_abandon (self, &self->link, request);
    }
    request->version = version;
    request->client = client;
    request->request_id = request_id;
    return rc;
}

void
belfry_reply_free (Belfry__V1__Reply **reply_p)
{
    if (reply_p != NULL && *reply_p != NULL) {
        belfry__v1__reply__free_unpacked (*reply_p, NULL);
        *reply_p = NULL;
    }
}

int
bf_client_error_of (int code)
{
    if (code == BELFRY__V1__CODE__CODE_OK) {
        return BELFRY_OK;
    }
    bool known = code >= BELFRY__V1__CODE__CODE_MALFORMED &&
                 code <= BELFRY__V1__CODE__CODE_VERSION_CONFLICT;
    return known ? -code : BELFRY_BAD_ANSWER;
}

int
belfry_reply_error (belfry *self, const Belfry__V1__Reply *reply)
{
    int code = (int)reply->code;
    int error = bf_client_error_of (code);
    if (error == BELFRY_OK) {
        return BELFRY_OK;
    }
    if (error == BELFRY_BAD_ANSWER) {
        return bf_client_fail (&self->link, BELFRY_BAD_ANSWER,
                               "the daemon answered code %d, which this library does not "
                               "know: %s",
                               code, reply->text);
    }
    return bf_client_fail (&self->link, error, "%s",
                           reply->text[0] != '\0' ? reply->text
                                                  : belfry_error_sentence (error));
}

#define SAME(name)                                                            \
    _Static_assert((int)BELFRY_##name == -(int)BELFRY__V1__CODE__CODE_##name, \
                   "an error is its Code, negative")
SAME (MALFORMED);
SAME (UNSUPPORTED_VERSION);
SAME (INVALID);
SAME (TOO_LARGE);
SAME (LIMIT);
SAME (BUSY);
SAME (NOT_FOUND);
SAME (KEY_TAKEN);
SAME (PAST_DUE);
SAME (TOO_LATE);
SAME (WRONG_STATE);
SAME (STALE_TOKEN);
SAME (REQUEST_ID_REUSED);
SAME (DISK_FULL);
SAME (STOPPING);
SAME (TOO_OLD);
SAME (INTERNAL);
SAME (VERSION_CONFLICT);
#undef SAME
