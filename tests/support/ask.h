/* SPDX-License-Identifier: MPL-2.0
 *
 * Calls of a peer as one line of text (tests/support/request.h), for tests that read like
 * the talk they hold:
 *
 *   uint64_t job = ask_job (client, "schedule.jobs.type=turn schedule.jobs.after_us=5");
 *   reply_free (ask_for (client, BELFRY__V1__CODE__CODE_OK, "cancel.job.id=%" PRIu64,
 * job));
 */
#ifndef BF_TESTS_ASK_H
#define BF_TESTS_ASK_H

#include <stdint.h>

#include "tests/support/peer.h"

/* A request of this text, packed; the caller's to free. Fails the test where it cannot be
 * made. client and request_id are what it has unless the text sets them. */
uint8_t *ask_pack (const char *client, const char *request_id, const char *text,
                   size_t *size);

/* Sends without waiting. request_id as in peer_send, unless the text sets it. */
__attribute__ ((format (printf, 2, 3))) void ask_send (peer *self, const char *format, ...);

/* Calls, and returns the reply to this call, whatever its code. */
__attribute__ ((format (printf, 2, 3))) Belfry__V1__Reply *ask (peer *self,
                                                                const char *format, ...);

/* The same; any other code than this fails the test. */
__attribute__ ((format (printf, 3, 4))) Belfry__V1__Reply *ask_for (peer *self,
                                                                    Belfry__V1__Code code,
                                                                    const char *format,
                                                                    ...);

/* The same with OK, for a call whose reply nobody needs. */
__attribute__ ((format (printf, 2, 3))) void ask_ok (peer *self, const char *format, ...);

/* Schedules; the id of the first job. */
__attribute__ ((format (printf, 2, 3))) uint64_t ask_job (peer *self, const char *format,
                                                          ...);

/* Claims one run of this type, waiting up to the rig's deadline: its token, the caller's to
 * free. */
char *ask_lease (peer *self, const char *type);

/* Of the daemon; free it with reply_free. */
Belfry__V1__Reply *ask_status (peer *self);

/* Accepts NULL. */
void reply_free (Belfry__V1__Reply *reply);

#endif
