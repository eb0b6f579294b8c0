/* SPDX-License-Identifier: MPL-2.0
 *
 * The end of a claim that nobody waits for any more. A claim that is parked takes the next
 * run, whether its client is still there or not: whoever goes says so, and gives back what
 * comes with the farewell.
 */
#include "clients/c/client.h"

#include <stdio.h>

/* How long the farewell may take: it is a courtesy to other workers. */
#define LEAVE_US INT64_C (1000000)

int
bf_claim_leave (const belfry *self, bf_link *link, const Belfry__V1__Request *request,
                Belfry__V1__Reply **reply_p)
{
    Belfry__V1__Claim claim = *request->claim;
    Belfry__V1__Request farewell = *request;
    claim.wait_us = 0;
    farewell.claim = &claim;
    bf_patience patience = {.try_us = LEAVE_US, .tries = 1, .wake_fd = -1};
    return bf_link_call (self, link, &farewell, patience, reply_p);
}

int
bf_lease_give_back (const belfry *self, bf_link *link, const Belfry__V1__Lease *lease)
{
    char id[BF_CLIENT_ID_BYTES];
    Belfry__V1__Snooze snooze = BELFRY__V1__SNOOZE__INIT;
    snooze.token = lease->token;
    snooze.until_case = BELFRY__V1__SNOOZE__UNTIL_FOR_US;
    snooze.reason = (char *)"the worker stopped";
    Belfry__V1__Request request = BELFRY__V1__REQUEST__INIT;
    request.command_case = BELFRY__V1__REQUEST__COMMAND_SNOOZE;
    request.snooze = &snooze;
    bf_link_address (self, link, &request, id);
    Belfry__V1__Reply *reply = NULL;
    int rc = bf_link_call (self, link, &request, bf_link_patience (self, &request), &reply);
    belfry_reply_free (&reply);
    return rc;
}

void
bf_claim_abandon (const belfry *self, bf_link *link, const Belfry__V1__Request *request)
{
    char text[BF_CLIENT_TEXT_BYTES];
    snprintf (text, sizeof text, "%s", link->text);
    Belfry__V1__Reply *reply = NULL;
    int rc = bf_claim_leave (self, link, request, &reply);
    size_t leases = rc == BELFRY_OK && reply->result_case == BELFRY__V1__REPLY__RESULT_CLAIM
                        ? reply->claim->n_leases
                        : 0;
    for (size_t index = 0; index < leases; index++) {
        bf_lease_give_back (self, link, reply->claim->leases[index]);
    }
    belfry_reply_free (&reply);
    snprintf (link->text, sizeof link->text, "%s", text);
}
