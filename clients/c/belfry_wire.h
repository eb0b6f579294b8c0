/* SPDX-License-Identifier: MPL-2.0
 *
 * The whole wire, for those who want every command: belfry.h's handle with the messages of
 * messages/belfry.proto. Everything that belfry.h does by itself (endpoints, time-outs,
 * repeats under one request_id) holds here too.
 */
#ifndef BELFRY_WIRE_H
#define BELFRY_WIRE_H

#include "belfry.h"
#include "belfry.pb-c.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Sends one request and waits for its reply. version is filled in; client and request_id
 * are filled in where they are NULL or empty, so that a caller may repeat a call of its own
 * under the same request_id (both borrowed; *request is as before when it returns).
 *
 * A try waits up to the handle's time-out (a Claim that long beyond its wait_us, renewed
 * every 5 s), then is repeated under the same request_id on a new socket until the retries
 * are used up. BUSY and STOPPING are repeated with growing pauses within the same total;
 * the last such reply is returned.
 *
 * belfry_stop ends the wait of a Claim: the daemon is told to park it no longer, and
 * *reply_p is its answer to that, without leases or with those that were ready. A Claim
 * that had no answer in time is withdrawn likewise, and leases that come of it are given
 * back.
 *
 * Returns BELFRY_OK whenever a Reply came, whatever its code: judge it with
 * belfry_reply_error. The caller frees *reply_p with belfry_reply_free.
 * Errors: UNREACHABLE (it may have happened), NO_ENDPOINT, NO_MEMORY, BAD_ARGUMENT (no
 * command), TOO_LARGE (over 1 MiB: nothing was sent), BAD_ANSWER, SYSTEM. */
BELFRY_API int belfry_call (belfry *self, Belfry__V1__Request *request,
                            Belfry__V1__Reply **reply_p);

/* Told of each answer that says that the command goes on. */
typedef void belfry_so_far (const Belfry__V1__Reply *reply, void *context);

/* The same for a command that may take longer than a try (by filter, Prune, Backup): it is
 * repeated under its request_id until its answer says done, or an error, or belfry_stop was
 * called; *reply_p is the last one. Any other command is just belfry_call. so_far may be
 * NULL. */
BELFRY_API int belfry_call_long (belfry *self, Belfry__V1__Request *request,
                                 belfry_so_far *so_far, void *context,
                                 Belfry__V1__Reply **reply_p);

/* Accepts NULL. Any thread. */
BELFRY_API void belfry_reply_free (Belfry__V1__Reply **reply_p);

/* BELFRY_OK, or the reply's code as a belfry_error; then belfry_error_text says the reply's
 * text. An unknown code is BAD_ANSWER. */
BELFRY_API int belfry_reply_error (belfry *self, const Belfry__V1__Reply *reply);

/* The message behind a belfry_event: NULL but for BELFRY_EVENT. Valid as long as it. */
BELFRY_API const Belfry__V1__Event *belfry_event_message (const belfry_event *event);

/* The message behind a belfry_run. Valid as long as it. */
BELFRY_API const Belfry__V1__Lease *belfry_run_message (const belfry_run *run);

#ifdef __cplusplus
}
#endif

#endif
