/* SPDX-License-Identifier: MPL-2.0
 *
 * What fields of one message say of each other: the second half of the rules, where a table
 * does not reach. Each is bf_rules.relate of its message. For rules.c only.
 */
#ifndef BF_MESSAGES_RELATIONS_H
#define BF_MESSAGES_RELATIONS_H

#include "messages/rules.h"

bf_err bf_relate_retry (void *message, const bf_place *here, bf_arena *arena,
                        bf_error *error);
bf_err bf_relate_job_spec (void *message, const bf_place *here, bf_arena *arena,
                           bf_error *error);
bf_err bf_relate_job_ref (void *message, const bf_place *here, bf_arena *arena,
                          bf_error *error);
bf_err bf_relate_schedule (void *message, const bf_place *here, bf_arena *arena,
                           bf_error *error);
bf_err bf_relate_reschedule (void *message, const bf_place *here, bf_arena *arena,
                             bf_error *error);
bf_err bf_relate_snooze (void *message, const bf_place *here, bf_arena *arena,
                         bf_error *error);
bf_err bf_relate_history (void *message, const bf_place *here, bf_arena *arena,
                          bf_error *error);
bf_err bf_relate_request (void *message, const bf_place *here, bf_arena *arena,
                          bf_error *error);

#endif
